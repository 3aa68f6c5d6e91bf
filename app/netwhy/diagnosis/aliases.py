"""Aliases (CNAME) that lead nowhere, or round in a circle."""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core.asks import DnsAsk
from netwhy.core.model import Finding
from netwhy.core.observations import DnsAnswer, SystemLookup
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.server import CONTRAST_S, Server, worded

#: Aliases that are followed by hand, one query each, when the resolver gave up on them.
_MOST_STEPS = 8


def astray(
    case: Case, looked_up: SystemLookup, first: Server, evidence: Sequence[str]
) -> Finding | None:
    """The finding if an alias is why there is no address; None where there is none, or not yet."""
    answer = next((a for a in first.replies if a.chain and not a.records), None)
    if answer is None or first.addresses:
        return None
    circle = _circle((answer.name, *answer.chain))
    if circle:
        return _loop(case, looked_up, first, circle, evidence)
    end = answer.chain[-1]
    if answer.rcode == "NXDOMAIN":
        return _dangling(case, looked_up, first, answer, "NXDOMAIN", evidence)
    if answer.rcode != "NOERROR":
        return None
    # The resolver stopped at the alias: what is at its end must be asked for.
    reply = case.want(DnsAsk(first.address, end, answer.rrtype, answer.port, within_s=CONTRAST_S))
    if reply is None or reply.pending:
        return None
    said = "no data" if reply.nodata else reply.rcode or reply.error or ""
    return _dangling(case, looked_up, first, answer, said, evidence)


def undecided(first: Server) -> bool:
    """Is there an alias without an address, so that `astray` has the last word?

    An alias that leads to a name without a mail server, say, leads to a name all the same.
    """
    return not first.addresses and any(
        a.chain
        and not a.records
        and (a.rcode == "NXDOMAIN" or (a.rcode == "NOERROR" and a.rrtype in ("A", "AAAA")))
        for a in first.replies
    )


def _dangling(
    case: Case,
    looked_up: SystemLookup,
    first: Server,
    answer: DnsAnswer,
    said: str,
    evidence: Sequence[str],
) -> Finding:
    end = answer.chain[-1]
    gone = said == "NXDOMAIN"
    failed = said not in ("NXDOMAIN", "no data")
    return worded(
        case,
        "dns.cname-dangling",
        0.96 if gone else 0.7 if failed else 0.88,
        looked_up,
        (say("alias-end", end=end, resolver=first.address, rcode=said), *evidence),
        variant="" if gone else "empty",
        resolver=first.address,
        nearest=end,
        address=first.address,
        rivals=() if gone else ("dns.server-failure",) if failed else ("dns.no-address",),
    )


def _loop(
    case: Case,
    looked_up: SystemLookup,
    first: Server,
    circle: Sequence[str],
    evidence: Sequence[str],
) -> Finding:
    return worded(
        case,
        "dns.cname-loop",
        0.96,
        looked_up,
        (say("alias-circle", circle=", then ".join(circle)), *evidence),
        resolver=first.address,
        nearest=circle[-1],
        address=first.address,
    )


def followed(
    case: Case, looked_up: SystemLookup, first: Server, failed: DnsAnswer, evidence: Sequence[str]
) -> Finding | None:
    """A resolver that said SERVFAIL may have met a circle: follow the aliases one by one.

    The first question is whether the name is an alias at all; most are not, and it ends there.
    """
    names = [failed.name.rstrip(".").lower()]
    while len(names) <= _MOST_STEPS:
        ask = DnsAsk(first.address, names[-1], "CNAME", failed.port, within_s=CONTRAST_S)
        step = case.want(ask)
        if step is None or step.pending or not step.chain:
            return None
        names += step.chain
        circle = _circle(names)
        if circle:
            return _loop(case, looked_up, first, circle, evidence)
    return None


def _circle(names: Sequence[str]) -> tuple[str, ...]:
    """The part of a chain that comes round to where it began; () for a chain that ends."""
    lowered = [name.rstrip(".").lower() for name in names]
    for later, name in enumerate(lowered):
        if name in lowered[:later]:
            return tuple(lowered[lowered.index(name) : later + 1])
    return ()
