"""Nothing comes back: a filter in front of one port, a host that is off, or something between."""

from __future__ import annotations

from netwhy.core.asks import ConnectAsk, LocalDropsAsk, PingAsk, RouteAsk, UdpAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import Connect, Ping, Route, Trace, UdpExchange, endpoint
from netwhy.diagnosis import firewall, loop, path, way
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, Refusal, ms, say
from netwhy.diagnosis.contrast import (
    CONTRAST_S,
    HIGH_UDP_PORT,
    Contrast,
    contrast,
    other_ports,
)


def silent(case: Case, seen: Connect) -> Finding | None:
    """The diagnosis of a port from which nothing comes back; None until it is decided."""
    address, port = seen.address, seen.port
    early = (
        local_layer.loopback_down(case, address)
        or route_layer.neighbour_silent(case, address)
        or firewall.resends_stay_here(case, seen)
    )
    if early is not None:
        return early
    route = case.want(RouteAsk(address))
    if route is not None and route.gateway is not None:
        hop_ping, hop_port, hop_end = _first_hop_asks(address, route.gateway)
        case.hope(hop_ping)  # all three are only needed if all else is silent too
        case.hope(hop_port)
        case.hope(hop_end)
    trace = way.hoped(case, way.ask_for(case, address, port))
    others = contrast(case, address, port, udp=True)
    other_way = way.contrasted(case, address, port)
    own_drop = firewall.answers_dropped_here(case, seen)
    if others is None or case.waiting:
        return None
    if others.udp is not None and others.udp.error in ("EPERM", "EACCES") and not others.udp.sent:
        return firewall.send_forbidden(case, address, port, others.udp.error)
    if own_drop is not None:
        return own_drop
    evidence = [
        say("syn-silent", endpoint=endpoint(address, port), sent=seen.resends + 1, took=ms(seen.ms))
    ]
    alive = [*others.signs_of_life(), *others.own_rejections()]
    if trace is not None and trace.reached is not None:
        alive.append(_answered_later(trace))
    if alive:
        return _filtered(case, seen, [*evidence, *alive], trace, other_way)
    if trace is not None and trace.circle:
        return loop.circling(case, trace, evidence)
    refusal = _refused_on_the_way(seen, trace)
    if refusal is not None and refusal.icmp is not None:
        return path.reported(case, refusal, refusal.icmp)
    return nothing_answers(case, address, port, others, evidence)


def _answered_later(trace: Trace) -> str:
    where = endpoint(trace.address, trace.port)
    return say("way-answered-later", endpoint=where, away=way.away(trace.reached or 0))


def _filtered(
    case: Case, seen: Connect, evidence: list[str], trace: Trace | None, other_way: Trace | None
) -> Finding:
    """The host lives and one port is silent; how far its packets get, beside those that arrive."""
    address, port = seen.address, seen.port
    noisy = firewall.unsettled(case, LocalDropsAsk(address, port))
    if firewall.too_noisy(case.known(LocalDropsAsk(address, port))):
        evidence.append(say("counters-noisy"))
    ending = way.ending(trace, other_way)
    rivals = ["local.firewall"] if noisy else []
    confidence = 0.75 if noisy else 0.93
    if ending.before_host:
        confidence += 0.02  # it does not get as far as the service: no queue there can be full
    else:
        rivals.append("tcp.backlog-full")
    if trace is not None and trace.reached is not None:
        confidence = 0.6  # silent only now and then
    return case.finding(
        "tcp.filtered",
        confidence,
        endpoint(address, port),
        evidence=[*evidence, *ending.evidence],
        rivals=rivals,
        variant="between" if ending.before_host else "",
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        router=ending.router,
        next=ending.next,
    )


def _refused_on_the_way(seen: Connect, trace: Trace | None) -> Refusal | None:
    """An ICMP error that met the trace alone: routers do not send one for every packet."""
    hop = trace.stopped if trace is not None else None
    if trace is None or hop is None or hop.icmp is None or hop.icmp.own:
        return None
    return Refusal("tcp", seen.address, seen.port, trace.error or "", hop.icmp, hop.rtt_ms)


def _first_hop_asks(address: IPAddress, gateway: IPAddress) -> tuple[PingAsk, ConnectAsk, UdpAsk]:
    """A ping of the gateway, a connection to it, and a datagram that has to end there."""
    return (
        PingAsk(gateway),
        ConnectAsk(gateway, other_ports(None)[-1], CONTRAST_S),
        UdpAsk(address, HIGH_UDP_PORT, 1.2, ttl=1),
    )


def first_hop_alive(case: Case, route: Route) -> bool | None:
    """Does the next hop answer anything?  None while that is not known."""
    gateway = route.gateway
    if gateway is None:
        settled = route_layer.neighbour(case, route, settle=True)
        return settled.answers if settled is not None else None if case.waiting else True
    hop_ping, hop_port, hop_end = _first_hop_asks(route.address, gateway)
    seen = (case.want(hop_ping), case.want(hop_port), case.want(hop_end))
    entry = route_layer.neighbour(case, route)
    trace = way.known(case, route.address, case.target.port)
    if any(observation is not None and _shows_life(observation) for observation in seen):
        return True
    if trace is not None and trace.routers:
        return True  # whatever answered stands behind the first hop, or is it
    if case.waiting or entry is None:
        return None
    # Mute, and known on the link only from earlier: let the kernel check the old entry.
    settled = route_layer.neighbour(case, route, settle=True)
    return None if settled is None else settled.answers


def _shows_life(seen: Ping | Connect | UdpExchange) -> bool:
    """Did anything come back from beyond this machine?"""
    if seen.icmp is not None:
        return not seen.icmp.own
    return (isinstance(seen, Ping) and seen.answered) or (isinstance(seen, Connect) and seen.alive)


def nothing_answers(
    case: Case, address: IPAddress, port: int | None, others: Contrast, evidence: list[str]
) -> Finding | None:
    """Nothing comes back from the address, whatever is tried; None until it is decided."""
    route = case.want(RouteAsk(address))
    hop_alive = first_hop_alive(case, route) if route is not None else None
    if hop_alive is None and case.waiting:
        return None
    gone = None if hop_alive else route_layer.neighbour_silent(case, address, settle=True)
    if gone is not None or case.waiting:
        return gone
    silent_ports = [str(c.port) for c in others.ports if c.silent]
    if silent_ports:
        evidence.append(say("other-ports-silent", address=address, ports=", ".join(silent_ports)))
    ping = others.ping
    if ping is None or ping.unavailable:
        evidence.append(say("ping-unavailable", reason=ping.unavailable if ping else "not tried"))
    else:
        evidence.append(say("ping-silent", address=address))
    refused = [c for c in others.ports if c.icmp is not None]
    for seen in refused[:2]:
        icmp = seen.icmp
        if icmp is not None:
            evidence.append(
                say(
                    "other-port-rejected", port=seen.port, icmp=icmp.label, sender=icmp.sender or ""
                )
            )
    on_link = route is not None and route.gateway is None
    entry = route_layer.neighbour(case, route) if route is not None else None
    rivals = ["tcp.filtered"] if port is not None else []
    if port is not None and firewall.unsettled(case, LocalDropsAsk(address, port)):
        rivals.append("local.firewall")
    if on_link and entry is not None and entry.answers:
        evidence.append(say("neighbour-answers", address=entry.address))
    elif on_link and entry is not None and entry.state in ("REACHABLE", "STALE", "DELAY", "PROBE"):
        evidence.append(say("neighbour-old", address=entry.address))
        rivals.append("route.neighbour-silent")
    elif not on_link and route is not None:
        key = "gateway-answers" if hop_alive else "gateway-mute"
        evidence.append(say(key, address=route.gateway))
        if not hop_alive:
            rivals.append("route.gateway-silent")
    ending = way.ending(way.known(case, address, port))
    evidence += ending.evidence
    sure = hop_alive and ping is not None and not ping.unavailable and not refused
    return case.finding(
        "path.silent",
        0.85 if sure else 0.75,
        endpoint(address, port),
        evidence=evidence,
        rivals=rivals,
        variant="on-link" if on_link and entry is not None and entry.answers else "",
        root=address,
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        gateway=None if route is None else route.gateway,
        router=ending.router,
    )
