"""`netwhy [TARGET…]`: the live dashboard."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from netwhy.commands.streams import Refusal, draws, terminal

if TYPE_CHECKING:
    from netwhy.session.recorder import Recorder
    from netwhy.session.replay import Replay


def dashboard(args: argparse.Namespace) -> int:
    """Show the dashboard until it is left.  Raises Refusal without a terminal to show it on."""
    if not all(terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise Refusal(
            "netwhy: the dashboard needs a terminal; without one, use: netwhy check [TARGET...]"
        )
    from netwhy.commands.settings import place, settings
    from netwhy.commands.targets import chosen
    from netwhy.core.settings import INTERVAL_S

    configured = settings(args.config)
    picked = chosen(args.targets)
    if picked.faulty:
        return 2  # nothing is started: the screen would hide what is wrong
    interval_s = args.interval or configured.interval_s or INTERVAL_S
    replay = _replay(args)
    recorder = _recorder(args, interval_s)
    from netwhy.monitor.configuration import Configuration
    from netwhy.tui.ground import Question

    decided = {
        "targets": picked.targets,
        "interval": args.interval,
        "theme": args.theme,
        "bell": args.bell,
    }
    fixed = frozenset(name for name, value in decided.items() if value)
    followed = Configuration(place(args.config)[0].absolute(), configured, fixed)
    theme = args.theme or configured.theme
    unsure = theme in (None, "auto") and not os.environ.get("NO_COLOR")
    with Question(ask=unsure) as question:
        from netwhy.tui.start import run_dashboard  # takes longer than the terminal to answer

        return run_dashboard(
            () if replay else picked.targets or configured.targets,
            interval_s=interval_s,
            timeout_s=configured.timeout_s,
            keys=configured.keys,
            theme=theme,
            bell=args.bell or bool(configured.bell),
            mouse=not args.no_mouse,
            ascii_only=args.ascii or not draws(sys.stderr),
            question=question,
            configuration=None if replay else followed,
            recorder=recorder,
            replay=replay,
        )


def _replay(args: argparse.Namespace) -> Replay | None:
    """The session of `--replay`.  Raises Refusal with the file and line of what is wrong in it."""
    if args.replay is None:
        if args.speed is not None:
            raise Refusal("netwhy: --speed is for --replay FILE")
        return None
    if args.targets or args.record:
        other = "--record" if args.record else "targets"
        raise Refusal(f"netwhy: --replay shows a recorded session; leave {other} out")
    from netwhy.session.reading import Session, SessionError
    from netwhy.session.replay import Replay

    try:
        return Replay(Session(Path(args.replay)), speed=args.speed or 1.0)
    except SessionError as error:
        raise Refusal(f"netwhy: {error}") from None


def _recorder(args: argparse.Namespace, interval_s: float) -> Recorder | None:
    """Who writes the file of `--record`.  Raises Refusal when it cannot be written."""
    if args.record is None:
        return None
    from netwhy.session.recorder import Recorder, RecordingError, opened

    path = Path(args.record)
    try:
        return Recorder(opened(path), str(path), interval_s=interval_s)
    except RecordingError as error:
        raise Refusal(f"netwhy: {error}") from None
