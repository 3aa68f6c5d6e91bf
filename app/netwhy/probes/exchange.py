"""Send something and wait for the answer that is expected: a health check.

Each phase (connect, handshake, send, receive) has the time limit for itself.  An answer may come in
any number of pieces.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace

from netwhy.core.asks import ExchangeAsk
from netwhy.core.errnames import errno_name
from netwhy.core.observations import CLOSED, TIMEOUT, Exchange
from netwhy.core.protocols import KEPT
from netwhy.system import errqueue, readiness
from netwhy.system import tls as tls_system
from netwhy.system.sockaddr import family, sockaddr
from netwhy.system.stream import Stream, StreamError

CONNECT_S = 3.6
HANDSHAKE_S = 4.2
ANSWER_S = 4.2
#: Nothing certain is expected: a moment for a reset.
_MOMENT_S = 1.0
_RESEND_S = 1.0
_MOST = 1 << 20  # bytes of an answer that are searched


async def exchange(ask: ExchangeAsk, tell: Callable[[Exchange], None]) -> Exchange:
    """Send and receive once; every failure is an observation."""
    seen = Exchange(ask.address, ask.port, ask.transport, to_send=len((ask.send or "").encode()))
    started = time.perf_counter()
    if ask.transport == "udp":
        seen = await _datagrams(ask, seen)
    else:
        seen = await _stream(ask, seen, tell)
    return replace(seen, ms=_ms(started))


async def _stream(ask: ExchangeAsk, seen: Exchange, tell: Callable[[Exchange], None]) -> Exchange:
    started = time.perf_counter()
    try:
        limit = ask.timeout_s or CONNECT_S
        stream = await Stream.connect(ask.address, ask.port, limit, ask.segment)
    except StreamError as error:
        return replace(seen, phase="connect", error=error.error)
    seen = replace(seen, connect_ms=_ms(started))
    with stream:
        if ask.transport == "tls":
            # Whether it is trusted is another question, and asked by the handshake probe.
            context = await tls_system.context("common", trust=False, check_name=False)
            name = ask.name.partition("%")[0] if ask.name else None
            begun = time.perf_counter()
            try:
                await stream.secure(context, name, ask.timeout_s or HANDSHAKE_S)
            except StreamError as error:
                return replace(seen, phase="handshake", error=error.error)
            except ssl.SSLError as error:
                return replace(
                    seen, phase="handshake", error=tls_system.failure(error, stream).error
                )
            stream.sent = 0
            seen = replace(seen, tls_ms=_ms(begun))
        return replace(await _said(ask, stream, seen, tell), flow=stream.flow())


async def _said(
    ask: ExchangeAsk, stream: Stream, seen: Exchange, tell: Callable[[Exchange], None]
) -> Exchange:
    """Send, then read to the answer; what a dying peer still said is read too."""
    limit = ask.timeout_s or ANSWER_S
    lost: str | None = None
    begun = time.perf_counter()

    def stands_still() -> None:
        phase = "send" if stream.sent < seen.to_send else "receive"
        now = replace(seen, phase=phase, sent=stream.sent, received=len(got), head=got[:KEPT])
        tell(replace(now, pending=True, ms=_ms(begun), flow=stream.flow()))

    got = b""
    stream.on_silence(stands_still)
    try:
        await stream.send((ask.send or "").encode(), limit)
    except StreamError as error:
        lost = error.error
    seen = replace(seen, sent=stream.sent, send_ms=_ms(begun))
    begun = time.perf_counter()
    wanted = ask.expect.encode() if ask.expect is not None else None
    ends = time.perf_counter() + (limit if wanted is not None else min(limit, _MOMENT_S))
    error_now: str | None = None
    while len(got) < _MOST:
        try:
            data = await stream.receive(ends - time.perf_counter())
        except StreamError as error:
            error_now = error.error
            break
        if not data:
            error_now = CLOSED
            break
        if not got:
            seen = replace(seen, first_byte_ms=_ms(begun))
        got += data
        if wanted is None or wanted in got:
            return replace(seen, matched=True, received=len(got), head=got[:KEPT])
    seen = replace(seen, received=len(got), head=got[:KEPT])
    if wanted is None and lost is None and error_now in (TIMEOUT, CLOSED):
        return replace(seen, matched=True)
    return replace(seen, phase="send" if lost else "receive", error=lost or error_now)


async def _datagrams(ask: ExchangeAsk, seen: Exchange) -> Exchange:
    """The same by datagrams: sent again each second, until one comes that contains the answer."""
    payload = (ask.send or "netwhy\n").encode()
    wanted = (ask.expect or "").encode()
    try:
        sock = socket.socket(family(ask.address), socket.SOCK_DGRAM)
    except OSError as error:
        return replace(seen, phase="connect", error=_name(error))
    with sock:
        sock.setblocking(False)
        try:
            errqueue.listen(sock)
            sock.connect(sockaddr(ask.address, ask.port))
        except OSError as error:
            return replace(seen, phase="connect", error=_name(error))
        ends = time.perf_counter() + (ask.timeout_s or ANSWER_S)
        while time.perf_counter() < ends:
            try:
                sock.send(payload)
                seen = replace(seen, sent=len(payload))
                again = min(ends, time.perf_counter() + _RESEND_S)
                while await readiness.wait(
                    sock, write=False, timeout_s=again - time.perf_counter()
                ):
                    queued = errqueue.read(sock)
                    if queued is not None:
                        return replace(seen, phase="receive", error=errno_name(queued[0]))
                    data = sock.recv(65_536)
                    seen = replace(
                        seen, received=seen.received + len(data), head=seen.head or data[:KEPT]
                    )
                    if wanted in data:
                        return replace(seen, matched=True, head=data[:KEPT])
            except BlockingIOError:
                continue
            except OSError as error:
                return replace(seen, phase="send", error=_name(error))
    return replace(seen, phase="receive", error=TIMEOUT)


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _name(error: OSError) -> str:
    return errno_name(error.errno or errno.EIO)
