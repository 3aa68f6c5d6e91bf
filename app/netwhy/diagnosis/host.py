"""A host without a port: is it there at all?"""

from __future__ import annotations

from netwhy.core.asks import (
    LocalAsk,
    PingAsk,
    RouteAsk,
)
from netwhy.core.model import Finding, IPAddress, Mark, Verdict
from netwhy.core.observations import (
    LocalState,
    Ping,
    Route,
)
from netwhy.diagnosis import firewall
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import path as path_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case
from netwhy.diagnosis.reach import Reach, failed, layer_marks
from netwhy.diagnosis.refusal import explained


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
        return failed(address, route_layer.refused_by_table(case, address), marks, "route")
    if seen.icmp is not None:
        finding = explained(case, address, None, seen.error or "", seen.icmp, None)
        return failed(address, finding, marks, "ping")
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
        return failed(address, early, marks, "ping")
    if others is None or case.waiting:
        return Reach(address, marks=marks)
    alive = [c for c in others.ports if c.alive]
    if others.signs_of_life():
        marks |= {"route": Mark.OK}
        rtt = next((c.rtt_ms or c.ms for c in alive), None)
        return Reach(address, Verdict.OK, rtt_ms=rtt, marks=marks)
    stuck = next((c for c in others.ports if c.resends_left is False), None)
    if stuck is not None:
        return failed(address, firewall.resends_stay_here(case, stuck), marks, "ping")
    if seen.error in ("EPERM", "EACCES") and seen.unavailable is None:
        forbidden = firewall.send_forbidden(case, address, None, seen.error)
        return failed(address, forbidden, marks, "ping")
    finding: Finding | None
    rejected = next((c for c in others.ports if c.icmp is not None), None)
    if rejected is not None and rejected.icmp is not None and not rejected.icmp.port_unreachable:
        finding = explained(case, address, None, rejected.error or "", rejected.icmp, rejected.ms)
        return failed(address, finding, marks, "ping")
    entry = route_layer.neighbour(case, route)
    if route.gateway is None and entry is not None and entry.answers:
        # On our own link the host answers ARP or ND: it is there, and keeps silent above.
        marks |= {"route": Mark.OK}
        return Reach(address, Verdict.OK, marks=marks)
    finding = path_layer.nothing_answers(case, address, None, others, [])
    return failed(address, finding, marks, "ping")
