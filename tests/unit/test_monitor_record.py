"""When the verdict of a target changes, and what is kept of its checks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from netwhy.core.model import (
    Kind,
    Outcome,
    ProbeRow,
    Target,
    TargetOptions,
    TargetReport,
    Verdict,
)
from netwhy.core.record import RING, Moment, Record
from netwhy.core.stats import Tried

TARGET = Target("db:5432", Kind.TCP, "db", 5432)
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> Moment:
    return Moment(START + timedelta(seconds=seconds), seconds)


def report(verdict: Verdict, rtt_ms: float | None = None) -> TargetReport:
    silent = tcp("TIMEOUT") if verdict is Verdict.FAILING else ()
    return TargetReport(TARGET, verdict, rtt_ms=rtt_ms, probes=silent)


def tcp(error: str | None, port: int = 5432, **detail: object) -> tuple[ProbeRow, ...]:
    outcome = Outcome.FAILED if error else Outcome.OK
    return (ProbeRow("tcp", f"192.0.2.7:{port}", outcome, 1.0, error, dict(detail)),)


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
    assert not kept.settle(report(Verdict.FAILING), at(2.6)), "a service that starts again"
    assert kept.rest(0.1, 2.6) == 1.0, "the third a little later"
    assert kept.settle(report(Verdict.FAILING), at(3.7))
    row = kept.row()
    assert (row.verdict, row.confirming) == (Verdict.FAILING, False)
    assert row.since == START + timedelta(seconds=2), "it failed from the first of the three on"
    assert kept.rest(0.1, 3.8) == 1.9, "and then at its interval"


def test_a_failure_that_took_long_to_see_needs_one_retry() -> None:
    """A silent target keeps each check waiting for seconds: two of them have lasted enough."""
    kept = record()
    kept.settle(report(Verdict.OK, 1.0), at(0))
    assert not kept.settle(report(Verdict.FAILING), at(5))
    assert kept.settle(report(Verdict.FAILING), at(9))


def test_the_back_off_never_outgrows_the_interval() -> None:
    kept = record(interval_s=0.7)
    kept.settle(report(Verdict.OK, 1.0), at(0))
    kept.settle(report(Verdict.FAILING), at(1))
    assert kept.rest(0.0, 1.0) == 0.5
    kept.settle(report(Verdict.FAILING), at(1.5))
    assert kept.rest(0.0, 1.5) == 0.7


def test_rests_differ_a_little_and_are_the_interval_on_average() -> None:
    thrown = iter([0.0, 0.5, 1.0])
    kept = Record(TARGET, interval_s=10.0, dice=lambda: next(thrown))
    assert [round(kept.rest(0.5, 0.0), 6) for _ in range(3)] == [8.5, 9.5, 10.5]


def test_what_was_suspected_before_a_standstill_is_asked_anew() -> None:
    kept = record()
    kept.settle(report(Verdict.OK, 1.0), at(0))
    kept.settle(report(Verdict.FAILING), at(2))
    kept.interrupt(600.0, calm_s=10.0)
    assert not kept.row().confirming
    for second in (601, 602, 604, 608):
        assert not kept.settle(report(Verdict.FAILING), at(second)), "the network comes later"
    assert kept.settle(report(Verdict.FAILING), at(611)), "this is no waking up any more"
    assert kept.row().since == START + timedelta(seconds=601)


def test_other_options_leave_the_history() -> None:
    kept = record()
    kept.settle(report(Verdict.OK, 1.0), at(0))
    other = replace(TARGET, options=TargetOptions(interval_s=30.0, label="the database"))
    kept.retarget(other, 5.0)
    row = kept.row()
    assert (row.target.label, row.interval_s) == ("the database", 30.0)
    assert len(row.samples) == 1 and row.verdict is Verdict.OK


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
    assert not kept.settle(report(Verdict.UNKNOWN), at(4)), "one check that cannot tell is no news"
    assert kept.settle(report(Verdict.UNKNOWN), at(5.5))
    assert kept.row().since == START + timedelta(seconds=4)
    assert kept.settle(report(Verdict.FAILING), at(6)), "unknown is no success"
    assert not kept.settle(report(Verdict.UNKNOWN), at(8))
    assert kept.settle(report(Verdict.FAILING), at(9)), "still the failure of before"
    assert kept.row().since == START + timedelta(seconds=6)


PING = ProbeRow("ping", "192.0.2.7", Outcome.OK, 0.4)
NO_PING = ProbeRow("ping", "192.0.2.7", Outcome.FAILED, None, "TIMEOUT")
UNSENT_PING = ProbeRow("ping", "192.0.2.7", Outcome.SKIPPED, None, None, {"reason": "not allowed"})
FROM_ROUTER = {"icmp": "host unreachable (ICMP 3/1)", "icmp_from": "192.0.2.1", "icmp_own": False}
OWN = {"icmp": "host unreachable (ICMP 3/1)", "icmp_from": "192.0.2.2", "icmp_own": True}
OWN_PORT = {"icmp": "port unreachable (ICMP 3/3)", "icmp_from": "127.0.0.1", "icmp_own": True}


def udp(error: str, **detail: object) -> tuple[ProbeRow, ...]:
    return (ProbeRow("udp", "192.0.2.7:5432", Outcome.FAILED, 1.0, error, dict(detail)),)


def dns(error: str | None, by: str, **detail: object) -> ProbeRow:
    return ProbeRow("dns", ".", Outcome.FAILED, 1.0, error, {"by": by, **detail})


@pytest.mark.parametrize(
    ("kind", "probes", "ended"),
    [
        (Kind.TCP, tcp("ECONNREFUSED"), Tried.REFUSED),  # a refusal is an answer
        (Kind.TCP, tcp("ECONNRESET"), Tried.REFUSED),
        (Kind.TCP, tcp(None), Tried.REFUSED),  # it connected, and something behind it failed
        (Kind.TCP, tcp("TIMEOUT"), Tried.LOST),
        (Kind.TCP, tcp("ETIMEDOUT"), Tried.LOST),
        (Kind.TCP, (PING, *tcp("TIMEOUT")), Tried.LOST),  # the host answers, its port does not
        (Kind.TCP, (*tcp(None, port=22), *tcp("TIMEOUT")), Tried.LOST),  # only to compare
        (Kind.TCP, (*tcp("TIMEOUT"), *tcp("ECONNREFUSED")), Tried.REFUSED),  # one of two addresses
        (Kind.TCP, tcp("EHOSTUNREACH", **FROM_ROUTER), Tried.REFUSED),
        (Kind.TCP, tcp("EHOSTUNREACH", **OWN), Tried.LOST),  # nobody answered on the link
        (Kind.TCP, tcp("ENETUNREACH"), Tried.BARRED),  # no route: nothing was sent
        (Kind.TCP, (NO_PING,), Tried.BARRED),
        (Kind.TCP, (), Tried.BARRED),
        (Kind.TCP, (dns("TIMEOUT", "192.0.2.53"),), Tried.BARRED),  # its name was not found
        (Kind.UDP, udp("ECONNREFUSED", **OWN_PORT), Tried.REFUSED),
        (Kind.HOST, (NO_PING,), Tried.LOST),
        (Kind.HOST, (NO_PING, *tcp(None, port=22)), Tried.LOST),
        (Kind.HOST, (UNSENT_PING, *tcp("TIMEOUT", port=22)), Tried.LOST),
        (Kind.HOST, (UNSENT_PING, *tcp("ECONNREFUSED", port=22)), Tried.REFUSED),
        (Kind.DNS, (dns("TIMEOUT", "192.0.2.7"), dns("EAI_AGAIN", "system")), Tried.LOST),
        (Kind.DNS, (dns("SERVFAIL", "192.0.2.7", rcode="SERVFAIL"),), Tried.REFUSED),
        (Kind.LOCAL, (), Tried.BARRED),
    ],
)
def test_a_failure_is_lost_only_if_nothing_answered(
    kind: Kind, probes: tuple[ProbeRow, ...], ended: Tried
) -> None:
    port = None if kind in (Kind.HOST, Kind.LOCAL) else 5432
    transport = "udp" if kind is Kind.UDP else "tcp"
    target = Target("x", kind, "192.0.2.7", port, transport=transport)
    kept = Record(target, interval_s=2.0)
    kept.settle(TargetReport(target, Verdict.FAILING, probes=probes), at(0))
    assert [sample.tried for sample in kept.row().samples] == [ended]


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
