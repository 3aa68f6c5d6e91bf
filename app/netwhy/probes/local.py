"""This machine: its state, its routes, its sockets and its counters."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
import weakref
from collections.abc import Callable
from dataclasses import replace

from netwhy.core.asks import (
    LocalAsk,
    LocalDropsAsk,
    NeighbourAsk,
    PortTableAsk,
    PortUseAsk,
    RouteAsk,
)
from netwhy.core.observations import LocalDrops, LocalState, Neighbour, PortTable, PortUse, Route
from netwhy.system import counters, local, routes, sockets, threads
from netwhy.system.sockaddr import family, sockaddr

#: How long an undecided entry is given: the kernel asks three times, a second apart.
_NEIGHBOUR_WAIT_S = {"INCOMPLETE": 2.6, "NONE": 0.3}
#: delay_first_probe_time (5 s) and three probes (arp(7)).
_SETTLE_S = 9.0
_BURST = 4
#: The kernels at both ends send again on whole seconds after the first SYN.  The contrast probes
#: leave when this one starts, so their answers and those of the silent connect fall outside of
#: two windows of this length that begin a quarter of a second later, once a second.
_WINDOW_S = 0.3
_OFFSET_S = 0.25
_ROUND_S = 1.0
_ROUNDS = 4
#: Only one burst at a time: the counters belong to the whole machine.
_counting: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = (
    weakref.WeakKeyDictionary()
)


async def state(ask: LocalAsk, tell: Callable[[LocalState], None]) -> LocalState:
    """Interfaces, addresses, gateways and limits."""
    return local.local_state()


async def route(ask: RouteAsk, tell: Callable[[Route], None]) -> Route:
    """The kernel's route to an address."""
    return routes.route(ask.address)


async def neighbour(ask: NeighbourAsk, tell: Callable[[Neighbour], None]) -> Neighbour:
    """The neighbour entry, once it is decided: an INCOMPLETE one may still become REACHABLE."""
    started = time.monotonic()
    while True:
        seen = routes.neighbour(ask.address, ask.interface)
        wait_s = _NEIGHBOUR_WAIT_S.get(seen.state, 0.0)
        if ask.settle and seen.state in ("STALE", "DELAY", "PROBE"):
            wait_s = _SETTLE_S
        waited_s = time.monotonic() - started
        if waited_s >= wait_s:
            return replace(seen, waited_s=waited_s)
        tell(seen)
        await asyncio.sleep(0.1)


async def port_table(ask: PortTableAsk, tell: Callable[[PortTable], None]) -> PortTable:
    """The sockets of one local port with their owners; the owners' scan runs in a thread."""
    return await threads.call(lambda: sockets.port_table(ask.port, ask.transport))


async def port_use(ask: PortUseAsk, tell: Callable[[PortUse], None]) -> PortUse:
    """How many source ports to one destination are taken."""
    return await threads.call(lambda: sockets.port_use(ask.address, ask.port))


async def local_drops(ask: LocalDropsAsk, tell: Callable[[LocalDrops], None]) -> LocalDrops:
    """Do answers reach this machine and get lost in it?  Bursts, each after an idle window.

    A burst is _BURST SYNs to the silent port.  An answer that the own firewall drops counts as
    received and is delivered to no protocol; in the idle window the same count shows the noise.
    Two bursts where they agree, up to _ROUNDS where stray packets blur them.
    """
    received: list[int] = []
    failed: list[int] = []
    noise: list[int] = []
    loop = asyncio.get_running_loop()
    async with _counting.setdefault(loop, asyncio.Lock()):
        started = loop.time()
        for number in range(_ROUNDS):
            if number >= 2 and _clear(received, noise):
                break
            await asyncio.sleep(started + _OFFSET_S + number * _ROUND_S - loop.time())
            before = counters.counters()
            await asyncio.sleep(_WINDOW_S)
            idle = counters.counters()
            with contextlib.ExitStack() as burst:
                for _ in range(_BURST):
                    _send_syn(ask, burst)
                await asyncio.sleep(_WINDOW_S)
                after = counters.counters()
            noise.append(undelivered(before, idle, ask.address.version))
            received.append(undelivered(idle, after, ask.address.version) - noise[-1])
            failed.append(after.tcp_retrans_fail - idle.tcp_retrans_fail)
    return LocalDrops(ask.address, ask.port, tuple(received), tuple(failed), tuple(noise))


def _clear(received: list[int], noise: list[int]) -> bool:
    """Have two quiet rounds said the same: answers were lost in both, or in neither?"""
    quiet = [count for count, stray in zip(received, noise, strict=True) if stray <= 0]
    lost = sum(count > 0 for count in quiet)
    return max(lost, len(quiet) - lost) >= 2


def _send_syn(ask: LocalDropsAsk, burst: contextlib.ExitStack) -> None:
    try:
        sock = burst.enter_context(socket.socket(family(ask.address), socket.SOCK_STREAM))
        sock.setblocking(False)
        sock.connect_ex(sockaddr(ask.address, ask.port))
    except OSError:
        return  # without the SYN the count stays lower: the safe direction


def undelivered(before: counters.Counters, after: counters.Counters, version: int) -> int:
    """Packets received in between that nothing accounts for: what an input filter took away."""
    if version == 6:
        return after.ip6.unaccounted - before.ip6.unaccounted
    return after.ip.unaccounted - before.ip.unaccounted
