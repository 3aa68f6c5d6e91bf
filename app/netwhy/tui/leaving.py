"""Leaving by a signal: as orderly as by a key, and by force where that takes too long."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

#: SIGINT and SIGQUIT come from outside only: in the terminal's raw mode their keys are keys like
#: others.
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
#: How long an orderly end may take after a signal.
GRACE_S = 2.0

_ENDED = 0  # no signal has this number
_UNIX = sys.platform != "win32"


@contextlib.contextmanager
def leaving_by_signal(
    leave: Callable[[int], None],
    restore: Callable[[], None],
    *,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[None]:
    """While it lasts, call `leave` with 128 + the number of a signal that comes.

    Where that has no effect for GRACE_S, or a second signal comes, `restore` is called and the
    process ends.  Both are called in a thread of their own, so that an event loop that waits for
    something cannot keep the process alive.  Without this the default action would end it at
    once and leave the terminal in the alternate screen, with the mouse reported as text.

    While `stopped`, by ctrl+z, the terminal is given back already and belongs to the shell: a
    job in the background that touches it is stopped again.  So the process just ends.
    """
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]

    def guard() -> None:
        number = _next(ours, numbers, None)
        if not number:
            return
        if stopped():  # also while SIGCONT, which a shell sends behind it, holds `handle` up
            os._exit(128 + number)
        leave(128 + number)
        if _next(ours, numbers, GRACE_S) == _ENDED:
            return  # else the orderly way takes too long, or somebody insists
        try:
            restore()
        finally:
            os._exit(128 + number)

    def handle(number: int, _frame: FrameType | None) -> None:
        if stopped():
            os._exit(128 + number)
        if not _UNIX:
            theirs.send(bytes([number]))

    threading.Thread(target=guard, name="netwhy-signals", daemon=True).start()
    before = {n: signal.signal(n, handle) for n in numbers}
    # The kernel's side of a signal writes there itself, also while the main thread is held up
    # somewhere and `handle` has to wait.  (On Windows the event loop has that for its own.)
    former = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False) if _UNIX else -1
    try:
        yield
    finally:
        if _UNIX:
            signal.set_wakeup_fd(former)
        for number, handler in before.items():
            signal.signal(number, handler)
        with contextlib.suppress(OSError):
            theirs.send(bytes([_ENDED]))


def _next(ours: socket.socket, numbers: Sequence[int], timeout_s: float | None) -> int | None:
    """The next of these signals, or _ENDED; None after the timeout.  Others are passed over."""
    ends = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        left = None if ends is None else ends - time.monotonic()
        if left is not None and left <= 0:
            return None
        ours.settimeout(left)
        try:
            number = ours.recv(1)[0]
        except TimeoutError:
            return None
        if number == _ENDED or number in numbers:
            return number
