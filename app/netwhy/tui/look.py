"""States in glyph, word and role; roles in theme tokens.  Colour never stands alone."""

from __future__ import annotations

from textual.content import Content

from netwhy.core.model import Mark, Verdict
from netwhy.core.stats import MARKS, MARKS_ASCII, StripMarks
from netwhy.output.layout import Page

#: A piece of text and its role; a line is a tuple of pieces.
Piece = tuple[str, str]
Line = tuple[Piece, ...]

#: Role → style in theme tokens only, so that every theme stays legible.
STYLES = {
    "": "",
    "failing": "bold $text-error",
    "degraded": "bold $text-warning",
    "unknown": "bold $text-primary",
    "ok": "$text-success",
    "muted": "$foreground-muted",
    "title": "bold",
    "heading": "bold $text-primary",
    "command": "$text-primary",
    "chosen": "bold reverse",
    "key": "bold $text-primary",
}

ROLES: dict[Verdict | Mark | None, str] = {
    Verdict.FAILING: "failing",
    Verdict.DEGRADED: "degraded",
    Verdict.UNKNOWN: "unknown",
    Verdict.OK: "ok",
    None: "muted",
    Mark.OK: "ok",
    Mark.WARN: "degraded",
    Mark.FAILED: "failing",
    Mark.UNTESTED: "muted",
    Mark.ABSENT: "muted",
    Mark.PENDING: "muted",
}


def word(verdict: Verdict | None) -> str:
    """The state in one word; a target that was never checked to the end is probing."""
    return "probing" if verdict is None else str(verdict)


def glyph(state: Verdict | Mark | None, page: Page) -> str:
    if isinstance(state, Verdict):
        return page.glyph(state)
    return page.mark(Mark.PENDING if state is None else state)


def strip_marks(page: Page) -> StripMarks:
    return MARKS_ASCII if page.ascii else MARKS


def content(line: Line) -> Content:
    """One line as Content.  The texts are taken as they are: nothing in them is markup."""
    return Content.assemble(*((text, STYLES[role]) for text, role in line))


def page_content(lines: list[Line]) -> Content:
    """Lines as one Content."""
    return Content("\n").join([content(line) for line in lines])
