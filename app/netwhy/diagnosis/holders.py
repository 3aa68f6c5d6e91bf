"""Who holds a port: the socket that stands in the way of a bind, and its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.model import Finding, IPAddress, Severity
from netwhy.core.observations import BindTry, LocalState, Owner, PortTable, Socket, endpoint
from netwhy.diagnosis.case import Case, say

_ANY4 = IPv4Address("0.0.0.0")
_ANY6 = IPv6Address("::")


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


def in_use(case: Case, place: Place, *, every_address: bool) -> Finding:
    listeners = [s for s in place.rows if s.listening]
    if listeners:
        return _held_by_listener(case, place, listeners, every_address=every_address)
    bound = [s for s in place.rows if s.state == "BOUND"]
    if bound:
        evidence = [bind_said(place), *(row(s) for s in bound[:3])]
        return place_finding(case, place, "bind.bound-not-listening", 0.93, evidence, bound[0])
    waiting = [s for s in place.rows if s.state == "TIME_WAIT"]
    busy = [s for s in place.rows if s.state != "TIME_WAIT"]
    if busy:
        evidence = [bind_said(place), *(row(s) for s in busy[:3])]
        span = place.local.ephemeral_range
        return place_finding(
            case,
            place,
            "bind.in-use-by-connection",
            0.93,
            evidence,
            busy[0],
            range=f"{span[0]}-{span[1]}" if span else None,
        )
    if waiting:
        return _time_wait(case, place, waiting)
    evidence = [bind_said(place), say("no-socket-visible", port=place.port)]
    rivals = ("bind.bound-not-listening", "bind.in-use-by-connection")
    return place_finding(case, place, "bind.in-use", 0.5, evidence, rivals=rivals, variant="hidden")


def _held_by_listener(
    case: Case, place: Place, listeners: Sequence[Socket], *, every_address: bool
) -> Finding:
    exact = [s for s in listeners if s.address == place.address]
    if not exact and every_address:
        # "Every address" means both wildcards: a listener on either is the very same place.
        exact = [s for s in listeners if s.address in (_ANY4, _ANY6)]
    holder = (exact or list(listeners))[0]
    evidence = [bind_said(place), *(row(s) for s in (exact or listeners)[:3])]
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
    return place_finding(
        case, place, cause, 0.98, evidence, holder, variant="hidden" if hidden and exact else ""
    )


def _time_wait(case: Case, place: Place, waiting: Sequence[Socket]) -> Finding:
    """Only TIME_WAIT is left: SO_REUSEADDR helps if the old socket had it too."""
    ends = [s.expires_ms for s in waiting if s.expires_ms is not None]
    seconds = round(max(ends) / 1000) if ends else None
    evidence = [bind_said(place), say("time-wait-rows", count=len(waiting), port=place.port)]
    if seconds is not None:
        evidence.append(say("time-wait-ends", seconds=seconds))
    evidence += [
        say("reuse-works" if place.reuse.error is None else "reuse-fails", endpoint=place.endpoint),
    ]
    severity = Severity.WARNING if place.reuse.error is None else Severity.FAILURE
    return place_finding(
        case,
        place,
        "bind.time-wait",
        0.95,
        evidence,
        waiting[0],
        severity=severity,
        seconds=seconds or None,
    )


def row(row: Socket) -> str:
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


def bind_said(place: Place) -> str:
    return say("bind-said", endpoint=place.endpoint, error=place.plain.error or "")


def place_finding(
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
