"""A pane of prepared lines that scrolls; its text can be selected with the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Self

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static

from netwhy.tui.look import Line, page_content

LONGEST = 120

#: Width in cells → lines.
Writer = Callable[[int], list[Line]]


class Text(Static):
    """Lines that are drawn anew only where they changed: over SSH each one counts."""

    def __init__(self) -> None:
        super().__init__(Content(""), markup=False)
        self._told: list[Line] = []
        self._anew: list[Region] = []

    def show(self, lines: list[Line]) -> None:
        """Show these lines; the same ones cost nothing."""
        before, self._told = self._told, lines
        if len(before) != len(lines):
            self.update(page_content(lines))
            return
        width = self.size.width
        changed = [at for at, line in enumerate(lines) if line != before[at]]
        self._anew = [Region(0, at, width, 1) for at in changed]
        if changed:
            self.update(page_content(lines), layout=False)
        self._anew = []

    def refresh(
        self,
        *regions: Region,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """As the toolkit's, but an update by `show` names what it changed."""
        drawn = regions if regions or layout else self._anew
        return super().refresh(*drawn, repaint=repaint, layout=layout, recompose=recompose)


class TextPanel(VerticalScroll):
    """Shows what a writer writes for its width, again when the width changes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "scroll_up", "Scroll up", show=False, id="text.up"),
        Binding("j", "scroll_down", "Scroll down", show=False, id="text.down"),
        Binding("g", "scroll_home", "Top", show=False, id="text.top"),
        Binding("G", "scroll_end", "End", show=False, id="text.end"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._writer: Writer | None = None
        self._said = ""
        self._text = Text()

    def compose(self) -> ComposeResult:
        yield self._text

    @property
    def columns(self) -> int:
        """Cells for the text; the scroll bar's own are kept free, so that it never reflows.

        Longer lines than people read easily are not made, however wide the pane.
        """
        free = self.outer_size.width - self.gutter.width - self.styles.scrollbar_size_vertical
        return max(1, min(LONGEST, free))

    def say_title(self, title: str) -> None:
        """Name what the pane is about; a title that is there already costs nothing."""
        if title != self._said:
            self._said = title
            self.border_title = Content(f" {title} ")

    def write(self, writer: Writer, *, top: bool = False) -> None:
        """Show this; `top` scrolls up, for a text that is about something else."""
        self._writer = writer
        self._draw()
        if top:
            self.scroll_home(animate=False, immediate=True)

    def show_line(self, line: int) -> None:
        """Scroll so far that this line is seen, and what follows it."""
        height = self.container_size.height
        if not self.scroll_y <= line < self.scroll_y + height - 2:
            self.scroll_to(y=max(0, line - height // 2), animate=False, immediate=True)

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._writer is None or not self.outer_size.width:
            return
        self._text.show(self._writer(self.columns))
