"""Rows of the monitor as lines of the target list."""

from __future__ import annotations

from collections.abc import Collection

from netwhy.core.model import LAYERS, Mark, Verdict
from netwhy.core.record import RING
from netwhy.core.snapshot import Row
from netwhy.core.stats import strip
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.columns import Column, Laid
from netwhy.tui.look import ROLES, Line, Piece, glyph, strip_marks, word
from netwhy.tui.spans import duration, fitted, share, short_ms, squeezed

#: Of the round trip: a change of less than this share, or of less than so many ms, is noise.
_SHARE, _GRAIN_MS = 0.1, 0.03
#: Yet no number is older than this.
_KEEP_S = 5.0


class Steady:
    """Round trips as they are shown: a number stands until it really is another one.

    Numbers that flicker are not read, and each costs bytes on a slow line.  What is shown is
    always a time that was measured, at most five seconds ago while checks go on, and within a
    tenth of the newest.
    """

    def __init__(self) -> None:
        self._shown: dict[str, tuple[float, float]] = {}

    def of(self, key: str, value: float | None, now_s: float) -> float | None:
        """What to show for this value now; None (nothing measured) is shown at once."""
        if value is None:
            self._shown.pop(key, None)
            return None
        shown, since_s = self._shown.get(key, (value, now_s))
        if abs(value - shown) > max(_GRAIN_MS, _SHARE * shown) or now_s - since_s >= _KEEP_S:
            shown, since_s = value, now_s
        self._shown[key] = (shown, since_s)
        return shown


def target_line(row: Row, widths: Laid, now_s: float, page: Page, *, follows: bool = False) -> Line:
    """One row as pieces of exactly the column widths, one blank between them.

    `follows`: its fault is a symptom of a root cause that another row shows.
    """
    ellipsis = "~" if page.ascii else "…"
    pieces: list[Piece] = []
    for column, width in widths:
        text, role = _cell(row, column, width, now_s, page)
        if column.name == "state" and follows:
            text += "^" if page.ascii else "↳"
        if follows and role != "ok":
            role = "muted"
        if column.name == "target":
            cell = squeezed(text, width, ellipsis=ellipsis)
        else:
            cell = fitted(text, width, ellipsis=ellipsis, right=column.right)
        # The blank between two columns belongs to the first: equal neighbours are sent as one.
        pieces.append((cell + " " * (column is not widths[-1][0]), role))
    return tuple(pieces)


def heading(widths: Laid, sorted_by: Collection[str] = ()) -> Line:
    """The titles over the columns; the strip says how many checks it has room for.

    `sorted_by` are the columns that the order goes by.
    """
    return tuple(
        (
            fitted(_title(column, width), width, right=column.right)
            + " " * (column is not widths[-1][0]),
            "title" if column.name in sorted_by else "heading",
        )
        for column, width in widths
    )


def column_at(widths: Laid, x: int) -> str | None:
    """The name of the column under this cell of a line."""
    for column, width in widths:
        if x <= width:  # the blank after it is its own
            return column.name if x >= 0 else None
        x -= width + 1
    return None


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
            return glyph(row.verdict, page)[:1], role
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
