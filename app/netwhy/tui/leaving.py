"""Leaving by a signal, or because the terminal is gone: as orderly as by a key."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

#: SIGINT comes from outside only: in the terminal's raw mode ctrl+c is a key like others.
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


def on_signals(leave: Callable[[int], None]) -> None:
    """Call `leave` with 128 + the signal's number when one of them comes.

    Without this the default action ends the process at once and leaves the terminal in the
    alternate screen, with the mouse reported as text.
    """
    loop = asyncio.get_running_loop()
    for name in SIGNALS:
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, leave, 128 + number)
        except (NotImplementedError, RuntimeError, ValueError):
            return  # no such thing on this platform, or not in the main thread


class LastingOutput:
    """The terminal's stream, which goes on taking text when the terminal is gone.

    The toolkit writes from a thread of its own, through a queue of thirty places.  An error
    would end that thread, the queue would fill, and the event loop would wait for ever for a
    place in it: no signal would be answered any more.
    """

    def __init__(self, stream: TextIO, lost: Callable[[], None]) -> None:
        self._stream = stream
        self._lost = lost
        self._gone = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self._stream.flush)

    def _try(self, work: Callable[[], object]) -> None:
        if self._gone:
            return
        try:
            work()
        except (OSError, ValueError):  # EIO: hung up; ValueError: closed
            self._gone = True
            self._lost()


@contextlib.contextmanager
def lasting_output(lost: Callable[[], None]) -> Iterator[None]:
    """While it lasts, the toolkit's output survives the terminal; `lost` is called once.

    `lost` is called in the thread that wrote.
    """
    stream = sys.__stderr__  # where the toolkit draws
    if stream is None:
        yield
        return
    vars(sys)["__stderr__"] = LastingOutput(stream, lost)
    try:
        yield
    finally:
        vars(sys)["__stderr__"] = stream
