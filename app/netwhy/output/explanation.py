"""A page of the knowledge base as text for a person."""

from __future__ import annotations

from collections.abc import Iterable

from netwhy.core.model import Fix, Where
from netwhy.knowledge.explain import Explanation
from netwhy.knowledge.words import cause_ids
from netwhy.output.inert import inert
from netwhy.output.layout import Page, columns, shortened

#: Longer questions (a pasted log) are quoted in part.
_QUOTED = 60
_PLACES = {
    Where.HERE: "on the machine that connects",
    Where.TARGET: "on the target",
    Where.NETWORK: "in the network",
    Where.CLIENT: "in the client",
}


def explanation_lines(
    explanation: Explanation, *, color: bool = False, width: int = 80, ascii: bool = False
) -> list[str]:
    """The page as lines without line ends: the name, what it means, its causes, what to do."""
    page = Page(width, color, ascii)
    lines = [*_head(explanation, page), *_meaning(explanation, page)]
    is_cause = explanation.kind == "cause"
    hints = (f"{hint.how} ({hint.cause})" for hint in explanation.causes)
    heading = "Easily mistaken for" if is_cause else "What can be behind it, and how to tell"
    lines += _section(heading, (_item(hint, page) for hint in hints), page)
    if explanation.kind == "exception":
        lines += _others("The errors that it stands for", explanation, page)
    fixes = (_fix(fix, f"    {n}. ", page) for n, fix in enumerate(explanation.fixes, 1))
    lines += _section("What to do", fixes, page)
    lines += _section("In programs", (_item(text, page) for text in _program(explanation)), page)
    if explanation.kind != "exception":
        lines += _others(f"Other meanings of {inert(explanation.asked)}", explanation, page)
    known = [hint.cause for hint in explanation.causes if hint.cause in cause_ids()]
    if known:
        more = page.paint(f"netwhy explain {inert(known[0])}", "command")
        lines += ["", f"  {'See also' if is_cause else 'More'}: {more}"]
    return lines


def unknown_line(asked: str, suggestions: Iterable[str]) -> str:
    """One line for what the knowledge base does not hold, with the names that come close."""
    quoted = shortened(inert(" ".join(asked.split())), _QUOTED, "…")
    close = " or ".join(map(inert, suggestions))
    hint = (
        f"did you mean {close}?"
        if close
        else "it knows errno names and numbers, exceptions, EAI codes and cause ids"
    )
    return f"netwhy: nothing is known of '{quoted}'; {hint}"


def _head(explanation: Explanation, page: Page) -> list[str]:
    name, title = inert(explanation.name), inert(explanation.title)
    head = title if title.startswith(name) else f"{name}: {title}"
    lines = [page.paint(line, "title") for line in page.wrap(head, "", "  ")]
    asked = inert(explanation.asked)
    if asked.lower() != explanation.name.lower():
        there = f" on {' and '.join(explanation.platforms)}" if explanation.platforms else ""
        quoted = shortened(asked, _QUOTED, "..." if page.ascii else "…")
        lines += page.wrap(f"this is what '{quoted}' means{there}", "  ")
    if explanation.numbers:
        numbers = ", ".join(f"{number} on {place}" for place, number in explanation.numbers)
        if explanation.kind == "dns":
            numbers = ", ".join(f"response code {number}" for _dns, number in explanation.numbers)
        if explanation.kind == "alert":
            numbers = ", ".join(f"alert number {number}" for _tls, number in explanation.numbers)
        lines += page.wrap(numbers, "  ")
    if explanation.phases:
        lines += page.wrap("comes in: " + ", ".join(map(inert, explanation.phases)), "  ")
    return lines


def _meaning(explanation: Explanation, page: Page) -> list[str]:
    lines: list[str] = []
    for paragraph in explanation.meaning.split("\n\n"):
        if paragraph.strip():
            lines += ["", *page.wrap(inert(" ".join(paragraph.split())), "  ")]
    return lines


def _program(explanation: Explanation) -> Iterable[str]:
    """Advice for programs; its opening repeats the heading and is left out."""
    for text in explanation.program:
        bare = text.removeprefix("In the program: ")
        yield bare[:1].upper() + bare[1:]


def _section(heading: str, items: Iterable[list[str]], page: Page) -> list[str]:
    lines = [line for item in items for line in item]
    return ["", "  " + page.paint(heading, "heading"), *lines] if lines else []


def _item(text: str, page: Page) -> list[str]:
    return page.wrap(inert(text), f"    {page.bullet} ")


def _fix(fix: Fix, lead: str, page: Page) -> list[str]:
    place = f" [{_PLACES[fix.where]}]" if fix.command else ""
    lines = page.wrap(inert(fix.text) + place, lead)
    if fix.command:
        indent = " " * (columns(lead) + 2)
        lines.append(indent + page.paint(inert(fix.command), "command"))
    return lines


def _others(heading: str, explanation: Explanation, page: Page) -> list[str]:
    items = []
    for other in explanation.others:
        there = f" (on {' and '.join(other.platforms)})" if other.platforms else ""
        title = other.title
        said = title if title.startswith(other.name) else f"{other.name}: {title}"
        items.append(_item(f"{said}{there}", page))
    return _section(heading, items, page)
