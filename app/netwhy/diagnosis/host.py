"""A host without a port: is it there at all?"""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core.asks import ConnectAsk, LocalAsk, PingAsk, RouteAsk
from netwhy.core.model import Finding, IPAddress, Kind, Mark, Severity, Verdict
from netwhy.core.observations import Ping, Route
from netwhy.diagnosis import firewall, loop, silence, way
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, Refusal, say
from netwhy.diagnosis.contrast import CONTRAST_S, Contrast, contrast, other_ports
from netwhy.diagnosis.reach import Reach, failed, layer_marks
from netwhy.diagnosis.refusal import explained, unexplained


def host(case: Case, address: IPAddress) -> Reach:
    """Is the host there?  A ping if one may be sent, else whatever it answers."""
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    seen = case.want(PingAsk(address))
    marks = layer_marks(route, seen)
    if seen is None or local is None or route is None:
        return Reach(address, marks=marks)
    if seen.answered:
        marks |= {"route": Mark.OK, "ping": Mark.OK}
        return Reach(address, Verdict.OK, rtt_ms=seen.rtt_ms, marks=marks)
    if route.error is not None:
        finding = route_layer.refused_by_table(case, address)
        if finding is None and not case.waiting:
            finding = unexplained(case, str(address), "route", route.error)
        return failed(address, finding, marks, "route")
    if local.owns(address) or route.local:
        down = local_layer.loopback_down(case, address)
        verdict = Verdict.FAILING if down else Verdict.OK
        return Reach(address, verdict, down, marks=marks)
    return _by_contrast(case, seen, route, marks)


def _by_contrast(case: Case, seen: Ping, route: Route, marks: dict[str, Mark]) -> Reach:
    """No echo came, it was refused, or none could be sent: other signs of life decide."""
    address = seen.address
    early = route_layer.neighbour_silent(case, address)
    if early is not None:
        return failed(address, early, marks, "ping")
    trace = way.hoped(case, way.ask_for(case, address, None)) if _quiet(case, address) else None
    others = contrast(case, address, None, udp=True)
    if others is None:
        return Reach(address, marks=marks)
    alive = others.signs_of_life()
    if seen.icmp is None:  # a host that rejects its ping as well rejects everything
        alive += others.own_rejections()
    if alive:
        marks |= {"route": Mark.OK}
        rtt = next((c.rtt_ms or c.ms for c in others.ports if c.alive), None)
        return Reach(address, Verdict.OK, _ping_filtered(case, seen, alive), rtt, marks)
    finding = _refused(case, seen, others)
    if finding is not None or case.waiting:
        return failed(address, finding, marks, "ping")
    entry = route_layer.neighbour(case, route)
    if route.gateway is None and entry is not None and entry.answers:
        # On our own link the host answers ARP or ND: it is there, and keeps silent above.
        marks |= {"route": Mark.OK}
        return Reach(address, Verdict.OK, marks=marks)
    if trace is not None and trace.circle:
        return failed(address, loop.circling(case, trace, []), marks, "ping")
    finding = silence.nothing_answers(case, address, None, others, [])
    return failed(address, finding, marks, "ping")


def _quiet(case: Case, address: IPAddress) -> bool:
    """Is a port silent, and none answered so far?  A host that lives needs no trace."""
    asks = [ConnectAsk(address, port, CONTRAST_S) for port in other_ports(None)]
    ports = [seen for ask in asks if (seen := case.known(ask)) is not None]
    return any(seen.silent for seen in ports) and not any(seen.alive for seen in ports)


def _refused(case: Case, seen: Ping, others: Contrast) -> Finding | None:
    """Something said no: to the ping, to its sending, or to the other ports."""
    address = seen.address
    if seen.icmp is not None:
        return explained(case, Refusal("ping", address, None, seen.error or "", seen.icmp))
    stuck = next((c for c in others.ports if c.resends_left is False), None)
    if stuck is not None:
        return firewall.resends_stay_here(case, stuck)
    if seen.error in ("EPERM", "EACCES") and seen.unavailable is None:
        return firewall.send_forbidden(case, address, None, seen.error)
    for port in others.ports:
        if port.icmp is not None and not port.icmp.port_unreachable:
            refusal = Refusal("tcp", address, None, port.error or "", port.icmp, port.ms)
            return explained(case, refusal)
    return None


def _ping_filtered(case: Case, seen: Ping, alive: Sequence[str]) -> Finding | None:
    """The host lives and answers no ping: only told to someone who asked for a ping."""
    if case.target.kind is not Kind.ICMP or seen.unavailable is not None:
        return None
    said = say("ping-silent", address=seen.address)
    if seen.icmp is not None:
        said = say("ping-refused", address=seen.address, icmp=seen.icmp.label)
    return case.finding(
        "tcp.filtered",
        0.95,
        str(seen.address),
        severity=Severity.WARNING,
        evidence=[said, *alive],
        variant="ping",
        address=seen.address,
        endpoint=seen.address,
    )
