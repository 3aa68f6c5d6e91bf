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
from netwhy.diagnosis.server import (
    CONTRAST_S,
    Server,
    aliases,
    describe,
    small,
    system_said,
    worded,
)

#: A look-up this slow, with a dead first resolver, waited for it.
WAITED_MS = 900.0
#: Slower than any path by itself: a satellite takes 600 ms there and back.
_SLOW_MS = 700.0
#: The second look need not wait to the end to see that it is as slow.
_AGAIN_S = 1.2
#: What a C library may take for a refusal of the whole name.
_DENIALS = ("NXDOMAIN", "SERVFAIL", "REFUSED", "NOTIMP", "FORMERR")


def late(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, servers: Sequence[Server]
) -> list[Finding]:
    """What an operator would want to know of the resolvers although the name resolves."""
    if _due(case, looked_up, config, servers[:1]):
        return []
    found = [*_dead(case, looked_up, servers), *_only_tcp(case, looked_up, config, servers)]
    for server in servers[:1]:  # nobody waits for a later one
        for told in (
            _half(case, looked_up, server),
            edns(case, looked_up, server),
            slow(case, looked_up, server),
        ):
            if told is not None:
                found.append(told)
    return found


def _due(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, servers: Sequence[Server]
) -> bool:
    """Is the first resolver's answer about to come?

    The library waited, and not for so long that it gave the first resolver up: it was answered.
    """
    waited = looked_up.ms or 0.0
    if looked_up.error or not WAITED_MS <= waited < 1000.0 * max(1, config.timeout_s):
        return False
    pending = [a for server in servers for a in server.answers if a.pending]
    for answer in pending:
        case.want(DnsAsk(answer.server, answer.name, answer.rrtype, answer.port))
    return bool(pending)


def four_dropped(case: Case, looked_up: SystemLookup, server: Server) -> Finding | None:
    """The question for IPv4 is dropped while the one for IPv6 is answered: the look-up fails."""
    four = [a for a in server.answers if a.rrtype == "A"]
    six = [a for a in server.answers if a.rrtype == "AAAA" and a.rcode == "NOERROR"]
    if not four or not six or not all(a.silent and not a.pending for a in four):
        return None
    evidence = [
        say("type-dropped", resolver=server.address, type="A"),
        say("type-answered", resolver=server.address, type="AAAA", took=ms(six[0].ms)),
        describe(server),
        system_said(looked_up),
    ]
    return worded(
        case,
        "dns.aaaa-dropped",
        0.9,
        looked_up,
        evidence,
        variant="four",
        root=server.address,
        resolver=server.address,
        ms=ms(looked_up.ms),
    )


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
                system_said(looked_up),
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
                ms=None if looked_up.error else ms(looked_up.ms),
            )
        )
    return found


def _only_tcp(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, servers: Sequence[Server]
) -> list[Finding]:
    """No resolver answers over UDP and the system has its answer: it asks over TCP (use-vc)."""
    if not servers or any(server.answered for server in servers):
        return []
    first = servers[0]
    silent = next((a for a in first.answers if a.silent), None)
    if silent is None or (silent.pending and "use-vc" not in config.options):
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
    if server.edns == "lossy":
        return _lossy(case, looked_up, server)
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
    question = DnsAsk(reply.server, reply.name, reply.rrtype, reply.port)
    answer = case.hope(small(question))
    if answer is None or answer.pending:
        return []
    key = "edns-512-answers" if answer.rcode is not None else "edns-512-vanishes"
    return [say(key, resolver=reply.server)]


def _lossy(case: Case, looked_up: SystemLookup, server: Server) -> Finding | None:
    """Some questions are answered at once and some never, and no property tells which."""
    if looked_up.error is None and (looked_up.ms or 0.0) < WAITED_MS:
        return None  # nobody felt it
    evidence = [say("resolver-lossy", resolver=server.address), describe(server),
                system_said(looked_up)]  # fmt: skip
    return worded(
        case,
        "dns.slow",
        0.8,
        looked_up,
        evidence,
        severity=Severity.WARNING,
        variant="lossy",
        root=server.address,
        resolver=server.address,
        address=server.address,
        ms=ms(looked_up.ms),
    )


# -------------------------------------------------------------------------------------- slowness


def slow(case: Case, looked_up: SystemLookup, server: Server) -> Finding | None:
    """Late answers, and late again when the same is asked once more.

    The second time tells a slow resolver from one that had to look the name up first.
    """
    if server.edns or not server.answers or any(a.rcode is None for a in server.answers):
        return None
    slowest = max(server.answers, key=lambda a: a.ms or 0.0)
    if (slowest.ms or 0.0) < _SLOW_MS or slowest.transport == "tcp":
        return None
    question = DnsAsk(slowest.server, slowest.name, slowest.rrtype, slowest.port)
    again = case.hope(replace(question, attempt=1, within_s=_AGAIN_S))
    if again is None or again.pending:
        return None
    if not again.silent and (again.rcode is None or (again.ms or 0.0) < _SLOW_MS):
        return None
    key = "slow-still" if again.silent else "slow-again"
    evidence = [
        say("slow-answer", resolver=server.address, type=slowest.rrtype, took=ms(slowest.ms)),
        say(key, resolver=server.address, took=ms(again.ms)),
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
