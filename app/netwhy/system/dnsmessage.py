"""DNS messages: the question as it goes out, and what a reply says.

dnspython makes and reads them; it is imported when the first question is asked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING

from netwhy.core.asks import DnsAsk
from netwhy.core.model import IPAddress

if TYPE_CHECKING:
    from dns.message import Message


def make(ask: DnsAsk) -> Message | None:
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


def parse(data: bytes) -> Message | None:
    """Whatever message these bytes are; None if they are none."""
    import dns.exception
    import dns.message

    try:
        return dns.message.from_wire(data, ignore_trailing=True, continue_on_error=True)
    except (dns.exception.DNSException, ValueError, IndexError, struct.error):
        return None


def mismatch(reply: Message | None, query: Message) -> str:
    """Why a client throws a reply away: "unreadable", "other-id", "other-question"; "" if not."""
    if reply is None:
        return "unreadable"
    if query.is_response(reply):
        return ""
    return "other-id" if reply.id != query.id else "other-question"


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply says, in the terms of `DnsAnswer`."""

    rcode: str
    addresses: tuple[IPAddress, ...]
    chain: tuple[str, ...]
    records: int
    recursion_available: bool
    truncated: bool
    authoritative: bool
    ede: tuple[tuple[int, str], ...]
    soa: tuple[str, int] | None
    ttl: int | None


def read(ask: DnsAsk, reply: Message) -> Said:
    """Everything of a reply that the diagnosis looks at."""
    import dns.flags
    import dns.rcode

    addresses, chain, records = _answers(ask, reply)
    return Said(
        rcode=dns.rcode.to_text(reply.rcode()),
        addresses=addresses,
        chain=chain,
        records=records,
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
