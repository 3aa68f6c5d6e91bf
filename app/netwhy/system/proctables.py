"""Interfaces and next hops from Linux's files, where a sandbox forbids netlink sockets.

A unit with `RestrictAddressFamilies=AF_INET AF_INET6` is such a sandbox (systemd.exec(5)).  Policy
routing and further IPv4 addresses of an interface are not seen this way (proc(5), netdevice(7)).
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network

from netwhy.core.model import IPAddress
from netwhy.core.observations import Interface, InterfaceAddress
from netwhy.system import files

_IFF_UP, _IFF_LOOPBACK, _IFF_RUNNING = 0x1, 0x8, 0x40
_SIOCGIFFLAGS, _SIOCGIFADDR, _SIOCGIFNETMASK = 0x8913, 0x8915, 0x891B
_SIOCGIFMTU, _SIOCGIFINDEX = 0x8921, 0x8933
_UP, _GATEWAY, _REJECT = 0x1, 0x2, 0x200  # linux/route.h
_TENTATIVE, _DADFAILED, _DEPRECATED = 0x40, 0x08, 0x20


def interfaces() -> tuple[Interface, ...]:
    """Every interface with its flags and addresses; empty where the files are not there."""
    six = _six()
    found = []
    for line in files.read_text("/proc/net/dev").splitlines():
        name, colon, _ = line.partition(":")
        name = name.strip()
        answer = _asked(name, _SIOCGIFFLAGS) if colon else None
        if answer is None:
            continue
        (flags,) = struct.unpack_from("=H", answer, 16)
        up = bool(flags & _IFF_UP)
        found.append(
            Interface(
                name=name,
                index=_number(_asked(name, _SIOCGIFINDEX)) or 0,
                up=up,
                carrier=bool(flags & _IFF_RUNNING) if up else None,
                loopback=bool(flags & _IFF_LOOPBACK),
                addresses=(*_four(name), *six.get(name, ())),
                mtu=_number(_asked(name, _SIOCGIFMTU)),
            )
        )
    return tuple(found)


def next_hop(address: IPAddress) -> tuple[str, IPAddress | None] | None:
    """(interface, gateway or None for on link) of the best route; None without one."""
    routes = list(_routes4() if address.version == 4 else _routes6())
    plain = str(address).partition("%")[0]
    inside = [r for r in routes if r[0].version == address.version and _in(plain, r[0], r[1])]
    best = min(inside, key=lambda r: (-r[1], r[2]), default=None)
    return None if best is None else (best[3], best[4])


def _in(address: str, network: IPAddress, prefix: int) -> bool:
    from ipaddress import ip_address

    return ip_address(address) in ip_network((network, prefix), strict=False)


def _routes4() -> Iterator[tuple[IPAddress, int, int, str, IPAddress | None]]:
    for line in files.read_text("/proc/net/route").splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8:
            continue
        network, gateway, mask = (_swapped(fields[i]) for i in (1, 2, 7))
        flags = int(fields[3], 16)
        if flags & _UP and not flags & _REJECT:
            hop = gateway if flags & _GATEWAY else None
            yield network, int(mask).bit_count(), int(fields[6]), fields[0], hop


def _routes6() -> Iterator[tuple[IPAddress, int, int, str, IPAddress | None]]:
    for line in files.read_text("/proc/net/ipv6_route").splitlines():
        fields = line.split()
        if len(fields) < 10:
            continue
        flags = int(fields[8], 16)
        if not flags & _UP or flags & _REJECT or fields[9] == "lo":
            continue
        hop: IPAddress | None = IPv6Address(bytes.fromhex(fields[4]))
        if not flags & _GATEWAY:
            hop = None
        elif hop is not None and hop.is_link_local:
            hop = IPv6Address(f"{hop}%{fields[9]}")
        network = IPv6Address(bytes.fromhex(fields[0]))
        yield network, int(fields[1], 16), int(fields[5], 16), fields[9], hop


def _swapped(text: str) -> IPv4Address:
    """The file shows the 32 bits as this machine's own number."""
    return IPv4Address(struct.pack("=I", int(text, 16)))


def _six() -> dict[str, list[InterfaceAddress]]:
    found: dict[str, list[InterfaceAddress]] = {}
    for line in files.read_text("/proc/net/if_inet6").splitlines():
        fields = line.split()
        if len(fields) != 6:
            continue
        flags = int(fields[4], 16)
        state = "deprecated" if flags & _DEPRECATED else ""
        if flags & _TENTATIVE:
            state = "tentative"
        if flags & _DADFAILED:
            state = "dadfailed"
        address = IPv6Address(bytes.fromhex(fields[0]))
        own = InterfaceAddress(address, int(fields[2], 16), state)
        found.setdefault(fields[5], []).append(own)
    return found


def _four(name: str) -> tuple[InterfaceAddress, ...]:
    address, mask = _asked(name, _SIOCGIFADDR), _asked(name, _SIOCGIFNETMASK)
    if address is None or mask is None:
        return ()
    prefix = int.from_bytes(mask[20:24], "big").bit_count()
    return (InterfaceAddress(IPv4Address(address[20:24]), prefix),)


def _asked(name: str, request: int) -> bytes | None:
    """The `struct ifreq` with which the kernel answers; None when it does not."""
    try:
        import fcntl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            return fcntl.ioctl(sock, request, struct.pack("16s240x", name.encode()[:15]))
    except (ImportError, OSError):
        return None


def _number(answer: bytes | None) -> int | None:
    return None if answer is None else int(struct.unpack_from("=i", answer, 16)[0])
