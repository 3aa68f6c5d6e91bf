"""Examine one target: what is known, what must still be seen, and what it all means.

The one way into the diagnosis.  It keeps no state: the same facts give the same examination.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netwhy.core.asks import Ask, LocalAsk, RouteAsk
from netwhy.core.model import (
    LAYERS,
    Finding,
    IPAddress,
    Kind,
    Mark,
    ProbeRow,
    Severity,
    Target,
    TargetReport,
    Tls,
    Verdict,
    worst,
)
from netwhy.core.observations import (
    DnsAnswer,
    Observation,
    Skipped,
)
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import pathline, quality
from netwhy.diagnosis.addresses import Combined, combine
from netwhy.diagnosis.case import VERDICT_OF, Beside, Case
from netwhy.diagnosis.host import host
from netwhy.diagnosis.reach import Reach, failed
from netwhy.diagnosis.tcp import tcp

_PROBE_ORDER = (
    *("local", "dns", "route", "path", "ping", "tcp", "udp", "tls", "http", "exchange", "bind"),
)
_UNREAD = "the interfaces of this machine could not be read"
_NOT_REACHED = "not reached: something before it failed"


@dataclass(frozen=True, slots=True)
class Examination:
    """What the engine must still find out, and the report as far as it goes.

    `wants` are needed for the verdict, `hopes` are waited for only a moment.
    """

    wants: tuple[Ask[Any], ...]
    hopes: tuple[Ask[Any], ...]
    report: TargetReport


def examine(
    target: Target,
    facts: Mapping[Ask[Any], Observation],
    *,
    timeout_s: float | None = None,
    final: bool = False,
    beside: tuple[str, ...] = (),
    others: Callable[[], Iterable[Beside]] = tuple,
) -> Examination:
    """Reason about one target from the facts so far.

    With `final` nothing more will be seen: whatever is still open is said as unknown.  `beside`
    are the host names of the other targets, `others` gives what is known of those of this run.
    """
    case = Case(target, facts, timeout_s, final, beside, others)
    report = _report(case)
    hopes = tuple(ask for ask in case.hopes if ask not in case.wants)
    return Examination(tuple(case.wants), hopes, report)


def _report(case: Case) -> TargetReport:
    target = case.target
    problem = local_layer.impossible_host(case, target)
    if problem is not None:
        broken = "name" if problem.cause.startswith("dns.") else "route"
        return _finish(case, Verdict.FAILING, (), [problem], {broken: Mark.FAILED})
    if target.kind is Kind.LOCAL:
        return _this_machine(case)
    if target.kind is Kind.BIND:
        return _bind(case)
    return _network(case)


# Layers that this target does not have are not even imported: most of a quick check is imports.


def _this_machine(case: Case) -> TargetReport:
    from netwhy.diagnosis import machine

    findings = machine.examine(case)
    if findings is None:
        return _pending(case, {}) if not case.final else _undecided(case, (), {})
    verdicts = [VERDICT_OF[f.severity] for f in findings]
    local = case.known(LocalAsk())
    if local is not None and not local.interfaces:
        return _finish(case, Verdict.UNKNOWN, (), (), {}, reason=_UNREAD)
    own = [a for a in local.addresses if not a.is_loopback] if local is not None else []
    return _finish(case, worst(tuple(verdicts)), own, findings, machine.marks(findings))


def _bind(case: Case) -> TargetReport:
    from netwhy.diagnosis import bind as bind_layer

    result = bind_layer.examine(case)
    if result.verdict is None:
        return _pending(case, {}) if not case.final else _undecided(case, (), {})
    failed = result.verdict is Verdict.FAILING
    marks = {"port": Mark.FAILED if failed else Mark.OK}
    return _finish(case, result.verdict, result.addresses, result.findings, marks)


def _network(case: Case) -> TargetReport:
    if case.target.address is None:
        return _named(case)
    addresses = (case.target.address,)
    return _weighed(case, addresses, combine(case, _reaches(case, addresses), _reach), (), {})


def _named(case: Case) -> TargetReport:
    from netwhy.diagnosis import dns as dns_layer
    from netwhy.diagnosis import doubts

    target = case.target
    marks: dict[str, Mark] = {}
    resolution = dns_layer.resolve(case, target.host, target.options.family)
    if resolution.failure is not None:
        return _unresolved(case, resolution.failure, resolution.notes)
    addresses = resolution.addresses
    if not addresses:
        return _pending(case, marks) if not case.final else _undecided(case, (), marks)
    warned = any(note.severity is Severity.WARNING for note in resolution.notes)
    marks["name"] = Mark.WARN if warned else Mark.OK
    combined = combine(case, _reaches(case, addresses), _reach)
    combined = doubts.weigh(case, resolution, combined, lambda address: _reach(case, address))
    notes = [*resolution.notes, *_of_two_programs(case, addresses, combined)]
    return _weighed(case, addresses, combined, notes, marks)


def _of_two_programs(
    case: Case, addresses: Sequence[IPAddress], combined: Combined
) -> list[Finding]:
    """The families of this machine's own name, where the one works and leads elsewhere."""
    if combined.verdict not in (Verdict.OK, Verdict.DEGRADED) or len(addresses) < 2:
        return []
    local = case.known(LocalAsk())
    if local is None or not any(local.owns(address) for address in addresses):
        return []
    from netwhy.diagnosis import answered

    split = answered.between(case, addresses)
    return [] if split is None else [split]


def _weighed(
    case: Case,
    addresses: Sequence[IPAddress],
    combined: Combined,
    noted: Sequence[Finding],
    marks: dict[str, Mark],
) -> TargetReport:
    """The report of what all addresses came to; `noted` is what was found of the name."""
    marks |= combined.marks
    if combined.verdict is None:
        if not case.final:
            return _pending(case, marks, addresses)
        return _undecided(case, addresses, marks)
    told = {finding.cause for finding in combined.findings}
    notes = [note for note in noted if note.cause not in told]
    return _judged(case, addresses, combined, notes, marks)


def _reaches(case: Case, addresses: Sequence[IPAddress]) -> list[Reach]:
    """All addresses: first what is asked of them, and then how well packets get there."""
    reached = [_reached(case, address) for address in addresses]
    return [_sampled(case, *pair) for pair in reached]


def _reach(case: Case, address: IPAddress) -> Reach:
    return _sampled(case, *_reached(case, address))


def _sampled(case: Case, reach: Reach, served: Reach) -> Reach:
    if case.target.kind in (Kind.UDP, Kind.DNS):
        return served
    return quality.added(case, served, quality.beside(case, reach, served))


def _reached(case: Case, address: IPAddress) -> tuple[Reach, Reach]:
    """One address as far as its port, and with the layers above."""
    target = case.target
    if target.kind is Kind.UDP:
        from netwhy.diagnosis.udp import udp

        reach = udp(case, address, target.port or 0)
    elif target.kind is Kind.DNS:
        reach = _ask_server(case, address)
        return reach, reach
    elif target.port is None or target.kind is Kind.ICMP:
        reach = host(case, address)
        return reach, reach
    else:
        reach = tcp(case, address, target.port)
    return reach, _service(case, reach)


def _service(case: Case, reach: Reach) -> Reach:
    """The reach with the layers above the port, once it is open."""
    if reach.verdict is not Verdict.OK:
        return reach
    from netwhy.diagnosis.service import service

    return service(case, reach)


def _ask_server(case: Case, address: IPAddress) -> Reach:
    from netwhy.diagnosis import nameserver

    route = case.want(RouteAsk(address))
    case.want(LocalAsk())
    marks = {"route": Mark.FAILED if route is not None and route.error else Mark.OK}
    said, beside = nameserver.ask_server(case, address, case.target.port or 53)
    if said is None:
        return Reach(address, marks=marks)
    if isinstance(said, DnsAnswer):
        marks |= {"port": Mark.OK, "app": Mark.OK}
        return Reach(address, Verdict.OK, beside, rtt_ms=said.ms, marks=marks)
    if said.cause.startswith(("local.", "route.")):
        return failed(address, said, marks, "port")
    alive = said.cause in nameserver.ALIVE
    marks["port"] = Mark.OK if alive else Mark.FAILED
    marks["app"] = Mark.FAILED if alive else Mark.UNTESTED
    return Reach(address, Verdict.FAILING, said, marks=marks)


def _judged(
    case: Case,
    addresses: Sequence[IPAddress],
    combined: Combined,
    notes: Sequence[Finding],
    marks: dict[str, Mark],
) -> TargetReport:
    """Put the verdict of the addresses and the notes on the name together."""
    verdict = combined.verdict or Verdict.UNKNOWN
    reason = combined.reason
    if case.target.kind in (Kind.HTTP, Kind.HTTPS):
        local = case.known(LocalAsk())
        proxy = local_layer.proxy_note(case, local) if local is not None else None
        notes = [*notes, *([proxy] if proxy else [])]
    findings = sorted([*combined.findings, *notes], key=lambda f: list(Severity).index(f.severity))
    if verdict in (Verdict.OK, Verdict.DEGRADED):
        verdict = worst((verdict, *(VERDICT_OF[f.severity] for f in findings)))
    return _finish(
        case,
        verdict,
        addresses,
        findings,
        marks,
        rtt_ms=combined.rtt_ms,
        reason=reason,
        shown=combined.shown,
    )


def _unresolved(case: Case, failure: Finding, notes: Sequence[Finding]) -> TargetReport:
    by_name = failure.cause.startswith("dns.") or failure.cause == "unexplained"
    marks = {"name": Mark.FAILED} if by_name else {"name": Mark.UNTESTED, "route": Mark.FAILED}
    return _finish(case, Verdict.FAILING, (), [failure, *notes], marks)


def _pending(
    case: Case, marks: Mapping[str, Mark], addresses: Sequence[IPAddress] = ()
) -> TargetReport:
    report = _finish(case, Verdict.UNKNOWN, addresses, (), marks, default=Mark.PENDING)
    return replace(report, complete=False)


def _undecided(
    case: Case, addresses: Sequence[IPAddress], marks: Mapping[str, Mark]
) -> TargetReport:
    """Time is up: say what was not answered instead of guessing."""
    errors = {observation.row().error for observation in case.facts.values()}
    for error in ("EMFILE", "ENFILE"):
        if error in errors:
            finding = local_layer.files_exhausted(case, error)
            return _finish(case, Verdict.FAILING, addresses, [finding], marks)
    open_asks = [ask for ask in case.wants if case.known(ask) is None]
    names = ", ".join(dict.fromkeys(ask.probe for ask in open_asks)) or "nothing"
    reason = f"no decision in time; still without an answer: {names}"
    return _finish(case, Verdict.UNKNOWN, addresses, (), marks, reason=reason)


def _finish(
    case: Case,
    verdict: Verdict,
    addresses: Sequence[IPAddress],
    findings: Sequence[Finding],
    marks: Mapping[str, Mark],
    *,
    rtt_ms: float | None = None,
    reason: str | None = None,
    shown: IPAddress | None = None,
    default: Mark = Mark.UNTESTED,
) -> TargetReport:
    parts = _parts(case.target)
    layers = tuple(marks.get(layer, default) if layer in parts else Mark.ABSENT for layer in LAYERS)
    via = [shown] if shown is not None else addresses
    return TargetReport(
        target=case.target,
        verdict=verdict,
        addresses=tuple(str(a) for a in addresses),
        findings=tuple(findings),
        probes=_rows(case, complete=default is not Mark.PENDING),
        layers=layers,
        path=pathline.draw(case, verdict, via, findings, marks, default),
        rtt_ms=rtt_ms,
        reason=reason,
        complete=default is not Mark.PENDING,
    )


def _parts(target: Target) -> frozenset[str]:
    """The layers that belong to a target of this kind."""
    if target.kind is Kind.BIND:
        return frozenset({"port"})
    if target.kind is Kind.LOCAL:
        return frozenset({"name", "route"})
    parts = {"route", "ping"} if target.kind is not Kind.DNS else {"route", "app"}
    if target.address is None:
        parts.add("name")
    if target.port is not None and target.kind not in (Kind.HOST, Kind.ICMP):
        parts.add("port")
    if target.tls is not Tls.NONE:
        parts.add("tls")
    if target.kind in (Kind.HTTP, Kind.HTTPS) or pathline.speaks(target):
        parts.add("app")
    return frozenset(parts)


def _rows(case: Case, *, complete: bool) -> tuple[ProbeRow, ...]:
    """Every observation that this case used, by layer; layers not reached say so at the end."""
    seen = [obs for ask, obs in case.facts.items() if ask in case.wants or ask in case.hopes]
    rows = [observation.row() for observation in seen]
    tested = {row.probe for row in rows}
    for probe in _probes_above(case.target):
        if complete and probe not in tested:
            rows.append(Skipped(probe, case.target.text, _NOT_REACHED).row())
    return tuple(sorted(rows, key=lambda row: _PROBE_ORDER.index(row.probe)))


def _probes_above(target: Target) -> list[str]:
    """The probes of the layers above the port that belong to a target."""
    found = ["tls"] if target.tls is not Tls.NONE else []
    if target.kind in (Kind.HTTP, Kind.HTTPS):
        found.append("http")
    return [*found, "exchange"] if pathline.speaks(target) else found
