"""The list of targets: sorted, filtered, grouped; what does not change is not made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content

from netwhy.core.snapshot import Row, Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.columns import TARGETS, Laid, laid
from netwhy.tui.groups import (
    Arrangement,
    Group,
    arrange,
    group_line,
    has_groups,
    heading_key,
    is_heading,
)
from netwhy.tui.look import Line
from netwhy.tui.order import SORT_OF_COLUMN, SORTS, Order
from netwhy.tui.roots import Root
from netwhy.tui.spans import duration
from netwhy.tui.target_lines import Steady, column_at, heading, target_line
from netwhy.tui.widgets.line_list import LineList

NO_TARGETS: tuple[Line, ...] = (
    (),
    (("  No targets.", "title"),),
    (("  a", "key"), ("  add a target, for example  example.com:443", "")),
    (("  m", "key"), ("  check this machine: its gateways and its resolvers", "")),
    (("  2", "key"), ("  see who listens on the local ports", "")),
)


class TargetList(LineList):
    """Targets under a heading of columns, and under headings of groups where they have any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "fold(True)", "Fold", show=False, id="list.fold", tooltip="The group"),
        Binding(
            "right", "fold(False)", "Unfold", show=False, id="list.unfold", tooltip="The group"
        ),
    ]

    def __init__(self, page: Page, *, id: str | None = None) -> None:
        super().__init__(ascii_only=page.ascii, id=id)
        self._page = page
        self._order = Order()
        self._grouped = True  # where targets have groups
        self._folded: set[str] = set()
        self._snapshot: Snapshot | None = None
        self._wanted = ""
        self._now_s = 0.0
        self._symptoms: Mapping[str, Root] = {}
        self._arranged = Arrangement()
        self._widths: Laid = ()
        self._sized: tuple[int, int] = (0, 0)  # of the widths: the room, the longest name
        self._names: dict[str, int] = {}
        self._steady = Steady()
        self._lines: dict[str, tuple[Row, Laid, tuple[object, ...], Line]] = {}
        self._said = ""

    # ------------------------------------------------------------------------------- the data

    def show_snapshot(
        self, snapshot: Snapshot, wanted: str, symptoms: Mapping[str, Root], now_s: float
    ) -> None:
        """Show these rows; `symptoms` are the targets that only follow from a root cause."""
        if self._snapshot is None or snapshot.rows is not self._snapshot.rows:
            self._forget(snapshot)
        self._snapshot, self._wanted, self._symptoms = snapshot, wanted, symptoms
        self._arranged = arrange(
            snapshot.rows,
            self._order,
            wanted,
            symptoms=symptoms.keys(),
            grouped=self._grouped and has_groups(snapshot.rows),
            folded=self._folded,
        )
        self.show_time(now_s)
        self._say_title()

    def show_time(self, now_s: float) -> None:
        """Bring durations up to date, and the columns to the width."""
        if self._snapshot is None:
            return
        self._now_s = now_s
        self._size_columns()
        found = self._arranged
        none = NO_TARGETS if not self._snapshot.rows else NO_MATCH
        sorted_by = [c for c, name in SORT_OF_COLUMN.items() if name == self._order.name]
        top = heading(self._widths, sorted_by[:1]) if found.keys else ()
        self.show_keys(top, found.keys, self._line, none, start=found.start, instead=found.instead)

    def _forget(self, snapshot: Snapshot) -> None:
        """Drop what is kept of targets that are gone."""
        if len(self._lines) > len(snapshot.rows) + 100:
            self._lines.clear()
        if len(self._names) > len(snapshot.rows) + 100:
            self._names.clear()
            self._steady = Steady()

    def _size_columns(self) -> None:
        assert self._snapshot is not None  # asked before
        names = self._names
        for row in self._snapshot.rows:
            if row.target.text not in names:
                names[row.target.text] = cell_len(inert(row.target.label))
        # Of all targets, also those that the filter hides: columns do not jump while one types.
        longest = max((names[row.target.text] for row in self._snapshot.rows), default=0)
        if self._sized != (self.room, longest):
            self._sized = (self.room, longest)
            self._widths = laid(TARGETS, self.room, {"target": longest})

    def _line(self, key: str) -> Line:
        """The line of a row or of a heading, as it is now."""
        group = self._arranged.groups.get(key)
        if group is not None:
            return group_line(group, self._page)
        row, widths = self._arranged.rows[key], self._widths
        lasted = None if row.since is None else duration(self._now_s - row.since_s)
        shown_ms = self._steady.of(key, row.last_ms, self._now_s)
        follows = key in self._symptoms
        stamp = (lasted, shown_ms, follows)
        kept = self._lines.get(key)
        if kept is not None and kept[0] is row and kept[1] is widths and kept[2] == stamp:
            return kept[3]
        shown = row if shown_ms == row.last_ms else replace(row, last_ms=shown_ms)
        line = target_line(shown, widths, self._now_s, self._page, follows=follows)
        self._lines[key] = (row, widths, stamp, line)
        return line

    def _say_title(self) -> None:
        assert self._snapshot is not None  # asked before
        everything = len(self._snapshot.rows)
        parts = [f"Targets {len(self._arranged.rows)}" if everything else "Targets"]
        if self._wanted.strip():
            parts[0] += f' of {everything}, with "{inert(self._wanted.strip())}"'
        if self._order.told:
            parts.append(self._order.told)
        if not self._grouped and has_groups(self._snapshot.rows):
            parts.append("groups left out")
        title = ", ".join(parts)
        if title != self._said:
            self._said = title
            self.border_title = Content(f" {title} ")

    # ----------------------------------------------------------------------------- the cursor

    @property
    def row(self) -> Row | None:
        """The row of the cursor; None on a heading."""
        return None if self.key is None else self._arranged.rows.get(self.key)

    @property
    def group(self) -> Group | None:
        """The group whose heading the cursor is on."""
        return None if self.key is None else self._arranged.groups.get(self.key)

    def reveal(self, key: str) -> None:
        """Put the cursor on a target, also where its group is folded."""
        row = self._snapshot.row(key) if self._snapshot is not None else None
        if row is not None:
            self._folded.discard(heading_key(row))
            self.move_to(key)
            self._again()

    # ---------------------------------------------------------------------------- the actions

    def action_fold(self, fold: bool) -> None:
        """Fold the group of the cursor, or open it."""
        group = self.group
        if group is None and self.row is not None:
            group = self._arranged.groups.get(heading_key(self.row))
        if group is None or group.folded is fold:
            return
        if fold:
            self._folded.add(group.key)
            self.move_to(group.key)
        else:
            self._folded.discard(group.key)
        self._again()

    def action_choose(self) -> None:
        if self.group is not None:
            self.action_fold(not self.group.folded)
        else:
            super().action_choose()

    def opens_at_once(self, key: str) -> bool:
        return is_heading(key)

    def fold_all(self) -> None:
        """Fold every group; open all where all are folded."""
        keys = self._arranged.groups.keys()
        self._folded = set() if keys <= self._folded else set(keys)
        self._again()

    def group_or_not(self) -> None:
        """Rows under the headings of their groups, or in one list."""
        self._grouped = not self._grouped
        self._again()

    def sort_next(self) -> None:
        """The next order."""
        self._order = self._order.after()
        self._again()

    def on_line_list_heading_clicked(self, event: LineList.HeadingClicked) -> None:
        column = column_at(self._widths, event.x)
        if column is not None and self._arranged.keys:
            self._order = self._order.of_column(column)
            self._again()

    def _again(self) -> None:
        if self._snapshot is not None:
            self.show_snapshot(self._snapshot, self._wanted, self._symptoms, self._now_s)


NO_MATCH: tuple[Line, ...] = ((("  Nothing matches the filter.", "muted"),),)
#: The names of the orders, for the key that goes through them.
ORDERS = ", ".join(SORTS)
