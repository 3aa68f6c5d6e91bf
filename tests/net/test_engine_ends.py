"""How checks end: let go, crashed, out of time, out of places, out of files.  Nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tests.net.checks import Footprint, at, checked, crash, under_way
from tests.net.command import closed_port, listener, silent_port
from tests.net.namespaces import in_process
from tests.net.servers import eventually

from netwhy import engine as engine_module
from netwhy import runs
from netwhy.core.asks import ConnectAsk, PortTableAsk
from netwhy.core.model import (
    Outcome,
    Severity,
    Target,
    Verdict,
)
from netwhy.engine import Engine
from netwhy.probes import local as local_probe
from netwhy.probes import tcp as tcp_probe
from netwhy.system import threads


@pytest.fixture
def warm() -> None:
    """Modules and counters that a first check loads for good are no leak."""
    with closed_port() as port:
        asyncio.run(checked(Engine(), at(port)))


# --------------------------------------------------------------------------------------- letting go


async def test_cancelling_a_check_leaves_nothing_behind(warm: None) -> None:
    engine = Engine(timeout_s=60)
    with silent_port() as port:
        before = Footprint()
        task = asyncio.create_task(checked(engine, at(port)))
        await under_way(engine)
        assert not before.unchanged(), "the test sees what is held"
        task.cancel()
        await asyncio.wait([task], timeout=3)
        assert task.cancelled()
        await eventually(before.unchanged, within_s=3)
        assert not any(run.ended is None for run in engine._runs)


async def test_closing_the_generator_early_leaves_nothing_behind(warm: None) -> None:
    engine = Engine(timeout_s=60)
    with silent_port() as port:
        before = Footprint()
        reports = engine.check(at(port))
        first = await anext(reports)
        assert not first.complete
        await under_way(engine)
        await reports.aclose()
        await eventually(before.unchanged, within_s=3)


async def test_leaving_check_all_early_ends_every_target(warm: None) -> None:
    engine = Engine(timeout_s=60)
    with silent_port() as one, silent_port() as other:
        before = Footprint()
        async with contextlib.aclosing(engine.check_all([at(one), at(other)])) as reports:
            async for _report in reports:
                break
        await eventually(before.unchanged, within_s=3)


async def test_cancelling_check_all_ends_every_target(warm: None) -> None:
    engine = Engine(timeout_s=60)

    async def consume(targets: Sequence[Target]) -> None:
        async with contextlib.aclosing(engine.check_all(targets)) as reports:
            async for _report in reports:
                pass

    with silent_port() as one, silent_port() as other:
        before = Footprint()
        task = asyncio.create_task(consume([at(one), at(other)]))
        await under_way(engine)
        task.cancel()
        await asyncio.wait([task], timeout=3)
        assert task.cancelled()
        await eventually(before.unchanged, within_s=3)


async def test_a_call_that_was_abandoned_is_the_only_thing_left(
    warm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    async def port_table(ask: PortTableAsk, tell: Callable[[Any], None]) -> Any:
        return await threads.call(lambda: gate.wait(20))

    monkeypatch.setattr(local_probe, "port_table", port_table)
    with closed_port() as port:
        before = Footprint()
        task = asyncio.create_task(checked(Engine(), at(port)))
        await eventually(lambda: bool(set(threading.enumerate()) - before.threads))
        task.cancel()
        await asyncio.wait([task], timeout=3)
        assert task.cancelled()
        await eventually(lambda: asyncio.all_tasks() <= before.tasks)
        assert Footprint._fds() == before.fds
        (left,) = set(threading.enumerate()) - before.threads
        assert left.daemon, "it holds no exit"
        gate.set()
        await eventually(before.unchanged)


async def test_a_hundred_checks_leave_no_more_than_one(warm: None) -> None:
    engine = Engine()
    with listener() as opened, closed_port() as closed:
        before = Footprint()
        for _ in range(50):
            await checked(engine, at(closed))
        for _ in range(10):
            await checked(engine, at(opened))
        await eventually(before.unchanged)
        assert len(engine._runs) < 20


# ---------------------------------------------------------------------------------- what goes wrong


async def test_a_probe_that_crashes_is_never_a_fault_of_the_network(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tcp_probe, "connect", crash)
    with listener() as port:
        last = (await checked(Engine(), at(port)))[-1]
    (row,) = [row for row in last.probes if row.probe == "tcp"]
    assert row.outcome is Outcome.SKIPPED
    assert "ZeroDivisionError: one by none" in row.detail["reason"]
    assert last.complete and last.verdict is Verdict.UNKNOWN
    assert not [f for f in last.findings if f.severity is Severity.FAILURE]
    assert "ZeroDivisionError" in caplog.text, "the log has the traceback"


@pytest.mark.parametrize("name", ["state", "route", "port_table"])
async def test_a_lesser_probe_that_crashes_does_not_take_the_verdict_with_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_probe, name, crash)
    with listener() as opened, closed_port() as closed:
        works = (await checked(Engine(), at(opened)))[-1]
        refused = (await checked(Engine(), at(closed)))[-1]
    assert works.complete and works.verdict in (Verdict.OK, Verdict.UNKNOWN)
    assert refused.complete and refused.verdict in (Verdict.FAILING, Verdict.UNKNOWN)
    assert (refused.verdict is Verdict.FAILING) == (refused.diagnosis is not None)


async def test_a_probe_that_outstays_its_deadline_is_skipped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ConnectAsk, "deadline_s", 0.2)
    with silent_port() as port:
        last = (await checked(Engine(), at(port)))[-1]
    rows = [row for row in last.probes if row.probe == "tcp"]
    assert rows and all(row.outcome is Outcome.SKIPPED for row in rows)
    assert "0.2 s" in rows[0].detail["reason"]
    assert last.verdict is Verdict.UNKNOWN


async def test_everything_ends_at_the_deadline_of_the_target(
    warm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "TARGET_DEADLINE_S", 0.5)
    with silent_port() as port:
        before = Footprint()
        async with asyncio.timeout(10):
            reports = await checked(Engine(timeout_s=60), at(port))
        await eventually(before.unchanged, within_s=3)
    assert [report.complete for report in reports].count(True) == 1 and reports[-1].complete
    assert reports[-1].verdict is Verdict.UNKNOWN and "tcp" in (reports[-1].reason or "")
    assert reports[-1].duration_ms >= 500


# ------------------------------------------------------------------------------------------- places


async def test_probes_wait_for_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one place for all, the answers are the same and no two probes run together."""
    running, most = 0, 0
    real = runs.Runs._answer

    async def answer(self: Engine, run: Any) -> Any:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await real(self, run)
        finally:
            running -= 1

    monkeypatch.setattr(runs.Runs, "_answer", answer)
    monkeypatch.setattr(runs, "_probes_at_once", lambda: 1)
    with closed_port() as one, closed_port() as two, listener() as three:
        targets = [at(one), at(two), at(three)]
        found = {
            report.target.port: report.verdict
            async for report in Engine().check_all(targets)
            if report.complete
        }
    assert found == {one: Verdict.FAILING, two: Verdict.FAILING, three: Verdict.OK}
    assert most == 1


async def test_waiting_for_a_place_is_not_waiting_for_the_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A target that had to queue for longer than its deadline is answered all the same."""
    monkeypatch.setattr(runs, "_probes_at_once", lambda: 1)
    monkeypatch.setattr(engine_module, "TARGET_DEADLINE_S", 2.2)
    with silent_port() as silent, closed_port() as closed:
        engine = Engine(timeout_s=2.0)
        first = asyncio.create_task(checked(engine, at(silent)))
        await under_way(engine)
        last = (await checked(engine, at(closed)))[-1]
        await first
    assert last.verdict is Verdict.FAILING and last.diagnosis is not None
    assert last.diagnosis.cause == "tcp.refused"


def few_files(spare: int) -> list[Any]:
    """A whole check with hardly any descriptor to spare, and none to be had."""

    async def one() -> list[Any]:
        with closed_port() as port:
            limit = len(os.listdir("/proc/self/fd")) - 1 + spare
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            last = (await checked(Engine(), at(port)))[-1]
        return [last.complete, last.verdict, last.diagnosis.cause if last.diagnosis else None]

    return asyncio.run(one())


@pytest.mark.parametrize("spare", [0, 1, 2, 4, 16])
def test_without_descriptors_there_is_an_answer_and_never_a_wrong_one(spare: int) -> None:
    complete, verdict, cause = in_process(few_files, spare)
    assert complete is True
    assert (verdict, cause) in (
        ("failing", "local.files-exhausted"),
        ("failing", "tcp.refused"),
        ("unknown", None),
    )
