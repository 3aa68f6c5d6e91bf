"""A histogram of text: how many checks took how long.  Pure, like the chart."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from netwhy.core.charts import AXIS, LEAST, LOG_RATIO, Line, axis_time, rounded, time_of
from netwhy.core.stats import Sample


def histogram(
    samples: Sequence[Sample], width: int, most: int, *, ascii_only: bool = False
) -> list[Line]:
    """How many checks took how long: a line for each span of time, the fastest first.

    At most `most` lines; spans have round ends, and are equal by ratio where the times differ by
    LOG_RATIO.  The end of a span belongs to the next, if there is one.  A span with any check in it
    has some bar.
    Empty where there is no room or no time to draw.
    """
    times = [ms for ms in map(time_of, samples) if ms is not None]
    room = width - 2 * AXIS - len(str(len(times))) - 2
    if room < 4 or most < 1 or not times:
        return []
    ends = _ends(times, most)
    counts = [0] * (len(ends) - 1)
    for ms in times:
        counts[min(len(counts), max(1, bisect_right(ends, ms))) - 1] += 1
    dash = "-" if ascii_only else "–"
    lines: list[Line] = []
    for (low, high), count in zip(pairwise(ends), counts, strict=True):
        span = f"{axis_time(low):>{AXIS - 2}} {dash} {axis_time(high):<{AXIS - 2}} "
        told = f"{_bar(count / max(counts), room, ascii_only)} {count or ''}"
        lines.append(((span, "muted"), (f"{told:<{width - len(span)}}", "")))
    return lines


def _ends(times: Sequence[float], most: int) -> list[float]:
    """The round ends of at most so many spans, of which the first and the last hold some time."""
    low, high = max(LEAST, min(times)), max(LEAST, *times)
    if high / low > LOG_RATIO:
        first = math.floor(math.log10(low) + 1e-9)
        last = max(first + 1, math.ceil(math.log10(high) - 1e-9))
        fine = [10.0**power * digit for power in range(first, last) for digit in (1, 2, 5)]
        fine = [*fine, 10.0**last]
        start = max(n for n, end in enumerate(fine) if end <= low * (1 + 1e-9) or n == 0)
        stop = min(n for n, end in enumerate(fine) if end >= high * (1 - 1e-9))
        fine = fine[start : stop + 1]
        each = math.ceil((len(fine) - 1) / most)
        return [*fine[:-1:each], fine[-1]]
    low = min(times)
    # Of equal times the span is still told apart by its ends.
    step = rounded(max(high - low, high / 5) / most, up=True)
    while _spanned(low, high, step) > most:
        step = rounded(step * 1.5, up=True)
    first = math.floor(low / step + 1e-9)
    return [step * (first + n) for n in range(_spanned(low, max(times), step) + 1)]


def _spanned(low: float, high: float, step: float) -> int:
    """How many spans of this length, with round ends, reach from one time to the other."""
    return max(1, math.ceil(high / step - 1e-9) - math.floor(low / step + 1e-9))


def _bar(share: float, room: int, ascii_only: bool) -> str:
    if share <= 0:
        return ""
    if ascii_only:
        return "#" * max(1, round(share * room))
    eighths = max(1, round(share * room * 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + " ▏▎▍▌▋▊▉"[rest].strip()
