"""What is kept of a target's past: the spells, what was different as it broke, the long trail."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.differences import Difference
from netwhy.core.model import Finding, Kind, Severity, Target, TargetReport, Verdict
from netwhy.core.past import SPELLS, Past
from netwhy.core.record import Moment, Record
from netwhy.core.stats import (
    BARRED,
    GAP,
    LOST,
    REFUSED,
    UNKNOWN,
    Sample,
    Tried,
    answered,
    percentile,
    summary,
)
from netwhy.core.trail import KEPT, Trail, samples

TARGET = Target("db.example:5432", Kind.TCP, "db.example", 5432)
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
OK, DEGRADED, FAILING, UNTOLD = Verdict.OK, Verdict.DEGRADED, Verdict.FAILING, Verdict.UNKNOWN


def at(seconds: float) -> Moment:
    return Moment(START + timedelta(seconds=seconds), seconds)


def report(
    verdict: Verdict, cause: str = "", address: str = "192.0.2.1", rtt_ms: float | None = None
) -> TargetReport:
    found = Finding(cause, Severity.FAILURE, 0.9, "x", "t", "e")
    return TargetReport(
        TARGET, verdict, (address,) if address else (), (found,) if cause else (), rtt_ms=rtt_ms
    )


def kept(*reports: TargetReport) -> Record:
    """A record after these checks, one each second."""
    record = Record(TARGET, interval_s=1.0, retry_s=0.3)
    for second, each in enumerate(reports):
        record.settle(each, at(second))
    return record


GOOD, SLOW = report(OK), report(DEGRADED, "latency.high")
REFUSES, SILENT = report(FAILING, "tcp.refused"), report(FAILING, "tcp.silent")
MOVED = report(FAILING, "tcp.refused", "192.0.2.7")


@pytest.mark.parametrize(
    ("checks", "spells"),
    [
        ([], []),
        ([GOOD, GOOD], [(0, OK, "")]),
        ([GOOD, REFUSES], [(0, OK, "")]),  # suspected only
        ([GOOD, REFUSES, GOOD], [(0, OK, "")]),
        ([GOOD, REFUSES, REFUSES], [(0, OK, ""), (1, FAILING, "tcp.refused")]),  # since the first
        ([REFUSES, SILENT], [(0, FAILING, "tcp.refused"), (1, FAILING, "tcp.silent")]),
        ([GOOD, SLOW, GOOD], [(0, OK, ""), (1, DEGRADED, "latency.high"), (2, OK, "")]),
        ([GOOD, report(OK, "local.proxy-set")], [(0, OK, "")]),  # a note explains nothing
        ([GOOD, REFUSES, SILENT], [(0, OK, ""), (1, FAILING, "tcp.silent")]),
    ],
)
def test_spells(checks: list[TargetReport], spells: list[tuple[int, Verdict, str]]) -> None:
    row = kept(*checks).row()
    assert [(s.at_s, s.verdict, s.cause) for s in row.spells] == spells
    assert [s.when for s in row.spells] == [START + timedelta(seconds=n) for n, *_ in spells]


def test_spells_are_bounded_and_the_newest_stay() -> None:
    row = kept(*[REFUSES, SILENT] * 40).row()
    assert len(row.spells) == SPELLS
    assert [s.at_s for s in row.spells] == list(range(80 - SPELLS, 80))


ADDRESS = Difference("addresses", "192.0.2.1", "192.0.2.7")


@pytest.mark.parametrize(
    ("checks", "broke"),
    [
        ([GOOD, MOVED, MOVED], (ADDRESS,)),
        ([SLOW, MOVED, MOVED], (ADDRESS,)),  # it worked, if badly
        ([GOOD, replace(SLOW, addresses=("192.0.2.7",))], (ADDRESS,)),
        ([GOOD, MOVED, REFUSES], (ADDRESS,)),  # the first bad one is compared, not the second
        ([GOOD, REFUSES, REFUSES], ()),  # nothing is different
        ([MOVED, MOVED], None),  # it never worked: there is nothing to compare
        ([GOOD, MOVED, MOVED, GOOD], None),  # well again
        ([GOOD, MOVED, MOVED, replace(SILENT, addresses=("192.0.2.9",))], (ADDRESS,)),
        # It cannot be told, then it fails: compared is what worked last.
        ([GOOD, *[report(UNTOLD, address="")] * 2, MOVED], (ADDRESS,)),
        # A suspicion of another kind is not the first bad report.
        ([GOOD, report(UNTOLD, address=""), MOVED], (ADDRESS,)),
    ],
)
def test_what_was_different_when_it_broke(
    checks: list[TargetReport], broke: tuple[Difference, ...] | None
) -> None:
    found = kept(*checks).row().broke
    assert (None if found is None else found.changed) == broke


def test_a_name_that_always_changes_its_addresses_is_no_news() -> None:
    turns = [replace(GOOD, addresses=(f"192.0.2.{n % 3 + 1}",)) for n in range(30)]
    found = kept(*turns, MOVED, MOVED).row().broke
    assert found is not None and found.changed == ()
    seldom = [*[GOOD] * 60, *[replace(GOOD, addresses=("192.0.2.5",))] * 60]
    found = kept(*seldom, MOVED, MOVED).row().broke
    assert found is not None and found.changed == (
        Difference("addresses", "192.0.2.5", "192.0.2.7"),
    )


def test_the_past_of_a_spell_stays_after_recovery() -> None:
    row = kept(GOOD, MOVED, MOVED, GOOD).row()
    assert [s.broke.changed if s.broke else None for s in row.spells] == [None, (ADDRESS,), None]


def test_the_past_can_be_asked_without_a_record() -> None:
    past = Past()
    past.note(GOOD, START, 0.0)
    past.note(MOVED, START, 1.0)
    assert past.broke is not None and past.broke.changed == (ADDRESS,)


# ------------------------------------------------------------------------------------ the trail


def test_a_trail_keeps_how_each_check_ended() -> None:
    ends = [LOST, REFUSED, BARRED, UNKNOWN, GAP, answered(None), answered(0.0), answered(12.5)]
    trail = Trail()
    for end in ends:
        trail.add(end)
    assert list(samples(trail.frozen())) == ends
    assert samples(b"") == ()


def test_a_trail_forgets_the_oldest_and_gaps_do_not_grow_it() -> None:
    trail = Trail()
    for n in range(3 * KEPT):
        trail.add(answered(float(n)))
    assert [s.rtt_ms for s in samples(trail.frozen())] == list(range(2 * KEPT, 3 * KEPT))
    trail.add(GAP, 10**12)
    assert len(samples(trail.frozen())) == KEPT
    assert set(samples(trail.frozen())) == {GAP}


@given(st.floats(0, 1e7), st.integers(0, 10))
def test_a_time_keeps_what_is_shown_of_it(ms: float, more: int) -> None:
    trail = Trail()
    trail.add(answered(ms))
    trail.add(GAP, more)
    back = samples(trail.frozen())[0].rtt_ms
    assert back == pytest.approx(ms, rel=1e-6, abs=1e-30)


@given(st.floats())
def test_no_number_breaks_a_trail(ms: float) -> None:
    trail = Trail()
    trail.add(Sample(Tried.ANSWERED, ms))
    assert len(samples(trail.frozen())) == 1


def test_a_sleep_is_a_gap_in_the_trail_too_and_a_frozen_row_does_not_grow() -> None:
    record = kept(report(OK, rtt_ms=1.0))
    record.rest(0.1, 0.5)
    before = record.row()
    record.begin(10.0)
    record.settle(report(OK, rtt_ms=2.0), at(10.0))
    assert len(samples(before.trail)) == 1
    told = samples(record.row().trail)
    assert [s.tried for s in told] == [s.tried for s in record.row().samples]
    assert told.count(GAP) == 8


def test_a_thousand_full_trails_take_few_megabytes() -> None:
    """Four bytes a check: 600 checks of 1,000 targets, with the slack, and their frozen copies."""
    trail = Trail()
    for n in range(5 * KEPT):
        trail.add(answered(float(n)))
    assert sys.getsizeof(trail._past) + sys.getsizeof(trail.frozen()) < 7_000


# ---------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # By hand: rank ceil(share * n) of the sorted values, where n * (1 - share) >= 1.
        ([], (None, None, None, None, None)),
        ([7.0], (7.0, None, None, None, 7.0)),
        ([9.0, 7.0], (7.0, 7.0, None, None, 9.0)),
        ([5.0, 1.0, 3.0], (1.0, 3.0, None, None, 5.0)),
        ([float(n) for n in range(20, 0, -1)], (1.0, 10.0, 19.0, None, 20.0)),
        ([float(n) for n in range(1, 101)], (1.0, 50.0, 95.0, 99.0, 100.0)),
        ([float(n * n) for n in range(1, 202)], (1.0, 101.0**2, 191.0**2, 199.0**2, 201.0**2)),
    ],
)
def test_summary(values: list[float], expected: tuple[float | None, ...]) -> None:
    found = summary([answered(value) for value in values])
    assert (found.least, found.median, found.p95, found.p99, found.most) == expected
    assert (found.made, found.measured) == (len(values), len(values))


def test_summary_counts_what_was_made_and_what_was_lost() -> None:
    found = summary([answered(1.0), answered(None), LOST, REFUSED, BARRED, UNKNOWN, GAP, GAP])
    assert (found.made, found.measured, found.loss) == (6, 1, 0.25)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentile_is_the_inverse_of_the_distribution(values: list[float], share: float) -> None:
    """NumPy's `inverted_cdf`: the least value that at least this share of all does not exceed."""
    found = percentile(values, share)
    if found is None:
        assert len(values) * (1 - share) < 1
        return
    reached = [v for v in values if sum(w <= v for w in values) >= share * len(values) - 1e-9]
    assert found == min(reached)
