"""Several addresses of one name: what their verdicts mean together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from netwhy.core.asks import LocalAsk
from netwhy.core.model import Finding, IPAddress, Mark, Severity, Verdict, Where
from netwhy.core.observations import Connect, UdpExchange
from netwhy.diagnosis import families
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.destinations import ReachOf, Second
from netwhy.diagnosis.reach import Reach

#: The deepest layer first: a fault of this machine explains the rest.
_DEPTH = ("local", "route", "dns", "path", "tcp", "udp", "tls", "exchange", "http", "unexplained")


@dataclass(frozen=True, slots=True)
class Combined:
    """The verdict over all addresses; `verdict` None: not decided yet."""

    verdict: Verdict | None = None
    findings: tuple[Finding, ...] = ()
    marks: dict[str, Mark] = field(default_factory=dict)
    rtt_ms: float | None = None
    reason: str | None = None
    shown: IPAddress | None = None  # the address that stands for all: one that works, if any does


def combine(case: Case, reaches: Sequence[Reach], reach: ReachOf) -> Combined:
    """One verdict from all addresses: the target works if one of them does.

    `reach` examines an address, also one of another target.
    """
    marks = _marks(reaches)
    second = families.second(case, reaches, reach)  # asked early: it takes its time
    if any(r.verdict is None for r in reaches):
        return Combined(marks=marks)
    working = [r for r in reaches if r.verdict is Verdict.OK]
    failing = [r for r in reaches if r.verdict is Verdict.FAILING]
    unknown = [r for r in reaches if r.verdict is Verdict.UNKNOWN]
    if working:
        if second is not None and second.works is None and not case.final:
            return Combined(marks=marks)
        told = [f for r in working for f in (r.finding, *r.also) if f is not None]
        findings = (*_some_fail(case, working, failing, second), *_distinct(told))
        return Combined(
            Verdict.OK, findings, marks, rtt_ms=working[0].rtt_ms, shown=working[0].address
        )
    if unknown:
        silence = "UDP gave no answer, which proves neither that it works nor that it fails"
        reason = unknown[0].reason or silence
        found = [f for r in (*unknown, *failing) for f in (r.finding, *r.also) if f is not None]
        return Combined(Verdict.UNKNOWN, _distinct(found), marks, unknown[0].rtt_ms, reason)
    relevant = [r for r in failing if not _family_absent(case, r)] or failing
    found = [r.finding for r in relevant if r.finding is not None]
    rtt_ms = next((r.rtt_ms for r in relevant if r.rtt_ms is not None), None)
    also = _distinct([f for r in relevant for f in r.also])
    return Combined(Verdict.FAILING, (*_merged(found), *also), marks, rtt_ms)


def _some_fail(
    case: Case,
    working: Sequence[Reach],
    failing: Sequence[Reach],
    second: Second | None,
) -> tuple[Finding, ...]:
    """Some addresses work and some do not.

    A family that this machine has no way for is no fault of the target.  On loopback a program
    that listens on one family only is the usual thing: a note.
    """
    failing = [r for r in failing if not _family_absent(case, r)]
    if not failing:
        return ()
    loopback = all(r.address.is_loopback for r in (*working, *failing))
    evidence = [say("address-works", address=r.address) for r in working[:4]]
    for reach in failing[:6]:
        title = reach.finding.title if reach.finding is not None else ""
        cause = reach.finding.cause if reach.finding is not None else ""
        evidence.append(say("address-fails", address=reach.address, title=title, cause=cause))
    severity = Severity.NOTE if loopback else Severity.WARNING
    whys = _distinct([r.finding for r in failing if r.finding is not None])
    whys = tuple(replace(why, severity=severity) for why in whys)
    if second is not None and second.works is False:
        first = families.broken(case, working, failing, second, evidence)
        return (first, *(_on_the_way(why) for why in whys))
    rivals: tuple[str, ...] = ()
    if second is not None and second.works:
        evidence.append(second.line)
    elif lost := families.suspected((*working, *failing)):
        rivals = (f"path.ipv{lost[0].address.version}-broken",)
    first = case.finding(
        "tcp.some-addresses-fail",
        0.95,
        case.target.text,
        severity=severity,
        evidence=evidence,
        rivals=rivals,
        working=", ".join(str(r.address) for r in working),
        failing=", ".join(str(r.address) for r in failing),
        addresses=", ".join(str(r.address) for r in (*working, *failing)),
    )
    return (first, *whys)


def _on_the_way(why: Finding) -> Finding:
    """The finding without what is done at the target: its whole family is lost on the way."""
    fixes = tuple(fix for fix in why.fixes if fix.decides or fix.where is not Where.TARGET)
    return replace(why, fixes=fixes)


def _family_absent(case: Case, reach: Reach) -> bool:
    """Did the address fail only because this machine has no way out in its family?"""
    finding = reach.finding
    if finding is not None and finding.cause == "local.policy":
        return _family_forbidden(case, reach.address)
    if finding is None or finding.cause != "route.none":
        return False
    local = case.known(LocalAsk())
    if local is None:
        return False
    return not any(g.family == reach.address.version for g in local.gateways)


def _family_forbidden(case: Case, address: IPAddress) -> bool:
    """May this program open no socket of the family?  Then others of its kind go the other way."""
    return any(
        isinstance(seen, (Connect, UdpExchange))
        and seen.address == address
        and seen.error == "EAFNOSUPPORT"
        for seen in case.facts.values()
    )


def _merged(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """All addresses fail: the deepest cause first, equal causes told once with their addresses."""
    ordered = sorted(findings, key=_depth)
    merged: list[Finding] = []
    for finding in ordered:
        twin = next((m for m in merged if m.cause == finding.cause), None)
        if twin is None:
            merged.append(finding)
        elif twin.subject != finding.subject:
            line = say("same-for", subject=finding.subject)
            told = replace(twin, evidence=(*twin.evidence, line))
            merged[merged.index(twin)] = replace(told, way=replace(twin.way, twin=finding.root))
    return tuple(merged)


def _distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple({(f.cause, f.subject): f for f in findings}.values())


def _depth(finding: Finding) -> int:
    layer = finding.cause.partition(".")[0]
    return _DEPTH.index(layer) if layer in _DEPTH else len(_DEPTH)


def _marks(reaches: Sequence[Reach]) -> dict[str, Mark]:
    """One mark per layer: the best that any address gives, a warning where they differ."""
    order = (Mark.OK, Mark.WARN, Mark.PENDING, Mark.UNTESTED, Mark.FAILED)
    merged: dict[str, Mark] = {}
    for layer in ("route", "ping", "port", "tls", "app"):
        marks = [r.marks[layer] for r in reaches if layer in r.marks]
        if marks:
            merged[layer] = min(marks, key=order.index)
    return merged
