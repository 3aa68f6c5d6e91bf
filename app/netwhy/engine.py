"""Plan → probe → diagnose → ask → …: runs what the diagnosis asks for until it has decided.

The diagnosis is pure: it looks at the facts and returns findings and asks.  Each answer, also an
early word of a probe that still waits, makes it look again, so that the contrast probes of a
silent port start while the port is still silent.  Equal asks are answered once, across targets.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netwhy import __version__
from netwhy.core import asks
from netwhy.core.model import (
    Kind,
    Report,
    RootCause,
    Target,
    TargetReport,
    Vantage,
    Verdict,
    worst,
)
from netwhy.core.target import TargetError, parse
from netwhy.diagnosis.case import Beside
from netwhy.diagnosis.examine import Examination, examine
from netwhy.here import Here
from netwhy.runs import Run, Runs

if TYPE_CHECKING:  # one check needs none of them
    from netwhy.pulse import Pulses

#: Nothing is waited for longer than this after the last probe of a target began.
TARGET_DEADLINE_S = 15.0
_QUEUE_PAUSE_S = 1.0
_MOST_NAMES = 50
#: Targets whose facts other targets may look at; those that were checked last.
_MOST_BESIDE = 50
#: How long they count: what was seen longer ago is asked again where it matters.
_BESIDE_S = 8.0
#: First pause before a failing target with `retries` is tried again; doubles each time.
BACK_OFF_S = 0.5


class Engine(Here):
    """Checks targets.  One engine serves any number of checks at once, in one event loop.

    `timeout_s` replaces the deadline of each connect; `parallel` bounds the targets that
    `check_all` works on at once.
    """

    def __init__(self, *, timeout_s: float | None = None, parallel: int = 64) -> None:
        super().__init__(Runs())
        self._timeout_s = timeout_s
        self._parallel = parallel
        #: Host names of the targets that were ever asked for, the last ones only.
        self._names: dict[str, None] = {}
        #: What was seen of each target of late, for the others to look at.
        self._beside: dict[str, tuple[float, Beside]] = {}
        self._pulses: Pulses | None = None  # from the first pulse on

    def _know(self, targets: Iterable[Target]) -> None:
        """Remember what the user calls his machines: a short name may be one of them."""
        self._names |= dict.fromkeys(t.host for t in targets if t.host and t.address is None)
        for name in [*self._names][:-_MOST_NAMES]:
            del self._names[name]

    def set_timeout(self, timeout_s: float | None) -> None:
        """Replace the deadline of each connect from the next check on."""
        self._timeout_s = timeout_s
        if self._pulses is not None:
            self._pulses.forget()

    def forget(self) -> None:
        """Nothing seen until now counts: this process stood still, and waiting proves nothing."""
        self._runs.forget()
        if self._pulses is not None:
            self._pulses.forget()
        self._beside.clear()

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        """Yield reports of one target as it becomes known; the last one is complete.

        Closing the generator, or cancelling its task, ends every probe that only it waits for.
        """
        self._know((target,))
        for attempt in range(target.options.retries + 1):
            last = attempt == target.options.retries
            report: TargetReport | None = None
            async with contextlib.aclosing(self._attempt(target)) as reports:
                async for report in reports:
                    if not (report.complete and report.verdict is Verdict.FAILING):
                        yield report
            if report is None or report.verdict is not Verdict.FAILING:
                return
            if last:
                if target.options.fallback is not None:
                    yield replace(report, complete=False)
                yield await self._with_fallback(report)
                return
            yield replace(report, complete=False)
            await asyncio.sleep(BACK_OFF_S * 2**attempt)

    async def pulse(self, target: Target) -> TargetReport | None:
        """The report of the last check with what was measured again, at a fraction of its price.

        None: there was none, it is too old, or something is different: check it.
        """
        if self._pulses is None:
            from netwhy.pulse import Pulses

            self._pulses = Pulses(self._runs)
        return await self._pulses.pulse(target)

    def distrust(self) -> None:
        """Let no answer that was given so far serve a check that begins now."""
        self._runs.distrust(time.perf_counter())

    async def _with_fallback(self, report: TargetReport) -> TargetReport:
        """The failing report, with the fallback tried where the target names one."""
        spelling = report.target.options.fallback
        if spelling is None:
            return report
        from netwhy.diagnosis import fallback

        try:
            target = parse(spelling)
        except TargetError as error:
            unreadable = Target(spelling, Kind.HOST)
            reason = error.reason()
            return fallback.attach(report, TargetReport(unreadable, Verdict.UNKNOWN, reason=reason))
        async with contextlib.aclosing(self._attempt(target)) as reports:
            tried = [found async for found in reports if found.complete]
        return fallback.attach(report, tried[-1])

    async def _attempt(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        started = time.perf_counter()
        changed = asyncio.Event()
        mine: dict[asks.Ask[Any], Run] = {}
        told: TargetReport | None = None
        ground = self._pulses.begins() if self._pulses is not None else 0
        try:
            while True:
                changed.clear()
                examination = self._examine(target, mine)
                asked = [a for a in (*examination.wants, *examination.hopes) if a not in mine]
                for ask in asked:
                    mine[ask] = self._runs.join(ask, changed)
                if any(mine[ask].latest is not None for ask in asked):
                    continue  # answered for another check a moment ago: look at it first
                pause = self._pause(examination, mine, started)
                if pause is None:
                    break
                if examination.report != told:
                    told = examination.report
                    yield replace(told, duration_ms=_ms(started), complete=False)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await changed.wait()
            final = examination.report
            asked = [*examination.wants, *examination.hopes]
            if not final.complete or any(mine[ask].ended is None for ask in asked):
                final = self._examine(target, mine, final=True).report
            final = replace(final, duration_ms=_ms(started), complete=True)
            if self._pulses is not None:
                said = {ask: run.latest for ask in asked if (run := mine[ask]).latest is not None}
                self._pulses.keep(final, said, ground)
            yield final
        finally:
            for run in mine.values():
                self._runs.leave(run, changed)

    def _examine(
        self, target: Target, mine: dict[asks.Ask[Any], Run], *, final: bool = False
    ) -> Examination:
        facts = {ask: run.latest for ask, run in mine.items() if run.latest is not None}
        names = tuple(name for name in self._names if name != target.host)
        found = examine(
            target,
            facts,
            timeout_s=self._timeout_s,
            final=final,
            beside=names,
            others=lambda: self._others(target),
        )
        if found.report.addresses:
            still = frozenset(ask for ask, run in mine.items() if run.ended is None)
            seen = Beside(target, found.report.addresses, facts, still)
            self._beside.pop(target.text, None)  # the last one seen stands last
            self._beside[target.text] = (time.perf_counter(), seen)
            if len(self._beside) > _MOST_BESIDE:
                del self._beside[next(iter(self._beside))]
        return found

    def _others(self, target: Target) -> Iterator[Beside]:
        """What is known of the other targets; only few examinations look at them."""
        now = time.perf_counter()
        for text, (when, other) in self._beside.items():
            if text != target.text:
                yield other if now - when < _BESIDE_S else replace(other, facts={})

    def _pause(
        self, examination: Examination, mine: dict[asks.Ask[Any], Run], started: float
    ) -> float | None:
        """How long to wait for the next answer; None when there is nothing worth waiting for."""
        now = time.perf_counter()
        needed = [mine[ask] for ask in examination.wants if mine[ask].ended is None]
        if any(run.started is None for run in needed):
            return _QUEUE_PAUSE_S
        # Time spent in the queue is not the target's: count from the last probe that began.
        begun = max((run.started for run in mine.values() if run.started), default=started)
        left = begun + TARGET_DEADLINE_S - now
        if needed:
            return left if left > 0 else None
        # A probe that was only just asked for has not begun yet.
        patience = [
            (run.started or now) + ask.patience() - now
            for ask in examination.hopes
            if (run := mine[ask]).ended is None
        ]
        longest = min(left, max(patience, default=0.0))
        return longest if longest > 0 else None

    async def check_all(self, targets: Sequence[Target]) -> AsyncGenerator[TargetReport, None]:
        """Check targets side by side and yield their reports as they come, interleaved."""
        self._know(targets)
        places = asyncio.Semaphore(self._parallel)
        reports: asyncio.Queue[TargetReport | BaseException | None] = asyncio.Queue()

        async def one(target: Target) -> None:
            async with places, contextlib.aclosing(self.check(target)) as found:
                async for report in found:
                    reports.put_nowait(report)

        def ended(task: asyncio.Task[None]) -> None:
            error = None if task.cancelled() else task.exception()
            reports.put_nowait(error)

        tasks = [asyncio.create_task(one(target)) for target in targets]
        for task in tasks:
            task.add_done_callback(ended)
        try:
            left = len(tasks)
            while left:
                item = await reports.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    left -= 1
                else:
                    yield item
        finally:
            for task in tasks:
                task.cancel()


def assemble(
    reports: Sequence[TargetReport], *, vantage: Vantage, taken_at: datetime, duration_ms: float
) -> Report:
    """Put the reports of all targets together: the overall verdict and the causes they share."""
    roots: tuple[RootCause, ...] = ()
    if len(reports) > 1:
        from netwhy.diagnosis import rollup

        roots = rollup.root_causes(reports)
    return Report(
        version=__version__,
        taken_at=taken_at,
        duration_ms=duration_ms,
        vantage=vantage,
        verdict=worst(tuple(report.verdict for report in reports)),
        targets=tuple(reports),
        root_causes=roots,
    )


def save(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.  OSError when it cannot be written."""
    from netwhy.system import files

    files.write_atomic(path, data)


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


async def save_soon(path: Path, data: bytes) -> None:
    """As `save`, in a folder made if need be and in a thread: a folder that hangs holds nobody."""
    from netwhy.system import threads

    def work() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, data)

    await threads.call(work)
