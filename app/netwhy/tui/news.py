"""Changes of state as short messages, each told once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netwhy.core.model import Target, Verdict
from netwhy.core.snapshot import Change, Snapshot, Standstill
from netwhy.output.inert import inert
from netwhy.tui.spans import clock, duration

TOASTS = 3  # more changes of state than these at once are told in one

Message = tuple[str, Literal["information", "warning", "error"]]


class News:
    """Tells what has not been told yet: changes of state, and times in which nothing ran."""

    def __init__(self) -> None:
        self._told = 0
        self._stood = 0
        self.changed = False  # was there a change of state in what was told last?

    def of(self, snapshot: Snapshot) -> list[Message]:
        return [*self._still(snapshot.standstill), *self._changed(snapshot.changes)]

    def _still(self, found: Standstill | None) -> list[Message]:
        if found is None:
            self._stood = 0  # also where a replay begins again
            return []
        if found.number <= self._stood:
            return []
        self._stood = found.number
        why = "this machine was asleep" if found.asleep else "netwhy was stopped"
        since = f"{duration(found.seconds)} from {clock(found.began)} on"
        return [(f"Nothing was checked for {since}: {why}.", "information")]

    def _changed(self, changes: Sequence[Change]) -> list[Message]:
        if not changes:
            self._told = 0
        new = [change for change in changes if change.number > self._told]
        self.changed = bool(new)
        if not new:
            return []
        self._told = new[-1].number
        if len(new) > TOASTS:
            return [(f"{len(new)} targets changed their state.", "warning")]
        return [_message(change) for change in new]


def _message(change: Change) -> Message:
    well = change.now is Verdict.OK
    title = f": {inert(change.title)}" if change.title and not well else ""
    text = f"{inert(change.target.label)} is {change.now} now{title}"
    return text, "information" if well else "warning"


def machine_news(added: Sequence[Target], removed: Sequence[Target]) -> str:
    """What this machine got and lost: its gateways and resolvers, a line each way."""
    lines = [("now of this machine: ", added), ("no longer of this machine: ", removed)]
    told = (lead + ", ".join(inert(t.label) for t in which) for lead, which in lines if which)
    return "\n".join(line[:1].upper() + line[1:] for line in told)
