"""The strip of root causes: one cause that explains several targets is said once, on top."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from netwhy.core.model import RootCause, Verdict
from netwhy.core.snapshot import Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.tui.look import Line, glyph, page_content
from netwhy.tui.spans import clock, duration, fitted

SHOWN = 2
WIDE = 110  # narrower, the time of day gives way to the title


class RootCauses(Widget):
    """One line for each cause shared by targets; nothing where there is none."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._drawn: list[Line] = []
        self._snapshot: Snapshot | None = None
        self._now_s = 0.0
        self.display = False

    def show(self, snapshot: Snapshot, now_s: float) -> None:
        self._snapshot, self._now_s = snapshot, now_s
        self._lay()

    def on_resize(self) -> None:
        self._lay()

    def _lay(self) -> None:
        if self._snapshot is None:
            return
        width = self.size.width or self.app.size.width
        lines = cause_lines(self._snapshot, self._now_s, width, self._page)
        if lines == self._drawn:
            return
        taller = len(lines) != len(self._drawn)
        self._drawn = lines
        self.display = bool(lines)
        if taller and lines:
            self.styles.height = len(lines)
        self.refresh(layout=taller)

    def render(self) -> Content:
        return page_content(self._drawn)


def cause_lines(snapshot: Snapshot, now_s: float, width: int, page: Page) -> list[Line]:
    """The causes that explain the most targets, each in one line."""
    shared = [cause for cause in snapshot.root_causes if len(cause.explains) > 1]
    shared.sort(key=lambda cause: -len(cause.explains))
    lines = [_line(cause, snapshot, now_s, width, page) for cause in shared[:SHOWN]]
    if len(shared) > SHOWN:
        more = counted(len(shared) - SHOWN, "more root cause")
        lines[-1] = (*lines[-1][:-1], (fitted(f"  and {more}", 30), "muted"))
    return lines


def _line(cause: RootCause, snapshot: Snapshot, now_s: float, width: int, page: Page) -> Line:
    lead = f" ROOT CAUSE {glyph(Verdict.FAILING, page)} "
    began = [
        (row.since_s, row.since)
        for row in snapshot.rows
        if row.target.text in cause.explains and row.since is not None
    ]
    since = ""
    if began:
        first_s, first = min(began, key=lambda pair: pair[0])
        since = f"  since {clock(first)} ({duration(now_s - first_s)}) "
        if width < WIDE:
            since = f"  {duration(now_s - first_s)} "
    explains = f", explains {counted(len(cause.explains), 'target')}"
    room = max(10, width - cell_len(lead) - len(since) - len(explains))
    title = inert(cause.title)
    if cell_len(title) > room:
        title = fitted(title, room, ellipsis="~" if page.ascii else "…")
    blank = " " * max(0, room - cell_len(title))
    return ((lead, "failing"), (f"{title}{explains}", "title"), (f"{blank}{since}", "muted"))
