"""The banner: says when what is seen is not the running state of things."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from netwhy.core.model import Kind, TargetReport
from netwhy.core.snapshot import Snapshot
from netwhy.output.inert import inert
from netwhy.tui.replaying import replay_banner
from netwhy.tui.spans import clock

#: The keys of freeze, of pause and of a check at once.
Keys = tuple[str, str, str]
CAME_WITH: Keys = ("space", "p", "r")


class Banner(Widget):
    """One line on top of a view while it is frozen, paused, offline or in trouble."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.display = False

    def show(self, snapshot: Snapshot, *, frozen: bool, keys: Keys = CAME_WITH) -> None:
        text = banner_text(snapshot, frozen=frozen, keys=keys)
        if text != self._text:
            self._text = text
            self.display = bool(text)
            self.refresh()

    def render(self) -> Content:
        return Content(self._text).truncate(self.size.width, ellipsis=True)


def banner_text(snapshot: Snapshot, *, frozen: bool, keys: Keys = CAME_WITH) -> str:
    """What the banner says; empty where the view is live and all is in order."""
    if snapshot.replayed is not None:
        return replay_banner(snapshot)
    freeze, pause, check = keys
    if frozen:
        at = clock(snapshot.taken_at)
        also = f"probing is paused too ({pause})" if snapshot.paused else "probing goes on"
        return f" FROZEN at {at}: the view stands still, {also}. {freeze}: go on"
    if snapshot.paused:
        return f" PAUSED: no checks are made. {pause}: go on   {check}: check once"
    if snapshot.notice:
        return f" TROUBLE: {inert(snapshot.notice)}"
    if any(row.report and _offline(row.report) for row in snapshot.rows):
        here = any(row.target.kind is Kind.LOCAL for row in snapshot.rows)
        way = "see the Why of this machine" if here else "press m to see what it lacks"
        return f" OFFLINE: this machine has no usable address; {way}"
    return ""


def _offline(report: TargetReport) -> bool:
    return report.diagnosis is not None and report.diagnosis.cause == "local.offline"
