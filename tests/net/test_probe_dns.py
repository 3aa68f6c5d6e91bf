"""One question to a real name server on loopback, for each way in which it may behave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from ipaddress import ip_address
from typing import Any

import dns.flags
import dns.message
import dns.name
import pytest
from tests.net.command import silent_port
from tests.net.nameserver import NameServer, name_server
from tests.net.servers import closed_udp_port, eventually, open_sockets

from netwhy.core.asks import DnsAsk
from netwhy.core.observations import TIMEOUT, DnsAnswer, Icmp
from netwhy.probes import dns as probe

TRANSPORTS = pytest.mark.parametrize("transport", ["udp", "tcp"])
HERE = ip_address("127.0.0.1")


async def query(
    server: NameServer | int, name: str, rrtype: str = "A", **options: Any
) -> tuple[DnsAnswer, list[DnsAnswer]]:
    early: list[DnsAnswer] = []
    port = server if isinstance(server, int) else server.port
    address = options.pop("at", HERE)
    ask = DnsAsk(address, name, rrtype, port=port, **options)
    return await probe.query(ask, early.append), early


# --------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@TRANSPORTS
async def test_an_answer_with_addresses(address: str, transport: str) -> None:
    with name_server(address) as server:
        seen, early = await query(server, "ok.test.", at=ip_address(address), transport=transport)
    assert (seen.error, seen.rcode, seen.records, seen.transport) == (None, "NOERROR", 1, transport)
    assert ip_address("192.0.2.1") in seen.addresses
    assert seen.recursion_available and not seen.truncated and not seen.authoritative
    assert not seen.nodata and seen.ms is not None and seen.ms > 0 and early == []


@TRANSPORTS
@pytest.mark.parametrize(
    ("name", "rcode"),
    [("nxdomain", "NXDOMAIN"), ("servfail", "SERVFAIL"), ("refused", "REFUSED")],
)
async def test_a_rcode_is_an_answer_not_an_error(name: str, rcode: str, transport: str) -> None:
    with name_server() as server:
        seen, _ = await query(server, f"{name}.test.", transport=transport)
    assert (seen.error, seen.rcode, seen.addresses, seen.records) == (None, rcode, (), 0)
    assert not seen.nodata and not seen.silent


async def test_how_long_a_no_may_be_remembered() -> None:
    """RFC 2308 §5: the smaller of the SOA's TTL (300) and its last field (45)."""
    with name_server() as server:
        assert (await query(server, "nxdomain.test."))[0].soa == ("test", 45)
        assert (await query(server, "servfail.test."))[0].soa is None


async def test_a_name_without_such_a_record() -> None:
    with name_server() as server:
        seen, _ = await query(server, "nodata.test.", "AAAA")
    assert seen.nodata and seen.rcode == "NOERROR" and seen.soa is None


async def test_checking_disabled_gets_what_a_validating_resolver_holds_back() -> None:
    with name_server() as server:
        refused, _ = await query(server, "bogus.test.")
        given, _ = await query(server, "bogus.test.", checking_disabled=True)
        first, second = server.queries
    assert (refused.rcode, refused.checking_disabled) == ("SERVFAIL", False)
    assert (given.rcode, given.checking_disabled) == ("NOERROR", True)
    assert not first.message.flags & dns.flags.CD and second.message.flags & dns.flags.CD


async def test_the_explanation_of_a_refusal_is_kept() -> None:
    with name_server() as server:
        seen, _ = await query(server, "refused.test.")
    assert (seen.rcode, seen.ede) == ("REFUSED", ((18, "not for you"),))


async def test_an_explanation_full_of_control_codes_is_only_text() -> None:
    """The probe passes it on as it came: the surfaces make it harmless, once."""
    with name_server() as server:
        seen, _ = await query(server, "escape.test.")
    assert (seen.rcode, seen.ede) == ("REFUSED", ((15, "\x1b[31mred\x07\n[/]\u202e"),))


async def test_an_explanation_that_is_no_utf_8_does_not_make_the_server_silent() -> None:
    with name_server() as server:
        seen, _ = await query(server, "latin1.test.")
    assert (seen.error, seen.rcode) == (None, "REFUSED")


async def test_a_truncated_answer_says_so_and_tcp_has_the_whole() -> None:
    with name_server() as server:
        cut, _ = await query(server, "tc.test.")
        whole, _ = await query(server, "tc.test.", transport="tcp")
    assert cut.truncated and not cut.nodata and cut.rcode == "NOERROR"
    assert not whole.truncated and ip_address("192.0.2.1") in whole.addresses


async def test_aliases_are_followed_in_order_whatever_their_case() -> None:
    with name_server() as server:
        seen, _ = await query(server, "Alias.test.")
    assert seen.chain == ("one.alias.test", "two.alias.test")
    assert [str(a) for a in seen.addresses] == ["192.0.2.7", "192.0.2.8"] and seen.records == 2


async def test_aliases_in_a_circle_end() -> None:
    with name_server() as server:
        seen, _ = await query(server, "loop.test.")
    assert seen.nodata and seen.addresses == () and 3 <= len(seen.chain) <= 4


# ------------------------------------------------------------------------- what is asked


@TRANSPORTS
async def test_the_query_offers_edns_of_1232_bytes_and_wants_recursion(transport: str) -> None:
    with name_server() as server:
        await query(server, "ok.test.", "AAAA", transport=transport)
        (asked,) = server.queries
    message = asked.message
    assert (message.edns, message.payload, asked.transport) == (
        0,
        1232,
        transport,
    )
    assert message.flags & dns.flags.RD and not message.flags & dns.flags.CD
    assert str(message.question[0]) == "ok.test. IN AAAA"


async def test_a_chaos_query_goes_out_in_its_class() -> None:
    with name_server() as server:
        await query(server, "version.bind.", "TXT", rrclass="CH")
        (asked,) = server.queries
    assert str(asked.message.question[0]) == "version.bind. CH TXT"


@pytest.mark.parametrize(
    ("name", "rrtype"),
    [("a" * 64 + ".test.", "A"), ("x..test.", "A"), ("ok.test.", "NO-SUCH-TYPE"), ("\udcff.", "A")],
)
async def test_what_cannot_be_put_on_the_wire_is_not_sent(name: str, rrtype: str) -> None:
    with name_server() as server:
        seen, _ = await query(server, name, rrtype)
        assert (seen.error, seen.rcode, server.queries) == ("EINVAL", None, [])


# ------------------------------------------------------------------ what is not an answer


@pytest.mark.parametrize("name", ["wrongid.test.", "wrongname.test.", "junk.test."])
async def test_what_is_not_the_answer_is_passed_over(name: str) -> None:
    with name_server() as server:
        seen, _ = await query(server, name)
        assert len(server.queries) == 1, "the right answer came to the first try"
    assert (seen.error, seen.rcode) == (None, "NOERROR")
    assert ip_address("192.0.2.1") in seen.addresses and seen.stray is None


@pytest.mark.parametrize(("kind", "why"), [("junk", "unreadable"), ("wrong", "other-id"),
                                           ("name", "other-question")])  # fmt: skip
async def test_a_reply_that_no_client_takes_is_remembered(kind: str, why: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))

        def reply() -> None:
            wire, sender = server.recvfrom(4096)
            answer = dns.message.make_response(dns.message.from_wire(wire))
            if kind == "wrong":
                answer.id ^= 1
            if kind == "name":
                answer.question[0].name = dns.name.from_text("other.test.")
            server.sendto(b"\0\1\2" if kind == "junk" else answer.to_wire(), sender)

        waiting = asyncio.create_task(asyncio.to_thread(reply))
        seen, _ = await query(server.getsockname()[1], "ok.test.", within_s=1.0)
        await waiting
    assert (seen.error, seen.stray) == (TIMEOUT, (why, HERE))


@pytest.mark.skipif(sys.platform != "linux", reason="the second try is connected elsewhere")
@pytest.mark.parametrize(("address", "other"), [("127.0.0.1", "127.0.0.2")])
async def test_a_reply_from_another_address_is_noticed(address: str, other: str) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere,
    ):
        server.bind((address, 0))
        elsewhere.bind((other, server.getsockname()[1]))

        def reply() -> None:
            for _ in range(2):
                wire, sender = server.recvfrom(4096)
                answer = dns.message.make_response(dns.message.from_wire(wire))
                elsewhere.sendto(answer.to_wire(), sender)

        waiting = asyncio.create_task(asyncio.to_thread(reply))
        seen, _ = await query(server.getsockname()[1], "ok.test.", within_s=1.8)
        await waiting
    assert (seen.error, seen.rcode) == (TIMEOUT, None)
    assert seen.stray == ("other-address", ip_address(other))


async def test_silence_is_told_early_and_asked_again_from_another_port() -> None:
    before = open_sockets()
    with name_server() as server:
        seen, early = await query(server, "silent.test.")
        first, second = server.of("silent.test.")
    assert seen.silent and seen.error == TIMEOUT and seen.tries == 2 and not seen.pending
    assert seen.ms is not None and seen.ms >= 4800
    (word,) = early
    assert word.pending and word.silent and word.ms is not None and 1300 <= word.ms < 4800
    assert first.source_port != second.source_port
    assert first.message.id == second.message.id
    assert open_sockets() == before


async def test_a_late_answer_to_the_first_try_is_not_lost() -> None:
    """It comes after the second try has left, and answers the first."""
    with name_server() as server:
        seen, early = await query(server, "late.test.")
        assert len(server.of("late.test.")) == 2
    assert (seen.error, seen.rcode) == (None, "NOERROR")
    assert seen.ms is not None and 2000 <= seen.ms < 4800
    assert [word.pending for word in early] == [True]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_closed_port_refuses_at_once(address: str) -> None:
    with closed_udp_port(address) as port:
        seen, early = await query(port, "ok.test.", at=ip_address(address))
    kind, code = (3, 3) if address == "127.0.0.1" else (1, 4)
    assert seen.error == "ECONNREFUSED" and not seen.silent and early == []
    version = ip_address(address).version
    assert seen.icmp == Icmp(version, kind, code, ip_address(address), own=True)
    assert seen.ms is not None and seen.ms < 1300, "no second try was needed"


async def test_a_closed_port_refuses_over_tcp_too() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        seen, _ = await query(holder.getsockname()[1], "ok.test.", transport="tcp")
    assert (seen.error, seen.icmp) == ("ECONNREFUSED", None)


async def test_a_connection_that_ends_in_the_middle_is_a_reset() -> None:
    with name_server() as server:
        seen, _ = await query(server, "half.test.", transport="tcp")
    assert (seen.error, seen.rcode) == ("ECONNRESET", None)


async def test_silence_over_tcp_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "DEADLINE_S", 0.4)
    before = open_sockets()
    with name_server() as server, silent_port() as silent:
        unanswered, _ = await query(server, "silent.test.", transport="tcp")
        unconnected, _ = await query(silent, "ok.test.", transport="tcp")
    assert unanswered.silent and unconnected.silent
    assert open_sockets() == before


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_a_scope_that_is_no_interface_is_named(transport: str) -> None:
    nowhere = ip_address("fe80::1%no-such-if")
    seen, _ = await query(53, "ok.test.", at=nowhere, transport=transport)
    assert seen.error == "ENODEV"


@TRANSPORTS
async def test_cancelling_leaves_no_socket_and_no_task(transport: str) -> None:
    with name_server() as server:
        before = open_sockets()
        task = asyncio.create_task(query(server, "silent.test.", transport=transport))
        await eventually(lambda: bool(server.queries))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await eventually(lambda: len(asyncio.all_tasks()) == 1)
        assert task.cancelled()
        await eventually(lambda: open_sockets() == before)  # over TCP also the server's end


async def test_a_hundred_at_once() -> None:
    with name_server() as server:
        names = ["ok.test.", "nxdomain.test.", "wrongid.test.", "alias.test."] * 25
        found = await asyncio.gather(*(query(server, name) for name in names))
    assert [seen.rcode for seen, _ in found] == ["NOERROR", "NXDOMAIN", "NOERROR", "NOERROR"] * 25


# ------------------------------------------------------------------------- contrast questions


async def test_a_question_without_edns_carries_none() -> None:
    with name_server() as server:
        seen, _ = await query(server, "old.test.", payload=0)
        assert (seen.rcode, seen.payload, seen.ttl) == ("NOERROR", 0, 60)
        seen, _ = await query(server, "old.test.", payload=512)
        assert (seen.rcode, seen.payload) == ("FORMERR", 512)
    assert [q.message.edns for q in server.of("old.test.")] == [-1, 0]
    assert server.of("old.test.")[1].message.payload == 512


async def test_a_contrast_question_does_not_wait_long() -> None:
    """One try only where there is no time for a second one."""
    with name_server() as server:
        seen, _ = await query(server, "silent.test.", within_s=0.4)
    assert seen.error == TIMEOUT and seen.tries == 1
    assert seen.ms is not None and 350 < seen.ms < 2400
    assert len(server.of("silent.test.")) == 1


async def test_a_repeated_question_is_another_one() -> None:
    with name_server() as server:
        first, _ = await query(server, "ok.test.")
        again, _ = await query(server, "ok.test.", attempt=1)
    assert (first.attempt, again.attempt) == (0, 1) and len(server.queries) == 2
