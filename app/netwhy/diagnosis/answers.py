"""Answers without an address: what the resolver said, and what that means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwhy.core.asks import (
    DnsAsk,
)
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import (
    DnsAnswer,
    SystemLookup,
)
from netwhy.diagnosis import resolver as resolver_layer
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.refusal import unexplained
from netwhy.diagnosis.resolver import Server


def answered_without(
    case: Case, looked_up: SystemLookup, servers: Sequence[Server], answering: Sequence[Server]
) -> Finding | None:
    """The resolvers answered, and no answer had an address: the first one decides."""
    first = answering[0]
    evidence = [
        *(resolver_layer.describe(server) for server in servers),
        resolver_layer.system_said(looked_up),
    ]
    if first.nonexistent:
        other = next((server for server in answering if server.addresses), None)
        if other is not None:
            return worded(
                case,
                "dns.resolvers-disagree",
                0.9,
                looked_up,
                evidence,
                resolver=first.address,
                resolvers=f"{first.address} and {other.address}",
            )
        return _not_found(case, looked_up, answering, evidence)
    if first.has("SERVFAIL"):
        return _server_failure(case, looked_up, first, evidence)
    if first.has("REFUSED"):
        ede = first.ede
        return worded(
            case, "dns.refused", 0.95, looked_up, evidence, resolver=first.address, ede=ede
        )
    if first.lame:
        return worded(case, "dns.not-a-resolver", 0.85, looked_up, evidence, resolver=first.address)
    if first.empty:
        return _no_address(case, looked_up, first, evidence)
    rcode = next((a.rcode for a in first.answers if a.rcode), "") or "no answer"
    return case.finding(
        "unexplained",
        0.4,
        looked_up.name,
        evidence=evidence,
        name=looked_up.name,
        resolver=first.address,
        error=rcode,
    )


def _not_found(
    case: Case, looked_up: SystemLookup, answering: Sequence[Server], evidence: list[str]
) -> Finding:
    owner = next((a.soa[0] for s in answering for a in s.answers if a.soa), None)
    seconds = next((a.soa[1] for s in answering for a in s.answers if a.soa), None)
    if owner is not None:
        evidence.append(say("soa-owner", zone=owner, seconds=seconds or 0))
    return worded(
        case,
        "dns.name-not-found",
        0.97,
        looked_up,
        evidence,
        resolver=answering[0].address,
        resolvers=", ".join(str(s.address) for s in answering),
        suffix=owner,
        seconds=seconds,
    )


def _server_failure(
    case: Case, looked_up: SystemLookup, first: Server, evidence: list[str]
) -> Finding | None:
    """SERVFAIL: with checking disabled the same question tells bogus signatures from the rest."""
    failed = next(a for a in first.answers if a.rcode == "SERVFAIL")
    unchecked = case.want(
        DnsAsk(first.address, failed.name, failed.rrtype, failed.port, checking_disabled=True)
    )
    if unchecked is None and case.waiting:
        return None
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
    return worded(
        case,
        "dns.no-address",
        0.95,
        looked_up,
        evidence,
        variant="type" if other_type else "",
        resolver=first.address,
        types=", ".join(present),
        family=empty.rrtype if other_type else f"IPv{family}" if family else None,
    )


def worded(
    case: Case,
    cause: str,
    confidence: float,
    looked_up: SystemLookup,
    evidence: Sequence[str],
    *,
    variant: str = "",
    **params: Any,
) -> Finding:
    return case.finding(
        cause,
        confidence,
        looked_up.name,
        evidence=evidence,
        variant=variant,
        name=looked_up.name,
        error=looked_up.error,
        **params,
    )


def ask_server(case: Case, address: IPAddress, port: int) -> Finding | DnsAnswer | None:
    """Ask one server for the target's own name and type; None until it is decided."""
    target = case.target
    name = target.query_name or "."
    answer = case.want(DnsAsk(address, name, target.query_type, port))
    if answer is None or answer.pending:
        return None
    server = Server(address, (answer,))
    looked_up = SystemLookup(name)  # the system itself was not asked
    if not server.answered:
        return resolver_layer.unreachable(case, looked_up, [server], port=port)
    if answer.rcode == "NOERROR" and answer.records:
        return answer
    if answer.rcode == "NOERROR" and answer.recursion_available:
        if target.query_name in (None, "."):
            return answer
        return _no_address(case, looked_up, server, [resolver_layer.describe(server)])
    evidence = [resolver_layer.describe(server)]
    if answer.rcode == "NXDOMAIN":
        return _not_found(case, looked_up, [server], evidence)
    if answer.rcode == "SERVFAIL":
        return _server_failure(case, looked_up, server, evidence)
    if answer.rcode == "REFUSED":
        return worded(
            case, "dns.refused", 0.95, looked_up, evidence, resolver=address, ede=server.ede
        )
    if server.lame:
        return worded(case, "dns.not-a-resolver", 0.85, looked_up, evidence, resolver=address)
    return unexplained(case, f"{name} at {address}", "dns", answer.rcode or "no answer")
