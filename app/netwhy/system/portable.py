"""The same facts by portable calls, where there is no netlink: macOS, Windows, some sandboxes.

Less is known this way: no errno of a special route, no gateway address, no bound-only sockets.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeVar

from netwhy.core.model import IPAddress
from netwhy.core.observations import (
    Gateway,
    Interface,
    InterfaceAddress,
    Owner,
    Route,
    Socket,
)
from netwhy.system import proctables

T = TypeVar("T")

#: Documentation addresses (RFC 5737, 3849, 9637): only a default route leads to them, unless a
#: laboratory gave them to its own links; then the second of each family is taken.
_OUTSIDE: tuple[tuple[IPAddress, IPAddress], ...] = (
    (IPv4Address("192.0.2.1"), IPv4Address("198.51.100.1")),
    (IPv6Address("2001:db8::1"), IPv6Address("3fff::1")),
)
_STATES = {
    "ESTABLISHED": "ESTAB",
    "NONE": "UNCONN",
    "CLOSE": "CLOSE",
}


def interfaces() -> tuple[Interface, ...]:
    """Interfaces by psutil; `carrier` is unknown.  Empty where psutil cannot say."""
    try:
        import psutil

        addresses = psutil.net_if_addrs()
        stats = psutil.net_if_stats()
    except (ImportError, OSError, RuntimeError):
        return proctables.interfaces()  # psutil needs netlink for it too
    found = []
    for name, entries in addresses.items():
        stat = stats.get(name)
        kept = tuple(a for e in entries if (a := _interface_address(e.address, e.netmask)))
        found.append(
            Interface(
                name=name,
                index=_index(name),
                up=bool(stat and stat.isup),
                carrier=None,
                loopback=any(a.address.is_loopback for a in kept),
                addresses=kept,
                mtu=stat.mtu if stat else None,
            )
        )
    return tuple(found)


def _index(name: str) -> int:
    try:
        return socket.if_nametoindex(name)
    except (OSError, AttributeError):
        return 0


def _interface_address(text: str, netmask: str | None) -> InterfaceAddress | None:
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None  # a link-layer address
    prefix: int = address.max_prefixlen
    try:
        if netmask:
            prefix = int(ipaddress.ip_address(netmask.split("/", 1)[0])).bit_count()
    except ValueError:
        pass
    return InterfaceAddress(address, prefix)


def route(address: IPAddress) -> Route:
    """The route by connecting a UDP socket, which sends nothing: source, interface or errno."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(_destination(address))
            source = ipaddress.ip_address(probe.getsockname()[0].split("%", 1)[0])
    except OSError as error:
        # Being out of descriptors says nothing of the route.
        unrelated = error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
        symbol = errno.errorcode.get(error.errno or 0, "ENETUNREACH")
        return Route(address, error=None if unrelated else symbol)
    local = address.is_loopback or address == source
    multicast = address.is_multicast
    hop = None if local else proctables.next_hop(address)
    if hop is not None:
        return Route(address, None, hop[0], hop[1], source, multicast=multicast)
    own = interfaces()
    name = next((i.name for i in own if any(a.address == source for a in i.addresses)), None)
    return Route(address, interface=name, source=source, local=local, multicast=multicast)


def _destination(address: IPAddress) -> tuple[str, int] | tuple[str, int, int, int]:
    if isinstance(address, IPv6Address):
        scope = address.scope_id
        return str(IPv6Address(address.packed)), 9, 0, _index(scope) if scope else 0
    return str(address), 9


def gateways() -> tuple[Gateway, ...]:
    """A default route per family, with its interface; its next hop only where a file tells it."""
    on_link = [
        ipaddress.ip_network((a.address, a.prefix), strict=False)
        for i in interfaces()
        for a in i.addresses
    ]
    outside = (
        next((o for o in pair if not any(o in network for network in on_link)), pair[0])
        for pair in _OUTSIDE
    )
    found = [route(address) for address in outside]
    return tuple(
        Gateway(r.gateway, r.interface or "?", r.address.version)
        for r in found
        if r.error is None and r.source is not None and not r.source.is_loopback
    )


def sockets() -> tuple[Socket, ...]:
    """Sockets by psutil, with their owners.  macOS gives other users' only to root."""
    try:
        import psutil
    except ImportError:
        return ()
    try:
        rows = psutil.net_connections("inet")
    except (psutil.Error, OSError, RuntimeError):
        return ()
    found = []
    for row in rows:
        local, remote = _endpoint(row.laddr), _endpoint(row.raddr)
        if local is None:
            continue
        udp = row.type == socket.SOCK_DGRAM
        found.append(
            Socket(
                transport="udp" if udp else "tcp",
                address=local[0],
                port=local[1],
                state="ESTAB" if udp and remote else _STATES.get(row.status, row.status),
                remote=remote,
                owners=() if row.pid is None else (process(row.pid),),
            )
        )
    return tuple(found)


def _endpoint(pair: Sequence[Any]) -> tuple[IPAddress, int] | None:
    """psutil's `addr(ip, port)`, or an empty tuple."""
    address = _ip(str(pair[0])) if len(pair) == 2 else None
    return None if address is None else (address, int(pair[1]))


def process(pid: int) -> Owner:
    """One process by psutil: what of it may be read."""
    from netwhy.system.masking import command_line

    try:
        import psutil
    except ImportError:
        return Owner(pid=pid)

    def known(read: Callable[[], T], default: T) -> T:
        try:
            return read()
        except (psutil.Error, OSError, KeyError):
            return default  # gone meanwhile, or not ours to read

    try:
        found = psutil.Process(pid)
    except (psutil.Error, OSError):
        return Owner(pid=pid)
    nothing: list[Any] = []
    arguments: list[str] = known(found.cmdline, nothing)
    parents: list[Any] = known(found.parents, nothing)
    return Owner(
        pid=pid,
        name=known(found.name, "") or None,
        user=known(found.username, "") or None,
        command=command_line(arguments) if arguments else None,
        started=known(found.create_time, 0.0) or None,
        parents=tuple((p.pid, known(p.name, "?")) for p in parents[:8]),
    )


def _ip(text: str) -> IPAddress | None:
    try:
        found = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def resolvers() -> tuple[str, ...]:
    """The servers of the system's configuration as dnspython finds them (Windows registry)."""
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return ()
    try:
        return tuple(str(server) for server in dns.resolver.Resolver().nameservers)
    except (dns.exception.DNSException, OSError, ValueError):
        return ()
