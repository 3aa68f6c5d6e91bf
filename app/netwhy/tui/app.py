"""The application: takes snapshots from the monitor and hands them to the view in front.

The screen pulls: at most four times a second, and only if something changed.  Freezing is not
pulling.  Whatever is heavy to import is imported after the first frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from rich.console import RenderableType
from textual import events
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from netwhy.core.model import Target, TargetReport, Verdict
from netwhy.core.record import Record
from netwhy.core.settings import THEMES
from netwhy.core.snapshot import Snapshot
from netwhy.monitor import Monitor, report_of, uptime
from netwhy.monitor.configuration import Configuration
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.dressed import Dressed
from netwhy.tui.handover import Handover
from netwhy.tui.keys import KEYS
from netwhy.tui.news import News
from netwhy.tui.replaying import ReplayActions, fits
from netwhy.tui.resuming import resume_what_was_suspended
from netwhy.tui.source import Source, Watched
from netwhy.tui.view import View
from netwhy.tui.views import VIEWS
from netwhy.tui.watching import TargetActions
from netwhy.tui.widgets.scroll_bar import draw_scroll_bars

if TYPE_CHECKING:
    from netwhy.session.recorder import Recorder
    from netwhy.session.replay import Replay
    from netwhy.tui.frame import Frame

PULL_S = 0.25
#: With more targets than these something changes at every look: the screen follows at half pace.
CROWD = 100
#: By then everything is loaded that stays for good.
LOADED_S = 5.0


def _frame() -> Frame | None:
    """What saves bytes; None where this version of the toolkit keeps its inside elsewhere."""
    try:
        from netwhy.tui.frame import Frame
    except ImportError:
        return None
    return Frame()


class NetwhyApp(TargetActions, ReplayActions, Dressed):
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
        ground: bool | None = None,
        bell: bool = False,
        ascii_only: bool = False,
        engine: Source | None = None,
        configuration: Configuration | None = None,
        recorder: Recorder | None = None,
        replay: Replay | None = None,
    ) -> None:
        """`ground`: does the terminal say that it is light?  None where it says nothing."""
        super().__init__(theme, ground)
        self.page = Page(ascii=ascii_only)
        self.monitor: Watched | None = None
        self.replay = replay
        self._recorder = recorder
        self.engine = engine
        self.frozen = False
        rows = tuple(Record(target, interval_s=interval_s).row() for target in targets)
        counts: dict[Verdict | None, int] = {None: len(rows)} if rows else {}
        self.snapshot = Snapshot(
            -1, datetime.now(UTC), uptime(), rows, counts=counts, interval_s=interval_s
        )
        if replay is not None:
            self.engine, self.snapshot = replay.engine, replay.snapshot()
        self._targets = tuple(targets)
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._handover = Handover(self.say)
        self._news = News()
        self.by_hand = set()
        self._keys = dict(keys or {})
        self._configuration = configuration
        self.in_loop: Callable[[], None] = lambda: None  # called once when the loop runs
        self._frame = _frame()
        self._beats = 0
        self._running_in: asyncio.AbstractEventLoop | None = None
        for view in VIEWS:
            self.add_mode(view.mode, view.maker(self.page))
        self.with_bell = bell
        self.animation_level = "none"
        if ascii_only:
            self.add_class("-ascii")
        draw_scroll_bars(ascii_only=ascii_only)

    # ------------------------------------------------------------------------------ the life

    def on_mount(self) -> None:
        self._running_in = asyncio.get_running_loop()
        self.in_loop()
        if not self.is_headless:
            resume_what_was_suspended(self._driver)
        self.app_resume_signal.subscribe(self, lambda _app: self.draw_anew())
        self.dress(self._keys)
        self.call_after_refresh(self.launch, self._begin())

    async def _begin(self) -> None:
        """Start probing: after the first frame, because the engine takes longest to import."""
        self.monitor = self.replay or self._watching()
        self.monitor.start()
        self.set_interval(PULL_S, self._beat)
        self.set_interval(1.0, self._tick)
        if not self.is_headless:  # a process of its own
            # To search all that for garbage, every few seconds, holds a key up by 50 ms.
            self.set_timer(LOADED_S, gc.freeze)
        if self.snapshot.replayed is not None and self.snapshot.replayed.cut:
            self.say("The file is cut off in its last line: the end is missing.", "warning")
        if not self._targets:
            self.watch_this_machine()
        if self._configuration is not None and isinstance(self.monitor, Monitor):
            from netwhy.tui.configured import Configured

            configured = Configured(self, self.monitor, self._configuration)
            self.launch(configured.follow(), group="configuration")

    def _watching(self) -> Monitor:
        if self.engine is None:
            from netwhy.engine import Engine

            self.engine = Engine(timeout_s=self._timeout_s)
        return Monitor(
            self.engine, self._targets, interval_s=self._interval_s, journal=self._recorder
        )

    def exit(
        self, result: None = None, return_code: int = 0, message: RenderableType | None = None
    ) -> None:
        """Leave; hundreds of checks under way would take the time that leaving needs."""
        if self.monitor is not None:
            self.monitor.halt()
        super().exit(result, return_code, message)

    def leave(self, code: int) -> None:
        """Leave with this exit code; may be called in any thread."""
        self._soon(partial(self.exit, return_code=code))

    def tell_failure(self, text: str) -> None:
        """Say what went wrong inside; may be called in any thread."""
        self._soon(partial(self.say, text, "error"))

    @property
    def stopped(self) -> bool:
        """Has ctrl+z put it to sleep?  The terminal is the shell's then."""
        return bool(getattr(self._driver, "_must_signal_resume", False))

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
        if self.frozen or self.monitor is None:
            return self.snapshot.uptime_s
        return self.monitor.now_s

    @property
    def now(self) -> datetime:
        """The time of day of what is shown."""
        if self.frozen or self.monitor is None:
            return self.snapshot.taken_at
        return self.monitor.now

    @property
    def recording(self) -> bool | None:
        """Is the session written to a file?  False where that has failed, None where not asked."""
        return None if self._recorder is None else not self._recorder.failed

    def _beat(self) -> None:
        self._beats += 1
        if self._beats % 2 or len(self.snapshot.rows) <= CROWD:
            self.pull()

    def pull(self) -> None:
        if self.monitor is None or self.frozen or self.monitor.version == self.snapshot.version:
            return
        if self.is_running:  # else the screens are being taken down
            self.refresh_views(self.monitor.snapshot())

    def refresh_views(self, snapshot: Snapshot) -> None:
        """Hand a snapshot to the screens in front."""
        self.snapshot = snapshot
        if not self.is_running:  # it is being taken down, one pane after the other
            return
        for screen in self.screen_stack:
            take = getattr(screen, "take", None)
            # One that comes or goes has no panes yet, or no more.
            if take is not None and screen.is_mounted and screen.children:
                take(snapshot)
        for text, severity in self._news.of(snapshot):
            self.say(text, severity)
        if self._news.changed and self.with_bell:
            self.bell()

    def _tick(self) -> None:
        if not self.is_running:
            return
        if self._recorder is not None and (problem := self._recorder.problem()):
            self.say(problem, "error")
        # Between two views there is none for a moment.
        view = self.screen_stack[0] if self.screen_stack else None
        if isinstance(view, View) and view.stands and not self.frozen:
            view.tick()

    def say(
        self, text: str, severity: Literal["information", "warning", "error"] = "information"
    ) -> None:
        """A short message, which may have several lines; its text is never markup."""
        lines = (inert(line) for line in text.split("\n"))
        self.notify("\n".join(lines), severity=severity, markup=False)

    def on_key(self, event: events.Key) -> None:
        """A key that was on its way when a field opened is text for it, and no command.

        A slow line brings keys in bursts: all of them have left for the list before the first
        one opens the filter.
        """
        if isinstance(self.focused, Input) and event.is_printable and event.character:
            self.focused.replace(event.character, *self.focused.selection)
            event.prevent_default()

    # ------------------------------------------------------------------------------- leaving

    def hand_over(self, text: str, name: str, about: str) -> None:
        """Copy a text to the clipboard and to a file, and say both."""
        self.copy_to_clipboard(text)
        self.launch(self._handover.keep(text, name, about))

    def copy_diagnosis(self, report: TargetReport) -> None:
        """Copy one target's diagnosis as Markdown."""
        from netwhy.output.markdown import markdown
        from netwhy.output.past import past_markdown

        text = markdown(report_of(self.snapshot, report))
        row = self.snapshot.row(report.target.text)
        if row is not None and (past := past_markdown(row, self.now_s)):
            text += f"\n{past}"
        self.hand_over(text, "diagnosis.md", f"the diagnosis of {inert(report.target.label)}")

    def action_export(self) -> None:
        """Write what is on the screen to the current folder; to the state folder if need be."""
        report = report_of(self.snapshot, unfinished=True)
        if not any(target.complete for target in report.targets):
            self.say("There is nothing to export yet: no check has ended.", "warning")
            return
        from netwhy.output.past import pasts_markdown

        past = pasts_markdown(self.snapshot.rows, self.now_s)
        self.launch(self._handover.export(report, past))

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """As the toolkit's own, but only what looks different is sent."""
        sparing = renderable if self._frame is None else self._frame.sparing(renderable)
        super()._display(screen, sparing)

    def _fatal_error(self) -> None:
        """As the toolkit's own, but for what is shown of the error."""
        from netwhy.tui.crash import crash

        self.bell()
        self._exit_renderables.append(crash(self.console))
        self._close_messages_no_wait()

    # ------------------------------------------------------------------------------- actions

    def action_freeze(self) -> None:
        if self.replay is not None:  # nothing goes on behind it
            self.action_pause()
            return
        self.frozen = not self.frozen
        if self.frozen:
            self.refresh_views(self.snapshot)  # the banner
        elif self.monitor is not None:
            self.refresh_views(self.monitor.snapshot())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key of the view in front does nothing and is not offered, nor is what cannot be."""
        if not fits(action, replaying=self.replay is not None):
            return False
        if action == "view":
            return parameters != (self.current_mode,)
        return super().check_action(action, parameters)

    async def action_view(self, mode: str) -> None:
        await self.switch_mode(mode)

    def action_help(self) -> None:
        from netwhy.tui.details import Help
        from netwhy.tui.help import actions, help_lines

        found = actions(self.screen)
        legend = self.screen.legend if isinstance(self.screen, View) else ()
        self.push_screen(Help("Help", lambda width: help_lines(found, legend, width)))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette holds every action that has a key, and each theme."""
        from netwhy.tui.help import actions

        for action in actions(screen):
            about = "  ".join((*action.keys, action.about)).strip()
            run = partial(self.run_action, action.action, action.node)
            yield SystemCommand(action.name, about, run)
        for name, about in THEMES.items():
            yield SystemCommand(f"Theme {name}", about, partial(self.action_theme_by_name, name))
