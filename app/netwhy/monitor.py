"""The live monitor: repeats checks on an interval and keeps what the last ones told.

Checks write here at any rate; a screen takes a frozen `Snapshot` when `version` has moved.
Nothing here knows how it is shown.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from netwhy.core.model import Report, RootCause, Target, TargetReport, Vantage, Verdict
from netwhy.core.record import REST_S, Moment, Record, untold
from netwhy.core.snapshot import Change, Row, Snapshot

__all__ = ["Change", "Checker", "Monitor", "Row", "Snapshot", "report_of", "uptime"]

CHANGES = 50  # changes of state kept for announcing
CHECK_CAP_S = 120.0  # far beyond any deadline of the engine: a check that hangs is told as such
RETRY_S = 0.5  # between a failure after a success and the check that confirms it
STOP_S = 0.8  # how long stop() waits for cancelled checks
VANTAGE_S = 10.0
STAGGER_S = 0.05


class Checker(Protocol):
    """What the monitor needs of the engine."""

    def check(self, target: Target) -> AsyncGenerator[TargetReport, None]: ...

    async def vantage(self) -> Vantage: ...


def uptime() -> float:
    """Seconds on a clock that no one sets and that, where there is one, runs during sleep."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def report_of(snapshot: Snapshot, only: TargetReport | None = None) -> Report:
    """The snapshot as one report, without targets never wholly checked; or `only` this one."""
    from netwhy.engine import assemble

    found = (only,) if only else tuple(row.report for row in snapshot.rows)
    reports = tuple(report for report in found if report is not None)
    return assemble(
        reports,
        vantage=snapshot.vantage or _nowhere(),
        taken_at=snapshot.taken_at,
        duration_ms=max((r.duration_ms for r in reports), default=0.0),
    )


@dataclass(eq=False, slots=True)
class _Watch:
    """One target under watch: its record and the task that fills it."""

    record: Record
    checking: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Monitor:
    """Checks targets again and again; `snapshot()` is what is known now."""

    def __init__(
        self,
        engine: Checker,
        targets: Sequence[Target],
        *,
        interval_s: float = 2.0,
        retry_s: float = RETRY_S,
        clock: Callable[[], float] = uptime,
    ) -> None:
        self.version = 0
        self.interval_s = max(REST_S, interval_s)
        self._engine = engine
        self._retry_s = retry_s
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._removed: list[tuple[int, _Watch]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._running = False
        self._paused = False
        self._vantage: Vantage | None = None
        self._notices: dict[str, str] = {}  # what the monitor itself could not do
        self._changes: deque[Change] = deque(maxlen=CHANGES)
        self._announced = 0
        self._settled = 0  # grows with each report that the roll-up must see
        self._rolled: tuple[int, tuple[RootCause, ...]] = (0, ())
        for target in targets:
            self.add(target)

    # ------------------------------------------------------------------------------ the life

    def start(self) -> None:
        """Begin checking.  Needs a running event loop."""
        self._running = True
        self._spawn(self._watch_vantage(), "vantage")
        count = max(1, len(self._watches))
        for index, watch in enumerate(self._watches.values()):
            self._begin(watch, index * min(STAGGER_S, watch.record.interval_s / count))

    async def stop(self) -> None:
        """End every check; returns within a second even if one does not let go."""
        self._running = False
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=STOP_S)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A loop that ends by an error says so on the screen instead of vanishing."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            name = task.get_name()
            self._notices[name] = f"checking {name} stopped: {_told(error)}"
            self.version += 1

    # --------------------------------------------------------------------------- the targets

    def add(self, target: Target) -> bool:
        """Watch one more target; False if it is watched already."""
        if target.text in self._watches:
            return False
        record = Record(target, interval_s=self.interval_s, retry_s=self._retry_s)
        watch = self._watches[target.text] = _Watch(record)
        self.version += 1
        if self._running:
            self._begin(watch, 0.0)
        return True

    def remove(self, text: str) -> Target | None:
        """Stop watching a target; `undo` brings it back with all that was known of it."""
        if text not in self._watches:
            return None
        place = list(self._watches).index(text)
        watch = self._watches.pop(text)
        if watch.task is not None:
            watch.task.cancel()
        self._removed.append((place, watch))
        self._settled += 1
        self.version += 1
        return watch.record.target

    def undo(self) -> Target | None:
        """Bring back the target removed last; None if there is none."""
        while self._removed:
            place, old = self._removed.pop()
            target = old.record.target
            if target.text in self._watches:
                continue  # added again by hand meanwhile
            watch = _Watch(old.record)
            order = list(self._watches.items())
            order.insert(place, (target.text, watch))
            self._watches = dict(order)
            self._settled += 1
            self.version += 1
            if self._running:
                self._begin(watch, 0.0)
            return target
        return None

    def check_now(self, text: str | None = None) -> None:
        """Check one target, or all, without waiting for the interval; also while paused."""
        for name, watch in self._watches.items():
            if text in (None, name):
                watch.wake.set()

    @property
    def paused(self) -> bool:
        return self._paused

    def pause(self) -> None:
        """Start no more checks; one that runs may end."""
        self._paused = True
        self.version += 1

    def resume(self) -> None:
        """Check every target at once and go on."""
        self._paused = False
        self.version += 1
        for watch in self._watches.values():
            if not watch.checking:
                watch.wake.set()

    # ---------------------------------------------------------------------------- the checks

    def _begin(self, watch: _Watch, delay_s: float) -> None:
        watch.task = self._spawn(self._repeat(watch, delay_s), watch.record.target.label)

    async def _repeat(self, watch: _Watch, delay_s: float) -> None:
        """Check one target for ever.  A slow check delays the next and never overlaps it."""
        if delay_s or self._paused:
            await self._rest(watch, delay_s)
        while True:
            started = self._clock()
            watch.record.begin(started)
            watch.wake.clear()
            watch.checking = True
            try:
                report = await self._check(watch.record)
            finally:
                watch.checking = False
            self._settle(watch.record, report)
            now = self._clock()
            await self._rest(watch, watch.record.rest(now - started, now))

    async def _rest(self, watch: _Watch, seconds: float) -> None:
        """Wait so long, or until woken; while paused, until woken."""
        while True:
            try:
                async with asyncio.timeout(None if self._paused else seconds):
                    await watch.wake.wait()
                return
            except TimeoutError:
                if not self._paused:
                    return

    async def _check(self, record: Record) -> TargetReport:
        """One check.  Whatever goes wrong in it becomes a report that says so."""
        target = record.target
        check = self._engine.check(target)
        try:
            async with asyncio.timeout(CHECK_CAP_S) as cap, aclosing(check) as reports:
                async for report in reports:
                    if report.complete:
                        return report
                    if record.learn(report):
                        self.version += 1
        except Exception as error:  # the screen is the only place that can tell it
            if isinstance(error, TimeoutError) and cap.expired():
                return untold(target, f"the check did not end within {CHECK_CAP_S:.0f} s")
            return untold(target, f"the check itself failed: {_told(error)}")
        return untold(target, "the check ended without a result")

    def _settle(self, record: Record, report: TargetReport) -> None:
        was, now = record.verdict, Moment(datetime.now(UTC), self._clock())
        self.version += 1
        if not record.settle(report, now):
            return
        self._settled += 1
        if was is not None and was is not report.verdict:
            self._announced += 1
            self._changes.append(_change(self._announced, was, record.row(), now.wall))

    async def _watch_vantage(self) -> None:
        while True:
            before = (self._vantage, self._notices.get("vantage"))
            try:
                self._vantage = await self._engine.vantage()
                self._notices.pop("vantage", None)
            except Exception as error:  # told on the screen; checks go on without it
                self._notices["vantage"] = f"this machine could not be read: {_told(error)}"
            if before != (self._vantage, self._notices.get("vantage")):
                self.version += 1
            await asyncio.sleep(VANTAGE_S)

    # -------------------------------------------------------------------------- the snapshot

    def snapshot(self) -> Snapshot:
        """Everything known now.  Rows of targets that did not change are the same objects."""
        rows = tuple(watch.record.row() for watch in self._watches.values())
        counts: dict[Verdict | None, int] = {}
        for row in rows:
            counts[row.verdict] = counts.get(row.verdict, 0) + 1
        snapshot = Snapshot(
            version=self.version,
            taken_at=datetime.now(UTC),
            uptime_s=self._clock(),
            rows=rows,
            root_causes=self._rolled[1],
            vantage=self._vantage,
            counts=counts,
            paused=self._paused,
            interval_s=self.interval_s,
            changes=tuple(self._changes),
            notice=next(iter(self._notices.values()), None),
        )
        if self._rolled[0] == self._settled:
            return snapshot
        # The roll-up looks at every report: only when one of them is new.
        self._rolled = (self._settled, report_of(snapshot).root_causes)
        return replace(snapshot, root_causes=self._rolled[1])


def _change(number: int, was: Verdict, row: Row, when: datetime) -> Change:
    report = row.report
    assert report is not None and row.verdict is not None  # it has just been settled
    title = report.diagnosis.title if report.diagnosis else report.reason
    return Change(number, row.since or when, row.target, was, row.verdict, title)


def _told(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _nowhere() -> Vantage:
    """This machine as far as Python knows it, until the engine has read it."""
    import platform

    names = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}
    system = platform.system()
    return Vantage(platform.node(), names.get(system, system.lower()), privileged=False)
