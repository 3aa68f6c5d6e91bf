"""The application: takes snapshots from the monitor and hands them to the view in front.

The screen pulls: at most four times a second, and only if something changed.  Freezing is not
pulling.  Whatever is heavy to import is imported after the first frame.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from netwhy.core.model import Target, TargetReport, Verdict
from netwhy.core.record import Record
from netwhy.core.snapshot import Snapshot
from netwhy.monitor import Machine, Monitor, report_of, uptime
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.handover import Handover
from netwhy.tui.keys import KEYS
from netwhy.tui.news import News, machine_news
from netwhy.tui.source import Source
from netwhy.tui.themes import first_theme, next_theme
from netwhy.tui.view import View
from netwhy.tui.views import VIEWS
from netwhy.tui.widgets.scroll_bar import draw_scroll_bars

PULL_S = 0.25


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
    BINDINGS: ClassVar[list[BindingType]] = list(KEYS)

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        interval_s: float = 2.0,
        timeout_s: float | None = None,
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
        self._timeout_s = timeout_s
        self._machine: Machine | None = None
        self._handover = Handover(self.say)
        self._news = News()
        self._keys = dict(keys or {})
        self._clashes: set[str] = set()
        self._running_in: asyncio.AbstractEventLoop | None = None
        for view in VIEWS:
            self.add_mode(view.mode, view.maker(self.page))
        self.theme = first_theme(theme, frozenset(self.available_themes))
        self.animation_level = "none"
        if ascii_only:
            self.add_class("-ascii")
        draw_scroll_bars(ascii_only=ascii_only)

    # ------------------------------------------------------------------------------ the life

    def on_mount(self) -> None:
        self._running_in = asyncio.get_running_loop()
        self.set_keymap(self._keys)
        self.call_after_refresh(self.launch, self._begin())

    async def _begin(self) -> None:
        """Start probing: after the first frame, because the engine takes longest to import."""
        if self.engine is None:
            from netwhy.engine import Engine

            self.engine = Engine(timeout_s=self._timeout_s)
        self.monitor = Monitor(self.engine, self._targets, interval_s=self._interval_s)
        self.monitor.start()
        self.set_interval(PULL_S, self._pull)
        self.set_interval(1.0, self._tick)
        if not self._targets:
            self.watch_this_machine()

    def leave(self, code: int) -> None:
        """Leave with this exit code; may be called in any thread."""
        self._soon(partial(self.exit, return_code=code))

    def draw_anew(self) -> None:
        """Draw the whole screen: the terminal has missed something.  In any thread."""
        self._soon(lambda: self.call_later(lambda: self.screen.refresh(layout=True)))

    def _soon(self, call: Callable[[], object]) -> None:
        if self._running_in is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._running_in.call_soon_threadsafe(call)

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
        for text, severity in self._news.of(snapshot.changes):
            self.say(text, severity)

    def _tick(self) -> None:
        view = self.screen_stack[0]
        if isinstance(view, View) and view.is_mounted and not self.frozen:
            view.tick()

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
        if self._machine is not None:
            self._machine.keep(target.text)
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
        """Watch this machine, its gateways and its resolvers, also when these change."""
        if self.engine is None or self.monitor is None:
            return
        if self._machine is None:
            self._machine = Machine(self.monitor, self.engine, self._machine_changed)
        self._machine.restore()
        self.launch(self._machine.follow(), group="machine")

    def _machine_changed(
        self, added: Sequence[Target], removed: Sequence[Target], first: bool
    ) -> None:
        if not first:
            self.say(machine_news(added, removed))
        self._pull()

    # ------------------------------------------------------------------------------- leaving

    def hand_over(self, text: str, name: str, about: str) -> None:
        """Copy a text to the clipboard and to a file, and say both."""
        self.copy_to_clipboard(text)
        self.launch(self._handover.keep(text, name, about))

    def copy_diagnosis(self, report: TargetReport) -> None:
        """Copy one target's diagnosis as Markdown."""
        from netwhy.output.markdown import markdown

        text = markdown(report_of(self.snapshot, report))
        self.hand_over(text, "diagnosis.md", f"the diagnosis of {inert(report.target.label)}")

    def action_export(self) -> None:
        """Write what is on the screen to the current folder; to the state folder if need be."""
        report = report_of(self.snapshot)
        if not report.targets:
            self.say("There is nothing to export yet: no check has ended.", "warning")
            return
        self.launch(self._handover.export(report))

    def _fatal_error(self) -> None:
        """As the toolkit's own, but for what is shown of the error."""
        from netwhy.tui.crash import crash

        self.bell()
        self._exit_renderables.append(crash(self.console))
        self._close_messages_no_wait()

    # ------------------------------------------------------------------------------- actions

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
        legend = self.screen.legend if isinstance(self.screen, View) else ()
        self.push_screen(Details("Help", lambda width: help_lines(found, legend, width)))

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
