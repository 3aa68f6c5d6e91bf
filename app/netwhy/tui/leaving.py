"""Leaving by a signal: as orderly as by a key, and by force where that takes too long."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator

#: SIGINT comes from outside only: in the terminal's raw mode ctrl+c is a key like others.
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
#: How long an orderly end may take after a signal.
GRACE_S = 2.0

_ENDED = 0  # no signal has this number


@contextlib.contextmanager
def leaving_by_signal(leave: Callable[[int], None], restore: Callable[[], None]) -> Iterator[None]:
    """While it lasts, call `leave` with 128 + the number of a signal that comes.

    Where that has no effect for GRACE_S, or a second signal comes, `restore` is called and the
    process ends.  Both are called in a thread of their own, so that an event loop that waits for
    something cannot keep the process alive.  Without this the default action would end it at
    once and leave the terminal in the alternate screen, with the mouse reported as text.
    """
    came: queue.SimpleQueue[int] = queue.SimpleQueue()  # its `put` may be called in a handler

    def guard() -> None:
        number = came.get()
        if number == _ENDED:
            return
        leave(128 + number)
        try:
            if came.get(timeout=GRACE_S) == _ENDED:
                return
        except queue.Empty:
            pass  # the orderly way takes too long
        restore()
        os._exit(128 + number)

    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    threading.Thread(target=guard, name="netwhy-signals", daemon=True).start()
    before = {n: signal.signal(n, lambda number, _frame: came.put(number)) for n in numbers}
    try:
        yield
    finally:
        came.put(_ENDED)
        for number, handler in before.items():
            signal.signal(number, handler)
