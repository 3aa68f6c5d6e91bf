"""Many targets at once: what was pasted, as it was understood, before it is added."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from netwhy.core.model import Target
from netwhy.core.target_list import Listed
from netwhy.output.inert import inert
from netwhy.output.layout import counted
from netwhy.tui.look import Line, page_content
from netwhy.tui.widgets.key_bar import KeyBar

#: Lines of each kind that are shown; the rest is counted.
SHOWN = 5


class Pasted(ModalScreen[tuple[Target, ...]]):
    """Shows the targets of a text and what cannot be read of it; the result is what to add."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "add", "add them all", id="pasted.add"),
        Binding("escape", "leave", "leave", id="pasted.leave"),
    ]

    def __init__(self, found: Listed) -> None:
        super().__init__()
        self._found = found

    def compose(self) -> ComposeResult:
        box = VerticalScroll(id="pasted")
        count = counted(len(self._found.targets), "target")
        box.border_title = Content(f"Add {count}?")
        add = "enter: add   " if self._found.targets else ""
        box.border_subtitle = Content(f"{add}esc: leave")
        with box:
            yield Static(page_content(preview(self._found)), markup=False)
        yield KeyBar()

    def action_add(self) -> None:
        self.dismiss(self._found.targets)

    def action_leave(self) -> None:
        self.dismiss(())


def preview(found: Listed) -> list[Line]:
    """What was understood: `12 targets; 2 that cannot be read are left out`, then both in short."""
    bad = len(found.faults)
    summary = counted(len(found.targets), "target")
    if bad:
        summary += f"; {bad} that cannot be read {'is' if bad == 1 else 'are'} left out"
    lines: list[Line] = [((summary, "title"),)]
    for number, error in found.faults[:SHOWN]:
        said = inert(error.line().removeprefix("netwhy: "))
        lines.append(((f"line {number}: ", "failing"), (said, "")))
    if bad > SHOWN:
        lines.append(((f"and {bad - SHOWN} more", "muted"),))
    if bad and found.targets:
        lines.append(())
    for target in found.targets[:SHOWN]:
        note = f"   ({inert(target.understood)})" if target.understood else ""
        lines.append(((f"  {inert(target.label)}", ""), (note, "muted")))
    if len(found.targets) > SHOWN:
        lines.append(((f"  and {len(found.targets) - SHOWN} more", "muted"),))
    return lines
