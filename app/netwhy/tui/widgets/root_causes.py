"""The strip of root causes: one cause that explains several targets is said once, on top."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from netwhy.core.model import Verdict
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.tui.look import Line, glyph, page_content
from netwhy.tui.roots import Root
from netwhy.tui.spans import clock, duration, fitted

SHOWN = 2
ENOUGH = 30  # cells of a title that tell most of it


class RootCauses(Widget):
    """One line for each cause shared by targets; nothing where there is none."""

    class Chosen(Message):
        """A click on a cause."""

        def __init__(self, root: Root) -> None:
            super().__init__()
            self.root = root

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._drawn: list[Line] = []
        self._roots: Sequence[Root] = ()
        self._now_s = 0.0
        self.display = False

    def show(self, roots: Sequence[Root], now_s: float) -> None:
        self._roots, self._now_s = roots, now_s
        self._lay()

    def on_resize(self) -> None:
        self._lay()

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y < min(SHOWN, len(self._roots)):
            self.post_message(self.Chosen(self._roots[event.y]))

    def _lay(self) -> None:
        width = self.size.width or self.app.size.width
        lines = cause_lines(self._roots, self._now_s, width, self._page)
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


def cause_lines(roots: Sequence[Root], now_s: float, width: int, page: Page) -> list[Line]:
    """The causes that explain the most targets, each in one line."""
    lines = [_line(root, now_s, width, page) for root in roots[:SHOWN]]
    if len(roots) > SHOWN:
        more = counted(len(roots) - SHOWN, "more root cause")
        lines[-1] = (*lines[-1][:-1], (fitted(f"  and {more}", 30), "muted"))
    return lines


def _line(root: Root, now_s: float, width: int, page: Page) -> Line:
    """One cause; the first wording in which it is told whole, else the shortest that has room."""
    title = inert(root.cause.title)
    for lead, explains, end in _wordings(root, now_s, page):
        room = width - cell_len(lead) - cell_len(explains) - cell_len(end)
        if room >= cell_len(title) or (room >= ENOUGH and "ROOT" not in lead):
            break
    if cell_len(title) > room:
        title = fitted(title, max(1, room), ellipsis="~" if page.ascii else "…")
    blank = " " * max(0, room - cell_len(title))
    return ((lead, "failing"), (f"{title}{explains}", "title"), (f"{blank}{end}", "muted"))


def _wordings(root: Root, now_s: float, page: Page) -> Iterator[tuple[str, str, str]]:
    """What stands before, right after, and at the end of the line; the longest first."""
    mark = glyph(Verdict.FAILING, page)
    many = counted(len(root.cause.explains), "target")
    long = short = ""
    if root.since is not None:
        short = f"  {duration(now_s - root.since_s)}"
        long = f"  since {clock(root.since)} ({short.strip()})"
    lead, explains = f" ROOT CAUSE {mark} ", f", explains {many}"
    yield lead, explains, f"{long}  [c] go to it "
    yield lead, explains, f"{long}  [c] "
    yield lead, explains, f"{short}  [c] "
    yield lead, f": {many}", f"{short}  [c] "
    yield f" {mark} ", f": {many}", f"{short}  [c] "
    yield f" {mark} ", f": {many}", f"{short} "
