"""Keeps the running dashboard as its configuration file says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from netwhy.core.model import Target
from netwhy.core.settings import INTERVAL_S, Settings
from netwhy.monitor import Monitor
from netwhy.monitor.configuration import Configuration, Follower
from netwhy.output.inert import inert
from netwhy.output.layout import counted
from netwhy.tui.themes import spoken

if TYPE_CHECKING:
    from netwhy.tui.app import NetwhyApp


class Configured:
    """Follows the file and puts into effect what it says otherwise than before.

    What the command line has decided stays, and so do targets that people added or removed.
    """

    def __init__(self, app: NetwhyApp, monitor: Monitor, configuration: Configuration) -> None:
        self._app = app
        self._monitor = monitor
        self._name = configuration.path.name
        self._settings = configuration.settings
        self._fixed = configuration.fixed
        self._follower = Follower(configuration, self.apply, self.tell)

    async def follow(self) -> None:
        await self._follower.follow()

    def tell(self, problem: str | None) -> None:
        """Say what is wrong with the file, for as long as it is."""
        self._monitor.tell("configuration", problem)
        if problem is not None:
            self._app.say(problem, "error")

    def apply(self, new: Settings) -> None:
        old, self._settings = self._settings, new
        done = [
            *self._targets(old.targets, new.targets),
            *self._times(old, new),
            *self._looks(old, new),
        ]
        if done:
            self._app.say(f"{inert(self._name)} was read anew: {', '.join(done)}.")

    def _targets(self, old: Sequence[Target], new: Sequence[Target]) -> list[str]:
        monitor = self._monitor
        if "targets" in self._fixed:
            return []
        before = {target.text: target for target in old}
        after = {target.text: target for target in new}
        added = monitor.add_all([t for text, t in after.items() if text not in before])
        gone = [t for t in before if t not in after and t not in self._app.by_hand]
        removed = sum(monitor.remove(text, undoable=False) is not None for text in gone)
        changed = sum(monitor.change(t) for text, t in after.items() if before.get(text) != t)
        told = ((added, "added"), (removed, "removed"), (changed, "changed"))
        return [f"{counted(count, 'target')} {what}" for count, what in told if count]

    def _times(self, old: Settings, new: Settings) -> list[str]:
        done = []
        if old.interval_s != new.interval_s and "interval" not in self._fixed:
            interval_s = new.interval_s or INTERVAL_S
            self._monitor.set_interval(interval_s)
            done.append(f"checked every {interval_s:g} s")
        if old.timeout_s != new.timeout_s:
            set_timeout = getattr(self._app.engine, "set_timeout", None)
            if set_timeout is not None:
                set_timeout(new.timeout_s)
            done.append(f"timeout {new.timeout_s:g} s" if new.timeout_s else "the usual timeouts")
        return done

    def _looks(self, old: Settings, new: Settings) -> list[str]:
        done = []
        if old.theme != new.theme and "theme" not in self._fixed:
            self._app.wear(new.theme)
            done.append(f"theme {spoken(self._app.theme)}")
        if old.bell != new.bell and "bell" not in self._fixed:
            self._app.with_bell = bool(new.bell)
            done.append("with the bell" if new.bell else "without the bell")
        if old.keys != new.keys:
            self._app.bind_keys(new.keys)
            done.append("keys")
        return done
