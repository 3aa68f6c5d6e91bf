"""One target under watch: the loop that checks it for ever and fills its record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Protocol

from netwhy.core.model import Target, TargetReport, Vantage
from netwhy.core.record import Record, untold

CHECK_CAP_S = 120.0  # far beyond any deadline of the engine: a check that hangs is told as such


class Checker(Protocol):
    """What the monitor needs of the engine."""

    def check(self, target: Target) -> AsyncGenerator[TargetReport, None]: ...

    async def vantage(self) -> Vantage: ...


def uptime() -> float:
    """Seconds on a clock that no one sets and that, where there is one, runs during sleep."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


class Watch:
    """Checks one target again and again.  `wake` ends a rest; `paused` makes it last.

    `learned` is called when a check under way has told something new, `settled` with the report
    of each check that ended.
    """

    def __init__(
        self,
        record: Record,
        engine: Checker,
        clock: Callable[[], float],
        *,
        learned: Callable[[], None],
        settled: Callable[[Record, TargetReport], None],
    ) -> None:
        self.record = record
        self.checking = False
        self.paused = False
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._engine = engine
        self._clock = clock
        self._learned = learned
        self._settled = settled

    async def repeat(self, delay_s: float) -> None:
        """Check for ever.  A slow check delays the next and never overlaps it."""
        if delay_s or self.paused:
            await self._rest(delay_s)
        while True:
            started = self._clock()
            self.record.begin(started)
            self.wake.clear()
            self.checking = True
            try:
                report = await self._check()
            finally:
                self.checking = False
            self._settled(self.record, report)
            now = self._clock()
            await self._rest(self.record.rest(now - started, now))

    async def _rest(self, seconds: float) -> None:
        """Wait so long, or until woken; while paused, until woken."""
        while True:
            try:
                async with asyncio.timeout(None if self.paused else seconds):
                    await self.wake.wait()
                return
            except TimeoutError:
                if not self.paused:
                    return

    async def _check(self) -> TargetReport:
        """One check.  Whatever goes wrong in it becomes a report that says so."""
        target = self.record.target
        check = self._engine.check(target)
        try:
            async with asyncio.timeout(CHECK_CAP_S) as cap, aclosing(check) as reports:
                async for report in reports:
                    if report.complete:
                        return report
                    if self.record.learn(report):
                        self._learned()
        except Exception as error:  # the screen is the only place that can tell it
            if isinstance(error, TimeoutError) and cap.expired():
                return untold(target, f"the check did not end within {CHECK_CAP_S:.0f} s")
            return untold(target, f"the check itself failed: {told(error)}")
        return untold(target, "the check ended without a result")


def told(error: BaseException) -> str:
    """An error in one line: its type, and its text where it has one."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
