"""The targets under watch, and the snapshot of what is known of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from netwhy.core.model import Report, RootCause, Target, TargetReport, Vantage, Verdict
from netwhy.core.record import REST_S, Moment, Record
from netwhy.core.snapshot import Change, Row, Snapshot
from netwhy.monitor.watch import Checker, Watch, told, uptime

CHANGES = 50  # changes of state kept for announcing
RETRY_S = 0.5  # between a failure after a success and the check that confirms it
STOP_S = 0.8  # how long stop() waits for cancelled checks
VANTAGE_S = 3.0
STAGGER_S = 0.05


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
        self._watches: dict[str, Watch] = {}
        self._removed: list[tuple[int, Watch]] = []
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
            self._notices[name] = f"checking {name} stopped: {told(error)}"
            self.version += 1

    # --------------------------------------------------------------------------- the targets

    def add(self, target: Target) -> bool:
        """Watch one more target; False if it is watched already."""
        if target.text in self._watches:
            return False
        watch = self._watches[target.text] = self._watch(
            Record(target, interval_s=self.interval_s, retry_s=self._retry_s)
        )
        self.version += 1
        if self._running:
            self._begin(watch, 0.0)
        return True

    def __contains__(self, text: str) -> bool:
        return text in self._watches

    def _watch(self, record: Record) -> Watch:
        watch = Watch(record, self._engine, self._clock, learned=self._moved, settled=self._settle)
        watch.paused = self._paused
        return watch

    def _moved(self) -> None:
        self.version += 1

    def remove(self, text: str, *, undoable: bool = True) -> Target | None:
        """Stop watching a target; `undo` brings it back with all that was known of it."""
        if text not in self._watches:
            return None
        place = list(self._watches).index(text)
        watch = self._watches.pop(text)
        if watch.task is not None:
            watch.task.cancel()
        if undoable:
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
            watch = self._watch(old.record)
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
        for watch in self._watches.values():
            watch.paused = True

    def resume(self) -> None:
        """Check every target at once and go on."""
        self._paused = False
        self.version += 1
        for watch in self._watches.values():
            watch.paused = False
            if not watch.checking:
                watch.wake.set()

    # ---------------------------------------------------------------------------- the checks

    def _begin(self, watch: Watch, delay_s: float) -> None:
        watch.task = self._spawn(watch.repeat(delay_s), watch.record.target.label)

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
            before = self._vantage
            try:
                self._vantage = await self._engine.vantage()
                self.tell("vantage", None)
            except Exception as error:  # told on the screen; checks go on without it
                self.tell("vantage", f"this machine could not be read: {told(error)}")
            if before != self._vantage:
                self.version += 1
            await asyncio.sleep(VANTAGE_S)

    def tell(self, about: str, problem: str | None) -> None:
        """Note what cannot be done now; None when it can again."""
        if self._notices.get(about) != problem:
            self._notices.pop(about, None)
            if problem is not None:
                self._notices[about] = problem
            self.version += 1

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


def _nowhere() -> Vantage:
    """This machine as far as Python knows it, until the engine has read it."""
    import platform

    names = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}
    system = platform.system()
    return Vantage(platform.node(), names.get(system, system.lower()), privileged=False)
