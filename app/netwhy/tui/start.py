"""Starts the dashboard on a terminal and gives the terminal back."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from netwhy.core.model import Target
from netwhy.monitor.configuration import Configuration
from netwhy.tui.app import NetwhyApp
from netwhy.tui.failures import failures_told
from netwhy.tui.ground import Question, sifted
from netwhy.tui.leaving import leaving_by_signal
from netwhy.tui.terminal import lasting_output

if TYPE_CHECKING:
    from netwhy.session.recorder import Recorder
    from netwhy.session.replay import Replay

HANGUP = 129  # the exit code of a terminal that is gone: 128 + SIGHUP


def run_dashboard(
    targets: Sequence[Target],
    *,
    interval_s: float,
    timeout_s: float | None = None,
    keys: Mapping[str, str] | None = None,
    theme: str | None = None,
    bell: bool = False,
    mouse: bool = True,
    ascii_only: bool = False,
    question: Question | None = None,
    configuration: Configuration | None = None,
    recorder: Recorder | None = None,
    replay: Replay | None = None,
) -> int:
    """Show the dashboard until it is left; returns the exit code (128 + signal after one).

    Refuses without a terminal, where the toolkit would write escapes and never return.
    """
    if not (
        sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()
    ):
        print("netwhy: the dashboard needs a terminal; use: netwhy check", file=sys.stderr)
        return 2
    app = NetwhyApp(
        targets,
        interval_s=interval_s,
        timeout_s=timeout_s,
        keys=keys,
        theme=theme,
        ground=question.light() if question is not None else None,
        bell=bell,
        ascii_only=ascii_only,
        configuration=configuration,
        recorder=recorder,
        replay=replay,
    )
    with (
        sifted(question, app.found_ground),
        lasting_output(partial(app.leave, HANGUP), app.draw_anew) as restore,
        leaving_by_signal(app.leave, restore, stopped=lambda: app.stopped),
        failures_told(app.tell_failure) as in_loop,
    ):
        app.in_loop = in_loop
        app.run(mouse=mouse)
    if recorder is not None:
        recorder.close()
        if problem := recorder.problem():
            print(f"netwhy: {problem}", file=sys.stderr)
    return app.return_code or 0
