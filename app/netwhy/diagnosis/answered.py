"""Bound is not served: which program a client really meets on a port of this machine.

Two programs may have one port without any error: one for IPv4 and one for IPv6, a second group of
SO_REUSEPORT, one on a more specific address; or a redirect takes the clients to neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address

from netwhy.core.asks import LocalAsk, PortTableAsk, ServedAsk
from netwhy.core.clients import serving
from netwhy.core.model import Finding, IPAddress, Kind, Severity
from netwhy.core.observations import Owner, PortTable, Socket
from netwhy.core.overlaps import meant_to_share, numberless
from netwhy.core.ports import Served
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.sockets import row

_OVER_TCP = (Kind.TCP, Kind.TLS, Kind.HTTP, Kind.HTTPS)
_LOOPBACK = (ip_address("127.0.0.1"), ip_address("::1"))


def who_answers(case: Case, port: int, transport: str) -> list[str]:
    """Who took the connections to the own addresses; none where all reach one and the same."""
    served = case.hope(ServedAsk(port)) if transport == "tcp" else None
    if served is None:
        return []
    alike: dict[tuple[object, ...], list[Served]] = {}
    for answer in served.answers:
        alike.setdefault((answer.error, answer.by, answer.how == "elsewhere"), []).append(answer)
    if len(alike) == 1 and not any(a.how == "elsewhere" or len(a.by) > 1 for a in served.answers):
        return []
    return [_told(group) for group in alike.values()]


def _told(group: Sequence[Served]) -> str:
    """One sentence about the addresses at which the same came of a connection."""
    first = group[0]
    addresses = _listed([str(a.address) for a in group])
    if first.error == "ECONNREFUSED":
        return say("served-by-nobody", addresses=addresses)
    if first.error:
        return say("served-error", addresses=addresses, error=first.error)
    if first.how == "elsewhere":
        return say("served-elsewhere", addresses=addresses)
    if not first.by:
        return say("served-by-somebody", addresses=addresses)
    key = "served-by-turns" if len(first.by) > 1 else "served-by"
    return say(key, addresses=addresses, by=_listed(first.by))


def _listed(names: Sequence[str], most: int = 4) -> str:
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def split(case: Case, port: int, transport: str, table: PortTable) -> Finding | None:
    """IPv4 and IPv6 of one port belong to different programs."""
    listeners = [s for s in table.sockets if s.listening]
    if any(meant_to_share(s) for s in listeners):
        return None
    wild = [s for s in listeners if s.address.is_unspecified]
    pairs = [[[s for s in wild if s.address.version == v] for v in (4, 6)]]
    pairs.append([list(serving(address, port, listeners)) for address in _LOOPBACK])
    for fours, sixes in pairs:
        if fours and sixes and all(_of_two(four, six) for four in fours for six in sixes):
            return _split(case, port, transport, fours[0], sixes[0])
    return None


def between(case: Case, addresses: Sequence[IPAddress]) -> Finding | None:
    """A name that means both families of this machine, and each leads to another program."""
    port, local = case.target.port, case.known(LocalAsk())
    if port is None or local is None or case.target.kind not in _OVER_TCP:
        return None
    own = [a for a in addresses if local.owns(a) and not a.is_unspecified]
    if {a.version for a in own} != {4, 6}:
        return None
    table = case.hope(PortTableAsk(port, "tcp"))
    if table is None:
        return None
    fours, sixes = (
        serving(next(a for a in own if a.version == version), port, table.sockets)
        for version in (4, 6)
    )
    if fours and sixes and all(_of_two(four, six) for four in fours for six in sixes):
        return _split(case, port, "tcp", fours[0], sixes[0])
    return None


def _split(case: Case, port: int, transport: str, four: Socket, six: Socket) -> Finding:
    return case.finding(
        "bind.split-families",
        0.95,
        f"port {port}",
        severity=Severity.WARNING,
        evidence=(
            row(four),
            row(six),
            *who_answers(case, port, transport),
        ),
        port=port,
        transport=transport,
        working=_label(four),
        failing=_label(six),
        holder=_label(four),
    )


def _of_two(one: Socket, other: Socket) -> bool:
    """Do two sockets surely belong to different programs?

    Not so for one service or container whose programs have one name, for workers of one master,
    and for the forwarders of one container.  By processes; where those are hidden, by another user
    or another unit.
    """
    first, second = (s.owners[0] if s.owners else Owner() for s in (one, other))
    if _at_home(first) and _at_home(first) == _at_home(second) and first.name == second.name:
        return False
    if first.behind and second.behind and first.name == second.name:
        return False  # each family has its own, and their container two addresses
    pids, others = ({o.pid for o in s.owners if o.pid} for s in (one, other))
    if pids and others:
        commands = {numberless(o.command) for o in (first, second)}
        forked = first.parents[:1] == second.parents[:1] and len(commands) == 1
        return not pids & others and not (forked and first.parents)
    units, also = ({o.unit or o.container for o in s.owners} - {None} for s in (one, other))
    if units and also:
        return not units & also
    return None not in (one.uid, other.uid) and one.uid != other.uid


def _at_home(owner: Owner) -> tuple[str | None, str | None] | None:
    """The service or container that is its own; None for a session that many programs share."""
    unit = owner.unit if (owner.unit or "").endswith(".service") else None
    return (owner.container, unit) if owner.container or unit else None


def _label(held: Socket) -> str:
    return (held.owners[0] if held.owners else Owner()).label
