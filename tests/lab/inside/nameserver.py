"""A name server that misbehaves as told: what no real server can be made to do.

    nameserver.py ADDRESS WORD… RULE…

A rule is `NAME/TYPE=ACTION+ACTION…`; `*` stands for every name or type, `*.NAME` for all below it.
The first that fits counts; what no rule fits does not exist.  Prints "ready" once it listens.

    actions  ADDRESS (an A or AAAA record) | CNAME:NAME | empty (no data) | silent
             rr:TYPE:DATA (another record, commas for blanks) | ttl:SECONDS
             refer:ZONE:NAME (no answer, but who may know: a referral to the servers of ZONE)
             NXDOMAIN, SERVFAIL, NOTIMP… (the rcode) | unchecked:RCODE (unless asked with CD)
             once:RCODE (the first time only) | ede:N, ede:N:TEXT (an extended error)
             tc (truncated over UDP) | turn (one record, in turn) | wait:SECONDS | aa (authority)
    words    edns:silent, edns:FORMERR (what becomes of queries with EDNS), edns:ignored (no OPT)
             tcp:none (nothing listens), tcp:deaf (accepts, never answers), tcp:closes
             udp:none (nothing listens), udp:silent
             reply:junk, reply:wrong-id (what is sent over UDP), from:ADDRESS (whence)
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
    udp: str = ""
    reply: str = ""
    source: str = ""
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
        elif kind in ("edns", "tcp", "udp", "reply"):
            setattr(self, kind, value)
        elif kind == "from":
            self.source = value
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
            below = wanted.startswith("*.") and name.endswith(wanted[1:])
            if (below or wanted in ("*", name)) and kind in ("*", rrtype):
                return actions
        return ["NXDOMAIN"]

    def count(self, name: str) -> int:
        """How often this was counted before."""
        self.asked[name] = self.asked.get(name, -1) + 1
        return self.asked[name]


def answer(behaviour: Behaviour, query: dns.message.Message, *, udp: bool) -> bytes | None:
    """The reply, or None to keep silent."""
    question = query.question[0]
    name = str(question.name).rstrip(".").lower()
    rrtype = dns.rdatatype.to_text(question.rdtype)
    if query.edns >= 0 and behaviour.edns == "silent":
        return None
    if query.edns >= 0 and behaviour.edns.isupper():
        return _bare(query, behaviour.edns)
    actions = behaviour.actions(name, rrtype)
    if "silent" in actions:
        return None
    reply = dns.message.make_response(query, recursion_available=behaviour.recursion)
    if behaviour.edns == "ignored":
        reply.use_edns(False)
    records = _act(behaviour, query, reply, actions, udp=udp)
    if not reply.flags & dns.flags.TC and reply.rcode() != dns.rcode.SERVFAIL:
        _fill(behaviour, reply, records, rrtype, actions)
    return reply.to_wire()


def _act(
    behaviour: Behaviour,
    query: dns.message.Message,
    reply: dns.message.Message,
    actions: list[str],
    *,
    udp: bool,
) -> list[tuple[str, str, str]]:
    """Does what the actions say to the reply, and returns their records: owner, type, data."""
    records: list[tuple[str, str, str]] = []
    owner = str(query.question[0].name)
    for action in actions:
        kind, _, value = action.partition(":")
        if kind == "CNAME":
            records.append((owner, "CNAME", value.rstrip(".") + "."))
            owner = value.rstrip(".") + "."
        elif kind == "rr":
            rrtype, _, data = value.partition(":")
            records.append((owner, rrtype, data.replace(",", " ")))
        elif kind == "refer":
            zone, _, server = value.partition(":")
            record = dns.rrset.from_text(f"{zone}.", 518400, "IN", "NS", f"{server}.")
            reply.authority.append(record)
        elif kind == "wait":
            time.sleep(float(value))
        elif kind == "ede":
            number, _, text = value.partition(":")
            if query.edns >= 0 and behaviour.edns != "ignored":
                told = dns.edns.EDEOption(int(number), text.replace(",", " ") or None)
                reply.use_edns(0, options=[told])
        elif action == "tc" and udp:
            reply.flags |= dns.flags.TC
        elif action == "aa":
            reply.flags |= dns.flags.AA
        elif kind == "unchecked":
            if not query.flags & dns.flags.CD:
                reply.set_rcode(dns.rcode.from_text(value))
        elif kind == "once":
            if behaviour.count(f"once {query.question[0]}") == 0:
                reply.set_rcode(dns.rcode.from_text(value))
        elif kind.isupper():
            reply.set_rcode(dns.rcode.from_text(kind))
        elif kind != "ttl" and (action[:1].isdigit() or ":" in action):
            records.append((owner, "AAAA" if ":" in action else "A", action))
    return records


def _fill(
    behaviour: Behaviour,
    reply: dns.message.Message,
    records: list[tuple[str, str, str]],
    rrtype: str,
    actions: list[str],
) -> None:
    fitting = [r for r in records if r[1] in ("CNAME", rrtype)]
    if "turn" in actions and fitting:
        number = behaviour.count(f"turn {reply.question[0].name}")
        fitting = [fitting[number % len(fitting)]]
    ttl = next((int(a[4:]) for a in actions if a.startswith("ttl:")), 60)
    for owner, kind, value in fitting:
        reply.answer.append(dns.rrset.from_text(owner, ttl, "IN", kind, value))
    if not fitting and behaviour.soa and behaviour.recursion:
        reply.authority.append(dns.rrset.from_text("example.com.", 30, "IN", "SOA", _SOA))


def _bare(query: dns.message.Message, rcode: str) -> bytes:
    """An answer of somebody who never heard of EDNS: without it."""
    plain = dns.message.Message(id=query.id)
    plain.question = query.question
    plain.flags = dns.flags.QR | dns.flags.RD | dns.flags.RA
    plain.set_rcode(dns.rcode.from_text(rcode))
    return plain.to_wire()


def _spoilt(behaviour: Behaviour, wire: bytes) -> bytes:
    """The reply as it is sent over UDP."""
    if behaviour.reply == "junk":
        return b"\x00\x01\x02\x03\x04"
    if behaviour.reply == "wrong-id":
        return bytes((wire[0] ^ 0x55,)) + wire[1:]
    return wire


def serve_udp(behaviour: Behaviour, sock: socket.socket) -> None:
    out = sock
    if behaviour.source:
        out = socket.socket(sock.family, socket.SOCK_DGRAM)
        out.bind((behaviour.source, 53))
    while True:
        wire, sender = sock.recvfrom(4096)

        def reply(wire: bytes = wire, sender: object = sender) -> None:
            with suppress(Exception):
                said = answer(behaviour, dns.message.from_wire(wire), udp=True)
                time.sleep(behaviour.late_s)
                if said is not None and behaviour.udp != "silent":
                    out.sendto(_spoilt(behaviour, said), sender)  # type: ignore[arg-type]

        threading.Thread(target=reply, daemon=True).start()


def serve_tcp(behaviour: Behaviour, listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()

        def reply(connection: socket.socket = connection) -> None:
            with suppress(Exception), connection:
                if behaviour.tcp == "closes":
                    return
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
    if behaviour.tcp != "none":
        tcp = socket.create_server((address, 53), family=family)
        threading.Thread(target=serve_tcp, args=(behaviour, tcp), daemon=True).start()
    udp = socket.socket(family, socket.SOCK_DGRAM)
    if behaviour.udp != "none":
        udp.bind((address, 53))
    print("ready", flush=True)
    if behaviour.udp == "none":
        threading.Event().wait()
    serve_udp(behaviour, udp)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
