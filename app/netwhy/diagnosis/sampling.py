"""How well packets get to an address and back: what is sampled, and what it proves.

First a few packets: pings where they are answered, else SYNs to a port that is closed there.  Only
where those, or a handshake, give reason to doubt are more sent, further apart, both kinds at once.
Hosts and firewalls that are in order limit pings, resets and new connections; so loss must be seen
by TCP too, and must not be what a limit on packets a second lets through.  The port of the target
itself gets at most three more connects, and only where nothing else of the host can tell.  While
the layers above still connect no SYN is sent: it might take the place of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from netwhy.core.asks import (
    Ask,
    ConnectAsk,
    ExchangeAsk,
    HttpAsk,
    LocalAsk,
    PingAsk,
    RouteAsk,
    SeriesAsk,
    SniffAsk,
    StrayAsk,
    TlsAsk,
)
from netwhy.core.model import IPAddress
from netwhy.core.observations import (
    TIMEOUT,
    Connect,
    Exchange,
    HttpExchange,
    Series,
    TlsHandshake,
)
from netwhy.diagnosis.case import Case
from netwhy.diagnosis.reach import timeout

#: Beyond this a reset may answer the SYN that the kernel sent again: SYNs cannot count loss.
_SYN_RTT_MS = 800.0
MORE_CONNECTS = 3
_RESEND_MS = 950.0
SPREAD_SAMPLES = 30  # a series of so many was sent at intervals
_FREE_FILES = 40  # a series holds up to fifteen sockets
_CONVERSATIONS = (TlsAsk, HttpAsk, ExchangeAsk, SniffAsk)
_WOBBLE = 0.2  # of the usual time: from there on it is worth a closer look


@dataclass(frozen=True, slots=True)
class Way:
    """What is known of the way to an address and back.

    `handshakes` are connects to open ports; `settled` False: more has been asked for.
    """

    address: IPAddress
    pings: tuple[Series, ...] = ()
    syns: tuple[Series, ...] = ()
    handshakes: tuple[Connect, ...] = ()
    settled: bool = False

    @property
    def closed_port(self) -> int | None:
        return self.syns[0].port if self.syns else None

    @property
    def resent(self) -> int:
        """How many handshakes needed their SYN more than once, and not for the length of the way:
        the kernel sends the next one after a second."""
        if min(self.rtts_ms, default=0.0) >= _RESEND_MS:
            return 0
        return sum(c.resends > 0 for c in self.handshakes)

    @property
    def rtts_ms(self) -> list[float]:
        """Round trips in order, of the longest series of the kind that times best."""
        kinds = [[s.rtts_ms for s in kind if s.rtts_ms] for kind in (self.pings, self.syns)]
        return next((max(series, key=len) for series in kinds if series), [])


def remote(case: Case, address: IPAddress) -> bool:
    """May the way be sampled: is there one, and has this process sockets to spare?"""
    local, route = case.known(LocalAsk()), case.known(RouteAsk(address))
    if local is None or route is None or route.error is not None:
        return False
    if route.local or address.is_loopback or local.owns(address):
        return False
    if local.files_limit is None or local.files_open is None:
        return True
    return local.files_limit - local.files_open >= _FREE_FILES


def undisturbed(case: Case) -> bool:
    """Has every conversation begun, or ended?  Then a SYN is in nobody's way."""
    asked = [ask for ask in (*case.wants, *case.hopes) if isinstance(ask, _CONVERSATIONS)]
    return all(ask in case.facts and not _connecting(case, ask) for ask in asked)


def _connecting(case: Case, ask: Ask[Any]) -> bool:
    seen = case.facts.get(ask)
    if not isinstance(seen, (TlsHandshake, HttpExchange, Exchange)):
        return False
    return seen.pending and seen.phase == "connect"


def sample(
    case: Case,
    address: IPAddress,
    *,
    handshakes: tuple[Connect, ...] = (),
    closed: int | None = None,
    port: int | None = None,
    doubt: bool = False,
) -> Way:
    """Ask for what is needed to know the way to `address`, and return what there is.

    `handshakes` are connects already made; `closed` is a port known to refuse; `port` is the
    target's own, which works.  `doubt`: something there is silent.
    """
    ping = case.known(PingAsk(address))
    # Of one that was sent again the figure may count from the first SYN: a lost answer is in it.
    rtts = [c.rtt_ms for c in handshakes if c.rtt_ms is not None and not c.resends]
    rtt_ms = rtts[0] if rtts else ping.rtt_ms or 0.0 if ping is not None else 0.0
    # A handshake that needed its SYN twice is worth waiting for what explains it.
    ask = case.want if doubt or any(c.resends for c in handshakes) else case.hope
    echoes = None
    if ping is None or ping.answered or ping.error == TIMEOUT:
        # Not only after a ping that came back: where much is lost, the first one is lost as well.
        echoes = ask(SeriesAsk(address, rtt_ms=rtt_ms))
    pinged = (ping is not None and ping.answered) or (echoes is not None and echoes.usable)
    if not undisturbed(case):
        return _with(Way(address, handshakes=handshakes), echoes)
    if closed is None and not pinged:
        stray = ask(StrayAsk(address, rtt_ms=rtt_ms))
        closed = stray.port if stray is not None and stray.closed else None
    syns = None
    if closed is not None and not pinged and rtt_ms < _SYN_RTT_MS:
        syns = ask(SeriesAsk(address, closed, rtt_ms=rtt_ms))
    quick = echoes if pinged else syns
    way = _with(Way(address, handshakes=handshakes), quick)
    if quick is None:
        return way if not way.resent or case.waiting else _more(case, way, closed, rtt_ms, port)
    if quick.pending:
        case.want(SeriesAsk(address, quick.port))
        return way
    if not (way.resent or quick.lost or wobbly(quick)):
        return _settled(way)
    return _more(case, way, closed, rtt_ms, port, pinged=pinged)


def _more(
    case: Case,
    way: Way,
    closed: int | None,
    rtt_ms: float,
    port: int | None,
    *,
    pinged: bool = False,
) -> Way:
    """There is a doubt: sample longer, by both kinds."""
    asks = [SeriesAsk(way.address, spread=True, rtt_ms=rtt_ms)] if pinged else []
    waiting = False
    if closed is None and rtt_ms < _SYN_RTT_MS:
        closed, waiting = _some_closed_port(case, way.address, rtt_ms)
    if closed is not None and rtt_ms < _SYN_RTT_MS:
        asks.append(SeriesAsk(way.address, closed, spread=True, rtt_ms=rtt_ms))
    found = [case.want(ask) for ask in asks]
    for series in found:
        way = _with(way, series)
    if waiting or any(series is None or series.pending for series in found):
        return way
    if not asks and way.resent and port is not None:
        return _handshakes(case, way, port)
    return _settled(way)


def _some_closed_port(case: Case, address: IPAddress, rtt_ms: float) -> tuple[int | None, bool]:
    """A port that refuses, though the first SYN to it may be lost; and whether to wait for one."""
    strays = [case.want(StrayAsk(address, 1, rtt_ms=rtt_ms))]
    if strays[0] is not None and strays[0].silent:
        strays += [case.want(StrayAsk(address, attempt, rtt_ms=rtt_ms)) for attempt in (2, 3)]
    port = next((s.port for s in strays if s is not None and s.closed), None)
    return port, port is None and None in strays


def _handshakes(case: Case, way: Way, port: int) -> Way:
    """Nothing but the target's own port answers: connect a few times more, one by one.

    Ends at the first that does not come about: whoever counts new connections is left in peace.
    """
    made = list(way.handshakes)
    for attempt in range(2, 2 + MORE_CONNECTS):
        again = case.want(ConnectAsk(way.address, port, timeout(case), attempt=attempt))
        if again is None or again.pending:
            return replace(way, handshakes=tuple(made))
        if not again.open:
            break
        made.append(again)
    return replace(way, handshakes=tuple(made), settled=True)


def _with(way: Way, series: Series | None) -> Way:
    if series is None or not series.usable:
        return way
    if series.port is None:
        return replace(way, pings=(*way.pings, series))
    return replace(way, syns=(*way.syns, series))


def _settled(way: Way) -> Way:
    return replace(way, settled=True)


def wobbly(series: Series) -> bool:
    """Do the round trips differ enough to look closer?  Packets that follow each other closely keep
    their order, so their steps are small even on a bad line: the range tells more, and it need not
    be as wide as what is claimed in the end."""
    rtts = sorted(series.rtts_ms)
    if len(rtts) < 8:
        return False
    low, high = rtts[len(rtts) // 10], rtts[-1 - len(rtts) // 10]
    return high - low > max(20.0, _WOBBLE * rtts[len(rtts) // 2])
