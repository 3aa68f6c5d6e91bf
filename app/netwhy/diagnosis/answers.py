"""Answers without an address: what the resolver said, and what that means."""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core.asks import DnsAsk
from netwhy.core.model import Finding
from netwhy.core.observations import ResolverConfig, SystemLookup
from netwhy.diagnosis import aliases
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.server import Server, describe, worded
from netwhy.diagnosis.unknown import not_found

_CACHED_ERROR, _NOT_READY, _NOT_AUTHORITATIVE = 13, 14, 20  # RFC 8914
#: A resolver may keep a failure no longer than this (RFC 9520 §3.2).
_FAILURE_KEPT_S = 300


def answered_without(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig | None,
    answering: Sequence[Server],
    evidence: list[str],
) -> Finding | None:
    """The resolvers answered, and no answer had an address: the first one decides."""
    first = answering[0]
    if aliases.undecided(first):
        return aliases.astray(case, looked_up, first, evidence)
    if first.nonexistent:
        return not_found(case, looked_up, config, answering, evidence)
    if first.has("SERVFAIL"):
        return _server_failure(case, looked_up, first, evidence)
    if first.has("REFUSED"):
        return _refused(case, looked_up, first, evidence)
    if first.lame:
        return _not_a_resolver(case, looked_up, first, evidence)
    if first.empty:
        return _no_address(case, looked_up, first, evidence)
    rcode = next((a.rcode for a in first.answers if a.rcode), "") or "no answer"
    return worded(
        case,
        "dns.server-failure",
        0.75,
        looked_up,
        evidence,
        variant="unable",
        rivals=("dns.not-a-resolver",),
        resolver=first.address,
        said=rcode,
        ede=first.ede,
    )


def _not_a_resolver(
    case: Case, looked_up: SystemLookup, first: Server, evidence: list[str]
) -> Finding:
    """An empty answer that neither offers recursion nor speaks for the zone."""
    flags = [
        say("no-recursion", resolver=first.address),
        say("empty-without-soa", resolver=first.address),
    ]
    cause = "dns.not-a-resolver"
    return worded(case, cause, 0.85, looked_up, [*flags, *evidence], resolver=first.address)


def _refused(case: Case, looked_up: SystemLookup, first: Server, evidence: list[str]) -> Finding:
    """REFUSED: by its own word or its flags for want of an upstream, or for want of recursion."""
    no_recursion = not any(a.recursion_available for a in first.replies)
    variant = ""
    if _NOT_READY in first.codes:
        variant = "not-ready"
    elif _NOT_AUTHORITATIVE in first.codes or (no_recursion and not first.codes):
        variant = "no-recursion"
    if no_recursion:
        evidence = [*evidence, say("no-recursion", resolver=first.address)]
    return worded(
        case,
        "dns.refused",
        0.95,
        looked_up,
        evidence,
        variant=variant,
        rivals=("dns.not-a-resolver",) if variant == "no-recursion" else (),
        resolver=first.address,
        ede=first.ede,
    )


def cut_short(
    case: Case, looked_up: SystemLookup, first: Server, servers: Sequence[Server]
) -> Finding:
    """The answer over UDP was truncated, and TCP, where the rest is, does not work."""
    over_tcp = describe(Server(first.address, () if first.cut is None else (first.cut,)))
    evidence = [
        say("answer-truncated", resolver=first.address),
        say("tcp-instead", said=over_tcp),
        *(describe(server) for server in servers if server.address != first.address),
    ]
    return worded(
        case,
        "dns.truncated-no-tcp",
        0.95,
        looked_up,
        evidence,
        root=first.address,
        resolver=first.address,
        address=first.address,
    )


def _server_failure(
    case: Case, looked_up: SystemLookup, first: Server, evidence: list[str]
) -> Finding | None:
    """SERVFAIL: with checking disabled the same question tells bogus signatures from the rest."""
    failed = next(a for a in first.answers if a.rcode == "SERVFAIL")
    unchecked = case.want(
        DnsAsk(first.address, failed.name, failed.rrtype, failed.port, checking_disabled=True)
    )
    circle = aliases.followed(case, looked_up, first, failed, evidence)
    if circle is not None or (case.waiting and not case.final):
        return circle
    if unchecked is not None and unchecked.rcode in ("NOERROR", "NXDOMAIN"):
        evidence.insert(
            0, say("checking-disabled-answers", resolver=first.address, rcode=unchecked.rcode)
        )
        return worded(
            case,
            "dns.dnssec-bogus",
            0.93,
            looked_up,
            evidence,
            resolver=first.address,
            ede=first.ede,
        )
    fails_alike = unchecked is not None and unchecked.rcode == "SERVFAIL"
    if fails_alike:
        evidence.append(say("checking-disabled-fails", resolver=first.address))
    if _CACHED_ERROR in first.codes:
        told = say("failure-remembered", resolver=first.address, seconds=_FAILURE_KEPT_S)
        return worded(
            case,
            "dns.cached-failure",
            0.92,
            looked_up,
            [told, *evidence],
            rivals=("dns.server-failure",),
            resolver=first.address,
            ede=first.ede,
            seconds=_FAILURE_KEPT_S,
        )
    return worded(
        case,
        "dns.server-failure",
        0.93 if fails_alike else 0.75,
        looked_up,
        evidence,
        resolver=first.address,
        ede=first.ede,
    )


def _no_address(
    case: Case, looked_up: SystemLookup, first: Server, evidence: list[str]
) -> Finding | None:
    """The name exists without an address: which records it does have helps to see why."""
    empty = next(a for a in first.answers if a.nodata)
    types = ("MX", "TXT", "NS") if case.target.options.family is None else ("A", "AAAA")
    others = [case.want(DnsAsk(first.address, empty.name, rrtype, empty.port)) for rrtype in types]
    if case.waiting:
        return None
    present = [o.rrtype for o in others if o is not None and o.records]
    if present:
        evidence.append(say("types-present", name=empty.name, types=", ".join(present)))
    family = case.target.options.family
    other_type = empty.rrtype not in ("A", "AAAA")
    # A zone's own "nothing here" carries its SOA record (RFC 2308): without one, the answer may
    # have been emptied on the way.
    emptied = empty.recursion_available and empty.soa is None and not present
    if emptied:
        evidence.append(say("empty-without-soa", resolver=first.address))
    return worded(
        case,
        "dns.no-address",
        0.85 if emptied else 0.95,
        looked_up,
        evidence,
        variant="type" if other_type else "",
        rivals=("dns.private-filtered",) if emptied else (),
        resolver=first.address,
        types=", ".join(present),
        family=empty.rrtype if other_type else f"IPv{family}" if family else None,
    )
