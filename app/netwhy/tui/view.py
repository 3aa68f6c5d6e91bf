"""What all views share: header, banner, filter, the keys at the bottom, and their snapshot."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from netwhy.core.snapshot import Snapshot
from netwhy.output.layout import Page
from netwhy.tui.diagnosed import Diagnosed
from netwhy.tui.legend import Legend
from netwhy.tui.replaying import fits
from netwhy.tui.widgets.banner import CAME_WITH, Banner
from netwhy.tui.widgets.filter_bar import FilterBar
from netwhy.tui.widgets.key_bar import KeyBar
from netwhy.tui.widgets.top_line import TopLine


class View(Diagnosed[None]):
    """A screen with a list that can be filtered.  Subclasses fill `compose_body`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "filter",
            "filter",
            id="view.filter",
            tooltip="Show only rows in which all words occur, or ports that begin so",
        ),
        Binding("escape", "back", "Back", show=False, id="view.back"),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self.wanted = ""  # the filter

    def compose(self) -> ComposeResult:
        yield TopLine(self.page)
        yield Banner()
        yield from self.compose_body()
        yield FilterBar()
        yield KeyBar()

    def compose_body(self) -> ComposeResult:
        """The panes of this view."""
        raise NotImplementedError

    @property
    def legend(self) -> Legend:
        """What the columns of the list mean."""
        return ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What has no meaning in a replay is not offered there."""
        if not fits(action, replaying=self.netwhy.replay is not None):
            return False
        return super().check_action(action, parameters)

    def focus_list(self) -> None:
        """Give the keys to the main list."""
        raise NotImplementedError

    def focus_first(self) -> None:
        """Give the keys to where they belong when the view is opened."""
        self.focus_list()

    def update_body(self, snapshot: Snapshot) -> None:
        """Show this snapshot in the panes."""
        raise NotImplementedError

    # ----------------------------------------------------------------------------- the data

    def on_mount(self) -> None:
        self.focus_first()

    def on_screen_resume(self) -> None:
        self.take(self.netwhy.snapshot)

    @property
    def stands(self) -> bool:
        """Are the panes there?  Timers may still fire before they are, and while we leave."""
        return self.is_mounted and self.query_one_optional(KeyBar) is not None

    def take(self, snapshot: Snapshot) -> None:
        """Show a snapshot; called when it changed, and when this view comes to the front."""
        if not self.stands:
            return
        acts = zip(("app.freeze", "app.pause", "app.check"), CAME_WITH, strict=True)
        freeze, pause, check = (self.netwhy.key_of(act, key) for act, key in acts)
        banner = self.query_one(Banner)
        banner.show(snapshot, frozen=self.netwhy.frozen, keys=(freeze, pause, check))
        self.update_body(snapshot)
        self.tick()

    def tick(self) -> None:
        """A second has passed: what shows the time is brought up to date."""
        now = self.netwhy.now
        self.query_one(TopLine).show(self.netwhy.snapshot, now, recording=self.netwhy.recording)

    # ---------------------------------------------------------------------------- the filter

    def action_filter(self) -> None:
        self.query_one(FilterBar).open(self.netwhy.key_of("view.back", "esc"))

    def on_filter_bar_filtered(self, event: FilterBar.Filtered) -> None:
        self.wanted = event.wanted
        self.update_body(self.netwhy.snapshot)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if not event.value.strip():
            self.query_one(FilterBar).drop()
        self.focus_list()

    def action_back(self) -> None:
        """Drop the filter, else go back to the list."""
        self.query_one(FilterBar).drop()
        self.focus_list()
