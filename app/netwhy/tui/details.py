"""Everything known of one thing, on the whole screen; enter or esc goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen

from netwhy.core.snapshot import Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.tui.look import Line, word
from netwhy.tui.past_lines import numbers
from netwhy.tui.spans import clock, duration
from netwhy.tui.why_lines import Lines, why_lines
from netwhy.tui.widgets.text_panel import TextPanel, Writer

if TYPE_CHECKING:
    from netwhy.tui.app import NetwhyApp


class Details(ModalScreen[None]):
    """A full-screen text that scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "leave", "Back", id="details.leave"),
    ]

    def __init__(self, title: str, writer: Writer) -> None:
        super().__init__()
        self._title = title
        self._writer = writer

    def compose(self) -> ComposeResult:
        panel = TextPanel(id="details")
        panel.border_title = Content(f" {self._title} ")
        panel.border_subtitle = Content(" esc: back ")
        yield panel

    def on_mount(self) -> None:
        self.query_one(TextPanel).focus()
        self.query_one(TextPanel).write(self._writer)

    def take(self, snapshot: Snapshot) -> None:
        """A new snapshot: write again what may have changed."""
        self.query_one(TextPanel).write(self._writer)

    def action_leave(self) -> None:
        self.dismiss(None)


class TargetDetails(Details):
    """One target: numbers, findings in full, changes, charts, every probe of the last check.


    `why_first` puts the numbers last: for screens too small for a Why panel.
    """

    def __init__(self, page: Page, key: str, *, why_first: bool = False) -> None:
        super().__init__(inert(key), self._write)
        self._page = page
        self._key = key
        self._why_first = why_first

    def _write(self, width: int) -> list[Line]:
        netwhy = cast("NetwhyApp", self.app)
        row = netwhy.snapshot.row(self._key)
        out = Lines(width, self._page)
        if row is None:
            out.text("This target is no longer watched.", "muted")
            return out.lines
        target = row.target
        if target.label != target.text:
            out.item("Target", target.text)
        if target.options.group is not None:
            out.item("Group", target.options.group)
        state = word(row.verdict)
        if row.since is not None:
            state += f" since {clock(row.since)} ({duration(netwhy.now_s - row.since_s)})"
        out.item("State", state)
        out.item("Checks", f"{counted(row.checks, 'check')}, every {row.interval_s:g} s at most")
        if latency := numbers(row):
            out.item("Latency", latency)
        report = row.shown
        if report is not None and report.addresses:
            out.item("Addresses", ", ".join(report.addresses))
        why = why_lines(
            report,
            width,
            self._page,
            whole=True,
            row=row,
            now=netwhy.snapshot.taken_at,
            now_s=netwhy.now_s,
        ).lines
        if self._why_first:
            return [*why, (), *out.lines]
        return [*out.lines, (), *why]
