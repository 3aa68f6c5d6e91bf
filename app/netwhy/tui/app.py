"""The application: takes snapshots from the monitor and hands them to the view in front.

The screen pulls: at most four times a second, and only if something changed.  Freezing is not
pulling.  Whatever is heavy to import is imported after the first frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.scrollbar import ScrollBar, ScrollBarRender
from textual.worker import Worker, WorkerState

from netwhy.core.model import Target, TargetReport, Verdict
from netwhy.core.observations import Socket
from netwhy.core.record import Record
from netwhy.core.snapshot import Change, Snapshot
from netwhy.monitor import Checker, Monitor, report_of, uptime
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.leaving import lasting_output, on_signals
from netwhy.tui.themes import first_theme, next_theme
from netwhy.tui.view import View
from netwhy.tui.views import VIEWS

PULL_S = 0.25
HANGUP = 129  # the exit code of a terminal that is gone: 128 + SIGHUP
TOASTS = 3  # more changes of state than these at once are told in one


class Source(Checker, Protocol):
    """What the screen needs of the engine."""

    async def default_targets(self) -> tuple[Target, ...]: ...

    async def sockets(self, *, everything: bool = False) -> tuple[Socket, ...]: ...


class AsciiScrollBar(ScrollBarRender):
    """Scroll bars of colour only, without the blocks that not every console has."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


class NetwhyApp(App[None]):
    """The dashboard and its other views over one monitor."""

    TITLE = "netwhy"
    CSS_PATH = Path(__file__).with_name("netwhy.tcss")
    DEFAULT_MODE = VIEWS[0].mode
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 (the toolkit declares it so)
        (0, "-narrow"),
        (110, "-medium"),
        (160, "-wide"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
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
        Binding("question_mark", "help", "help", id="app.help", tooltip="Every key of this view"),
        Binding("q", "quit", "quit", id="app.quit"),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True, id="app.quit-always"),
    ]

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        interval_s: float = 2.0,
        keys: Mapping[str, str] | None = None,
        theme: str | None = None,
        ascii_only: bool = False,
        engine: Source | None = None,
    ) -> None:
        super().__init__()
        self.page = Page(ascii=ascii_only)
        self.monitor: Monitor | None = None
        self.engine = engine
        self.frozen = False
        rows = tuple(Record(target, interval_s=interval_s).row() for target in targets)
        counts: dict[Verdict | None, int] = {None: len(rows)} if rows else {}
        self.snapshot = Snapshot(
            -1, datetime.now(UTC), uptime(), rows, counts=counts, interval_s=interval_s
        )
        self._targets = tuple(targets)
        self._interval_s = interval_s
        self._keys = dict(keys or {})
        self._announced = 0
        self._clashes: set[str] = set()
        self._running_in: asyncio.AbstractEventLoop | None = None
        for view in VIEWS:
            self.add_mode(view.mode, view.maker(self.page))
        self.theme = first_theme(theme, frozenset(self.available_themes))
        self.animation_level = "none"
        if ascii_only:
            self.add_class("-ascii")
        ScrollBar.renderer = AsciiScrollBar if ascii_only else ScrollBarRender

    # ------------------------------------------------------------------------------ the life

    def on_mount(self) -> None:
        self._running_in = asyncio.get_running_loop()
        on_signals(lambda code: self.exit(return_code=code))
        self.set_keymap(self._keys)
        self.call_after_refresh(self.launch, self._begin())

    async def _begin(self) -> None:
        """Start probing: after the first frame, because the engine takes longest to import."""
        if self.engine is None:
            from netwhy.engine import Engine

            self.engine = Engine()
        self.monitor = Monitor(self.engine, self._targets, interval_s=self._interval_s)
        self.monitor.start()
        self.set_interval(PULL_S, self._pull)
        self.set_interval(1.0, self._tick)
        if not self._targets:
            await self._add_this_machine()

    def lose_terminal(self) -> None:
        """Leave because there is nobody to show anything to; may be called in any thread."""
        if self._running_in is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._running_in.call_soon_threadsafe(partial(self.exit, return_code=HANGUP))

    async def on_unmount(self) -> None:
        if self.monitor is not None:
            await self.monitor.stop()

    def launch(self, work: Coroutine[Any, Any, None], *, group: str = "default") -> None:
        """Run something beside the screen; a new one of a named group ends the old."""
        named = group != "default"
        self.run_worker(work, group=group, exclusive=named, exit_on_error=False)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            error = event.worker.error
            self.say(f"netwhy itself failed: {type(error).__name__}: {error}", "error")

    # ------------------------------------------------------------------------------ the data

    @property
    def now_s(self) -> float:
        """The monitor's clock; it stands while the view is frozen."""
        return self.snapshot.uptime_s if self.frozen else uptime()

    def _pull(self) -> None:
        if self.monitor is None or self.frozen or self.monitor.version == self.snapshot.version:
            return
        self.refresh_views(self.monitor.snapshot())

    def refresh_views(self, snapshot: Snapshot) -> None:
        """Hand a snapshot to the screens in front."""
        self.snapshot = snapshot
        for screen in self.screen_stack:
            take = getattr(screen, "take", None)
            if take is not None and screen.is_mounted:
                take(snapshot)
        self._announce(snapshot.changes)

    def _tick(self) -> None:
        view = self.screen_stack[0]
        if isinstance(view, View) and view.is_mounted and not self.frozen:
            view.tick()

    def _announce(self, changes: Sequence[Change]) -> None:
        """Tell each change of state once."""
        new = [change for change in changes if change.number > self._announced]
        if not new:
            return
        self._announced = new[-1].number
        if len(new) > TOASTS:
            self.say(f"{len(new)} targets changed their state.", "warning")
            return
        for change in new:
            title = f": {inert(change.title)}" if change.title and change.now != "ok" else ""
            severity: Literal["information", "warning"] = (
                "information" if change.now == "ok" else "warning"
            )
            self.say(f"{inert(change.target.label)} is {change.now} now{title}", severity)

    def say(
        self, text: str, severity: Literal["information", "warning", "error"] = "information"
    ) -> None:
        """A short message, which may have several lines; its text is never markup."""
        lines = (inert(line) for line in text.split("\n"))
        self.notify("\n".join(lines), severity=severity, markup=False)

    # --------------------------------------------------------------------------- the targets

    def add_target(self, target: Target) -> bool:
        """Watch it; False if it is watched already, or nothing runs yet."""
        added = self.monitor is not None and self.monitor.add(target)
        self._pull()
        return added

    def remove_target(self, text: str) -> None:
        removed = self.monitor.remove(text) if self.monitor is not None else None
        if removed is not None:
            self.say(f"{inert(removed.label)} removed. u brings it back.")
            self._pull()

    def undo_removal(self) -> None:
        back = self.monitor.undo() if self.monitor is not None else None
        self.say(f"{inert(back.label)} is back." if back else "There is nothing to undo.")
        self._pull()

    def watch_this_machine(self) -> None:
        """Add this machine, its gateways and its resolvers to what is watched."""
        self.launch(self._add_this_machine(), group="machine")

    async def _add_this_machine(self) -> None:
        if self.engine is None or self.monitor is None:
            return
        for target in await self.engine.default_targets():
            self.monitor.add(target)
        self._pull()

    # ------------------------------------------------------------------------------- leaving

    def hand_over(self, text: str, name: str, about: str) -> None:
        """Copy a text to the clipboard and to a file, and say both."""
        from netwhy.tui.handover import keep

        self.copy_to_clipboard(text)
        try:
            path = keep(text, name)
        except OSError as error:
            self.say(f"Copied {about}\nIt could not be written to a file: {error}", "warning")
            return
        self.say(f"Copied {about}\nAlso written to {path}")

    def copy_diagnosis(self, report: TargetReport) -> None:
        """Copy one target's diagnosis as Markdown."""
        from netwhy.output.markdown import markdown

        text = markdown(report_of(self.snapshot, report))
        self.hand_over(text, "diagnosis.md", f"the diagnosis of {inert(report.target.label)}")

    # ------------------------------------------------------------------------------- actions

    def action_export(self) -> None:
        """Write what is on the screen to the current folder; to the state folder if need be."""
        from netwhy.tui.handover import export, state_folder

        report = report_of(self.snapshot)
        if not report.targets:
            self.say("There is nothing to export yet: no check has ended.", "warning")
            return
        try:
            text, document = export(report, Path.cwd())
        except OSError as error:
            try:
                text, document = export(report, state_folder())
            except OSError:
                self.say(f"The export could not be written: {error}", "error")
                return
            self.say(f"The current folder takes no files ({error}).", "warning")
        self.say(f"Exported to\n{text}\n{document}")

    def action_check_now(self) -> None:
        if self.monitor is not None:
            self.monitor.check_now()
            self.say("Checking every target now.")

    def action_freeze(self) -> None:
        self.frozen = not self.frozen
        if self.frozen:
            self.refresh_views(self.snapshot)  # the banner
        elif self.monitor is not None:
            self.refresh_views(self.monitor.snapshot())

    def action_pause(self) -> None:
        if self.monitor is None:
            return
        if self.monitor.paused:
            self.monitor.resume()
        else:
            self.monitor.pause()
        self._pull()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key of the view in front does nothing and is not offered."""
        if action == "view":
            return parameters != (self.current_mode,)
        return super().check_action(action, parameters)

    async def action_view(self, mode: str) -> None:
        await self.switch_mode(mode)

    def action_theme(self) -> None:
        self.theme = next_theme(self.theme)
        self.say(f"Theme {self.theme}")

    def action_help(self) -> None:
        from netwhy.tui.details import Details
        from netwhy.tui.help import actions, help_lines

        found = actions(self.screen)
        self.push_screen(Details("Keys", lambda width: help_lines(found, width, self.page)))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette holds every action that has a key."""
        from netwhy.tui.help import actions

        for action in actions(screen):
            about = "  ".join((*action.keys, action.about)).strip()
            run = partial(self.run_action, action.action, action.node)
            yield SystemCommand(action.name, about, run)

    def handle_bindings_clash(self, clashed_bindings: set[Binding], node: object) -> None:
        """Say once which configured keys are in each other's way."""
        for binding in clashed_bindings:
            if binding.id is not None and binding.id not in self._clashes:
                self._clashes.add(binding.id)
                self.say(f"The key for {binding.id} is taken by another action.", "warning")


def run_dashboard(
    targets: Sequence[Target],
    *,
    interval_s: float,
    keys: Mapping[str, str] | None = None,
    theme: str | None = None,
    mouse: bool = True,
    ascii_only: bool = False,
) -> int:
    """Show the dashboard until it is left; returns the exit code (128 + signal after one).

    Refuses without a terminal, where the toolkit would write escapes and never return.
    """
    if not (
        sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()
    ):
        print("netwhy: the dashboard needs a terminal; use: netwhy check", file=sys.stderr)
        return 2
    app = NetwhyApp(targets, interval_s=interval_s, keys=keys, theme=theme, ascii_only=ascii_only)
    with lasting_output(app.lose_terminal):
        app.run(mouse=mouse)
    return app.return_code or 0
