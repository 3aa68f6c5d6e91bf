"""Do answers reach this machine and get lost in it?  The kernel's counters around a burst.

The counters belong to the whole machine, so only one count is made at a time.  Silent endpoints
that come up together are counted together: where nothing is lost, that holds for each of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from netwhy.core.asks import LocalDropsAsk
from netwhy.core.observations import LocalDrops
from netwhy.core.requests import request
from netwhy.system import counters
from netwhy.system.sockaddr import family, sockaddr

_BURST = 4
#: The kernels at both ends send again on whole seconds after the first SYN.  The contrast probes
#: leave when this one starts, so their answers and those of the silent connect fall outside of
#: two windows of this length that begin a quarter of a second later.  What the far side sends
#: again to a burst comes a second after it: rounds are a little shorter, so that it falls into the
#: middle of the next burst, where it belongs, and never into the idle window before it.
_WINDOW_S = 0.3
_OFFSET_S = 0.25
_ROUND_S = 0.9
_ROUNDS = 4
#: Endpoints that are counted together at most: a burst must fit into its window.
_MOST_TOGETHER = 12


@dataclass(slots=True)
class _Rounds:
    """What one IP version's counters said in each round."""

    received: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    noise: list[int] = field(default_factory=list)
    reverse: list[int] = field(default_factory=list)

    def clear(self) -> bool:
        """Have two quiet rounds said the same: answers were lost in both, or in neither?"""
        seen = zip(self.received, self.noise, strict=True)
        quiet = [count for count, stray in seen if stray <= 0]
        lost = sum(count > 0 for count in quiet)
        return max(lost, len(quiet) - lost) >= 2

    def seen(self, ask: LocalDropsAsk) -> LocalDrops:
        return LocalDrops(
            ask.address,
            ask.port,
            tuple(self.received),
            tuple(self.failed),
            tuple(self.noise),
            tuple(self.reverse),
        )


@dataclass(slots=True, eq=False)
class _Group:
    """Endpoints that are counted together, and the count; `closed` once its windows have begun."""

    waiting: list[LocalDropsAsk] = field(default_factory=list)
    counted: tuple[LocalDropsAsk, ...] = ()
    closed: bool = False
    task: asyncio.Task[dict[int, _Rounds]] | None = None

    def takes(self) -> bool:
        return not self.closed and len(self.waiting) < _MOST_TOGETHER


class _Desk:
    """One count at a time, and the group that may still be joined."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self._group: _Group | None = None

    def join(self, ask: LocalDropsAsk) -> _Group:
        group = self._group
        if group is None or not group.takes():
            group = self._group = _Group()
            group.task = asyncio.create_task(self._count(group))
        group.waiting.append(ask)
        return group

    def leave(self, group: _Group, ask: LocalDropsAsk) -> None:
        """Nobody counts for somebody who has gone."""
        group.waiting.remove(ask)
        if not group.waiting and group.task is not None:
            group.closed = True
            group.task.cancel()

    async def _count(self, group: _Group) -> dict[int, _Rounds]:
        async with self.lock:
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(_OFFSET_S)
            group.closed, group.counted = True, tuple(group.waiting)
            return await _rounds(group.counted, began)


_desks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Desk] = weakref.WeakKeyDictionary()


async def local_drops(ask: LocalDropsAsk, tell: Callable[[LocalDrops], None]) -> LocalDrops:
    """Are answers of a silent endpoint dropped here?  Bursts, each after an idle window.

    A burst is _BURST SYNs or datagrams to the silent port.  An answer that the own firewall drops
    counts as received and is delivered to no protocol; in the idle window the same count shows
    the noise.  Two bursts where they agree, up to _ROUNDS where stray packets blur them.
    """
    desk = _desks.setdefault(asyncio.get_running_loop(), _Desk())
    group = desk.join(ask)
    try:
        assert group.task is not None  # made by the first that joined
        rounds = (await asyncio.shield(group.task))[ask.address.version]
    finally:
        desk.leave(group, ask)
    beside = [a for a in group.counted if a.address.version == ask.address.version]
    if len(beside) > 1 and any(count > 0 for count in rounds.received):
        async with desk.lock:  # somebody's answers are lost: whose?
            began = asyncio.get_running_loop().time()
            rounds = (await _rounds((ask,), began))[ask.address.version]
    return rounds.seen(ask)


async def _rounds(asks: Sequence[LocalDropsAsk], began: float) -> dict[int, _Rounds]:
    """Rounds of an idle window and a burst, until they are clear; for each IP version of `asks`."""
    loop = asyncio.get_running_loop()
    versions = sorted({ask.address.version for ask in asks})
    found: dict[int, _Rounds] = {version: _Rounds() for version in versions}
    for number in range(_ROUNDS):
        if number >= 2 and all(rounds.clear() for rounds in found.values()):
            break
        await asyncio.sleep(began + _OFFSET_S + number * _ROUND_S - loop.time())
        before = counters.counters()
        await asyncio.sleep(_WINDOW_S)
        idle = counters.counters()
        with contextlib.ExitStack() as burst:
            _send(asks, burst)
            await asyncio.sleep(_WINDOW_S)
            after = counters.counters()
        for version, rounds in found.items():
            noise = undelivered(before, idle, version)
            rounds.noise.append(noise)
            rounds.received.append(undelivered(idle, after, version) - noise)
            rounds.failed.append(after.tcp_retrans_fail - idle.tcp_retrans_fail)
            rounds.reverse.append(after.reverse_path_filtered - idle.reverse_path_filtered)
    return found


def _send(asks: Iterable[LocalDropsAsk], burst: contextlib.ExitStack) -> None:
    """A burst to each endpoint.  What cannot be sent leaves the count lower: the safe direction."""
    for ask in asks:
        kind = socket.SOCK_DGRAM if ask.transport == "udp" else socket.SOCK_STREAM
        for _ in range(_BURST):
            with contextlib.suppress(OSError):
                sock = burst.enter_context(socket.socket(family(ask.address), kind))
                sock.setblocking(False)
                sock.connect_ex(sockaddr(ask.address, ask.port))
                if ask.transport == "udp":
                    sock.send(request(ask.port, ask.send)[1])


def undelivered(before: counters.Counters, after: counters.Counters, version: int) -> int:
    """Packets received in between that nothing accounts for: what an input filter took away."""
    if version == 6:
        return after.ip6.unaccounted - before.ip6.unaccounted
    return after.ip.unaccounted - before.ip.unaccounted
