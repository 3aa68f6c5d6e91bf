"""The dashboard: the targets, and why the chosen one fails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from netwhy.core.model import Target
from netwhy.core.snapshot import Row, Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.ask import Ask
from netwhy.tui.details import TargetDetails
from netwhy.tui.groups import about_group, has_groups
from netwhy.tui.legend import Legend, target_legend
from netwhy.tui.lines import Lines
from netwhy.tui.look import Line
from netwhy.tui.past_lines import change_note
from netwhy.tui.roots import Root, roots, symptoms
from netwhy.tui.view import View
from netwhy.tui.widgets.filter_bar import FilterBar
from netwhy.tui.widgets.line_list import LineList
from netwhy.tui.widgets.root_causes import RootCauses
from netwhy.tui.widgets.target_list import ORDERS, TargetList
from netwhy.tui.widgets.why import Why

#: Screens smaller than this show only the list; enter shows the Why.
TINY = (60, 16)


class Dashboard(View):
    """Targets above or beside the Why panel."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "add", "add", id="target.add", tooltip="Watch one more target"),
        Binding(
            "d", "remove", "Remove", show=False, id="target.remove", tooltip="u brings it back"
        ),
        Binding("u", "undo", "Undo", show=False, id="target.undo", tooltip="Undo the last removal"),
        Binding("m", "machine", "This machine", show=False, id="target.machine"),
        Binding(
            "s",
            "sort",
            "Sort",
            show=False,
            id="list.sort",
            tooltip=f"By {ORDERS}; also by a click on a column, twice to turn it round",
        ),
        Binding(
            "o",
            "group",
            "Groups",
            show=False,
            id="list.groups",
            tooltip="Under the headings of their groups, or one list",
        ),
        Binding(
            "minus",
            "fold_all",
            "Fold all",
            show=False,
            id="list.fold-all",
            tooltip="Only the headings of the groups; again to open them",
        ),
        Binding(
            "c",
            "cause",
            "Root cause",
            show=False,
            id="list.cause",
            tooltip="Go to the target that shows it, then to the next root cause",
        ),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._roots: tuple[Root, ...] = ()
        self._symptoms: Mapping[str, Root] = {}
        self._visited = -1  # the root cause gone to last

    def compose_body(self) -> ComposeResult:
        yield RootCauses(self.page)
        with Container(id="body"):
            yield TargetList(self.page, id="targets")
            yield Why(self.page, id="why")

    @property
    def targets(self) -> TargetList:
        return self.query_one("#targets", TargetList)

    @property
    def legend(self) -> Legend:
        return target_legend(self.page)

    def focus_list(self) -> None:
        self.targets.focus()

    # ------------------------------------------------------------------------------ drawing

    def update_body(self, snapshot: Snapshot) -> None:
        had = bool(self._roots)
        self._roots = roots(snapshot)
        self._symptoms = symptoms(self._roots)
        if had is not bool(self._roots):
            self.refresh_bindings()
        now_s = self.netwhy.now_s
        self.targets.show_snapshot(snapshot, self.wanted, self._symptoms, now_s)
        self._show_why(snapshot)

    def tick(self) -> None:
        super().tick()
        now_s = self.netwhy.now_s
        self.query_one(RootCauses).show(self._roots, now_s)
        self.targets.show_time(now_s)

    def on_line_list_resized(self) -> None:
        self.targets.show_time(self.netwhy.now_s)

    def on_resize(self) -> None:
        if self.stands:
            self._show_why(self.netwhy.snapshot)

    def _show_why(self, snapshot: Snapshot) -> None:
        row, group, why = self.chosen, self.targets.group, self.why
        room = self.app.size.width >= TINY[0] and self.app.size.height >= TINY[1]
        self.query_one("#body").set_class(not room, "alone")
        why.display = room and bool(snapshot.rows)
        if not why.display and why.has_focus:
            self.focus_list()
        if group is not None:
            why.say_title(f"Why {group.name}")
            why.show_text(lambda width: about_group(group, width, self.page))
        elif row is None:  # else it would tell, and y copy, what is not listed
            why.say_title("Why")
            why.show_text(self._nothing, top=True)
        if row is None:
            return
        title = f"Why {inert(row.target.label)}{change_note(row)}"
        if row.confirming:
            title += " (the last check failed: checking again)"
        why.say_title(title)
        root = self._symptoms.get(row.target.text)
        lead = f"Explained by the root cause: {root.cause.title}  [c] go to it" if root else ""
        why.show_row(row, snapshot.taken_at, lead=lead)

    def _nothing(self, width: int) -> list[Line]:
        out = Lines(width, self.page)
        out.text("No target is listed: nothing matches the filter.", "muted")
        return out.lines

    @property
    def chosen(self) -> Row | None:
        """The row of the cursor."""
        return self.targets.row

    def on_line_list_moved(self) -> None:
        self._show_why(self.netwhy.snapshot)

    # ------------------------------------------------------------------------------ actions

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        small = not self.why.display
        self.app.push_screen(TargetDetails(self.page, event.key, why_first=small))

    def action_sort(self) -> None:
        self.targets.sort_next()

    def action_group(self) -> None:
        if not has_groups(self.netwhy.snapshot.rows):
            self.netwhy.say("No target has a group: they are given in the configuration.")
            return
        self.targets.group_or_not()

    def action_fold_all(self) -> None:
        self.targets.fold_all()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Root causes are offered while there are any."""
        if action == "cause":
            return bool(self._roots)
        return super().check_action(action, parameters)

    def action_cause(self) -> None:
        """Go to the target that shows the next root cause."""
        self._visited = (self._visited + 1) % len(self._roots)
        self._go_to(self._roots[self._visited])

    def on_root_causes_chosen(self, event: RootCauses.Chosen) -> None:
        self._go_to(event.root)

    def _go_to(self, root: Root) -> None:
        if self.wanted:
            self.query_one(FilterBar).drop()
            self.wanted = ""
            self.update_body(self.netwhy.snapshot)
        self.focus_list()
        self.targets.reveal(root.shown_by)

    def action_add(self, typed: str = "") -> None:
        from netwhy.core.target import parse

        ask: Ask[Target] = Ask(
            "Add a target",
            "host, host:port, [v6]:port or a URL such as https://example.com\n"
            "several: paste them, one a line",
            parse,
            many=self._offer,
            typed=typed,
        )
        self.app.push_screen(ask, self._add)

    def on_paste(self, event: events.Paste) -> None:
        """What is pasted where nothing is typed are targets."""
        event.stop()
        text = event.text.strip()
        if len(text.splitlines()) > 1:
            self._offer(text)
        elif text:
            self.action_add(text)

    def _offer(self, text: str) -> None:
        """Show what many pasted targets were understood as; then they are added."""
        from netwhy.core.target_list import listed
        from netwhy.tui.pasted import Pasted

        self.app.push_screen(Pasted(listed(text)), self._add_all)

    def _add_all(self, targets: tuple[Target, ...] | None) -> None:
        if targets:
            self.netwhy.add_targets(targets)
            self.targets.move_to(targets[0].text)

    def _add(self, target: Target | None) -> None:
        if target is None:
            return
        if not self.netwhy.add_target(target):
            self.netwhy.say(f"{inert(target.label)} is being watched already.")
        self.targets.move_to(target.text)

    def action_remove(self) -> None:
        row = self.chosen
        if row is not None:
            self.netwhy.remove_target(row.target.text)
        elif self.targets.group is not None:
            self.netwhy.say("This is a group: go to the target that is to be removed.")

    def action_undo(self) -> None:
        self.netwhy.undo_removal()

    def action_machine(self) -> None:
        self.netwhy.watch_this_machine()
