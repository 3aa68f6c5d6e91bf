"""A connect to a port at random: the host should refuse it, or say nothing.

Picked from a range in which hardly anything listens and no system takes ports for its outgoing
connections by default: above Linux's (60999), and far above where Windows begins (49152).  Servers
of files, calls and games do serve whole ranges up there, so the second one is picked among ports
that are reserved (IANA, service-name-port-numbers: 225-241, 288-307), where no such range lies.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import random
import socket
import time
from collections.abc import Callable

from netwhy.core.asks import StrayAsk
from netwhy.core.errnames import errno_name
from netwhy.core.model import IPAddress
from netwhy.core.observations import CLOSED, TIMEOUT, Stray
from netwhy.system import errqueue, readiness, tcpinfo
from netwhy.system.sockaddr import family, sockaddr

_HIGH = range(61_001, 65_000)
_LOW = (*range(225, 242), *range(288, 308))
_TRIES = 3
#: After a second the kernel sends the last SYN again.
_WAIT_S = 1.3
#: How long an open one is kept for two round trips and so long, as the target's own port is: who
#: accepts for a host that then refuses ends the connection soon.
_MOMENT_S, _LONGEST_MOMENT_S = 0.03, 0.5
_random = random.SystemRandom()


async def stray(ask: StrayAsk, tell: Callable[[Stray], None]) -> Stray:
    """Connect, up to three times to the same port, and close; every failure is an observation."""
    del tell
    port = _random.choice(_LOW if ask.low else _HIGH)
    with contextlib.ExitStack() as sockets:
        waiting: dict[asyncio.Task[bool], tuple[socket.socket, float]] = {}
        try:
            for number in range(_TRIES):
                opened = _connect(ask, port, sockets)
                if isinstance(opened, Stray):
                    return opened
                started = time.perf_counter()
                task = asyncio.create_task(
                    readiness.wait(opened, write=True, timeout_s=_WAIT_S), name="stray"
                )
                waiting[task] = (opened, started)
                gap_s = ask.gap_s if number + 1 < _TRIES else _WAIT_S
                done, _ = await asyncio.wait(
                    waiting, timeout=gap_s, return_when=asyncio.FIRST_COMPLETED
                )
                answered = [waiting[each] for each in done if each.result()]
                if answered:
                    return await _answered(ask, port, *answered[0], resends=number)
            return Stray(ask.address, port, TIMEOUT, resends=_TRIES - 1, ttl=ask.ttl)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)


def _connect(ask: StrayAsk, port: int, sockets: contextlib.ExitStack) -> socket.socket | Stray:
    """A socket whose connect is under way, or what stopped it at once."""
    try:
        sock = sockets.enter_context(socket.socket(family(ask.address), socket.SOCK_STREAM))
        sock.setblocking(False)
        errqueue.listen(sock)
        if ask.ttl is not None:
            _end_at(sock, ask.address, ask.ttl)
        code = sock.connect_ex(sockaddr(ask.address, port))
    except OSError as error:
        code = error.errno or errno.EIO
    else:
        if code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            return sock
    return Stray(ask.address, port, errno_name(code), ttl=ask.ttl)


async def _answered(
    ask: StrayAsk, port: int, sock: socket.socket, started: float, *, resends: int
) -> Stray:
    queued = errqueue.read(sock)
    icmp = queued[1] if queued is not None else None
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    code = code or (queued[0] if queued is not None else 0)
    info = tcpinfo.read(sock)
    rtt_ms = (time.perf_counter() - started) * 1000
    if not code and info is not None and info.rtt_ms is not None:
        rtt_ms = info.rtt_ms
    error = errno_name(code) if code else None
    ended = await _ended(sock, rtt_ms) if error is None else None
    return Stray(ask.address, port, error, rtt_ms, resends, ask.ttl, icmp, ended)


async def _ended(sock: socket.socket, rtt_ms: float) -> str | None:
    """How the other side ended an open connection within a moment; None if it did not."""
    moment_s = min(_MOMENT_S + 2 * rtt_ms / 1000, _LONGEST_MOMENT_S)
    try:
        if not await readiness.wait(sock, write=False, timeout_s=moment_s):
            return None
        return None if sock.recv(1) else CLOSED
    except OSError as error:
        return errno_name(error.errno or errno.EIO)


def _end_at(sock: socket.socket, address: IPAddress, hop: int) -> None:
    if address.version == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hop)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hop)
