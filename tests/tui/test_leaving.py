"""Leaving gives the terminal back, on a key and on any signal: seen on a real pseudo-terminal."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.tui

START = """
import sys
from netwhy.core.target import parse
from netwhy.tui.start import run_dashboard
sys.exit(run_dashboard([parse("127.0.0.1:9")], interval_s=1.0))
"""
ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_OFF = b"\x1b[?1000l"


class Terminal:
    """A dashboard in a pseudo-terminal, and all that it wrote."""

    def __init__(
        self, code: str = START, *, size: tuple[int, int] | None = None, keep_side: bool = False
    ) -> None:
        self.main, side = pty.openpty()
        self.side = side
        if size is not None:
            termios.tcsetwinsize(side, size)
        self.wrote = b""
        self.began_s = 0.0  # from its start to its first diagnosis
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=side,
            stdout=side,
            stderr=side,
            env={**os.environ, "TERM": "xterm-256color", "PYTHONPATH": "app"},
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        if size is None and not keep_side:
            os.close(side)

    def read_until(self, wanted: bytes, *, seconds: float = 30.0) -> None:
        """Read until the program has written this; fails with what it wrote."""
        end = time.monotonic() + seconds
        while wanted not in self.wrote:
            left = end - time.monotonic()
            assert left > 0, f"{wanted!r} never came: {self.wrote[-2000:]!r}"
            if select.select([self.main], [], [], left)[0]:
                try:
                    self.wrote += os.read(self.main, 65536)
                except OSError:
                    raise AssertionError(f"it ended without {wanted!r}") from None

    def close(self) -> None:
        """End the program, where it has not ended, and give the terminal back."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.main)
        os.close(self.side)

    def ended(self, seconds: float) -> int:
        """The exit code, within so long; what is written meanwhile is read."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < end, "it did not end"
            if select.select([self.main], [], [], 0.02)[0]:
                try:
                    self.wrote += os.read(self.main, 65536)
                except OSError:
                    time.sleep(0.02)
        return self.process.returncode


@contextmanager
def dashboard() -> Iterator[Terminal]:
    started = time.monotonic()
    terminal = Terminal()
    try:
        terminal.read_until(ENTERED)
        terminal.read_until(b"failing")
        terminal.began_s = time.monotonic() - started
        yield terminal
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.main)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGINT, 130),
        (signal.SIGQUIT, 131),
    ],
)
def test_a_signal_restores_the_terminal(number: signal.Signals, code: int) -> None:
    with dashboard() as terminal:
        terminal.process.send_signal(number)
        assert terminal.ended(seconds=10.0) == code
        assert LEFT in terminal.wrote and MOUSE_OFF in terminal.wrote


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_a_key_ends_it_within_a_second(key: bytes) -> None:
    with dashboard() as terminal:
        started = time.monotonic()
        os.write(terminal.main, key)
        assert terminal.ended(seconds=15.0) == 0
        # What begins slowly on a busy machine may end as slowly.
        assert time.monotonic() - started < max(1.5, terminal.began_s)
        assert LEFT in terminal.wrote and MOUSE_OFF in terminal.wrote


@pytest.mark.parametrize("hangup_after_s", [None, 0.0, 2.0])
def test_a_lost_terminal_ends_it(hangup_after_s: float | None) -> None:
    """The terminal is gone; its signal comes never, at once, or when output has failed already."""
    terminal = Terminal()
    try:
        terminal.read_until(b"failing")
        os.close(terminal.main)
        if hangup_after_s is not None:
            time.sleep(hangup_after_s)
            terminal.process.send_signal(signal.SIGHUP)
        terminal.process.wait(timeout=20.0)
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()


MANY = """
import sys
from netwhy.core.target import parse
from netwhy.tui.start import run_dashboard
targets = [parse(f"127.0.0.1:{port}") for port in range(9, 38)]
sys.exit(run_dashboard(targets, interval_s=0.3))
"""


def blocked(terminal: Terminal, *, seconds: float = 30.0) -> None:
    """Wait until the terminal holds all that it can: what waits in it grows no more."""
    end, before, same = time.monotonic() + seconds, -1, 0
    while same < 5:
        assert time.monotonic() < end, "it goes on taking text"
        time.sleep(0.3)
        waits = waiting(terminal.main)
        same = same + 1 if waits == before and waits > 3000 else 0
        before = waits


def waiting(descriptor: int) -> int:
    """How many bytes could be read."""
    found = bytearray(4)
    fcntl.ioctl(descriptor, termios.FIONREAD, found)
    return int.from_bytes(found, sys.byteorder)


@contextmanager
def unread() -> Iterator[Terminal]:
    """A dashboard of 29 targets on a terminal that nobody reads, full to the brim."""
    terminal = Terminal(MANY, size=(50, 200))
    try:
        blocked(terminal)
        yield terminal
    finally:
        terminal.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_on_a_terminal_that_nobody_reads(number: signal.Signals) -> None:
    with unread() as terminal:
        terminal.process.send_signal(number)
        assert terminal.process.wait(timeout=10.0) == 128 + number
        assert_given_back(terminal)


def test_q_ends_it_on_a_terminal_that_nobody_reads() -> None:
    with unread() as terminal:
        os.write(terminal.main, b"q")
        assert terminal.process.wait(timeout=10.0) == 0
        assert_given_back(terminal)


def assert_given_back(terminal: Terminal) -> None:
    """What the reader gets once it reads again leaves the screen; lines are lines again."""
    terminal.read_until(LEFT, seconds=1.0)
    modes = termios.tcgetattr(terminal.side)[3]
    assert modes & termios.ECHO and modes & termios.ICANON


def test_a_terminal_that_is_read_again_shows_the_whole_screen() -> None:
    with unread() as terminal:
        for key in b"p" + b"21" * 10 + b"2":  # more whole screens than are kept
            os.write(terminal.main, bytes([key]))
            time.sleep(0.1)
        whole = (b" Local listeners", b"PAUSED", b"OWNER", b" bind?")
        missing = list(whole)
        ends = quiet = time.monotonic() + 15.0
        while time.monotonic() < min(ends, quiet):
            if select.select([terminal.main], [], [], 0.1)[0]:
                terminal.wrote += os.read(terminal.main, 65536)
            dashboard = terminal.wrote.rfind(b" Targets 29 ")
            missing = [part for part in whole if part not in terminal.wrote[dashboard:]]
            quiet = ends if missing else min(quiet, time.monotonic() + 1.5)
        assert missing == [], "the view in front is what is seen"
        os.write(terminal.main, b"q")
        assert terminal.ended(seconds=10.0) == 0


def test_a_loop_that_hangs_is_ended_by_force() -> None:
    """Whatever keeps the event loop: two seconds after a signal the process is gone."""
    terminal = Terminal(START.replace("import sys", HANGING), keep_side=True)
    try:
        terminal.read_until(b"HANGS")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ended(seconds=20.0) == 143
        terminal.read_until(LEFT, seconds=5.0)
        assert termios.tcgetattr(terminal.side)[3] & termios.ECHO
    finally:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.main)
        os.close(terminal.side)


HANGING = """
import signal, sys, time, threading
from netwhy.tui.app import NetwhyApp

async def hang(self):
    # So that no handler of Python's can run: the signal comes in another thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    self._driver.write("HANGS")
    threading.Event().wait()

NetwhyApp._begin = hang
"""


CRASHING = """
import sys
from netwhy.tui.app import NetwhyApp

def fail(self):
    password = "hunter" + "-2-secret"
    raise ValueError("boom")

NetwhyApp._tick = fail
"""


def test_a_crash_shows_where_but_no_values_and_gives_the_terminal_back() -> None:
    terminal = Terminal(START.replace("import sys", CRASHING))
    try:
        terminal.read_until(LEFT)
        assert terminal.ended(seconds=15.0) == 1
        with contextlib.suppress(AssertionError):
            terminal.read_until(b"never", seconds=0.5)  # the rest
        after = terminal.wrote.rpartition(LEFT)[2]
        assert b"ValueError" in after and b"boom" in after and b"fail" in after
        assert b"hunter-2-secret" not in terminal.wrote
        assert b"locals" not in after
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.main)


def test_without_a_terminal_it_refuses_and_writes_no_escape() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", START],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": "app"},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ended.returncode == 2
    assert b"\x1b" not in ended.stdout + ended.stderr
    assert b"netwhy check" in ended.stderr
