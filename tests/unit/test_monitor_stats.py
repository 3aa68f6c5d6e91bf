"""Golden vectors of the statistics that the dashboard shows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.stats import (
    BARRED,
    FAILED,
    GAP,
    LOST,
    MARKS,
    MARKS_ASCII,
    REFUSED,
    UNKNOWN,
    Sample,
    Tried,
    answered,
    last_time,
    loss,
    percentile,
    strip,
    times,
)

A = answered(1.0)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ((), None),
        ((GAP, UNKNOWN), None),  # nothing was answered and nothing lost: no share of nothing
        ((A,), 0.0),
        ((LOST,), 1.0),
        ((REFUSED, REFUSED), 0.0),  # a refusal is an answer
        ((BARRED, BARRED), None),  # nothing was asked
        ((A, REFUSED, BARRED, LOST, LOST), 0.5),
        ((A, LOST, A, A), 0.25),
        ((A, GAP, GAP, LOST), 0.5),  # gaps count for nothing
        ((answered(None), LOST), 0.5),  # answered without a time is answered
        ((answered(9000.0), A), 0.0),  # late is not lost
    ],
)
def test_loss(samples: tuple[Sample, ...], expected: float | None) -> None:
    assert loss(samples) == expected


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.95, None),
        ([5.0], 0.5, None),
        ([5.0, 7.0], 0.5, 5.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([float(n) for n in range(1, 20)], 0.95, None),  # 19 values cannot carry a p95
        ([float(n) for n in range(20, 0, -1)], 0.95, 19.0),
        ([float(n) for n in range(1, 61)], 0.95, 57.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([1.0, 2.0], 0.0, None),
        ([1.0, 2.0], 1.0, None),
    ],
)
def test_percentile_is_nearest_rank_and_honest(
    values: list[float], share: float, expected: float | None
) -> None:
    assert percentile(values, share) == expected


def test_a_lost_check_has_no_time_and_never_zero() -> None:
    assert times((A, LOST, GAP, answered(None), answered(3.0))) == [1.0, 3.0]
    assert last_time((A, LOST)) is None
    assert last_time((A, GAP)) == 1.0
    assert last_time(()) is None


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf, None])
def test_a_time_that_is_no_time_is_not_measured(value: float | None) -> None:
    assert answered(value) == Sample(Tried.ANSWERED, None)


@pytest.mark.parametrize(
    ("samples", "width", "expected"),
    [
        ((), 10, ""),
        ((answered(0.4),) * 4, 10, "▁▁▁▁"),  # steady is flat
        ((answered(250.0),) * 3, 10, "▁▁▁"),  # at any speed
        ((answered(0.02), answered(0.06)), 10, "▁▁"),  # noise of a loopback is no event
        ((answered(10.0), answered(20.0), answered(40.0), answered(1000.0)), 10, "▁▃▅█"),
        ((A, LOST, GAP, UNKNOWN, answered(None)), 10, "▁✗ ?•"),
        ((REFUSED, LOST, BARRED), 10, "✗✗✗"),
        ((LOST, A, A), 2, "▁▁"),  # the newest
        ((A,), 0, ""),
    ],
)
def test_strip(samples: tuple[Sample, ...], width: int, expected: str) -> None:
    assert strip(samples, width) == expected


def test_strip_in_ascii() -> None:
    samples = (A, LOST, GAP, UNKNOWN, answered(None), answered(1000.0))
    assert strip(samples, 10, MARKS_ASCII) == "_x ?o#"


_samples = st.one_of(
    st.sampled_from([GAP, LOST, REFUSED, BARRED, UNKNOWN, answered(None)]),
    st.floats(0, 1e6).map(answered),
)


@given(st.lists(_samples, max_size=80), st.integers(0, 70))
def test_strip_has_one_cell_for_each_check_shown(samples: list[Sample], width: int) -> None:
    drawn = strip(samples, width)
    assert len(drawn) == min(width, len(samples))
    for char, sample in zip(reversed(drawn), reversed(samples), strict=False):
        assert (char == MARKS.failed) is (sample.tried in FAILED)
