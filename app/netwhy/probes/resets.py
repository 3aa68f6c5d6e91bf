"""Where does a reset come from: from this machine itself, or over a link?"""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Callable

from netwhy.core.asks import ResetOriginAsk
from netwhy.core.observations import ResetOrigin
from netwhy.system import counters, threads
from netwhy.system.sockaddr import family, sockaddr

_SELECT_LIMIT = 1024  # FD_SETSIZE, select(2)


async def origin(ask: ResetOriginAsk, tell: Callable[[ResetOrigin], None]) -> ResetOrigin:
    """Ask the port again, three times at most, and see whether the RST came over loopback.

    What a rule of this machine answers never leaves it: the SYN is turned round inside connect,
    the RST arrives over loopback, and nothing comes from outside in the same instant, unless a
    packet of somebody else does: one such try is made up for by another.
    """
    return await threads.call(lambda: _origin(ask))


def _origin(ask: ResetOriginAsk) -> ResetOrigin:
    received: list[int] = []
    loopback: list[int] = []
    seen = ResetOrigin(ask.address, ask.port)
    for _ in range(3):
        counted = _reset_at_once(ask)
        if counted is None:
            break
        received.append(counted[0])
        loopback.append(counted[1])
        seen = ResetOrigin(ask.address, ask.port, tuple(received), tuple(loopback))
        if seen.here or seen.from_outside > 1:
            break
    return seen


def _reset_at_once(ask: ResetOriginAsk) -> tuple[int, int] | None:
    """(packets received, those over loopback) of one try; None if no RST came at once.

    The order of the readings can only add packets from outside, never hide one.
    """
    try:
        with socket.socket(family(ask.address), socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            before = counters.counters()
            own = counters.loopback_received()
            code = sock.connect_ex(sockaddr(ask.address, ask.port))
            if code == errno.EINPROGRESS:
                if sock.fileno() >= _SELECT_LIMIT or not select.select([], [sock], [], 0.02)[1]:
                    return None
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            own_after = counters.loopback_received()
            after = counters.counters()
    except OSError:
        return None
    if code != errno.ECONNREFUSED or not before.available or own is None or own_after is None:
        return None
    every = after.ip.in_receives - before.ip.in_receives
    every += after.ip6.in_receives - before.ip6.in_receives
    return every, own_after - own
