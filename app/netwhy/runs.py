"""Runs of probes: one for each ask, shared by everybody who asks the same.

A run that has just ended still serves; one that nobody waits for any more is ended.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from netwhy.core import asks
from netwhy.core.errnames import error_name
from netwhy.core.observations import Observation, Skipped
from netwhy.knowledge import words
from netwhy.system import limits

#: Which probe answers which ask.  Imported at first use: an address needs no DNS library.
PROBES: dict[type[asks.Ask[Any]], tuple[str, str]] = {
    asks.LocalAsk: ("local", "state"),
    asks.RouteAsk: ("local", "route"),
    asks.NeighbourAsk: ("local", "neighbour"),
    asks.PortTableAsk: ("local", "port_table"),
    asks.PortUseAsk: ("local", "port_use"),
    asks.ServedAsk: ("local", "port_served"),
    asks.LocalDropsAsk: ("drops", "local_drops"),
    asks.ResetOriginAsk: ("resets", "origin"),
    asks.ResolverConfigAsk: ("name", "configuration"),
    asks.HostsAsk: ("name", "hosts_file"),
    asks.SystemLookupAsk: ("name", "system_lookup"),
    asks.DnsAsk: ("dns", "query"),
    asks.PingAsk: ("ping", "ping"),
    asks.SeriesAsk: ("series", "series"),
    asks.StrayAsk: ("stray", "stray"),
    asks.ConnectAsk: ("tcp", "connect"),
    asks.UdpAsk: ("udp", "exchange"),
    asks.TraceAsk: ("trace", "trace"),
    asks.BindAsk: ("bind", "bind"),
    asks.TlsAsk: ("tls", "handshake"),
    asks.SniffAsk: ("tls", "sniff"),
    asks.HttpAsk: ("http", "get"),
    asks.ExchangeAsk: ("exchange", "exchange"),
}

#: An answer this young also serves another target that asks the same.
FRESH_S = 0.4
#: Probes at once, whatever the number of targets.
_MOST_PROBES = 400
_FEW_FILES = 40

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Run:
    """One probe under way or just ended, and who waits for it."""

    ask: asks.Ask[Any]
    started: float | None = None  # None: waits for a place
    latest: Observation | None = None
    ended: float | None = None
    task: asyncio.Task[None] | None = None
    listeners: set[asyncio.Event] = field(default_factory=set)

    def stale(self, now: float) -> bool:
        """Is this an answer too old to serve somebody who asks only now?"""
        fresh_s = FRESH_S if self.ask.fresh_s is None else self.ask.fresh_s
        return self.ended is not None and now - self.ended > fresh_s

    def tell(self, observation: Observation) -> None:
        self.latest = observation
        for changed in self.listeners:
            changed.set()


class Runs:
    """The runs under way or just ended, in one event loop."""

    def __init__(self) -> None:
        self._runs: dict[asks.Ask[Any], Run] = {}
        self._places: asyncio.Semaphore | None = None
        self._forget_at = 0.0

    def __iter__(self) -> Iterator[Run]:
        return iter(self._runs.values())

    def __contains__(self, ask: object) -> bool:
        return ask in self._runs

    def __len__(self) -> int:
        return len(self._runs)

    def join(self, ask: asks.Ask[Any], changed: asyncio.Event) -> Run:
        """Join the run that answers this ask, or start one."""
        now = time.perf_counter()
        run = self._runs.get(ask)
        if run is None or run.stale(now):
            self._forget(now)
            run = Run(ask)
            self._runs[ask] = run
            run.task = asyncio.create_task(self._probe(run))
        run.listeners.add(changed)
        return run

    def forget(self) -> None:
        """Answer nobody with what was asked until now."""
        self._runs = {}

    def _forget(self, now: float) -> None:
        """Drop the stale answers, now and then: some are kept long, and there may be thousands."""
        if now >= self._forget_at:
            self._forget_at = now + FRESH_S / 2
            self._runs = {ask: run for ask, run in self._runs.items() if not run.stale(now)}

    def distrust(self, before: float) -> None:
        """Let no answer of a moment serve any more that is older than this (perf_counter)."""

        def trusted(run: Run) -> bool:
            return run.ask.fresh_s is not None or run.ended is None or run.ended >= before

        self._runs = {ask: run for ask, run in self._runs.items() if trusted(run)}

    async def _probe(self, run: Run) -> None:
        """Answer an ask, whatever happens: nobody waits for a run that has died."""
        ask = run.ask
        observation: Observation | None = None
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
            run.tell(observation or Skipped(ask.probe, str(ask), "given up"))

    async def _answer(self, run: Run) -> Observation:
        module, name = PROBES[type(run.ask)]
        probe = getattr(importlib.import_module(f"netwhy.probes.{module}"), name)
        async with asyncio.timeout(run.ask.deadline_s):
            observation: Observation = await probe(run.ask, run.tell)
        return observation

    async def anew(self, ask: asks.Ask[Any]) -> Observation:
        """One answer made now, whatever was answered before; shared with nobody."""
        run = Run(ask)
        await self._probe(run)
        assert run.latest is not None  # a probe always ends with a word
        return run.latest

    def leave(self, run: Run, changed: asyncio.Event) -> None:
        """Stop waiting for a run; the last one to leave ends it."""
        run.listeners.discard(changed)
        if not run.listeners and run.ended is None and run.task is not None:
            run.task.cancel()
            if self._runs.get(run.ask) is run:
                del self._runs[run.ask]

    async def once(self, ask: asks.Ask[Any]) -> Observation | None:
        """One answer, for somebody who asks nothing else; None if it was given up."""
        changed = asyncio.Event()
        run = self.join(ask, changed)
        try:
            while run.ended is None:
                changed.clear()
                await changed.wait()
            return run.latest
        finally:
            self.leave(run, changed)


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
