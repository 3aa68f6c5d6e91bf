"""The Why panel: the diagnosis of one report, with a fix chosen for copying."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.binding import Binding, BindingType

from netwhy.core.model import Fix, TargetReport
from netwhy.core.snapshot import Row
from netwhy.output.layout import Page
from netwhy.tui.look import Line
from netwhy.tui.why_lines import why_lines
from netwhy.tui.widgets.text_panel import TextPanel, Writer

if TYPE_CHECKING:
    from netwhy.tui.app import NetwhyApp


class Why(TextPanel):
    """What is broken, how that is known and what to type."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "choose_fix(-1)", "Previous fix", show=False, id="why.previous-fix"),
        Binding("right", "choose_fix(1)", "Next fix", show=False, id="why.next-fix"),
    ]

    def __init__(self, page: Page, *, id: str | None = None, whole: bool = False) -> None:
        super().__init__(id=id)
        self.report: TargetReport | None = None
        self._row: Row | None = None
        self._now: datetime | None = None
        self._page = page
        self._whole = whole
        self._chosen = 0
        self._fix_at: list[int] = []
        self._lead = ""

    @property
    def fixes(self) -> tuple[Fix, ...]:
        finding = self.report.diagnosis if self.report else None
        return finding.fixes if finding else ()

    @property
    def netwhy(self) -> NetwhyApp:
        return cast("NetwhyApp", self.app)

    @property
    def chosen_fix(self) -> Fix | None:
        """The fix that the copy key takes."""
        return self.fixes[self._chosen] if self._chosen < len(self.fixes) else None

    def show_row(self, row: Row, now: datetime, *, lead: str = "") -> None:
        """Show the report of a row with what came before it; `now` tells what was today."""
        if row is not self._row or lead != self._lead:
            self.show_report(row.shown, row, now, lead=lead)

    def show_report(
        self,
        report: TargetReport | None,
        row: Row | None = None,
        now: datetime | None = None,
        *,
        lead: str = "",
    ) -> None:
        """Show this report; the scroll position and the chosen fix stay with the same cause.

        `lead` is said before it.
        """
        same = _subject(report) == _subject(self.report)
        self.report, self._row, self._now, self._lead = report, row, now, lead
        if not same:
            self._chosen = 0
        # Somebody who reads all of it is not sent to the top of it.
        self.write(self._write, top=not same and not self._whole)

    def show_text(self, writer: Writer, *, top: bool = False) -> None:
        """Show something that is not a report."""
        self.report, self._row, self._fix_at = None, None, []
        self.write(writer, top=top)

    def action_choose_fix(self, step: int) -> None:
        """Choose the next fix, around at the end, and scroll it into view."""
        if not self.fixes:
            return
        self._chosen = (self._chosen + step) % len(self.fixes)
        self._draw()
        if self._chosen < len(self._fix_at):
            line = self._fix_at[self._chosen]
            height = self.container_size.height
            if not self.scroll_y <= line < self.scroll_y + height - 2:
                self.scroll_to(y=max(0, line - height // 2), animate=False, immediate=True)

    def on_click(self, event: events.Click) -> None:
        # By the screen: the event comes from the text, which scrolls inside this pane.
        line = event.screen_y - self.content_region.y + round(self.scroll_y)
        above = [number for number, at in enumerate(self._fix_at) if at <= line <= at + 2]
        if above:
            self.action_choose_fix(above[-1] - self._chosen)

    def _write(self, width: int) -> list[Line]:
        written = why_lines(
            self.report,
            width,
            self._page,
            chosen_fix=self._chosen,
            whole=self._whole,
            row=self._row,
            now=self._now,
            now_s=self.netwhy.now_s if self._whole else None,
            height=self.size.height,
            lead=self._lead,
            copy_key=self.netwhy.key_of("why.copy", "y"),
        )
        self._fix_at = written.fix_at[: len(self.fixes)]
        return written.lines


def _subject(report: TargetReport | None) -> tuple[str, str]:
    """What a panel is about: the target and its cause."""
    if report is None:
        return "", ""
    return report.target.text, report.diagnosis.cause if report.diagnosis else ""
