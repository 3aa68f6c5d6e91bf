"""The targets under watch, and the snapshot of what is known of them."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from netwhy.core.model import RootCause, Target, TargetReport, Vantage, Verdict
from netwhy.core.record import REST_S, Moment, Record, same_news
from netwhy.core.snapshot import Change, Row, Snapshot, Standstill
from netwhy.monitor.journal import Journal
from netwhy.monitor.reporting import report_of
from netwhy.monitor.standstill import LOOK_S, Clocks
from netwhy.monitor.watch import Checker, Watch, today, told, uptime

CHANGES = 50  # changes of state kept for announcing
RETRY_S = 0.5  # between a failure after a success and the first check that confirms it
TOLD_S = 5.0  # a standstill that is shorter is a gap in the strip and no news
WAKE_S = 2.0  # after a sleep: until the first check
CALM_S = 10.0  # after a sleep: until a failure is believed
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
        wall: Callable[[], datetime] = today,
        journal: Journal | None = None,
        clocks: Clocks | None = None,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """`clocks` tell of standstills, `clock` when something happened; `dice` are from 0 to 1."""
        self.version = 0
        self.interval_s = max(REST_S, interval_s)
        self._engine = engine
        self._retry_s = retry_s
        self._clock = clock
        self._wall = wall
        self._journal = journal or Journal()
        self._clocks = clocks or Clocks()
        self._standstill: Standstill | None = None
        self._dice = dice
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
        self._clocks.look()
        self._spawn(self._watch_vantage(), "vantage")
        self._spawn(self._watch_clocks(), "the clocks")
        count = max(1, len(self._watches))
        for index, watch in enumerate(self._watches.values()):
            self._begin(watch, index * min(STAGGER_S, watch.record.interval_s / count))

    def halt(self) -> None:
        """Begin nothing more and let go of what runs; does not wait for it."""
        self._running = False
        for task in self._tasks:
            task.cancel()

    async def stop(self) -> None:
        """End every check; returns within a second even if one does not let go."""
        self.halt()
        tasks = tuple(self._tasks)
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

    def add(self, target: Target, *, delay_s: float = 0.0) -> bool:
        """Watch one more target; False if it is watched already."""
        if target.text in self._watches:
            return False
        watch = self._watches[target.text] = self._watch(
            Record(target, interval_s=self.interval_s, retry_s=self._retry_s, dice=self._dice)
        )
        self.version += 1
        self._journal.added(target)
        if self._running:
            self._begin(watch, delay_s)
        return True

    def add_all(self, targets: Sequence[Target]) -> int:
        """Watch these as well, not all at the same moment; how many were not watched before."""
        new = [target for target in targets if target.text not in self._watches]
        new = list({target.text: target for target in new}.values())
        stagger_s = min(STAGGER_S, self.interval_s / max(1, len(new)))
        for index, target in enumerate(new):
            self.add(target, delay_s=index * stagger_s)
        return len(new)

    def change(self, target: Target) -> bool:
        """Give a target other options; what is known of it stays.

        False if it is not watched, or has them already.
        """
        watch = self._watches.get(target.text)
        if watch is None or watch.record.target == target:
            return False
        watch.record.retarget(target, self.interval_s)
        self._journal.changed(target)
        self._settled += 1  # the roll-up speaks of its label
        self.version += 1
        self._wake(watch)
        return True

    def set_interval(self, interval_s: float) -> None:
        """Check every target so often that has no interval of its own."""
        self.interval_s = max(REST_S, interval_s)
        self._journal.every(self.interval_s)
        self.version += 1
        for watch in self._watches.values():
            before = watch.record.interval_s
            watch.record.retarget(watch.record.target, self.interval_s)
            if watch.record.interval_s == before or watch.checking or watch.task is None:
                continue
            if watch.record.confirming:
                continue  # its rest is short, and the check after it must be a whole one
            watch.task.cancel()  # it rests, perhaps for very long
            self._begin(watch, self._dice() * watch.record.interval_s)

    def __contains__(self, text: str) -> bool:
        return text in self._watches

    def _watch(self, record: Record) -> Watch:
        watch = Watch(
            record,
            self._engine,
            self._clock,
            learned=self._moved,
            settled=self._settle,
            look=self._look,
        )
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
        self._journal.removed(watch.record.target, undoable=undoable)
        return watch.record.target

    def undo(self) -> Target | None:
        """Bring back the target removed last; None if there is none."""
        while self._removed:
            place, old = self._removed.pop()
            target = old.record.target
            if target.text in self._watches:
                continue  # added again by hand meanwhile
            old.record.retarget(target, self.interval_s)
            old.record.interrupt(self._clock())
            watch = self._watch(old.record)
            order = list(self._watches.items())
            order.insert(place, (target.text, watch))
            self._watches = dict(order)
            self._settled += 1
            self.version += 1
            self._journal.returned(target)
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
        self._journal.paused(True)
        for watch in self._watches.values():
            watch.paused = True

    def resume(self) -> None:
        """Check every target at once and go on."""
        self._paused = False
        self.version += 1
        self._journal.paused(False)
        for watch in self._watches.values():
            watch.record.interrupt(self._clock())
            watch.paused = False
            if not watch.checking:
                watch.wake.set()

    # ---------------------------------------------------------------------------- the checks

    def _begin(self, watch: Watch, delay_s: float) -> None:
        watch.task = self._spawn(watch.repeat(delay_s), watch.record.target.label)

    def _settle(self, record: Record, report: TargetReport) -> None:
        was, now = record.verdict, Moment(self._wall(), self._clock())
        before = record.report
        self.version += 1
        self._journal.settled(report, record.began_s, now)
        if not record.settle(report, now):
            return
        if not same_news(before, report):
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
            if before != self._vantage and self._vantage is not None:
                self.see(self._vantage)
            await asyncio.sleep(VANTAGE_S)

    def see(self, vantage: Vantage) -> None:
        """Take in what this machine looks like now."""
        self._vantage = vantage
        self._journal.seen(vantage)
        self.version += 1

    def enter(self, report: TargetReport, began_s: float) -> None:
        """Take in a check that was made elsewhere and ended now; began_s is on this clock."""
        watch = self._watches.get(report.target.text)
        if watch is not None:
            watch.record.begin(began_s)
            self._settle(watch.record, report)
            now = self._clock()
            watch.record.rest(now - began_s, now)

    async def _watch_clocks(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self._look()

    def _look(self) -> None:
        """After a standstill no check under way counts, and each is made again."""
        found = self._clocks.look()
        if found is None:
            return
        forget = getattr(self._engine, "forget", None)
        if forget is not None:  # an engine may have kept answers that the standstill has spoilt
            forget()
        loop, now_s = asyncio.get_running_loop(), self._clock()
        stagger_s = min(STAGGER_S, self.interval_s / max(1, len(self._watches)))
        for index, watch in enumerate(self._watches.values()):
            # A rest is not measured in sleep: without waking it would go on for all that is left.
            if watch.checking or found.asleep:
                watch.discard()
                pause_s = (WAKE_S if found.asleep else 0.0) + index * stagger_s
                loop.call_later(pause_s, self._wake, watch)
        self.stood_still(found, now_s)

    def stood_still(self, found: Standstill, now_s: float) -> None:
        """Take in that nothing ran for a time; `now_s` is on this clock."""
        self._journal.stood_still(found)
        for watch in self._watches.values():
            watch.record.interrupt(now_s, CALM_S if found.asleep else 0.0)
        if found.seconds >= TOLD_S and not self._paused:
            self._standstill = found
        self.version += 1

    def _wake(self, watch: Watch) -> None:
        if not watch.paused:
            watch.wake.set()

    def tell(self, about: str, problem: str | None) -> None:
        """Note what cannot be done now; None when it can again."""
        if self._notices.get(about) != problem:
            self._notices.pop(about, None)
            if problem is not None:
                self._notices[about] = problem
            self._journal.told(about, problem)
            self.version += 1

    # -------------------------------------------------------------------------- the snapshot

    @property
    def announced(self) -> int:
        """How many changes of state there were."""
        return self._announced

    @property
    def now_s(self) -> float:
        """Seconds on the clock of the rows' `since_s`."""
        return self._clock()

    @property
    def now(self) -> datetime:
        return self._wall()

    def snapshot(self) -> Snapshot:
        """Everything known now.  Rows of targets that did not change are the same objects."""
        rows = tuple(watch.record.row() for watch in self._watches.values())
        counts: dict[Verdict | None, int] = {}
        for row in rows:
            counts[row.verdict] = counts.get(row.verdict, 0) + 1
        snapshot = Snapshot(
            version=self.version,
            taken_at=self._wall(),
            uptime_s=self._clock(),
            rows=rows,
            root_causes=self._rolled[1],
            vantage=self._vantage,
            counts=counts,
            paused=self._paused,
            interval_s=self.interval_s,
            changes=tuple(self._changes),
            notice=next(iter(self._notices.values()), None),
            standstill=self._standstill,
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
