"""The pulse over real sockets: what it repeats, what it believes, and when it gives way."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.net.checks import at
from tests.net.nameserver import name_server
from tests.net.namespaces import inside, sysctl
from tests.net.servers import eventually, greet, watched_listener

from netwhy import pulse
from netwhy.core.model import Outcome, Target, TargetReport, Verdict
from netwhy.core.snapshot import Row
from netwhy.core.stats import Tried
from netwhy.core.target import parse
from netwhy.engine import Engine
from netwhy.monitor import Monitor

INTERVAL_S = 0.25


class Told(Engine):
    """Remembers which checks were whole, and what came of each pulse."""

    def __init__(self) -> None:
        super().__init__()
        self.whole: list[TargetReport] = []
        self.pulses: list[TargetReport | None] = []

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        async with contextlib.aclosing(super().check(target)) as reports:
            async for report in reports:
                if report.complete:
                    self.whole.append(report)
                yield report

    async def pulse(self, target: Target) -> TargetReport | None:
        self.pulses.append(await super().pulse(target))
        return self.pulses[-1]

    async def once(self, target: Target) -> TargetReport:
        """One check by the monitor's rule: a pulse where it is enough."""
        report = await self.pulse(target)
        if report is None:
            report = [found async for found in self.check(target)][-1]
        return report


@contextlib.asynccontextmanager
async def watching(target: Target) -> AsyncIterator[tuple[Told, Callable[[], Row]]]:
    """A monitor that has seen the target wholly once, and twice since by pulses."""
    engine = Told()
    monitor = Monitor(engine, [target], interval_s=INTERVAL_S, retry_s=0.1)
    monitor.start()
    try:
        await eventually(lambda: sum(p is not None for p in engine.pulses) >= 2, 20)
        yield engine, lambda: monitor.snapshot().rows[0]
    finally:
        await monitor.stop()


@contextlib.contextmanager
def bound() -> Iterator[socket.socket]:
    """A port that nobody else takes; it refuses until it listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held


def port_of(held: socket.socket) -> int:
    port: int = held.getsockname()[1]
    return port


def cause(report: TargetReport | None) -> str | None:
    finding = report.diagnosis if report is not None else None
    return finding.cause if finding is not None else None


async def served(answers: list[bytes]) -> asyncio.Server:
    """Answers whatever comes, once, with the last of these, and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            await reader.read(4096)
            writer.write(answers[-1])
            await writer.drain()
        writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


# --------------------------------------------------------------------------------- what it repeats


async def test_a_steady_port_is_met_once_for_each_check_and_measured_each_time() -> None:
    with watched_listener(greet) as (port, told):
        async with watching(at(port)) as (engine, row):
            await eventually(lambda: row().checks >= 6)
            checks = row().checks
        await eventually(lambda: told.qsize() >= checks)  # its thread tells it
    assert len(engine.whole) == 1
    assert abs(told.qsize() - checks) <= 1, "a pulse makes one connection and no other"
    reports = [report for report in engine.pulses if report is not None]
    shown = [next(r for r in report.probes if r.probe == "tcp") for report in reports]
    assert len({row.ms for row in shown}) == len(shown), "each was measured"
    assert all(report.rtt_ms is not None and report.rtt_ms > 0 for report in reports)
    assert {report.verdict for report in reports} == {Verdict.OK}


async def test_a_steady_refusal_keeps_every_word_of_its_diagnosis() -> None:
    with bound() as held:
        async with watching(at(port_of(held))) as (engine, row):
            await eventually(lambda: row().checks >= 5)
            assert row().report is engine.whole[-1]
    assert cause(row().report) == "tcp.refused"
    assert len(engine.whole) <= 2  # nothing to confirm: it failed from the start
    assert {sample.tried for sample in row().samples} == {Tried.REFUSED}


async def test_a_service_that_begins_to_hang_up_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "LOOK_S", 0.0)
    hangs_up = False

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not hangs_up:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        engine, target = Told(), at(server.sockets[0].getsockname()[1])
        for _ in range(4):
            assert (await engine.once(target)).verdict is Verdict.OK
        assert len(engine.whole) == 1
        hangs_up = True
        await engine.once(target)
    assert len(engine.whole) == 2
    assert any("CLOSED" in str(row.detail) for row in engine.whole[-1].probes)


async def test_a_name_server_is_asked_one_question() -> None:
    with name_server() as server:
        engine, target = Told(), parse(f"dns://127.0.0.1:{server.port}/ok.test")
        await engine.once(target)
        asked = len(server.queries)
        report = await engine.once(target)
        assert len(server.queries) == asked + 1
    assert engine.pulses[-1] is report and report.verdict is Verdict.OK


async def test_a_page_is_asked_for_once_and_another_status_is_looked_into() -> None:
    pages = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"]
    came = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if request := await reader.read(4096):
                came.append(request)
                writer.write(pages[-1])
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        engine = Told()
        target = parse(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        assert (await engine.once(target)).verdict is Verdict.OK
        came.clear()
        report = await engine.once(target)
        assert engine.pulses[-1] is report and report.verdict is Verdict.OK
        assert len(came) == 1 and report.rtt_ms is not None
        pages.append(b"HTTP/1.1 503 Out\r\nContent-Length: 0\r\n\r\n")
        report = await engine.once(target)
        assert engine.pulses[-1] is None and (cause(report) or "").startswith("http.")


async def test_what_is_expected_is_asked_for_and_another_answer_is_looked_into() -> None:
    answers = [b"PONG\n"]
    async with await served(answers) as server:
        port = server.sockets[0].getsockname()[1]
        engine, target = Told(), at(port, "?send=PING&expect=PONG")
        await engine.once(target)
        assert (await engine.once(target)).verdict is Verdict.OK and engine.pulses[-1] is not None
        answers.append(b"")
        report = await engine.once(target)
    assert engine.pulses[-1] is None and report.verdict is Verdict.FAILING


async def test_a_host_is_pinged_where_it_answers_pings() -> None:
    engine, target = Told(), parse("127.0.0.1")
    first = await engine.once(target)
    ping = next((row for row in first.probes if row.probe == "ping"), None)
    if ping is None or ping.outcome is not Outcome.OK:
        pytest.skip("no ping can be sent here")
    report = await engine.once(target)
    assert engine.pulses[-1] is report and report.rtt_ms != first.rtt_ms


async def test_this_machine_and_a_bind_are_always_looked_at_wholly() -> None:
    engine = Told()
    with bound() as held:
        target = parse(f"bind://127.0.0.1:{port_of(held)}")
        for _ in range(2):
            assert (await engine.once(target)).verdict is Verdict.FAILING
    assert engine.pulses == [None, None]


# ------------------------------------------------------------------------------ when it gives way


async def test_a_server_that_stops_is_noticed_at_the_next_check_and_confirmed_wholly() -> None:
    with socket.socket() as held, socket.socket() as refusing:
        for one in (held, refusing):  # the second one keeps the port when the first one leaves
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind(("127.0.0.1", port_of(held)))
        held.listen()
        async with watching(at(port_of(held))) as (engine, row):
            whole, checks = len(engine.whole), row().checks
            held.close()
            await eventually(lambda: row().verdict is Verdict.FAILING)
            found = row()
    assert cause(found.report) == "tcp.refused"
    assert found.checks <= checks + 4, "at the very next check, and once more to confirm it"
    both = engine.whole[whole:]
    assert len(both) >= 2 and all(report.verdict is Verdict.FAILING for report in both[:2])
    assert not any(
        report is not None and report.verdict is Verdict.OK
        for report in engine.pulses[engine.pulses.index(None, 1) :]
    )


async def test_a_server_that_comes_back_is_noticed() -> None:
    with bound() as held:
        async with watching(at(port_of(held))) as (engine, row):
            checks = row().checks
            held.listen()
            await eventually(lambda: row().verdict is Verdict.OK)
            assert row().checks <= checks + 2
    assert engine.whole[-1].verdict is Verdict.OK


async def test_a_refusal_that_becomes_silence_is_diagnosed_anew() -> None:
    with bound() as held, contextlib.ExitStack() as crowd:
        target = at(port_of(held), "?timeout=0.5")
        async with watching(target) as (engine, row):
            assert cause(row().report) == "tcp.refused"
            held.listen(0)
            for _ in range(2):  # one waits to be accepted, and there is no room for another
                client = crowd.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(held.getsockname())
            await eventually(lambda: cause(row().report) == "tcp.backlog-full")
    assert cause(engine.whole[-1]) == "tcp.backlog-full"


async def test_check_now_is_a_whole_check() -> None:
    with watched_listener(greet) as (port, _told):
        engine = Told()
        monitor = Monitor(engine, [at(port)], interval_s=30.0)
        monitor.start()
        await eventually(lambda: len(engine.whole) == 1)
        await asyncio.sleep(0.05)
        monitor.check_now()
        await eventually(lambda: len(engine.whole) == 2)
        await monitor.stop()
    assert engine.pulses == [None], "it was not even tried"


async def test_a_whole_check_follows_every_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "WHOLE_S", 0.8)
    with watched_listener(greet) as (port, _told):
        async with watching(at(port)) as (engine, row):
            await eventually(lambda: len(engine.whole) >= 3)
            assert row().checks > len(engine.whole)


async def test_a_failure_that_stays_the_same_is_looked_into_less_and_less_often() -> None:
    """After 20, 40, 60 and again 60 seconds, each more or less by three tenths."""
    now = [0.0]
    with bound() as held:
        engine, target = Told(), at(port_of(held))
        engine._pulses = pulse.Pulses(engine._runs, lambda: now[0])
        await engine.once(target)
        for soonest, latest in ((14, 26), (28, 52), (42, 78), (42, 78)):
            began, wholes = now[0], len(engine.whole)
            now[0] = began + soonest - 0.1
            await engine.once(target)
            assert len(engine.whole) == wholes
            now[0] = began + latest + 0.1
            await engine.once(target)
            assert len(engine.whole) == wholes + 1
        held.listen()
        assert (await engine.once(target)).verdict is Verdict.OK


async def test_an_answer_far_slower_than_usual_is_looked_into_but_not_again_and_again() -> None:
    """The times of a server that takes its time with each second page."""
    waits = [0.0]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if await reader.read(4096):
                await asyncio.sleep(waits[-1])
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        engine = Told()
        target = parse(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await engine.once(target)
        waits.append(0.5)
        assert await engine.pulse(target) is None
        slow = await engine.pulse(target)
        assert slow is not None and slow.verdict is Verdict.OK
        (row,) = [row for row in slow.probes if row.probe == "http"]
        assert row.ms is not None and row.ms > 450, "what was measured is what is told"


# ----------------------------------------------------------------------- names and this machine


def _run(work: Callable[[], AsyncGenerator[object, None]]) -> list[object]:
    async def told() -> list[object]:
        return [found async for found in work()]

    return asyncio.run(told())


def _ip(line: str) -> None:
    subprocess.run(["ip", *line.split()], check=True, capture_output=True)


def other_addresses() -> list[object]:
    """A name whose line in the hosts file changes, while both addresses are served."""
    pulse.NAME_S = 0.5  # longer than an answer is shared
    _ip("link set lo up")
    hosts = Path(tempfile.mkdtemp()) / "hosts"
    hosts.write_text("127.0.0.1 service.test\n")
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)

    async def work() -> AsyncGenerator[object, None]:
        with socket.create_server(("0.0.0.0", 0)) as server:
            engine, target = Told(), parse(f"service.test:{server.getsockname()[1]}")
            yield (await engine.once(target)).addresses
            await asyncio.sleep(0.6)
            yield (await engine.once(target)).addresses
            yield engine.pulses[-1] is not None
            hosts.write_text("127.0.0.2 service.test\n")
            await asyncio.sleep(0.6)
            yield (await engine.once(target)).addresses
            yield engine.pulses[-1] is None
            hosts.write_text("")
            await asyncio.sleep(0.6)
            yield (await engine.once(target)).verdict
            yield engine.pulses[-1] is None

    return _run(work)


def test_other_addresses_of_a_name_bring_a_whole_check() -> None:
    first, second = ["127.0.0.1"], ["127.0.0.2"]
    assert inside(other_addresses) == [first, first, True, second, True, "failing", True]


def other_ground() -> list[object]:
    """The network of this machine changes beside a target that goes on to answer."""
    _ip("link set lo up")
    _ip("link add eth0 type veth peer name far")
    sysctl("ipv6/conf/eth0/disable_ipv6", 1)  # or an address comes later, when it is no duplicate
    _ip("address add 192.0.2.10/24 dev eth0")
    _ip("link set far up")
    _ip("link set eth0 up")

    async def work() -> AsyncGenerator[object, None]:
        with socket.create_server(("192.0.2.10", 0)) as server:
            engine, target = Told(), parse(f"192.0.2.10:{server.getsockname()[1]}")
            await asyncio.sleep(1.5)  # the link comes up
            await engine.once(target)
            for change in (
                "",
                "link add other type veth peer name another",
                "route add default via 192.0.2.1",
                "address add 192.0.2.11/24 dev eth0",
                "route add 203.0.113.0/24 via 192.0.2.1",
                "route del default",
            ):
                if change:
                    _ip(change)
                await asyncio.sleep(1.0)
                assert (await engine.once(target)).verdict is Verdict.OK
                yield engine.pulses[-1] is not None

    return _run(work)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own news (rtnetlink)")
def test_no_pulse_on_another_ground() -> None:
    """A default route concerns the target, and so does an address of the interface that it uses;
    another interface, or a route to elsewhere, does not."""
    assert inside(other_ground) == [True, True, False, False, True, False]
