"""What is lost on a way that was sampled: loss, or a limit on packets that looks like it."""

from __future__ import annotations

from dataclasses import dataclass

from netwhy.core import stats
from netwhy.core.asks import ConnectAsk
from netwhy.core.model import IPAddress
from netwhy.core.observations import Connect, Series
from netwhy.diagnosis.case import Case
from netwhy.diagnosis.sampling import MORE_CONNECTS, SPREAD_SAMPLES, Way

_AT_ONCE_S = 0.008
#: With so many other targets at once a limit on new connections is met by this run itself.
_CROWD, _LATE = 4, 2
_PATTERN = 10  # fewer losses of so many packets would fit any limit
#: So many lost packets are hardly a chance.  Those of TCP alone may meet a limit of others.
_MANY, _TCP_ALONE = 5, 0.7


@dataclass(frozen=True, slots=True)
class Loss:
    """Packets, or the answers to them, get lost on the way.  Of pings and of SYNs: (lost, sent)."""

    pings: tuple[int, int]
    syns: tuple[int, int]
    resent: tuple[int, int]
    confidence: float

    @property
    def lost(self) -> int:
        return self.pings[0] + self.syns[0]

    @property
    def sent(self) -> int:
        return self.pings[1] + self.syns[1]

    @property
    def share(self) -> float:
        """Of the probes without an answer; where there are none, of the handshakes resent."""
        if self.sent:
            return self.lost / self.sent
        return self.resent[0] / self.resent[1]

    @property
    def interval(self) -> tuple[float, float]:
        return stats.interval(self.lost, self.sent) if self.sent else stats.interval(*self.resent)


def crowded(case: Case) -> bool:
    """Does this run connect to so many targets that it may meet a limit on new connections?"""
    others = case.others()
    return sum(any(isinstance(ask, ConnectAsk) for ask in o.facts) for o in others) >= _CROWD


def late_beside(case: Case, address: IPAddress) -> bool:
    """Did several other targets at that address open only when their SYN was sent again?"""
    if not crowded(case):
        return False
    seen = [fact for other in case.others() for fact in other.facts.values()]
    there = [c for c in seen if isinstance(c, Connect) and c.address == address]
    return len({c.port for c in there if c.open and c.resends}) >= _LATE


def loss(case: Case, way: Way) -> Loss | None:
    """What gets lost on the way, if that is proved; None also while it is not."""
    if not way.settled:
        return None
    pings, syns = _count(way.pings), _count(way.syns)
    resent = (way.resent, len(way.handshakes))
    confidence = _confidence(way, pings, syns, resent)
    if not pings[0] and crowded(case):
        return None
    return None if confidence is None else Loss(pings, syns, resent, confidence)


def _confidence(
    way: Way, pings: tuple[int, int], syns: tuple[int, int], resent: tuple[int, int]
) -> float | None:
    lossy = [kind for kind in (way.pings, way.syns) if _count(kind)[0]]
    if lossy and all(_metered(kind) for kind in lossy):
        return None
    if pings[0] + syns[0] >= _PATTERN and _metered((*way.pings, *way.syns)):
        return None  # one limit for both kinds
    if pings[1] and syns[1]:
        # Each kind has limits of its own: what loses both is the way that they share.
        if not pings[0]:
            return _TCP_ALONE if resent[0] and syns[0] >= _MANY else None
        if pings[0] < 2 or syns[0] + resent[0] < 1:
            return None
        return 0.95 if pings[0] + syns[0] >= _MANY and syns[0] >= 2 else 0.8
    if pings[1]:
        return 0.75 if pings[0] >= 3 and resent[0] else None
    if syns[1]:
        if syns[0] + resent[0] < 3:
            return None
        return 0.85 if syns[0] >= _MANY else 0.75
    # Handshakes alone: a full queue of the service and a limit look much alike.
    return 0.6 if 2 <= resent[0] < resent[1] >= MORE_CONNECTS else None


def _count(series: tuple[Series, ...]) -> tuple[int, int]:
    return sum(s.lost for s in series), sum(s.sent for s in series)


def _metered(series: tuple[Series, ...]) -> bool:
    """Would a limit leave these?  Other packets use it up too, those of the quick series above all:
    so the one at intervals may also fit alone."""
    spread = tuple(s for s in series if s.sent >= SPREAD_SAMPLES)
    return any(stats.metered(_in_order(some)) for some in dict.fromkeys((series, spread)))


def _in_order(series: tuple[Series, ...]) -> tuple[tuple[float, bool], ...]:
    """The shots of several series.  Of those sent almost at once it is not known which one came
    first: then the one that passed."""
    shots = sorted((shot.at_s, shot.answered) for s in series for shot in s.shots)
    told: list[tuple[float, bool]] = []
    began = 0.0
    for at, passed in shots:
        began = at if at - began > _AT_ONCE_S else began
        told.append((began, passed))
    return tuple(sorted(told, key=lambda shot: (shot[0], not shot[1])))
