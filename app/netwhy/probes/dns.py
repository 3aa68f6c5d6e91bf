"""One question to one server, over a connected socket, so that a refusal is seen as one.

dnspython makes and reads the messages; the sockets are our own: its queries go out on unconnected
sockets, where a closed port looks like a silent server.  Each try has a fresh socket, and the
earlier ones stay open: late is not lost.  The second one is not connected, so that a reply from
another address, which a client throws away, is noticed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwhy.core.asks import DnsAsk
from netwhy.core.errnames import errno_name
from netwhy.core.model import IPAddress
from netwhy.core.observations import TIMEOUT, DnsAnswer, Icmp
from netwhy.system import dnsmessage, errqueue, readiness
from netwhy.system.sockaddr import family, sockaddr

if TYPE_CHECKING:
    from dns.message import Message

Tell = Callable[[DnsAnswer], None]

#: When a try is sent, in seconds after the first.
TRIES_S = (0.0, 1.4)
#: When a question that has no answer yet is told to be silent so far.
EARLY_S = 1.3
#: An upstream that needs longer than this is as good as dead for a program that waits 5 s.
DEADLINE_S = 4.8
#: Only Linux tells a socket that is not connected of ICMP errors (ip(7), IP_RECVERR).
_OPEN_TRIES = frozenset({1}) if sys.platform == "linux" else frozenset()


class _Refused(Exception):
    """The transport said no."""

    def __init__(self, error: str, icmp: Icmp | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.icmp = icmp


@dataclass(slots=True)
class _Exchange:
    """One question under way, with the replies that no client would take."""

    ask: DnsAsk
    message: Message
    started: float
    deadline: float
    strays: list[tuple[str, IPAddress]] = field(default_factory=list)

    def taken(self, data: bytes, sender: IPAddress) -> Message | None:
        """The reply if it is one to this question; what is none is remembered."""
        reply = dnsmessage.parse(data)
        why = dnsmessage.mismatch(reply, self.message)
        if sender != self.ask.server:
            if not why:
                self.strays.append(("other-address", sender))
            return None
        if why:
            self.strays.append((why, sender))
            return None
        return reply

    def answer(self, error: str | None, **changes: object) -> DnsAnswer:
        stray = self.strays[0] if self.strays and error is not None else None
        seen = _answer(self.ask, self.started, error=error)
        return replace(seen, stray=stray, **changes)  # type: ignore[arg-type]


async def query(ask: DnsAsk, tell: Tell) -> DnsAnswer:
    """Ask once over UDP (two tries) or TCP; every failure is an observation."""
    message = dnsmessage.make(ask)
    if message is None:
        return _answer(ask, time.perf_counter(), error="EINVAL")
    started = time.perf_counter()
    deadline = started + (DEADLINE_S if ask.within_s is None else ask.within_s)
    exchange = _Exchange(ask, message, started, deadline)
    try:
        if ask.transport == "tcp":
            reply = await _over_tcp(exchange)
        else:
            reply = await _over_udp(exchange, tell)
    except _Refused as refused:
        return exchange.answer(refused.error, icmp=refused.icmp)
    if reply is None:
        tries = 1
        if ask.transport == "udp":
            tries = sum(started + start < deadline for start in TRIES_S)
        return exchange.answer(TIMEOUT, tries=tries)
    return exchange.answer(None, **asdict(dnsmessage.read(ask, reply)))


async def _over_udp(exchange: _Exchange, tell: Tell) -> Message | None:
    """The first valid reply to any of the tries; raises _Refused when all tries were refused."""
    started, deadline = exchange.started, exchange.deadline
    with contextlib.ExitStack() as stack:
        tries: set[asyncio.Task[Message | None]] = set()
        stack.callback(lambda: [task.cancel() for task in tries])
        for number, start in enumerate(TRIES_S):
            if started + start < deadline:
                tries.add(asyncio.create_task(_udp_try(exchange, number)))
        refusal: _Refused | None = None
        told = False
        while tries:
            timeout = None if told else max(0.0, started + EARLY_S - time.perf_counter())
            done, pending = await asyncio.wait(
                tries, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            tries.clear()
            tries.update(pending)
            if not done:
                told = True
                tell(exchange.answer(TIMEOUT, pending=True))
            for task in done:
                try:
                    reply = task.result()
                except _Refused as refused:
                    refusal = refused
                    if refused.icmp is None or not refused.icmp.host_unreachable:
                        raise  # said at once, and it will be said again
                else:
                    if reply is not None:
                        return reply
        if refusal is not None:
            raise refusal
    return None


async def _udp_try(exchange: _Exchange, number: int) -> Message | None:
    ask = exchange.ask
    begin = exchange.started + TRIES_S[number]
    await asyncio.sleep(max(0.0, begin - time.perf_counter()))
    try:
        sock = socket.socket(family(ask.server), socket.SOCK_DGRAM)
    except OSError as error:
        raise _Refused(errno_name(error.errno or 0)) from error
    with sock:
        sock.setblocking(False)
        try:
            errqueue.listen(sock)
            where = sockaddr(ask.server, ask.port)
            if number not in _OPEN_TRIES:
                sock.connect(where)
                sock.send(exchange.message.to_wire())
            else:
                sock.sendto(exchange.message.to_wire(), where)
        except OSError as error:
            queued = errqueue.read(sock)
            name = errno_name(error.errno or 0)
            raise _Refused(name, queued[1] if queued else None) from error
        while True:
            left = exchange.deadline - time.perf_counter()
            if not await readiness.wait(sock, write=False, timeout_s=left):
                return None
            reply = _receive(sock, exchange)
            if reply is not None:
                return reply


def _receive(sock: socket.socket, exchange: _Exchange) -> Message | None:
    """The reply that waits on the socket; None when it is not an answer to this query."""
    queued = errqueue.read(sock)
    if queued is not None:
        raise _Refused(errno_name(queued[0]), queued[1])
    try:
        data, sender = sock.recvfrom(65535)
    except BlockingIOError:
        return None
    except OSError as error:
        raise _Refused(errno_name(error.errno or 0)) from error
    return exchange.taken(data, _from(sender, exchange.ask))


def _from(sender: tuple[object, ...], ask: DnsAsk) -> IPAddress:
    """Who sent it: the server itself where address and port are its own, whatever the scope."""
    own = sockaddr(ask.server, ask.port)
    text = str(sender[0]).partition("%")[0]
    if (text, sender[1]) == (str(own[0]).partition("%")[0], own[1]):
        return ask.server
    return ip_address(text)


async def _over_tcp(exchange: _Exchange) -> Message | None:
    """The reply over TCP (RFC 7766: two bytes of length before each message)."""
    ask = exchange.ask
    loop = asyncio.get_running_loop()
    try:
        sock = socket.socket(family(ask.server), socket.SOCK_STREAM)
    except OSError as error:
        raise _Refused(errno_name(error.errno or 0)) from error
    with sock:
        sock.setblocking(False)
        errqueue.listen(sock)
        try:
            async with asyncio.timeout(max(0.1, exchange.deadline - time.perf_counter())):
                await loop.sock_connect(sock, sockaddr(ask.server, ask.port))
                errqueue.listen(sock, on=False)
                wire = exchange.message.to_wire()
                await loop.sock_sendall(sock, struct.pack("!H", len(wire)) + wire)
                data = await _receive_message(loop, sock)
        except TimeoutError:
            return None
        except OSError as error:
            queued = errqueue.read(sock)
            name = errno_name(error.errno or 0)
            raise _Refused(name, queued[1] if queued else None) from error
        return exchange.taken(data, ask.server)


async def _receive_message(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    """One whole message, however it was cut in pieces; ConnectionResetError when it ends early."""
    buffer = b""
    while len(buffer) < 2 or len(buffer) < 2 + struct.unpack_from("!H", buffer)[0]:
        piece = await loop.sock_recv(sock, 65537)
        if not piece:
            raise ConnectionResetError(104, "closed before the answer was complete")
        buffer += piece
    return buffer[2:]


def _answer(ask: DnsAsk, started: float, *, error: str | None) -> DnsAnswer:
    return DnsAnswer(
        ask.server,
        ask.port,
        ask.name,
        ask.rrtype,
        transport=ask.transport,
        checking_disabled=ask.checking_disabled,
        error=error,
        ms=_ms(started),
        payload=ask.payload,
        attempt=ask.attempt,
    )


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
