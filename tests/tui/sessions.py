"""Recorded sessions for tests: a world that was watched on clocks of the test's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.tui.world import VANTAGE, refused, works

from netwhy.core.model import Target, TargetReport
from netwhy.monitor import Monitor
from netwhy.session.reading import Session
from netwhy.session.recorder import Recorder, opened
from netwhy.session.replay import Nothing, Replay

BEGIN = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
DB, WEB, SSH = "db.example:5432", "web.example:80", "192.0.2.4:22"


class Clock:
    """Both clocks of a session; they move when they are told to."""

    def __init__(self, seconds: float = 1000.0) -> None:
        self.seconds = seconds

    def now_s(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.seconds - 1000.0)


class Recording:
    """A monitor that is told its checks, with a recorder beside it."""

    def __init__(self, path: Path, *, interval_s: float = 2.0) -> None:
        self.path = path
        self.clock = Clock()
        self.recorder = Recorder(
            opened(path),
            str(path),
            interval_s=interval_s,
            clock=self.clock.now_s,
            wall=self.clock.now,
        )
        self.monitor = Monitor(
            Nothing(),
            (),
            interval_s=interval_s,
            clock=self.clock.now_s,
            wall=self.clock.now,
            journal=self.recorder,
        )

    def watch(self, *targets: Target) -> None:
        for target in targets:
            self.monitor.add(target)

    def check(self, *reports: TargetReport, after_s: float = 2.0) -> None:
        """So many seconds later, checks of a few milliseconds each end with these reports."""
        self.clock.seconds += after_s
        for report in reports:
            began_s = self.clock.seconds
            self.clock.seconds += 0.005
            self.monitor.enter(report, began_s)

    def end(self) -> Session:
        self.recorder.close()
        self.recorder._thread.join(10.0)  # a busy machine takes longer than leaving waits
        assert self.recorder.problem() is None
        return Session(self.path)


def an_outage(path: Path) -> Recording:
    """Three targets; after twenty rounds the database refuses, and ten rounds later it is back."""
    recording = Recording(path)
    recording.monitor.see(VANTAGE)
    recording.watch(*(works(text).target for text in (WEB, DB, SSH)))
    for number in range(40):
        db = refused(DB) if 20 <= number < 30 else works(DB, 1.5 + number % 4 / 10)
        recording.check(works(WEB, 12.0 + number % 5), db, works(SSH, 0.3))
    return recording


def replay(path: Path, *, at_s: float = 0.0, speed: float = 1.0) -> Replay:
    """The outage, recorded and read again, standing still after so many seconds."""
    shown = Replay(an_outage(path).end(), speed=speed)
    shown.pause()
    shown.advance(at_s)
    return shown


def file_of(path: Path, lines: Sequence[bytes]) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    os.chmod(path, 0o600)
    return path
