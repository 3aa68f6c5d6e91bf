"""A list that draws its own lines: one changed row repaints one row, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
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

    class Resized(Message):
        """The rows have another width now: whoever made them makes them anew."""

    def __init__(self, *, ascii_only: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.key: str | None = None
        self.touched = False  # moved by hand: before, the cursor stays on the first row
        self.painted = 0  # rows drawn anew so far; the tests watch it
        self._cursor_mark = ">" if ascii_only else "▌"
        self._items: Sequence[Item] = ()
        self._heading: Line = ()
        self._places: dict[str, int] = {}
        self._strips: dict[str, tuple[Line, bool, Strip]] = {}
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
        before = self._items
        was_at = self._places.get(self.key, 0) if self.key is not None else 0
        same_shape = len(before) == len(items) and heading == self._heading
        self._items, self._heading = items, heading
        self._places = {item.key: index for index, item in enumerate(items)}
        self._empty = list(empty)
        kept = self._places.keys()
        self._strips = {key: entry for key, entry in self._strips.items() if key in kept}
        if not self.touched and items:
            self._put(0)
        elif self.key not in self._places:
            self._put(min(was_at, len(items) - 1))
        if same_shape and items:
            top = round(self.scroll_y)
            for index, (old, new) in enumerate(zip(before, items, strict=True)):
                # Always the whole line: the compositor repeats a line's beginning for each part.
                if old != new and top <= index < top + self.size.height:
                    self.refresh_line(index + 1)
            self._follow()
            return
        self.virtual_size = Size(0, 1 + max(len(items), len(self._empty) if not items else 0))
        self._follow()
        self.refresh()

    # ---------------------------------------------------------------------------- the cursor

    def _put(self, index: int) -> None:
        """Put the cursor on a row and tell it."""
        old = self._places.get(self.key) if self.key is not None else None
        key = self._items[index].key if 0 <= index < len(self._items) else None
        if key == self.key:
            return
        self.key = key
        for changed in (old, index):
            if changed is not None:
                self.refresh_line(changed + 1)
        self.post_message(self.Moved(key))

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
        """Put the cursor on this key, if it is in the list."""
        if key in self._places:
            self.touched = True
            self._put(self._places[key])
            self._follow()

    def action_move(self, step: int) -> None:
        self.touched = True
        if self._items and self.key is not None:
            self._put(max(0, min(len(self._items) - 1, self._places[self.key] + step)))
            self._follow()

    def action_page(self, step: int) -> None:
        self.action_move(step * max(1, self.scrollable_content_region.height - 2))

    def action_first(self) -> None:
        self.action_move(-len(self._items))

    def action_last(self) -> None:
        self.action_move(len(self._items))

    def action_choose(self) -> None:
        self.touched = True
        if self.key is not None:
            self.post_message(self.Chosen(self.key))

    def on_click(self, event: events.Click) -> None:
        index = event.y - self.gutter.top - 1 + round(self.scroll_y)
        if event.y > self.gutter.top and 0 <= index < len(self._items):
            self.touched = True
            again = self._items[index].key == self.key and event.chain > 1
            self._put(index)
            if again:
                self.action_choose()

    # --------------------------------------------------------------------------- the drawing

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()

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
        if not self._items and index < len(self._empty):
            return self._drawn(self._empty[index], width, cursor=False)
        if not 0 <= index < len(self._items):
            return Strip.blank(width, self.rich_style)
        item = self._items[index]
        cursor = item.key == self.key
        cached = self._strips.get(item.key)
        wanted = (item.line, cursor, width)
        if cached is not None and (*cached[:2], cached[2].cell_length) == wanted:
            return cached[2]
        drawn = self._drawn(item.line, width, cursor=cursor)
        self._strips[item.key] = (item.line, cursor, drawn)
        self.painted += 1
        return drawn

    def _drawn(self, line: Line, width: int, *, cursor: bool) -> Strip:
        base = self.rich_style
        if cursor:
            name = "line-list--cursor" if self.has_focus else "line-list--cursor-away"
            base = self.get_component_rich_style(name)
        segments = [Segment(f"{self._cursor_mark if cursor else ' '}", base)]
        for text, role in line:
            style = self.get_component_rich_style(f"line-list--{role or 'plain'}")
            if cursor:
                # The row's own background, under the colours that carry the state.
                style = style + Style(
                    bgcolor=base.bgcolor, bold=base.bold, underline=base.underline
                )
            segments.append(Segment(text, style))
        return Strip(segments).simplify().adjust_cell_length(width, base)
