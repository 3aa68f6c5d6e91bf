"""A list that draws its own lines: one changed row repaints one row, and nothing else.

Only the rows that are seen are made: a list of a thousand costs what a screenful costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from netwhy.tui.look import STYLES, Line

_STRIPS = 500  # drawn rows kept


@dataclass(frozen=True, slots=True)
class Item:
    """One row: what it is (its key outlives any order) and what it looks like."""

    key: str
    line: Line


class LineList(ScrollView, can_focus=True):
    """Rows of fixed cells under a fixed heading, with a cursor that stays on its key."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"line-list--{role or 'plain'}" for role in STYLES),
        "line-list--cursor",
        "line-list--cursor-away",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("g,home", "first", "First", show=False, id="list.first"),
        Binding("G,end", "last", "Last", show=False, id="list.last"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page-up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page-down"),
        Binding("enter", "choose", "details", id="list.choose", tooltip="Everything known of it"),
    ]

    class Moved(Message):
        """The cursor is on another row now; `key` None when there is no row."""

        def __init__(self, key: str | None) -> None:
            super().__init__()
            self.key = key

    class Chosen(Message):
        """Enter, or a click on the row of the cursor."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class HeadingClicked(Message):
        """A click on the heading, at this cell of its text."""

        def __init__(self, x: int) -> None:
            super().__init__()
            self.x = x

    class Resized(Message):
        """The rows have another width now: whoever made them makes them anew."""

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.key: str | None = None
        self.touched = False  # moved by hand: before, the cursor stays on the first row
        self.painted = 0  # rows drawn anew so far; the tests watch it
        self._meant: str | None = None  # the row chosen by hand, also while it is not listed
        self._cursor_mark = ">" if ascii_only else "▌"
        self._keys: Sequence[str] = ()
        self._line_of: Callable[[str], Line] = lambda key: ()
        self._heading: Line = ()
        self._places: dict[str, int] = {}
        self._seen: dict[int, tuple[str, Line]] = {}  # by place: what is drawn there
        self._strips: dict[str, tuple[Line, bool, Strip]] = {}
        self._styles: dict[str, Style] = {}
        self._empty: list[Line] = []

    # ---------------------------------------------------------------------------- the content

    @property
    def room(self) -> int:
        """Cells for the text of a row: without the cursor's column and the scroll bar.

        The bar's own cell is kept free also while it is hidden, so that columns stay in place.
        """
        return max(1, self.outer_size.width - self.gutter.width - 2)

    def show(self, heading: Line, items: Sequence[Item], empty: Sequence[Line] = ()) -> None:
        """Take the rows in their order; only those that look different are drawn again."""
        lines = {item.key: item.line for item in items}
        self.show_keys(heading, [item.key for item in items], lines.__getitem__, empty)

    def show_keys(
        self,
        heading: Line,
        keys: Sequence[str],
        line_of: Callable[[str], Line],
        empty: Sequence[Line] = (),
        *,
        start: int = 0,
        instead: Mapping[str, str] | None = None,
    ) -> None:
        """As `show`, but lines are asked for only where they are seen.

        `start` is where the cursor stands until it is moved; `instead` names the row that stands
        for one that is not listed.
        """
        in_sight = self._in_sight()
        was_at = self._places.get(self.key, 0) if self.key is not None else 0
        same_shape = len(self._keys) == len(keys) and heading == self._heading
        if keys != self._keys:
            self._places = {key: index for index, key in enumerate(keys)}
        self._keys, self._heading, self._line_of = keys, heading, line_of
        self._empty = list(empty)
        self._stay(start, was_at, instead or {})
        if same_shape and keys:
            if in_sight:
                self._follow()
            self._refresh_changed()
            return
        self._seen.clear()
        self.virtual_size = Size(0, 1 + max(len(keys), len(self._empty) if not keys else 0))
        if in_sight:
            self._follow()
        self.refresh()

    def _refresh_changed(self) -> None:
        """Draw the seen rows that look different now.

        Always the whole line is refreshed: which of its cells are sent is decided where the
        terminal is written to.
        """
        before, self._seen = self._seen, {}
        top = round(self.scroll_y)
        for place in range(top, min(top + self.size.height, len(self._keys))):
            new = self._row(place)
            if before.get(place) != new:
                self.refresh_line(place + 1)

    def _row(self, place: int) -> tuple[str, Line]:
        """The key and the line at a place, made when first asked for."""
        found = self._seen.get(place)
        if found is None:
            key = self._keys[place]
            found = self._seen[place] = (key, self._line_of(key))
        return found

    # ---------------------------------------------------------------------------- the cursor

    def _stay(self, start: int, was_at: int, instead: Mapping[str, str]) -> None:
        """Keep the cursor on its row; on its stand-in or a neighbour while it is not listed."""
        if not self._keys:
            self._put(-1)
        elif not self.touched:
            self._put(start)
        elif self._meant in self._places:
            self._put(self._places[self._meant])
        elif self._meant is not None and self._meant in instead:
            self._put(self._places[instead[self._meant]])
        elif self.key not in self._places:
            self._put(min(was_at, len(self._keys) - 1))

    def _put(self, index: int) -> None:
        """Put the cursor on a row and tell it."""
        old = self._places.get(self.key) if self.key is not None else None
        key = self._keys[index] if 0 <= index < len(self._keys) else None
        if key == self.key:
            return
        self.key = key
        for changed in (old, index):
            if changed is not None:
                self.refresh_line(changed + 1)
        self.post_message(self.Moved(key))

    def _in_sight(self) -> bool:
        """Is the cursor seen?  Not where the mouse has scrolled it away, which stays so."""
        top, rows = round(self.scroll_y), self.scrollable_content_region.height - 1
        index = None if self.key is None else self._places.get(self.key)
        return index is None or rows < 1 or top <= index < top + rows

    def _follow(self) -> None:
        """Scroll so far that the cursor is seen; the heading takes the first line."""
        if self.key is None:
            return
        index = self._places[self.key]
        rows = max(1, self.scrollable_content_region.height - 1)
        top = round(self.scroll_y)
        if index < top:
            self.scroll_to(y=index, animate=False, immediate=True)
        elif index >= top + rows:
            self.scroll_to(y=index - rows + 1, animate=False, immediate=True)

    def move_to(self, key: str) -> None:
        """Put the cursor on this key, if it is in the list; else as soon as it is."""
        self.touched = True
        self._meant = key
        if key in self._places:
            self._put(self._places[key])
            self._follow()

    def _move(self, index: int) -> None:
        """Put the cursor on a row because somebody wants it there."""
        self.move_to(self._keys[max(0, min(len(self._keys) - 1, index))])

    def action_move(self, step: int) -> None:
        self.touched = True
        if self.key is not None:
            self._move(self._places[self.key] + step)

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self.scrollable_content_region.height - 2))

    def action_first(self) -> None:
        self.action_move(-len(self._keys))

    def action_last(self) -> None:
        self.action_move(len(self._keys))

    def action_choose(self) -> None:
        if self.key is not None:
            self.move_to(self.key)
            self.post_message(self.Chosen(self.key))

    def on_click(self, event: events.Click) -> None:
        index = event.y - self.gutter.top - 1 + round(self.scroll_y)
        if event.y == self.gutter.top:
            self.post_message(self.HeadingClicked(event.x - self.gutter.left - 1))
        elif event.y > self.gutter.top and 0 <= index < len(self._keys):
            again = self._keys[index] == self.key and event.chain > 1
            self._move(index)
            if again or self.opens_at_once(self._keys[index]):
                self.action_choose()

    def opens_at_once(self, key: str) -> bool:
        """Does one click on this row do what enter does, or only the second one?"""
        return False

    # --------------------------------------------------------------------------- the drawing

    def notify_style_update(self) -> None:
        self._strips.clear()
        self._styles.clear()
        super().notify_style_update()

    def _base(self) -> Style:
        known = self._styles.get("")
        if known is None:
            known = self._styles[""] = self.rich_style
        return known

    def _style(self, name: str) -> Style:
        """The style of a component, which takes the toolkit long to work out."""
        known = self._styles.get(name)
        if known is None:
            known = self._styles[name] = self.get_component_rich_style(f"line-list--{name}")
        return known

    def on_focus(self) -> None:
        self._redraw_cursor()

    def on_blur(self) -> None:
        self._redraw_cursor()

    def on_resize(self) -> None:
        self._follow()
        self.post_message(self.Resized())

    def _redraw_cursor(self) -> None:
        if self.key is not None:
            self._strips.pop(self.key, None)
            self.refresh_line(self._places[self.key] + 1)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y == 0:
            return self._drawn(self._heading, width, cursor=False)
        index = y - 1 + round(self.scroll_y)
        if not self._keys and index < len(self._empty):
            return self._drawn(self._empty[index], width, cursor=False)
        if not 0 <= index < len(self._keys):
            return Strip.blank(width, self.rich_style)
        key, line = self._row(index)
        cursor = key == self.key
        cached = self._strips.get(key)
        if cached is not None and (*cached[:2], cached[2].cell_length) == (line, cursor, width):
            return cached[2]
        drawn = self._drawn(line, width, cursor=cursor)
        if len(self._strips) >= _STRIPS:
            self._strips.clear()
        self._strips[key] = (line, cursor, drawn)
        self.painted += 1
        return drawn

    def _drawn(self, line: Line, width: int, *, cursor: bool) -> Strip:
        base = self._base()
        if cursor:
            base = self._style("cursor" if self.has_focus else "cursor-away")
        segments = [Segment(f"{self._cursor_mark if cursor else ' '}", base)]
        for text, role in line:
            style = self._style(role or "plain")
            if cursor:
                # The row's own background, under the colours that carry the state.
                style = style + Style(
                    bgcolor=base.bgcolor, bold=base.bold, underline=base.underline
                )
            segments.append(Segment(text, style))
        return Strip(segments).simplify().adjust_cell_length(width, base)
