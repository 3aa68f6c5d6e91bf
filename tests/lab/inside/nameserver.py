"""A name server that misbehaves as told: what no real server can be made to do.

    nameserver.py ADDRESS WORD… RULE…

A rule is `NAME/TYPE=ACTION+ACTION…`; `*` stands for every name or type; the first that fits counts.
What no rule fits does not exist.  Prints "ready" once it listens on port 53.

    actions  ADDRESS (an A or AAAA record) | CNAME:NAME | empty (no data) | silent
             NXDOMAIN, SERVFAIL, NOTIMP… (the rcode) | unchecked:RCODE (unless asked with CD)
             ede:N (an extended error) | tc (truncated over UDP) | turn (one record, in turn)
    words    edns:silent, edns:FORMERR (what becomes of queries with EDNS)
             tcp:none (nothing listens), tcp:deaf (accepts, never answers)
             late:SECONDS | no-ra (offers no recursion) | no-soa (empty answers without SOA)
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

_SOA = "ns.example.com. hostmaster.example.com. 1 3600 600 86400 30"


@dataclass
class Behaviour:
    """What the words and rules say, and how often each name was asked for."""

    rules: list[tuple[str, str, list[str]]] = field(default_factory=list)
    edns: str = ""
    tcp: str = ""
    late_s: float = 0.0
    recursion: bool = True
    soa: bool = True
    asked: dict[str, int] = field(default_factory=dict)

    def add(self, word: str) -> None:
        kind, _, value = word.partition(":")
        if "/" in word.partition("=")[0]:
            question, _, actions = word.partition("=")
            name, _, rrtype = question.partition("/")
            self.rules.append((name.lower(), rrtype, actions.split("+")))
        elif kind in ("edns", "tcp"):
            setattr(self, kind, value)
        elif kind == "late":
            self.late_s = float(value)
        elif word == "no-ra":
            self.recursion = False
        elif word == "no-soa":
            self.soa = False
        else:
            sys.exit(f"not a word of this server: {word}")

    def actions(self, name: str, rrtype: str) -> list[str]:
        for wanted, kind, actions in self.rules:
            if wanted in ("*", name) and kind in ("*", rrtype):
                return actions
        return ["NXDOMAIN"]


def answer(behaviour: Behaviour, query: dns.message.Message, *, udp: bool) -> bytes | None:
    """The reply, or None to keep silent."""
    question = query.question[0]
    name = str(question.name).rstrip(".").lower()
    rrtype = dns.rdatatype.to_text(question.rdtype)
    if query.edns >= 0 and behaviour.edns:
        return None if behaviour.edns == "silent" else _bare(query, behaviour.edns)
    reply = dns.message.make_response(query, recursion_available=behaviour.recursion)
    records: list[tuple[str, str, str]] = []
    owner = str(question.name)
    actions = behaviour.actions(name, rrtype)
    for action in actions:
        kind, _, value = action.partition(":")
        if action == "silent":
            return None
        if kind == "CNAME":
            records.append((owner, "CNAME", value.rstrip(".") + "."))
            owner = value.rstrip(".") + "."
        elif kind == "ede" and query.edns >= 0:
            reply.use_edns(0, options=[dns.edns.EDEOption(int(value))])
        elif action == "tc" and udp:
            reply.flags |= dns.flags.TC
        elif kind == "unchecked":
            if not query.flags & dns.flags.CD:
                reply.set_rcode(dns.rcode.from_text(value))
        elif kind.isupper():
            reply.set_rcode(dns.rcode.from_text(kind))
        elif action[:1].isdigit() or (":" in action and kind != "ede"):
            records.append((owner, "AAAA" if ":" in action else "A", action))
    if reply.flags & dns.flags.TC:
        return reply.to_wire()
    if reply.rcode() != dns.rcode.SERVFAIL:
        _fill(behaviour, reply, records, rrtype, turn="turn" in actions, name=name)
    return reply.to_wire()


def _fill(
    behaviour: Behaviour,
    reply: dns.message.Message,
    records: list[tuple[str, str, str]],
    rrtype: str,
    *,
    turn: bool,
    name: str,
) -> None:
    fitting = [r for r in records if r[1] in ("CNAME", rrtype)]
    if turn and fitting:
        number = behaviour.asked[name] = behaviour.asked.get(name, -1) + 1
        fitting = [fitting[number % len(fitting)]]
    for owner, kind, value in fitting:
        reply.answer.append(dns.rrset.from_text(owner, 60, "IN", kind, value))
    if not fitting and behaviour.soa and behaviour.recursion:
        reply.authority.append(dns.rrset.from_text("example.com.", 30, "IN", "SOA", _SOA))


def _bare(query: dns.message.Message, rcode: str) -> bytes:
    """An answer of somebody who never heard of EDNS: without it."""
    plain = dns.message.Message(id=query.id)
    plain.question = query.question
    plain.flags = dns.flags.QR | dns.flags.RD | dns.flags.RA
    plain.set_rcode(dns.rcode.from_text(rcode))
    return plain.to_wire()


def serve_udp(behaviour: Behaviour, sock: socket.socket) -> None:
    while True:
        wire, sender = sock.recvfrom(4096)

        def reply(wire: bytes = wire, sender: object = sender) -> None:
            with suppress(Exception):
                said = answer(behaviour, dns.message.from_wire(wire), udp=True)
                time.sleep(behaviour.late_s)
                if said is not None:
                    sock.sendto(said, sender)  # type: ignore[arg-type]

        threading.Thread(target=reply, daemon=True).start()


def serve_tcp(behaviour: Behaviour, listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()

        def reply(connection: socket.socket = connection) -> None:
            with suppress(Exception), connection:
                if behaviour.tcp == "deaf":
                    time.sleep(600)
                while head := connection.recv(2, socket.MSG_WAITALL):
                    wire = connection.recv(*struct.unpack("!H", head), socket.MSG_WAITALL)
                    said = answer(behaviour, dns.message.from_wire(wire), udp=False)
                    if said is not None:
                        connection.sendall(struct.pack("!H", len(said)) + said)

        threading.Thread(target=reply, daemon=True).start()


def main(address: str, words: list[str]) -> None:
    behaviour = Behaviour()
    for word in words:
        behaviour.add(word)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.bind((address, 53))
    if behaviour.tcp != "none":
        tcp = socket.create_server((address, 53), family=family)
        threading.Thread(target=serve_tcp, args=(behaviour, tcp), daemon=True).start()
    print("ready", flush=True)
    serve_udp(behaviour, udp)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
