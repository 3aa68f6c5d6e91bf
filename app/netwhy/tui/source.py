"""What the screen needs of the engine."""

from __future__ import annotations

from typing import Protocol

from netwhy.core.observations import Socket
from netwhy.monitor import Checker, Describer


class Source(Checker, Describer, Protocol):
    """Checks targets and tells of this machine."""

    async def sockets(self, *, everything: bool = False) -> tuple[Socket, ...]: ...
