"""What the terminal shows, cell by cell, so that only cells that look different are sent.

The toolkit sends each dirty part of a line from the beginning of its widget, and every piece of
it with a colour of its own: a number that changes costs the whole row.  Over a slow line that is
what the screen costs.  Here an update is compared with what was sent before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

#: A cell: its character, and what must be sent before and after it.
Pen = tuple[str, str]
Cell = tuple[str, Pen]
_UNKNOWN: Cell = ("", ("", ""))
#: To send so many bytes again is cheaper than to move the cursor over them.
_MOVE = 6
_PENS = 4096  # remembered at most; a style with a link in it is a style of its own


class Frame:
    """The cells that were sent.  One frame belongs to one terminal."""

    def __init__(self) -> None:
        self._lines: dict[int, list[Cell]] = {}
        self._pens: dict[Style | None, Pen] = {}

    def sparing(self, update: Any) -> Any:
        """The same update, of which only the difference will be sent when it is rendered."""
        if isinstance(update, ChopsUpdate | LayoutUpdate):
            return _Difference(self, update)
        if update is not None:
            self._lines.clear()  # what anything else leaves on the terminal is not known
        return update

    def text(self, update: ChopsUpdate | LayoutUpdate, console: Console) -> str:
        """What must be sent to the terminal for this update, which then counts as sent."""
        if isinstance(update, LayoutUpdate):  # asked for where the terminal may show anything
            self._lines.clear()
            parts = _whole(update)
        else:
            parts = _parts(update)
        writer = _Writer()
        for x, y, strip in parts:
            self._send(x, y, strip, writer, console)
        return writer.text()

    def _send(self, x: int, y: int, strip: Strip, writer: _Writer, console: Console) -> None:
        cells = self._cells(strip, console)
        line = self._lines.setdefault(y, [])
        width = strip.cell_length
        line.extend([_UNKNOWN] * (x + width - len(line)))
        if cells is None:
            # Terminals differ in how wide some characters are: such a line is sent as it is, and
            # what it leaves behind is not relied on.
            self._lines[y] = []
            writer.write(x, y, strip.render(console))
            return
        for start, end in _runs(line[x : x + width], cells):
            writer.draw(x + start, y, cells[start:end])
        line[x : x + width] = cells

    def _cells(self, strip: Strip, console: Console) -> list[Cell] | None:
        """The cells of a strip; None where a character may take more or less than one."""
        cells: list[Cell] = []
        for text, style, _ in strip:
            pen = self._pens.get(style) or self._pen(style, console)
            cells += [(char, pen) for char in text]
        return cells if len(cells) == strip.cell_length and _narrow(strip) else None

    def _pen(self, style: Style | None, console: Console) -> Pen:
        if len(self._pens) >= _PENS:
            self._pens.clear()
        before, _, after = Strip([Segment("x", style)]).render(console).rpartition("x")
        return self._pens.setdefault(style, (before, after))


class _Difference(CompositorUpdate):
    """An update that is compared with the frame at the moment it is written."""

    def __init__(self, frame: Frame, update: ChopsUpdate | LayoutUpdate) -> None:
        self._frame = frame
        self._update = update

    def render_segments(self, console: Console) -> str:
        return self._frame.text(self._update, console)


class _Writer:
    """Collects text; what is drawn in one colour is sent together, wherever it stands."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._runs: dict[Pen, list[tuple[int, int, list[Cell]]]] = {}  # by their first pen

    def draw(self, x: int, y: int, cells: list[Cell]) -> None:
        self._runs.setdefault(cells[0][1], []).append((x, y, cells))

    def write(self, x: int, y: int, text: str) -> None:
        self._out += (_move(x, y), text)

    def text(self) -> str:
        held = plain = ("", "")
        for runs in self._runs.values():
            for x, y, cells in runs:
                self._out.append(_move(x, y))
                for char, pen in cells:
                    if pen != held:
                        self._out += (held[1], pen[0])
                        held = pen
                    self._out.append(char)
        if held != plain:
            self._out.append(held[1])
        return "".join(self._out)


def _move(x: int, y: int) -> str:
    return Control.move_to(x, y).segment.text


def _whole(update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    for y, strips in enumerate(update.strips, update.region.y):
        x = update.region.x
        for strip in strips:
            yield x, y, strip
            x += strip.cell_length


def _parts(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """What is dirty; of what stands left or right of it only what cannot be left out."""
    for y, first, last in update.spans:
        for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            right = min(end, last)
            if strip is not None and max(x, first) < right:
                left = max(x, first) if _narrow(strip) else x
                yield left, y, strip.crop(left - x, right - x)


def _runs(before: list[Cell], after: list[Cell]) -> Iterator[tuple[int, int]]:
    """Where the cells differ, as (start, end); runs with little between them are one."""
    start = end = -1
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        if start < 0:
            start = index
        elif _cost(after[end:index], after[end - 1][1]) > _MOVE:
            yield start, end
            start = index
        end = index + 1
    if start >= 0:
        yield start, end


def _cost(cells: Iterable[Cell], pen: Pen) -> int:
    """Bytes to send these cells again, after one of this pen."""
    bytes_ = 0
    for char, its in cells:
        bytes_ += (1 if char.isascii() else 3) + (0 if its is pen else _MOVE)
        if bytes_ > _MOVE:
            break
    return bytes_


#: What every terminal gives one cell: ASCII, Latin, and what the screen draws itself with (dashes,
#: arrows, boxes and blocks, the marks of states, braille).
_NARROW = re.compile(
    "[\x20-\x7e\xa0-\xac\xae-\u02ff\u2010-\u2027\u2190-\u21ff\u2500-\u25fc\u2713-\u2718\u2800-\u28ff]*"
)


def _narrow(strip: Strip) -> bool:
    return _NARROW.fullmatch(strip.text) is not None
