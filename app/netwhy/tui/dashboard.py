"""The dashboard: the targets, and why the chosen one fails."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from netwhy.core.model import Target
from netwhy.core.snapshot import Row, Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.ask import Ask
from netwhy.tui.columns import TARGETS, laid
from netwhy.tui.details import TargetDetails
from netwhy.tui.legend import Legend, target_legend
from netwhy.tui.look import Line
from netwhy.tui.target_lines import GROUP, SORTS, arranged, heading, named, target_line
from netwhy.tui.view import View
from netwhy.tui.widgets.line_list import Item, LineList
from netwhy.tui.widgets.root_causes import RootCauses
from netwhy.tui.widgets.why import Why

NO_TARGETS: tuple[Line, ...] = (
    (),
    (("  No targets.", "title"),),
    (("  a", "key"), ("  add a target, for example  example.com:443", "")),
    (("  m", "key"), ("  check this machine: its gateways and its resolvers", "")),
    (("  2", "key"), ("  see who listens on the local ports", "")),
)


class Dashboard(View):
    """Targets above or beside the Why panel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "add", id="target.add", tooltip="Watch one more target"),
        Binding(
            "d", "remove", "Remove", show=False, id="target.remove", tooltip="u brings it back"
        ),
        Binding("u", "undo", "Undo", show=False, id="target.undo", tooltip="Undo the last removal"),
        Binding("m", "machine", "This machine", show=False, id="target.machine"),
        Binding("s", "sort", "Sort", show=False, id="list.sort", tooltip=", ".join(SORTS)),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._sort = next(iter(SORTS))
        self._said = ""

    def compose_body(self) -> ComposeResult:
        yield RootCauses(self.page)
        with Container(id="body"):
            yield LineList(ascii_only=self.page.ascii, id="targets")
            yield Why(self.page, id="why")

    @property
    def targets(self) -> LineList:
        return self.query_one("#targets", LineList)

    @property
    def legend(self) -> Legend:
        return target_legend(self.page)

    def focus_list(self) -> None:
        self.targets.focus()

    # ------------------------------------------------------------------------------ drawing

    def update_body(self, snapshot: Snapshot) -> None:
        self._lay_list(snapshot)
        self._show_why(snapshot)

    def tick(self) -> None:
        super().tick()
        self.query_one(RootCauses).show(self.netwhy.snapshot, self.netwhy.now_s)
        self._lay_list(self.netwhy.snapshot)  # durations

    def on_line_list_resized(self) -> None:
        self._lay_list(self.netwhy.snapshot)

    def _lay_list(self, snapshot: Snapshot) -> None:
        rows = arranged(snapshot.rows, self._sort, self.wanted)
        names = [named(row, self._sort) for row in rows]
        longest = max(map(cell_len, names), default=0)
        widths = laid(TARGETS, self.targets.room, {"target": longest})
        now_s = self.netwhy.now_s
        items = [
            Item(row.target.text, target_line(row, widths, now_s, self.page, name))
            for row, name in zip(rows, names, strict=True)
        ]
        none = NO_TARGETS if not snapshot.rows else ((("  Nothing matches the filter.", "muted"),),)
        self.targets.show(heading(widths) if items else (), items, none)
        self._say_title(snapshot, len(rows))

    def _say_title(self, snapshot: Snapshot, shown: int) -> None:
        title = f"Targets {shown}" if snapshot.rows else "Targets"
        if self.wanted.strip():
            title += f' of {len(snapshot.rows)}, with "{inert(self.wanted.strip())}"'
        if self._sort != next(iter(SORTS)):
            title += f", by {self._sort}"
        if title != self._said:
            self._said = title
            self.targets.border_title = Content(f" {title} ")

    def _show_why(self, snapshot: Snapshot) -> None:
        row = self.chosen
        why = self.why
        if row is None:
            why.display = bool(snapshot.rows)
            return
        why.display = True
        title = f"Why {inert(row.target.label)}"
        if row.confirming:
            title += " (the last check failed: checking again)"
        why.say_title(title)
        why.show_report(row.shown)

    @property
    def chosen(self) -> Row | None:
        """The row of the cursor."""
        key = self.targets.key
        return None if key is None else self.netwhy.snapshot.row(key)

    def on_line_list_moved(self) -> None:
        self._show_why(self.netwhy.snapshot)

    # ------------------------------------------------------------------------------ actions

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        self.app.push_screen(TargetDetails(self.page, event.key))

    def action_sort(self) -> None:
        rows = self.netwhy.snapshot.rows
        grouped = any(row.target.options.group for row in rows)
        names = [name for name in SORTS if grouped or name != GROUP]
        self._sort = names[(names.index(self._sort) + 1) % len(names)]
        self._lay_list(self.netwhy.snapshot)

    def action_add(self) -> None:
        from netwhy.core.target import parse

        ask: Ask[Target] = Ask(
            "Add a target",
            "host, host:port, [v6]:port or a URL such as https://example.com",
            parse,
        )
        self.app.push_screen(ask, self._add)

    def _add(self, target: Target | None) -> None:
        if target is None:
            return
        if not self.netwhy.add_target(target):
            self.netwhy.say(f"{inert(target.label)} is being watched already.")
        self.targets.move_to(target.text)

    def action_remove(self) -> None:
        key = self.targets.key
        if key is not None:
            self.netwhy.remove_target(key)

    def action_undo(self) -> None:
        self.netwhy.undo_removal()

    def action_machine(self) -> None:
        self.netwhy.watch_this_machine()
