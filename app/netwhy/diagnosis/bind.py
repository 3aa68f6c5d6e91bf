"""Could a server start here?  Which socket stands in the way, or which rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.asks import BindAsk, LocalAsk, PortTableAsk
from netwhy.core.model import Finding, IPAddress, Severity, Verdict
from netwhy.core.observations import LocalState, PortTable
from netwhy.diagnosis.case import VERDICT_OF, Case, say
from netwhy.diagnosis.holders import Place, bind_said, in_use, place_finding, row
from netwhy.diagnosis.refusal import unexplained

_ANY4 = IPv4Address("0.0.0.0")
_ANY6 = IPv6Address("::")


@dataclass(frozen=True, slots=True)
class Bindable:
    """The verdict over all addresses of one bind target; `verdict` None: not decided yet."""

    verdict: Verdict | None
    addresses: tuple[IPAddress, ...]
    findings: tuple[Finding, ...] = ()


def examine(case: Case) -> Bindable:
    """Try every address that the target means, and explain each that is not free."""
    target = case.target
    port = target.port or 0
    wanted: tuple[IPAddress, ...] = (
        (target.address,) if target.address is not None else (_ANY4, _ANY6)
    )
    local = case.want(LocalAsk())
    # The table comes first: later it would show our own tries.
    table = case.want(PortTableAsk(port, target.transport))
    if local is None or table is None:
        return Bindable(None, wanted)
    tries = [
        (
            address,
            case.want(BindAsk(address, port, target.transport)),
            case.want(BindAsk(address, port, target.transport, reuse=True)),
        )
        for address in wanted
    ]
    findings: list[Finding] = []
    for address, plain, reuse in tries:
        if plain is None or reuse is None:
            return Bindable(None, wanted)
        place = Place(address, port, target.transport, plain, reuse, local, table)
        if _family_not_needed(place, len(wanted)):
            continue
        finding = _explain(case, place, every_address=len(wanted) > 1)
        if finding is not None:
            findings.append(finding)
    decided = _without_repeats(findings)
    split = _split_families(case, port, target.transport, table)
    risk = None if decided else _ephemeral_risk(case, port, target.transport, local)
    every = (*decided, *(f for f in (split, risk) if f is not None))
    verdicts = [VERDICT_OF[f.severity] for f in every]
    worst = next((v for v in (Verdict.FAILING, Verdict.DEGRADED) if v in verdicts), Verdict.OK)
    return Bindable(worst, wanted, every)


def _family_not_needed(place: Place, wanted: int) -> bool:
    """`bind PORT` on a machine without one family is about the other one only."""
    missing = place.plain.error in ("EAFNOSUPPORT", "EADDRNOTAVAIL")
    return wanted > 1 and place.address.version == 6 and missing


def _explain(case: Case, place: Place, *, every_address: bool) -> Finding | None:
    error = place.plain.error
    if error is None:
        return None
    if error == "EACCES":
        return _not_allowed(case, place)
    if error == "EADDRNOTAVAIL":
        return _address_not_here(case, place)
    if error == "EADDRINUSE":
        return in_use(case, place, every_address=every_address)
    if error == "EAFNOSUPPORT":
        return place_finding(case, place, "bind.family-missing", 0.95, [bind_said(place)])
    if error == "EPERM":
        return place_finding(case, place, "bind.forbidden", 0.85, [bind_said(place)])
    return unexplained(case, place.endpoint, "bind", error)


def _not_allowed(case: Case, place: Place) -> Finding:
    start = place.local.unprivileged_port_start
    if not 0 < place.port < start:
        return place_finding(case, place, "bind.forbidden", 0.85, [bind_said(place)])
    evidence = [bind_said(place), say("privileged-ports", start=start, port=place.port)]
    holders = [s for s in place.rows if s.listening]
    evidence += [row(s) for s in holders[:2]]
    return place_finding(
        case, place, "bind.privileged", 0.97, evidence, holders[0] if holders else None, start=start
    )


def _address_not_here(case: Case, place: Place) -> Finding:
    own = [a for i in place.local.interfaces for a in i.addresses]
    interface, mine = next(
        ((i, a) for i in place.local.interfaces for a in i.addresses if a.address == place.address),
        (None, None),
    )
    if mine is not None and mine.state in ("tentative", "dadfailed"):
        evidence = [
            bind_said(place),
            say("address-state", address=place.address, state=mine.state),
        ]
        return place_finding(
            case,
            place,
            "bind.address-tentative",
            0.95,
            evidence,
            interface=interface.name if interface else None,
            reason=mine.state,
        )
    if place.address.version == 6 and place.local.ipv6_disabled:
        return place_finding(case, place, "bind.family-missing", 0.9, [bind_said(place)])
    addresses = [
        a.address
        for a in own
        if a.address.version == place.address.version and not a.address.is_link_local
    ]
    nearest = _nearest(place.address, addresses)
    evidence = [
        bind_said(place),
        say("own-addresses", addresses=", ".join(map(str, addresses[:8])) or "none"),
    ]
    return place_finding(case, place, "bind.address-not-here", 0.98, evidence, nearest=nearest)


def _nearest(wanted: IPAddress, own: Sequence[IPAddress]) -> IPAddress | None:
    """The own address that shares the longest prefix with the wanted one."""
    candidates = [a for a in own if not a.is_loopback] or list(own)
    return min(candidates, key=lambda a: int(a) ^ int(wanted), default=None)


def _split_families(case: Case, port: int, transport: str, table: PortTable) -> Finding | None:
    """IPv4 and IPv6 of one port belong to different processes."""
    wild = [s for s in table.sockets if s.listening and s.address.is_unspecified]
    four = next((s for s in wild if s.address.version == 4), None)
    six = next((s for s in wild if s.address.version == 6), None)
    if four is None or six is None:
        return None
    pids4 = {o.pid for o in four.owners if o.pid}
    pids6 = {o.pid for o in six.owners if o.pid}
    if not pids4 or not pids6 or pids4 & pids6:
        return None
    return case.finding(
        "bind.split-families",
        0.95,
        f"port {port}",
        severity=Severity.WARNING,
        evidence=(row(four), row(six)),
        transport=transport,
        working=four.owners[0].label,
        failing=six.owners[0].label,
        holder=four.owners[0].label,
    )


def _ephemeral_risk(case: Case, port: int, transport: str, local: LocalState) -> Finding | None:
    """Free now, but an outgoing connection may take it at any time."""
    span = local.ephemeral_range
    if span is None or not span[0] <= port <= span[1]:
        return None
    return case.finding(
        "bind.ephemeral-risk",
        1.0,
        f"port {port}",
        severity=Severity.NOTE,
        evidence=(say("ephemeral-range", low=span[0], high=span[1], port=port),),
        range=f"{span[0]}-{span[1]}",
        transport=transport,
        endpoint=f"port {port}",
    )


def _without_repeats(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """One socket that blocks both families is told once."""
    kept: list[Finding] = []
    for finding in findings:
        twin = next(
            (
                k
                for k in kept
                if k.cause == finding.cause and set(k.evidence[1:]) & set(finding.evidence[1:])
            ),
            None,
        )
        privileged = finding.cause == "bind.privileged" and any(
            k.cause == finding.cause for k in kept
        )
        if twin is None and not privileged:
            kept.append(finding)
    return tuple(kept)
