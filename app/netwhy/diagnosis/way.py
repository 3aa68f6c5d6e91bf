"""Where packets to a host end, as a trace shows it, beside the trace of something that answers.

A trace shows how far packets get, never who dropped them: the last router that answered may have
done it, or the next one, or the host.  Only what answers beyond it tells these apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netwhy.core.asks import ConnectAsk, PingAsk, RouteAsk, TraceAsk, UdpAsk
from netwhy.core.model import IPAddress
from netwhy.core.observations import Hop, Trace, endpoint
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.contrast import CONTRAST_S, HIGH_UDP_PORT, from_itself, other_ports

_SSH = 22


@dataclass(frozen=True, slots=True)
class Ending:
    """Where the packets to a port end.

    `router` is the last one that answered, `next` the one behind it, known from packets that got
    farther; `before_host` says that those packets met at least one more router, or met none.
    None: not known.
    """

    evidence: tuple[str, ...] = ()
    router: IPAddress | None = None
    hops: int | None = None
    next: IPAddress | None = None
    before_host: bool | None = None


def ask_for(case: Case, address: IPAddress, port: int | None, transport: str = "tcp") -> TraceAsk:
    """The trace of a target's own packets; of a host without a port by ping, else by UDP."""
    if port is not None:
        return TraceAsk(address, port, transport)
    ping = case.known(PingAsk(address))
    if ping is None or ping.unavailable:
        return TraceAsk(address, HIGH_UDP_PORT, "udp")
    return TraceAsk(address, None, "icmp")


def hoped(case: Case, ask: TraceAsk) -> Trace | None:
    """The trace if it is done; on the own link there is no way to follow."""
    if not _leads_away(case, ask.address):
        return None
    seen = case.hope(ask)
    return seen if seen is not None and not seen.pending else None


def known(case: Case, address: IPAddress, port: int | None) -> Trace | None:
    """A trace of the target's own packets that was made anyway; asks for nothing."""
    for ask in case.facts:
        if isinstance(ask, TraceAsk) and ask.address == address and (
            ask.port == port or port is None
        ):  # fmt: skip
            seen = case.known(ask)
            if seen is not None and not seen.pending:
                return seen
    return None


def _leads_away(case: Case, address: IPAddress) -> bool:
    """Is there a router on the way?  A link without a gateway may still be a tunnel."""
    route = case.known(RouteAsk(address))
    if route is None or route.local or route.error is not None:
        return False
    if route.gateway is not None:
        return True
    entry = route_layer.neighbour(case, route)
    return entry is not None and entry.state == "NOARP"


def contrasted(case: Case, address: IPAddress, port: int | None) -> Trace | None:
    """The way to the same host of packets that it answers; None while there is none."""
    ask = next((a for a in _answered(case, address, port) if case.known(a) is not None), None)
    ask = ask or next(iter(_answered(case, address, port)), None)
    seen = hoped(case, ask) if ask is not None else None
    return seen if seen is not None and seen.reached is not None else None


def _answered(case: Case, address: IPAddress, port: int | None) -> Iterable[TraceAsk]:
    """What the host is known to answer, the least intrusive first: it will be sent again.

    Of an open port as few connections are made as can be, and a login service is the last resort.
    """
    ping = case.known(PingAsk(address))
    if ping is not None and ping.answered:
        yield TraceAsk(address, None, "icmp")
    datagram = case.known(UdpAsk(address, HIGH_UDP_PORT, 1.2))
    if datagram is not None and from_itself(datagram):
        yield TraceAsk(address, HIGH_UDP_PORT, "udp")
    ports = [case.known(ConnectAsk(address, p, CONTRAST_S)) for p in other_ports(port)]
    answers = [c for c in ports if c is not None and c.alive]
    for seen in sorted(answers, key=lambda c: (c.open, c.port == _SSH)):
        yield TraceAsk(address, seen.port, "tcp", ahead=1 if seen.open else 5)


def away(hops: int) -> str:
    """A distance in words."""
    return "1 hop" if hops == 1 else f"{hops} hops"


def ending(trace: Trace | None, other: Trace | None = None) -> Ending:
    """Where the packets of a silent port end, in words; `other` is what the host answers."""
    if trace is None or trace.reached is not None:
        return Ending()
    where = endpoint(trace.address, trace.port)
    last = trace.last
    if last is None or last.address is None:
        return Ending((say("way-hidden", endpoint=where),) if trace.hops else ())
    router, hops = last.address, last.ttl
    if other is None or other.reached is None or other.reached <= hops:
        told = say("way-ends", endpoint=where, router=router, away=away(hops))
        return Ending((told,), router, hops)
    if other.reached == hops + 1:
        told = say("way-ends-at-host", endpoint=where, router=router, address=trace.address)
        return Ending((told,), router, hops, trace.address, before_host=False)
    beyond = _next(other, hops)
    said = say("way-ends", endpoint=where, router=router, away=away(hops))
    if beyond is None or beyond.address is None:
        farther = say("way-farther", address=trace.address, away=away(other.reached),
                      others=_named(other))  # fmt: skip
        return Ending((said, farther), router, hops)
    passed = say("way-passed", next=beyond.address, away=away(beyond.ttl), others=_named(other))
    adjacent = beyond.address if beyond.ttl == hops + 1 else None
    return Ending((said, passed), router, hops, adjacent, before_host=True)


def _next(other: Trace, hops: int) -> Hop | None:
    """The first router beyond a distance."""
    return next((hop for hop in other.routers if hop.ttl > hops), None)


def _named(other: Trace) -> str:
    """What kind of packets a trace was made of."""
    if other.transport == "icmp":
        return "pings"
    return f"{other.transport.upper()} packets to port {other.port}"


def circle_in_words(trace: Trace) -> str:
    """The routers of a circle: `A and B`, `A, B and a router that tells nothing of itself`."""
    known = [str(router) for router in trace.circle if router is not None]
    hidden = len(trace.circle) - len(known)
    if hidden:
        unnamed = "a router" if hidden == 1 else f"{hidden} routers"
        known.append(f"{unnamed} without an answer")
    return f"{', '.join(known[:-1])} and {known[-1]}"
