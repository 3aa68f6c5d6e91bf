"""One question to one server, over a connected socket, so that a refusal is seen as one.

dnspython makes and reads the messages; the sockets are our own: its queries go out on unconnected
sockets, where a closed port looks like a silent server.  Each try has a fresh socket, and the
earlier ones stay open: late is not lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwhy.core.asks import DnsAsk
from netwhy.core.errnames import errno_name
from netwhy.core.model import IPAddress
from netwhy.core.observations import TIMEOUT, DnsAnswer, Icmp
from netwhy.system import errqueue, readiness
from netwhy.system.sockaddr import family, sockaddr

if TYPE_CHECKING:
    from dns.message import Message

Tell = Callable[[DnsAnswer], None]

#: When a try is sent, in seconds after the first.
TRIES_S = (0.0, 1.4)
#: An upstream that needs longer than this is as good as dead for a program that waits 5 s.
DEADLINE_S = 4.4


class _Refused(Exception):
    """The transport said no."""

    def __init__(self, error: str, icmp: Icmp | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.icmp = icmp


async def query(ask: DnsAsk, tell: Tell) -> DnsAnswer:
    """Ask once over UDP (two tries) or TCP; every failure is an observation."""
    message = _message(ask)
    if message is None:
        return _answer(ask, time.perf_counter(), error="EINVAL")
    started = time.perf_counter()
    deadline = started + (DEADLINE_S if ask.within_s is None else ask.within_s)
    exchange = _over_tcp if ask.transport == "tcp" else _over_udp
    try:
        reply = await exchange(ask, message, started, deadline, tell)
    except _Refused as refused:
        return _answer(ask, started, error=refused.error, icmp=refused.icmp)
    if reply is None:
        tries = sum(started + start < deadline for start in TRIES_S)
        return _answer(ask, started, error=TIMEOUT, tries=tries)
    return _read(ask, reply, started)


def _message(ask: DnsAsk) -> Message | None:
    """The query, with EDNS if there is a payload; None for a name that has no wire form."""
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name

    try:
        name = dns.name.from_text(ask.name)
        edns = 0 if ask.payload else False
        message = dns.message.make_query(
            name, ask.rrtype, ask.rrclass, use_edns=edns, payload=ask.payload or None
        )
    except (dns.exception.DNSException, UnicodeError, ValueError):
        return None
    if ask.checking_disabled:
        message.flags |= dns.flags.CD
    return message


async def _over_udp(
    ask: DnsAsk, message: Message, started: float, deadline: float, tell: Tell
) -> Message | None:
    """The first valid reply to any of the tries; raises _Refused when all tries were refused."""
    wire = message.to_wire()
    with contextlib.ExitStack() as stack:
        tries: set[asyncio.Task[Message | None]] = set()
        stack.callback(lambda: [task.cancel() for task in tries])
        for start in TRIES_S:
            if started + start < deadline:
                tries.add(
                    asyncio.create_task(_udp_try(ask, message, wire, started + start, deadline))
                )
        refusal: _Refused | None = None
        told = False
        while tries:
            timeout = None if told else max(0.0, started + 1.3 - time.perf_counter())
            done, pending = await asyncio.wait(
                tries, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
            tries.clear()
            tries.update(pending)
            if not done:
                told = True
                tell(_answer(ask, started, error=TIMEOUT, pending=True))
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


async def _udp_try(
    ask: DnsAsk, message: Message, wire: bytes, begin: float, deadline: float
) -> Message | None:
    await asyncio.sleep(max(0.0, begin - time.perf_counter()))
    try:
        sock = socket.socket(family(ask.server), socket.SOCK_DGRAM)
    except OSError as error:
        raise _Refused(errno_name(error.errno or 0)) from error
    with sock:
        sock.setblocking(False)
        try:
            errqueue.listen(sock)
            sock.connect(sockaddr(ask.server, ask.port))
            sock.send(wire)
        except OSError as error:
            queued = errqueue.read(sock)
            name = errno_name(error.errno or 0)
            raise _Refused(name, queued[1] if queued else None) from error
        while True:
            left = deadline - time.perf_counter()
            if not await readiness.wait(sock, write=False, timeout_s=left):
                return None
            reply = _receive(sock, message)
            if reply is not None:
                return reply


def _receive(sock: socket.socket, message: Message) -> Message | None:
    """The reply that waits on the socket; None when it is not an answer to this query."""
    queued = errqueue.read(sock)
    if queued is not None:
        raise _Refused(errno_name(queued[0]), queued[1])
    try:
        data = sock.recv(65535)
    except BlockingIOError:
        return None
    except OSError as error:
        raise _Refused(errno_name(error.errno or 0)) from error
    return _parse(data, message)


def _parse(data: bytes, message: Message) -> Message | None:
    import dns.exception
    import dns.message

    try:
        reply = dns.message.from_wire(data, ignore_trailing=True, continue_on_error=True)
    except (dns.exception.DNSException, ValueError, IndexError, struct.error):
        return None
    return reply if message.is_response(reply) else None


async def _over_tcp(
    ask: DnsAsk, message: Message, started: float, deadline: float, tell: Tell
) -> Message | None:
    """The reply over TCP (RFC 7766: two bytes of length before each message)."""
    loop = asyncio.get_running_loop()
    try:
        sock = socket.socket(family(ask.server), socket.SOCK_STREAM)
    except OSError as error:
        raise _Refused(errno_name(error.errno or 0)) from error
    with sock:
        sock.setblocking(False)
        errqueue.listen(sock)
        try:
            async with asyncio.timeout(max(0.1, deadline - time.perf_counter())):
                await loop.sock_connect(sock, sockaddr(ask.server, ask.port))
                errqueue.listen(sock, on=False)
                wire = message.to_wire()
                await loop.sock_sendall(sock, struct.pack("!H", len(wire)) + wire)
                data = await _receive_message(loop, sock)
        except TimeoutError:
            return None
        except OSError as error:
            queued = errqueue.read(sock)
            name = errno_name(error.errno or 0)
            raise _Refused(name, queued[1] if queued else None) from error
        return _parse(data, message)


async def _receive_message(loop: asyncio.AbstractEventLoop, sock: socket.socket) -> bytes:
    """One whole message, however it was cut in pieces; ConnectionResetError when it ends early."""
    buffer = b""
    while len(buffer) < 2 or len(buffer) < 2 + struct.unpack_from("!H", buffer)[0]:
        piece = await loop.sock_recv(sock, 65537)
        if not piece:
            raise ConnectionResetError(104, "closed before the answer was complete")
        buffer += piece
    return buffer[2:]


def _read(ask: DnsAsk, reply: Message, started: float) -> DnsAnswer:
    import dns.flags
    import dns.rcode

    addresses, chain, records = _answers(ask, reply)
    return replace(
        _answer(ask, started, error=None),
        rcode=dns.rcode.to_text(reply.rcode()),
        addresses=addresses,
        records=records,
        chain=chain,
        recursion_available=bool(reply.flags & dns.flags.RA),
        truncated=bool(reply.flags & dns.flags.TC),
        authoritative=bool(reply.flags & dns.flags.AA),
        ede=tuple((int(o.code), o.text or "") for o in reply.extended_errors()),
        soa=_soa(reply),
        ttl=min((int(rrset.ttl) for rrset in reply.answer), default=None),
    )


def _answers(ask: DnsAsk, reply: Message) -> tuple[tuple[IPAddress, ...], tuple[str, ...], int]:
    """The addresses, the aliases in order, and the number of records of the asked type."""
    import dns.rdatatype

    addresses: list[IPAddress] = []
    aliases: dict[str, str] = {}
    records = 0
    wanted = dns.rdatatype.from_text(ask.rrtype)
    for rrset in reply.answer:
        if rrset.rdtype == wanted:
            records += len(rrset)
        for record in rrset:
            if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                addresses.append(ip_address(record.address))
            elif rrset.rdtype == dns.rdatatype.CNAME:
                aliases[_text(rrset.name)] = _text(record.target)
    chain: list[str] = []
    name = ask.name.rstrip(".").lower()
    while name in aliases and len(chain) <= len(aliases):
        name = aliases[name]
        chain.append(name)
    return tuple(addresses), tuple(chain), records


def _soa(reply: Message) -> tuple[str, int] | None:
    """(owner, seconds for which the negative answer may be cached), RFC 2308 §5."""
    import dns.rdatatype

    for rrset in reply.authority:
        if rrset.rdtype == dns.rdatatype.SOA and len(rrset):
            return _text(rrset.name), min(int(rrset.ttl), int(rrset[0].minimum))
    return None


def _text(name: object) -> str:
    return str(name).rstrip(".").lower() or "."


def _answer(
    ask: DnsAsk,
    started: float,
    *,
    error: str | None,
    icmp: Icmp | None = None,
    tries: int = 1,
    pending: bool = False,
) -> DnsAnswer:
    return DnsAnswer(
        ask.server,
        ask.port,
        ask.name,
        ask.rrtype,
        transport=ask.transport,
        checking_disabled=ask.checking_disabled,
        error=error,
        icmp=icmp,
        ms=_ms(started),
        tries=tries,
        pending=pending,
        payload=ask.payload,
        attempt=ask.attempt,
    )


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
