"""What the screen needs of the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from netwhy.core.freeing import Result, Told
from netwhy.core.listing import Listing
from netwhy.core.model import Target
from netwhy.core.observations import Socket
from netwhy.core.snapshot import Snapshot
from netwhy.core.stopping import Plan
from netwhy.monitor import Checker, Describer


class Freeing(Protocol):
    """One attempt to free a port: its plan, and the steps in their order."""

    @property
    def plan(self) -> Plan: ...

    @property
    def rest(self) -> tuple[Socket, ...]: ...

    async def act(self, tell: Callable[[Told], None]) -> bool: ...

    async def wait(
        self, seconds: float, left: Callable[[float], None], tell: Callable[[Told], None]
    ) -> tuple[int, ...]: ...

    async def kill(self, pids: Sequence[int], tell: Callable[[Told], None]) -> None: ...

    async def verify(self) -> Result: ...


class Source(Checker, Describer, Protocol):
    """Checks targets and tells of this machine."""

    async def listing(self, *, everything: bool = False, named: bool = False) -> Listing: ...

    async def named(self, sockets: Sequence[Socket]) -> tuple[Socket, ...]: ...

    async def freeing(self, port: int, transport: str) -> Freeing: ...


class Watched(Protocol):
    """What the screen shows: targets under watch now, or a session that was recorded.

    `version` moves with everything that a snapshot tells.  `now_s` and `now` are the clocks of
    what is shown.
    """

    version: int

    @property
    def paused(self) -> bool: ...

    @property
    def now_s(self) -> float: ...

    @property
    def now(self) -> datetime: ...

    def start(self) -> None: ...

    def halt(self) -> None: ...

    async def stop(self) -> None: ...

    def snapshot(self) -> Snapshot: ...

    def add(self, target: Target) -> bool: ...

    def add_all(self, targets: Sequence[Target]) -> int: ...

    def remove(self, text: str, *, undoable: bool = True) -> Target | None: ...

    def undo(self) -> Target | None: ...

    def check_now(self, text: str | None = None) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...
