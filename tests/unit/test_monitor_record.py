"""When the verdict of a target changes, and what is kept of its checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from netwhy.core.model import Kind, Target, TargetOptions, TargetReport, Verdict
from netwhy.core.record import RING, Moment, Record
from netwhy.core.stats import Tried

TARGET = Target("db:5432", Kind.TCP, "db", 5432)
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> Moment:
    return Moment(START + timedelta(seconds=seconds), seconds)


def report(verdict: Verdict, rtt_ms: float | None = None) -> TargetReport:
    return TargetReport(TARGET, verdict, rtt_ms=rtt_ms)


def record(**options: float) -> Record:
    return Record(TARGET, interval_s=options.get("interval_s", 2.0), retry_s=0.5)


def test_a_failure_after_a_success_is_confirmed_first() -> None:
    kept = record()
    assert kept.settle(report(Verdict.OK, 1.0), at(0))
    assert not kept.settle(report(Verdict.FAILING), at(2))
    row = kept.row()
    assert (row.verdict, row.confirming) == (Verdict.OK, True)
    assert row.report is not None and row.report.verdict is Verdict.OK
    assert kept.rest(0.1, 2.1) == 0.5, "the second try comes soon"
    assert kept.settle(report(Verdict.FAILING), at(2.6))
    row = kept.row()
    assert (row.verdict, row.confirming) == (Verdict.FAILING, False)
    assert row.since == START + timedelta(seconds=2), "it failed from the first of the two on"


def test_a_single_lost_check_changes_nothing_but_the_strip() -> None:
    kept = record()
    kept.settle(report(Verdict.OK, 1.0), at(0))
    kept.settle(report(Verdict.FAILING), at(2))
    assert kept.settle(report(Verdict.OK, 1.0), at(2.6))
    row = kept.row()
    assert row.verdict is Verdict.OK and row.since == START
    assert [s.tried for s in row.samples] == [Tried.ANSWERED, Tried.LOST, Tried.ANSWERED]
    assert row.loss == 1 / 3


def test_the_first_check_needs_no_confirmation_and_neither_does_recovery() -> None:
    kept = record()
    assert kept.settle(report(Verdict.FAILING), at(0))
    assert kept.row().verdict is Verdict.FAILING
    assert kept.settle(report(Verdict.OK), at(2))
    assert kept.row().verdict is Verdict.OK
    assert kept.settle(report(Verdict.UNKNOWN), at(4))
    assert kept.settle(report(Verdict.FAILING), at(6)), "unknown is no success"


def test_since_stays_while_the_verdict_stays() -> None:
    kept = record()
    for second in range(5):
        kept.settle(report(Verdict.OK), at(second))
    assert kept.row().since == START


def test_missing_checks_are_gaps_and_never_losses() -> None:
    kept = record()
    kept.begin(0.0)
    kept.settle(report(Verdict.OK, 1.0), at(0))
    kept.rest(0.1, 0.1)  # due at 2.0
    kept.begin(2.1)
    assert len(kept.row().samples) == 1, "a little late is no gap"
    kept.settle(report(Verdict.OK, 1.0), at(2.2))
    kept.rest(0.1, 2.2)  # due at 4.1
    kept.begin(14.2)  # asleep for ten seconds: five checks are missing
    row = kept.row()
    assert [s.tried for s in row.samples[2:]] == [Tried.GAP] * 5
    assert row.loss == 0.0
    kept.rest(0.1, 14.2)
    kept.begin(1e9)  # a year
    assert len(kept.row().samples) == RING


def test_a_slow_check_still_rests_a_little() -> None:
    assert 0 < record().rest(30.0, 30.0) < 1


def test_partial_news_is_kept_only_before_the_first_result() -> None:
    kept = record()
    early = report(Verdict.UNKNOWN)
    assert kept.learn(early)
    assert kept.row().shown is early and kept.row().verdict is None
    done = report(Verdict.OK)
    kept.settle(done, at(0))
    assert not kept.learn(early)
    assert kept.row().shown is done


def test_a_row_is_the_same_object_until_something_changes() -> None:
    kept = record()
    assert kept.row() is kept.row()
    before = kept.row()
    kept.settle(report(Verdict.OK), at(0))
    assert kept.row() is not before


def test_a_target_may_have_its_own_interval() -> None:
    own = Target("x", Kind.HOST, options=TargetOptions(interval_s=30.0))
    assert Record(own, interval_s=2.0).interval_s == 30.0
    assert Record(TARGET, interval_s=2.0).interval_s == 2.0
