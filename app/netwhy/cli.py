"""The command line: chooses a command, imports only its room, and ends every way cleanly."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import PurePath

from netwhy.commands import arguments, streams

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 good, 1 bad, 2 could not do it, 130 interrupted."""
    streams.prepare()
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return run(words)
    except streams.Refusal as refusal:
        for line in refusal.lines:
            streams.say(line)
        return refusal.code
    except streams.Closed:
        return INTERRUPTED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        streams.say(unexpected(error))
        if logging := sys.modules.get("logging"):  # the log has the whole of it
            logging.getLogger(__name__).error("internal error", exc_info=error)
        return 2


def run(words: list[str]) -> int:
    """Read the arguments and run their command."""
    try:
        name, args = arguments.read(words)
    except SystemExit as end:  # --help has been written
        return int(end.code or 0)
    if not name and args.version:
        from netwhy import __version__

        streams.write(f"netwhy {__version__}\n")
        return 0
    from netwhy.commands import logs

    logs.start(args, screen=not name)
    return _dispatch(name, args)


def _dispatch(name: str, args: argparse.Namespace) -> int:
    if name == "check":
        from netwhy.commands.check import check

        return check(args)
    if name == "bind":
        from netwhy.commands.check import bind

        return bind(args)
    if name == "ports":
        from netwhy.commands.ports import ports

        return ports(args)
    if name == "explain":
        from netwhy.commands.explain import explain

        return explain(args)
    from netwhy.commands.dashboard import dashboard

    return dashboard(args)


def unexpected(error: Exception) -> str:
    """One line for a fault of netwhy itself: what it is and where it happened."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    kind = type(error).__name__
    return (
        f"netwhy: internal error: {kind}: {error}{place}; "
        "the same command with --log-level debug shows more"
    )
