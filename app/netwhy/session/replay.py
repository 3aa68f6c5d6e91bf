"""Shows a recorded session again: a monitor that checks nothing and is told what was recorded.

It moves through the session at any speed, event by event, or to the next change of state.  There
is no network in it: no engine, no socket, no name looked up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NoReturn

from netwhy.core.listing import NoListing
from netwhy.core.model import Target, TargetReport, Vantage
from netwhy.core.observations import Socket
from netwhy.core.record import untold
from netwhy.core.snapshot import Replayed, Snapshot, Standstill
from netwhy.monitor import Monitor
from netwhy.session import lines
from netwhy.session.reading import Session, SessionError

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
SLOWEST, FASTEST = 0.01, 1000.0
PACE_S = 0.1
#: A longer time in which nothing was recorded is left out.
IDLE_S = 30.0
#: Events that are taken in before a key gets its turn.
AT_ONCE = 40

_Told = tuple[lines.AnyEvent, Target | TargetReport | None]


class Nothing:
    """The engine of a replay: it does nothing and says so."""

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        yield untold(target, "this is a replay: nothing is checked")

    async def vantage(self) -> Vantage:
        raise NoListing("a replay does not look at this machine")

    async def default_targets(self) -> tuple[Target, ...]:
        return ()

    async def listing(self, *, everything: bool = False, named: bool = False) -> NoReturn:
        raise NoListing("A recorded session holds targets, and no local ports.")

    async def named(self, sockets: Sequence[Socket]) -> tuple[Socket, ...]:
        return ()

    async def freeing(self, port: int, transport: str) -> NoReturn:
        raise NoListing("this is a replay: nothing is ended")


class Replay:
    """What a screen needs of a monitor, over a recorded session."""

    def __init__(self, session: Session, *, speed: float = 1.0) -> None:
        self.session = session
        self.engine = Nothing()
        self.speed = speed
        self.version = 0
        self.paused = False
        self.over = False
        self._task: asyncio.Task[None] | None = None
        self._jump = asyncio.Lock()  # held on the way to the next change
        self._rewind()

    def _rewind(self) -> None:
        self._monitor = Monitor(
            self.engine,
            (),
            interval_s=self.session.interval_s,
            clock=lambda: self._position_s,
            wall=lambda: self.now,
            dice=lambda: 0.5,
        )
        self._targets: dict[int, Target] = {}
        self._stood = 0
        self._events: Iterator[_Told] = self.session.read()
        self._next = next(self._events, None)
        self._position_s = self._next[0].at_s if self._next else 0.0
        self._last = (self._position_s, self.session.began)
        self._seen = (-1, -1)
        self.over = False
        self.version += 1
        self._go_to(self._position_s)

    # ------------------------------------------------------------------------------ the life

    def start(self) -> None:
        """Begin to move.  Needs a running event loop."""
        self._task = asyncio.create_task(self._move(), name="replay")

    def halt(self) -> None:
        """Move no more."""
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _move(self) -> None:
        before = time.monotonic()
        while True:
            await asyncio.sleep(PACE_S)
            now = time.monotonic()
            if not (self.paused or self.over or self._jump.locked()):
                await self._patiently(self._position_s + (now - before) * self.speed)
                now = time.monotonic() if self._late() else now
            before = now

    def _late(self) -> bool:
        """Is this machine too slow for the speed?  Then the session just takes longer."""
        return self._next is not None and self._next[0].at_s <= self._position_s

    async def _patiently(self, position_s: float) -> None:
        """Go there, and let keys be answered on the way."""
        events = self._events
        while not self._go_to(position_s, most=AT_ONCE):
            await asyncio.sleep(0)
            if self.paused or self._jump.locked() or self._events is not events:
                return

    # --------------------------------------------------------------------------- the movement

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds of the session."""
        self._go_to(self._position_s + seconds)

    def _go_to(self, position_s: float, *, most: int | None = None) -> bool:
        """Take in what happened until then; False when it stops before, after `most` events."""
        taken = 0
        while self._next is not None and self._next[0].at_s <= position_s:
            if taken == most:
                self._count()
                return False
            self._take()
            taken += 1
        if self._next is None:
            self._end()
        elif self._next[0].at_s - self._position_s > IDLE_S:
            self._position_s = self._next[0].at_s  # a long rest, or the machine slept
        else:
            self._position_s = max(self._position_s, position_s)
        self._count()
        return True

    def _take(self) -> None:
        """Take in one event and read the one after it."""
        assert self._next is not None
        event, found = self._next
        self._position_s = max(self._position_s, event.at_s)
        self._last = (event.at_s, event.at)
        self._apply(event, found)
        try:
            self._next = next(self._events, None)
        except SessionError as error:  # it has changed since it was read through
            self._monitor.tell("replay", str(error))
            self._next = None

    def _apply(self, event: lines.AnyEvent, found: Target | TargetReport | None) -> None:
        match event, found:
            case lines.Added(target=number), Target() as target:
                self._targets[number] = target
                self._monitor.add(target)
            case lines.Changed(), Target() as target:
                self._monitor.change(target)
            case lines.Removed(undoable=undoable), Target(text=text):
                self._monitor.remove(text, undoable=undoable)
            case lines.Returned(), Target():
                self._monitor.undo()
            case lines.Checked(began_s=began_s), TargetReport() as report:
                self._monitor.enter(report, began_s)
            case lines.Paused(paused=True), _:
                self._monitor.pause()
            case lines.Paused(paused=False), _:
                self._monitor.resume()
            case lines.Seen(vantage=vantage), _:
                self._monitor.see(vantage)
            case lines.Told(about=about, problem=problem), _:
                self._monitor.tell(about, problem)
            case lines.Every(interval_s=interval_s), _:
                self._monitor.set_interval(interval_s)
            case lines.Stood(began=began, seconds=seconds, asleep=asleep), _:
                self._stood += 1
                stood = Standstill(self._stood, began, seconds, asleep)
                self._monitor.stood_still(stood, self._position_s)
            case lines.Missed(events=events), _:
                self._monitor.tell("replay", f"{events} events were not recorded here")

    def _end(self) -> None:
        if not self.over:
            self.over = True
            self.version += 1

    def _count(self) -> None:
        """The version moves with what is known, and with each second of the session."""
        seen = (self._monitor.version, int(self._position_s))
        if seen != self._seen:
            self._seen = seen
            self.version += 1

    # --------------------------------------------------------------------------- the controls

    def pause(self) -> None:
        self.paused = True
        self.version += 1

    def resume(self) -> None:
        self.paused = False
        self.version += 1

    def faster(self) -> None:
        self._set_speed(next((s for s in SPEEDS if s > self.speed), self.speed))

    def slower(self) -> None:
        self._set_speed(next((s for s in reversed(SPEEDS) if s < self.speed), self.speed))

    def _set_speed(self, speed: float) -> None:
        self.speed = speed
        self.version += 1

    def step(self) -> None:
        """Stand still, and take in the next check that ended."""
        self.pause()
        while self._next is not None:
            ended = isinstance(self._next[0], lines.Checked)
            self._take()
            if ended:
                break
        if self._next is None:
            self._end()
        self._count()

    async def to_next_change(self) -> bool:
        """Go on until a target changes its state; False when none does any more."""
        async with self._jump:  # two keys, two changes
            monitor, taken = self._monitor, 0
            announced = monitor.announced
            while self._next is not None and self._monitor.announced == announced:
                self._take()
                taken += 1
                if taken % AT_ONCE == 0:
                    await asyncio.sleep(0)
                if self._monitor is not monitor:  # sent back to the begin meanwhile
                    return True
            if self._next is None:
                self._end()
            self._count()
            return self._monitor.announced != announced

    def again(self) -> None:
        """Show it once more, from its begin."""
        self._rewind()
        self.resume()

    # --------------------------------------------------------------------------- the snapshot

    @property
    def now_s(self) -> float:
        return self._position_s

    @property
    def now(self) -> datetime:
        """The wall clock of the session, at this place of it."""
        at_s, at = self._last
        assert at is not None  # a session without an event is refused
        return at + timedelta(seconds=min(max(0.0, self._position_s - at_s), IDLE_S))

    def snapshot(self) -> Snapshot:
        """What was known at this place of the session."""
        session = self.session
        assert session.began is not None and session.ended is not None
        return replace(
            self._monitor.snapshot(),
            version=self.version,
            replayed=Replayed(
                session.began, session.ended, self.speed, self.paused, self.over, session.cut
            ),
        )

    # ---------------------------------------------------------- what a replay cannot be asked for

    def __contains__(self, text: str) -> bool:
        return text in self._monitor

    def add(self, target: Target) -> bool:
        return False

    def add_all(self, targets: Sequence[Target]) -> int:
        return 0

    def remove(self, text: str, *, undoable: bool = True) -> Target | None:
        return None

    def undo(self) -> Target | None:
        return None

    def check_now(self, text: str | None = None) -> None:
        return None
