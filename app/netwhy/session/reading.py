"""Reads a recorded session, line by line; what is wrong with it is told with its line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from netwhy.core.model import Target, TargetReport
from netwhy.session import lines
from netwhy.session.changes import changed

#: A line longer than this is none of ours.
LONGEST = 4 * 1024 * 1024
#: Years in which every time zone can tell the time.
_YEARS = range(1970, 9000)


class SessionError(Exception):
    """The file is no session that can be shown."""

    def __init__(self, path: Path, line: int | None, problem: str) -> None:
        super().__init__(f"{path}{'' if line is None else f':{line}'}: {problem}")


class Session:
    """One recorded session.  Reading it raises SessionError.

    A last line cut short is left out; `cut` says that there was one.
    """

    def __init__(self, path: Path) -> None:
        """Read it through once, so that nothing is found wrong while it is shown."""
        self.path = path
        self.began: datetime | None = None
        self.ended: datetime | None = None
        self.events = 0
        self.cut = False
        self.interval_s = 2.0
        for event, _ in self.read():
            self.began = self.began or event.at
            self.ended = event.at
            self.events += 1
        if self.began is None:
            raise SessionError(path, None, "nothing was recorded in it")

    def read(self) -> Iterator[tuple[lines.AnyEvent, Target | TargetReport | None]]:
        """Every event in order, with the target that it is about or the report of its check."""
        reader = Reader()
        try:
            with self.path.open("rb") as file:
                self.interval_s = reader.header(file.readline(LONGEST)).interval_s
                while line := file.readline(LONGEST):
                    reader.number += 1
                    whole = line.endswith(b"\n")
                    if not whole and len(line) < LONGEST:
                        self.cut = True  # the end of what was written before a crash
                        return
                    if not whole:
                        raise ValueError("it is too long")
                    if line.strip():
                        yield reader.event(line)
        except OSError as error:
            raise SessionError(self.path, None, f"cannot be read: {error.strerror}") from None
        except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
            problem = str(error) or type(error).__name__
            raise SessionError(self.path, reader.number, problem) from None


class Reader:
    """Understands one line after the other."""

    def __init__(self) -> None:
        self._header = msgspec.json.Decoder(lines.Header)
        self._event = msgspec.json.Decoder(lines.AnyEvent)
        self._targets: dict[int, Target] = {}
        self._reports: dict[int, Any] = {}
        self._last_s = 0.0
        self.number = 1  # of the line that is read

    def header(self, line: bytes) -> lines.Header:
        try:
            return self._header.decode(line)
        except msgspec.DecodeError as error:
            raise ValueError(f"this is no recorded session of {lines.SCHEMA} ({error})") from None

    def event(self, line: bytes) -> tuple[lines.AnyEvent, Target | TargetReport | None]:
        """One event.  ValueError or msgspec's for a line that makes no sense here."""
        event = self._event.decode(line)
        if event.at_s < self._last_s:
            raise ValueError("it happened before the line above")
        event.at = _possible(event.at)
        if isinstance(event, lines.Stood):
            event.began = _possible(event.began)
        self._last_s = event.at_s
        match event:
            case lines.Added():
                return event, self._add(event)
            case lines.Changed(target=number, what=what):
                before, target = self._of(number), lines.target_of(what)
                if target.text != before.text:
                    raise ValueError(f"target {number} is another one")
                self._targets[number] = target
                return event, target
            case lines.Removed(target=number):
                target = self._of(number)
                self._reports.pop(number, None)
                return event, target
            case lines.Returned(target=number):
                target = self._of(number)
                return event, target
            case lines.Checked():
                return event, self._check(event)
        return event, None

    def _add(self, event: lines.Added) -> Target:
        if event.target in self._targets:
            raise ValueError(f"there is a target {event.target} already")
        target = self._targets[event.target] = lines.target_of(event.what)
        return target

    def _check(self, event: lines.Checked) -> TargetReport:
        target = self._of(event.target)
        if event.began_s > event.at_s:
            raise ValueError("the check ended before it began")
        if event.changes is None:
            tree: Any = event.report
        elif event.target in self._reports:
            tree = changed(self._reports[event.target], event.changes)
        else:
            raise ValueError(f"it changes a report of target {event.target} that is not there")
        if not isinstance(tree, dict):
            raise ValueError("there is no report in it")
        report = lines.report_of_tree(tree, target)
        self._reports[event.target] = tree
        return report

    def _of(self, number: int) -> Target:
        if number not in self._targets:
            raise ValueError(f"there is no target {number}")
        return self._targets[number]


def _possible(moment: datetime) -> datetime:
    """The moment in UTC; ValueError where no clock can have shown it."""
    if moment.year not in _YEARS:
        raise ValueError(f"it cannot be of the year {moment.year}")
    return moment.astimezone(UTC)
