"""A machine that sleeps and a process that is stopped: gaps, and never failures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

import pytest
from tests.unit.test_monitor import A, B, Scripted, verdict, wait

from netwhy.core.model import Target, TargetReport, Verdict
from netwhy.core.stats import FAILED, Tried
from netwhy.monitor import Monitor
from netwhy.monitor.standstill import Clocks


class Laptop:
    """Two clocks of a machine that can be put to sleep, and of a process that can be stopped."""

    def __init__(self) -> None:
        self.slept_s = 0.0
        self.stopped_s = 0.0

    def clock(self) -> float:
        return time.monotonic() + self.slept_s + self.stopped_s

    def clocks(self) -> Clocks:
        return Clocks(self.clock, self.awake)

    def awake(self) -> float:
        return time.monotonic() + self.stopped_s


def test_a_sleep_a_stop_and_a_busy_moment() -> None:
    now = {"clock": 0.0, "awake": 0.0}
    clocks = Clocks(lambda: now["clock"], lambda: now["awake"])

    def passed(both: float, asleep: float = 0.0) -> object:
        now["clock"] += both + asleep
        now["awake"] += both
        found = clocks.look()
        return found and (found.number, round(found.seconds, 1), found.asleep)

    assert passed(0.5) is None
    assert passed(1.9) is None, "late because the machine is busy"
    assert passed(30.5) == (1, 30.0, False)
    assert passed(0.1, 600.4) == (2, 600.0, True)
    assert passed(0.5) is None, "told once"


class Slow(Scripted):
    """Checks that wait; one that waits while the machine sleeps ends in silence."""

    def __init__(self) -> None:
        super().__init__()
        self.silent = False
        self.forgot = 0

    def forget(self) -> None:
        self.forgot += 1

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        self.checks.append(target.text)
        waits = self.silent
        await asyncio.sleep(0.9 if waits else 0.0)
        yield TargetReport(target, Verdict.FAILING if waits else Verdict.OK, rtt_ms=1.0)


async def test_a_check_under_way_during_a_sleep_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    laptop, engine = Laptop(), Slow()
    monkeypatch.setattr("netwhy.monitor.monitor.WAKE_S", 0.1)
    monitor = Monitor(engine, [A, B], interval_s=0.5, clock=laptop.clock, clocks=laptop.clocks())
    monitor.start()
    try:
        await wait(monitor, lambda s: all(row.checks >= 2 for row in s.rows))
        engine.silent = True
        await wait(monitor, lambda s: len(engine.checks) >= 6)
        before = [row.checks for row in monitor.snapshot().rows]
        laptop.slept_s += 10.0
        engine.silent = False
        seen = await wait(
            monitor, lambda s: all(row.checks > n for row, n in zip(s.rows, before, strict=True))
        )
    finally:
        await monitor.stop()
    assert engine.forgot == 1
    assert seen.standstill is not None and seen.standstill.asleep
    assert 9.0 < seen.standstill.seconds <= 12.0
    for row in seen.rows:
        tried = [sample.tried for sample in row.samples]
        assert not FAILED & set(tried), tried
        assert 18 <= tried.count(Tried.GAP) <= 26, "ten seconds at half a second"
    assert verdict(seen) is Verdict.OK and not seen.changes


async def test_a_short_stop_is_no_news_but_its_checks_do_not_count() -> None:
    laptop, engine = Laptop(), Slow()
    monitor = Monitor(engine, [A], interval_s=0.5, clock=laptop.clock, clocks=laptop.clocks())
    monitor.start()
    await wait(monitor, lambda s: s.rows[0].checks >= 1)
    engine.silent = True
    count = len(engine.checks)
    await wait(monitor, lambda s: len(engine.checks) > count)
    laptop.stopped_s += 3.0
    engine.silent = False
    seen = await wait(monitor, lambda s: s.rows[0].checks >= 3)
    await monitor.stop()
    assert seen.standstill is None
    tried = [sample.tried for sample in seen.rows[0].samples]
    assert Tried.GAP in tried and not FAILED & set(tried)
