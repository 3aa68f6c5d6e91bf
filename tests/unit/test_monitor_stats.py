"""Golden vectors of the statistics that the dashboard shows."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
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
    interval,
    jitter,
    last_time,
    loss,
    metered,
    percentile,
    steps,
    strip,
    times,
)
from netwhy.probes.series import SPREAD_MS

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


# ---------------------------------------------------------------------------------- the series


@pytest.mark.parametrize(
    ("lost", "sent", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),  # Newcombe 1998, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
        (0, 0, 0.0, 1.0),
        (5, 5, 0.5655, 1.0),
    ],
)
def test_interval(lost: int, sent: int, low: float, high: float) -> None:
    assert interval(lost, sent) == pytest.approx((low, high), abs=6e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_share(case: tuple[int, int]) -> None:
    low, high = interval(*case)
    assert 0 <= low <= case[0] / case[1] + 1e-12
    assert case[0] / case[1] - 1e-12 <= high <= 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), None),
        ((5.0,), None),
        ((10.0, 50.0, 10.0, 50.0), 40.0),  # in the order measured, never sorted
        ((10.0, 20.0, 10.0, 20.0, 10.0), 10.0),
        ((7.0, 7.0, 7.0), 0.0),
        ((1.0, 2.0, 4.0), 1.5),
    ],
)
def test_jitter(values: tuple[float, ...], expected: float | None) -> None:
    assert jitter(values) == expected
    assert len(steps(values)) == max(0, len(values) - 1)


#: The moments of a spread series (s).
UNEVEN = [sum(SPREAD_MS[:n]) / 1000 for n in range(30)]


def limited(burst: float, per_s: float) -> tuple[tuple[float, bool], ...]:
    held, before, found = burst, UNEVEN[0], []
    for at in UNEVEN:
        held = min(burst, held + (at - before) * per_s)
        before = at
        found.append((at, held >= 1))
        held -= held >= 1
    return tuple(found)


@settings(deadline=None)
@given(st.sampled_from((1, 2, 5, 10, 20)), st.sampled_from((0.07, 0.5, 1, 2, 4, 5, 7)))
def test_what_a_limiter_leaves_is_known_for_one(burst: float, per_s: float) -> None:
    shots = limited(burst, per_s)
    assert metered(shots) is (sum(not passed for _, passed in shots) >= 3)


@pytest.mark.parametrize("limit", [2, 3, 5, 7])
@pytest.mark.parametrize("phase", [0.0, 0.21, 0.5, 0.83])
def test_a_limit_that_counts_each_second_is_known_for_one(limit: int, phase: float) -> None:
    counts: dict[float, int] = {}
    shots = []
    for at in UNEVEN:
        second = (at + phase) // 1
        passed = counts.get(second, 0) < limit
        counts[second] = counts.get(second, 0) + passed
        shots.append((at, passed))
    assert metered(tuple(shots))


@pytest.mark.parametrize("limit", [2, 3, 5, 7])
@pytest.mark.parametrize("dropped_count", [True, False])
def test_a_limit_that_counts_back_from_each_packet_is_known_for_one(
    limit: int, dropped_count: bool
) -> None:
    counted: list[float] = []
    shots = []
    for at in UNEVEN:
        passed = sum(at - earlier < 1 for earlier in counted) < limit
        if passed or dropped_count:
            counted.append(at)
        shots.append((at, passed))
    assert metered(tuple(shots))


@pytest.mark.parametrize("up_s", [0.4, 0.6, 1.0])
def test_a_host_that_comes_and_goes_is_no_limiter(up_s: float) -> None:
    for late in (0.0, 0.3, 0.7):
        assert not metered(tuple((at, (at + late) % (2 * up_s) < up_s) for at in UNEVEN))


@pytest.mark.parametrize("every", [2, 3, 4, 5, 6])
def test_a_rule_for_each_nth_packet_is_no_limiter(every: int) -> None:
    assert not metered(tuple((at, n % every != 0) for n, at in enumerate(UNEVEN)))


def test_random_loss_is_seldom_taken_for_a_limiter() -> None:
    drawn = random.Random(1)
    for share in (0.2, 0.35, 0.5):
        taken = sum(
            metered(tuple((at, drawn.random() > share) for at in UNEVEN)) for _ in range(40)
        )
        assert taken <= 4


def test_nothing_lost_is_nothing_limited() -> None:
    assert not metered(tuple((at, True) for at in UNEVEN))
