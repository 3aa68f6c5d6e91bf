"""`netwhy [TARGET…]`: the live dashboard."""

from __future__ import annotations

import argparse
import sys

from netwhy.commands.streams import Refusal, draws, terminal

INTERVAL_S = 2.0


def dashboard(args: argparse.Namespace) -> int:
    """Show the dashboard until it is left.  Raises Refusal without a terminal to show it on."""
    if not all(terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise Refusal(
            "netwhy: the dashboard needs a terminal; without one, use: netwhy check [TARGET...]"
        )
    from netwhy.commands.settings import settings
    from netwhy.commands.targets import chosen

    configured = settings(args.config)
    picked = chosen(args.targets)
    if picked.faulty:
        return 2  # nothing is started: the screen would hide what is wrong
    from netwhy.tui.start import run_dashboard

    return run_dashboard(
        picked.targets or configured.targets,
        interval_s=args.interval or configured.interval_s or INTERVAL_S,
        timeout_s=configured.timeout_s,
        keys=configured.keys,
        theme=args.theme or configured.theme,
        mouse=not args.no_mouse,
        ascii_only=args.ascii or not draws(sys.stderr),
    )
