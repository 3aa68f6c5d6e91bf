"""The monitor over an engine whose answers are data."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable

import pytest

from netwhy.core.model import Kind, Target, TargetReport, Vantage, Verdict
from netwhy.core.snapshot import Snapshot
from netwhy.core.stats import FAILED, Tried
from netwhy.monitor import Monitor, report_of
from netwhy.monitor.monitor import STOP_S

A = Target("a:1", Kind.TCP, "a", 1)
B = Target("b:2", Kind.TCP, "b", 2)


class Scripted:
    """Answers `verdict(target)`; counts what runs at the same time."""

    def __init__(self, delay_s: float = 0.0) -> None:
        self.verdicts: dict[str, Verdict | BaseException] = {}
        self.delay_s = delay_s
        self.checks: list[str] = []
        self.running: dict[str, int] = {}
        self.overlapped = False
        self.closed = 0

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        name = target.text
        self.checks.append(name)
        self.running[name] = self.running.get(name, 0) + 1
        self.overlapped = self.overlapped or self.running[name] > 1
        try:
            yield TargetReport(target, Verdict.UNKNOWN, complete=False)
            await asyncio.sleep(self.delay_s)
            verdict = self.verdicts.get(name, Verdict.OK)
            if isinstance(verdict, BaseException):
                raise verdict
            yield TargetReport(target, verdict, rtt_ms=1.5)
        finally:
            self.running[name] -= 1
            self.closed += 1

    async def vantage(self) -> Vantage:
        return Vantage("here", "linux", False)


async def wait(monitor: Monitor, condition: Callable[[Snapshot], bool]) -> Snapshot:
    for _ in range(1000):
        snapshot = monitor.snapshot()
        if condition(snapshot):
            return snapshot
        await asyncio.sleep(0.02)
    raise AssertionError(f"never so: {monitor.snapshot()}")


def verdict(snapshot: Snapshot, target: Target = A) -> Verdict | None:
    row = snapshot.row(target.text)
    return row.verdict if row else None


@pytest.mark.parametrize("delay_s", [0.0, 0.6])
async def test_it_repeats_and_never_overlaps_itself(delay_s: float) -> None:
    engine = Scripted(delay_s)
    monitor = Monitor(engine, [A, B], interval_s=0.3)
    monitor.start()
    await wait(monitor, lambda s: all(row.checks >= 2 for row in s.rows))
    await monitor.stop()
    assert not engine.overlapped
    assert set(engine.running.values()) == {0}, "every check was closed"


async def test_version_moves_only_when_something_changed() -> None:
    monitor = Monitor(Scripted(), [A], interval_s=60.0)
    monitor.start()
    await wait(monitor, lambda s: verdict(s) is Verdict.OK and s.vantage is not None)
    before, row = monitor.version, monitor.snapshot().rows[0]
    await asyncio.sleep(0.1)
    assert monitor.version == before
    assert monitor.snapshot().rows[0] is row
    await monitor.stop()


async def test_failure_is_confirmed_then_announced_once_and_so_is_recovery() -> None:
    engine = Scripted()
    monitor = Monitor(engine, [A], interval_s=0.3, retry_s=0.1)
    monitor.start()
    await wait(monitor, lambda s: verdict(s) is Verdict.OK)
    engine.verdicts["a:1"] = Verdict.FAILING
    seen = await wait(monitor, lambda s: verdict(s) is Verdict.FAILING)
    assert {s.tried for s in seen.rows[0].samples[-2:]} <= FAILED
    await asyncio.sleep(0.7)
    engine.verdicts["a:1"] = Verdict.OK
    seen = await wait(monitor, lambda s: verdict(s) is Verdict.OK)
    changes = [(c.number, c.was, c.now) for c in seen.changes]
    assert changes == [(1, Verdict.OK, Verdict.FAILING), (2, Verdict.FAILING, Verdict.OK)]
    await monitor.stop()


async def test_an_error_in_a_check_becomes_a_report_that_names_it() -> None:
    engine = Scripted()
    engine.verdicts["a:1"] = ZeroDivisionError("division by zero")
    monitor = Monitor(engine, [A, B], interval_s=0.3)
    monitor.start()
    seen = await wait(monitor, lambda s: verdict(s, B) is Verdict.OK and verdict(s) is not None)
    report = seen.rows[0].report
    assert report is not None and report.verdict is Verdict.UNKNOWN
    assert report.reason == "the check itself failed: ZeroDivisionError: division by zero"
    await wait(monitor, lambda s: s.rows[0].checks >= 2)  # and it goes on
    await monitor.stop()


async def test_a_vantage_that_cannot_be_read_is_told_and_checks_go_on() -> None:
    class Blind(Scripted):
        async def vantage(self) -> Vantage:
            raise OSError("no netlink")

    monitor = Monitor(Blind(), [A], interval_s=60.0)
    monitor.start()
    seen = await wait(monitor, lambda s: verdict(s) is Verdict.OK and s.notice is not None)
    assert seen.notice == "this machine could not be read: OSError: no netlink"
    assert report_of(seen).targets, "an export does not need it"
    await monitor.stop()


async def test_remove_keeps_and_undo_brings_back_in_its_place() -> None:
    engine = Scripted()
    monitor = Monitor(engine, [A, B], interval_s=0.3)
    monitor.start()
    await wait(monitor, lambda s: all(row.verdict for row in s.rows))
    assert monitor.remove("a:1") is A
    assert monitor.remove("a:1") is None
    assert [row.target for row in monitor.snapshot().rows] == [B]
    checked = engine.checks.count("a:1")
    await asyncio.sleep(0.5)
    assert engine.checks.count("a:1") == checked, "nobody checks it meanwhile"
    assert monitor.undo() is A
    seen = monitor.snapshot()
    assert [row.target for row in seen.rows] == [A, B]
    assert seen.rows[0].verdict is Verdict.OK, "with all that was known of it"
    assert monitor.undo() is None
    await wait(monitor, lambda s: engine.checks.count("a:1") > checked)
    await monitor.stop()


async def test_add_takes_each_target_once_and_checks_it_at_once() -> None:
    engine = Scripted()
    monitor = Monitor(engine, [A], interval_s=60.0)
    monitor.start()
    assert monitor.add(B) and not monitor.add(B)
    await wait(monitor, lambda s: verdict(s, B) is Verdict.OK)
    assert engine.checks.count("b:2") == 1
    await monitor.stop()


async def test_pause_stops_checks_leaves_a_gap_and_check_now_still_works() -> None:
    engine = Scripted()
    now = [0.0]
    monitor = Monitor(engine, [A], interval_s=0.3, clock=lambda: now[0] + time.monotonic())
    monitor.start()
    await wait(monitor, lambda s: verdict(s) is Verdict.OK)
    monitor.pause()
    assert monitor.snapshot().paused
    await asyncio.sleep(0.4)
    checks = len(engine.checks)
    await asyncio.sleep(0.7)
    assert len(engine.checks) == checks
    monitor.check_now("a:1")
    await wait(monitor, lambda s: len(engine.checks) == checks + 1)
    now[0] += 600.0
    monitor.resume()
    seen = await wait(
        monitor,
        lambda s: (
            s.rows[0].samples[-1].tried is Tried.ANSWERED
            and Tried.GAP in {x.tried for x in s.rows[0].samples}
        ),
    )
    assert not seen.paused and seen.rows[0].loss == 0.0
    await monitor.stop()


async def test_stop_takes_less_than_a_second_even_if_a_check_does_not_let_go() -> None:
    over = asyncio.Event()

    class Stubborn(Scripted):
        async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
            self.checks.append(target.text)
            while not over.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await over.wait()
            yield TargetReport(target, Verdict.OK)

    engine = Stubborn()
    monitor = Monitor(engine, [A], interval_s=1.0)
    monitor.start()
    await wait(monitor, lambda s: bool(engine.checks))
    started = time.monotonic()
    await monitor.stop()
    took = time.monotonic() - started
    over.set()
    assert STOP_S < 1.0 and took < 4.0, "it would wait for ever"


async def test_two_hundred_targets_start_staggered() -> None:
    engine = Scripted()
    targets = [Target(f"t{n}:1", Kind.TCP, f"t{n}", 1) for n in range(200)]
    monitor = Monitor(engine, targets, interval_s=3.0)
    monitor.start()
    await asyncio.sleep(0.2)
    assert 0 < len(engine.checks) < 120, "not all in one burst"
    await wait(monitor, lambda s: s.counts == {Verdict.OK: 200})
    await monitor.stop()
