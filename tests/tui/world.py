"""A world as data: an engine that tells what a test wrote down, and targets to tell it of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from ipaddress import ip_address

from tests.net.servers import eventually
from textual.command import CommandList
from textual.pilot import Pilot

from netwhy.core.listing import Listing, listing
from netwhy.core.model import (
    Alternative,
    Finding,
    Fix,
    Kind,
    Mark,
    Outcome,
    PathStep,
    ProbeRow,
    Severity,
    Target,
    TargetReport,
    Vantage,
    Verdict,
    Where,
)
from netwhy.core.observations import Owner, Socket
from netwhy.tui.app import NetwhyApp
from netwhy.tui.source import Freeing

OK = (Mark.OK, Mark.OK, Mark.OK, Mark.OK, Mark.ABSENT, Mark.ABSENT)
REFUSED = (Mark.OK, Mark.OK, Mark.OK, Mark.FAILED, Mark.ABSENT, Mark.ABSENT)

#: A busy machine draws late; only what never comes takes so long.
PATIENCE_S = 20.0

VANTAGE = Vantage("web-03", "linux", False, ("192.0.2.2",), ("192.0.2.1",), ("192.0.2.53",))


def target(text: str, kind: Kind = Kind.TCP) -> Target:
    host, _, port = text.rpartition(":")
    return Target(
        text, kind, host or text, int(port) if port.isascii() and port.isdecimal() else None
    )


def works(text: str, rtt_ms: float | None = 0.4) -> TargetReport:
    """A healthy target."""
    path = (PathStep("this host", Mark.OK), PathStep(text, Mark.OK))
    probes = (
        ProbeRow("local", "web-03", Outcome.OK, detail={"usable_interfaces": ["eth0"]}),
        ProbeRow("tcp", text, Outcome.OK, rtt_ms),
    )
    return TargetReport(target(text), Verdict.OK, ("192.0.2.7",), (), probes, OK, path, rtt_ms, 1.0)


def refused(text: str) -> TargetReport:
    """A target whose port nothing listens on, with two fixes."""
    host, _, port = text.rpartition(":")
    finding = Finding(
        "tcp.refused",
        Severity.FAILURE,
        0.97,
        text,
        f"{host} refused the connection on port {port}",
        "The machine is up and reachable; nothing listens on that port.",
        ("192.0.2.7 answered ping in 0.4 ms", f"SYN to port {port} was answered with RST"),
        (
            Fix("See whether the service runs", "systemctl status postgresql", Where.TARGET),
            Fix("See who listens", f"ss -ltnp 'sport = :{port}'", Where.TARGET),
        ),
        (Alternative("tcp.rejected-by-firewall", "a firewall can send the same RST"),),
    )
    path = (
        PathStep("this host", Mark.OK),
        PathStep("resolver", Mark.OK),
        PathStep("192.0.2.7", Mark.OK),
        PathStep(f"port {port}", Mark.FAILED),
    )
    probes = (ProbeRow("tcp", text, Outcome.FAILED, 0.4, "ECONNREFUSED"),)
    return TargetReport(
        target(text), Verdict.FAILING, ("192.0.2.7",), (finding,), probes, REFUSED, path, None, 1.0
    )


def offline(text: str = "this machine") -> TargetReport:
    """This machine without a network."""
    finding = Finding(
        "local.offline",
        Severity.FAILURE,
        0.99,
        "this machine",
        "This machine has no network",
        "No interface is up with an address beyond loopback.",
        fixes=(Fix("See the interfaces", "ip -br link", Where.HERE),),
    )
    marks = (Mark.ABSENT, Mark.FAILED, *(Mark.ABSENT,) * 4)
    path = (PathStep("this host", Mark.OK), PathStep("network", Mark.FAILED))
    local = Target(text, Kind.LOCAL)
    return TargetReport(local, Verdict.FAILING, (), (finding,), (), marks, path)


def listener(
    port: int, address: str = "0.0.0.0", owner: Owner | None = None, transport: str = "tcp"
) -> Socket:
    """A listening socket of one owner."""
    owner = owner or Owner(port, f"server{port}", "alice", 1000, f"server{port} --run")
    state = "LISTEN" if transport == "tcp" else "UNCONN"
    return Socket(transport, ip_address(address), port, state, inode=port, owners=(owner,))


class World:
    """An engine whose answers are data.  `answers` may be changed while it runs."""

    def __init__(self, *reports: TargetReport, delay_s: float = 0.0) -> None:
        self.answers: dict[str, TargetReport | Exception] = {r.target.text: r for r in reports}
        self.targets = [report.target for report in reports]
        self.delay_s = delay_s
        self.checked: list[str] = []
        self.held: set[str] = set()  # whose checks never end
        self.listeners: tuple[Socket, ...] | Exception = (listener(22), listener(5432))
        self.connections: tuple[Socket, ...] = ()
        self.listed: list[tuple[bool, bool]] = []  # with connections, and whose they are
        self.named_ports: list[int] = []  # of the other ends of whose owners were asked for
        self.took_s = 0.0
        self.gate: asyncio.Event | None = None  # readings wait for it
        self.attempt: Freeing | None = None
        self.defaults: tuple[Target, ...] = ()

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        self.checked.append(target.text)
        await asyncio.sleep(self.delay_s)
        if target.text in self.held:
            await asyncio.Event().wait()
        answer = self.answers.get(target.text) or works(target.text)
        if isinstance(answer, Exception):
            raise answer
        yield answer

    async def vantage(self) -> Vantage:
        return VANTAGE

    async def default_targets(self) -> tuple[Target, ...]:
        return self.defaults

    async def listing(self, *, everything: bool = False, named: bool = False) -> Listing:
        self.listed.append((everything, named))
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.listeners, Exception):
            raise self.listeners
        found = (*self.listeners, *(self.connections if everything else ()))
        kept = [replace(s, owners=()) if s.remote and not named else s for s in found]
        return replace(listing(kept, named=named or not everything), took_s=self.took_s)

    async def named(self, sockets: Sequence[Socket]) -> tuple[Socket, ...]:
        self.named_ports += [s.remote[1] for s in sockets if s.remote]
        known = {s.inode: s.owners for s in self.connections}
        return tuple(replace(s, owners=known.get(s.inode, ())) for s in sockets)

    async def freeing(self, port: int, transport: str) -> Freeing:
        assert self.attempt is not None
        return self.attempt

    def app(self, *, interval_s: float = 30.0, **options: object) -> NetwhyApp:
        """The application over this world; checks are made once unless the interval is short."""
        return NetwhyApp(
            self.targets,
            interval_s=interval_s,
            engine=self,
            **options,  # type: ignore[arg-type]
        )


def screen_lines(app: NetwhyApp) -> list[str]:
    """What is on the screen, as text.  The one private call of the tests."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in strips]


def screen_text(app: NetwhyApp) -> str:
    return "\n".join(screen_lines(app))


async def until(pilot: Pilot[None], *wanted: str, gone: bool = False) -> str:
    """Wait until the screen shows all these texts, or none of them; fails with the screen.

    What another check, timer or pane brings comes later than the rest: name it too.
    """

    def amiss(text: str) -> list[str]:
        return [part for part in wanted if (part in text) is gone]

    ends = time.monotonic() + PATIENCE_S
    while True:
        await pilot.pause(0.05)
        text = screen_text(pilot.app)  # type: ignore[arg-type]
        if not amiss(text):
            await pilot.pause()  # what came with it may be drawn a moment later
            settled = screen_text(pilot.app)  # type: ignore[arg-type]
            return text if amiss(settled) else settled
        assert time.monotonic() < ends, (
            f"{amiss(text)} {'still' if gone else 'not'} on the screen:\n{text}"
        )


async def until_it_is(pilot: Pilot[None], wanted: str) -> str:
    """The screen once it is this; where that never comes, the screen as it stays."""
    ends = time.monotonic() + PATIENCE_S
    while (text := screen_text(pilot.app) + "\n") != wanted:  # type: ignore[arg-type]
        if time.monotonic() > ends:
            break
        await pilot.pause(0.1)
    return text


async def choose(pilot: Pilot[None], typed: str, name: str) -> None:
    """Run a command of the palette; it searches beside the keys."""
    await pilot.press("ctrl+p")
    await until(pilot, "Search for commands")
    found = pilot.app.screen.query_one(CommandList)
    await pilot.press(*typed)

    def chosen() -> bool:
        option = found.highlighted_option
        return option is not None and str(option.prompt).startswith(name)

    await eventually(chosen)
    await pilot.press("enter")


def yardstick_s() -> float:
    """Processor time of a fixed piece of work: what a machine that is slow today needs more of.

    Some hundredths of a second.
    """
    started = time.thread_time()
    sum(number * number for number in range(1_000_000))
    return time.thread_time() - started
