"""Durations, moments and widths of text, as the screen writes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.cells import cell_len, chop_cells, set_cell_size

from netwhy.output.layout import duration as duration


def clock(moment: datetime) -> str:
    """The local time of day."""
    return f"{moment.astimezone():%H:%M:%S}"


def short_ms(value: float | None) -> str:
    """A time for a narrow column, in milliseconds without the unit; `–` where none was taken."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.2f}"
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def share(value: float | None) -> str:
    """A share in whole per cent; a little is never written as nothing."""
    if value is None:
        return "–"
    percent = value * 100
    return "<1%" if 0 < percent < 0.5 else f"{percent:.0f}%"


def fitted(text: str, width: int, *, ellipsis: str = "…", right: bool = False) -> str:
    """Exactly `width` cells: cut with an ellipsis, or padded (on the left with `right`)."""
    size = cell_len(text)
    if size > width:
        room = width - cell_len(ellipsis)
        return set_cell_size(text, width) if room < 1 else set_cell_size(text, room) + ellipsis
    blank = " " * (width - size)
    return blank + text if right else text + blank


def squeezed(text: str, width: int, *, ellipsis: str = "…") -> str:
    """Exactly `width` cells: cut in the middle, because the port stands at the end."""
    if cell_len(text) <= width or width < 8:
        return fitted(text, width, ellipsis=ellipsis)
    tail, size = "", 0
    for char in reversed(text):
        size += cell_len(char)
        if size > width // 2:
            break
        tail = char + tail
    return fitted(text, width - cell_len(tail), ellipsis=ellipsis) + tail


def folded(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken between words; a longer word is broken itself."""
    width = max(1, width)
    lines: list[str] = []
    line = ""
    for word in _words(text, width):
        if line and cell_len(line) + 1 + cell_len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


_UNITS = frozenset(("ms", "s", "min", "h", "%", "bytes"))


def _words(text: str, width: int) -> Iterator[str]:
    """The words of a text; a number and its unit are one where they fit into a line."""
    words: list[str] = []
    for word in text.split():
        if words and words[-1][-1].isdigit() and word.rstrip(".,;:)") in _UNITS:
            words[-1] += f" {word}"
        else:
            words.append(word)
    for word in words:
        if cell_len(word) <= width:
            yield word
        else:
            yield from chop_cells(word, width)
