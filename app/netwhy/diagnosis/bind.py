"""Could a server start here?  Which socket stands in the way, or which rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.asks import BindAsk, LocalAsk, PortTableAsk
from netwhy.core.model import Finding, IPAddress, Severity, Verdict
from netwhy.core.observations import BindTry, LocalState, Owner, PortTable, Socket, endpoint
from netwhy.diagnosis.case import VERDICT_OF, Case, say
from netwhy.diagnosis.transport import unexplained

_ANY4 = IPv4Address("0.0.0.0")
_ANY6 = IPv6Address("::")


@dataclass(frozen=True, slots=True)
class Bindable:
    """The verdict over all addresses of one bind target; `verdict` None: not decided yet."""

    verdict: Verdict | None
    addresses: tuple[IPAddress, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """One address and port on which a server wants to start, and what two binds said."""

    address: IPAddress
    port: int
    transport: str
    plain: BindTry
    reuse: BindTry
    local: LocalState
    table: PortTable

    @property
    def endpoint(self) -> str:
        return endpoint(self.address, self.port)

    @property
    def rows(self) -> tuple[Socket, ...]:
        """The sockets on this port whose address overlaps, closest first."""
        found = [s for s in self.table.sockets if overlaps(s, self.address)]
        return tuple(sorted(found, key=lambda s: s.address != self.address))


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


def overlaps(held: Socket, wanted: IPAddress) -> bool:
    """Would the kernel see a socket on this address as a conflict with `wanted`?

    Same address; either one the wildcard of the same family; or a dual-stack `::` against any
    IPv4 address (inet_csk_bind_conflict in net/ipv4/inet_connection_sock.c).
    """
    mine, other = wanted, held.address
    mapped = getattr(other, "ipv4_mapped", None)
    if mapped is not None:
        other = mapped
    if mine.version == other.version:
        same = str(mine).partition("%")[0] == str(other).partition("%")[0]
        return same or mine.is_unspecified or other.is_unspecified
    return other.version == 6 and other.is_unspecified and held.v6only is not True


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
        return _in_use(case, place, every_address=every_address)
    if error == "EAFNOSUPPORT":
        return _finding(case, place, "bind.family-missing", 0.95, [_bind_said(place)])
    if error == "EPERM":
        return _finding(case, place, "bind.forbidden", 0.85, [_bind_said(place)])
    return unexplained(case, place.endpoint, "bind", error)


def _in_use(case: Case, place: Place, *, every_address: bool) -> Finding:
    listeners = [s for s in place.rows if s.listening]
    if listeners:
        return _held_by_listener(case, place, listeners, every_address=every_address)
    bound = [s for s in place.rows if s.state == "BOUND"]
    if bound:
        evidence = [_bind_said(place), *(_row(s) for s in bound[:3])]
        return _finding(case, place, "bind.bound-not-listening", 0.93, evidence, bound[0])
    waiting = [s for s in place.rows if s.state == "TIME_WAIT"]
    busy = [s for s in place.rows if s.state != "TIME_WAIT"]
    if busy:
        evidence = [_bind_said(place), *(_row(s) for s in busy[:3])]
        return _finding(case, place, "bind.in-use-by-connection", 0.93, evidence, busy[0])
    if waiting:
        return _time_wait(case, place, waiting)
    evidence = [_bind_said(place), say("no-socket-visible", port=place.port)]
    rivals = ("bind.bound-not-listening", "bind.in-use-by-connection")
    return _finding(case, place, "bind.in-use", 0.5, evidence, rivals=rivals, variant="hidden")


def _held_by_listener(
    case: Case, place: Place, listeners: Sequence[Socket], *, every_address: bool
) -> Finding:
    exact = [s for s in listeners if s.address == place.address]
    if not exact and every_address:
        # "Every address" means both wildcards: a listener on either is the very same place.
        exact = [s for s in listeners if s.address in (_ANY4, _ANY6)]
    holder = (exact or list(listeners))[0]
    evidence = [_bind_said(place), *(_row(s) for s in (exact or listeners)[:3])]
    if not exact:
        evidence.append(
            say(
                "addresses-overlap",
                held=endpoint(holder.address, holder.port),
                wanted=place.endpoint,
            )
        )
    cause = "bind.in-use" if exact else "bind.in-use-overlap"
    hidden = not any(o.pid for o in holder.owners)
    return _finding(
        case, place, cause, 0.98, evidence, holder, variant="hidden" if hidden and exact else ""
    )


def _time_wait(case: Case, place: Place, waiting: Sequence[Socket]) -> Finding:
    """Only TIME_WAIT is left: SO_REUSEADDR helps if the old socket had it too."""
    left = max((s.expires_ms or 0) for s in waiting)
    evidence = [
        _bind_said(place),
        say("time-wait-rows", count=len(waiting), port=place.port, seconds=round(left / 1000)),
        say("reuse-works" if place.reuse.error is None else "reuse-fails", endpoint=place.endpoint),
    ]
    severity = Severity.WARNING if place.reuse.error is None else Severity.FAILURE
    return _finding(
        case,
        place,
        "bind.time-wait",
        0.95,
        evidence,
        waiting[0],
        severity=severity,
        seconds=round(left / 1000) or None,
    )


def _not_allowed(case: Case, place: Place) -> Finding:
    start = place.local.unprivileged_port_start
    if not 0 < place.port < start:
        return _finding(case, place, "bind.forbidden", 0.85, [_bind_said(place)])
    evidence = [_bind_said(place), say("privileged-ports", start=start, port=place.port)]
    holders = [s for s in place.rows if s.listening]
    evidence += [_row(s) for s in holders[:2]]
    return _finding(
        case, place, "bind.privileged", 0.97, evidence, holders[0] if holders else None, start=start
    )


def _address_not_here(case: Case, place: Place) -> Finding:
    own = [a for i in place.local.interfaces for a in i.addresses]
    mine = next((a for a in own if a.address == place.address), None)
    if mine is not None and mine.state in ("tentative", "dadfailed"):
        evidence = [
            _bind_said(place),
            say("address-state", address=place.address, state=mine.state),
        ]
        return _finding(case, place, "bind.address-tentative", 0.95, evidence)
    if place.address.version == 6 and place.local.ipv6_disabled:
        return _finding(case, place, "bind.family-missing", 0.9, [_bind_said(place)])
    addresses = [
        a.address
        for a in own
        if a.address.version == place.address.version and not a.address.is_link_local
    ]
    nearest = _nearest(place.address, addresses)
    evidence = [
        _bind_said(place),
        say("own-addresses", addresses=", ".join(map(str, addresses[:8])) or "none"),
    ]
    return _finding(case, place, "bind.address-not-here", 0.98, evidence, nearest=nearest)


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
        evidence=(_row(four), _row(six)),
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


def _bind_said(place: Place) -> str:
    return say("bind-said", endpoint=place.endpoint, error=place.plain.error or "")


def _row(row: Socket) -> str:
    """One socket of the table, with its owner, as a sentence."""
    where = endpoint(row.address, row.port)
    owner = row.owners[0] if row.owners else Owner()
    if row.state == "TIME_WAIT":
        return say("socket-row", endpoint=where, state=row.state, owner="nobody any more")
    text = say("socket-row", endpoint=where, state=row.state, owner=_describe(owner))
    if row.remote is not None:
        text = f"{text}, connected with {endpoint(*row.remote)}"
    return text


def _describe(owner: Owner) -> str:
    """Everything known of an owner, in one phrase."""
    parts = [owner.label]
    if owner.user and owner.user not in owner.label:
        parts.append(f"user {owner.user}")
    if owner.command:
        parts.append(f"command: {owner.command}")
    if owner.unit and owner.unit not in owner.label:
        parts.append(f"unit {owner.unit}")
    if owner.container and owner.container not in owner.label:
        parts.append(f"container {owner.container}")
    if owner.hidden:
        parts.append(owner.hidden)
    return "; ".join(parts)


def _finding(
    case: Case,
    place: Place,
    cause: str,
    confidence: float,
    evidence: Sequence[str],
    held: Socket | None = None,
    *,
    severity: Severity = Severity.FAILURE,
    rivals: Sequence[str] = (),
    variant: str = "",
    **params: object,
) -> Finding:
    owner = held.owners[0] if held is not None and held.owners else Owner()
    return case.finding(
        cause,
        confidence,
        place.endpoint,
        severity=severity,
        evidence=evidence,
        rivals=rivals,
        variant=variant,
        address=place.address,
        port=place.port,
        endpoint=place.endpoint,
        transport=place.transport,
        error=place.plain.error,
        family=f"IPv{place.address.version}",
        holder=owner.label if held is not None else None,
        holder_endpoint=endpoint(held.address, held.port) if held is not None else None,
        pid=owner.pid,
        process=owner.name,
        user=owner.user,
        command=owner.command,
        unit=owner.unit,
        container=owner.container,
        **params,
    )
