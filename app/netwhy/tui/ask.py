"""A question with one line as its answer; what is wrong with it is said under the field."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from netwhy.output.inert import inert

Answer = TypeVar("Answer")


class Ask(ModalScreen["Answer | None"], Generic[Answer]):
    """Asks until the answer can be read, or esc; the result is what `read` made of it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", show=False, id="ask.leave"),
    ]

    def __init__(self, question: str, hint: str, read: Callable[[str], Answer]) -> None:
        super().__init__()
        self._question = question
        self._hint = hint
        self._read = read

    def compose(self) -> ComposeResult:
        box = Vertical(id="ask")
        box.border_title = Content(self._question)
        box.border_subtitle = Content("enter: go   esc: leave")
        with box:
            yield Input(compact=True)
            yield Static(Content(self._hint), id="ask-hint", markup=False)
            yield Static(Content(""), id="ask-problem", markup=False)

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
            self.query_one("#ask-problem", Static).update(
                Content(inert(error.line().removeprefix("netwhy: ")))
            )
            return
        self.dismiss(answer)

    def action_leave(self) -> None:
        self.dismiss(None)
