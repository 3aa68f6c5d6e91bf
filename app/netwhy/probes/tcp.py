"""TCP connect that reads who refused it.

The socket keeps ICMP errors (`system.errqueue`), the kernel's own figures are read for times and
resends (`system.tcpinfo`).  The default deadline is longer than the 3.08 s after which Linux gives
up on a neighbour, so that a missing host is not called a timeout.
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_address

from netwhy.core.asks import ConnectAsk
from netwhy.core.errnames import errno_name
from netwhy.core.model import IPAddress
from netwhy.core.observations import CLOSED, TIMEOUT, Connect, Icmp
from netwhy.core.protocols import KEPT
from netwhy.system import errqueue, readiness, tcpinfo
from netwhy.system.sockaddr import family, sockaddr
from netwhy.system.stream import CUT

#: Longer than the neighbour's silence of 3.08 s.
DEADLINE_S = 3.6
#: The first resend leaves after 1.0 s and may come back later: a good moment for a first word.
EARLY_WORD_S = 1.15
#: An open connection is kept for two round trips and this long: a peer that will not serve ends it
#: at once, one that speaks first greets.
_MOMENT_S = 0.03
_LONGEST_MOMENT_S = 0.5
_SELECT_LIMIT = 1024  # FD_SETSIZE, select(2)
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN)


async def connect(ask: ConnectAsk, tell: Callable[[Connect], None]) -> Connect:
    """Connect once and close; every failure is an observation."""
    started = time.perf_counter()
    try:
        sock = socket.socket(family(ask.address), socket.SOCK_STREAM)
    except OSError as error:
        return _failed(ask, error.errno, started)
    with sock:
        sock.setblocking(False)
        try:
            errqueue.listen(sock)
            code = sock.connect_ex(sockaddr(ask.address, ask.port))
        except (OSError, OverflowError) as error:
            return _failed(ask, getattr(error, "errno", None) or errno.EINVAL, started)
        if code not in _UNDER_WAY:
            queued = errqueue.read(sock)
            return _failed(ask, code, started, queued[1] if queued else None)
        if _settled(sock):  # on this machine, before the event loop could be late
            seen = _outcome(ask, sock, started)
        else:
            seen = await _follow(ask, sock, started, tell)
        if not seen.open or seen.ended or ask.glimpse:
            return seen
        return await _kept(sock, seen, tell)


async def _kept(sock: socket.socket, seen: Connect, tell: Callable[[Connect], None]) -> Connect:
    """The open connection a moment later; that it is open is told before."""
    tell(seen)
    began = time.perf_counter()
    moment = min(_MOMENT_S + 2 * (seen.rtt_ms or 0.0) / 1000, _LONGEST_MOMENT_S)
    try:
        if await readiness.wait(sock, write=False, timeout_s=moment):
            said = sock.recv(4096)
            if said:
                return replace(seen, greeting=said[:KEPT])
            return replace(seen, ended=CLOSED, ended_ms=_ms(began))
    except OSError as error:
        return replace(seen, ended=errno_name(error.errno or errno.EIO), ended_ms=_ms(began))
    finally:
        _close(sock)
    return seen


async def _follow(
    ask: ConnectAsk, sock: socket.socket, started: float, tell: Callable[[Connect], None]
) -> Connect:
    deadline = ask.timeout_s or DEADLINE_S
    if not await readiness.wait(sock, write=True, timeout_s=min(EARLY_WORD_S, deadline)):
        tell(_observe(ask, sock, started, error=None, pending=True))
        left = deadline - (time.perf_counter() - started)
        if not await readiness.wait(sock, write=True, timeout_s=left):
            return _observe(ask, sock, started, error=TIMEOUT)
    return _outcome(ask, sock, started)


def _settled(sock: socket.socket) -> bool:
    """Is the connect decided already?  Does not wait."""
    return bool(select.select([], [sock], [], 0)[1]) if sock.fileno() < _SELECT_LIMIT else False


def _outcome(ask: ConnectAsk, sock: socket.socket, started: float) -> Connect:
    """What a connect that is no longer under way came to."""
    queued = errqueue.read(sock)  # before SO_ERROR: the queue says who, SO_ERROR only what
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if queued is not None:
        return _observe(ask, sock, started, error=errno_name(code or queued[0]), icmp=queued[1])
    if code in CUT:  # it was open
        seen = _observe(ask, sock, started, error=None)
        return replace(seen, ended=errno_name(code), ended_ms=0.0)
    if code:
        return _observe(ask, sock, started, error=errno_name(code))
    if not ask.glimpse:  # one that stays open for a moment must not end by a stray ICMP error
        errqueue.listen(sock, on=False)
    if _connected_to_itself(sock):
        # A reset instead of a close: TIME_WAIT would keep the port from a server that wants it.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return _observe(ask, sock, started, error="ECONNREFUSED", self_connected=True)
    return _observe(ask, sock, started, error=None)


def _observe(
    ask: ConnectAsk,
    sock: socket.socket,
    started: float,
    *,
    error: str | None,
    icmp: Icmp | None = None,
    pending: bool = False,
    self_connected: bool = False,
) -> Connect:
    info = tcpinfo.read(sock)
    resends = info.resends if info else 0
    waited = info is not None and info.timeouts > 0 and resends == 0
    return Connect(
        ask.address,
        ask.port,
        error=error,
        ms=_ms(started),
        rtt_ms=info.rtt_ms if info and error is None and not pending else None,
        icmp=icmp,
        source=_source(sock),
        resends=resends,
        resends_left=info.resends_out > 0
        if info and resends and (pending or error == TIMEOUT)
        else None,
        queued=waited and (pending or error == TIMEOUT),
        pending=pending,
        self_connected=self_connected,
    )


def _failed(
    ask: ConnectAsk, number: int | None, started: float, icmp: Icmp | None = None
) -> Connect:
    name = errno_name(number) if number else TIMEOUT
    return Connect(ask.address, ask.port, error=name, ms=_ms(started), icmp=icmp)


def _source(sock: socket.socket) -> tuple[IPAddress, int] | None:
    try:
        host, port = sock.getsockname()[:2]
        return _address(host), port
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=64)  # mostly one of a few own addresses
def _address(text: str) -> IPAddress:
    return ip_address(text)


def _connected_to_itself(sock: socket.socket) -> bool:
    """A connect to an own ephemeral port may meet itself (TCP simultaneous open, RFC 9293)."""
    try:
        return bool(sock.getsockname() == sock.getpeername())
    except OSError:
        return False


def _close(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the peer may already have closed or reset it
        sock.shutdown(socket.SHUT_RDWR)


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
