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
from netwhy.tui.spans import folded
from netwhy.tui.why_lines import Lines
from netwhy.tui.widgets.field import Field
from netwhy.tui.widgets.key_bar import KeyBar
from netwhy.tui.widgets.text_panel import TextPanel

_BAD = frozenset({Deed.FAILED, Deed.FORBIDDEN, Deed.CHANGED})
#: In a window smaller than this the dialog takes all of it.
_ROOMY = (80, 20)
#: Lines of the plan beside the question: with fewer it is not asked, more are scrolled.
_LEAST, _MOST = 2, 24
_TOO_SMALL = "Too small to ask here: make the window larger."


class Word(Field):
    """Where the answer is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "answer", id="stop.answer"),
    ]


class Stop(ModalScreen[bool]):
    """One attempt to free a port.  The result: was anything done?

    Nothing happens before a word was typed and entered; esc leaves at any time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "read(-1)", "read up", id="stop.up", tooltip="Of the plan"),
        Binding("down", "read(1)", "read down", id="stop.down", tooltip="Of the plan"),
        Binding("enter", "done", "Leave", show=False, id="stop.done"),
        Binding("escape", "leave", "leave", id="stop.leave"),
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
        self._question = ""  # what is asked, or nothing

    def compose(self) -> ComposeResult:
        box = Vertical(id="stop")
        box.border_title = Content(f"Stop what holds {self._held}")
        box.border_subtitle = Content("esc: leave")
        with box:
            yield TextPanel(id="stop-text")
            yield Static(Content(""), id="stop-question", markup=False)
            yield Word(compact=True, placeholder="no", id="stop-word")
        yield KeyBar()

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
            before = f'"{inert(answer)[:20]}" is not it.  '

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
        self._question = text
        self.query_one(Input).value = ""
        self._fit()

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """Give the plan what the question leaves; where that is nothing, do not ask.

        A question out of sight would be answered blindly, and the answer ends processes.
        """
        if not self.is_mounted:
            return
        width, height = self.app.size
        small = width < _ROOMY[0] or height < _ROOMY[1]
        self.query_one("#stop").set_class(small, "-small")
        # The border, the gaps around the text, and the keys at the bottom.
        free = height - 3 if small else height * 9 // 10 - 6
        wide = width - 4 if small else min(110, width * 24 // 25) - 6
        lines = folded(self._question, wide)
        asking = bool(self._question) and free - len(lines) - 1 >= _LEAST
        if self._question and not asking:
            lines = folded(_TOO_SMALL, wide)
        question, field = self.query_one("#stop-question", Static), self.query_one(Input)
        question.update(Content("\n".join(lines)))
        question.display, field.display = bool(self._question), asking
        left = free - (len(lines) if self._question else 0) - asking
        panel = self.query_one(TextPanel)
        panel.styles.max_height = max(1, min(_MOST, left))
        (field if asking else panel).focus()

    def _write(self) -> None:
        if not self.is_mounted:
            return
        panel = self.query_one(TextPanel)
        panel.write(self._lines)
        if self._acted or self._over:  # before, it is read from its beginning
            panel.scroll_end(animate=False)
        self.refresh_bindings()

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
        asked = self.query_one(Input).display
        if asked and self._answer is not None and not self._answer.done():
            self._answer.set_result(event.value.strip())

    def action_read(self, step: int) -> None:
        """Scroll the plan, while the keys go to the field."""
        self.query_one(TextPanel).scroll_relative(y=step, animate=False)

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
