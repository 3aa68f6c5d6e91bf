"""The log: `--log-file` and `--log-level`.  Never on standard output."""

from __future__ import annotations

import argparse
import logging
from typing import Any

from netwhy.commands.streams import Refusal
from netwhy.output.inert import inert


class InertFormatter(logging.Formatter):
    """Messages may hold text from outside; tracebacks keep their lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return inert(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:
        return "\n".join(inert(line) for line in super().formatException(ei).splitlines())


def start(args: argparse.Namespace, *, screen: bool = False) -> None:
    """Open the log where one was asked for.

    Without `--log-file` a log goes to standard error, but for the dashboard (`screen`), which
    owns the terminal.  Raises Refusal when the file cannot be opened.
    """
    root = logging.getLogger()
    if args.log_file is None and (args.log_level is None or screen):
        root.addHandler(logging.NullHandler())  # else logging falls back on standard error
        return
    try:
        handler: logging.Handler = (
            logging.FileHandler(args.log_file, encoding="utf-8", errors="backslashreplace")
            if args.log_file
            else logging.StreamHandler()
        )
    except OSError as error:
        raise Refusal(f"{args.log_file}: cannot write the log: {error.strerror}") from None
    handler.setFormatter(InertFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
    root.setLevel((args.log_level or "info").upper())
