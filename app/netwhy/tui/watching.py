"""What people do to the targets on the screen, and the targets that this machine brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from netwhy.core.model import Target
from netwhy.monitor import Machine, Monitor
from netwhy.output.inert import inert
from netwhy.output.layout import counted
from netwhy.tui.news import machine_news
from netwhy.tui.source import Source, Watched


class TargetActions:
    """Adds, removes and checks; a part of the application."""

    monitor: Watched | None
    engine: Source | None
    by_hand: set[str]  # targets that somebody added on the screen
    say: Callable[..., None]
    launch: Callable[..., None]
    key_of: Callable[[str, str], str]
    _machine: Machine | None = None

    def pull(self) -> None:
        """Show at once what the monitor knows now."""
        raise NotImplementedError

    def add_target(self, target: Target) -> bool:
        """Watch it; False if it is watched already, or nothing runs yet."""
        added = self.monitor is not None and self.monitor.add(target)
        self.by_hand.add(target.text)
        if self._machine is not None:
            self._machine.keep(target.text)
        self.pull()
        return added

    def add_targets(self, targets: Sequence[Target]) -> None:
        """Watch them all, and say how many were watched already."""
        added = self.monitor.add_all(targets) if self.monitor is not None else 0
        self.by_hand.update(target.text for target in targets)
        if self._machine is not None:
            for target in targets:
                self._machine.keep(target.text)
        known = len(targets) - added
        also = f", {known} watched already" if known else ""
        self.say(f"{counted(added, 'target')} added{also}.")
        self.pull()

    def remove_target(self, text: str) -> None:
        removed = self.monitor.remove(text) if self.monitor is not None else None
        if removed is not None:
            back = self.key_of("target.undo", "u")
            self.say(f"{inert(removed.label)} removed. {back} brings it back.")
            self.pull()

    def undo_removal(self) -> None:
        back = self.monitor.undo() if self.monitor is not None else None
        self.say(f"{inert(back.label)} is watched again." if back else "There is nothing to undo.")
        self.pull()

    def watch_this_machine(self) -> None:
        """Watch this machine, its gateways and its resolvers, also when these change."""
        if self.engine is None or not isinstance(self.monitor, Monitor):
            return
        if self._machine is None:
            self._machine = Machine(self.monitor, self.engine, self._machine_changed)
        self._machine.restore()
        self.launch(self._machine.follow(), group="machine")

    def _machine_changed(
        self, added: Sequence[Target], removed: Sequence[Target], first: bool
    ) -> None:
        if not first:
            self.say(machine_news(added, removed))
        self.pull()

    def action_check_now(self) -> None:
        if self.monitor is not None:
            self.monitor.check_now()
            self.say("Checking every target now.")

    def action_pause(self) -> None:
        if self.monitor is None:
            return
        if self.monitor.paused:
            self.monitor.resume()
        else:
            self.monitor.pause()
        self.pull()
