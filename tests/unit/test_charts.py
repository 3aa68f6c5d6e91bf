"""Charts as text: what they draw of known series, and that nothing breaks their frame."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.charts import Line, axis_time, chart
from netwhy.core.histogram import histogram
from netwhy.core.stats import BARRED, FAILED, GAP, LOST, REFUSED, UNKNOWN, Sample, Tried, answered


def drawn(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def at(*values: float) -> list[Sample]:
    return [answered(value) for value in values]


RISING = at(1, 2, 3, 4, 5, 6, 7, 8)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        # Levels by hand, of 0…15 for 0…10 ms: 2 3 4 6 8 9 10 12, each joined to the one before.
        (RISING, ["   10 ms ┤   ⢀", "         │  ⡠⠊", "         │ ⡰⠁ ", "       0 ┤⠊   "]),
        # Flat at any speed: the scale begins at zero.
        (
            at(*[250.0] * 8),
            ["  500 ms ┤    ", "         │⣀⣀⣀⣀", "         │    ", "       0 ┤    "],
        ),
        # The lost checks are holes in the line, and it is not drawn across them.
        (
            [*at(5, 5, 5, 5), LOST, LOST, *at(5, 5)],
            ["    5 ms ┤⠉⠉ ⠉", "         │    ", "         │    ", "       0 ┤    "],
        ),
        # One value is one dot.
        (at(5), ["    5 ms ┤   ⠈", "         │    ", "         │    ", "       0 ┤    "]),
        # More than thirtyfold: from 1 ms to 1 s by ratio; 32 ms is half way.
        (
            at(*[1] * 2, *[32] * 4, *[1000] * 2),
            ["     1 s ┤   ⡏", "         │ ⣀⣀⠇", "         │ ⡇  ", "    1 ms ┤⣀⠇  "],
        ),
    ],
)
def test_the_line(samples: list[Sample], expected: list[str]) -> None:
    lines = drawn(chart(samples, 14, 5))[:-1]
    assert [line[-4:] for line in lines] == [line[-4:] for line in expected]
    assert lines[-1] == expected[-1]


@pytest.mark.parametrize(
    ("samples", "marks"),
    [
        ([*at(5, 5), LOST, LOST, *at(5, 5, 5, 5)], "─✗──"),
        ([*at(5, 5), REFUSED, answered(5.0), BARRED, UNKNOWN, *at(5, 5)], "─✗✗─"),
        ([*at(5, 5), GAP, GAP, *at(5, 5), UNKNOWN, answered(5.0)], "─ ─?"),
        ([*at(5, 5), answered(None), answered(None), *at(5, 5), GAP, LOST], "───✗"),
        (at(5, 5), "   ─"),  # what was not yet checked is no gap in anything
    ],
)
def test_marks_below_the_line(samples: list[Sample], marks: str) -> None:
    line = chart(samples, 14, 4)[-1]
    assert "".join(text for text, _ in line) == "         └" + marks
    roles = {char: role for text, role in line for char in text}
    assert roles.get("✗", "failing") == "failing"


def test_the_scale_is_by_ratio_only_where_the_range_asks_for_it() -> None:
    assert drawn(chart(at(1, 30), 20, 4))[2].lstrip().startswith("0 ┤")
    assert drawn(chart(at(1, 31), 20, 4))[2].lstrip().startswith("1 ms ┤")


def test_many_checks_share_dots_and_a_single_spike_stays_visible() -> None:
    samples = [answered(10.0)] * 600
    samples[333] = answered(90.0)
    lines = drawn(chart(samples, 50, 6))
    assert any("⢰" in line or "⡆" in line or "⢸" in line or "⡇" in line for line in lines[:2])
    samples[333] = LOST
    assert drawn(chart(samples, 50, 6))[-1].count("✗") == 1


def test_the_threshold_is_dashed_behind_the_line_and_only_within_the_scale() -> None:
    lines = drawn(chart(at(2, 2), 20, 6, threshold_ms=1.6))
    assert [n for n, line in enumerate(lines) if "┄" in line] == [1]
    for outside in (None, 3.0, -1.0, math.nan):
        assert "┄" not in "".join(drawn(chart(at(2, 2), 20, 6, threshold_ms=outside)))


def test_in_ascii() -> None:
    assert drawn(chart(RISING, 18, 5, ascii_only=True)) == [
        "   10 ms +       .",
        "         |    .-' ",
        "         |  .-'   ",
        "       0 +-'      ",
        "         +--------",
    ]
    samples = [*at(2, 2), UNKNOWN, REFUSED, GAP, *at(2, 2, 2)]
    assert drawn(chart(samples, 18, 4, ascii_only=True))[-1] == "         +--?x ---"


@pytest.mark.parametrize(
    ("samples", "most", "expected"),
    [
        (RISING, 4, ["0 – 2 ms: 1", "2 ms – 4 ms: 2", "4 ms – 6 ms: 2", "6 ms – 8 ms: 3"]),
        (at(3, 3, 3), 8, ["3 ms – 3.1 ms: 3"]),
        (at(0, 0), 8, ["0 – 0.002 ms: 2"]),
        (
            at(1, 2000),
            4,
            ["1 ms – 10 ms: 1", "10 ms – 100 ms: 0", "100 ms – 1 s: 0", "1 s – 2 s: 1"],
        ),
        ([LOST, GAP, answered(None)], 8, []),
        ((), 8, []),
    ],
)
def test_histogram(samples: list[Sample], most: int, expected: list[str]) -> None:
    told = []
    for line in histogram(samples, 60, most):
        bar, _, count = line[1][0].strip().rpartition(" ")
        told.append(f"{' '.join(line[0][0].split())}: {count or 0}")
        assert bool(bar) is bool(count), "a span with any check in it has some bar"
    assert told == expected


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (0.0, "0"), (-1.0, "0"), (0.025, "0.025 ms"), (0.5, "0.5 ms"), (12.5, "12.5 ms"),
        (250.0, "250 ms"), (999.4, "999 ms"), (999.6, "1 s"), (1500.0, "1.5 s"), (1e7, "10000 s"),
    ],
)  # fmt: skip
def test_a_label_of_the_axis(ms: float, said: str) -> None:
    assert axis_time(ms) == said


ANY = st.one_of(
    st.sampled_from([GAP, LOST, REFUSED, BARRED, UNKNOWN, answered(None)]),
    st.floats(0, 1e6).map(answered),
    st.floats().map(lambda ms: Sample(Tried.ANSWERED, ms)),  # NaN, infinite, below zero
)


@given(
    st.lists(ANY, max_size=200),
    st.integers(-2, 90),
    st.integers(-2, 14),
    st.booleans(),
    st.one_of(st.none(), st.floats()),
)
def test_a_chart_is_exactly_as_large_as_asked(
    samples: list[Sample], width: int, height: int, ascii_only: bool, threshold: float | None
) -> None:
    lines = chart(samples, width, height, threshold_ms=threshold, ascii_only=ascii_only)
    texts = drawn(lines)
    assert len(texts) == max(0, height)
    assert all(len(text) == max(0, width) for text in texts)
    assert not ascii_only or "".join(texts).isascii()
    if any(s.tried in FAILED for s in samples) and texts and "".join(texts).strip():
        assert ("x" if ascii_only else "✗") in texts[-1]


@given(st.lists(ANY, max_size=200), st.integers(-2, 90), st.integers(-2, 14), st.booleans())
def test_a_histogram_counts_each_check_once_and_fits(
    samples: list[Sample], width: int, most: int, ascii_only: bool
) -> None:
    texts = drawn(histogram(samples, width, most, ascii_only=ascii_only))
    assert len(texts) <= max(0, most)
    assert all(len(text) == width for text in texts)
    assert not ascii_only or "".join(texts).isascii()
    if texts:
        times = [s for s in samples if s.rtt_ms is not None and 0 <= s.rtt_ms < math.inf]
        counts = [text[21:].split()[-1] for text in texts if text[21:].strip()]
        assert sum(map(int, counts)) == len(times)


@given(st.lists(st.floats(0.01, 1e5), min_size=4, max_size=100))
def test_a_longer_time_is_never_drawn_lower(values: list[float]) -> None:
    """Each dot of its own: the highest dot of the columns follows the order of the times."""
    lines = drawn(chart(at(*values), 10 + len(values), 9, ascii_only=True))[:-1]
    heights = []
    for column in range(len(values)):
        rows = [n for n, line in enumerate(lines) if line[10 + column] != " "]
        heights.append(-min(rows))
    slowest, fastest = values.index(max(values)), values.index(min(values))
    assert heights[slowest] == max(heights)
    assert heights[fastest] <= heights[slowest]
