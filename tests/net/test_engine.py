"""The engine over real sockets: reports, sharing, retries, and many targets at once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from tests.net.checks import Footprint, at, checked, counted, crash
from tests.net.command import closed_port, listener, silent_port
from tests.net.servers import eventually, greet, watched_listener

from netwhy import engine as engine_module
from netwhy import runs
from netwhy.core.asks import Ask, ConnectAsk, LocalAsk, PingAsk, RouteAsk, SeriesAsk
from netwhy.core.model import (
    Kind,
    Outcome,
    Target,
    TargetOptions,
    TargetReport,
    Verdict,
)
from netwhy.core.observations import Connect, LocalState
from netwhy.core.target import parse
from netwhy.engine import Engine, assemble
from netwhy.probes import local as local_probe
from netwhy.probes import tcp as tcp_probe


@pytest.fixture
def warm() -> None:
    """Modules and counters that a first check loads for good are no leak."""
    with closed_port() as port:
        asyncio.run(checked(Engine(), at(port)))


# ------------------------------------------------------------------------------------------ reports


async def test_progress_comes_first_and_the_last_report_alone_is_complete() -> None:
    with listener() as port:
        reports = await checked(Engine(), at(port))
    assert len(reports) >= 2
    assert [report.complete for report in reports] == [False] * (len(reports) - 1) + [True]
    last = reports[-1]
    assert (last.verdict, last.findings) == (Verdict.OK, ())
    assert last.addresses == ("127.0.0.1",) and last.rtt_ms is not None and last.rtt_ms > 0
    durations = [report.duration_ms for report in reports]
    assert durations == sorted(durations) and durations[0] > 0
    assert {row.probe for row in last.probes} >= {"local", "route", "tcp"}


async def test_no_report_is_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe that says the same again and again changes nothing."""
    real = tcp_probe.connect

    async def repeats_itself(ask: ConnectAsk, tell: Callable[[Any], None]) -> Any:
        for _ in range(5):
            tell(Connect(ask.address, ask.port, pending=True))
            await asyncio.sleep(0.02)
        return await real(ask, tell)

    monkeypatch.setattr(tcp_probe, "connect", repeats_itself)
    with listener() as port:
        reports = await checked(Engine(), at(port))
    progress = [replace(report, duration_ms=0.0) for report in reports[:-1]]
    assert all(a != b for a, b in itertools.pairwise(progress))
    assert reports[-1].verdict is Verdict.OK


async def test_a_closed_port_is_diagnosed() -> None:
    with closed_port() as port:
        reports = await checked(Engine(), at(port))
    last = reports[-1]
    assert last.verdict is Verdict.FAILING and last.diagnosis is not None
    assert last.diagnosis.cause == "tcp.refused"
    (row,) = [row for row in last.probes if row.probe == "tcp"]
    assert (row.outcome, row.error) == (Outcome.FAILED, "ECONNREFUSED")


async def test_the_listener_is_met_once_and_left_cleanly() -> None:
    with watched_listener(greet) as (port, told):
        await checked(Engine(), at(port))
        assert await asyncio.to_thread(told.get, timeout=10) == "eof"
        assert told.empty(), "one check makes one connection"


# ------------------------------------------------------------------------------------------ sharing


async def test_two_targets_that_ask_the_same_share_one_probe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = counted(monkeypatch)
    engine = Engine(timeout_s=0.5)
    with silent_port() as port:
        targets = [at(port), replace(at(port), text="again"), replace(at(port), text="once more")]
        found = await asyncio.gather(*(checked(engine, target) for target in targets))
    assert len(asked) == len(set(asked)), "no connect ran twice"
    rows = [[row for row in reports[-1].probes if row.probe == "tcp"] for reports in found]
    assert rows[0] == rows[1] == rows[2] and rows[0]


async def test_an_answer_serves_a_moment_longer_and_then_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = counted(monkeypatch)
    engine = Engine()
    monkeypatch.setattr(runs, "FRESH_S", 3600.0)
    with listener() as port:
        await checked(engine, at(port))
        await checked(engine, at(port))
        assert len(asked) == 1
        monkeypatch.setattr(runs, "FRESH_S", 0.0)
        await checked(engine, at(port))
        assert len(asked) == 2
    assert len(engine._runs) <= 8, "old answers are forgotten"


def test_a_series_serves_a_monitor_for_many_rounds() -> None:
    there = ip_address("192.0.2.1")
    for ask, seconds in ((SeriesAsk(there), 45), (PingAsk(there), 0.4)):
        run = runs.Run(ask)
        assert not run.stale(1000.0), "it has not ended"
        run.ended = 1000.0
        assert not run.stale(999.9 + seconds) and run.stale(1000.1 + seconds)


async def test_a_check_right_after_another_is_as_sure() -> None:
    """Answers that are still fresh come all at once: each of them still leads to the next ask."""
    engine = Engine()
    with closed_port() as port:
        verdicts = [(await checked(engine, at(port)))[-1].verdict for _ in range(4)]
    assert verdicts == [Verdict.FAILING] * 4


async def test_who_leaves_does_not_end_the_probe_of_who_stays() -> None:
    engine = Engine(timeout_s=1.0)
    with silent_port() as port:
        leaving = asyncio.create_task(checked(engine, at(port)))
        staying = asyncio.create_task(checked(engine, replace(at(port), text="stays")))
        await eventually(lambda: ConnectAsk(_address(), port, 1.0) in engine._runs)
        leaving.cancel()
        reports = await staying
    assert leaving.cancelled()
    assert reports[-1].complete and reports[-1].verdict is Verdict.FAILING


def _address() -> Any:
    return parse("127.0.0.1").address


# ------------------------------------------------------------------------------------------ retries


async def test_a_failing_target_is_tried_again_after_longer_and_longer_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = counted(monkeypatch)
    started = time.monotonic()
    with closed_port() as port:
        reports = await checked(Engine(), at(port, "?retries=2"))
    assert time.monotonic() - started >= 0.5 + 1.0
    assert len(asked) == 3
    assert [report.complete for report in reports].count(True) == 1 and reports[-1].complete
    assert reports[-1].verdict is Verdict.FAILING


async def test_a_retry_that_works_ends_the_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        seen: list[TargetReport] = []
        async for report in Engine().check(at(server.getsockname()[1], "?retries=5")):
            seen.append(report)
            if report.verdict is Verdict.FAILING:
                server.listen()
    assert seen[-1].complete and seen[-1].verdict is Verdict.OK
    assert [report.complete for report in seen].count(True) == 1
    assert len(asked) == 2


async def test_a_target_that_works_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = counted(monkeypatch)
    with listener() as port:
        await checked(Engine(), at(port, "?retries=5"))
    assert len(asked) == 1


# ----------------------------------------------------------------------------------------- fallback


def with_fallback(port: int, fallback: str, retries: int = 0) -> Target:
    return replace(at(port), options=TargetOptions(fallback=fallback, retries=retries))


async def test_a_fallback_that_works_is_the_first_thing_to_do() -> None:
    with closed_port() as port, listener() as other:
        alone = (await checked(Engine(), at(port)))[-1]
        reports = await checked(Engine(), with_fallback(port, f"127.0.0.1:{other}"))
    last = reports[-1]
    assert [report.complete for report in reports].count(True) == 1 and last.complete
    assert last.verdict is Verdict.FAILING, "the target itself does not work"
    assert last.diagnosis is not None and alone.diagnosis is not None
    assert last.diagnosis.cause == alone.diagnosis.cause == "tcp.refused"
    assert f"127.0.0.1:{other}" in last.diagnosis.fixes[0].text
    assert last.diagnosis.fixes[1:] == alone.diagnosis.fixes


@pytest.mark.parametrize("fallback", ["127.0.0.1:{closed}", "http//:x y"])
async def test_a_fallback_that_fails_too_is_said_and_changes_nothing_else(fallback: str) -> None:
    with closed_port() as port, closed_port() as other:
        alone = (await checked(Engine(), at(port)))[-1]
        target = with_fallback(port, fallback.format(closed=other))
        last = (await checked(Engine(), target))[-1]
    assert last.complete and last.verdict is Verdict.FAILING
    assert last.diagnosis is not None and alone.diagnosis is not None
    assert last.diagnosis.fixes == alone.diagnosis.fixes
    assert len(last.diagnosis.evidence) == len(alone.diagnosis.evidence) + 1


async def test_a_fallback_is_tried_once_after_the_last_retry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = counted(monkeypatch)
    with closed_port() as port, listener() as other:
        await checked(Engine(), with_fallback(port, f"127.0.0.1:{other}", retries=1))
        assert [ask.port for ask in asked] == [port, port, other]
        asked.clear()
        await checked(Engine(), with_fallback(other, f"127.0.0.1:{port}"))
        assert [ask.port for ask in asked] == [other], "no need of it"


async def test_the_failure_is_known_while_the_fallback_is_still_tried() -> None:
    """Whoever is interrupted there has already been told what is wrong."""
    with closed_port() as port, silent_port() as silent:
        engine = Engine(timeout_s=1.0)
        reports = await checked(engine, with_fallback(port, f"127.0.0.1:{silent}"))
    assert [r.verdict for r in reports if not r.complete][-1] is Verdict.FAILING


# ---------------------------------------------------------------------------------------- check_all


async def test_check_all_gives_each_result_when_it_is_there() -> None:
    with silent_port() as silent, closed_port() as closed, listener() as opened:
        order = [
            report.target.port
            async for report in Engine(timeout_s=3.0).check_all(
                [at(silent), at(closed), at(opened)]
            )
            if report.complete
        ]
    assert sorted(order) == sorted([silent, closed, opened]) and order[-1] == silent


async def test_check_all_keeps_to_its_number_of_places() -> None:
    with closed_port() as one, closed_port() as two, closed_port() as three:
        ports = [one, two, three]
        seen = [r async for r in Engine(parallel=1).check_all([at(port) for port in ports])]
    assert [report.target.port for report in seen if report.complete] == ports
    order = [report.target.port for report in seen]
    assert order == sorted(order, key=ports.index), "never two at the same time"


async def test_check_all_of_nothing_is_nothing() -> None:
    assert [report async for report in Engine().check_all([])] == []


async def test_check_all_passes_a_bug_on_and_ends_the_others(
    warm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine_module.examine
    with silent_port() as silent, closed_port() as port:

        def examine(target: Target, *args: Any, **kinds: Any) -> Any:
            if target.port == port:
                raise RuntimeError("a bug in the diagnosis")
            return real(target, *args, **kinds)

        monkeypatch.setattr(engine_module, "examine", examine)
        engine, before = Engine(timeout_s=60), Footprint()
        with pytest.raises(RuntimeError, match="a bug in the diagnosis"):
            async with contextlib.aclosing(engine.check_all([at(silent), at(port)])) as reports:
                async for _report in reports:
                    pass
        await eventually(before.unchanged, within_s=3)


# -------------------------------------------------------------------------------------- the machine


async def test_the_vantage_is_this_machine() -> None:
    vantage = await Engine().vantage()
    assert vantage.hostname == socket.gethostname()
    assert (vantage.platform, vantage.privileged) == ("linux", os.geteuid() == 0)
    assert "127.0.0.1" not in vantage.addresses


async def test_a_vantage_that_cannot_be_read_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_probe, "state", crash)
    vantage = await Engine().vantage()
    assert (vantage.hostname, vantage.addresses, vantage.gateways) == ("", (), ())


async def test_without_targets_the_own_path_is_checked() -> None:
    """The targets are named here and not met: they lie beyond this machine."""
    engine = Engine()
    vantage = await engine.vantage()
    first, *others = await engine.default_targets()
    assert first.kind is Kind.LOCAL
    gateways = [t for t in others if t.kind is Kind.HOST]
    resolvers = [t for t in others if t.kind is Kind.DNS]
    assert [str(t.address) for t in gateways] == list(vantage.gateways)
    assert [str(t.address) for t in resolvers] == list(vantage.resolvers)
    assert all((t.query_name, t.query_type) == (".", "NS") for t in resolvers)


async def test_the_sockets_of_this_machine_have_their_owner() -> None:
    with listener() as port:
        found = [s for s in await Engine().sockets() if s.port == port and s.transport == "tcp"]
    (mine,) = found
    assert mine.listening and [owner.pid for owner in mine.owners] == [os.getpid()]


async def test_the_report_over_all_has_the_worst_verdict() -> None:
    engine = Engine()
    with listener() as opened, closed_port() as closed:
        good = (await checked(engine, at(opened)))[-1]
        bad = (await checked(engine, at(closed)))[-1]
    now = datetime.now(UTC)
    vantage = await engine.vantage()
    report = assemble([good, bad], vantage=vantage, taken_at=now, duration_ms=3.5)
    assert report.verdict is Verdict.FAILING and report.targets == (good, bad)
    assert (report.taken_at, report.duration_ms, report.vantage) == (now, 3.5, vantage)
    alone = assemble([good], vantage=vantage, taken_at=now, duration_ms=0)
    assert (alone.verdict, alone.root_causes) == (Verdict.OK, ())


async def test_every_ask_has_its_probe() -> None:
    def subclasses(kind: type[Ask[Any]]) -> set[type[Ask[Any]]]:
        own = {sub for sub in kind.__subclasses__() if sub.__module__ == Ask.__module__}
        return own.union(*(subclasses(sub) for sub in own))

    # slotted dataclasses are made twice: the first of each pair is a ghost with the same name
    names = {kind.__name__ for kind in subclasses(Ask)}
    assert {kind.__name__ for kind in runs.PROBES} == names
    assert {LocalAsk, RouteAsk, ConnectAsk} <= set(runs.PROBES)


async def test_equal_asks_at_once_are_one_run() -> None:
    engine = Engine()
    first, second = await asyncio.gather(
        engine._runs.once(LocalAsk()), engine._runs.once(LocalAsk())
    )
    assert first is second and isinstance(first, LocalState)
