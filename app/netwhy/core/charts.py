"""A chart of text: latency over checks as a line of dots.

Pure: samples in, lines out, each exactly as wide as asked, as many as asked.  A lost check is a
mark below the line and a hole in it, never a zero; a gap is a hole without a mark.  A line is
pieces of (text, role); roles are "", "muted", "degraded", "failing" and "unknown".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from netwhy.core.stats import FAILED, Sample, Tried

Line = tuple[tuple[str, str], ...]

#: From this ratio of the slowest to the fastest on, the scale is logarithmic.
LOG_RATIO = 30.0
#: Beyond it (ms, almost three hours) nothing is told apart, below it neither.
_MOST, LEAST = 1e7, 0.01
#: Bits of a braille cell, from the top: the left column, the right column (Unicode block 2800).
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_BRAILLE = 0x2800
AXIS = 10  # cells of the labels with their line: "0.025 ms ┤"
_NARROWEST, _LOWEST = AXIS + 4, 3


@dataclass(frozen=True, slots=True)
class _Scale:
    """From `low` to `high` ms, by ratio where `log`."""

    low: float
    high: float
    log: bool

    def level(self, ms: float, steps: int) -> int:
        """The step of a value, 0 at the bottom."""
        share = self.share(min(self.high, max(self.low, ms)))
        return min(steps - 1, max(0, round(share * (steps - 1))))

    def share(self, ms: float) -> float:
        """How high a value within the scale stands, 0…1."""
        if self.log:
            return math.log(ms / self.low) / math.log(self.high / self.low)
        return (ms - self.low) / (self.high - self.low)

    def value(self, share: float) -> float:
        """The value at a share of the height."""
        if self.log:
            return float(self.low * (self.high / self.low) ** share)
        return self.low + (self.high - self.low) * share


def chart(
    samples: Sequence[Sample],
    width: int,
    height: int,
    *,
    threshold_ms: float | None = None,
    ascii_only: bool = False,
) -> list[Line]:
    """Latency over checks, oldest left; the last line has the marks.

    More checks than there are dots share dots, which then reach from the fastest to the slowest of
    them.  The scale starts at zero, or is logarithmic where the times differ by LOG_RATIO.
    `threshold_ms` is drawn as a dashed line, if it is within the scale.  Blank lines where there
    is no room or no time at all to draw.
    """
    width, height = max(0, width), max(0, height)
    times = [ms for ms in map(time_of, samples) if ms is not None]
    if width < _NARROWEST or height < _LOWEST or not times:
        return [((" " * width, ""),) if width else ()] * height
    scale = _scale(times)
    columns, rows = width - AXIS, height - 1
    across, up = (1, 3) if ascii_only else (2, 4)
    groups = _grouped(samples, columns * across)
    spans = _spans(groups, scale, rows * up)
    cells = (_letters if ascii_only else _braille)(spans, columns, rows)
    limit = None
    if threshold_ms is not None and scale.low <= threshold_ms <= scale.high:
        limit = rows - 1 - scale.level(threshold_ms, rows * up) // up
    lines = []
    for number, row in enumerate(cells):
        body = row
        if number == limit:
            dash = "-" if ascii_only else "┄"
            body = "".join(dash if char == " " else char for char in row)
        lines.append((_label(scale, number, rows, ascii_only), (body, "")))
    return [*lines, _marks(groups, across, columns, ascii_only)]


def time_of(sample: Sample) -> float | None:
    """The time of an answered check that can be drawn."""
    ms = sample.rtt_ms
    if sample.tried is not Tried.ANSWERED or ms is None or not math.isfinite(ms) or ms < 0:
        return None
    return min(_MOST, ms)


def _scale(times: Sequence[float]) -> _Scale:
    low, high = max(LEAST, min(times)), max(LEAST, *times)
    if high / low > LOG_RATIO:
        return _Scale(rounded(low, up=False), rounded(high, up=True), log=True)
    return _Scale(0.0, rounded(high, up=True), log=False)


def rounded(ms: float, *, up: bool) -> float:
    """The next round number: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(ms))
    steps = [power * digit for digit in (1, 2, 5, 10)]
    if up:
        return next(step for step in steps if step >= ms * (1 - 1e-9))
    return next(step for step in reversed(steps) if step <= ms * (1 + 1e-9))


def _grouped(samples: Sequence[Sample], columns: int) -> list[Sequence[Sample]]:
    """The checks of each dot column, the newest at the right; empty ones at the left."""
    count = len(samples)
    if count <= columns:
        none: list[Sequence[Sample]] = [()] * (columns - count)
        return none + [(sample,) for sample in samples]
    ends = [at * count // columns for at in range(columns + 1)]
    return [samples[start:end] for start, end in pairwise(ends)]


def _spans(
    groups: Sequence[Sequence[Sample]], scale: _Scale, steps: int
) -> list[tuple[int, int] | None]:
    """From which to which step each column is drawn; it reaches out to meet the one before."""
    spans: list[tuple[int, int] | None] = []
    before: tuple[int, int] | None = None
    for group in groups:
        times = [ms for ms in map(time_of, group) if ms is not None]
        span = None
        if times:
            span = scale.level(min(times), steps), scale.level(max(times), steps)
        drawn = span
        if span is not None and before is not None:
            drawn = min(span[0], before[1] + 1), max(span[1], before[0] - 1)
        spans.append(drawn)
        before = span
    return spans


def _braille(spans: Sequence[tuple[int, int] | None], columns: int, rows: int) -> list[str]:
    cells = [[0] * columns for _ in range(rows)]
    for at, span in enumerate(spans):
        for level in range(span[0], span[1] + 1) if span else ():
            row, dot = divmod(rows * 4 - 1 - level, 4)
            cells[row][at // 2] |= _DOTS[at % 2][dot]
    return ["".join(chr(_BRAILLE + bits) if bits else " " for bits in row) for row in cells]


def _letters(spans: Sequence[tuple[int, int] | None], columns: int, rows: int) -> list[str]:
    cells = [[" "] * columns for _ in range(rows)]
    for at, span in enumerate(spans):
        for level in range(span[0], span[1] + 1) if span else ():
            row, third = divmod(rows * 3 - 1 - level, 3)
            cells[row][at] = "'-."[third] if cells[row][at] == " " else "|"
    return ["".join(row) for row in cells]


def _label(scale: _Scale, number: int, rows: int, ascii_only: bool) -> tuple[str, str]:
    """The label of one row of the axis: at the top, at the bottom and in the middle."""
    tick, line = ("+", "|") if ascii_only else ("┤", "│")
    shown = {0, rows - 1} | ({(rows - 1) // 2} if rows >= 5 and rows % 2 else set())
    if number not in shown:
        return " " * (AXIS - 1) + line, "muted"
    value = scale.value(1 - number / (rows - 1)) if rows > 1 else scale.high
    return f"{axis_time(value):>{AXIS - 2}} {tick}", "muted"


def axis_time(ms: float) -> str:
    """A time in at most eight characters: `0`, `0.025 ms`, `12.5 ms`, `250 ms`, `1.5 s`."""
    if ms <= 0:
        return "0"
    if ms >= 999.5:
        return f"{ms / 1000:.3g} s" if ms < 999_500 else f"{ms / 1000:.0f} s"
    return f"{ms:.3g} ms" if ms >= 1 else f"{ms:.2g} ms"


def _marks(groups: Sequence[Sequence[Sample]], across: int, columns: int, ascii_only: bool) -> Line:
    """The bottom line: failed checks, checks that could not tell, and nothing for gaps."""
    pieces = [(" " * (AXIS - 1) + ("+" if ascii_only else "└"), "muted")]
    for at in range(columns):
        tried = {s.tried for group in groups[at * across : (at + 1) * across] for s in group}
        if tried & FAILED:
            piece = ("x" if ascii_only else "✗", "failing")
        elif Tried.UNKNOWN in tried:
            piece = ("?", "unknown")
        elif Tried.ANSWERED in tried:
            piece = ("-" if ascii_only else "─", "muted")
        else:
            piece = (" ", "muted")
        if piece[1] == pieces[-1][1]:
            piece = (pieces.pop()[0] + piece[0], piece[1])
        pieces.append(piece)
    return tuple(pieces)
