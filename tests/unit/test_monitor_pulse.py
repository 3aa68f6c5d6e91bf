"""When the monitor is content with a pulse, over an engine whose answers are data."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace

import pytest

from netwhy.core.model import Finding, Kind, Severity, Target, TargetReport, Vantage, Verdict
from netwhy.monitor import Monitor, monitor

A = Target("a:1", Kind.TCP, "a", 1)
B = Target("b:2", Kind.TCP, "b", 2)
SHARED = Finding("path.silent", Severity.FAILURE, 0.9, "192.0.2.1", "silent", "…", root="192.0.2.1")


def report(target: Target, verdict: Verdict) -> TargetReport:
    findings = (SHARED,) if verdict is Verdict.FAILING else ()
    return TargetReport(target, verdict, findings=findings, rtt_ms=1.5)


class Pulsing:
    """What whole checks and pulses find; `calls` tells which were made, in order."""

    def __init__(self, whole: Verdict = Verdict.OK) -> None:
        self.whole = whole
        self.repeated: Verdict | Exception | None = whole
        self.calls: list[str] = []

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        self.calls.append("whole")
        await asyncio.sleep(0)
        yield report(target, self.whole)

    async def pulse(self, target: Target) -> TargetReport | None:
        self.calls.append("pulse")
        if isinstance(self.repeated, Exception):
            raise self.repeated
        found = self.repeated
        return None if found is None else replace(report(target, found), rtt_ms=len(self.calls))

    def distrust(self) -> None:
        self.calls.append("distrust")

    async def vantage(self) -> Vantage:
        return Vantage("here", "linux", False)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(2000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came to be")


async def test_a_pulse_counts_as_a_check() -> None:
    engine = Pulsing()
    watched = Monitor(engine, [A], interval_s=0.25)
    watched.start()
    await until(lambda: watched.snapshot().rows[0].checks >= 3)
    await watched.stop()
    assert set(engine.calls) == {"pulse"}
    row = watched.snapshot().rows[0]
    assert [sample.rtt_ms for sample in row.samples][:3] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("nothing", [None, OSError("no")])
async def test_without_a_pulse_comes_a_whole_check_at_once(nothing: Exception | None) -> None:
    engine = Pulsing()
    engine.repeated = nothing
    watched = Monitor(engine, [A], interval_s=30.0)
    watched.start()
    await until(lambda: watched.snapshot().rows[0].verdict is Verdict.OK)
    await watched.stop()
    assert engine.calls == ["pulse", "whole"]


async def test_trouble_is_confirmed_by_whole_checks_that_take_no_old_answer() -> None:
    engine = Pulsing()
    watched = Monitor(engine, [A], interval_s=0.25, retry_s=0.05)
    watched.start()
    await until(lambda: watched.snapshot().rows[0].verdict is Verdict.OK)
    engine.whole, engine.repeated = Verdict.FAILING, None
    await until(lambda: watched.snapshot().rows[0].verdict is Verdict.FAILING)
    await watched.stop()
    noticed = engine.calls.index("whole")
    after = engine.calls[noticed:]
    assert after[:3] == ["whole", "distrust", "whole"]


async def test_who_asks_for_a_check_gets_a_whole_one() -> None:
    engine = Pulsing()
    watched = Monitor(engine, [A], interval_s=30.0)
    watched.start()
    await until(lambda: watched.snapshot().rows[0].checks == 1)
    watched.check_now()
    await until(lambda: watched.snapshot().rows[0].checks == 2)
    await watched.stop()
    assert engine.calls == ["pulse", "whole"]


async def test_what_targets_share_is_looked_for_only_when_there_is_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rolled = []
    real = monitor.report_of
    monkeypatch.setattr(monitor, "report_of", lambda s: (rolled.append(s), real(s))[1])
    engine = Pulsing(Verdict.FAILING)
    watched = Monitor(engine, [A, B], interval_s=0.25)
    watched.start()
    await until(lambda: all(row.verdict for row in watched.snapshot().rows))
    first = watched.snapshot().root_causes
    before = len(rolled)
    await until(lambda: all(row.checks >= 3 for row in watched.snapshot().rows))
    assert watched.snapshot().root_causes == first and first[0].explains == ("a:1", "b:2")
    assert len(rolled) == before, "the same news, told again"
    engine.whole = engine.repeated = Verdict.OK
    await until(lambda: not watched.snapshot().root_causes)
    await watched.stop()
