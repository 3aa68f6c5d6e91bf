"""One run over targets: progress while it works, results as they come, Ctrl-C at any time."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import FrameType

from netwhy.commands.reporters import Reporter
from netwhy.commands.streams import Closed, Progress
from netwhy.core.model import Report, Target, TargetReport, Vantage, Verdict
from netwhy.engine import Engine, assemble

INTERRUPTED = 130
PATIENCE_S = 0.3  # a run shorter than this shows no progress: a line that flickers tells nothing
TICK_S = 0.1
#: How long cancelled probes may take to let go before the results are written without them.
LETTING_GO_S = 0.4


class Run:
    """Checks targets and gives each result to a reporter; `report` is what was learned."""

    def __init__(self, engine: Engine, reporter: Reporter, progress: Progress) -> None:
        self._engine = engine
        self._reporter = reporter
        self._progress = progress
        self._latest: dict[str, TargetReport] = {}
        self._vantage: Vantage | None = None
        self._started = time.monotonic()
        self._taken_at = datetime.now(UTC)
        self.signal: int | None = None  # the signal that interrupted the run

    async def over(self, targets: Sequence[Target]) -> Report:
        """Check the targets, or with none this machine, until all are done or a signal comes.

        Raises Closed when nobody reads the results any more and targets are left.
        """
        work = asyncio.create_task(self._work(targets))
        ticker = asyncio.create_task(self._tick())
        stop = asyncio.Event()
        stopped = asyncio.create_task(stop.wait())
        try:
            with self._interruptible(stop):
                await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    work.cancel()
                    await asyncio.wait([work], timeout=LETTING_GO_S)
                if work.done() and not work.cancelled():
                    work.result()  # raises what went wrong inside
                return self._finish()
        finally:
            ticker.cancel()
            stopped.cancel()
            self._progress.erase()

    async def _work(self, targets: Sequence[Target]) -> None:
        self._expect(targets)
        # asked first, so that a line can be written as soon as its target is done
        self._vantage = await self._engine.vantage()
        chosen = targets or await self._engine.default_targets()
        self._expect(chosen)
        async with contextlib.aclosing(self._engine.check_all(chosen)) as reports:
            async for report in reports:
                self._latest[report.target.text] = report
                if report.complete:
                    self._show(report)

    def _expect(self, targets: Sequence[Target]) -> None:
        for target in targets:
            reason = "the check was interrupted before it began"
            self._latest[target.text] = TargetReport(
                target, Verdict.UNKNOWN, reason=reason, complete=False
            )

    def _show(self, report: TargetReport) -> None:
        try:
            self._reporter.finished(report, lambda: self._vantage or unknown_vantage())
        except Closed:
            if any(not known.complete for known in self._latest.values()):
                raise

    def _finish(self) -> Report:
        reports = []
        for known in self._latest.values():
            if not known.complete:
                known = interrupted(known)
                self._show(known)
            reports.append(known)
        report = assemble(
            tuple(reports),
            vantage=self._vantage or unknown_vantage(),
            taken_at=self._taken_at,
            duration_ms=(time.monotonic() - self._started) * 1000,
        )
        if not reports:  # nothing was looked at: that is not "ok"
            report = replace(report, verdict=Verdict.UNKNOWN)
        with contextlib.suppress(Closed):  # everything is known: the verdict stands
            self._reporter.end(report)
        self._reporter.close()
        return report

    @contextlib.contextmanager
    def _interruptible(self, stop: asyncio.Event) -> Iterator[None]:
        """Let SIGINT and SIGTERM end the work; a second signal ends the process at once."""
        loop = asyncio.get_running_loop()

        def interrupt(number: int, _frame: FrameType | None = None) -> None:
            if self.signal is not None:
                os._exit(128 + number)
            self.signal = number
            loop.call_soon_threadsafe(stop.set)

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, interrupt) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _tick(self) -> None:
        if not self._progress.visible:
            return
        await asyncio.sleep(PATIENCE_S)
        while True:
            waiting = [r.target.text for r in self._latest.values() if not r.complete]
            if waiting:
                done = len(self._latest) - len(waiting)
                seconds = time.monotonic() - self._started
                count = f"{done} of {len(self._latest)} done, " if len(self._latest) > 1 else ""
                named = ", ".join(waiting[:5])
                self._progress.show(f"{count}{seconds:.0f} s, checking {named}")
            await asyncio.sleep(TICK_S)


def interrupted(report: TargetReport) -> TargetReport:
    """A report that will not be finished: what it says so far, but never that all is well."""
    if report.verdict is Verdict.OK:
        reason = "the check was interrupted; nothing was wrong up to there"
        return replace(report, verdict=Verdict.UNKNOWN, reason=reason)
    if report.verdict is Verdict.UNKNOWN and not report.reason:
        return replace(report, reason="the check was interrupted before it could decide")
    return report


def unknown_vantage() -> Vantage:
    """What stands for this machine when the run ended before it was looked at."""
    return Vantage(hostname="", platform="", privileged=False)
