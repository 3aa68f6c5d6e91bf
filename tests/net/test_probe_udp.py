"""The datagram and what comes back, from real servers and from none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from ipaddress import ip_address

import dns.message
import dns.rdatatype
import pytest
from tests.net.namespaces import inside
from tests.net.servers import closed_udp_port, open_sockets, udp_server

from netwhy.core.asks import UdpAsk
from netwhy.core.observations import TIMEOUT, Icmp, UdpExchange
from netwhy.probes import udp

BOTH = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])


async def exchange(
    port: int,
    address: str = "127.0.0.1",
    *,
    timeout_s: float | None = None,
    send: str | None = None,
) -> UdpExchange:
    ask = UdpAsk(ip_address(address), port, timeout_s, send)
    return await udp.exchange(ask, lambda early: None)


@BOTH
async def test_a_reply_is_a_reply(address: str) -> None:
    with udp_server(lambda data: data, address) as (port, came):
        seen = await exchange(port, address)
    assert seen.replied and seen.sent and not seen.silent and seen.error is None
    assert seen.ms is not None and seen.ms > 0
    assert (came.get_nowait(), came.empty()) == (b"netwhy\n", True)


async def test_an_empty_reply_is_a_reply_too() -> None:
    with udp_server(lambda data: b"") as (port, _came):
        assert (await exchange(port)).replied


@BOTH
async def test_a_closed_port_refuses_with_its_own_address(address: str) -> None:
    with closed_udp_port(address) as port:
        seen = await exchange(port, address)
    kind, code = (3, 3) if address == "127.0.0.1" else (1, 4)
    version = ip_address(address).version
    assert seen.error == "ECONNREFUSED" and seen.sent and not seen.silent
    assert seen.icmp == Icmp(version, kind, code, ip_address(address), own=True)


async def test_silence_is_asked_again_and_then_told_as_silence() -> None:
    with udp_server(lambda data: None) as (port, came):
        seen = await exchange(port, timeout_s=1.3)
        assert seen.silent and seen.error == TIMEOUT and not seen.replied
        assert seen.ms is not None and seen.ms >= 1300
        assert (seen.icmp, seen.sent) == (None, True)
    assert came.qsize() == 2


async def test_an_answer_to_the_second_datagram_counts() -> None:
    seen_before: list[bytes] = []

    def second(data: bytes) -> bytes | None:
        seen_before.append(data)
        return data if len(seen_before) == 2 else None

    with udp_server(second) as (port, _came):
        seen = await exchange(port)
    assert seen.replied and seen.ms is not None and seen.ms >= 1000


async def test_the_configured_text_is_sent_as_it_is() -> None:
    with udp_server(lambda data: data) as (port, came):
        seen = await exchange(port, send="PING \u00e4\x00\n")
    assert (seen.request, came.get_nowait()) == ("as configured", b"PING \xc3\xa4\x00\n")


async def test_an_answer_of_somebody_else_is_not_an_answer() -> None:
    """The socket is connected: what comes from another port does not arrive."""
    with socket.socket(type=socket.SOCK_DGRAM) as asked, socket.socket(type=socket.SOCK_DGRAM) as x:
        asked.bind(("127.0.0.1", 0))
        asked.settimeout(10)
        task = asyncio.create_task(exchange(asked.getsockname()[1], timeout_s=0.5))
        _data, prober = await asyncio.to_thread(asked.recvfrom, 100)
        x.sendto(b"me too", prober)
        assert (await task).silent


async def test_cancelling_closes_the_socket_at_once() -> None:
    with udp_server(lambda data: None) as (port, came):
        before = open_sockets()
        task = asyncio.create_task(exchange(port, timeout_s=60))
        await asyncio.to_thread(came.get, timeout=10)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await task
        assert task.cancelled() and open_sockets() == before


@pytest.mark.parametrize(
    ("address", "port", "error"),
    [
        ("fe80::1%no-such-if", 53, "ENODEV"),
        ("fe80::1", 53, "EINVAL"),
        ("127.0.0.1", 70000, "EINVAL"),
    ],
)
async def test_what_cannot_even_be_tried_is_an_observation(
    address: str, port: int, error: str
) -> None:
    seen = await exchange(port, address)
    assert (seen.error, seen.sent, seen.icmp, seen.silent) == (error, False, None, False)


def nowhere() -> list[object]:
    """A namespace whose only interface is down: no route to anywhere."""
    seen = asyncio.run(exchange(53, "192.0.2.1"))
    return [seen.error, seen.sent, seen.silent]


def test_no_route_is_said_at_once() -> None:
    assert inside(nowhere) == ["ENETUNREACH", False, False]


# -------------------------------------------------------------------------------- requests


def test_port_53_gets_a_valid_dns_query() -> None:
    label, wire = udp.request(53, None)
    query = dns.message.from_wire(wire)
    (question,) = query.question
    assert label == "DNS query" and query.flags == 0x0100  # recursion desired, nothing else
    assert (str(question.name), question.rdtype) == (".", dns.rdatatype.NS)
    assert udp.request(53, None)[1] != wire, "another id each time"


def test_port_123_gets_an_ntp_client_request() -> None:
    """RFC 5905, figure 8: 48 bytes; no leap warning, version 4, mode 3 in the first."""
    label, packet = udp.request(123, None)
    assert (label, len(packet)) == ("NTP client request", 48)
    assert (packet[0] >> 6, packet[0] >> 3 & 7, packet[0] & 7) == (0, 4, 3)
    assert not any(packet[1:])


def test_port_3478_gets_a_stun_binding_request() -> None:
    """RFC 8489, §5: type 0x0001, length 0, the magic cookie, a transaction of 96 bits."""
    label, packet = udp.request(3478, None)
    assert label == "STUN binding request"
    assert struct.unpack_from("!HHI", packet) == (0x0001, 0, 0x2112A442) and len(packet) == 20
    assert udp.request(3478, None)[1] != packet


@pytest.mark.parametrize("port", [1, 7, 53, 123, 514, 3478, 65535])
def test_no_request_is_empty_and_what_is_configured_wins(port: int) -> None:
    assert udp.request(port, None)[1]
    assert udp.request(port, "x") == ("as configured", b"x")
