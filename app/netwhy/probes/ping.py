"""Echo request and reply: by an unprivileged ICMP socket, else by a raw one, else not at all.

Often this user has no such socket, so a ping is only ever one piece of evidence.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace

from netwhy.core.asks import PingAsk
from netwhy.core.errnames import errno_name
from netwhy.core.observations import TIMEOUT, Ping
from netwhy.system import echo, errqueue, readiness
from netwhy.system.sockaddr import sockaddr

TRIES = 3
WAIT_S = 1.1  # for each try; a neighbour's silence (3.08 s) ends within three of them


async def ping(ask: PingAsk, tell: Callable[[Ping], None]) -> Ping:
    """Send up to TRIES echo requests, a second apart, until one is answered or refused."""
    try:
        sock, raw = echo.opened(ask.address)
    except echo.Denied as denied:
        return Ping(ask.address, error=denied.error, unavailable=str(denied))
    with sock:
        errqueue.listen(sock)
        token = os.urandom(16)
        sent_ns: dict[int, int] = {}
        for sequence in range(1, TRIES + 1):
            seen = await _exchange(ask, sock, raw, token, sequence, sent_ns)
            if seen.error != TIMEOUT:
                return seen
            tell(replace(seen))
        return seen


async def _exchange(
    ask: PingAsk,
    sock: socket.socket,
    raw: bool,
    token: bytes,
    sequence: int,
    sent_ns: dict[int, int],
) -> Ping:
    """One try; `sent_ns` says when each was sent: the answer may be that to an earlier one."""
    packet = echo.request(ask.address.version, sequence, token)
    sent_ns[sequence] = time.clock_gettime_ns(time.CLOCK_REALTIME)
    started = time.monotonic()
    try:
        sock.sendto(packet, sockaddr(ask.address, 0))
    except OSError as error:
        queued = errqueue.read(sock)
        name = errno_name(error.errno or 0)
        return Ping(ask.address, error=name, icmp=queued[1] if queued else None)
    while True:
        left = started + WAIT_S - time.monotonic()
        if not await readiness.wait(sock, write=False, timeout_s=left):
            return Ping(ask.address, error=TIMEOUT)
        queued = errqueue.read(sock)
        if queued is not None:
            return Ping(ask.address, error=errno_name(queued[0]), icmp=queued[1])
        with contextlib.suppress(BlockingIOError):
            came = echo.reply(sock, raw, ask.address.version, token)
            if came is not None:
                number, received_ns = came
                since = sent_ns.get(number, sent_ns[sequence])
                return Ping(ask.address, rtt_ms=max(0, received_ns - since) / 1e6)
