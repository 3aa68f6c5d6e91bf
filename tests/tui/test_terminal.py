"""The terminal's stream on a real pseudo-terminal: read slowly, never, or gone."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

import pytest

from netwhy.tui.terminal import BACKLOG, LEAVE, PATIENCE_S, LastingOutput

pytestmark = pytest.mark.tui

FRAME = "\x1b[1;1H" + "x" * 1988 + "\x1b[0mEND"
MODE = "\x1b[?1016h"


class Line:
    """A pseudo-terminal with a stream on it; counts how often each end was told."""

    def __init__(self) -> None:
        self.main, side = pty.openpty()
        self.stream: TextIO = os.fdopen(side, "w", encoding="utf-8")
        self.lost = 0
        self.behind = 0
        self.told = threading.Event()
        self.output = LastingOutput(self.stream, self._lost, self._behind)

    def _lost(self) -> None:
        self.lost += 1
        self.told.set()

    def _behind(self) -> None:
        self.behind += 1
        self.told.set()

    def read(self, wanted: str = "", seconds: float = 0.4) -> str:
        """All that comes until this has come, and then nothing for so long."""
        found = b""
        ends = time.monotonic() + 15.0
        while True:
            if select.select([self.main], [], [], seconds)[0]:
                found += os.read(self.main, 65536)
            elif found.endswith(wanted.encode()) or time.monotonic() > ends:
                return found.decode()


@contextmanager
def line() -> Iterator[Line]:
    made = Line()
    try:
        yield made
    finally:
        made.output.close()
        with suppress(OSError):
            os.close(made.main)
        made.stream.close()


def fill(made: Line, frames: int = 200) -> float:
    """Write more than the terminal and the backlog take; the seconds of the slowest write."""
    slowest = 0.0
    for _ in range(frames):
        started = time.monotonic()
        made.output.write(FRAME)
        slowest = max(slowest, time.monotonic() - started)
    return slowest


def test_what_is_written_is_read_in_order() -> None:
    with line() as made:
        for number in range(50):
            made.output.write(f"{number} ")
        made.output.flush()
        assert made.read("49 ") == "".join(f"{number} " for number in range(50))
        assert made.behind == 0


def test_a_full_terminal_is_never_waited_for() -> None:
    with line() as made:
        assert fill(made) < 2.0, "it would wait for ever"
        started = time.monotonic()
        for _ in range(20):
            made.output.flush()
        assert time.monotonic() - started < 5 * PATIENCE_S, "only the first flush waits"


def test_updates_are_dropped_whole_and_the_screen_is_asked_for_once_it_is_read() -> None:
    with line() as made:
        made.output.write(MODE)
        fill(made, 20)
        made.output.flush()  # now the terminal holds what it can
        fill(made)
        made.output.write(MODE)
        assert made.behind == 0
        text = made.read("END" + MODE)
        assert made.told.wait(10.0) and made.behind == 1
        assert 1 <= text.count(FRAME) < 2 * BACKLOG // len(FRAME)
        assert text == MODE + FRAME * text.count(FRAME) + MODE, "no sequence is cut, no mode lost"
        made.output.write(FRAME)
        assert made.read(FRAME) == FRAME, "and it goes on"


def test_an_update_larger_than_the_backlog_is_shown() -> None:
    with line() as made:
        large = "y" * (3 * BACKLOG)
        made.output.write(large)
        assert made.read(large) == large
        assert made.behind == 0


def test_abandoning_takes_away_what_waits_and_leaves_the_screen() -> None:
    with line() as made:
        fill(made)
        started = time.monotonic()
        made.output.abandon()
        assert time.monotonic() - started < 5.0, "it would wait for ever"
        text = made.read(LEAVE.decode())
        assert text.endswith(LEAVE.decode())
        assert text.count(FRAME) <= 5, "only what the reader's side had already"


def test_a_terminal_that_cannot_be_opened_again_is_left_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As another user (su) its name is closed to us: then only the thread that writes waits."""
    monkeypatch.setattr("netwhy.tui.terminal._opened_again", lambda _terminal: None)
    with line() as made:
        assert fill(made) < 2.0
        started = time.monotonic()
        made.output.close()
        assert time.monotonic() - started < 5.0, "it would wait for ever"
        made.read()


def test_a_terminal_that_hangs_up_is_told_once_and_text_is_swallowed() -> None:
    with line() as made:
        os.close(made.main)
        made.output.write("x")
        assert made.told.wait(10.0)
        fill(made)
        made.output.flush()
        assert made.lost == 1


def test_odd_text_is_written_as_far_as_it_can_be() -> None:
    with line() as made:
        made.output.write("a\ud800é")
        made.output.flush()
        assert made.read("é") == "a\\ud800é"
