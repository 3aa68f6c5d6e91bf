"""Blocking calls in threads of our own: they pass results on, keep their number, hold nothing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator

import pytest
from tests.net.namespaces import ROOT
from tests.net.servers import eventually

from netwhy.system import threads


def ours() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "netwhy-call"]


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """Each test begins and ends without a thread of ours."""
    await eventually(lambda: not ours())
    yield
    await eventually(lambda: not ours())


async def test_the_result_comes_back_and_the_thread_ends() -> None:
    assert await threads.call(lambda: threading.current_thread().daemon) is True
    assert threads._busy == 0


@pytest.mark.parametrize(
    "error", [ValueError("seven"), OSError(111, "refused"), TimeoutError(), KeyError("k")]
)
async def test_an_exception_passes_through_as_it_is(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        await threads.call(fail)
    assert caught.value is error
    assert threads._busy == 0


async def test_even_an_exception_that_a_future_cannot_carry_ends_the_wait() -> None:
    """A StopIteration cannot be raised into a future: the caller must hear of it all the same."""
    task = asyncio.create_task(threads.call(lambda: next(iter(()))))
    await asyncio.wait([task], timeout=5)
    done = task.done()
    task.cancel()
    assert done, "the caller would wait for ever"
    assert task.exception() is not None


async def test_calls_run_side_by_side() -> None:
    barrier = threading.Barrier(8, timeout=10)
    await asyncio.gather(*(threads.call(barrier.wait) for _ in range(8)))


async def test_no_more_than_the_limit_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LIMIT", 2)
    gate = threading.Event()
    began: list[int] = []

    def work(number: int) -> int:
        began.append(number)
        assert gate.wait(10)
        return number

    tasks = [asyncio.create_task(threads.call(lambda n=n: work(n))) for n in range(5)]
    await eventually(lambda: len(began) == 2)
    await asyncio.sleep(0.1)
    assert len(began) == 2 and len(ours()) == 2
    gate.set()
    assert await asyncio.gather(*tasks) == list(range(5))


async def test_an_abandoned_call_keeps_its_place_until_it_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "LIMIT", 1)
    gate = threading.Event()
    stuck = asyncio.create_task(threads.call(lambda: gate.wait(10)))
    await eventually(lambda: len(ours()) == 1)
    stuck.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stuck
    waiting = asyncio.create_task(threads.call(lambda: "mine"))
    await asyncio.sleep(0.1)
    assert not waiting.done() and len(ours()) == 1
    gate.set()
    assert await waiting == "mine"


async def test_waiting_for_a_place_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LIMIT", 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await threads.call(lambda: pytest.fail("it ran"))
    assert threads._busy == 0


def test_a_call_may_outlive_its_loop() -> None:
    """Its result has nobody to go to, and nothing is said of it."""
    gate = threading.Event()
    said: list[object] = []
    hook, threading.excepthook = threading.excepthook, said.append

    async def abandon() -> None:
        task = asyncio.create_task(threads.call(lambda: gate.wait(10)))
        await eventually(lambda: len(ours()) == 1)
        task.cancel()

    try:
        asyncio.run(abandon())
        (thread,) = ours()
        gate.set()
        thread.join(10)
        assert not thread.is_alive() and threads._busy == 0
    finally:
        threading.excepthook = hook
    assert said == []


STUCK = """
import asyncio, time
from netwhy.system import threads

async def main():
    for _ in range(3):
        try:
            async with asyncio.timeout(0.1):
                await threads.call(lambda: time.sleep(30))
        except TimeoutError:
            print("given up", flush=True)

asyncio.run(main())
"""


def test_a_stuck_call_does_not_hold_the_exit() -> None:
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", STUCK],
        capture_output=True,
        text=True,
        timeout=25,
        env={"PYTHONPATH": str(ROOT / "app")},
    )
    took = time.monotonic() - started
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "given up\n" * 3)
    assert took < 2 + 5, "it waited for a thread"  # the machine may be busy; the call takes 30 s
