"""Did two looks at the same thing see the same, whatever time they took?

What is new each time (a date, a greeting, the query of a redirect) makes no difference; whatever
the diagnosis reasons from does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from netwhy.core.observations import (
    Connect,
    DnsAnswer,
    Exchange,
    HttpExchange,
    Observation,
    Ping,
    SystemLookup,
    TlsHandshake,
    UdpExchange,
    Url,
)

#: A time is out of the ordinary when it is so many times the usual one and so much more (ms).
_TIMES, _MORE_MS = 3.0, 50.0
#: Times that were taken beside the event loop may be late by what it had to do.
_MORE_AT_LOOP_MS = 200.0


def alike(was: Observation, now: Observation) -> bool:
    """Did the same thing happen, whatever time it took?"""
    shape = _SHAPES.get(type(was))
    return shape is not None and type(now) is type(was) and shape(was) == shape(now)


def _connect(seen: Connect) -> tuple[object, ...]:
    how = (seen.pending, bool(seen.resends), seen.resends_left, seen.queued, seen.self_connected)
    return seen.error, seen.icmp, seen.ended, *how


def _ping(seen: Ping) -> tuple[object, ...]:
    return seen.error, seen.icmp, seen.unavailable


def _udp(seen: UdpExchange) -> tuple[object, ...]:
    return seen.replied, seen.error, seen.icmp, seen.sent, seen.connected, seen.pending


def _dns(seen: DnsAnswer) -> tuple[object, ...]:
    flags = (seen.recursion_available, seen.truncated, seen.authoritative, seen.pending)
    # Not the addresses themselves, which may rotate, but whether they can be meant.
    kinds = frozenset((a.is_unspecified, a.is_loopback, a.is_private) for a in seen.addresses)
    said = (seen.rcode, bool(seen.records), kinds, seen.ede)
    return seen.error, seen.icmp, seen.stray, seen.tries, *said, *flags


def _lookup(seen: SystemLookup) -> tuple[object, ...]:
    return seen.error, frozenset(seen.addresses)


def _tls(seen: TlsHandshake) -> tuple[object, ...]:
    told = (seen.error, seen.phase, seen.verify, seen.verified, seen.alert_sent, seen.no_trust)
    made = (seen.version, seen.cipher, seen.chain, seen.asked_certificate, seen.not_tls)
    return *told, *made, seen.pending, seen.flow.stalled, seen.flow.lossy


def _http(seen: HttpExchange) -> tuple[object, ...]:
    told = (seen.error, seen.phase, seen.status, seen.reason, seen.untrusted, _place(seen.next))
    came = (seen.whole, seen.ended, seen.rule, bool(seen.body), bool(seen.head))
    via = (seen.header("server"), seen.header("via"), bool(seen.date))
    return *told, *came, *via, seen.pending, seen.flow.stalled, seen.flow.lossy


def _place(url: Url | None) -> object:
    """Where it leads; what follows the question mark may be new each time."""
    return None if url is None else (url.scheme, url.host, url.port, url.path.partition("?")[0])


def _exchange(seen: Exchange) -> tuple[object, ...]:
    came = (bool(seen.received), seen.sent == seen.to_send)
    return seen.error, seen.phase, seen.matched, *came, seen.pending, seen.flow.lossy


_SHAPES: dict[type[Observation], Callable[[Any], tuple[object, ...]]] = {
    Connect: _connect,
    Ping: _ping,
    UdpExchange: _udp,
    DnsAnswer: _dns,
    SystemLookup: _lookup,
    TlsHandshake: _tls,
    HttpExchange: _http,
    Exchange: _exchange,
}


def unusual(was: Observation, now: Observation, *, warned: bool) -> bool:
    """Did it take far longer than usual?  With `warned`, also far less: all may be well now."""
    for (before, room), (after, _room) in zip(_times(was), _times(now), strict=True):
        if before is None or after is None:
            continue
        if after > _TIMES * before + room or (warned and before > _TIMES * after + room):
            return True
    return False


def _times(seen: Observation) -> list[tuple[float | None, float]]:
    """The times that it took, each with what it may differ by."""
    if isinstance(seen, (Connect, Ping)):
        return [(seen.rtt_ms, _MORE_MS)]
    if isinstance(seen, HttpExchange):
        phases: Iterable[float | None] = (seen.first_byte_ms, seen.tls_ms, seen.body_ms)
    elif isinstance(seen, Exchange):
        phases = (seen.first_byte_ms, seen.tls_ms)
    elif isinstance(seen, (TlsHandshake, DnsAnswer, UdpExchange, SystemLookup)):
        phases = (seen.ms,)
    else:
        phases = ()
    rtt = [(seen.flow.rtt_ms, _MORE_MS)] if hasattr(seen, "flow") else []
    return [*rtt, *((phase, _MORE_AT_LOOP_MS) for phase in phases)]
