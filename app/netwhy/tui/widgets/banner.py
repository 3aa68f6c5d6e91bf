"""The banner: says when what is seen is not the running state of things."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from netwhy.core.model import TargetReport
from netwhy.core.snapshot import Snapshot
from netwhy.output.inert import inert
from netwhy.tui.spans import clock


class Banner(Widget):
    """One line on top of a view while it is frozen, paused, offline or in trouble."""

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self.display = False

    def show(self, snapshot: Snapshot, *, frozen: bool) -> None:
        text = banner_text(snapshot, frozen=frozen)
        if text != self._text:
            self._text = text
            self.display = bool(text)
            self.refresh()

    def render(self) -> Content:
        return Content(self._text)


def banner_text(snapshot: Snapshot, *, frozen: bool) -> str:
    """What the banner says; empty where the view is live and all is in order."""
    if frozen:
        at = clock(snapshot.taken_at)
        also = "probing is paused too (p)" if snapshot.paused else "probing goes on"
        return f" FROZEN at {at}: the view stands still, {also}. space: go on"
    if snapshot.paused:
        return " PAUSED: no checks are made. p: go on   r: check once"
    if snapshot.notice:
        return f" TROUBLE: {inert(snapshot.notice)}"
    if any(row.report and _offline(row.report) for row in snapshot.rows):
        return " OFFLINE: this machine has no usable address; see the Why of this machine"
    return ""


def _offline(report: TargetReport) -> bool:
    return report.diagnosis is not None and report.diagnosis.cause == "local.offline"
