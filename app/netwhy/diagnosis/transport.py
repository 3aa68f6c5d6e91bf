"""One address and its port: open, refused, rejected, silent, or stopped before it left."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from netwhy.core.asks import (
    ConnectAsk,
    LocalAsk,
    PingAsk,
    PortTableAsk,
    RouteAsk,
    UdpAsk,
)
from netwhy.core.model import Finding, IPAddress, Mark, Severity, Verdict
from netwhy.core.observations import (
    Connect,
    Icmp,
    LocalState,
    Ping,
    Route,
    Socket,
    UdpExchange,
    endpoint,
)
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import path as path_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, ms, say

#: What the service on a port is usually called by systemd.
_USUAL_UNITS = {
    22: "ssh",
    25: "postfix",
    53: "named",
    80: "nginx",
    443: "nginx",
    631: "cups",
    1883: "mosquitto",
    3306: "mysql",
    5432: "postgresql",
    5672: "rabbitmq-server",
    6379: "redis-server",
    9090: "prometheus",
    9100: "prometheus-node-exporter",
    11211: "memcached",
    27017: "mongod",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of one address.  `verdict` None: not decided yet.

    `skipped` says why the address was not tried at all: then it counts neither way.
    """

    address: IPAddress
    verdict: Verdict | None = None
    finding: Finding | None = None
    rtt_ms: float | None = None
    marks: dict[str, Mark] = field(default_factory=dict)
    skipped: str | None = None


def tcp(case: Case, address: IPAddress, port: int) -> Reach:
    """Connect to one address and explain what came of it."""
    seen = case.want(ConnectAsk(address, port, _timeout(case)))
    local, route, ping = _surroundings(case, address)
    marks = _marks(route, ping)
    if seen is None or local is None or route is None:
        return Reach(address, marks=marks)
    if seen.open:
        marks |= {"route": Mark.OK, "port": Mark.OK}
        return Reach(address, Verdict.OK, rtt_ms=seen.rtt_ms or seen.ms, marks=marks)
    if seen.silent:
        finding = path_layer.silent(case, seen)
        if seen.pending and not case.final:
            finding = None  # the contrast was asked for; the last word is not spoken
    elif seen.refused_by_reset:
        finding = refused(case, seen, local, route)
    elif seen.error == "ECONNRESET":
        finding = _reset(case, seen)
    else:
        finding = explained(case, address, port, seen.error or "", seen.icmp, seen.ms)
    return _failed(address, finding, marks, "port")


def udp(case: Case, address: IPAddress, port: int) -> Reach:
    """Send a datagram to one address and explain what came of it; silence is no verdict."""
    seen = case.want(UdpAsk(address, port, _timeout(case), case.target.options.send))
    local, route, ping = _surroundings(case, address)
    marks = _marks(route, ping)
    if seen is None or local is None or route is None:
        return Reach(address, marks=marks)
    if seen.replied:
        marks |= {"route": Mark.OK, "port": Mark.OK}
        return Reach(address, Verdict.OK, rtt_ms=seen.ms, marks=marks)
    if seen.silent:
        return _udp_silent(case, seen, marks)
    finding: Finding | None
    icmp = seen.icmp
    if _closed(seen):
        finding = _udp_refused(case, seen, local, route)
    elif seen.error == "EAGAIN" and not seen.sent:
        finding = local_layer.ports_exhausted(case, address, port, "EAGAIN") or unexplained(
            case, endpoint(address, port), "udp", "EAGAIN"
        )
    elif seen.error == "EPERM" and not seen.sent:
        finding = local_layer.send_forbidden(case, address, port, seen.error)
    else:
        finding = explained(case, address, port, seen.error or "", icmp, seen.ms)
    return _failed(address, finding, marks, "port")


def host(case: Case, address: IPAddress) -> Reach:
    """Is the host there?  A ping if one may be sent, else whatever it answers."""
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    seen = case.want(PingAsk(address))
    marks = _marks(route, seen)
    if seen is None or local is None or route is None:
        return Reach(address, marks=marks)
    if seen.answered:
        marks |= {"route": Mark.OK, "ping": Mark.OK}
        return Reach(address, Verdict.OK, rtt_ms=seen.rtt_ms, marks=marks)
    if route.error is not None:
        return _failed(address, route_layer.refused_by_table(case, address), marks, "route")
    if seen.icmp is not None:
        finding = explained(case, address, None, seen.error or "", seen.icmp, None)
        return _failed(address, finding, marks, "ping")
    return _host_by_contrast(case, address, seen, local, route, marks)


def _host_by_contrast(
    case: Case,
    address: IPAddress,
    seen: Ping,
    local: LocalState,
    route: Route,
    marks: dict[str, Mark],
) -> Reach:
    """No echo came, or none could be sent: other signs of life decide."""
    if local.owns(address) or route.local:
        down = local_layer.loopback_down(case, address)
        verdict = Verdict.FAILING if down else Verdict.OK
        return Reach(address, verdict, down, marks=marks)
    others = path_layer.contrast(case, address, None, udp=True)
    early = route_layer.neighbour_silent(case, address)
    if early is not None:
        return _failed(address, early, marks, "ping")
    if others is None or (case.waiting and not case.final):
        return Reach(address, marks=marks)
    alive = [c for c in others.ports if c.alive]
    if others.signs_of_life():
        marks |= {"route": Mark.OK}
        rtt = next((c.rtt_ms or c.ms for c in alive), None)
        return Reach(address, Verdict.OK, rtt_ms=rtt, marks=marks)
    stuck = next((c for c in others.ports if c.resends_left is False), None)
    if stuck is not None:
        return _failed(address, local_layer.resends_stay_here(case, stuck), marks, "ping")
    if seen.error in ("EPERM", "EACCES") and seen.unavailable is None:
        forbidden = local_layer.send_forbidden(case, address, None, seen.error)
        return _failed(address, forbidden, marks, "ping")
    finding: Finding | None
    rejected = next((c for c in others.ports if c.icmp is not None), None)
    if rejected is not None and rejected.icmp is not None and not rejected.icmp.port_unreachable:
        finding = explained(case, address, None, rejected.error or "", rejected.icmp, rejected.ms)
        return _failed(address, finding, marks, "ping")
    entry = route_layer.neighbour(case, route)
    if route.gateway is None and entry is not None and entry.answers:
        # On our own link the host answers ARP or ND: it is there, and keeps silent above.
        marks |= {"route": Mark.OK}
        return Reach(address, Verdict.OK, marks=marks)
    finding = path_layer.nothing_answers(case, address, None, others, [])
    return _failed(address, finding, marks, "ping")


def explained(
    case: Case,
    address: IPAddress,
    port: int | None,
    error: str,
    icmp: Icmp | None,
    took_ms: float | None,
) -> Finding | None:
    """The diagnosis of an error that the system or another machine reported; None: undecided."""
    if error in ("EMFILE", "ENFILE"):
        return local_layer.files_exhausted(case, error)
    if icmp is not None and not icmp.own:
        return path_layer.reported(case, address, port, error, icmp, took_ms)
    table = route_layer.refused_by_table(case, address)
    if table is not None:
        return table
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None:
        return None
    if icmp is not None:
        silent = route_layer.neighbour_silent(case, address) if icmp.host_unreachable else None
        if silent is not None or (case.waiting and not case.final):
            return silent
        return local_layer.own_firewall_rejects(case, address, port, error, icmp)
    if error == "EHOSTUNREACH":
        silent = route_layer.neighbour_silent(case, address)
        if silent is not None or (case.waiting and not case.final):
            return silent
    return _refused_here(case, address, port, error, local, route)


def _refused_here(
    case: Case,
    address: IPAddress,
    port: int | None,
    error: str,
    local: LocalState,
    route: Route,
) -> Finding | None:
    """The system refused at once, and not because of its routes."""
    if (route.broadcast or route.multicast) and error in ("EACCES", "ENETUNREACH", "EINVAL"):
        return case.finding(
            "local.address-unusable",
            0.98,
            str(address),
            evidence=(
                say("route-broadcast", address=address),
                say("connect-said", error=error, endpoint=endpoint(address, port)),
            ),
            variant="broadcast" if route.broadcast else "multicast",
            address=address,
            label=address,
        )
    if error == "EADDRNOTAVAIL":
        has_family = any(
            a.version == address.version and not a.is_loopback for a in local.addresses
        )
        if address.version == 6 and (local.ipv6_disabled or not has_family):
            return route_layer.none(case, local, address)
        if port is not None:
            exhausted = local_layer.ports_exhausted(case, address, port, error)
            if exhausted is not None or (case.waiting and not case.final):
                return exhausted
    if error in ("EPERM", "EACCES"):
        return local_layer.policy(case, address, port, error)
    return unexplained(case, endpoint(address, port), "tcp", error)


def refused(case: Case, seen: Connect, local: LocalState, route: Route) -> Finding | None:
    """A real RST: nothing listens there, or something on this machine explains it better."""
    if local.owns(seen.address) or route.local:
        return _refused_by_this_machine(case, seen)
    where = endpoint(seen.address, seen.port)
    evidence = [say("reset", endpoint=where, took=ms(seen.ms)), say("no-icmp")]
    ping = case.known(PingAsk(seen.address))
    if ping is not None and ping.answered:
        evidence.append(say("ping-answered", address=seen.address, rtt=ms(ping.rtt_ms)))
    if seen.self_connected:
        evidence.append(say("self-connected", endpoint=where))
    return case.finding(
        "tcp.refused",
        0.95,
        where,
        evidence=evidence,
        rivals=("tcp.rejected-by-firewall", "tcp.loopback-only"),
        address=seen.address,
        port=seen.port,
        endpoint=where,
        service=_USUAL_UNITS.get(seen.port),
    )


def _refused_by_this_machine(case: Case, seen: Connect) -> Finding | None:
    """The address is our own: the table of listeners tells what the RST cannot."""
    table = case.want(PortTableAsk(seen.port, "tcp"))
    if table is None and not case.final:
        return None
    listeners = [s for s in table.sockets if s.state == "LISTEN"] if table is not None else []
    where = endpoint(seen.address, seen.port)
    evidence = [say("reset", endpoint=where, took=ms(seen.ms))]
    common: dict[str, Any] = {"address": seen.address, "port": seen.port, "endpoint": where}
    if any(covers(s, seen.address) for s in listeners):
        listener = next(s for s in listeners if covers(s, seen.address))
        evidence.append(_listening(listener))
        return case.finding(
            "local.firewall",
            0.8,
            where,
            evidence=evidence,
            rivals=("tcp.backlog-full",),
            variant="rejected",
            sender=seen.address,
            error="ECONNREFUSED",
            icmp="a TCP reset",
            **common,
        )
    if listeners:
        listener = listeners[0]
        owner = listener.owners[0] if listener.owners else None
        return case.finding(
            "tcp.loopback-only",
            0.97,
            where,
            evidence=[*evidence, *(_listening(s) for s in listeners[:3])],
            holder=owner.label if owner else None,
            holder_endpoint=endpoint(listener.address, listener.port),
            process=owner.name if owner else None,
            unit=owner.unit if owner else None,
            **common,
        )
    evidence.append(say("nothing-listens-here", port=seen.port))
    return case.finding(
        "tcp.refused",
        0.98,
        where,
        evidence=evidence,
        variant="local",
        service=_USUAL_UNITS.get(seen.port),
        **common,
    )


def covers(listener: Socket, address: IPAddress) -> bool:
    """Would this listener take a connection to the address?"""
    if listener.address == address:
        return True
    if not listener.address.is_unspecified:
        return False
    if listener.address.version == address.version:
        return True
    return listener.address.version == 6 and not listener.v6only


def _listening(listener: Socket) -> str:
    owner = listener.owners[0].label if listener.owners else "an unknown owner"
    return say("listens-on", endpoint=endpoint(listener.address, listener.port), owner=owner)


def _reset(case: Case, seen: Connect) -> Finding:
    where = endpoint(seen.address, seen.port)
    return case.finding(
        "exchange.reset",
        0.9,
        where,
        evidence=(say("reset-after-accept", endpoint=where, took=ms(seen.ms)),),
        address=seen.address,
        port=seen.port,
        endpoint=where,
    )


def _closed(seen: UdpExchange) -> bool:
    """Port unreachable from the target itself (or from this machine about itself)."""
    icmp = seen.icmp
    if icmp is None:
        return seen.error == "ECONNREFUSED"
    return icmp.port_unreachable and (icmp.sender in (seen.address, None) or icmp.own)


def _udp_refused(case: Case, seen: UdpExchange, local: LocalState, route: Route) -> Finding | None:
    where = endpoint(seen.address, seen.port)
    common: dict[str, Any] = {"address": seen.address, "port": seen.port, "endpoint": where}
    sender = seen.icmp.sender if seen.icmp else None
    evidence = [
        say(
            "udp-refused",
            endpoint=where,
            icmp=seen.icmp.label if seen.icmp else "ICMP port unreachable",
            sender=sender or seen.address,
            took=ms(seen.ms),
        )
    ]
    if local.owns(seen.address) or route.local:
        table = case.want(PortTableAsk(seen.port, "udp"))
        if table is None and not case.final:
            return None
        held = [s for s in table.sockets if covers(s, seen.address)] if table is not None else []
        if held and seen.icmp is not None:
            evidence.append(_listening(held[0]))
            return case.finding(
                "local.firewall",
                0.9,
                where,
                evidence=evidence,
                variant="rejected",
                sender=sender,
                source=sender,
                icmp=seen.icmp.label,
                error=seen.error,
                **common,
            )
    elif seen.icmp is not None and seen.icmp.own:
        return local_layer.own_firewall_rejects(
            case, seen.address, seen.port, seen.error or "", seen.icmp
        )
    return case.finding(
        "udp.refused",
        0.93,
        where,
        evidence=evidence,
        rivals=("tcp.rejected-by-firewall",),
        sender=sender,
        icmp=seen.icmp.label if seen.icmp else None,
        **common,
    )


def _udp_silent(case: Case, seen: UdpExchange, marks: dict[str, Mark]) -> Reach:
    """No answer: a dead neighbour can be told, the rest cannot."""
    early = local_layer.loopback_down(case, seen.address) or route_layer.neighbour_silent(
        case, seen.address
    )
    if early is not None:
        return _failed(seen.address, early, marks, "port")
    if case.waiting and not case.final:
        return Reach(seen.address, marks=marks)
    where = endpoint(seen.address, seen.port)
    evidence = [say("udp-silent", endpoint=where, request=seen.request, took=ms(seen.ms))]
    ping = case.known(PingAsk(seen.address))
    rivals = ["tcp.filtered", "path.silent"]
    if ping is not None and ping.answered:
        evidence.append(say("ping-answered", address=seen.address, rtt=ms(ping.rtt_ms)))
        rivals.remove("path.silent")
    finding = case.finding(
        "udp.silent",
        0.5,
        where,
        severity=Severity.NOTE,
        evidence=evidence,
        rivals=rivals,
        address=seen.address,
        port=seen.port,
        endpoint=where,
    )
    marks |= {"port": Mark.UNTESTED}
    return Reach(seen.address, Verdict.UNKNOWN, finding, marks=marks)


def unexplained(case: Case, subject: str, probe: str, error: str) -> Finding:
    """No rule explains it: the raw error by name, and no more."""
    return case.finding(
        "unexplained",
        0.3,
        subject,
        evidence=(say("raw-error", probe=probe, subject=subject, error=error),),
        endpoint=subject,
        error=error,
    )


def _surroundings(
    case: Case, address: IPAddress
) -> tuple[LocalState | None, Route | None, Ping | None]:
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    own = address.is_loopback or (route is not None and route.local)
    ping = None if own or (route is not None and route.error) else case.hope(PingAsk(address))
    return local, route, ping


def _marks(route: Route | None, ping: Ping | None) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    if route is not None:
        marks["route"] = Mark.FAILED if route.error else Mark.OK
    if ping is not None:
        failed = ping.icmp is not None
        marks["ping"] = Mark.OK if ping.answered else Mark.FAILED if failed else Mark.UNTESTED
    return marks


def _failed(
    address: IPAddress, finding: Finding | None, marks: dict[str, Mark], layer: str
) -> Reach:
    if finding is None:
        return Reach(address, marks=marks)
    first_hop = finding.cause.split(".")[0] == "route" or finding.cause in (
        "local.offline",
        "local.interface-down",
        "local.loopback-down",
    )
    broken = "route" if first_hop else layer
    marks[broken] = Mark.FAILED
    if broken == "route":
        for later in ("ping", "port"):
            if marks.get(later) in (Mark.FAILED, None):
                marks[later] = Mark.UNTESTED
    return Reach(address, Verdict.FAILING, finding, marks=marks)


def _timeout(case: Case) -> float | None:
    return case.target.options.timeout_s or case.timeout_s
