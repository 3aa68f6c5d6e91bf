"""Leaving by a signal: the terminal is restored as by a key."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

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
