"""A question with one line as its answer; what is wrong with it is said under the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from netwhy.output.inert import inert
from netwhy.tui.widgets.field import Field
from netwhy.tui.widgets.key_bar import KeyBar

Answer = TypeVar("Answer")


class Line(Field):
    """An input that hands a text of several lines on, instead of taking the first of them."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "go", id="ask.go")]

    class Many(Message):
        """Several lines were pasted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def on_paste(self, event: events.Paste) -> None:
        if len(event.text.split()) > 1 and len(event.text.strip().splitlines()) > 1:
            event.stop()
            event.prevent_default()
            self.post_message(self.Many(event.text.strip("\r\n")))


class Ask(ModalScreen["Answer | None"], Generic[Answer]):
    """Asks until the answer can be read, or esc; the result is what `read` made of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave", id="ask.leave"),
    ]

    def __init__(
        self,
        question: str,
        hint: str,
        read: Callable[[str], Answer],
        *,
        many: Callable[[str], None] | None = None,
        typed: str = "",
    ) -> None:
        """`many` is called instead of an answer with a text of several; `typed` stands there."""
        super().__init__()
        self._many = many
        self._typed = typed
        self._question = question
        self._hint = hint
        self._read = read

    def compose(self) -> ComposeResult:
        box = Vertical(id="ask")
        box.border_title = Content(self._question)
        box.border_subtitle = Content("enter: go   esc: leave")
        with box:
            yield Line(self._typed, compact=True, select_on_focus=False)
            yield Static(Content(self._hint), id="ask-hint", markup=False)
            yield Static(Content(""), id="ask-problem", markup=False)
        yield KeyBar()

    def on_input_changed(self) -> None:
        self.query_one("#ask-problem", Static).update(Content(""))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        from netwhy.core.target import TargetError

        if not event.value.strip():
            self.dismiss(None)
            return
        try:
            answer = self._read(event.value)
        except TargetError as error:
            if self._many is not None and _are_several(event.value):
                self.on_line_many(Line.Many(event.value))
                return
            self.query_one("#ask-problem", Static).update(
                Content(inert(error.line().removeprefix("netwhy: ")))
            )
            return
        self.dismiss(answer)

    def on_line_many(self, event: Line.Many) -> None:
        if self._many is not None:
            self.dismiss(None)
            self._many(event.text)

    def action_leave(self) -> None:
        self.dismiss(None)


def _are_several(text: str) -> bool:
    """Several targets in one line, each of which can be read?"""
    from netwhy.core.target_list import listed

    found = listed(text)
    return len(found.targets) > 1 and not found.faults
