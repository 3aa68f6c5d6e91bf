"""Small statistics over the last checks of a target, and the strip that draws them.

A sample is one check.  What was not measured is None and never zero; a check that answered late
is not a lost one; a time in which nothing was checked is a gap and counts for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


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
    lost = asked = 0
    for sample in samples:
        if sample.tried in (Tried.ANSWERED, Tried.REFUSED, Tried.LOST):
            asked += 1
            lost += sample.tried is Tried.LOST
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
    maximum under a better name, so it is None below twenty.  The median needs two.
    """
    count = len(values)
    if not 0 < share < 1 or count * (1 - share) < 1 - 1e-9:
        return None
    rank = math.ceil(share * count - 1e-9)
    return sorted(values)[rank - 1]


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
