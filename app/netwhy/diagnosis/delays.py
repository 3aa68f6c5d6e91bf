"""Names resolve, and something about it is amiss: a dead resolver, a lost question, a slow answer.

How many queries: none but a repetition of one slow question, and one question without EDNS to a
first resolver that the system had an answer from while ours stayed without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netwhy.core.asks import DnsAsk
from netwhy.core.model import Finding, Severity
from netwhy.core.observations import TIMEOUT, ResolverConfig, SystemLookup
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.server import CONTRAST_S, Server, aliases, describe, system_said, worded

#: A look-up this slow, with a dead first resolver, waited for it.
WAITED_MS = 900.0
#: Slower than any path by itself: a satellite takes 600 ms there and back.
_SLOW_MS = 700.0
#: What a C library may take for a refusal of the whole name.
_DENIALS = ("NXDOMAIN", "SERVFAIL", "REFUSED", "NOTIMP", "FORMERR")


def late(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, servers: Sequence[Server]
) -> list[Finding]:
    """What an operator would want to know of the resolvers although the name resolves."""
    found = [*_dead(case, looked_up, servers), *_only_tcp(case, looked_up, servers)]
    for server in servers[:1]:  # nobody waits for a later one
        for told in (
            _half(case, looked_up, server),
            edns(case, looked_up, server),
            _slow(case, looked_up, server),
        ):
            if told is not None:
                found.append(told)
    return found


def _half(case: Case, looked_up: SystemLookup, server: Server) -> Finding | None:
    """The question for IPv6 is dropped, or denied, while the one for IPv4 is answered."""
    four = [a for a in server.answers if a.rrtype == "A" and a.addresses]
    six = [a for a in server.answers if a.rrtype == "AAAA" and a.name in {b.name for b in four}]
    if not four or not six:
        return None
    evidence = [describe(server)]
    severity = Severity.WARNING
    denied = next((a.rcode for a in six if a.rcode in _DENIALS), None)
    if denied is not None:
        severity, variant = Severity.NOTE, "denied"
        evidence += [say("type-denied", resolver=server.address, type="AAAA", rcode=denied),
                     say("musl-denied", rcode=denied)]  # fmt: skip
    elif any(a.pending for a in six) and (looked_up.ms or 0.0) >= WAITED_MS:
        for answer in six:  # somebody waited for this: see whether it ever comes
            case.want(DnsAsk(answer.server, answer.name, answer.rrtype, answer.port))
        return None
    elif all(a.error == TIMEOUT and not a.pending for a in six):
        variant = ""
        evidence += [say("type-dropped", resolver=server.address, type="AAAA"),
                     system_said(looked_up), say("musl-dropped")]  # fmt: skip
    else:
        return None
    return case.finding(
        "dns.aaaa-dropped",
        0.9,
        str(server.address),
        severity=severity,
        evidence=[*evidence, *aliases(four)],
        variant=variant,
        resolver=server.address,
        name=looked_up.name,
        error=denied,
        ms=ms(looked_up.ms),
    )


def _dead(case: Case, looked_up: SystemLookup, servers: Sequence[Server]) -> list[Finding]:
    """Resolvers that do not answer although the look-up works."""
    found: list[Finding] = []
    if not any(server.answered for server in servers):
        return found
    for place, server in enumerate(servers, start=1):
        if server.answered or not server.failed:
            continue
        first = place == 1 and (looked_up.ms or 0) >= WAITED_MS
        evidence = [describe(server)]
        if first:
            evidence += [
                say("system-lookup-took", name=looked_up.name, took=ms(looked_up.ms)),
                say("musl-does-not-wait"),
            ]
        found.append(
            case.finding(
                "dns.first-resolver-dead" if place == 1 else "dns.spare-resolver-dead",
                0.9,
                str(server.address),
                severity=Severity.WARNING if first else Severity.NOTE,
                variant="quick" if place == 1 and not first else "",
                evidence=evidence,
                resolver=server.address,
                name=looked_up.name,
                ms=ms(looked_up.ms),
            )
        )
    return found


def _only_tcp(case: Case, looked_up: SystemLookup, servers: Sequence[Server]) -> list[Finding]:
    """No resolver answers over UDP and the system has its answer: it asks over TCP (use-vc)."""
    if not servers or any(server.answered for server in servers):
        return []
    first = servers[0]
    silent = next((a for a in first.answers if a.error == TIMEOUT), None)
    if silent is None:
        return []
    question = DnsAsk(silent.server, silent.name, silent.rrtype, silent.port)
    reply = case.hope(replace(question, transport="tcp", within_s=CONTRAST_S))
    if reply is None or reply.rcode is None:
        return []
    evidence = [say("resolver-tcp", resolver=first.address), describe(first),
                system_said(looked_up)]  # fmt: skip
    return [
        case.finding(
            "dns.udp-blocked",
            0.85,
            str(first.address),
            severity=Severity.WARNING,
            evidence=evidence,
            resolver=first.address,
            name=looked_up.name,
            address=first.address,
        )
    ]


# ------------------------------------------------------------------------------------------ EDNS


def edns(
    case: Case, looked_up: SystemLookup, server: Server, *, failing: bool = False
) -> Finding | None:
    """A resolver, or something before it, that cannot stand EDNS."""
    if not server.edns:
        return None
    vanish = server.edns == "silent"
    key = "edns-vanishes" if vanish else "edns-rejected"
    evidence = [say(key, resolver=server.address, rcode=server.edns)]
    if vanish:
        evidence += _ladder(case, server)
    evidence += [describe(server), system_said(looked_up)]
    severity = Severity.WARNING if vanish else Severity.NOTE
    return case.finding(
        "dns.edns-broken",
        0.93,
        str(server.address),
        severity=Severity.FAILURE if failing else severity,
        evidence=evidence,
        variant="fails" if failing else "" if vanish else "rejected",
        resolver=server.address,
        name=looked_up.name,
        error=None if vanish else server.edns,
    )


def _ladder(case: Case, server: Server) -> list[str]:
    """Is it EDNS itself, or only the size of the answer that it permits?"""
    reply = server.replies[0]
    small = case.hope(replace(_ask_of(server), payload=512, within_s=CONTRAST_S))
    if small is None or small.pending:
        return []
    key = "edns-512-answers" if small.rcode is not None else "edns-512-vanishes"
    return [say(key, resolver=reply.server)]


def _ask_of(server: Server) -> DnsAsk:
    reply = server.replies[0]
    return DnsAsk(reply.server, reply.name, reply.rrtype, reply.port)


# -------------------------------------------------------------------------------------- slowness


def _slow(case: Case, looked_up: SystemLookup, server: Server) -> Finding | None:
    """Late answers, and late again when the same is asked once more.

    The second time tells a slow resolver from one that had to look the name up first.
    """
    if server.edns or not server.answers or any(a.rcode is None for a in server.answers):
        return None
    slowest = max(server.answers, key=lambda a: a.ms or 0.0)
    if (slowest.ms or 0.0) < _SLOW_MS or slowest.transport == "tcp":
        return None
    again = case.hope(DnsAsk(slowest.server, slowest.name, slowest.rrtype, slowest.port, attempt=1))
    if again is None or again.rcode is None or (again.ms or 0.0) < _SLOW_MS:
        return None
    evidence = [
        say("slow-answer", resolver=server.address, type=slowest.rrtype, took=ms(slowest.ms)),
        say("slow-again", resolver=server.address, took=ms(again.ms)),
        system_said(looked_up),
    ]
    return worded(
        case,
        "dns.slow",
        0.9,
        looked_up,
        evidence,
        severity=Severity.WARNING,
        root=server.address,
        resolver=server.address,
        address=server.address,
        ms=ms(slowest.ms),
    )
