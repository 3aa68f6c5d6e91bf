"""Something on the way that accepts connections in the host's name, whatever the port."""

from __future__ import annotations

from netwhy.core.asks import PingAsk, RouteAsk, StrayAsk, UdpAsk
from netwhy.core.model import Finding, IPAddress, Severity
from netwhy.core.observations import Connect, Exchange, Stray, TlsHandshake, endpoint
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.sampling import Way, undisturbed
from netwhy.diagnosis.way import away

#: Where traceroute begins: nothing listens there, and a router tells that it ended the datagram.
_HIGH_UDP_PORT = 33_434
_HOPS = (1, 2, 3)
#: So much faster than the ping of the same host, and by so much, is no chance.
_FASTER, _FASTER_MS = 3.0, 2.0


def intercepted(case: Case, seen: Connect, way: Way) -> Finding | None:
    """Are ports open at which nothing can listen?  One may be a chance, or one of a range that the
    host serves; two that lie far from each other are neither.

    Whether the port that was asked for is really open is then not known, unless what answers there
    proves who it is, or the others are ended at once and this one is not.
    """
    address = seen.address
    rtt_ms = seen.rtt_ms or 0.0
    if not undisturbed(case):
        return None
    first = case.hope(StrayAsk(address, rtt_ms=rtt_ms))
    if first is None or not first.open:
        return None
    second = case.want(StrayAsk(address, low=True, rtt_ms=rtt_ms))
    if second is None or not second.open or second.port == first.port:
        return None
    evidence = [say("strays-open", address=address, ports=f"{first.port}, {second.port}")]
    nearer = _at_hop(case, address)
    faster = _faster(case, seen, way)
    if case.waiting:
        return None
    evidence += [line for line in (nearer, faster) if line]
    proved = _proves_itself(case, seen) or _outlives(seen, first, second)
    if proved:
        evidence.append(proved)
    return case.finding(
        "tcp.intercepted",
        0.97 if nearer else 0.95 if faster else 0.8,
        endpoint(address, seen.port),
        severity=Severity.NOTE if proved else Severity.WARNING,
        evidence=evidence,
        variant="served" if proved else "" if nearer or faster else "unsure",
        root=address,
        address=address,
        port=seen.port,
        endpoint=endpoint(address, seen.port),
        name=case.target.host if case.target.address is None else None,
    )


def _at_hop(case: Case, address: IPAddress) -> str:
    """A handshake that came about although its packets could not get beyond a router on the way."""
    route = case.known(RouteAsk(address))
    if route is None or route.gateway is None:
        return ""
    for hop in _HOPS:
        short: Stray | None = case.want(StrayAsk(address, 1, ttl=hop))
        ended = case.want(UdpAsk(address, _HIGH_UDP_PORT, 1.2, ttl=hop))
        if short is None or ended is None:
            return ""
        icmp = ended.icmp
        if icmp is None or not icmp.time_exceeded or icmp.sender in (None, address):
            return ""  # the target itself may be this near
        if short.open:
            return say("open-within", address=address, away=away(hop), router=icmp.sender)
    return ""


def _faster(case: Case, seen: Connect, way: Way) -> str:
    """Does the handshake take less time than the host is away?"""
    ping = case.known(PingAsk(seen.address))
    times = [rtt for series in way.pings for rtt in series.rtts_ms]
    if ping is not None and ping.rtt_ms is not None:
        times.append(ping.rtt_ms)
    if not times or seen.rtt_ms is None or len(times) < 5:
        return ""
    nearest = min(times)
    if nearest < _FASTER * seen.rtt_ms or nearest < seen.rtt_ms + _FASTER_MS:
        return ""
    where = endpoint(seen.address, seen.port)
    return say("handshake-too-fast", endpoint=where, rtt=ms(seen.rtt_ms), ping=ms(nearest))


def _proves_itself(case: Case, seen: Connect) -> str:
    """Did the far end show who it is: by a trusted certificate, or by the answer expected of it?"""
    for known in case.facts.values():
        if isinstance(known, TlsHandshake) and known.verified and _same(known, seen):
            return say("certificate-trusted-there", endpoint=endpoint(seen.address, seen.port))
        expected = isinstance(known, Exchange) and known.matched and case.target.options.expect
        if isinstance(known, Exchange) and expected and _same(known, seen):
            return say("answer-as-expected", endpoint=endpoint(seen.address, seen.port))
    return ""


def _outlives(seen: Connect, *strays: Stray) -> str:
    """Is the connection kept, while those to ports that nobody serves are ended at once?

    So does what answers for a host against floods, and asks the host only then.
    """
    if seen.ended is not None or any(stray.ended is None for stray in strays):
        return ""
    return say("strays-ended", endpoint=endpoint(seen.address, seen.port))


def _same(known: TlsHandshake | Exchange, seen: Connect) -> bool:
    return known.address == seen.address and known.port == seen.port
