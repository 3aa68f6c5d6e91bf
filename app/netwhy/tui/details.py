"""Everything known of one thing, or the help, on the whole screen; enter or esc goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen

from netwhy.core.snapshot import Row, Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.tui.diagnosed import Diagnosed
from netwhy.tui.look import Line, word
from netwhy.tui.past_lines import numbers
from netwhy.tui.spans import clock, duration
from netwhy.tui.why_lines import Lines
from netwhy.tui.widgets.text_panel import TextPanel, Writer
from netwhy.tui.widgets.why import Why

if TYPE_CHECKING:
    from netwhy.tui.app import NetwhyApp


class Details(ModalScreen[None]):
    """A full-screen text that scrolls."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "leave", "Back", id="details.leave"),
        Binding("question_mark,f1", "help", "help", id="app.help", tooltip="Every key of it"),
    ]

    def __init__(self, title: str, writer: Writer) -> None:
        super().__init__()
        self._title = title
        self._writer = writer

    def compose(self) -> ComposeResult:
        panel = self.panel()
        panel.border_title = Content(f" {self._title} ")
        key_of = cast("NetwhyApp", self.app).key_of
        ways = (f"{key_of('app.help', '?')}: keys", f"{key_of('details.leave', 'esc')}: back")
        panel.border_subtitle = Content(f" {'   '.join(ways)} ")
        yield panel

    def panel(self) -> TextPanel:
        """What shows the text."""
        return TextPanel(id="details")

    def on_mount(self) -> None:
        self.query_one(TextPanel).focus()
        self.write()

    def take(self, snapshot: Snapshot) -> None:
        """A new snapshot: write again what may have changed."""
        self.write()

    def write(self) -> None:
        self.query_one(TextPanel).write(self._writer)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_help(self) -> None:
        cast("NetwhyApp", self.app).action_help()


class Help(Details):
    """The keys of the screen below; the key that opened it closes it."""

    def action_help(self) -> None:
        self.dismiss(None)


class TargetDetails(Details, Diagnosed[None]):
    """One target: numbers, findings in full, changes, charts, every probe of the last check.

    `why_first` puts the numbers last: for screens too small for a Why panel.
    """

    def __init__(self, page: Page, key: str, *, why_first: bool = False) -> None:
        super().__init__(inert(key), lambda width: [])
        self._page = page
        self._key = key
        self._why_first = why_first

    def panel(self) -> TextPanel:
        return Whole(self._page, why_first=self._why_first)

    def write(self) -> None:
        row = self.netwhy.snapshot.row(self._key)
        if row is None:
            self.why.show_text(self._gone)
        else:
            self.why.show_report(row.shown, row, self.netwhy.snapshot.taken_at)

    def _gone(self, width: int) -> list[Line]:
        out = Lines(width, self._page)
        out.text("This target is no longer watched.", "muted")
        return out.lines


class Whole(Why):
    """The Why of a target with all that is known of it."""

    def __init__(self, page: Page, *, why_first: bool) -> None:
        super().__init__(page, id="details", whole=True)
        self._why_first = why_first

    def _write(self, width: int) -> list[Line]:
        out = Lines(width, self._page)
        if self._row is not None:
            _numbers(out, self._row, self.netwhy.now_s)
        why = super()._write(width)
        if self._why_first:
            return [*why, (), *out.lines]
        lead = len(out.lines) + 1
        self._fix_at = [lead + at for at in self._fix_at]
        return [*out.lines, (), *why]


def _numbers(out: Lines, row: Row, now_s: float) -> None:
    """What is measured of a target over its checks."""
    target = row.target
    if target.label != target.text:
        out.item("Target", target.text)
    if target.options.group is not None:
        out.item("Group", target.options.group)
    state = word(row.verdict)
    if row.since is not None:
        state += f" since {clock(row.since)} ({duration(now_s - row.since_s)})"
    out.item("State", state)
    out.item("Checks", f"{counted(row.checks, 'check')}, every {row.interval_s:g} s at most")
    if latency := numbers(row):
        out.item("Latency", latency)
    report = row.shown
    if report is not None and report.addresses:
        out.item("Addresses", ", ".join(report.addresses))
