"""A page of the knowledge base as text for a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from netwhy.core.model import Fix, Target, Where
from netwhy.knowledge.explain import Explanation
from netwhy.knowledge.words import cause_ids
from netwhy.output.inert import inert
from netwhy.output.layout import Page, columns, shortened

#: Pieces of one line: a text and its role, which is "" for plain text.
Line = tuple[tuple[str, str], ...]
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
    return [
        "".join(page.paint(text, role) if role else text for text, role in line)
        for line in explanation_pieces(explanation, page)
    ]


def explanation_pieces(
    explanation: Explanation, page: Page, *, chosen: int | None = None
) -> list[Line]:
    """The same page as lines of (text, role); the fix number `chosen` (from 0) has a mark."""
    lines = [*_head(explanation, page), *_meaning(explanation, page)]
    is_cause = explanation.kind == "cause"
    hints = (f"{hint.how} ({hint.cause})" for hint in explanation.causes)
    heading = "Easily mistaken for" if is_cause else "What can be behind it, and how to tell"
    lines += _section(heading, (_item(hint, page) for hint in hints))
    if explanation.kind == "exception":
        lines += _others("The errors that it stands for", explanation, page)
    mark = ">" if page.ascii else "▸"
    fixes = (
        _fix(fix, f"  {mark if n == chosen else ' '} {n + 1}. ", page)
        for n, fix in enumerate(explanation.fixes)
    )
    lines += _section("What to do", fixes)
    lines += _section("In programs", (_item(text, page) for text in _program(explanation)))
    if explanation.kind != "exception":
        lines += _others(f"Other meanings of {inert(explanation.asked)}", explanation, page)
    known = [hint.cause for hint in explanation.causes if hint.cause in cause_ids()]
    if known:
        more = (f"netwhy explain {inert(known[0])}", "command")
        lines += [(), ((f"  {'See also' if is_cause else 'More'}: ", ""), more)]
    return lines


def endpoints_lines(targets: Sequence[Target], page: Page, *, checked: bool) -> list[str]:
    """The endpoints that the text names, and the command that diagnoses them."""
    names = [inert(target.text) for target in targets]
    lines = ["", *page.wrap(f"Endpoints in it: {', '.join(names)}", "  ", "    ")]
    if not checked:
        command = page.paint(f"netwhy check {' '.join(map(quoted, names))}", "command")
        lines.append(f"  Diagnose {'them' if len(names) > 1 else 'it'} now: {command}")
    return lines


def quoted(word: str) -> str:
    """A word as a shell takes it: brackets and question marks would be patterns."""
    return word if re.fullmatch(r"[\w.:/@%+=-]+", word, re.ASCII) else f"'{word}'"


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


def _plain(lines: Iterable[str]) -> list[Line]:
    return [((line, ""),) for line in lines]


def _head(explanation: Explanation, page: Page) -> list[Line]:
    name, title = inert(explanation.name), inert(explanation.title)
    head = title if title.startswith(name) else f"{name}: {title}"
    lines: list[Line] = [((line, "title"),) for line in page.wrap(head, "", "  ")]
    asked = inert(explanation.asked)
    if asked.lower() != explanation.name.lower():
        there = f" on {' and '.join(explanation.platforms)}" if explanation.platforms else ""
        quoted = shortened(asked, _QUOTED, "..." if page.ascii else "…")
        lines += _plain(page.wrap(f"this is what '{quoted}' means{there}", "  "))
    if explanation.numbers:
        numbers = ", ".join(f"{number} on {place}" for place, number in explanation.numbers)
        if explanation.kind == "dns":
            numbers = ", ".join(f"response code {number}" for _dns, number in explanation.numbers)
        if explanation.kind == "alert":
            numbers = ", ".join(f"alert number {number}" for _tls, number in explanation.numbers)
        lines += _plain(page.wrap(numbers, "  "))
    if explanation.phases:
        lines += _plain(page.wrap("comes in: " + ", ".join(map(inert, explanation.phases)), "  "))
    return lines


def _meaning(explanation: Explanation, page: Page) -> list[Line]:
    lines: list[Line] = []
    for paragraph in explanation.meaning.split("\n\n"):
        if paragraph.strip():
            lines += [(), *_plain(page.wrap(inert(" ".join(paragraph.split())), "  "))]
    return lines


def _program(explanation: Explanation) -> Iterable[str]:
    """Advice for programs; its opening repeats the heading and is left out."""
    for text in explanation.program:
        bare = text.removeprefix("In the program: ")
        yield bare[:1].upper() + bare[1:]


def _section(heading: str, items: Iterable[list[Line]]) -> list[Line]:
    lines = [line for item in items for line in item]
    return [(), (("  ", ""), (heading, "heading")), *lines] if lines else []


def _item(text: str, page: Page) -> list[Line]:
    return _plain(page.wrap(inert(text), f"    {page.bullet} "))


def _fix(fix: Fix, lead: str, page: Page) -> list[Line]:
    place = f" [{_PLACES[fix.where]}]" if fix.command else ""
    lines = _plain(page.wrap(inert(fix.text) + place, lead))
    if fix.command:
        lines.append(((" " * (columns(lead) + 2), ""), (inert(fix.command), "command")))
    return lines


def _others(heading: str, explanation: Explanation, page: Page) -> list[Line]:
    items = []
    for other in explanation.others:
        there = f" (on {' and '.join(other.platforms)})" if other.platforms else ""
        title = other.title
        said = title if title.startswith(other.name) else f"{other.name}: {title}"
        items.append(_item(f"{said}{there}", page))
    return _section(heading, items)
