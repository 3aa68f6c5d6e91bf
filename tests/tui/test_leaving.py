"""Leaving gives the terminal back, on a key and on any signal: seen on a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.tui

START = """
import sys
from netwhy.core.target import parse
from netwhy.tui.app import run_dashboard
sys.exit(run_dashboard([parse("127.0.0.1:9")], interval_s=1.0))
"""
ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_OFF = b"\x1b[?1000l"


class Terminal:
    """A dashboard in a pseudo-terminal, and all that it wrote."""

    def __init__(self, code: str = START) -> None:
        self.main, side = pty.openpty()
        self.wrote = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=side,
            stdout=side,
            stderr=side,
            env={**os.environ, "TERM": "xterm-256color", "PYTHONPATH": "app"},
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        os.close(side)

    def read_until(self, wanted: bytes, *, seconds: float = 15.0) -> None:
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
    terminal = Terminal()
    try:
        terminal.read_until(ENTERED)
        terminal.read_until(b"failing")
        yield terminal
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.main)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)],
)
def test_a_signal_restores_the_terminal(number: signal.Signals, code: int) -> None:
    with dashboard() as terminal:
        terminal.process.send_signal(number)
        assert terminal.ended(seconds=2.0) == code
        assert LEFT in terminal.wrote and MOUSE_OFF in terminal.wrote


@pytest.mark.parametrize("key", [b"q", b"\x03"])
def test_a_key_ends_it_within_a_second(key: bytes) -> None:
    with dashboard() as terminal:
        started = time.monotonic()
        os.write(terminal.main, key)
        assert terminal.ended(seconds=3.0) == 0
        assert time.monotonic() - started < 1.5
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
        terminal.process.wait(timeout=12.0)
    finally:
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.wait()


def test_without_a_terminal_it_refuses_and_writes_no_escape() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", START],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": "app"},
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert ended.returncode == 2
    assert b"\x1b" not in ended.stdout + ended.stderr
    assert b"netwhy check" in ended.stderr
