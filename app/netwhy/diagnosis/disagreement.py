"""Configured resolvers side by side: mere rotation, a pool, or two different worlds.

How many queries: none beyond those that each resolver is asked anyway, unless two of them give
addresses without one in common; then each is asked once more, to see whether it merely rotates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netwhy.core.asks import DnsAsk
from netwhy.core.model import Finding, IPAddress, Severity
from netwhy.core.observations import DnsAnswer, SystemLookup
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.server import Server, aliases, describe, worded

#: Public addresses kept no longer than this come from a pool that answers each resolver otherwise;
#: so do private ones where each answer has several.
_POOL_TTL_S = 300


def first_denies(
    case: Case, looked_up: SystemLookup, first: Server, other: Server, evidence: Sequence[str]
) -> Finding:
    """The first resolver's "no" is believed; the one that knows is never asked."""
    return worded(
        case,
        "dns.resolvers-disagree",
        0.92,
        looked_up,
        [*evidence, say("musl-asks-all")],
        variant="denies",
        resolver=first.address,
        resolvers=f"{first.address} and {other.address}",
        addresses=", ".join(map(str, other.addresses[:3])),
        nearest=other.address,
    )


def between(
    case: Case, looked_up: SystemLookup, servers: Sequence[Server]
) -> tuple[Finding | None, tuple[IPAddress, ...]]:
    """What to say of resolvers that differ while names resolve, and the other one's addresses."""
    answering = [server for server in servers if server.answered]
    first = next((server for server in answering if server.addresses), None)
    if first is None:
        return None, ()
    for other in answering:
        if other is first:
            continue
        severity = _severity(case, first, other)
        if severity is not None:
            return _finding(case, looked_up, first, other, severity), other.addresses
    return None, ()


def as_failure(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.FAILURE)


def _finding(
    case: Case, looked_up: SystemLookup, first: Server, other: Server, severity: Severity
) -> Finding:
    evidence = [describe(first), describe(other), *aliases((*first.answers, *other.answers))]
    denies = _denies(other)
    if denies:
        evidence.append(say("musl-asks-all"))
    return worded(
        case,
        "dns.resolvers-disagree",
        0.9 if severity is Severity.WARNING else 0.6,
        looked_up,
        evidence,
        severity=severity,
        variant="" if other.addresses else "spare-denies" if denies else "spare-fails",
        resolver=other.address,
        resolvers=f"{first.address} and {other.address}",
        nearest=other.address,
    )


def _severity(case: Case, first: Server, other: Server) -> Severity | None:
    """How much a difference weighs; None where there is none, or none that can be told."""
    if not other.addresses:
        if any(a.truncated for a in other.replies):
            return None
        return Severity.WARNING if _denies(other) else Severity.NOTE
    pairs = _apart(first, other)
    if not pairs:
        return None
    every = (*first.addresses, *other.addresses)
    if any(a.is_unspecified for a in every):
        return Severity.WARNING
    public = all(a.is_global for a in every)
    if public and any(_pooled(one, two) for one, two in pairs):
        return None
    if any(_rotates(case, one, two) for one, two in pairs[:1]):
        return None
    several = all(len(a.addresses) > 1 for pair in pairs for a in pair)
    pool = several and all(_short(one, two) for one, two in pairs)
    return Severity.NOTE if public or pool else Severity.WARNING


def _denies(server: Server) -> bool:
    """Says that there is no such name, or no address; anything else is no word about the name."""
    return not server.addresses and (server.nonexistent or (server.empty and not server.lame))


def _apart(first: Server, other: Server) -> list[tuple[DnsAnswer, DnsAnswer]]:
    """The answers to the same question without an address in common; () if any has one."""
    pairs = []
    for one in first.answers:
        for two in other.answers:
            if (one.name, one.rrtype) != (two.name, two.rrtype):
                continue
            if not one.addresses or not two.addresses:
                continue
            if set(one.addresses) & set(two.addresses):
                return []
            pairs.append((one, two))
    return pairs


def _pooled(one: DnsAnswer, two: DnsAnswer) -> bool:
    """Do the two come from one pool: a short life, or the same alias at the end?"""
    return _short(one, two) or (bool(one.chain) and one.chain[-1:] == two.chain[-1:])


def _short(one: DnsAnswer, two: DnsAnswer) -> bool:
    return max(one.ttl or 0, two.ttl or 0) <= _POOL_TTL_S


def _rotates(case: Case, one: DnsAnswer, two: DnsAnswer) -> bool:
    """Asked again, does either give something else, or what the other gave?

    Not decided yet counts as yes: nobody is accused too early.
    """
    again = [case.hope(_repeat(answer)) for answer in (one, two)]
    for answer, repeated in zip((one, two), again, strict=True):
        if repeated is None or repeated.pending or repeated.rcode is None:
            return True
        if set(repeated.addresses) != set(answer.addresses):
            return True
    return False


def _repeat(answer: DnsAnswer) -> DnsAsk:
    return DnsAsk(answer.server, answer.name, answer.rrtype, answer.port,
                  payload=answer.payload, transport=answer.transport, attempt=1)  # fmt: skip
