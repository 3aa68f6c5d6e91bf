"""Ends what holds a port: shows what would be lost, asks, waits, verifies.  The default is No."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from netwhy.core.freeing import WAIT_S, Deed, Told
from netwhy.core.model import Mark
from netwhy.core.stopping import Plan
from netwhy.output import stopping as words
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.output.ports import SUDO
from netwhy.tui.look import Line
from netwhy.tui.source import Freeing, Source
from netwhy.tui.why_lines import Lines
from netwhy.tui.widgets.text_panel import TextPanel

_BAD = frozenset({Deed.FAILED, Deed.FORBIDDEN, Deed.CHANGED})


class Stop(ModalScreen[bool]):
    """One attempt to free a port.  The result: was anything done?

    Nothing happens before a word was typed and entered; esc leaves at any time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="stop.leave"),
        Binding("enter", "done", "Leave", show=False, id="stop.done"),
    ]

    def __init__(self, page: Page, source: Source, port: int, transport: str) -> None:
        super().__init__()
        self._page = page
        self._source = source
        self._port = port
        self._transport = transport
        self._held = f"{transport} port {port}"
        self._plan: Plan | None = None
        self._told: list[tuple[str, str]] = [("Looking who holds it.", "muted")]  # text, role
        self._left = ""  # what is being waited for
        self._answer: asyncio.Future[str] | None = None
        self._acted = False
        self._over = False

    def compose(self) -> ComposeResult:
        box = Vertical(id="stop")
        box.border_title = Content(f"Stop what holds {self._held}")
        box.border_subtitle = Content("esc: leave")
        with box:
            yield TextPanel(id="stop-text")
            yield Static(Content(""), id="stop-question", markup=False)
            yield Input(compact=True, placeholder="no", id="stop-word")

    def on_mount(self) -> None:
        self._show_question("")
        self._write()
        self.run_worker(self._run(), exit_on_error=False)

    # ----------------------------------------------------------------------------- the steps

    async def _run(self) -> None:
        try:
            await self._free(await self._source.freeing(self._port, self._transport))
        except Exception as error:  # told here: nothing else would tell it
            self._say(f"netwhy itself failed: {type(error).__name__}: {error}", "failing")
        self._left = ""
        self._over = True
        self._write()

    async def _free(self, freeing: Freeing) -> None:
        """The steps of `netwhy ports --stop`, with questions in between."""
        self._told.clear()
        if not freeing.plan.listeners:
            for line in words.unheld_lines(self._port, self._transport, freeing.rest):
                self._say(line.strip(), "")
            return
        self._plan = freeing.plan
        if self._plan.refusals:
            self._refuse(self._plan)
            return
        self._write()
        for word in self._plan.words or ("yes",):
            if not await self._typed(word, "to end it"):
                return
        self._acted = True
        if not await freeing.act(self._tell):
            return
        holding = await freeing.wait(WAIT_S, self._wait, self._tell)
        self._left = ""
        if holding:
            self._say(words.unended_line(holding, WAIT_S), "degraded")
            if await self._typed("kill", "to KILL it: it cannot save anything then"):
                await freeing.kill(holding, self._tell)
        self._left = "looking whether the port stays free"
        self._write()
        result = await freeing.verify()
        mark = self._page.mark(Mark.OK if result.freed else Mark.FAILED)
        for line in words.result_lines(result):
            self._say(f"{mark} {line}", "ok" if result.freed else "failing")
        self._say_all(words.advice_lines(result), "")

    def _refuse(self, intended: Plan) -> None:
        mark = self._page.mark(Mark.FAILED)
        self._say_all((f"{mark} Not done: {refusal}" for refusal in intended.refusals), "failing")
        if intended.needs_privilege:
            self._say(f"With more privilege: {SUDO} ports --stop {intended.spelled}", "command")

    async def _typed(self, word: str, purpose: str) -> bool:
        """Ask for a word; only that word is a yes.  Nothing entered, or esc, is a no."""
        before = ""
        while True:
            question = f'Type "{inert(word)}" and enter {purpose}.  Enter alone: no.'
            self._show_question(before + question)
            self._answer = asyncio.get_running_loop().create_future()
            answer = await self._answer
            self._show_question("")
            if answer == word:
                return True
            if not answer:
                if not self._acted:
                    self.dismiss(False)
                return False
            before = f'"{inert(answer)}" is not it.  '

    # -------------------------------------------------------------------------- what is shown

    def _tell(self, told: Told) -> None:
        self._say(words.told_line(told), "failing" if told.deed in _BAD else "")

    def _wait(self, left: float) -> None:
        self._left = f"waiting for the end, {left:.0f} s left"
        self._write()

    def _say(self, text: str, role: str) -> None:
        self._told.append((text, role))
        self._write()

    def _say_all(self, texts: Iterable[str], role: str) -> None:
        for text in texts:
            self._say(text, role)

    def _show_question(self, text: str) -> None:
        question, field = self.query_one("#stop-question", Static), self.query_one(Input)
        question.update(Content(text))
        question.display = field.display = bool(text)
        field.value = ""
        (field if text else self.query_one(TextPanel)).focus()

    def _write(self) -> None:
        if not self.is_mounted:
            return
        panel = self.query_one(TextPanel)
        panel.write(self._lines)
        panel.scroll_end(animate=False)

    def _lines(self, width: int) -> list[Line]:
        out = Lines(width, self._page)
        if self._plan is not None:
            _about(out, self._plan)
            out.gap()
        for text, role in self._told:
            out.text(text, role)
        if self._left:
            out.text(self._left, "muted")
        return out.lines

    # ------------------------------------------------------------------------------- answers

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(event.value.strip())

    def action_done(self) -> None:
        if self._over:
            self.dismiss(self._acted)

    def action_leave(self) -> None:
        """Leave it: what was not done is not done; what was sent stays sent."""
        self.dismiss(self._acted)


def _about(out: Lines, intended: Plan) -> None:
    """Who holds the port, what is to be done and what would be lost with it."""
    rows = words.socket_rows(intended.listeners)
    for label, texts in (
        ("Listens", [" ".join(row.split()) for row in rows]),
        ("Command", words.commands(intended)),
        ("To do", [f"{what} ({command})" for what, command in words.to_do(intended)]),
        ("Lost", list(intended.losses) or (["nothing else"] if intended.steps else [])),
    ):
        for number, text in enumerate(texts):
            out.item("" if number else label, text, "degraded" if label == "Lost" else "")
