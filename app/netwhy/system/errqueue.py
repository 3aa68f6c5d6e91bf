"""The error queue of a socket: which ICMP error came back, and who sent it.

Linux keeps ICMP errors per socket once `IP_RECVERR`/`IPV6_RECVERR` is on (ip(7), ipv6(7)), also
for TCP in SYN_SENT, and gives them to an unprivileged reader together with the sender's address.
Elsewhere these functions do nothing.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from ipaddress import ip_address

from netwhy.core.model import IPAddress
from netwhy.core.observations import Icmp
from netwhy.system import routes

_LINUX = sys.platform == "linux"
_IP_RECVERR = 11
_IPV6_RECVERR = 25
_IP_TTL, _IP_RECVTTL = 2, 12
_IPV6_HOPLIMIT, _IPV6_RECVHOPLIMIT = 52, 51
_MSG_ERRQUEUE = 0x2000
_ORIGINS = {2: 4, 3: 6}  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6


def listen(sock: socket.socket, on: bool = True) -> None:
    """Switch the queue on before the first packet, off once a connection stands.

    Left on, one stray ICMP error would end a connection that works.  The hop limit of the error
    itself is asked for too: it tells how far away its sender is.
    """
    if not _LINUX:
        return
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVERR, int(on))
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, int(on))
    else:
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVERR, int(on))
        sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, int(on))


def read(sock: socket.socket) -> tuple[int, Icmp | None] | None:
    """The first queued error as (errno, ICMP error or None); None when nothing is queued.

    Drains the queue: the kernel may have queued the same error twice.  The socket must be
    non-blocking.
    """
    if not _LINUX:
        return None
    first: tuple[int, Icmp | None] | None = None
    for _ in range(8):
        try:
            _data, ancillary, _flags, _to = sock.recvmsg(512, 512, _MSG_ERRQUEUE)
        except OSError:
            break
        left = _hop_limit(ancillary)
        for level, kind, payload in ancillary:
            if (level, kind) in (
                (socket.IPPROTO_IP, _IP_RECVERR),
                (socket.IPPROTO_IPV6, _IPV6_RECVERR),
            ):
                entry = parse(payload, left)
                if entry is not None and (first is None or first[1] is None):
                    first = entry
    return first


def _hop_limit(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    """The hop limit with which the ICMP error arrived; None where the kernel does not tell."""
    for level, kind, payload in ancillary:
        if (level, kind) in (
            (socket.IPPROTO_IP, _IP_TTL),
            (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT),
        ) and len(payload) >= 4:
            number: int = struct.unpack_from("=i", payload)[0]
            return number
    return None


def parse(payload: bytes, hop_limit: int | None = None) -> tuple[int, Icmp | None] | None:
    """Read a `sock_extended_err` with the offender behind it; None when it is too short."""
    if len(payload) < 16:
        return None
    number, origin, kind, code = struct.unpack_from("=IBBB", payload)
    if number == 0:
        number = errno.EIO
    version = _ORIGINS.get(origin)
    if version is None:
        return number, None
    sender = _offender(payload[16:])
    own = sender is not None and routes.route(sender).local
    return number, Icmp(version, kind, code, sender, own, hop_limit)


def _offender(sockaddr: bytes) -> IPAddress | None:
    if len(sockaddr) < 8:
        return None
    (family,) = struct.unpack_from("=H", sockaddr)
    if family == socket.AF_INET:
        return ip_address(sockaddr[4:8])
    if family == socket.AF_INET6 and len(sockaddr) >= 24:
        address = ip_address(sockaddr[8:24])
        mapped = getattr(address, "ipv4_mapped", None)
        return mapped or address
    return None
