"""Rows of the monitor as lines of the target list: their order, their filter, their cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from netwhy.core.model import LAYERS, Mark, Verdict
from netwhy.core.record import RING
from netwhy.core.snapshot import Row
from netwhy.core.stats import strip
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.columns import Column, Laid
from netwhy.tui.look import ROLES, Line, Piece, glyph, strip_marks, word
from netwhy.tui.spans import duration, fitted, share, short_ms, squeezed

_RANK = {Verdict.FAILING: 0, Verdict.DEGRADED: 1, Verdict.UNKNOWN: 2, None: 3, Verdict.OK: 4}


def _by_state(row: Row) -> tuple[float, ...]:
    newest = -row.since_s if row.verdict in (Verdict.FAILING, Verdict.DEGRADED) else 0.0
    return (_RANK[row.verdict], newest)


GROUP = "group"
#: Name of the order → its key; the first is where the screen starts.
SORTS: dict[str, Callable[[Row], tuple[Any, ...]]] = {
    "state": _by_state,
    "name": lambda row: (row.target.label.casefold(),),
    "slowest": lambda row: (row.last_ms is None, -(row.last_ms or 0.0)),
    "loss": lambda row: (-(row.loss or 0.0),),
    GROUP: lambda row: (row.target.options.group is None, row.target.options.group or ""),
    "as given": lambda row: (),
}


def arranged(rows: Sequence[Row], sort: str, wanted: str) -> list[Row]:
    """The rows that match the filter, in the order of that name; equal rows stay as given."""
    chosen = [row for row in rows if matches(row, wanted)]
    return sorted(chosen, key=SORTS[sort])


def matches(row: Row, wanted: str) -> bool:
    """Does every word of the filter occur in the name, address, state, group or cause?"""
    report = row.shown
    about = [row.target.text, row.target.label, row.target.options.group or "", word(row.verdict)]
    if report is not None:
        about += report.addresses
        about += [finding.cause for finding in report.findings]
    text = " ".join(about).casefold()
    return all(part in text for part in wanted.casefold().split())


def named(row: Row, sort: str) -> str:
    """What the target is called, with its group where rows stand by group."""
    group = row.target.options.group
    label = inert(row.target.label)
    return f"{inert(group)} / {label}" if group and sort == GROUP else label


def target_line(row: Row, widths: Laid, now_s: float, page: Page, name: str | None = None) -> Line:
    """One row as pieces of exactly the column widths, one blank between them."""
    ellipsis = "~" if page.ascii else "…"
    pieces: list[Piece] = []
    for column, width in widths:
        text, role = _cell(row, column, width, now_s, page)
        if column.name == "target":
            cell = squeezed(name or text, width, ellipsis=ellipsis)
        else:
            cell = fitted(text, width, ellipsis=ellipsis, right=column.right)
        # The blank between two columns belongs to the first: equal neighbours are sent as one.
        pieces.append((cell + " " * (column is not widths[-1][0]), role))
    return tuple(pieces)


def heading(widths: Laid) -> Line:
    """The titles over the columns; the strip says how many checks it has room for."""
    texts = (fitted(_title(column, width), width, right=column.right) for column, width in widths)
    return ((" ".join(texts), "heading"),)


def _title(column: Column, width: int) -> str:
    if column.name != "strip":
        return column.title
    title = f"LAST {min(width, RING)}"
    return f"{title} CHECKS" if len(title) + 7 <= width else title


def _cell(row: Row, column: Column, width: int, now_s: float, page: Page) -> Piece:
    role = ROLES[row.verdict]
    dash = page.mark(Mark.ABSENT)
    match column.name:
        case "state":
            return glyph(row.verdict, page), role
        case "word":
            return ("recheck" if row.confirming else word(row.verdict)), role
        case "target":
            return inert(row.target.label), "title" if row.verdict is Verdict.FAILING else ""
        case "rtt":
            return short_ms(row.last_ms).replace("–", dash), ""
        case "p95":
            return short_ms(row.p95_ms).replace("–", dash), ""
        case "loss":
            lost = row.loss is not None and row.loss > 0
            return share(row.loss).replace("–", dash), "failing" if lost else ""
        case "since":
            return (dash if row.since is None else duration(now_s - row.since_s)), ""
        case "strip":
            return strip(row.samples, width, strip_marks(page)), role
    report = row.shown
    mark = Mark.PENDING if report is None else report.layers[LAYERS.index(column.name)]
    return _centred(glyph(mark, page), width), ROLES[mark]


def _centred(text: str, width: int) -> str:
    return " " * ((width - len(text)) // 2) + text
