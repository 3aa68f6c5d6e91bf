"""How the kernel would reach an address: route, next hop, neighbour, default gateways."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.model import IPAddress
from netwhy.core.observations import Gateway, Neighbour, Route
from netwhy.system import files, netlink

_AF_INET, _AF_INET6 = 2, 10
_RTM_NEWROUTE, _RTM_GETROUTE, _RTM_NEWNEIGH, _RTM_GETNEIGH = 24, 26, 28, 30
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_PREFSRC = 1, 4, 5, 6, 7
_RTA_MULTIPATH, _RTA_TABLE, _RTA_VIA = 9, 15, 18
_RTA_SRC, _RTA_IP_PROTO, _RTA_DPORT = 2, 27, 29
_PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP}
_UNICAST, _LOCAL, _BROADCAST, _ANYCAST, _MULTICAST = 1, 2, 3, 4, 5
_REFUSING = {6: "EINVAL", 7: "EHOSTUNREACH", 8: "EACCES", 9: "ENETUNREACH"}  # rtnetlink(7)
_TABLE_MAIN, _TABLE_LOCAL = 254, 255
_ROUTE_HEADER = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR_HEADER = struct.Struct("=BBHiHBB")
_NDA_DST = 1
_NDA_CACHEINFO = 3
_NEIGHBOUR_STATES = {
    0x01: "INCOMPLETE",
    0x02: "REACHABLE",
    0x04: "STALE",
    0x08: "DELAY",
    0x10: "PROBE",
    0x20: "FAILED",
    0x40: "NOARP",
    0x80: "PERMANENT",
}
#: Errnos that are an answer of the routing table, not of a kernel without this question.
_FIB_ANSWERS = (
    errno.EINVAL,
    errno.EACCES,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EADDRNOTAVAIL,
    errno.ENODEV,
    errno.ENETDOWN,
)


def route(address: IPAddress) -> Route:
    """The route the kernel would take now.  Never raises, sends nothing.

    A scope (`fe80::1%eth0`) is looked up on that interface.  Special routes give their errno:
    EINVAL blackhole, EACCES prohibit, EHOSTUNREACH unreachable, ENETUNREACH none or throw.
    A link-local gateway carries its interface as scope, so that it can be used as a target.
    """
    wire = _unscoped(address)
    family = _AF_INET if wire.version == 4 else _AF_INET6
    body = _ROUTE_HEADER.pack(family, wire.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
    body += netlink.attribute(_RTA_DST, wire.packed)
    try:
        if scope := _scope_index(address):
            body += netlink.attribute(_RTA_OIF, struct.pack("=I", scope))
    except OSError:
        return Route(address, error="ENODEV")
    try:
        _kind, answer = netlink.get(netlink.NETLINK_ROUTE, _RTM_GETROUTE, body)
    except netlink.Refused as error:
        if error.errno in _FIB_ANSWERS:
            return Route(address, error=_symbol(error.errno))
    except OSError:
        pass
    else:
        return parse_route(address, answer)
    from netwhy.system import portable

    return portable.route(address)


def parse_route(address: IPAddress, body: bytes) -> Route:
    """One `rtmsg` with its attributes as the route to `address`."""
    if len(body) < _ROUTE_HEADER.size:
        return Route(address)
    kind = body[7]
    found = netlink.attributes(body, _ROUTE_HEADER.size)
    if hops := found.get(_RTA_MULTIPATH):
        first = next(_hops(hops), None)
        if first is not None:
            found = {**found, **first}
    interface = _interface_name(netlink.number(found.get(_RTA_OIF)))
    return Route(
        address=address,
        error=_REFUSING.get(kind),
        interface=interface,
        gateway=_gateway(found, interface),
        source=_address(found.get(_RTA_PREFSRC)),
        local=kind in (_LOCAL, _ANYCAST),
        broadcast=kind == _BROADCAST,
        multicast=kind == _MULTICAST,
    )


def flow(address: IPAddress, transport: str, port: int) -> Route:
    """The route of one flow, where routing rules look at source, protocol or port too.

    As the kernel does in connect: first the source is chosen, then looked up with it.  A kernel
    that does not know these attributes (before 4.18) answers as for the address alone.
    """
    plain = route(address)
    if plain.error is not None or plain.local:
        return replace(plain, transport=transport, port=port)
    wire = _unscoped(address)
    family = _AF_INET if wire.version == 4 else _AF_INET6
    protocol = _PROTOCOLS.get(transport, socket.IPPROTO_TCP)
    more = netlink.attribute(_RTA_IP_PROTO, bytes([protocol]))
    more += netlink.attribute(_RTA_DPORT, struct.pack("!H", port))
    length = 0
    if plain.source is not None and plain.source.version == wire.version:
        more += netlink.attribute(_RTA_SRC, _unscoped(plain.source).packed)
        length = wire.max_prefixlen
    if plain.interface is not None and address != wire:
        more += netlink.attribute(_RTA_OIF, struct.pack("=I", _scope_index(address) or 0))
    body = _ROUTE_HEADER.pack(family, wire.max_prefixlen, length, 0, 0, 0, 0, 0, 0)
    body += netlink.attribute(_RTA_DST, wire.packed) + more
    found = plain
    try:
        _kind, answer = netlink.get(netlink.NETLINK_ROUTE, _RTM_GETROUTE, body)
        found = parse_route(address, answer)
    except netlink.Refused as error:
        if error.errno in _FIB_ANSWERS:
            found = Route(address, error=_symbol(error.errno))
    except OSError:
        pass
    return replace(found, transport=transport, port=port)


def neighbour(address: IPAddress, interface: str | None) -> Neighbour:
    """The neighbour entry as it is now; NONE where there is none.  Never raises.

    With no interface, the first entry of the address on any link.
    """
    wire = _unscoped(address)
    family = _AF_INET if wire.version == 4 else _AF_INET6
    index = 0
    if interface:
        try:
            index = socket.if_nametoindex(interface)
        except OSError:
            return Neighbour(address, interface, "NONE")
    body = _NEIGHBOUR_HEADER.pack(family, 0, 0, index, 0, 0, 0)
    if index:
        try:
            one = body + netlink.attribute(_NDA_DST, wire.packed)
            _kind, answer = netlink.get(netlink.NETLINK_ROUTE, _RTM_GETNEIGH, one)
            return _neighbour(address, interface, answer)
        except netlink.Refused as error:
            if error.errno == errno.ENOENT:
                return Neighbour(address, interface, "NONE")
        except OSError:
            return _neighbour_from_file(address, interface)
    return _neighbour_from_dump(address, wire, interface, index, body)


def _neighbour_from_file(address: IPAddress, interface: str | None) -> Neighbour:
    """Where a sandbox forbids netlink: IPv4 has a file (proc(5)), IPv6 has none."""
    for line in files.read_text("/proc/net/arp").splitlines()[1:]:
        fields = line.split()
        if len(fields) == 6 and fields[0] == str(address) and interface in (None, fields[5]):
            flags = int(fields[2], 16) if fields[2].startswith("0x") else 0
            state = "STALE" if flags & 0x2 else "INCOMPLETE"
            return Neighbour(address, fields[5], "PERMANENT" if flags & 0x4 else state)
    return Neighbour(address, interface, "NONE")


def _neighbour_from_dump(
    address: IPAddress, wire: IPAddress, interface: str | None, index: int, body: bytes
) -> Neighbour:
    """Kernels before 5.0 cannot look one entry up."""
    try:
        entries = netlink.dump(netlink.NETLINK_ROUTE, _RTM_GETNEIGH, body)
    except OSError:
        entries = []
    for kind, entry in entries:
        if kind != _RTM_NEWNEIGH or len(entry) < _NEIGHBOUR_HEADER.size:
            continue
        (found_index,) = struct.unpack_from("=i", entry, 4)
        destination = netlink.attributes(entry, _NEIGHBOUR_HEADER.size).get(_NDA_DST)
        if destination == wire.packed and index in (0, found_index):
            name = interface or _interface_name(found_index)
            return _neighbour(address, name, entry)
    return Neighbour(address, interface, "NONE")


def _neighbour(address: IPAddress, interface: str | None, entry: bytes) -> Neighbour:
    cache = netlink.attributes(entry, _NEIGHBOUR_HEADER.size).get(_NDA_CACHEINFO, b"")
    confirmed_s: float | None = None
    if len(cache) >= 4:  # struct nda_cacheinfo: confirmed first, in clock ticks ago
        confirmed_s = struct.unpack_from("=I", cache)[0] / os.sysconf("SC_CLK_TCK")
    return Neighbour(address, interface, _neighbour_state(entry), confirmed_s)


def _neighbour_state(entry: bytes) -> str:
    if len(entry) < _NEIGHBOUR_HEADER.size:
        return "NONE"
    (state,) = struct.unpack_from("=H", entry, 8)
    return next((name for bit, name in _NEIGHBOUR_STATES.items() if state & bit), "NONE")


def gateways() -> tuple[Gateway, ...]:
    """Default routes of both families, best metric first, IPv4 before IPv6 when equal.

    Those of the main table; where it has none, those of other tables (policy routing).
    """
    found: list[tuple[int, Gateway]] = []
    for family in (_AF_INET, _AF_INET6):
        body = _ROUTE_HEADER.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)
        try:
            # The default route comes first in a dump, so that a cut full table costs nothing.
            table = netlink.partial_dump(netlink.NETLINK_ROUTE, _RTM_GETROUTE, body, timeout_s=0.3)
        except OSError:
            from netwhy.system import portable

            return portable.gateways()
        for kind, message in table:
            if kind == _RTM_NEWROUTE:
                found.extend(parse_default(message))
    main = [gateway for table_id, gateway in found if table_id == _TABLE_MAIN]
    chosen = main or [g for table_id, g in found if table_id != _TABLE_LOCAL]
    unique = dict.fromkeys(chosen)
    return tuple(sorted(unique, key=lambda g: (g.metric, g.family)))


def parse_default(body: bytes) -> Iterator[tuple[int, Gateway]]:
    """(table, gateway) for each next hop of a default route; nothing for any other route."""
    if len(body) < _ROUTE_HEADER.size or body[1] != 0 or body[7] != _UNICAST:
        return
    found = netlink.attributes(body, _ROUTE_HEADER.size)
    if _RTA_DST in found:
        return
    table = netlink.number(found.get(_RTA_TABLE)) or body[4]
    metric = netlink.number(found.get(_RTA_PRIORITY)) or 0
    family = 4 if body[0] == _AF_INET else 6
    hops = found.get(_RTA_MULTIPATH)
    for hop in _hops(hops) if hops else (found,):
        name = _interface_name(netlink.number(hop.get(_RTA_OIF)))
        if name:
            yield table, Gateway(_gateway(hop, name), name, family, metric)


def _hops(data: bytes) -> Iterator[dict[int, bytes]]:
    """The attributes of each `rtnexthop`, with its interface as RTA_OIF."""
    offset = 0
    while offset + 8 <= len(data):
        length, _flags, _hops, index = struct.unpack_from("=HBBi", data, offset)
        if length < 8 or offset + length > len(data):
            return
        found = netlink.attributes(data[offset : offset + length], 8)
        yield {**found, _RTA_OIF: struct.pack("=i", index)}
        offset += (length + 3) & ~3


def _gateway(found: dict[int, bytes], interface: str | None) -> IPAddress | None:
    """RTA_GATEWAY, or RTA_VIA where an IPv4 route has an IPv6 next hop (RFC 5549)."""
    raw = found.get(_RTA_GATEWAY) or found.get(_RTA_VIA, b"")[2:]
    address = _address(raw)
    if address is None or address.is_unspecified:
        return None
    if isinstance(address, IPv6Address) and address.is_link_local and interface:
        return IPv6Address(f"{address}%{interface}")
    return address


def _address(raw: bytes | None) -> IPAddress | None:
    if raw and len(raw) == 4:
        return IPv4Address(raw)
    return IPv6Address(raw) if raw and len(raw) == 16 else None


def _unscoped(address: IPAddress) -> IPAddress:
    """The bare address; an IPv4-mapped one is routed by the IPv4 table."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(address.packed)
    return address


def _scope_index(address: IPAddress) -> int:
    """The interface index of the scope, 0 without one; OSError where it does not exist."""
    scope = address.scope_id if isinstance(address, IPv6Address) else None
    if not scope:
        return 0
    try:
        return socket.if_nametoindex(scope)
    except OSError:
        if scope.isascii() and scope.isdigit() and len(scope) < 10:
            return int(scope)
        raise


def _interface_name(index: int | None) -> str | None:
    if not index:
        return None
    try:
        return socket.if_indextoname(index)
    except OSError:
        return None


def _symbol(number: int | None) -> str:
    return errno.errorcode.get(number or 0, f"errno {number}")
