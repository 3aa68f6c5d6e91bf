"""This machine's own path to the network, under watch while it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from netwhy.core.model import Target, Vantage
from netwhy.monitor.monitor import Monitor
from netwhy.monitor.watch import told

LOOK_S = 2.0
#: Looks in a row that must miss a target: an address that is renewed is away for a moment.
MISSES = 2


Targets = tuple[Target, ...]


class Describer(Protocol):
    """What is asked about this machine."""

    async def vantage(self) -> Vantage: ...

    async def default_targets(self) -> tuple[Target, ...]: ...


class Machine:
    """Adds this machine, its gateways and its resolvers, and removes those that are its no more.

    What people added or removed themselves is left as they want it.
    """

    def __init__(
        self,
        monitor: Monitor,
        engine: Describer,
        changed: Callable[[Targets, Targets, bool], None],
    ) -> None:
        self._monitor = monitor
        self._engine = engine
        self._changed = changed
        self._ours: dict[str, Target | None] = {}  # None: people want to keep it
        self._missed: dict[str, int] = {}

    def keep(self, text: str) -> None:
        """Somebody asked for this target: it stays, whatever the machine does."""
        self._ours[text] = None

    def restore(self) -> None:
        """Let the next look add again what people removed."""
        self._ours = {text: ours for text, ours in self._ours.items() if text in self._monitor}

    async def follow(self) -> None:
        """Look again and again, for ever.

        `changed` gets what was added, what was removed, and whether this was the first look.
        """
        first = True
        while True:
            try:
                added, removed = await self.look()
            except Exception as error:  # told on the screen; what is watched stays
                self._monitor.tell("machine", f"this machine could not be read: {told(error)}")
            else:
                self._monitor.tell("machine", None)
                if added or removed:
                    self._changed(added, removed, first)
                first = False
            await asyncio.sleep(LOOK_S)

    async def look(self) -> tuple[Targets, Targets]:
        """Bring what is watched up to date once; returns what was added and what was removed."""
        if not (await self._engine.vantage()).hostname:
            return (), ()  # it could not be read: that is not a machine without gateways
        found = {target.text: target for target in await self._engine.default_targets()}
        added = []
        for text, target in found.items():
            self._missed.pop(text, None)
            if text not in self._ours:
                self._ours[text] = target if self._monitor.add(target) else None
                added += [target] if self._ours[text] is not None else []
        removed = []
        for text, ours in list(self._ours.items()):
            if text not in found and self._gone(text):
                del self._ours[text]
                if ours is not None and self._monitor.remove(text, undoable=False):
                    removed.append(ours)
        return tuple(added), tuple(removed)

    def _gone(self, text: str) -> bool:
        self._missed[text] = self._missed.get(text, 0) + 1
        if self._missed[text] < MISSES:
            return False
        del self._missed[text]
        return True
