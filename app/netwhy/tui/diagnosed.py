"""A screen with a diagnosis on it, and the keys that do something with that."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, cast

from textual.binding import Binding, BindingType
from textual.screen import Screen, ScreenResultType

from netwhy.output.inert import inert
from netwhy.output.text import place
from netwhy.tui.widgets.why import Why

if TYPE_CHECKING:
    from netwhy.tui.app import NetwhyApp


class Diagnosed(Screen[ScreenResultType], Generic[ScreenResultType]):
    """Copies fixes and diagnoses, and leads to the page of a cause."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y",
            "copy_fix",
            "copy fix",
            id="why.copy",
            tooltip="Its command, to the clipboard and to a file",
        ),
        Binding(
            "Y",
            "copy_diagnosis",
            "Copy diagnosis",
            show=False,
            id="why.copy-all",
            tooltip="The whole diagnosis, as Markdown",
        ),
        Binding(
            "f", "next_fix", "Next fix", show=False, id="why.fix", tooltip="The one that y copies"
        ),
        Binding(
            "w",
            "explain",
            "explain this",
            id="why.explain",
            tooltip="What this cause means, and how it is told from others",
        ),
    ]

    @property
    def netwhy(self) -> NetwhyApp:
        return cast("NetwhyApp", self.app)

    @property
    def why(self) -> Why:
        return self.query_one(Why)

    def action_next_fix(self) -> None:
        self.why.action_choose_fix(1)

    def action_copy_fix(self) -> None:
        """Copy the command of the chosen fix; its words where there is no command."""
        report, fix = self.why.report, self.why.chosen_fix
        if report is None or fix is None:
            self.netwhy.say("There is no fix to copy here.", "warning")
            return
        text, where = inert(fix.command or fix.text), place(fix, report.target)
        self.netwhy.hand_over(text, "fix.txt", f"(for use {where}) {text}" if where else text)

    async def action_explain(self) -> None:
        """Show the page of the cause that is shown here."""
        from netwhy.tui.explain import Explain

        found = self.why.report.diagnosis if self.why.report is not None else None
        if self.is_modal:  # the way back from there is to the view below
            self.dismiss(None)
        await self.netwhy.action_view("explain")
        if found is not None and isinstance(self.app.screen, Explain):
            self.app.screen.ask(found.cause)

    def action_copy_diagnosis(self) -> None:
        report = self.why.report
        if report is None or not report.complete:
            self.netwhy.say("There is no diagnosis to copy yet.", "warning")
            return
        self.netwhy.copy_diagnosis(report)
