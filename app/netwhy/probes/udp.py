"""One datagram to a port, and what comes back: a reply, an ICMP error with its sender, or nothing.

Silence proves nothing with UDP, so ports of well-known services get a real request.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import time
from collections.abc import Callable

from netwhy.core.asks import UdpAsk
from netwhy.core.errnames import errno_name
from netwhy.core.observations import TIMEOUT, Icmp, UdpExchange
from netwhy.system import errqueue, readiness
from netwhy.system.sockaddr import family, sockaddr

#: Longer than the neighbour's silence of 3.08 s.
DEADLINE_S = 3.6
RESEND_S = 1.0


async def exchange(ask: UdpAsk, tell: Callable[[UdpExchange], None]) -> UdpExchange:
    """Send a request, again each second, until something comes or the deadline passes."""
    label, payload = request(ask.port, ask.send)
    started = time.perf_counter()
    try:
        sock = socket.socket(family(ask.address), socket.SOCK_DGRAM)
    except OSError as error:
        return _refused(ask, label, error.errno, started)
    with sock:
        sock.setblocking(False)
        try:
            errqueue.listen(sock)
            if ask.ttl is not None:
                _end_at(sock, ask.ttl)
            sock.connect(sockaddr(ask.address, ask.port))
        except (OSError, OverflowError) as error:
            return _refused(ask, label, getattr(error, "errno", errno.EINVAL), started)
        deadline = started + (ask.timeout_s or DEADLINE_S)
        while time.perf_counter() < deadline:
            seen = await _try(ask, sock, label, payload, started, deadline)
            if seen is not None:
                return seen
    return UdpExchange(ask.address, ask.port, label, error=TIMEOUT, ms=_ms(started))


def _end_at(sock: socket.socket, hop: int) -> None:
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop)


async def _try(
    ask: UdpAsk, sock: socket.socket, label: str, payload: bytes, started: float, deadline: float
) -> UdpExchange | None:
    """One send and its wait; None when nothing came and there is time for another."""
    try:
        sock.send(payload)
    except OSError as error:
        queued = errqueue.read(sock)
        icmp = queued[1] if queued else None
        return _refused(ask, label, error.errno, started, icmp)
    left = min(RESEND_S, deadline - time.perf_counter())
    if not await readiness.wait(sock, write=False, timeout_s=left):
        return None
    queued = errqueue.read(sock)
    if queued is not None:
        return UdpExchange(
            ask.address,
            ask.port,
            label,
            error=errno_name(queued[0]),
            icmp=queued[1],
            ms=_ms(started),
        )
    try:
        sock.recv(4096)
    except BlockingIOError:
        return None
    except OSError as error:
        name = errno_name(error.errno or errno.EIO)
        return UdpExchange(ask.address, ask.port, label, error=name, ms=_ms(started))
    return UdpExchange(ask.address, ask.port, label, replied=True, ms=_ms(started))


def request(port: int, send: str | None) -> tuple[str, bytes]:
    """What to send to a port: (its name, the bytes).  Never empty, never more than a question."""
    if send is not None:
        return "as configured", send.encode()
    if port == 53:
        # ". NS IN", recursion desired (RFC 1035 §4.1)
        return "DNS query", os.urandom(2) + b"\x01\x00\x00\x01" + bytes(6) + b"\x00\x00\x02\x00\x01"
    if port == 123:
        return "NTP client request", b"\x23" + bytes(47)  # version 4, mode 3 (RFC 5905)
    if port == 3478:
        # STUN binding request (RFC 8489): type, length, magic cookie, transaction
        head = struct.pack("!HHI", 1, 0, 0x2112A442)
        return "STUN binding request", head + os.urandom(12)
    return "a short datagram", b"netwhy\n"


def _refused(
    ask: UdpAsk, label: str, number: int | None, started: float, icmp: Icmp | None = None
) -> UdpExchange:
    """The send itself failed, or an earlier ICMP error was told by it."""
    return UdpExchange(
        ask.address,
        ask.port,
        label,
        error=errno_name(number or errno.EIO),
        icmp=icmp,
        ms=_ms(started),
        sent=icmp is not None,
    )


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
