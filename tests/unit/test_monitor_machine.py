"""The targets of this machine follow it; those of people stay as they want them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from tests.net.servers import eventually

from netwhy.core.model import Kind, Target, TargetReport, Vantage, Verdict
from netwhy.monitor import Machine, Monitor
from netwhy.monitor.machine import MISSES

HERE = Target("this machine", Kind.LOCAL)


def gateway(number: int) -> Target:
    return Target(f"192.0.2.{number}", Kind.HOST, f"192.0.2.{number}")


class Laptop:
    """An engine on a machine whose targets a test changes."""

    def __init__(self, *targets: Target) -> None:
        self.targets: tuple[Target, ...] | Exception = targets
        self.hostname = "laptop"

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        yield TargetReport(target, Verdict.OK)

    async def vantage(self) -> Vantage:
        return Vantage(self.hostname, "linux", False)

    async def default_targets(self) -> tuple[Target, ...]:
        if isinstance(self.targets, Exception):
            raise self.targets
        return self.targets


class World:
    def __init__(self, *targets: Target, watched: tuple[Target, ...] = ()) -> None:
        self.laptop = Laptop(*targets)
        self.monitor = Monitor(self.laptop, watched, interval_s=60.0)
        self.told: list[tuple[list[str], list[str], bool]] = []
        self.machine = Machine(self.monitor, self.laptop, self._told)

    def _told(self, added: tuple[Target, ...], removed: tuple[Target, ...], first: bool) -> None:
        self.told.append(([t.text for t in added], [t.text for t in removed], first))

    async def looks(self, times: int = MISSES) -> None:
        for _ in range(times):
            await self.machine.look()

    @property
    def watched(self) -> list[str]:
        return [row.target.text for row in self.monitor.snapshot().rows]


async def test_a_new_gateway_comes_at_once_and_the_old_one_goes_after_two_looks() -> None:
    w = World(HERE, gateway(1))
    await w.looks(1)
    assert w.watched == ["this machine", "192.0.2.1"]
    w.laptop.targets = (HERE, gateway(9))
    await w.looks(1)
    assert w.watched == ["this machine", "192.0.2.1", "192.0.2.9"]
    await w.looks(1)
    assert w.watched == ["this machine", "192.0.2.9"]
    assert w.monitor.undo() is None, "nobody removed it by hand"


async def test_a_gateway_that_is_away_for_a_moment_stays() -> None:
    w = World(HERE, gateway(1))
    await w.looks(1)
    for _ in range(4):
        w.laptop.targets = (HERE,)
        await w.looks(MISSES - 1)
        w.laptop.targets = (HERE, gateway(1))
        await w.looks(1)
    assert w.watched == ["this machine", "192.0.2.1"]


async def test_what_people_added_stays() -> None:
    w = World(HERE, gateway(1), gateway(2), watched=(gateway(1),))
    await w.looks(1)
    assert not w.monitor.add(gateway(2))
    w.machine.keep("192.0.2.2")  # somebody typed it although it was there
    w.laptop.targets = (HERE,)
    await w.looks(5)
    assert w.watched == ["192.0.2.1", "this machine", "192.0.2.2"]


async def test_what_people_removed_stays_away_until_it_is_asked_for() -> None:
    w = World(HERE, gateway(1))
    await w.looks(1)
    w.monitor.remove("192.0.2.1")
    await w.looks(3)
    assert w.watched == ["this machine"]
    w.machine.restore()
    await w.looks(1)
    assert w.watched == ["this machine", "192.0.2.1"]


async def test_a_machine_that_cannot_be_read_keeps_its_targets() -> None:
    w = World(HERE, gateway(1))
    await w.looks(1)
    w.laptop.targets, w.laptop.hostname = (HERE,), ""
    await w.looks(5)
    assert w.watched == ["this machine", "192.0.2.1"]


async def test_it_follows_by_itself_tells_changes_and_survives_an_error() -> None:
    w = World(HERE, gateway(1))
    task = asyncio.create_task(w.machine.follow())
    await eventually(lambda: bool(w.told))
    assert w.told == [(["this machine", "192.0.2.1"], [], True)]
    w.laptop.targets = OSError("no netlink")
    await eventually(lambda: w.monitor.snapshot().notice is not None)
    notice = w.monitor.snapshot().notice
    assert notice == "this machine could not be read: OSError: no netlink"
    w.laptop.targets = (HERE, gateway(1), gateway(9))
    await eventually(lambda: len(w.told) > 1 and w.monitor.snapshot().notice is None)
    task.cancel()
    assert w.told[1:] == [(["192.0.2.9"], [], False)]
