"""Interfaces with their flags, link and addresses."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.observations import Interface, InterfaceAddress
from netwhy.system import netlink

_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_RTM_NEWADDR, _RTM_GETADDR = 20, 22
_IFF_UP, _IFF_LOOPBACK = 0x1, 0x8
_IFLA_IFNAME, _IFLA_MTU, _IFLA_OPERSTATE, _IFLA_CARRIER = 3, 4, 16, 33
_IFLA_LINKINFO, _IFLA_INFO_KIND = 18, 1
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFA_F_OPTIMISTIC, _IFA_F_DADFAILED, _IFA_F_DEPRECATED, _IFA_F_TENTATIVE = 0x4, 0x8, 0x20, 0x40
#: RFC 2863 states in which no packet passes: not present, down, lower layer down, dormant.
_NOT_OPERATING = (1, 2, 3, 5)
_AF_INET, _AF_INET6 = 2, 10


def interfaces() -> tuple[Interface, ...]:
    """Every interface of this network namespace, in the kernel's order.  Never raises."""
    try:
        links = netlink.dump(netlink.NETLINK_ROUTE, _RTM_GETLINK, bytes(16))
        addresses = netlink.dump(netlink.NETLINK_ROUTE, _RTM_GETADDR, bytes(8))
    except OSError:
        from netwhy.system import portable

        return portable.interfaces()
    by_index: dict[int, list[InterfaceAddress]] = {}
    for kind, body in addresses:
        if kind == _RTM_NEWADDR and (parsed := parse_address(body)):
            by_index.setdefault(parsed[0], []).append(parsed[1])
    found = (parse_link(body, by_index) for kind, body in links if kind == _RTM_NEWLINK)
    return tuple(i for i in found if i is not None)


def parse_link(body: bytes, addresses: dict[int, list[InterfaceAddress]]) -> Interface | None:
    """One `ifinfomsg` with its attributes; None when it cannot be read."""
    if len(body) < 16:
        return None
    index, flags = struct.unpack_from("=iI", body, 4)
    found = netlink.attributes(body, 16)
    up = bool(flags & _IFF_UP)
    return Interface(
        name=netlink.text(found.get(_IFLA_IFNAME)) or f"if{index}",
        index=index,
        up=up,
        carrier=_carrier(up, found),
        loopback=bool(flags & _IFF_LOOPBACK),
        addresses=tuple(addresses.get(index, ())),
        mtu=netlink.number(found.get(_IFLA_MTU)),
        kind=_kind(found.get(_IFLA_LINKINFO)),
    )


def _kind(nested: bytes | None) -> str:
    """What sort of virtual interface it is; "" for a real one."""
    if not nested:
        return ""
    return netlink.text(netlink.attributes(nested, 0).get(_IFLA_INFO_KIND)) or ""


def _carrier(up: bool, found: dict[int, bytes]) -> bool | None:
    """A link that is switched off has no carrier to speak of: unknown, not absent."""
    carrier = netlink.number(found.get(_IFLA_CARRIER))
    if not up or carrier is None:
        return None
    return bool(carrier) and netlink.number(found.get(_IFLA_OPERSTATE)) not in _NOT_OPERATING


def parse_address(body: bytes) -> tuple[int, InterfaceAddress] | None:
    """(interface index, address) of one `ifaddrmsg`; None when it cannot be read."""
    if len(body) < 8:
        return None
    family, prefix, flags, _scope, index = struct.unpack_from("=BBBBI", body)
    found = netlink.attributes(body, 8)
    # On a point-to-point link IFA_ADDRESS is the peer and IFA_LOCAL is ours.
    raw = found.get(_IFA_LOCAL) or found.get(_IFA_ADDRESS) or b""
    flags = netlink.number(found.get(_IFA_FLAGS)) or flags
    if family == _AF_INET and len(raw) == 4:
        return index, InterfaceAddress(IPv4Address(raw), prefix)
    if family == _AF_INET6 and len(raw) == 16:
        return index, InterfaceAddress(IPv6Address(raw), prefix, _state(flags))
    return None


def _state(flags: int) -> str:
    if flags & _IFA_F_DADFAILED:
        return "dadfailed"
    if flags & _IFA_F_TENTATIVE and not flags & _IFA_F_OPTIMISTIC:
        return "tentative"
    return "deprecated" if flags & _IFA_F_DEPRECATED else ""
