"""Could a server start here?  Which socket stands in the way, or which rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.asks import BindAsk, LocalAsk, PortTableAsk
from netwhy.core.model import Finding, IPAddress, Severity, Verdict
from netwhy.core.observations import LocalState, Owner, Socket, endpoint
from netwhy.diagnosis import answered, policy
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis.case import VERDICT_OF, Case, say
from netwhy.diagnosis.holders import Place, bind_said, in_use, place_finding
from netwhy.diagnosis.refusal import unexplained
from netwhy.diagnosis.sockets import row

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
        if len(wanted) == 1 and place.plain.error is None and address == _ANY6:
            both = _with_ipv4(case, place)
            if both is None:
                return Bindable(None, wanted)
            place = both
        finding = _explain(case, place, every_address=len(wanted) > 1)
        if finding is not None:
            findings.append(finding)
    decided = _without_repeats(findings)
    split = answered.split(case, port, target.transport, table)
    risk = None if decided else _ephemeral_risk(case, port, target.transport, local)
    every = (*decided, *(f for f in (split, risk) if f is not None))
    verdicts = [VERDICT_OF[f.severity] for f in every]
    worst = next((v for v in (Verdict.FAILING, Verdict.DEGRADED) if v in verdicts), Verdict.OK)
    return Bindable(worst, wanted, every)


def _with_ipv4(case: Case, place: Place) -> Place | None:
    """IPv6 alone is free; a server on `::` takes IPv4 too unless it is told not to.

    None: not decided yet.
    """
    plain, reuse = (
        case.want(BindAsk(place.address, place.port, place.transport, reuse, dual=True))
        for reuse in (False, True)
    )
    if plain is None or reuse is None:
        return None
    return replace(place, plain=plain, reuse=reuse, dual=True)


def _family_not_needed(place: Place, wanted: int) -> bool:
    """`bind PORT` on a machine without one family is about the other one only."""
    missing = place.plain.error in ("EAFNOSUPPORT", "EADDRNOTAVAIL")
    return wanted > 1 and place.address.version == 6 and missing


def _explain(case: Case, place: Place, *, every_address: bool) -> Finding | None:
    error = place.plain.error
    if error is None:
        return None
    if error == "EACCES" and place.local.platform == "windows":
        return _denied_by_windows(case, place, every_address=every_address)
    if error == "EACCES":
        return _not_allowed(case, place)
    if error == "EADDRNOTAVAIL":
        return _address_not_here(case, place)
    if error == "EADDRINUSE":
        return in_use(case, place, every_address=every_address)
    if error == "EAFNOSUPPORT":
        return _family_missing(case, place)
    if error in ("EMFILE", "ENFILE"):
        return local_layer.files_exhausted(case, error)
    if error == "EPERM":
        return _forbidden(case, place)
    if error == "ENODEV" and place.address.is_link_local:
        return local_layer.no_such_interface(case, place.local, place.address)
    return unexplained(case, place.endpoint, "bind", error)


def _not_allowed(case: Case, place: Place) -> Finding:
    start = place.local.unprivileged_port_start
    if not 0 < place.port < start:
        return _forbidden(case, place)
    evidence = [bind_said(place), say("privileged-ports", start=start, port=place.port)]
    listeners = [s for s in place.rows if s.listening]
    # The refusal comes before the look at whether the port is free: tell that as well.
    others = [] if listeners else list(place.rows)
    evidence += [row(s) for s in (*listeners, *others)[:2]]
    return place_finding(
        case,
        place,
        "bind.privileged",
        0.97,
        evidence,
        listeners[0] if listeners else None,
        variant="macos" if place.local.platform == "macos" else "",
        start=start,
        taken=_taken((*listeners, *others)[0]) if place.rows else None,
    )


def _taken(held: Socket) -> str:
    """How a socket has the port, in a few words."""
    if held.state == "TIME_WAIT":
        return say("taken-closing")
    if held.remote is not None:
        return say("taken-connection", remote=endpoint(*held.remote))
    owner = (held.owners[0] if held.owners else Owner()).label
    return say("taken-listening" if held.listening else "taken-bound", owner=owner)


def _denied_by_windows(case: Case, place: Place, *, every_address: bool) -> Finding:
    """WSAEACCES: a holder that shares with nobody, or a range that Windows keeps for itself."""
    if any(s.listening for s in place.rows):
        return in_use(case, place, every_address=every_address)
    evidence = [
        bind_said(place),
        say("no-socket-visible", transport=place.transport.upper(), port=place.port),
    ]
    rivals = ("bind.in-use",)
    return place_finding(
        case, place, "bind.forbidden", 0.8, evidence, rivals=rivals, variant="excluded"
    )


def _forbidden(case: Case, place: Place) -> Finding:
    """Not because of a privileged port: a policy, and a free port would not help."""
    evidence = [bind_said(place)]
    if place.port >= place.local.unprivileged_port_start:
        start = place.local.unprivileged_port_start
        evidence.append(say("not-privileged", start=start, port=place.port))
    evidence += policy.confined(place.local)
    return place_finding(case, place, "bind.forbidden", 0.9, evidence)


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
        return _family_missing(case, place)
    addresses = [
        a.address
        for a in own
        if a.address.version == place.address.version and not a.address.is_link_local
    ]
    nearest = _nearest(place.address, addresses)
    alias = place.local.platform == "macos" and place.address.is_loopback
    evidence = [
        bind_said(place),
        say("own-addresses", addresses=", ".join(map(str, addresses[:8])) or "none"),
    ]
    if place.address.version == 6:  # an interface that is switched off loses those of IPv6
        down = (i.name for i in place.local.interfaces if not i.up)
        evidence += [say("interface-down-ipv6", interface=name) for name in down]
    return place_finding(
        case,
        place,
        "bind.address-not-here",
        0.98,
        evidence,
        variant="alias" if alias else "",
        nearest=nearest,
    )


def _family_missing(case: Case, place: Place) -> Finding:
    """The family is switched off; or the machine has it, and hides it from this program."""
    family = f"IPv{place.address.version}"
    cause, evidence = "bind.family-missing", [bind_said(place)]
    if place.address.version == 6 and place.local.ipv6_disabled:
        evidence.append(say("ipv6-off"))
    elif any(a.version == place.address.version for a in place.local.addresses):
        evidence += [say("family-is-here", family=family), *policy.confined(place.local)]
        rivals = ("bind.forbidden",)
        return place_finding(case, place, cause, 0.9, evidence, rivals=rivals, variant="hidden")
    return place_finding(case, place, cause, 0.95, evidence)


def _nearest(wanted: IPAddress, own: Sequence[IPAddress]) -> IPAddress | None:
    """The own address that shares the longest prefix with the wanted one."""
    candidates = [a for a in own if not a.is_loopback] or list(own)
    return min(candidates, key=lambda a: int(a) ^ int(wanted), default=None)


def _ephemeral_risk(case: Case, port: int, transport: str, local: LocalState) -> Finding | None:
    """Free now, but an outgoing connection may take it at any time."""
    span = local.ephemeral_range
    if span is None or not span[0] <= port <= span[1]:
        return None
    if any(first <= port <= last for first, last in local.reserved_ports):
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
