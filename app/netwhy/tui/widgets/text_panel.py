"""A pane of prepared lines that scrolls; its text can be selected with the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from netwhy.tui.look import Line, page_content

LONGEST = 120

#: Width in cells → lines.
Writer = Callable[[int], list[Line]]


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
        self._shown: list[Line] | None = None
        self._text = Static(Content(""), markup=False)

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

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._writer is None or not self.outer_size.width:
            return
        lines = self._writer(self.columns)
        if lines != self._shown:
            self._shown = lines
            self._text.update(page_content(lines))
