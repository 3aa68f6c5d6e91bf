"""Writes a session to a file while it is watched.

What is told here is put on a list at once and written by a thread of its own: a disk that is
full, slow or gone never holds up a check or the screen.  Each line is written whole, as it comes,
so that a crash leaves all that came before it.
"""

from __future__ import annotations

import os
import stat
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from netwhy import __version__
from netwhy.core.model import Target, TargetReport, Vantage
from netwhy.core.record import Moment
from netwhy.core.snapshot import Standstill
from netwhy.monitor import Journal, today, uptime
from netwhy.session import lines
from netwhy.session.changes import changes

#: Events that may wait for the disk; more are counted and not kept.
MOST = 4000
#: How long the end waits for the disk, and how long a file may take to open.
PATIENCE_S, OPENING_S = 0.5, 5.0

_Waiting = tuple[lines.AnyEvent, TargetReport | None]


class RecordingError(Exception):
    """The file cannot be written; the text says why."""


def opened(path: Path) -> int:
    """A new file that only its owner reads, open for writing.

    Raises RecordingError, also where the file system does not answer within OPENING_S.
    """
    result: list[int | OSError] = []

    def work() -> None:
        try:
            # Not waiting: a pipe that nobody reads would be waited for.
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0)
            result.append(os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600))
        except OSError as error:
            result.append(error)

    thread = threading.Thread(target=work, name="netwhy-record", daemon=True)
    thread.start()
    thread.join(OPENING_S)
    if not result:
        raise RecordingError(f"{path}: its folder does not answer")
    if isinstance(found := result[0], OSError):
        raise RecordingError(f"{path}: cannot be written: {found.strerror}")
    about = os.fstat(found)
    if stat.S_ISREG(about.st_mode):
        if about.st_size:
            os.close(found)
            raise RecordingError(f"{path}: there is something in it; name a new file")
        with suppress(OSError, AttributeError):  # it was there, empty, with other rights
            os.fchmod(found, 0o600)
    os.set_blocking(found, True)
    return found


class Recorder(Journal):
    """A journal that writes `netwhy.session/1` to an open file, which it closes at its end."""

    def __init__(
        self,
        file: int,
        name: str,
        *,
        interval_s: float,
        clock: Callable[[], float] = uptime,
        wall: Callable[[], datetime] = today,
    ) -> None:
        self.name = name
        self._clock, self._wall = clock, wall
        self._numbers: dict[str, int] = {}
        self._next = 0
        self._problem = ""
        self._told = False
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._missed = 0
        self._closed = self._over = False
        self._writer = Writer(file, interval_s)
        self._thread = threading.Thread(target=self._work, name="netwhy-record", daemon=True)
        self._thread.start()

    def problem(self) -> str | None:
        """What has gone wrong, once."""
        if not self._problem or self._told:
            return None
        self._told = True
        return self._problem

    @property
    def failed(self) -> bool:
        """Has it ended before its time?  Nothing is written any more."""
        return self._over

    def close(self) -> None:
        """Write what waits, but for a disk that hangs; nothing is taken any more."""
        self._put(lines.Ended(**self._now()))
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(PATIENCE_S)

    # ---------------------------------------------------------------------------- the journal

    def added(self, target: Target) -> None:
        number = self._numbers[target.text] = self._next
        self._next += 1
        self._put(lines.Added(target=number, what=_tree(target, number), **self._now()))

    def changed(self, target: Target) -> None:
        number = self._numbers[target.text]
        self._put(lines.Changed(target=number, what=_tree(target, number), **self._now()))

    def removed(self, target: Target, *, undoable: bool) -> None:
        number = self._numbers[target.text]
        self._put(lines.Removed(target=number, undoable=undoable, **self._now()))

    def returned(self, target: Target) -> None:
        self._put(lines.Returned(target=self._numbers[target.text], **self._now()))

    def paused(self, paused: bool) -> None:
        self._put(lines.Paused(paused=paused, **self._now()))

    def settled(self, report: TargetReport, began_s: float, at: Moment) -> None:
        event = lines.Checked(
            target=self._numbers[report.target.text], began_s=began_s, at=at.wall, at_s=at.seconds
        )
        self._put(event, report)

    def seen(self, vantage: Vantage) -> None:
        self._put(lines.Seen(vantage=vantage, **self._now()))

    def told(self, about: str, problem: str | None) -> None:
        self._put(lines.Told(about=about, problem=problem, **self._now()))

    def every(self, interval_s: float) -> None:
        self._put(lines.Every(interval_s=interval_s, **self._now()))

    def stood_still(self, found: Standstill) -> None:
        event = lines.Stood(
            began=found.began, seconds=found.seconds, asleep=found.asleep, **self._now()
        )
        self._put(event)

    def _now(self) -> dict[str, Any]:
        return {"at": self._wall(), "at_s": self._clock()}

    # ----------------------------------------------------------------------------- the thread

    def _put(self, event: lines.AnyEvent, report: TargetReport | None = None) -> None:
        with self._changed:
            if self._closed or self._over:
                return
            # Only checks: without the rest, what is said of a target later has no meaning.
            if len(self._waiting) >= MOST and isinstance(event, lines.Checked):
                self._missed += 1
                self._problem = self._problem or f"{self.name} takes no more: the recording lags"
                return
            if self._missed:
                missed = lines.Missed(events=self._missed, at=event.at, at_s=event.at_s)
                self._waiting.append((missed, None))
                self._missed = 0
            self._waiting.append((event, report))
            self._changed.notify()

    def _work(self) -> None:
        try:
            self._write_all()
        except OSError as error:
            self._give_up(error.strerror or str(error))
        except Exception as error:  # a thread must not end without a word
            self._give_up(f"{type(error).__name__}: {error}")
        self._writer.end()

    def _write_all(self) -> None:
        self._writer.begin()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                taken, self._waiting = self._waiting, deque()
            if not taken:
                return
            self._writer.write(taken)

    def _give_up(self, why: str) -> None:
        with self._changed:
            self._over = True
            self._waiting.clear()
            self._problem = f"{self.name} cannot be written: {why}. The recording ends here."


def _tree(target: Target, number: int) -> dict[str, Any]:
    """The target without its secrets."""
    tree = lines.target_tree(target)
    masked = lines.masker(target)
    if masked is not None:
        tree = masked(tree)
        # Two targets that differ only in what is masked stay two.
        tree["text"] += f" ({number})"
    return tree


class Writer:
    """Turns events into lines and writes them; used in one thread."""

    def __init__(self, file: int, interval_s: float) -> None:
        self._file = file
        self._interval_s = interval_s
        self._size = 0  # of the whole lines written
        self._reports: dict[int, Any] = {}  # the last one of each target
        self._maskers: dict[int, tuple[Target, Callable[[Any], Any] | None]] = {}
        self._encoder = msgspec.json.Encoder()

    def begin(self) -> None:
        header = lines.Header(
            schema="netwhy.session/1", version=__version__, interval_s=self._interval_s
        )
        self._append(self._encoder.encode(header) + b"\n")

    def write(self, events: deque[_Waiting]) -> None:
        """Write all of them, each as one line.  Raises OSError with only whole lines written."""
        whole = b"".join(self._line(event, report) for event, report in events)
        self._append(whole)

    def end(self) -> None:
        with suppress(OSError):
            os.close(self._file)

    def _line(self, event: lines.AnyEvent, report: TargetReport | None) -> bytes:
        if isinstance(event, lines.Removed):  # it may come back as another one
            self._reports.pop(event.target, None)
        if isinstance(event, lines.Checked) and report is not None:
            self._tell(event, report)
        try:
            return self._encoder.encode(event) + b"\n"
        except UnicodeEncodeError:  # bytes from outside that are no UTF-8
            return self._encoder.encode(_readable(msgspec.to_builtins(event))) + b"\n"

    def _tell(self, event: lines.Checked, report: TargetReport) -> None:
        number = event.target
        target, masked = self._maskers.get(number, (None, None))
        if target is not report.target:  # its options may have changed
            masked = lines.masker(report.target)
            self._maskers[number] = report.target, masked
        tree = lines.report_tree(report)
        if masked is not None:
            tree = masked(tree)
        before = self._reports.get(number)
        self._reports[number] = tree
        if before is None:
            event.report = tree
        else:
            event.changes = list(changes(before, tree))

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            with suppress(OSError):  # half a line is of no use
                written = len(data) - len(left)
                os.ftruncate(self._file, self._size + data[:written].rfind(b"\n") + 1)
            raise
        self._size += len(data)


def _readable(value: Any) -> Any:
    """The tree with an escape for each half of a surrogate pair, which no JSON can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_readable(key): _readable(item) for key, item in value.items()}
    return [_readable(item) for item in value] if isinstance(value, list | tuple) else value
