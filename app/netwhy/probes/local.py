"""This machine: its state, its routes and its sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from netwhy.core.asks import (
    LocalAsk,
    NeighbourAsk,
    PortTableAsk,
    PortUseAsk,
    RouteAsk,
    ServedAsk,
)
from netwhy.core.observations import (
    LocalState,
    Neighbour,
    PortServed,
    PortTable,
    PortUse,
    Route,
)
from netwhy.system import local, routes, sockets, threads

#: How long an undecided entry is given: the kernel asks three times, a second apart.
_NEIGHBOUR_WAIT_S = {"INCOMPLETE": 2.6, "NONE": 0.3}
#: delay_first_probe_time (5 s) and three probes (arp(7)).
_SETTLE_S = 9.0


async def state(ask: LocalAsk, tell: Callable[[LocalState], None]) -> LocalState:
    """Interfaces, addresses, gateways and limits."""
    return local.local_state()


async def route(ask: RouteAsk, tell: Callable[[Route], None]) -> Route:
    """The kernel's route to an address, or of one flow to it."""
    if ask.transport is not None and ask.port is not None:
        return routes.flow(ask.address, ask.transport, ask.port)
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


async def port_served(ask: ServedAsk, tell: Callable[[PortServed], None]) -> PortServed:
    """Who serves one TCP port, by handshakes with own addresses; in a thread."""
    from netwhy.system import serving

    return PortServed(ask.port, await threads.call(lambda: serving.served(ask.port)))


async def port_table(ask: PortTableAsk, tell: Callable[[PortTable], None]) -> PortTable:
    """The sockets of one local port with their owners; the owners' scan runs in a thread."""
    return await threads.call(lambda: sockets.port_table(ask.port, ask.transport))


async def port_use(ask: PortUseAsk, tell: Callable[[PortUse], None]) -> PortUse:
    """How many source ports to one destination are taken."""
    return await threads.call(lambda: sockets.port_use(ask.address, ask.port, ask.transport))
