"""Starts the dashboard on a terminal and gives the terminal back."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial

from netwhy.core.model import Target
from netwhy.tui.app import NetwhyApp
from netwhy.tui.leaving import leaving_by_signal
from netwhy.tui.terminal import lasting_output

HANGUP = 129  # the exit code of a terminal that is gone: 128 + SIGHUP


def run_dashboard(
    targets: Sequence[Target],
    *,
    interval_s: float,
    timeout_s: float | None = None,
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
    app = NetwhyApp(
        targets,
        interval_s=interval_s,
        timeout_s=timeout_s,
        keys=keys,
        theme=theme,
        ascii_only=ascii_only,
    )
    with (
        lasting_output(partial(app.leave, HANGUP), app.draw_anew) as restore,
        leaving_by_signal(app.leave, restore),
    ):
        app.run(mouse=mouse)
    return app.return_code or 0
