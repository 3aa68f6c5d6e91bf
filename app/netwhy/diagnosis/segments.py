"""Do large packets vanish on the way where small ones pass?

Something stands still on an open connection.  The contrast is the same with small segments: a path
that loses large packets without a word (a router's "too big" never comes back) lets it through at
once.  A chance loss, or one hung server of several behind an address, could look alike: so the
large packets are tried a second time, and must fail a second time.  Where the kernel saw none
vanish (nothing came after them that could have arrived), the small ones must pass twice and the
large ones fail three times: no turn that servers take gives that pattern.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from netwhy.core.asks import Ask, ExchangeAsk, HttpAsk, LocalAsk, RouteAsk, TlsAsk
from netwhy.core.model import Finding, IPAddress, Severity
from netwhy.core.observations import TIMEOUT, Exchange, HttpExchange, TlsHandshake, endpoint
from netwhy.diagnosis.case import Case, ms, say

Seen = TlsHandshake | HttpExchange | Exchange
S = TypeVar("S", TlsHandshake, HttpExchange, Exchange)

#: What every IPv4 host must take (RFC 9293 §3.7.1); a path of IPv6 takes more (RFC 8200 §5).
SEGMENT = 536
#: How long a contrast may take: an answer that comes "at once" needs less.
_CONTRAST_S = 2.0
_AGAIN_S = 1.4
#: An answer over HTTP may take its time; without a lost packet that is waited for.
_SLOW_MS = 1900.0
#: One side may still find a smaller size by itself: then it works, badly.
_RECOVERED_MS = 3400.0
_SILENT_CAUSES = {
    "tls": "tls.handshake-silent",
    "http": "http.silent",
    "exchange": "exchange.silent",
}


def black_hole(case: Case, ask: TlsAsk | HttpAsk | ExchangeAsk, seen: Seen) -> Finding | None:
    """The finding, also while `seen` is only an early word; None: no sign of one, or not yet.

    A connection that came through in the end after such a silence gives a warning.
    """
    if not _suspect(case, ask, seen):
        return None
    small = case.want(_changed(ask, segment=SEGMENT, timeout_s=_brief(ask)))
    if small is None or not _passed(seen, small):
        return None
    attempts = [2] if seen.flow.lossy else [2, 3]
    if not seen.flow.lossy:
        twice = case.want(_changed(ask, segment=SEGMENT, timeout_s=_brief(ask), attempt=2))
        if twice is None or not _passed(seen, twice):
            return None
    again: list[Seen] = []
    for asked in [_changed(ask, timeout_s=_AGAIN_S, attempt=n) for n in attempts]:
        other = case.want(asked)
        if other is not None and _stalled(other):
            again.append(other)
    if len(again) < len(attempts):
        return None
    if seen.pending and seen.flow.silent_ms < _RECOVERED_MS:
        return None
    if _stands_still(seen):
        case.waive(ask)
        shown: Ask[Any] = ask
        case.hope(shown)  # not waited for any more, and still among the rows
    return _finding(case, seen, small, again[0])


def doubtful(case: Case, ask: TlsAsk | HttpAsk | ExchangeAsk, seen: Seen) -> bool:
    """Is the contrast to something that went through still to be seen?"""
    return not case.final and case.waiting and _suspect(case, ask, seen)


def answered_meanwhile(case: Case, ask: TlsAsk | HttpAsk | ExchangeAsk) -> list[str]:
    """Evidence beside a silence: another connection of this check was answered."""
    others = (
        _changed(ask, segment=SEGMENT, timeout_s=_brief(ask)),
        _changed(ask, timeout_s=_AGAIN_S, attempt=2),
    )
    seen = [case.known(other) for other in others]
    answered = [s for s in seen if s is not None and not s.pending and s.error is None]
    return [say("meanwhile-answered", took=ms(answered[0].ms))] if answered else []


def heard(seen: Seen) -> list[str]:
    """Evidence beside a silence: did what was sent arrive, by the kernel's acknowledgements?"""
    flow = seen.flow
    where = _where(seen)
    if flow.unheard:
        return [say("never-acknowledged", endpoint=where, count=flow.unacked, resends=flow.resends)]
    if flow.unacked == 0 and flow.sent:
        return [say("acknowledged", endpoint=where, count=flow.sent)]
    return []


def _brief(ask: TlsAsk | HttpAsk | ExchangeAsk) -> float:
    return min(ask.timeout_s or _CONTRAST_S, _CONTRAST_S)


def _changed(ask: Ask[Any], **changes: Any) -> Any:
    """The same question asked otherwise.  Whether the certificate is trusted is not the point."""
    if isinstance(ask, TlsAsk):
        changes["trust"] = False
    return replace(ask, **changes)  # type: ignore[type-var]


def _suspect(case: Case, ask: TlsAsk | HttpAsk | ExchangeAsk, seen: Seen) -> bool:
    """Is it worth another connection?"""
    if ask.segment is not None or seen.phase == "connect":
        return False
    route = case.known(RouteAsk(seen.address))
    if seen.address.is_loopback or (route is not None and route.local):
        return False  # nothing is on the way
    flow = seen.flow
    if flow.unheard and flow.sent <= SEGMENT and not flow.received:
        return False  # small packets vanish as well
    if not _stands_still(seen):
        return seen.error is None and flow.stalled and flow.lossy
    if seen.pending and isinstance(seen, HttpExchange):
        return flow.lossy or flow.silent_ms >= _SLOW_MS
    return True


def _stalled(seen: Seen) -> bool:
    """Did it stand still for a while, whatever came of it?"""
    return _stands_still(seen) or (seen.flow.stalled and seen.flow.lossy)


def _stands_still(seen: Seen) -> bool:
    if isinstance(seen, HttpExchange):
        return seen.silent
    if isinstance(seen, Exchange) and seen.matched:
        return seen.flow.unheard
    return seen.pending or seen.error == TIMEOUT


def _passed(seen: Seen, small: Seen) -> bool:
    """Did it come through with small segments, and was there a packet that they made smaller?"""
    if small.phase == "connect" or _stands_still(small) or small.pending:
        return False
    if isinstance(small, HttpExchange) and small.status is None:
        return False
    if isinstance(small, Exchange) and not small.matched:
        return False
    if not _stands_still(seen):  # it came through in the end: then the small ones come at once
        return not small.flow.stalled and max(small.flow.received, small.flow.sent) > SEGMENT
    out = seen.flow.unacked != 0 and seen.flow.sent > SEGMENT
    return out or small.flow.received - seen.flow.received > SEGMENT


def _finding(case: Case, seen: Seen, small: Seen, again: Seen) -> Finding:
    flow = seen.flow
    works = not _stands_still(seen)
    out = flow.unheard
    where = _where(seen)
    evidence = [
        say(
            "stood-still-then-went-on" if works else "stands-still",
            endpoint=where,
            received=flow.received,
            took=ms(flow.silent_ms),
        )
    ]
    if flow.holed:
        evidence.append(say("piece-missing", endpoint=where))
    if out:
        evidence += heard(seen)
    size = f"{SEGMENT}"
    evidence.append(
        say("small-packets-pass", size=size, received=small.flow.received, took=ms(small.ms))
    )
    evidence.append(say("large-packets-again", endpoint=where, took=ms(again.flow.silent_ms)))
    evidence += _path_mtu(case, seen)
    sure = flow.lossy and again.flow.lossy
    return case.finding(
        "path.mtu-blackhole",
        (0.85 if works else 0.97) if sure else 0.88,
        str(seen.address),
        severity=Severity.WARNING if works else Severity.FAILURE,
        evidence=evidence,
        rivals=() if sure else (_SILENT_CAUSES[seen.probe],),
        variant="slow" if works else "out" if out else "",
        address=seen.address,
        port=_port(seen),
        endpoint=where,
        gateway=_gateway(case, seen.address),
    )


def _path_mtu(case: Case, seen: Seen) -> list[str]:
    """What this machine's kernel believes of the path: has a router ever said "too big"?"""
    believed = seen.flow.path_mtu
    route, local = case.known(RouteAsk(seen.address)), case.known(LocalAsk())
    if believed is None or route is None or local is None:
        return []
    own = next((i.mtu for i in local.interfaces if i.name == route.interface), None)
    if own is not None and believed < own:
        return [say("path-mtu-learnt", address=seen.address, size=believed)]
    return [say("path-mtu-unchanged", address=seen.address, size=believed)]


def _gateway(case: Case, address: IPAddress) -> IPAddress | None:
    route = case.known(RouteAsk(address))
    return None if route is None else route.gateway


def _port(seen: Seen) -> int:
    return seen.url.port if isinstance(seen, HttpExchange) else seen.port


def _where(seen: Seen) -> str:
    return endpoint(seen.address, _port(seen))
