"""A small name server whose behaviour is the first label of the name that is asked.

`nxdomain.test` does not exist, `silent.test` is never answered, `late.test` after two seconds,
and so on: the table at the end has them all.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
from tests.net.servers import host_of

LATE_S = 2.0
SOA = "ns.test. admin.test. 1 3600 600 86400 45"


@dataclass(frozen=True)
class Query:
    """One message that came in."""

    message: dns.message.Message
    transport: str
    source_port: int
    number: int  # how many came before it for the same name

    @property
    def name(self) -> str:
        return str(self.message.question[0].name)


@dataclass
class NameServer:
    port: int
    queries: list[Query] = field(default_factory=list)

    def of(self, name: str) -> list[Query]:
        return [query for query in self.queries if query.name == name]


def _reply(query: Query, *records: str) -> dns.message.Message:
    reply = dns.message.make_response(query.message, recursion_available=True)
    for record in records:
        owner, kind, value = record.split(" ", 2)
        reply.answer.append(dns.rrset.from_text(owner, 60, "IN", kind, value))
    return reply


def _noerror(query: Query) -> dns.message.Message:
    return _reply(query, f"{query.name} A 192.0.2.1", f"{query.name} AAAA 2001:db8::1")


def _rcode(rcode: int) -> Callable[[Query], dns.message.Message]:
    def answer(query: Query) -> dns.message.Message:
        reply = _reply(query)
        reply.set_rcode(rcode)
        return reply

    return answer


def _nxdomain(query: Query) -> dns.message.Message:
    reply = _rcode(dns.rcode.NXDOMAIN)(query)
    reply.authority.append(dns.rrset.from_text("test.", 300, "IN", "SOA", SOA))
    return reply


def _bogus(query: Query) -> dns.message.Message:
    """SERVFAIL from a validating resolver, unless checking is switched off (RFC 4035 §3.2.2)."""
    if query.message.flags & dns.flags.CD:
        return _noerror(query)
    return _rcode(dns.rcode.SERVFAIL)(query)


def _explained(
    code: int, text: str, rcode: int = dns.rcode.REFUSED
) -> Callable[[Query], dns.message.Message]:
    def answer(query: Query) -> dns.message.Message:
        reply = _rcode(rcode)(query)
        reply.use_edns(0, options=[dns.edns.EDEOption(code, text)])
        return reply

    return answer


def _not_utf8(query: Query) -> bytes:
    """An explanation in Latin-1, where RFC 8914 wants UTF-8."""
    wire = _explained(15, "gesperrt")(query).to_wire()
    return wire.replace(b"gesperrt", b"gesp\xe9rrt")


def _old(query: Query) -> dns.message.Message:
    """A server from before EDNS (RFC 6891 §7)."""
    if query.message.edns >= 0:
        reply = dns.message.Message(id=query.message.id)
        reply.flags = dns.flags.QR | dns.flags.RA
        reply.question = query.message.question
        reply.set_rcode(dns.rcode.FORMERR)
        return reply
    return _noerror(query)


def _inspected(query: Query) -> dns.message.Message | None:
    """Behind a firewall that drops what it does not know: EDNS over UDP."""
    return None if query.message.edns >= 0 and query.transport == "udp" else _noerror(query)


def _truncated(query: Query) -> dns.message.Message | None:
    if query.transport == "tcp":
        return None if query.name.startswith("cut") else _noerror(query)
    reply = _reply(query)
    reply.flags |= dns.flags.TC
    return reply


def _alias(query: Query) -> dns.message.Message:
    return _reply(
        query,
        f"{query.name} CNAME One.Alias.test.",
        "one.alias.test. CNAME two.alias.test.",
        "two.alias.test. A 192.0.2.7",
        "two.alias.test. A 192.0.2.8",
    )


def _loop(query: Query) -> dns.message.Message:
    return _reply(
        query, f"{query.name} CNAME a.test.", "a.test. CNAME b.test.", "b.test. CNAME a.test."
    )


def _wrong_id(query: Query) -> bytes:
    reply = _noerror(query)
    reply.id ^= 1
    return reply.to_wire()


def _wrong_question(query: Query) -> bytes:
    other = dns.message.make_query("other.test.", "A")
    other.id = query.message.id
    return dns.message.make_response(other).to_wire()


Answer = dns.message.Message | bytes | None
_BEHAVIOURS: dict[str, Callable[[Query], Answer]] = {
    "ok": _noerror,
    "nxdomain": _nxdomain,
    "nodata": _reply,
    "servfail": _rcode(dns.rcode.SERVFAIL),
    "bogus": _bogus,
    "refused": _explained(18, "not for you"),
    "escape": _explained(15, "\x1b[31mred\x07\n[/]\u202e"),
    "latin1": _not_utf8,
    "tc": _truncated,
    "cut": _truncated,  # and over TCP nothing comes
    "old": _old,
    "inspected": _inspected,
    "sink": lambda query: _reply(query, f"{query.name} A 0.0.0.0", f"{query.name} AAAA ::"),
    "gone": lambda query: _reply(query, f"{query.name} CNAME nodata.test."),
    "kept": _explained(13, "", dns.rcode.SERVFAIL),
    "filtered": _explained(17, "policy", dns.rcode.NXDOMAIN),
    "alias": _alias,
    "loop": _loop,
    "silent": lambda query: None,
    "half": _noerror,  # over TCP the connection ends in the middle
}
#: What comes before the right answer, as from somebody who guesses.
_BEFORE: dict[str, list[Callable[[Query], bytes]]] = {
    "wrongid": [_wrong_id],
    "wrongname": [_wrong_question],
    "junk": [
        lambda query: b"",
        lambda query: b"\x00",
        lambda query: b"\xff" * 700,
        lambda query: query.message.to_wire(),  # an echo: not a response
        lambda query: _noerror(query).to_wire()[:-3],
    ],
}


def _answers(query: Query) -> list[bytes]:
    behaviour = query.name.partition(".")[0].lower()
    if behaviour == "late":  # only the first query is ever answered
        if query.number:
            return []
        time.sleep(LATE_S)
    first = [forged(query) for forged in _BEFORE.get(behaviour, [])]
    answer = _BEHAVIOURS.get(behaviour, _noerror)(query)
    if answer is None:
        return first
    return [*first, answer if isinstance(answer, bytes) else answer.to_wire()]


@contextlib.contextmanager
def name_server(address: str = "127.0.0.1") -> Iterator[NameServer]:
    """The server, on one port for both transports."""
    tcp, udp = _pair(address)
    server = NameServer(tcp.getsockname()[1])
    stop_reader, stop_writer = socket.socketpair()

    def serve() -> None:
        while True:
            ready = select.select([tcp, udp, stop_reader], [], [])[0]
            if stop_reader in ready:
                return
            if udp in ready:
                wire, sender = udp.recvfrom(4096)
                _aside(_serve_udp, server, udp, wire, sender)
            if tcp in ready:
                _aside(_serve_tcp, server, *tcp.accept())

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with tcp, udp, stop_reader, stop_writer:
        yield server
        stop_writer.send(b"x")
        thread.join(5)


def _pair(address: str) -> tuple[socket.socket, socket.socket]:
    while True:
        tcp = socket.create_server((address, 0), family=host_of(address))
        udp = socket.socket(host_of(address), socket.SOCK_DGRAM)
        try:
            udp.bind((address, tcp.getsockname()[1]))
        except OSError:  # somebody has this number in UDP
            tcp.close()
            udp.close()
            continue
        return tcp, udp


def _aside(function: Callable[..., None], *args: object) -> None:
    threading.Thread(target=function, args=args, daemon=True).start()


def _note(server: NameServer, wire: bytes, transport: str, sender: tuple[str, int]) -> Query:
    message = dns.message.from_wire(wire)
    name = str(message.question[0].name)
    query = Query(message, transport, sender[1], len(server.of(name)))
    server.queries.append(query)
    return query


def _serve_udp(
    server: NameServer, udp: socket.socket, wire: bytes, sender: tuple[str, int]
) -> None:
    query = _note(server, wire, "udp", sender)
    with contextlib.suppress(OSError):  # a late answer may find the test over
        for answer in _answers(query):
            udp.sendto(answer, sender)


def _serve_tcp(server: NameServer, connection: socket.socket, sender: tuple[str, int]) -> None:
    """Answers in small pieces, the two bytes of length apart."""
    with connection, contextlib.suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        (length,) = struct.unpack("!H", connection.recv(2, socket.MSG_WAITALL))
        query = _note(server, connection.recv(length, socket.MSG_WAITALL), "tcp", sender)
        answers = _answers(query)
        if not answers:
            connection.recv(1)  # until the client gives up
            return
        data = struct.pack("!H", len(answers[-1])) + answers[-1]
        if query.name.startswith("half"):
            data = data[:-5]
        for piece in (data[:1], data[1:2], data[2:13], data[13:]):
            connection.sendall(piece)
            time.sleep(0.01)
