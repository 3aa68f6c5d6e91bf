"""The filter: a line that narrows a list while it is typed."""

from __future__ import annotations

from textual.message import Message
from textual.widgets import Input


class FilterBar(Input):
    """Hidden until asked for; enter keeps the filter, esc drops it."""

    class Filtered(Message):
        """The words to look for have changed."""

        def __init__(self, wanted: str) -> None:
            super().__init__()
            self.wanted = wanted

    def __init__(self) -> None:
        super().__init__(
            placeholder="filter: words that must occur; enter keeps it, esc drops it",
            compact=True,
            select_on_focus=False,  # that would be later than the keys that open() waits for
            id="filter",
        )
        self.display = False

    def open(self) -> None:
        self.display = True
        self.action_select_all()
        self.screen.set_focus(self)  # at once: the next keys may be here already

    def drop(self) -> bool:
        """Drop the filter and hide; False where there was nothing to drop."""
        if not self.display:
            return False
        self.display = False
        self.value = ""
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Filtered(event.value))
