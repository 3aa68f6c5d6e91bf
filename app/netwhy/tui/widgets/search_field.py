"""The field of a search: every letter is text, the arrows move the list below it."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from netwhy.tui.widgets.field import Field


class SearchField(Field):
    """Takes one line to search for; many lines at once are told as `Pasted`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "done", "to the results", id="search.done"),
        Binding("escape", "done", "keys", id="search.leave", tooltip="Letters are keys again"),
        Binding("up", "step(-1)", "Result above", show=False, id="search.up"),
        Binding("down", "step(1)", "Result below", show=False, id="search.down"),
        Binding("pageup", "step(-8)", "Results above", show=False, id="search.page-up"),
        Binding("pagedown", "step(8)", "Results below", show=False, id="search.page-down"),
    ]

    class Sought(Message):
        """The text has changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Pasted(Message):
        """Many lines were pasted at once."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Stepped(Message):
        """An arrow was pressed: the cursor of the list moves."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Done(Message):
        """The keys go to the results."""

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Sought(event.value))

    def _on_paste(self, event: events.Paste) -> None:
        """The toolkit keeps the first line only."""
        event.prevent_default()
        event.stop()
        self.take(event.text)

    def take(self, text: str) -> None:
        """Take a pasted text, whoever had the keys when it came."""
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1:
            self.post_message(self.Pasted(text))
        elif lines:
            self.insert_text_at_cursor(lines[0].strip())

    def action_step(self, step: int) -> None:
        self.post_message(self.Stepped(step))

    def action_done(self) -> None:
        self.post_message(self.Done())
