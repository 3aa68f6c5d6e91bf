"""Blocking calls in daemon threads of our own.

Never the default executor: it cannot be cancelled, it holds the exit of the program until its
longest call returns, and its few threads make calls wait for each other, which falsifies times.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Blocking calls at once.  A call that was given up keeps its place until the system returns.
LIMIT = 64

_lock = threading.Lock()
_busy = 0


async def call(function: Callable[[], T]) -> T:
    """Run a blocking function in a daemon thread and return what it returns or raises.

    Cancelling abandons the call: the thread ends with the process at the latest.  Waits for a
    free place when LIMIT calls are under way.
    """
    while not _take():  # noqa: ASYNC110 - places are given back by threads, whose loop may be another one
        await asyncio.sleep(0.02)
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = function()
        except StopIteration as exc:  # a future cannot carry it (PEP 479)
            error = RuntimeError("StopIteration")
            error.__cause__ = exc
        except Exception as exc:
            error = exc
        finally:
            _release()
        try:
            loop.call_soon_threadsafe(settle, value, error)
        except RuntimeError:
            return  # the loop has ended: nobody waits for this any more

    try:
        threading.Thread(target=run, daemon=True, name="netwhy-call").start()
    except RuntimeError:  # no more threads to be had
        _release()
        raise
    return await future


def _take() -> bool:
    global _busy
    with _lock:
        if _busy >= LIMIT:
            return False
        _busy += 1
        return True


def _release() -> None:
    global _busy
    with _lock:
        _busy -= 1
