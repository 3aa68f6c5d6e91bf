"""The filter: a line that narrows a list while it is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from netwhy.tui.widgets.field import Field


class FilterField(Field):
    """Where the words of the filter are typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "keep the filter", id="filter.keep"),
        Binding("escape", "screen.back", "drop the filter", id="filter.drop"),
    ]


class FilterBar(Horizontal):
    """Hidden until asked for; enter keeps the filter, esc drops it."""

    class Filtered(Message):
        """The words to look for have changed."""

        def __init__(self, wanted: str) -> None:
            super().__init__()
            self.wanted = wanted

    def __init__(self) -> None:
        super().__init__(id="filter")
        self.display = False
        self._field = FilterField(
            placeholder="words that must occur",
            compact=True,
            select_on_focus=False,  # that would be later than the keys that open() waits for
        )

    def compose(self) -> ComposeResult:
        yield Static(" filter: ", id="filter-name")
        yield self._field
        yield Static(id="filter-way-out")

    def open(self, way_out: str) -> None:
        """`way_out` is the key that drops it again."""
        self.query_one("#filter-way-out", Static).update(Content(f" {way_out} drops it "))
        self.display = True
        self._field.action_select_all()
        self.screen.set_focus(self._field)  # at once: the next keys may be here already

    def drop(self) -> bool:
        """Drop the filter and hide; False where there was nothing to drop."""
        if not self.display:
            return False
        self.display = False
        self._field.value = ""
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Filtered(event.value))
