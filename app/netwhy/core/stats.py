"""Small statistics: over the last checks of a target with the strip that draws them, and over a
series of probes.

A sample is one check.  What was not measured is None and never zero; a check that answered late
is not a lost one; a time in which nothing was checked is a gap and counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise


class Tried(StrEnum):
    """How one check of the strip ended."""

    ANSWERED = "answered"
    REFUSED = "refused"  # it failed by an answer: a refusal, a router's error, a wrong reply
    LOST = "lost"  # it failed because no answer came at all
    BARRED = "barred"  # it failed before anything was sent to the target: no name, no route
    UNKNOWN = "unknown"  # it could not be told
    GAP = "gap"  # nothing was checked: paused, asleep


#: The ends that are failures.
FAILED = frozenset((Tried.REFUSED, Tried.LOST, Tried.BARRED))


@dataclass(frozen=True, slots=True)
class Sample:
    """One check.  `rtt_ms` is None where nothing was measured, also for an answered check."""

    tried: Tried
    rtt_ms: float | None = None


GAP = Sample(Tried.GAP)
REFUSED = Sample(Tried.REFUSED)
LOST = Sample(Tried.LOST)
BARRED = Sample(Tried.BARRED)
UNKNOWN = Sample(Tried.UNKNOWN)


def answered(rtt_ms: float | None) -> Sample:
    """An answered check; a time that is no time (negative, NaN, infinite) is not measured."""
    if rtt_ms is None or not math.isfinite(rtt_ms) or rtt_ms < 0:
        return Sample(Tried.ANSWERED)
    return Sample(Tried.ANSWERED, rtt_ms)


def loss(samples: Iterable[Sample]) -> float | None:
    """The share of checks that got no answer, 0…1, of those that asked; None where none did.

    A refusal is an answer: a port that nobody serves loses nothing.
    """
    ends = [sample.tried for sample in samples]
    lost = ends.count(Tried.LOST)
    asked = lost + ends.count(Tried.ANSWERED) + ends.count(Tried.REFUSED)
    return lost / asked if asked else None


def times(samples: Iterable[Sample]) -> list[float]:
    """The measured round trips in milliseconds, in order."""
    return [s.rtt_ms for s in samples if s.tried is Tried.ANSWERED and s.rtt_ms is not None]


def last_time(samples: Sequence[Sample]) -> float | None:
    """The round trip of the newest check in ms; None if it was lost or had none."""
    for sample in reversed(samples):
        if sample.tried is not Tried.GAP:
            return sample.rtt_ms
    return None


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest-rank percentile (`share` 0.95 is p95); None where too few values carry it.

    A percentile needs at least one value beyond it: p95 of nineteen values would be their
    maximum under a better name, so it is None below twenty.  The median needs two.  It is the
    definition that NumPy calls `inverted_cdf` (Hyndman and Fan 1996, no. 1): always one of the
    values, never something between two of them.
    """
    count = len(values)
    if not 0 < share < 1 or count * (1 - share) < 1 - 1e-9:
        return None
    rank = math.ceil(share * count - 1e-9)
    return sorted(values)[rank - 1]


@dataclass(frozen=True, slots=True)
class Summary:
    """Many checks in a few numbers; times in ms, None where too few were measured for one.

    `made` are the checks without the gaps, `measured` those with a time.
    """

    made: int
    measured: int
    least: float | None
    median: float | None
    p95: float | None
    p99: float | None
    most: float | None
    loss: float | None


def summary(samples: Sequence[Sample]) -> Summary:
    """The numbers of a series of checks."""
    values = sorted(times(samples))
    return Summary(
        made=sum(sample.tried is not Tried.GAP for sample in samples),
        measured=len(values),
        least=values[0] if values else None,
        median=percentile(values, 0.5),
        p95=percentile(values, 0.95),
        p99=percentile(values, 0.99),
        most=values[-1] if values else None,
        loss=loss(samples),
    )


# ---------------------------------------------------------------------------------- the series

#: The two-sided 95 % point of the normal distribution.
_Z95 = 1.959964


def interval(lost: int, sent: int) -> tuple[float, float]:
    """The 95 % confidence interval of a share, 0…1 (Wilson's score interval, 1927).

    Honest for small numbers, unlike the usual formula: none lost of ten may still be a quarter.
    """
    if sent <= 0:
        return 0.0, 1.0
    share, square = lost / sent, _Z95 * _Z95
    centre = share + square / (2 * sent)
    spread = _Z95 * math.sqrt(share * (1 - share) / sent + square / (4 * sent * sent))
    scale = 1 + square / sent
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def steps(values: Sequence[float]) -> list[float]:
    """How far each value is from the one before, in the order in which they were measured."""
    return [abs(b - a) for a, b in pairwise(values)]


def jitter(values: Sequence[float]) -> float | None:
    """The mean step between successive values; None for fewer than two."""
    found = steps(values)
    return sum(found) / len(found) if found else None


#: Fewer make no pattern: any limiter would fit them.
_LOST_FOR_A_PATTERN = 3
#: Patterns remembered: each is looked at many times, and a monitor sees new ones for ever.
_REMEMBERED = 1024


@lru_cache(maxsize=_REMEMBERED)
def metered(shots: tuple[tuple[float, bool], ...]) -> bool:
    """Would a limit on packets a second let exactly these pass?  Pairs of (seconds, passed).

    A limiter holds tokens, gains them at a steady rate, and lets a packet pass for each.  It is
    looked for among rates from 0.05 to 60 a second; what random loss leaves mostly fits none, as
    long as the packets were sent at uneven intervals.  One packet in thirty may be off.  Others
    count: so many in each second or in any second, with or without those that did not pass.
    """
    first = next((i for i, (_at, passed) in enumerate(shots) if not passed), None)
    if first is None or sum(not passed for _at, passed in shots) < _LOST_FOR_A_PATTERN:
        return False
    many = sum(not passed for _at, passed in shots) >= len(shots) // 3
    may_miss = max(1, len(shots) // (20 if many else 30))  # what says more may be off by more
    start, blocked = shots[0][0], shots[first][0]
    after = sum(passed for _at, passed in shots[first:]) - 2 - may_miss
    slowest = after / max(shots[-1][0] - blocked, 1e-3)  # so many passed with tokens gained since
    for step in range(714):
        rate = 0.05 * 1.01**step
        if rate < slowest:
            continue
        # What it held at the start was enough for the first ones, and not for one more.
        most = first + 1 - (blocked - start) * rate
        for held in (most - eighth / 8 for eighth in range(8)):
            for room in {max(1.0, float(first)), 5.0}:
                if held >= 0 and _fits(shots, rate, held - 0.01, room, may_miss):
                    return True
    return _counted(shots, may_miss)


def _fits(
    shots: Sequence[tuple[float, bool]], rate: float, held: float, room: float, may_miss: int
) -> bool:
    """Does a limiter of this rate, which held so many tokens and has room for so many, agree?"""
    before = shots[0][0]
    for at, passed in shots:
        held = min(max(held, room), held + (at - before) * rate)
        before = at
        if (held >= 1.0) is not passed:
            may_miss -= 1
            if may_miss < 0:
                return False
        if passed or held >= 1.0:  # who took the token of one that should have passed: another
            held = max(0.0, held - 1.0)
    return True


#: Within what time a limit may count (s), and how many moments at which a fixed one may begin.
_WINDOW_S, _PHASES = 1.0, 20


def _counted(shots: Sequence[tuple[float, bool]], may_miss: int) -> bool:
    """Would a limit that counts packets within a second let exactly these pass?"""
    return any(
        _slides(shots, limit, may_miss, dropped_count=False)
        or _slides(shots, limit, may_miss, dropped_count=True)
        or any(_starts_anew(shots, limit, may_miss, phase / _PHASES) for phase in range(_PHASES))
        for limit in range(1, sum(passed for _at, passed in shots) + 1)
    )


def _slides(
    shots: Sequence[tuple[float, bool]], limit: int, may_miss: int, *, dropped_count: bool
) -> bool:
    """So many within any such time, counted back from each packet."""
    counted: list[float] = []
    for at, passed in shots:
        counted = [earlier for earlier in counted if at - earlier < _WINDOW_S]
        if (len(counted) < limit) is not passed:
            may_miss -= 1
            if may_miss < 0:
                return False
        if passed or dropped_count:
            counted.append(at)
    return True


def _starts_anew(
    shots: Sequence[tuple[float, bool]], limit: int, may_miss: int, phase: float
) -> bool:
    """So many in each such time, one after the other."""
    current, count = 0.0, 0
    for at, passed in shots:
        number = (at / _WINDOW_S - phase) // 1
        current, count = number, 0 if number != current else count
        if (count < limit) is not passed:
            may_miss -= 1
            if may_miss < 0:
                return False
        count += passed
    return True


# ----------------------------------------------------------------------------------- the strip

BARS = "▁▂▃▄▅▆▇█"
BARS_ASCII = "_.-~=+^#"


@dataclass(frozen=True, slots=True)
class StripMarks:
    """The characters of a strip, one cell each."""

    bars: str
    failed: str  # refused, lost or barred
    unknown: str
    gap: str
    unmeasured: str  # answered, without a time


MARKS = StripMarks(BARS, "✗", "?", " ", "•")
MARKS_ASCII = StripMarks(BARS_ASCII, "x", "?", " ", "o")

#: A bar is one step higher for each such factor over the best time of the strip: the eighth
#: stands for about thirteen times the best.
_STEP = math.log(1.45)
#: Added to both sides, so that 0.05 ms after 0.02 ms is not drawn as a disaster.
_GRAIN_MS = 1.0


def strip(samples: Sequence[Sample], width: int, marks: StripMarks = MARKS) -> str:
    """The newest `width` checks as one character each, newest last; shorter where fewer exist.

    Heights compare with the best time of what is drawn, by ratio: steady is flat at any speed.
    """
    shown = samples[-width:] if width > 0 else ()
    best = min(times(shown), default=0.0)
    return "".join(_mark(sample, best, marks) for sample in shown)


def _mark(sample: Sample, best: float, marks: StripMarks) -> str:
    if sample.tried in FAILED:
        return marks.failed
    if sample.tried is Tried.UNKNOWN:
        return marks.unknown
    if sample.tried is Tried.GAP:
        return marks.gap
    if sample.rtt_ms is None:
        return marks.unmeasured
    ratio = (sample.rtt_ms + _GRAIN_MS) / (best + _GRAIN_MS)
    level = int(math.log(ratio) / _STEP + 0.5)
    return marks.bars[max(0, min(len(marks.bars) - 1, level))]
