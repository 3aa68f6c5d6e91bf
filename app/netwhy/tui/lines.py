"""Lines of a panel as they are built: labels in a margin, texts folded to the width."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.look import Line, Piece
from netwhy.tui.spans import folded

MARGIN = 14  # the column in which evidence and fixes start


@dataclass(slots=True)
class Lines:
    """Lines of one panel as they are built.  `fix_at` is the line of each fix, in order."""

    width: int
    page: Page
    lines: list[Line] = field(default_factory=list)
    fix_at: list[int] = field(default_factory=list)
    copy_key: str = "y"  # what copies the chosen fix

    def add(self, *pieces: Piece) -> None:
        self.lines.append(pieces)

    def gap(self) -> None:
        """A blank line between two parts; never two, never at the top."""
        if self.lines and self.lines[-1]:
            self.lines.append(())

    def text(self, text: str, role: str = "", indent: int = 1) -> None:
        for line in folded(inert(text), self.width - indent):
            self.add((" " * indent, ""), (line, role))

    def item(self, label: str, text: str, role: str = "") -> None:
        """A labelled text; an empty label stays under the one before."""
        lead = f" {label:<{min(MARGIN, self.width // 3) - 1}} "
        for line in folded(inert(text), self.width - len(lead)):
            self.add((lead, "heading"), (line, role))
            lead = " " * len(lead)

    def items(self, label: str, texts: Iterable[str], role: str = "") -> None:
        first = True
        for text in texts:
            if first:
                self.gap()
            self.item(label if first else "", text, role)
            first = False
