"""Faults in tasks and threads that nobody waits for: told, where they would vanish."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def failures_told(tell: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """While it lasts, `tell` gets one line for each; it may be called in any thread.

    Gives what must be called once in the event loop.  Without this a traceback of theirs would
    go to a stream that the screen hides.
    """

    def told(what: str, error: BaseException) -> None:
        logging.getLogger(__name__).error("%s failed", what, exc_info=error)
        tell(f"netwhy itself failed in {what}: {type(error).__name__}: {error}")

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            told(args.thread.name if args.thread else "a thread", args.exc_value)

    def in_loop(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None:
            task = context.get("task") or context.get("future")
            name = f"the task {task.get_name()}" if isinstance(task, asyncio.Task) else ""
            told(name or "the event loop", error)

    before = threading.excepthook
    threading.excepthook = in_thread
    try:
        yield lambda: asyncio.get_running_loop().set_exception_handler(in_loop)
    finally:
        threading.excepthook = before
