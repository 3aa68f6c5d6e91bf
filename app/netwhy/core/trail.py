"""The long memory of one target: how its last checks ended, in four bytes each.

What the strip needs is kept as samples; this is for the chart, which nobody looks at most of the
time: freezing it copies a few bytes, and only who shows it reads it.
"""

from __future__ import annotations

from array import array
from functools import lru_cache

from netwhy.core.stats import Sample, Tried, answered

KEPT = 600  # checks
_NONE = -9.0  # no check

#: A time is itself; what has none is a number below zero.
_CODES = {
    Tried.LOST: -1.0,
    Tried.REFUSED: -2.0,
    Tried.BARRED: -3.0,
    Tried.UNKNOWN: -4.0,
    Tried.GAP: -5.0,
    Tried.ANSWERED: -6.0,  # without a time
}
_SAMPLES = {code: Sample(tried) for tried, code in _CODES.items()}


class Trail:
    """Takes one sample for each check and forgets the oldest; its size is always the same.

    What grew a little with each check would leave holes everywhere in the memory.
    """

    __slots__ = ("_at", "_past")

    def __init__(self) -> None:
        self._past = array("f", (_NONE,)) * KEPT
        self._at = 0  # of the oldest

    def add(self, sample: Sample, count: int = 1) -> None:
        """Note how a check ended; `count` times, for checks that were not made."""
        code = sample.rtt_ms if sample.rtt_ms is not None else _CODES[sample.tried]
        for _ in range(min(count, KEPT)):
            self._past[self._at] = code
            self._at = (self._at + 1) % KEPT

    def frozen(self) -> bytes:
        """The last KEPT checks, for `samples`."""
        return (self._past[self._at :] + self._past[: self._at]).tobytes()


@lru_cache(maxsize=4)  # one panel asks more than once, and for each of its widths
def samples(trail: bytes) -> tuple[Sample, ...]:
    """What a frozen trail holds, oldest first; times have single precision."""
    past = array("f")
    past.frombytes(trail)
    return tuple(_SAMPLES.get(code) or answered(code) for code in past if code != _NONE)
