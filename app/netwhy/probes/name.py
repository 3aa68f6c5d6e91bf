"""The name, as the system resolves it, and the files that decide it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from ipaddress import ip_address

from netwhy.core.asks import HostsAsk, ResolverConfigAsk, SystemLookupAsk
from netwhy.core.errnames import error_name
from netwhy.core.observations import TIMEOUT, HostsEntry, ResolverConfig, SystemLookup
from netwhy.system import hosts, resolvers, threads

_FAMILY = {None: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}


async def configuration(
    ask: ResolverConfigAsk, tell: Callable[[ResolverConfig], None]
) -> ResolverConfig:
    """The resolver configuration of this machine, read from its files."""
    return resolvers.resolver_config()


async def hosts_file(ask: HostsAsk, tell: Callable[[HostsEntry], None]) -> HostsEntry:
    """The lines of the hosts file for one name."""
    return hosts.hosts_entry(ask.name)


async def system_lookup(ask: SystemLookupAsk, tell: Callable[[SystemLookup], None]) -> SystemLookup:
    """`getaddrinfo`, timed inside a thread of our own; given up just before the ask's deadline."""

    def look_up() -> SystemLookup:
        started = time.perf_counter()
        try:
            # Bytes keep Python from importing its IDNA codec; the name is an A-label already.
            name = ask.name.encode("ascii", "surrogateescape")
            rows = socket.getaddrinfo(name, None, _FAMILY[ask.family], socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            return SystemLookup(ask.name, (), error_name(error), _ms(started))
        found = dict.fromkeys(ip_address(row[4][0]) for row in rows)
        return SystemLookup(ask.name, tuple(found), None, _ms(started))

    started = time.perf_counter()
    try:
        async with asyncio.timeout(ask.deadline_s - 0.2):
            return await threads.call(look_up)
    except TimeoutError:
        return SystemLookup(ask.name, (), TIMEOUT, _ms(started))


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
