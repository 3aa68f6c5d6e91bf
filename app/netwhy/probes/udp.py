"""One datagram to a port, and what comes back: a reply, an ICMP error with its sender, or nothing.

Silence proves nothing with UDP, so ports of well-known services get a real request.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable
from dataclasses import replace

from netwhy.core.asks import UdpAsk
from netwhy.core.errnames import errno_name
from netwhy.core.observations import TIMEOUT, Icmp, UdpExchange
from netwhy.core.requests import request
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
        return replace(_refused(ask, label, error.errno, started), connected=False)
    with sock:
        sock.setblocking(False)
        try:
            errqueue.listen(sock)
            if ask.ttl is not None:
                _end_at(sock, ask.ttl)
            sock.connect(sockaddr(ask.address, ask.port))
        except (OSError, OverflowError) as error:
            refused = _refused(ask, label, getattr(error, "errno", errno.EINVAL), started)
            return replace(refused, connected=False)
        deadline = started + (ask.timeout_s or DEADLINE_S)
        while time.perf_counter() < deadline:
            seen = await _try(ask, sock, label, payload, started, deadline)
            if seen is not None:
                return seen
            silent = UdpExchange(ask.address, ask.port, label, error=TIMEOUT, ms=_ms(started))
            tell(replace(silent, pending=True))
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
