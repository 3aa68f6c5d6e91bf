"""Plan → probe → diagnose → ask → …: runs what the diagnosis asks for until it has decided.

The diagnosis is pure: it looks at the facts and returns findings and asks.  Each answer, also an
early word of a probe that still waits, makes it look again, so that the contrast probes of a
silent port start while the port is still silent.  Equal asks are answered once, across targets.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from netwhy import __version__
from netwhy.core import asks
from netwhy.core.errnames import error_name
from netwhy.core.model import (
    Kind,
    Report,
    Target,
    TargetOptions,
    TargetReport,
    Vantage,
    Verdict,
    worst,
)
from netwhy.core.observations import LocalState, Observation, ResolverConfig, Skipped, Socket
from netwhy.core.target import TargetError, parse, this_machine
from netwhy.diagnosis import fallback, rollup
from netwhy.diagnosis.examine import Examination, examine
from netwhy.knowledge import words
from netwhy.system import limits

#: Which probe answers which ask.  Imported at first use: an address needs no DNS library.
PROBES: dict[type[asks.Ask[Any]], tuple[str, str]] = {
    asks.LocalAsk: ("local", "state"),
    asks.RouteAsk: ("local", "route"),
    asks.NeighbourAsk: ("local", "neighbour"),
    asks.PortTableAsk: ("local", "port_table"),
    asks.PortUseAsk: ("local", "port_use"),
    asks.LocalDropsAsk: ("local", "local_drops"),
    asks.ResolverConfigAsk: ("name", "configuration"),
    asks.HostsAsk: ("name", "hosts_file"),
    asks.SystemLookupAsk: ("name", "system_lookup"),
    asks.DnsAsk: ("dns", "query"),
    asks.PingAsk: ("ping", "ping"),
    asks.ConnectAsk: ("tcp", "connect"),
    asks.UdpAsk: ("udp", "exchange"),
    asks.BindAsk: ("bind", "bind"),
    asks.TlsAsk: ("tls", "handshake"),
    asks.SniffAsk: ("tls", "sniff"),
    asks.HttpAsk: ("http", "get"),
    asks.ExchangeAsk: ("exchange", "exchange"),
}

#: Nothing is waited for longer than this after the last probe of a target began.
TARGET_DEADLINE_S = 15.0
#: An answer this young also serves another target that asks the same.
FRESH_S = 0.4
#: Probes at once, whatever the number of targets.
_MOST_PROBES = 400
_FEW_FILES = 40
_QUEUE_PAUSE_S = 1.0
_MOST_NAMES = 50
#: First pause before a failing target with `retries` is tried again; doubles each time.
BACK_OFF_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Run:
    """One probe under way or just ended, and who waits for it."""

    ask: asks.Ask[Any]
    started: float | None = None  # None: waits for a place
    latest: Observation | None = None
    ended: float | None = None
    task: asyncio.Task[None] | None = None
    listeners: set[asyncio.Event] = field(default_factory=set)

    def tell(self, observation: Observation) -> None:
        self.latest = observation
        for changed in self.listeners:
            changed.set()


class Engine:
    """Checks targets.  One engine serves any number of checks at once, in one event loop.

    `timeout_s` replaces the deadline of each connect; `parallel` bounds the targets that
    `check_all` works on at once.
    """

    def __init__(self, *, timeout_s: float | None = None, parallel: int = 64) -> None:
        self._timeout_s = timeout_s
        self._parallel = parallel
        self._places: asyncio.Semaphore | None = None
        self._runs: dict[asks.Ask[Any], _Run] = {}
        #: Host names of the targets that were ever asked for, the last ones only.
        self._names: dict[str, None] = {}

    def _know(self, targets: Iterable[Target]) -> None:
        """Remember what the user calls his machines: a short name may be one of them."""
        self._names |= dict.fromkeys(t.host for t in targets if t.host and t.address is None)
        for name in [*self._names][:-_MOST_NAMES]:
            del self._names[name]

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        """Yield reports of one target as it becomes known; the last one is complete.

        Closing the generator, or cancelling its task, ends every probe that only it waits for.
        """
        self._know((target,))
        for attempt in range(target.options.retries + 1):
            last = attempt == target.options.retries
            report: TargetReport | None = None
            async with contextlib.aclosing(self._attempt(target)) as reports:
                async for report in reports:
                    if not (report.complete and report.verdict is Verdict.FAILING):
                        yield report
            if report is None or report.verdict is not Verdict.FAILING:
                return
            if last:
                if target.options.fallback is not None:
                    yield replace(report, complete=False)
                yield await self._with_fallback(report)
                return
            yield replace(report, complete=False)
            await asyncio.sleep(BACK_OFF_S * 2**attempt)

    async def _with_fallback(self, report: TargetReport) -> TargetReport:
        """The failing report, with the fallback tried where the target names one."""
        spelling = report.target.options.fallback
        if spelling is None:
            return report
        try:
            target = parse(spelling)
        except TargetError as error:
            unreadable = Target(spelling, Kind.HOST)
            reason = error.reason()
            return fallback.attach(report, TargetReport(unreadable, Verdict.UNKNOWN, reason=reason))
        async with contextlib.aclosing(self._attempt(target)) as reports:
            tried = [found async for found in reports if found.complete]
        return fallback.attach(report, tried[-1])

    async def _attempt(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        started = time.perf_counter()
        changed = asyncio.Event()
        mine: dict[asks.Ask[Any], _Run] = {}
        told: TargetReport | None = None
        try:
            while True:
                changed.clear()
                examination = self._examine(target, mine)
                asked = [a for a in (*examination.wants, *examination.hopes) if a not in mine]
                for ask in asked:
                    mine[ask] = self._run(ask, changed)
                if any(mine[ask].latest is not None for ask in asked):
                    continue  # answered for another check a moment ago: look at it first
                pause = self._pause(examination, mine, started)
                if pause is None:
                    break
                if examination.report != told:
                    told = examination.report
                    yield replace(told, duration_ms=_ms(started), complete=False)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await changed.wait()
            final = self._examine(target, mine, final=True).report
            yield replace(final, duration_ms=_ms(started), complete=True)
        finally:
            for run in mine.values():
                self._release(run, changed)

    def _examine(
        self, target: Target, mine: dict[asks.Ask[Any], _Run], *, final: bool = False
    ) -> Examination:
        facts = {ask: run.latest for ask, run in mine.items() if run.latest is not None}
        beside = tuple(name for name in self._names if name != target.host)
        return examine(target, facts, timeout_s=self._timeout_s, final=final, beside=beside)

    def _pause(
        self, examination: Examination, mine: dict[asks.Ask[Any], _Run], started: float
    ) -> float | None:
        """How long to wait for the next answer; None when there is nothing worth waiting for."""
        now = time.perf_counter()
        needed = [mine[ask] for ask in examination.wants if mine[ask].ended is None]
        if any(run.started is None for run in needed):
            return _QUEUE_PAUSE_S
        # Time spent in the queue is not the target's: count from the last probe that began.
        begun = max((run.started for run in mine.values() if run.started), default=started)
        left = begun + TARGET_DEADLINE_S - now
        if needed:
            return left if left > 0 else None
        # A probe that was only just asked for has not begun yet.
        patience = [
            (run.started or now) + ask.patience_s - now
            for ask in examination.hopes
            if (run := mine[ask]).ended is None
        ]
        longest = min(left, max(patience, default=0.0))
        return longest if longest > 0 else None

    def _run(self, ask: asks.Ask[Any], changed: asyncio.Event) -> _Run:
        """Join the run that answers this ask, or start one."""
        now = time.perf_counter()
        run = self._runs.get(ask)
        if run is None or (run.ended is not None and now - run.ended > FRESH_S):
            for old in [r for r in self._runs.values() if r.ended and now - r.ended > FRESH_S]:
                del self._runs[old.ask]
            run = _Run(ask)
            self._runs[ask] = run
            run.task = asyncio.create_task(self._probe(run))
        run.listeners.add(changed)
        return run

    async def _probe(self, run: _Run) -> None:
        """Answer an ask, whatever happens: nobody waits for a run that has died."""
        ask = run.ask
        observation: Observation = Skipped(ask.probe, str(ask), "given up")
        try:
            if self._places is None:
                self._places = asyncio.Semaphore(_probes_at_once())
            async with self._places:
                run.started = time.perf_counter()
                observation = await self._answer(run)
        except TimeoutError:
            reason = f"no answer within {ask.deadline_s:g} s"
            observation = run.latest or Skipped(ask.probe, str(ask), reason)
        except Exception as error:  # a bug here must not look like a fault of the network
            observation = _broken(ask, error)
        finally:
            run.ended = time.perf_counter()
            run.tell(observation)

    async def _answer(self, run: _Run) -> Observation:
        module, name = PROBES[type(run.ask)]
        probe = getattr(importlib.import_module(f"netwhy.probes.{module}"), name)
        async with asyncio.timeout(run.ask.deadline_s):
            observation: Observation = await probe(run.ask, run.tell)
        return observation

    def _release(self, run: _Run, changed: asyncio.Event) -> None:
        """Stop waiting for a run; the last one to leave ends it."""
        run.listeners.discard(changed)
        if not run.listeners and run.ended is None and run.task is not None:
            run.task.cancel()
            self._runs.pop(run.ask, None)

    async def check_all(self, targets: Sequence[Target]) -> AsyncGenerator[TargetReport, None]:
        """Check targets side by side and yield their reports as they come, interleaved."""
        self._know(targets)
        places = asyncio.Semaphore(self._parallel)
        reports: asyncio.Queue[TargetReport | BaseException | None] = asyncio.Queue()

        async def one(target: Target) -> None:
            async with places, contextlib.aclosing(self.check(target)) as found:
                async for report in found:
                    reports.put_nowait(report)

        def ended(task: asyncio.Task[None]) -> None:
            error = None if task.cancelled() else task.exception()
            reports.put_nowait(error)

        tasks = [asyncio.create_task(one(target)) for target in targets]
        for task in tasks:
            task.add_done_callback(ended)
        try:
            left = len(tasks)
            while left:
                item = await reports.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    left -= 1
                else:
                    yield item
        finally:
            for task in tasks:
                task.cancel()

    async def _once(self, ask: asks.Ask[Any]) -> Observation | None:
        changed = asyncio.Event()
        run = self._run(ask, changed)
        try:
            while run.ended is None:
                changed.clear()
                await changed.wait()
            return run.latest
        finally:
            self._release(run, changed)

    async def vantage(self) -> Vantage:
        """This machine: from where everything is seen."""
        local = await self._once(asks.LocalAsk())
        config = await self._once(asks.ResolverConfigAsk())
        resolvers = config.used if isinstance(config, ResolverConfig) else ()
        if not isinstance(local, LocalState):
            return Vantage("", "", False, resolvers=_texts(resolvers))
        own = [a for a in local.addresses if not a.is_loopback]
        gateways = [g.address for g in local.gateways if g.address is not None]
        return Vantage(
            local.hostname,
            local.platform,
            local.privileged,
            _texts(own),
            _texts(gateways),
            _texts(resolvers),
        )

    async def default_targets(self) -> tuple[Target, ...]:
        """This machine's own path to the network: itself, its gateways, its resolvers."""
        vantage = await self.vantage()
        gateways = [
            # Not icmp://: a gateway that keeps silent about itself is no fault.
            parse(address, options=TargetOptions(label=f"gateway {address}"))
            for address in vantage.gateways
        ]
        resolvers = [
            parse(
                f"dns://{_bracketed(address)}/.?type=NS",
                options=TargetOptions(label=f"resolver {address}"),
            )
            for address in vantage.resolvers
        ]
        return (this_machine(), *gateways, *resolvers)

    async def sockets(self, *, everything: bool = False) -> tuple[Socket, ...]:
        """Local listeners with their owners; with `everything` the connections too."""
        from netwhy.system import sockets, threads

        return await threads.call(lambda: sockets.sockets(everything=everything))


def _broken(ask: asks.Ask[Any], error: Exception) -> Skipped:
    """A probe that failed by itself; without free file descriptors that is the reason."""
    _log.error("probe %s failed", ask, exc_info=error)
    symbol = error_name(error) if isinstance(error, OSError) else None
    if limits.free_files() == 0:  # a module that cannot be opened looks as if it were missing
        symbol = "EMFILE"
    reason = f"netwhy itself failed here: {type(error).__name__}: {error}"
    return Skipped(ask.probe, str(ask), reason, symbol)


def _probes_at_once() -> int:
    """As many probes as there are file descriptors for, with some left for everything else.

    A probe holds two at most (the two tries of a DNS query); two more are left for a look at the
    routing table and for a module that is still to be imported.  Where there are hardly any, the
    words of findings are read while they still can be.
    """
    free = limits.free_files()
    if free < _FEW_FILES:
        words.read_ahead()
    return max(1, min(_MOST_PROBES, (free - 2) // 2))


def assemble(
    reports: Sequence[TargetReport], *, vantage: Vantage, taken_at: datetime, duration_ms: float
) -> Report:
    """Put the reports of all targets together: the overall verdict and the causes they share."""
    return Report(
        version=__version__,
        taken_at=taken_at,
        duration_ms=duration_ms,
        vantage=vantage,
        verdict=worst(tuple(report.verdict for report in reports)),
        targets=tuple(reports),
        root_causes=rollup.root_causes(reports),
    )


def save(path: Path, data: bytes) -> None:
    """Write a file whole or not at all.  OSError when it cannot be written."""
    from netwhy.system import files

    files.write_atomic(path, data)


def _texts(addresses: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(address) for address in addresses))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


async def save_soon(path: Path, data: bytes) -> None:
    """As `save`, in a folder made if need be and in a thread: a folder that hangs holds nobody."""
    from netwhy.system import threads

    def work() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, data)

    await threads.call(work)
