"""One target under watch: the loop that checks it for ever and fills its record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

from netwhy.core.model import Target, TargetReport, Vantage
from netwhy.core.record import Record, untold
from netwhy.system.clock import uptime

__all__ = ["Checker", "Pulsing", "Watch", "today", "told", "uptime"]

CHECK_CAP_S = 120.0  # far beyond any deadline of the engine: a check that hangs is told as such


class Checker(Protocol):
    """What the monitor needs of the engine."""

    def check(self, target: Target) -> AsyncGenerator[TargetReport, None]: ...

    async def vantage(self) -> Vantage: ...


@runtime_checkable
class Pulsing(Protocol):
    """An engine that can also tell whether a target is as the last check found it."""

    async def pulse(self, target: Target) -> TargetReport | None: ...

    def distrust(self) -> None: ...


def today() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


class Wake(asyncio.Event):
    """Ends a rest: somebody calls (`called`), or the rest is over."""

    called = False

    def set(self) -> None:
        self.called = True
        super().set()

    def lapse(self) -> None:
        """The rest is over."""
        super().set()

    def clear(self) -> None:
        self.called = False
        super().clear()


class Watch:
    """Checks one target again and again.  `wake` ends a rest; `paused` makes it last.

    `learned` is called when a check under way has told something new, `settled` with the report
    of each check that ended, and `look` before, to find out whether the check stood still.
    """

    def __init__(
        self,
        record: Record,
        engine: Checker,
        clock: Callable[[], float],
        *,
        learned: Callable[[], None],
        settled: Callable[[Record, TargetReport], None],
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self.record = record
        self.checking = False
        self.paused = False
        self.wake = Wake()
        self.task: asyncio.Task[None] | None = None
        self._engine = engine
        self._pulsing = engine if isinstance(engine, Pulsing) else None
        self._clock = clock
        self._learned = learned
        self._settled = settled
        self._look = look
        self._void = False  # the check under way stood still: what it tells is not true
        self._cap: asyncio.Timeout | None = None

    def discard(self) -> None:
        """End the check under way; nothing that it tells counts.  Then it rests until woken."""
        if self.checking:
            self._void = True
            if self._cap is not None:
                with suppress(RuntimeError):  # it has just ended
                    self._cap.reschedule(asyncio.get_running_loop().time())

    async def repeat(self, delay_s: float) -> None:
        """Check for ever.  A slow check delays the next and never overlaps it."""
        if delay_s or self.paused:
            await self._rest(delay_s)
        whole = False
        while True:
            started = self._clock()
            self.record.begin(started)
            self.wake.clear()
            self._void, self.checking = False, True
            try:
                report = await (self._check() if whole else self._next())
                self._look()
            finally:
                self.checking = False
            if _told_to_stop():  # a check that swallowed the cancellation must not begin another
                return
            if self._void:
                whole = await self._rest(self.record.interval_s)
                continue
            self._settled(self.record, report)
            now = self._clock()
            woken = await self._rest(self.record.rest(now - started, now))
            whole = woken or self.record.confirming
            if self.record.confirming and self._pulsing is not None:
                self._pulsing.distrust()  # no answer confirms itself

    async def _rest(self, seconds: float) -> bool:
        """Wait so long, or until woken (True); while paused, until woken."""
        while True:
            # A timer for each rest: asyncio.timeout costs more than the rest of a short check.
            timer = None
            if not self.paused:
                timer = asyncio.get_running_loop().call_later(seconds, self.wake.lapse)
            try:
                await self.wake.wait()
            finally:
                if timer is not None:
                    timer.cancel()
            if self.wake.called:
                return True
            if not self.paused:
                return False
            self.wake.clear()

    async def _next(self) -> TargetReport:
        """A pulse where the target is as the last whole check found it; else a whole check."""
        report = None
        if self._pulsing is not None:
            with suppress(Exception):  # the whole check that follows tells what is wrong
                report = await self._pulsing.pulse(self.record.target)
        if self._void:
            return untold(self.record.target, "")  # a whole check would not count either
        return await self._check() if report is None else report

    async def _check(self) -> TargetReport:
        """One check.  Whatever goes wrong in it becomes a report that says so."""
        target = self.record.target
        check = self._engine.check(target)
        try:
            async with asyncio.timeout(CHECK_CAP_S) as cap, aclosing(check) as reports:
                self._cap = cap
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


def _told_to_stop() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def told(error: BaseException) -> str:
    """An error in one line: its type, and its text where it has one."""
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
