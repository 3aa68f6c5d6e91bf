"""The keys of the whole program; those of a view stand with the view."""

from __future__ import annotations

from textual.binding import Binding

from netwhy.tui.replaying import REPLAY_KEYS
from netwhy.tui.views import VIEWS

KEYS: tuple[Binding, ...] = (
    Binding("e", "export", "export", id="app.export", tooltip="Markdown and JSON files"),
    *(
        Binding(
            view.key,
            f"view({view.mode!r})",
            view.name,
            id=f"app.view-{view.mode}",
            tooltip=view.tooltip,
        )
        for view in VIEWS
    ),
    Binding("r", "check_now", "check now", id="app.check", tooltip="Without waiting"),
    Binding(
        "space", "freeze", "freeze", id="app.freeze", tooltip="The view stands, probing goes on"
    ),
    Binding("p", "pause", "pause", id="app.pause", tooltip="No checks until p again"),
    *REPLAY_KEYS,
    Binding("t", "theme", "Theme", show=False, id="app.theme", tooltip="The next one"),
    Binding("tab", "focus_next", "Next pane", show=False, id="app.next-pane"),
    Binding(
        "ctrl+p",
        "command_palette",
        "Palette",
        show=False,
        priority=True,
        id="app.palette",
        tooltip="Every action by its name",
    ),
    Binding("question_mark,f1", "help", "help", id="app.help", tooltip="Every key of this view"),
    Binding(
        "ctrl+z",
        "suspend_process",
        "Suspend",
        show=False,
        priority=True,
        id="app.suspend",
        tooltip="Back to the shell; fg there goes on",
    ),
    Binding("q", "quit", "quit", id="app.quit"),
    Binding("ctrl+c", "quit", "quit", show=False, priority=True, id="app.quit-always"),
)
