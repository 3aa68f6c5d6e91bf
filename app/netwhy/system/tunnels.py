"""UDP ports that the kernel itself holds for a tunnel interface: VXLAN, Geneve, WireGuard.

The links tell it to every user (RTM_GETLINK; include/uapi/linux/if_link.h); only the port of a
WireGuard interface is for root alone.
"""

from __future__ import annotations

import struct

from netwhy.system import netlink

_RTM_NEWLINK, _RTM_GETLINK = 16, 18
_IFINFO = struct.Struct("=BxHiII")
_IFLA_IFNAME, _IFLA_LINKINFO = 3, 18
_INFO_KIND, _INFO_DATA = 1, 2
#: Kind of link → the attribute of its data that holds the port, big-endian.
_PORT_ATTRIBUTE = {"vxlan": 15, "geneve": 5}
_SPELLED = {"vxlan": "VXLAN", "geneve": "Geneve", "wireguard": "WireGuard"}


def tunnel_of(port: int) -> tuple[str, str] | None:
    """Kind and name of the interface for which the kernel holds that UDP port; None for none."""
    for kind, name, held in _tunnels():
        if held == port:
            return _SPELLED[kind], name
    return None


def without_a_port() -> tuple[tuple[str, str], ...]:
    """Kind and name of the tunnels whose port is not told: they may hold any."""
    return tuple((_SPELLED[kind], name) for kind, name, held in _tunnels() if held is None)


def _tunnels() -> list[tuple[str, str, int | None]]:
    """(kind, name, port or None) of each tunnel interface; empty where that cannot be read."""
    try:
        links = netlink.dump(netlink.NETLINK_ROUTE, _RTM_GETLINK, _IFINFO.pack(0, 0, 0, 0, 0))
    except OSError:
        return []
    found = []
    for message_kind, message in links:
        if message_kind != _RTM_NEWLINK:
            continue
        facts = netlink.attributes(message, _IFINFO.size)
        info = netlink.attributes(facts.get(_IFLA_LINKINFO, b""))
        kind = netlink.text(info.get(_INFO_KIND))
        if kind not in _SPELLED:
            continue
        data = netlink.attributes(info.get(_INFO_DATA, b""))
        raw = data.get(_PORT_ATTRIBUTE.get(kind, -1), b"")
        port = int.from_bytes(raw[:2], "big") if len(raw) >= 2 else None
        found.append((kind, netlink.text(facts.get(_IFLA_IFNAME)), port))
    return found
