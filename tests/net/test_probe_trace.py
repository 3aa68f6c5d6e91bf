"""The way to a host, followed through real routers."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import time
from ipaddress import ip_address
from typing import Any

import pytest
from tests.net.namespaces import in_process, inside, sysctl
from tests.net.servers import eventually, open_sockets
from tests.net.ways import cable, chain, far, filters, hides

from netwhy.core.asks import ConnectAsk, TraceAsk, UdpAsk
from netwhy.core.observations import Skipped, Trace
from netwhy.probes import tcp, trace, udp

ALL = [(4, "tcp"), (4, "udp"), (4, "icmp"), (6, "tcp"), (6, "udp"), (6, "icmp")]


def follow(address: str, transport: str = "tcp", port: int | None = 9) -> Trace:
    ask = TraceAsk(ip_address(address), None if transport == "icmp" else port, transport)
    seen = asyncio.run(trace.trace(ask, lambda early: None))
    assert isinstance(seen, Trace), seen
    return seen


def told(seen: Trace) -> dict[str, Any]:
    return {
        "way": [str(hop.address) if hop.address else "*" for hop in seen.hops],
        "reached": seen.reached,
        "error": seen.error,
        "circle": [str(router) for router in seen.circle],
        "ms": seen.ms,
        "timed": all(hop.rtt_ms is not None for hop in seen.hops if hop.address),
    }


def every_way(length: int) -> list[Any]:
    sysctl("ipv4/ping_group_range", "0 2147483647")
    with chain(length):
        ends = {version: far(length - 1, version) for version, _ in ALL}
        return [told(follow(ends[version], transport)) for version, transport in ALL]


def test_each_router_is_named_and_the_target_ends_the_way() -> None:
    for (version, transport), seen in zip(ALL, inside(every_way, 4), strict=True):
        assert seen["way"] == [far(n, version) for n in range(4)], (version, transport)
        assert (seen["reached"], seen["error"], seen["circle"]) == (4, None, [])
        assert seen["timed"] and seen["ms"] < 4000


def a_long_way() -> list[Any]:
    with chain(9):
        return [told(follow(far(8, version))) for version in (4, 6)]


def test_a_way_longer_than_the_first_packets_is_followed_to_its_end() -> None:
    for version, seen in zip((4, 6), inside(a_long_way), strict=True):
        assert seen["way"] == [far(n, version) for n in range(9)]
        assert seen["reached"] == 9


def with_a_hidden_router() -> list[Any]:
    with chain(4) as machines:
        hides(machines[1])
        return [told(follow(far(3, version), "udp")) for version in (4, 6)]


def test_a_router_that_tells_nothing_of_itself_is_a_gap_and_no_end() -> None:
    for version, seen in zip((4, 6), inside(with_a_hidden_router), strict=True):
        assert seen["way"] == [far(0, version), "*", far(2, version), far(3, version)]
        assert seen["reached"] == 4


#: Where a rule drops the port, and which routers still answer for it.
DROPS = [("forward", 1, 2), ("prerouting", 1, 1), ("input", 3, 3)]


def dropped(hook: str, number: int) -> list[Any]:
    with chain(4) as machines:
        filters(machines[number], hook, "tcp dport 80 drop")
        return [told(follow(far(3, v), port=port)) for v in (4, 6) for port in (80, 81)]


@pytest.mark.parametrize(("hook", "number", "answering"), DROPS)
def test_a_way_ends_where_its_packets_are_dropped(hook: str, number: int, answering: int) -> None:
    found = inside(dropped, hook, number)
    for version, (silent, other) in zip((4, 6), (found[:2], found[2:]), strict=True):
        ways = [far(n, version) for n in range(answering)]
        assert silent["way"][:answering] == ways
        assert set(silent["way"][answering:]) == {"*"}
        assert (silent["reached"], silent["error"]) == (None, "TIMEOUT")
        assert 1000 < silent["ms"] < 4000
        assert other["reached"] == 4


def round_a_ring() -> list[Any]:
    nowhere = ("198.51.100.7", "2001:db8:ffff::7")
    with chain(4) as machines:
        cable(machines[3], machines[1], 4)
        for version, target in zip((4, 6), nowhere, strict=True):
            machines[3].route(f"{target} via {far(4, version)}")
        return [told(follow(target, kind)) for target in nowhere for kind in ("tcp", "udp")]


def test_three_routers_in_a_ring_are_met_again_and_again() -> None:
    """Each answers by the address that it has towards this machine, or where the packet came in."""
    four = [far(1), far(2), far(3)]
    found = inside(round_a_ring)
    for seen in found[:2]:
        assert seen["circle"] == four
    for seen in found:
        assert len(seen["circle"]) == 3 and seen["way"][0] not in seen["circle"]
        assert seen["reached"] is None and seen["ms"] < 4000


def refused_by_a_router() -> Any:
    with chain(3) as machines:
        filters(machines[1], "forward", "tcp dport 80 reject with icmp type admin-prohibited")
        seen = follow(far(2), port=80)
        assert seen.stopped is not None and seen.stopped.icmp is not None
        return [told(seen), str(seen.stopped.address), seen.stopped.icmp.label]


def test_a_router_that_forbids_it_ends_the_way_with_its_word() -> None:
    seen, sender, label = inside(refused_by_a_router)
    assert (seen["reached"], seen["error"], sender) == (None, "EHOSTUNREACH", far(1))
    assert "prohibited" in label


def refused_here() -> list[Any]:
    with chain(2):
        filters(None, "output", "udp dport 9 drop; tcp dport 9 drop")
        return [told(follow(far(1), kind)) for kind in ("udp", "tcp")]


def test_what_may_not_leave_this_machine_shows_no_router() -> None:
    datagram, syn = inside(refused_here)
    assert (datagram["error"], datagram["reached"]) == ("EPERM", None)
    assert (syn["error"], set(syn["way"])) == ("TIMEOUT", {"*"})


def distances() -> list[Any]:
    with chain(4) as machines:
        filters(machines[2], "forward", "meta l4proto { tcp, udp } th dport 80 reject")
        found = []
        for version in (4, 6):
            to = ip_address(far(3, version))
            found.append(asyncio.run(tcp.connect(ConnectAsk(to, 80), lambda early: None)).icmp)
            found.append(asyncio.run(udp.exchange(UdpAsk(to, 80), lambda early: None)).icmp)
        return [[str(icmp.sender), icmp.distance] for icmp in found if icmp is not None]


def test_an_icmp_error_tells_how_far_its_sender_is() -> None:
    assert inside(distances) == [[far(2, v), 3] for v in (4, 4, 6, 6)]


def test_this_machine_itself_is_one_hop_away() -> None:
    seen = follow("127.0.0.1", port=1)
    assert (seen.reached, seen.routers, seen.circle) == (1, (), ())


def with_few_files() -> Any:
    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    ask = TraceAsk(ip_address("127.0.0.1"), 9)
    seen = asyncio.run(trace.trace(ask, lambda early: None))
    assert isinstance(seen, Skipped)
    return seen.reason


def test_it_leaves_the_last_file_descriptors_to_others() -> None:
    assert "file descriptors" in in_process(with_few_files)


def given_up() -> list[int]:
    """Cancelled half way: how many sockets were open before, during and after."""

    async def run() -> list[int]:
        before = len(open_sockets())
        ask = TraceAsk(ip_address(far(0)), 9)
        task = asyncio.create_task(trace.trace(ask, lambda early: None))
        await eventually(lambda: len(open_sockets()) > before)
        during = len(open_sockets())
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return [before, during, len(open_sockets())]

    with chain(1) as machines:
        filters(machines[0], "input", "tcp dport 9 drop")
        return asyncio.run(run())


def test_cancelling_closes_every_socket_at_once() -> None:
    before, during, after = inside(given_up)
    assert before == after < during <= before + 6


def test_an_early_word_says_that_it_is_under_way() -> None:
    words: list[Trace] = []
    ask = TraceAsk(ip_address("127.0.0.1"), 1)
    started = time.monotonic()
    asyncio.run(trace.trace(ask, words.append))
    assert [word.pending for word in words] == [True]
    assert time.monotonic() - started < 5
