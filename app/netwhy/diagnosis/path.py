"""Between here and there: an ICMP error from a foreign address, or nothing at all.

One packet that was refused does not say how much is refused: other ports of the host and a ping
are the contrast.  A port that is silent is judged by whatever else of the host answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netwhy.core.asks import ConnectAsk, LocalDropsAsk, PingAsk, RouteAsk, UdpAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import Connect, Icmp, Ping, Route, UdpExchange, endpoint
from netwhy.diagnosis import firewall
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, Refusal, ms, say

#: Ports that hosts commonly answer on, and one that hardly any program listens on: a firewall
#: that lets it pass shows the host's own refusal.
_OTHER_PORTS = (443, 80, 22, 47_808)
#: Where traceroute begins: a closed UDP port there is answered by the host itself.
_HIGH_UDP_PORT = 33_434
_CONTRAST_S = 2.2  # two SYNs and the round trips of both


@dataclass(frozen=True, slots=True)
class Contrast:
    """What else of the host was tried.  `ping` None: not yet known."""

    ports: tuple[Connect, ...]
    ping: Ping | None
    udp: UdpExchange | None

    def signs_of_life(self) -> list[str]:
        """Sentences for everything that the host itself answered."""
        found = []
        if self.ping is not None and self.ping.answered:
            found.append(say("ping-answered", address=self.ping.address, rtt=ms(self.ping.rtt_ms)))
        for key, seen in (
            ("other-ports-open", [c for c in self.ports if c.open]),
            ("other-ports-refused", [c for c in self.ports if c.alive and not c.open]),
        ):
            if seen:
                ports = ", ".join(str(c.port) for c in seen)
                found.append(say(key, address=seen[0].address, ports=ports))
        return found

    def own_rejections(self) -> list[str]:
        """Sentences for what the host itself turned away with an ICMP error: so it is there."""
        found = []
        rejected = [c for c in self.ports if _from_itself(c)]
        if rejected:
            ports = ", ".join(str(c.port) for c in rejected)
            address = rejected[0].address
            found.append(say("other-ports-rejected-itself", address=address, ports=ports))
        if self.ping is not None and _from_itself(self.ping):
            found.append(say("ping-rejected-itself", address=self.ping.address))
        if self.udp is not None and _from_itself(self.udp):
            found.append(say("udp-port-unreachable", address=self.udp.address))
        return found

    def refused_by(self, icmp: Icmp) -> list[Connect]:
        """The other ports that the same sender refused with an ICMP error too."""
        return [c for c in self.ports if c.icmp is not None and c.icmp.sender == icmp.sender]

    @property
    def ping_refused(self) -> Icmp | None:
        return self.ping.icmp if self.ping is not None else None


def _from_itself(seen: Connect | Ping | UdpExchange) -> bool:
    """Did the host itself send the ICMP error?  Then it is there."""
    return seen.icmp is not None and seen.icmp.sender == seen.address and not seen.icmp.own


def other_ports(port: int | None) -> tuple[int, ...]:
    """Other ports of the host to compare with."""
    return tuple(p for p in _OTHER_PORTS if p != port)


def contrast(case: Case, address: IPAddress, port: int | None, *, udp: bool) -> Contrast | None:
    """Other ports and a ping of the same host; None until all of it is known."""
    ping = case.want(PingAsk(address))
    ports = [case.want(ConnectAsk(address, p, _CONTRAST_S)) for p in other_ports(port)]
    datagram = case.want(UdpAsk(address, _HIGH_UDP_PORT, 1.2)) if udp else None
    if case.waiting:
        return None
    return Contrast(tuple(p for p in ports if p is not None), ping, datagram)


def reported(case: Case, refusal: Refusal, icmp: Icmp) -> Finding | None:
    """The diagnosis of an ICMP error that another machine sent; None until it is decided."""
    address = refusal.address
    evidence = [_told(refusal, icmp)]
    if icmp.time_exceeded:
        return _worded(case, "path.loop", 0.8, refusal, icmp, evidence)
    if icmp.protocol_unreachable or icmp.port_unreachable:
        return _rejected(case, refusal, icmp, evidence)
    if not (icmp.prohibited or icmp.network_unreachable or icmp.host_unreachable):
        return case.finding(
            "unexplained",
            0.4,
            refusal.endpoint,
            evidence=evidence,
            endpoint=refusal.endpoint,
            error=refusal.error,
        )
    others = contrast(case, address, refusal.port, udp=False)
    if others is None:
        return None
    alive = others.signs_of_life()
    alike = others.refused_by(icmp)
    if any(c.alive for c in others.ports) or (alive and not alike):
        return _rejected(case, refusal, icmp, [*evidence, *alive])
    if alike:
        ports = ", ".join(str(c.port) for c in alike)
        evidence.append(
            say("refused-alike", address=address, ports=ports, sender=icmp.sender or "something")
        )
    if others.ping_refused is not None:
        evidence.append(say("ping-refused", address=address, icmp=others.ping_refused.label))
    sure = bool(alike) or others.ping_refused is not None or refusal.port is None
    certain = sure and not alive
    return _worded(
        case,
        _cause(icmp),
        0.95 if certain else 0.75,
        refusal,
        icmp,
        [*evidence, *alive],
        rivals=() if certain else ("tcp.rejected-by-firewall",),
    )


def _told(refusal: Refusal, icmp: Icmp) -> str:
    """Who answered with which ICMP error, as far as that is known."""
    if icmp.sender is None:
        return say("icmp-from-somebody", icmp=icmp.label, error=refusal.error)
    if refusal.ms is None:
        return say("icmp-from-untimed", icmp=icmp.label, sender=icmp.sender, error=refusal.error)
    return say(
        "icmp-from",
        icmp=icmp.label,
        sender=icmp.sender,
        took=ms(refusal.ms),
        error=refusal.error,
    )


def _cause(icmp: Icmp) -> str:
    if icmp.prohibited:
        return "path.prohibited"
    return "path.network-unreachable" if icmp.network_unreachable else "path.host-unreachable"


def _rejected(case: Case, refusal: Refusal, icmp: Icmp, evidence: list[str]) -> Finding:
    variant = "target" if icmp.sender == refusal.address else "between"
    return _worded(case, "tcp.rejected-by-firewall", 0.96, refusal, icmp, evidence, variant=variant)


def _worded(
    case: Case,
    cause: str,
    confidence: float,
    refusal: Refusal,
    icmp: Icmp,
    evidence: Iterable[str],
    *,
    rivals: tuple[str, ...] = (),
    variant: str = "",
) -> Finding:
    route = case.want(RouteAsk(refusal.address))
    where = []
    if icmp.sender is not None and route is not None and route.gateway == icmp.sender:
        where.append(say("sender-is-gateway", sender=icmp.sender))
    elif icmp.sender == refusal.address:
        where.append(say("sender-is-target", sender=icmp.sender))
    return case.finding(
        cause,
        confidence,
        refusal.endpoint,
        evidence=[*evidence, *where],
        rivals=rivals,
        variant=variant if icmp.sender is not None else "",
        root=icmp.sender or refusal.address,
        address=refusal.address,
        port=refusal.port,
        endpoint=refusal.endpoint,
        sender=icmp.sender,
        router=icmp.sender,
        icmp=icmp.label,
        error=refusal.error,
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
    others = contrast(case, address, port, udp=True)
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
    noisy = firewall.too_noisy(case.known(LocalDropsAsk(address, port)))
    if noisy:
        evidence.append(say("counters-noisy"))
    if alive:
        return case.finding(
            "tcp.filtered",
            0.75 if noisy else 0.93,
            endpoint(address, port),
            evidence=[*evidence, *alive],
            rivals=("local.firewall", "tcp.backlog-full") if noisy else ("tcp.backlog-full",),
            address=address,
            port=port,
            endpoint=endpoint(address, port),
        )
    return nothing_answers(case, address, port, others, evidence)


def _first_hop_asks(address: IPAddress, gateway: IPAddress) -> tuple[PingAsk, ConnectAsk, UdpAsk]:
    """A ping of the gateway, a connection to it, and a datagram that has to end there."""
    return (
        PingAsk(gateway),
        ConnectAsk(gateway, _OTHER_PORTS[-1], _CONTRAST_S),
        UdpAsk(address, _HIGH_UDP_PORT, 1.2, ttl=1),
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
    if any(observation is not None and _shows_life(observation) for observation in seen):
        return True
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
    )
