"""The pulse: repeats only what decided the last whole check of a target, for a monitor.

A whole check reads this machine, asks every layer and reasons about it; the next one a second later
nearly always tells the same.  A pulse makes the deciding exchange again, and nothing else.  It is
believed only where it comes to the same as the whole check did, on the same ground; otherwise, and
every now and then anyway, a whole check has to follow.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netwhy.core.asks import Ask, ConnectAsk, LocalAsk, ResolverConfigAsk
from netwhy.core.model import Target, TargetReport, Verdict
from netwhy.core.observations import Connect, Observation
from netwhy.core.record import same_news
from netwhy.diagnosis.likeness import alike, unusual
from netwhy.diagnosis.steady import Facts, Steady, renewed, same_ground, steady
from netwhy.runs import Runs
from netwhy.system.changes import Changes
from netwhy.system.clock import uptime

#: How long a whole check stands: of a target that works, and of one that does not, since another
#: cause may come to fail in the same way; the latter twice as long each time that it tells the same
#: again.  Spread, so that many targets do not come together.
WHOLE_S, WHOLE_FAILING_S = 60.0, 20.0
_SPREAD = 0.3
#: For so long, or the TTL where that is shorter, the addresses of a name are taken as they were;
#: the configuration of the resolvers is read as often.
NAME_S, _SHORTEST_S = 5.0, 1.0
#: A time out of the ordinary brings a whole check, but not more often than this.
UNUSUAL_S = 10.0
#: Changes of this machine are looked into at most so often; where the kernel tells of none, so
#: often in any case.
_MOMENT_S, _BLIND_S = 0.5, 2.0
_LISTEN_S = 0.05
#: What a whole check takes from others may be older than its start by this.
_SHARED_S = 0.5
_MOST = 4096  # targets remembered
#: So often a pulse looks what becomes of the open connection; the others, whether it opens.
LOOK_S = 5.0


@dataclass(slots=True)
class _Kept:
    """The last whole check of a target."""

    known: Steady
    stands: float  # for so many seconds, more or less
    due: float  # when it is too old
    ground: int  # the state of this machine that it stands on
    named: float  # when its name was looked up last
    calm: float  # when a time out of the ordinary may bring a whole check again
    asks: tuple[Ask[Any], ...]  # the exchanges
    glimpses: tuple[Ask[Any], ...]  # the same, without a look at what becomes of them
    looked: float  # when the former were made last


class Pulses:
    """The pulses of any number of targets.  `clock` is in seconds."""

    def __init__(self, runs: Runs, clock: Callable[[], float] = uptime) -> None:
        self._runs = runs
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._changes = Changes()
        self._ground = 0  # grows with each change of this machine
        self._moved = clock()
        self._stirred = False
        self._listen = 0.0  # when to listen again
        self._read: dict[Ask[Any], tuple[int, float, Observation | None]] = {}

    # ------------------------------------------------------------------------- the whole check

    def ground(self) -> int:
        """The state of this machine on which a check stands that begins now."""
        now = self._clock()
        if now >= self._listen:
            self._listen = now + _LISTEN_S
            self._stirred = self._changes.any() or self._stirred
        idle = now - self._moved
        blind = not self._changes.listening and idle >= _BLIND_S
        if blind or (self._stirred and idle >= _MOMENT_S):
            self._stirred = False
            self._moved = now
            self._ground += 1
        return self._ground

    def begins(self) -> int:
        """As `ground`; what a check shares with others may have been read just before a change."""
        ground = self.ground()
        recent = self._stirred or self._clock() - self._moved < _SHARED_S
        return ground - 1 if recent else ground

    def keep(self, report: TargetReport, facts: Facts, ground: int) -> None:
        """Remember a whole check that began on this ground; `facts` are those that it used."""
        text, now = report.target.text, self._clock()
        before = self._kept.pop(text, None)
        known = steady(report, facts)
        if known is None:
            return
        stands = _lasts(report, before)
        due = now + stands * random.uniform(1 - _SPREAD, 1 + _SPREAD)
        asks = tuple(ask for ask, _was, _place in known.exchanges)
        glimpses = tuple(_glimpse(ask, was) for ask, was, _place in known.exchanges)
        calm = before.calm if before else 0.0
        self._kept[text] = _Kept(known, stands, due, ground, now, calm, asks, glimpses, now)
        if len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]

    def forget(self) -> None:
        """Let every target be checked as a whole next time."""
        self._kept.clear()
        self._read.clear()

    # ------------------------------------------------------------------------------- the pulse

    async def pulse(self, target: Target) -> TargetReport | None:
        """The last report with what was measured again; None: only a whole check can tell."""
        kept = self._kept.get(target.text)
        if kept is None or kept.known.report.target != target or self._clock() >= kept.due:
            return None
        began = time.perf_counter()
        again = await self._repeated(kept) if await self._stands(kept) else None
        if again is None or not self._as_ever(kept, again):
            self._runs.distrust(began)  # what is different now must not be told by an old answer
            return None
        return renewed(kept.known, again)

    def _as_ever(self, kept: _Kept, again: Sequence[Observation]) -> bool:
        """Did every exchange come to the same, and in about the usual time?"""
        before = [was for _ask, was, _place in kept.known.exchanges]
        if not all(map(alike, before, again)):
            return False
        warned = kept.known.report.verdict is Verdict.DEGRADED
        odd = any(unusual(was, now, warned=warned) for was, now in zip(before, again, strict=True))
        now = self._clock()
        if not odd or now < kept.calm:
            return True
        kept.calm = now + UNUSUAL_S
        return False

    async def _repeated(self, kept: _Kept) -> Sequence[Observation] | None:
        """The look-up where it is due, then the exchanges; None where the name has changed."""
        known, now = kept.known, self._clock()
        lasts = NAME_S if known.ttl_s is None else max(_SHORTEST_S, min(NAME_S, known.ttl_s))
        if known.lookup is not None and (not known.exchanges or now - kept.named >= lasts):
            ask, was = known.lookup
            kept.named = now
            seen = await self._runs.once(ask)
            if seen is None or not alike(was, seen) or unusual(was, seen, warned=False):
                return None
        asks = kept.glimpses
        if now - kept.looked >= LOOK_S:
            asks, kept.looked = kept.asks, now
        if len(asks) == 1:
            return (await self._runs.anew(asks[0]),)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._runs.anew(ask)) for ask in asks]
        return tuple(task.result() for task in tasks)

    async def _stands(self, kept: _Kept) -> bool:
        """Is this machine as it was?  Read again only where it may have changed."""
        ground, known = self.ground(), kept.known
        resolvers = [ask for ask in known.ground if isinstance(ask, ResolverConfigAsk)]
        asks = [*known.ground] if kept.ground != ground else resolvers
        for ask in asks:
            if not same_ground(known.ground[ask], await self._as_it_is(ask, ground), known):
                return False
        kept.ground = ground
        return True

    async def _as_it_is(self, ask: Ask[Any], ground: int) -> Observation | None:
        """This machine, read once for all targets while nothing moves."""
        now = self._clock()
        read, when, seen = self._read.get(ask, (-1, 0.0, None))
        if read == ground and now - when < NAME_S:
            return seen
        seen = await self._runs.anew(ask)
        if isinstance(ask, (LocalAsk, ResolverConfigAsk)):  # the others are of one target each
            self._read[ask] = (ground, now, seen)
        return seen


def _lasts(report: TargetReport, before: _Kept | None) -> float:
    """For how many seconds a whole check stands, more or less."""
    if report.verdict is not Verdict.FAILING:
        return WHOLE_S
    if before is None or not same_news(before.known.report, report):
        return WHOLE_FAILING_S
    return min(2 * before.stands, WHOLE_S)


def _glimpse(ask: Ask[Any], was: Observation) -> Ask[Any]:
    """What the peer does with an open connection need not be seen each time, if it does nothing."""
    if not (isinstance(ask, ConnectAsk) and isinstance(was, Connect) and was.open):
        return ask
    return ask if was.ended or was.greeting else replace(ask, glimpse=True)
