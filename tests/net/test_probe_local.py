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
from tests.net.servers import eventually, open_sockets
from tests.net.test_probe_errqueue import chain

from netwhy.core.asks import LocalDropsAsk, NeighbourAsk, ResetOriginAsk, RouteAsk
from netwhy.core.observations import LocalDrops, Neighbour, ResetOrigin
from netwhy.probes import drops, local, resets
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
    assert drops.undelivered(before, after, version) == dropped
    assert drops.undelivered(before, after, 10 - version) == 0, "each family has its own"


@given(st.integers(2, 40))
def test_fragments_of_a_delivered_packet_are_not_dropped(pieces: int) -> None:
    before = counted(4)
    after = counted(
        4, in_receives=pieces, reassembly_received=pieces, reassembly_done=1, in_delivers=1
    )
    assert drops.undelivered(before, after, 4) == 0
    lost = replace(after, ip=replace(after.ip, in_delivers=0))
    assert drops.undelivered(before, lost, 4) == 1


# ------------------------------------------------------------------------ in real worlds


def drops_seen(far_rules: str, near_rules: str, addresses: list[str]) -> list[list[Any]]:
    async def both() -> list[LocalDrops]:
        asks = [LocalDropsAsk(ip_address(address), 80) for address in addresses]
        return await asyncio.gather(*(drops.local_drops(ask, lambda early: None) for ask in asks))

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
        assert sum(count >= 3 for count in received) >= 2
        assert set(failed) == {0}


def test_a_silent_far_side_leaves_nothing_to_count() -> None:
    seen = inside(drops_seen, chain("input", "tcp dport 80 drop"), "", list(FAR))
    for received, failed in seen:
        assert len(received) >= 2 and max(received) <= 2
        assert set(failed) == {0}


def resets_seen(far_rules: str, near_rules: str, addresses: list[str]) -> list[Any]:
    """Of each address: does the reset of its closed port come from this machine itself?"""

    async def both() -> list[ResetOrigin]:
        asks = [ResetOriginAsk(ip_address(address), 81) for address in addresses]
        return [await resets.origin(ask, lambda early: None) for ask in asks]

    with peer(far_rules):
        if near_rules:
            firewall(near_rules)
        before = open_sockets()
        seen = asyncio.run(both())
        assert open_sockets() == before
    return [[one.here, len(one.received)] for one in seen]


def test_a_reset_of_the_own_firewall_comes_over_loopback() -> None:
    rule = chain("output", "tcp dport 81 reject with tcp reset")
    seen = inside(resets_seen, "", rule, list(FAR))
    assert [here for here, _tries in seen] == [True, True]


def test_a_reset_of_a_closed_port_comes_from_outside() -> None:
    seen = inside(resets_seen, "", "", list(FAR))
    assert [here for here, _tries in seen] == [False, False]


def quick(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Short windows; the ports of each burst are recorded."""
    bursts: list[tuple[int, ...]] = []
    send = drops._send
    monkeypatch.setattr(drops, "_WINDOW_S", 0.01)
    monkeypatch.setattr(drops, "_OFFSET_S", 0.02)
    monkeypatch.setattr(drops, "_ROUND_S", 0.03)

    def record(asks: Any, burst: Any) -> None:
        bursts.append(tuple(ask.port for ask in asks))
        send(asks, burst)

    monkeypatch.setattr(drops, "_send", record)
    return bursts


def no_early_word(early: LocalDrops) -> None:
    raise AssertionError(early)


async def test_endpoints_that_come_together_are_counted_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bursts = quick(monkeypatch)
    with silent_port() as one, silent_port() as other:
        before = open_sockets()
        asks = [LocalDropsAsk(ip_address("127.0.0.1"), port) for port in (one, other)]
        seen = await asyncio.gather(*(drops.local_drops(ask, no_early_word) for ask in asks))
        assert [found.port for found in seen] == [one, other]
        assert open_sockets() == before
    lost = any(count > 0 for found in seen for count in found.received)  # others' packets
    assert set(bursts[:2]) == {(one, other)} and (lost or len(bursts) <= 4)


async def test_one_that_comes_later_waits_for_its_own_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The counters belong to the whole machine: two that count at once would count each other."""
    bursts = quick(monkeypatch)
    with silent_port() as one, silent_port() as other:
        asks = [LocalDropsAsk(ip_address("127.0.0.1"), port) for port in (one, other)]
        first = asyncio.create_task(drops.local_drops(asks[0], no_early_word))
        await eventually(lambda: bool(bursts))  # its windows have begun
        await drops.local_drops(asks[1], no_early_word)
        await first
    assert all(len(burst) == 1 for burst in bursts)
    assert [*dict.fromkeys(bursts)] == [(one,), (other,)] and bursts == sorted(
        bursts, key=[(one,), (other,)].index
    )


async def test_where_answers_are_lost_each_endpoint_is_counted_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bursts = quick(monkeypatch)
    counts = iter([*([0, 5] * 4), *([0, 5] * 4), *([0, 0] * 4)])
    monkeypatch.setattr(drops, "undelivered", lambda *_: next(counts))
    with silent_port() as one, silent_port() as other:
        asks = [LocalDropsAsk(ip_address("127.0.0.1"), port) for port in (one, other)]
        await asyncio.gather(*(drops.local_drops(ask, no_early_word) for ask in asks))
    assert bursts[0] == (one, other) and {(one,), (other,)} <= set(bursts)


async def test_cancelling_a_burst_closes_its_sockets_and_lets_the_next_one_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drops, "_OFFSET_S", 0.0)
    monkeypatch.setattr(drops, "_WINDOW_S", 0.05)
    monkeypatch.setattr(drops, "_ROUND_S", 0.11)
    with silent_port() as port:
        before = open_sockets()
        ask = LocalDropsAsk(ip_address("127.0.0.1"), port)
        task = asyncio.create_task(drops.local_drops(ask, lambda early: None))
        await asyncio.sleep(0.07)  # in the first burst
        task.cancel()
        await asyncio.wait([task], timeout=10)
        assert task.cancelled() and open_sockets() == before
        async with asyncio.timeout(20):
            seen = await drops.local_drops(ask, lambda early: None)
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
