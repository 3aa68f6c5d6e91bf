"""How many connections each local endpoint has, counted without making an object of each."""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.model import IPAddress
from netwhy.system import netlink

_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = struct.Struct("=BBBBI48x")
_HEADER = struct.Struct("=IH")
#: Connections with a client at the other end: not CLOSE_WAIT, where it is gone and the server has
#: not noticed.
_CONNECTED = 1 << 1  # TCP_ESTABLISHED
_HEADER_BYTES = 16
#: Where inet_diag_msg has the local port and the local address.
_PORT, _SOURCE = _HEADER_BYTES + 4, _HEADER_BYTES + 8
_TIMEOUT_S = 1.0
_REST = 40  # a count may take one part in so many of the time

#: When the last count ended, how long it took, what it was.
_last: tuple[float, float, dict[tuple[IPAddress, int], int] | None] = (0.0, 0.0, None)


def per_endpoint() -> dict[tuple[IPAddress, int], int] | None:
    """Established TCP connections by local address and port; None where they cannot be counted.

    IPv4-mapped addresses count as the IPv4 that they stand for.  Where there are so many that
    this takes long, the last count serves a while: a screen asks again and again.
    """
    global _last
    at, took, known = _last
    if time.monotonic() - at < took * _REST:
        return known
    started = time.monotonic()
    known = _count()
    _last = (time.monotonic(), time.monotonic() - started, known)
    return known


def _count() -> dict[tuple[IPAddress, int], int] | None:
    result: Counter[tuple[IPAddress, int]] = Counter()
    try:
        for family in (socket.AF_INET, socket.AF_INET6):
            for key, number in _tally(family).items():
                result[_endpoint(family, key)] += number
    except OSError:
        return None
    return dict(result)


def _tally(family: int) -> Counter[bytes]:
    """How often each pair of port and address occurs, as the kernel writes it."""
    counts: Counter[bytes] = Counter()
    body = _REQUEST.pack(family, 6, 0, 0, _CONNECTED)
    end = _SOURCE + (4 if family == socket.AF_INET else 16)
    unpack = _HEADER.unpack_from
    for data in netlink.datagrams(
        netlink.NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, body, timeout_s=_TIMEOUT_S
    ):
        keys: list[bytes] = []
        offset, size = 0, len(data)
        while offset + _HEADER_BYTES <= size:
            length, kind = unpack(data, offset)
            if length < _HEADER_BYTES or offset + length > size:
                break
            if kind in netlink.ENDS:
                counts.update(keys)
                netlink.raise_errno(data[offset + _HEADER_BYTES : offset + length], kind)
                return counts
            keys.append(
                data[offset + _PORT : offset + _PORT + 2] + data[offset + _SOURCE : offset + end]
            )
            offset += (length + 3) & ~3
        counts.update(keys)
    return counts


def _endpoint(family: int, key: bytes) -> tuple[IPAddress, int]:
    port = int.from_bytes(key[:2], "big")
    if family == socket.AF_INET:
        return IPv4Address(key[2:]), port
    address = IPv6Address(key[2:])
    return address.ipv4_mapped or address, port
