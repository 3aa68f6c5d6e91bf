"""Who holds a port: the socket that stands in the way of a bind, and its owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.model import Finding, IPAddress, Severity
from netwhy.core.observations import (
    BindTry,
    LocalState,
    Owner,
    PortTable,
    Socket,
    endpoint,
    last_ends_s,
)
from netwhy.diagnosis.answered import who_answers
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.sockets import overlaps, row, shares

_ANY4 = IPv4Address("0.0.0.0")
_ANY6 = IPv6Address("::")
_OF_APPLE = 55555  # for programs with Apple's entitlement only (xnu, bsd/net/restricted_in_port.c)
_OF_RPC = frozenset({111, 2049})  # rpcbind and NFS, whose clients take source ports below 1024


@dataclass(frozen=True, slots=True)
class Place:
    """One address and port on which a server wants to start, and what two binds said.

    `dual`: a server on `::` that takes IPv4 as well, where IPv6 alone is free.
    """

    address: IPAddress
    port: int
    transport: str
    plain: BindTry
    reuse: BindTry
    local: LocalState
    table: PortTable
    dual: bool = False

    @property
    def endpoint(self) -> str:
        return endpoint(self.address, self.port)

    @property
    def rows(self) -> tuple[Socket, ...]:
        """The sockets on this port whose address overlaps, closest first."""
        wanted = [self.address, _ANY4] if self.dual else [self.address]
        found = [s for s in self.table.sockets if any(overlaps(s, a) for a in wanted)]
        return tuple(sorted(found, key=lambda s: s.address != self.address))


def in_use(case: Case, place: Place, *, every_address: bool = False) -> Finding:
    """EADDRINUSE: the listener that has it, else what else does; the closest address first."""
    listeners = [s for s in place.rows if s.listening]
    if listeners:
        return _held_by_listener(case, place, listeners, every_address=every_address)
    bound = [s for s in place.rows if s.state == "BOUND"]
    if bound:
        return _held_by_bound(case, place, bound)
    waiting = [s for s in place.rows if s.state == "TIME_WAIT"]
    busy = [s for s in place.rows if s.state != "TIME_WAIT"]
    owned = [s for s in busy if not s.ownerless]
    if owned:
        return _held_by_connection(case, place, owned)
    if busy:
        return _held_by_closing(case, place, (*busy, *waiting))
    if waiting:
        return _time_wait(case, place, waiting)
    if place.local.platform == "macos" and (place.transport, place.port) == ("tcp", _OF_APPLE):
        evidence = [bind_said(place), say("port-of-apple", port=place.port)]
        return place_finding(
            case, place, "bind.forbidden", 0.85, evidence, rivals=("bind.in-use",), variant="apple"
        )
    return _held_by_nobody_seen(case, place)


def _held_by_nobody_seen(case: Case, place: Place) -> Finding:
    """Listeners and connections show themselves to everybody; bound sockets not on each kernel."""
    evidence = [
        bind_said(place),
        say("no-socket-visible", transport=place.transport.upper(), port=place.port),
    ]
    if place.local.wsl:
        evidence.append(say("perhaps-windows", port=place.port))
    elif place.local.platform == "linux" and not place.table.complete:
        evidence.append(say("bound-not-listed"))
        return place_finding(
            case,
            place,
            "bind.bound-not-listening",
            0.75,
            evidence,
            rivals=("bind.in-use-by-connection",),
            variant="unseen",
        )
    rivals = ("bind.bound-not-listening", "bind.in-use-by-connection")
    return place_finding(case, place, "bind.in-use", 0.5, evidence, rivals=rivals, variant="hidden")


def _held_by_listener(
    case: Case, place: Place, listeners: Sequence[Socket], *, every_address: bool
) -> Finding:
    exact = [s for s in listeners if s.address == place.address]
    if not exact and every_address:
        # "Every address" means both wildcards: a listener on either is the very same place.
        exact = [s for s in listeners if s.address in (_ANY4, _ANY6)]
    if place.dual:
        exact = []  # the address itself was free for IPv6 alone
    holder = (exact or list(listeners))[0]
    held = endpoint(holder.address, holder.port)
    evidence = [bind_said(place), *(row(s) for s in (exact or listeners)[:3])]
    if not exact:
        evidence.append(say("addresses-overlap", held=held, wanted=place.endpoint))
    beside = [s for s in listeners if s.address == holder.address]
    if len(beside) > 1:
        evidence.append(say(f"shared-{place.transport}", count=len(beside), endpoint=held))
    evidence += _reuse(place, holder)
    evidence += who_answers(case, place.port, place.transport)
    cause = "bind.in-use" if exact else "bind.in-use-overlap"
    hidden = not any(o.pid for o in holder.owners)
    variant = "dual" if place.dual else "hidden" if hidden and exact else ""
    return place_finding(case, place, cause, 0.98, evidence, holder, variant=variant)


def _held_by_bound(case: Case, place: Place, bound: Sequence[Socket]) -> Finding:
    """Taken, and nobody listens yet: with SO_REUSEADDR on both whoever listens first gets it."""
    evidence = [bind_said(place), *(row(s) for s in bound[:3]), *_reuse(place, bound[0])]
    return place_finding(
        case,
        place,
        "bind.bound-not-listening",
        0.96,
        evidence,
        bound[0],
        reuse_helps="now" if _reuse_works(place) else None,
    )


def _held_by_connection(case: Case, place: Place, busy: Sequence[Socket]) -> Finding:
    """The range tells a port that the system gave away from one that a program chose or left."""
    evidence = [bind_said(place), *(row(s) for s in busy[:3])]
    span = place.local.ephemeral_range
    given = span is not None and span[0] <= place.port <= span[1]
    chosen = not given and any(s.remote is not None and _serves(s.remote[1]) for s in busy)
    if chosen and any(s.remote is not None and s.remote[1] in _OF_RPC for s in busy):
        evidence.append(say("source-of-nfs", port=place.port))
    elif span is not None:
        key = "ephemeral-range" if given else "not-ephemeral"
        evidence.append(say(key, port=place.port, low=span[0], high=span[1]))
    evidence += _reuse(place, busy[0])
    left_over = "left-over" if span is not None and not given else ""
    return place_finding(
        case,
        place,
        "bind.in-use-by-connection",
        0.96,
        evidence,
        busy[0],
        variant="chosen" if chosen else left_over,
        range=f"{span[0]}-{span[1]}" if span is not None and given else None,
        remote=endpoint(*busy[0].remote) if busy[0].remote is not None else None,
        reuse_helps="now" if _reuse_works(place) else None,
    )


def _held_by_closing(case: Case, place: Place, closing: Sequence[Socket]) -> Finding:
    """No process has it: the kernel alone finishes what a program closed or left by its end."""
    evidence = [bind_said(place), *(row(s) for s in closing[:3])]
    seconds = last_ends_s(closing)
    if seconds is not None:
        evidence.append(say("closing-ends", seconds=seconds))
    span = place.local.ephemeral_range
    given = span is not None and span[0] <= place.port <= span[1]
    if span is not None:
        key = "ephemeral-range" if given else "not-ephemeral"
        evidence.append(say(key, port=place.port, low=span[0], high=span[1]))
    evidence += _reuse(place, closing[0])
    return place_finding(
        case,
        place,
        "bind.in-use-by-connection",
        0.96,
        evidence,
        variant="closing" if _reuse_works(place) else "closing-old",
        seconds=seconds,
        range=f"{span[0]}-{span[1]}" if span is not None and given else None,
        remote=endpoint(*closing[0].remote) if closing[0].remote is not None else None,
    )


def _serves(port: int) -> bool:
    """Is that the port of a service, as far as a number tells?"""
    return port < 1024 or port in _OF_RPC


def _time_wait(case: Case, place: Place, waiting: Sequence[Socket]) -> Finding:
    """Only TIME_WAIT is left: SO_REUSEADDR helps if the old socket had it too."""
    seconds = last_ends_s(waiting)
    evidence = [bind_said(place), say("time-wait-rows", count=len(waiting), port=place.port)]
    if seconds is not None:
        evidence.append(say("time-wait-ends", seconds=seconds))
    evidence += _reuse(place, waiting[0])
    evidence += [row(s) for s in waiting[:3]]
    span = place.local.ephemeral_range
    outgoing = span is not None and span[0] <= place.port <= span[1]
    if span is not None and outgoing:
        outgoing = all(s.remote and not span[0] <= s.remote[1] <= span[1] for s in waiting)
    if span is not None and outgoing:
        evidence.append(say("ephemeral-range", port=place.port, low=span[0], high=span[1]))
    works = place.reuse.error is None
    return place_finding(
        case,
        place,
        "bind.time-wait",
        0.95,
        evidence,
        waiting[0],
        severity=Severity.WARNING if works else Severity.FAILURE,
        variant="" if works else "outgoing" if outgoing else "old",
        seconds=seconds,
        remote=endpoint(*waiting[0].remote) if waiting[0].remote is not None else None,
    )


def _reuse(place: Place, held: Socket) -> list[str]:
    """What SO_REUSEADDR changes, where the option means that (not on Windows)."""
    if place.local.platform == "windows":
        return []
    if _reuse_works(place):
        key = "reuse-steals" if held.listening else "reuse-works"
        return [say(key, endpoint=place.endpoint)]
    # The option would have been enough, had the other side set it.
    return [say("reuse-fails", endpoint=place.endpoint)] if shares(held, reuse=True) else []


def _reuse_works(place: Place) -> bool:
    return place.plain.error is not None and place.reuse.error is None


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
    severity: Severity | None = None,
    rivals: Sequence[str] = (),
    variant: str = "",
    **params: object,
) -> Finding:
    owner = held.owners[0] if held is not None and held.owners else Owner()
    usual = Severity.WARNING if place.dual else Severity.FAILURE
    if place.dual:
        evidence = [*evidence, say("ipv6-alone", endpoint=place.endpoint)]
    return case.finding(
        cause,
        confidence,
        place.endpoint,
        severity=severity or usual,
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
