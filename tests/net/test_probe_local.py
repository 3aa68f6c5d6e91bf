"""What this machine's own counters say of a silent port."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.net.command import silent_port
from tests.net.namespaces import FAR, firewall, inside, ip, peer
from tests.net.servers import open_sockets
from tests.net.test_probe_errqueue import chain

from netwhy.core.asks import LocalDropsAsk, NeighbourAsk, RouteAsk
from netwhy.core.observations import LocalDrops, Neighbour
from netwhy.probes import local
from netwhy.system.counters import Counters, IpCounters

COUNT = st.integers(0, 2**64)
#: Every counter that tells where a received packet went.
EXPLAINED = (
    "in_delivers",
    "forwarded",
    "in_discards",
    "in_header_errors",
    "in_address_errors",
    "in_no_routes",
    "in_unknown_protocols",
    "in_truncated",
)


def counted(version: int, **values: int) -> Counters:
    one = IpCounters(**values)
    return Counters(True, ip=one) if version == 4 else Counters(True, ip6=one)


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("where", EXPLAINED)
@given(st.integers(0, 9), st.integers(0, 9), COUNT)
def test_what_came_and_went_nowhere_is_what_was_dropped(
    version: int, where: str, went: int, dropped: int, long_ago: int
) -> None:
    before = counted(version, in_receives=long_ago, in_delivers=long_ago)
    had = getattr(before.ip if version == 4 else before.ip6, where)
    more = {"in_receives": long_ago + went + dropped, "in_delivers": long_ago, where: had + went}
    after = counted(version, **more)
    assert local.undelivered(before, after, version) == dropped
    assert local.undelivered(before, after, 10 - version) == 0, "each family has its own"


@given(st.integers(2, 40))
def test_fragments_of_a_delivered_packet_are_not_dropped(pieces: int) -> None:
    before = counted(4)
    after = counted(
        4, in_receives=pieces, reassembly_received=pieces, reassembly_done=1, in_delivers=1
    )
    assert local.undelivered(before, after, 4) == 0
    lost = replace(after, ip=replace(after.ip, in_delivers=0))
    assert local.undelivered(before, lost, 4) == 1


# ------------------------------------------------------------------------ in real worlds


def drops_seen(far_rules: str, near_rules: str, addresses: list[str]) -> list[list[Any]]:
    async def both() -> list[LocalDrops]:
        asks = [LocalDropsAsk(ip_address(address), 80) for address in addresses]
        return await asyncio.gather(*(local.local_drops(ask, lambda early: None) for ask in asks))

    with peer(far_rules):
        if near_rules:
            firewall(near_rules)
        before = open_sockets()
        seen = asyncio.run(both())
        assert open_sockets() == before, "every SYN's socket is closed"
    return [[list(one.received), list(one.out_failed)] for one in seen]


def test_answers_that_the_own_firewall_drops_are_counted() -> None:
    """Two bursts of four SYNs, each answered by port 80 and dropped on the way in.

    A stray packet of the kernels' own (multicast of IPv6) may add or take one.
    """
    seen = inside(drops_seen, "", chain("input", "tcp sport 80 drop"), list(FAR))
    for received, failed in seen:
        assert len(received) == 2 and min(received) >= 3
        assert failed == [0, 0]


def test_a_silent_far_side_leaves_nothing_to_count() -> None:
    seen = inside(drops_seen, chain("input", "tcp dport 80 drop"), "", list(FAR))
    for received, failed in seen:
        assert len(received) == 2 and max(received) <= 2
        assert failed == [0, 0]


async def test_bursts_never_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    """The counters belong to the whole machine: two that count at once would count each other."""
    order: list[int] = []
    send = local._send_syn
    monkeypatch.setattr(local, "_WINDOW_S", 0.01)
    monkeypatch.setattr(local, "_OFFSET_S", 0.0)
    monkeypatch.setattr(local, "_ROUND_S", 0.03)
    monkeypatch.setattr(local, "_send_syn", lambda ask, b: (order.append(ask.port), send(ask, b)))
    with silent_port() as one, silent_port() as other:
        before = open_sockets()
        asks = [LocalDropsAsk(ip_address("127.0.0.1"), port) for port in (one, other)]
        await asyncio.gather(*(local.local_drops(ask, lambda early: None) for ask in asks))
        assert order == [one] * 8 + [other] * 8
        assert open_sockets() == before


async def test_cancelling_a_burst_closes_its_sockets_and_lets_the_next_one_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "_OFFSET_S", 0.0)
    monkeypatch.setattr(local, "_WINDOW_S", 0.05)
    monkeypatch.setattr(local, "_ROUND_S", 0.11)
    with silent_port() as port:
        before = open_sockets()
        ask = LocalDropsAsk(ip_address("127.0.0.1"), port)
        task = asyncio.create_task(local.local_drops(ask, lambda early: None))
        await asyncio.sleep(0.07)  # in the first burst
        task.cancel()
        await asyncio.wait([task], timeout=1)
        assert task.cancelled() and open_sockets() == before
        async with asyncio.timeout(5):
            seen = await local.local_drops(ask, lambda early: None)
        assert len(seen.received) == 2


def neighbours() -> list[Any]:
    """A neighbour that is there, one that is not, and one that nobody asked for."""
    with peer():
        ip("neighbour flush dev eth0")
        here = asyncio.run(_neighbour(FAR[0]))
        ip("neighbour add 192.0.2.99 dev eth0 nud incomplete")
        gone, early = asyncio.run(_neighbour("192.0.2.99"))
        route = asyncio.run(local.route(RouteAsk(ip_address(FAR[0])), lambda early: None))
    return [here[0].state, gone.state, len(early) > 1, route.interface, str(route.source)]


async def _neighbour(address: str) -> tuple[Neighbour, list[Neighbour]]:
    early: list[Neighbour] = []
    ask = NeighbourAsk(ip_address(address), "eth0")
    return await local.neighbour(ask, early.append), early


def test_an_undecided_neighbour_is_waited_for() -> None:
    here, gone, told_early, interface, source = inside(neighbours)
    assert here == "NONE" and gone in ("INCOMPLETE", "FAILED") and told_early
    assert (interface, source) == ("eth0", "192.0.2.10")
