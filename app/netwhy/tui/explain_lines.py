"""What the explain view shows, as lines: the rows of its list, its pages, its words of welcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netwhy.core.snapshot import Row
from netwhy.knowledge.pages import Explanation
from netwhy.knowledge.pasted import Mentioned
from netwhy.knowledge.search import Hit
from netwhy.output.explanation import explanation_pieces
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.tui.look import ROLES, Line, glyph, word
from netwhy.tui.spans import fitted
from netwhy.tui.why_lines import Lines, why_lines

#: What people call the kinds of pages.
KINDS = {
    "errno": "error",
    "getaddrinfo": "look-up",
    "dns": "DNS",
    "alert": "TLS alert",
    "certificate": "cert.",
    "status": "HTTP",
}
_KIND_WIDTH = 9
_NAME_WIDTH = 30


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the list: a page, or an endpoint that a text mentions; `note` stands before it."""

    key: str
    kind: str
    name: str
    title: str
    hit: Hit | None = None
    mentioned: Mentioned | None = None
    failing: bool = False


def of_hit(hit: Hit, count: int = 0) -> Entry:
    """A page; `count` is in how many lines of a log it is named."""
    title = f"{count}x  {hit.title}" if count > 1 else hit.title
    kind = KINDS.get(hit.kind, hit.kind)
    return Entry(f"{hit.kind} {hit.name}", kind, hit.name, title, hit)


def of_current(hit: Hit, targets: int) -> Entry:
    """A cause that targets have now."""
    return replace(
        of_hit(hit), title=f"now: {counted(targets, 'target')}  {hit.title}", failing=True
    )


def of_endpoint(mentioned: Mentioned, row: Row | None) -> Entry:
    """An endpoint, with its state where it is watched."""
    target = mentioned.target
    times = f"{mentioned.count}x  " if mentioned.count > 1 else ""
    said = "enter: check it and watch it" if row is None else f"watched: {word(row.verdict)}"
    return Entry(
        f"endpoint {target.text}", "endpoint", target.text, times + said, mentioned=mentioned
    )


def entry_line(entry: Entry, width: int, page: Page) -> Line:
    """One row as pieces of `width` cells."""
    ellipsis = "~" if page.ascii else "…"
    room = max(1, width - _KIND_WIDTH - 1)
    named = min(_NAME_WIDTH, max(16, room * 2 // 5))
    kind_role = "failing" if entry.failing else "key" if entry.mentioned else "muted"
    pieces = (
        (fitted(entry.kind, _KIND_WIDTH, ellipsis=ellipsis) + " ", kind_role),
        (fitted(inert(entry.name), min(named, room), ellipsis=ellipsis), "title"),
    )
    if room <= named + 1:
        return pieces
    rest = fitted(inert(entry.title), room - named - 1, ellipsis=ellipsis)
    return (*pieces, (f" {rest}", ""))


def page_lines(found: Explanation, width: int, page: Page, chosen: int | None) -> list[Line]:
    """A page of the knowledge base, in the words of `netwhy explain`."""
    lines = explanation_pieces(found, replace(page, width=max(20, width - 1)), chosen=chosen)
    return [((" ", ""), *line) if line else line for line in lines]


def marked(lines: Sequence[Line], page: Page) -> int:
    """The line of the step that has the mark; 0 where none has."""
    mark = ">" if page.ascii else "▸"
    starts = (
        n for n, line in enumerate(lines) if len(line) > 1 and line[1][0].startswith(f"  {mark} ")
    )
    return next(starts, 0)


def endpoint_lines(mentioned: Mentioned, row: Row | None, width: int, page: Page) -> list[Line]:
    """An endpoint: where it was mentioned, and what is known of it if it is watched."""
    out = Lines(max(20, width), page)
    out.text(mentioned.target.text, "title")
    out.text(f"Named in {counted(mentioned.count, 'line')}, first in:")
    out.text(mentioned.line.strip(), "muted", indent=3)
    out.gap()
    if row is None:
        out.add(("  enter", "key"), ("  check it now and keep watching it (view 1)", ""))
        out.add(("  a", "key"), ("      the same for every endpoint in this list", ""))
        return out.lines
    state = glyph(row.verdict, page)
    out.add((f" {state} {word(row.verdict)}", ROLES[row.verdict]), ("   it is watched: view 1", ""))
    out.gap()
    return [*out.lines, *why_lines(row.shown, width, page, chosen_fix=-1).lines]


def welcome_lines(width: int, page: Page, pages: int) -> list[Line]:
    """What can be asked here."""
    out = Lines(max(20, width), page)
    out.text(f"{pages} pages: what an error or a cause means, what is behind it, what to do.")
    out.gap()
    for label, text in (
        ("a number", "111, 10061, -2: of any platform"),
        ("a name", "ECONNREFUSED, EAI_AGAIN, ConnectionResetError, SERVFAIL"),
        ("a cause", "tcp.refused, dns.resolver-silent"),
        ("a port", "5432, :8080, postgres"),
        ("words", "certificate expired, black hole"),
        ("a log", "paste it, with all its lines: its errors and endpoints are listed"),
    ):
        out.item(label, text)
    return out.lines
