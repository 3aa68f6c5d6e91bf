"""Standard output and standard error: the only place that writes to either.

Results go to standard output and nothing else does.  A closed pipe ends a command quietly; any
other failure to write a result is told, since a result that got lost must not look like success.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

from netwhy.output.inert import inert
from netwhy.output.layout import DRAWN, Page

#: Columns filled on a pipe, and the limits on a terminal: longer lines are hard to read.
PIPE_WIDTH = 80
NARROWEST, WIDEST = 40, 100


class Refusal(Exception):
    """The command cannot do what was asked: lines for standard error, and the exit code."""

    def __init__(self, *lines: str, code: int = 2) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.code = code


class Closed(Exception):
    """Nobody reads standard output any more."""


def prepare() -> None:
    """Make both streams able to write any text: what the encoding lacks becomes an escape."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def write(result: str | bytes) -> None:
    """Write a result and flush it.  Raises Closed, or Refusal when it cannot be written.

    Bytes go out as they are: JSON is UTF-8 whatever the terminal's encoding (RFC 8259 §8.1).
    """
    if sys.stdout is None:
        raise Refusal("netwhy: standard output is closed: nowhere to write the result")
    try:
        if isinstance(result, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(result)
        else:
            sys.stdout.write(result)
        sys.stdout.flush()
    except BrokenPipeError:
        abandon()
        raise Closed from None
    except OSError as error:
        abandon()
        raise Refusal(f"netwhy: cannot write the result: {error.strerror or error}") from None


def say(line: str) -> None:
    """One line on standard error; silently dropped where that cannot be written."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(inert(line) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        return  # there is no third stream to complain on


def abandon() -> None:
    """Point standard output at nothing, so that the interpreter's last flush stays quiet."""
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)
    except (OSError, ValueError, AttributeError):
        return  # a stream without a descriptor cannot complain at the end


def terminal(stream: TextIO | None) -> bool:
    """Is it a terminal?  False for a closed or missing stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def page() -> Page:
    """The page that standard output is: width, colours (https://no-color.org) and glyphs."""
    on_screen = terminal(sys.stdout)
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Page(
        width=max(NARROWEST, min(WIDEST, columns(sys.stdout))) if on_screen else PIPE_WIDTH,
        color=on_screen and not plain,
        ascii=not draws(sys.stdout),
    )


def columns(stream: TextIO | None) -> int:
    """The width of a terminal: `COLUMNS` where it is set, else what the terminal says, else 80."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno() if stream else 1).columns or PIPE_WIDTH
    except (OSError, ValueError):
        return PIPE_WIDTH


def draws(stream: TextIO | None) -> bool:
    """Can the stream's encoding draw the glyphs of a page?"""
    try:
        DRAWN.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class Progress:
    """One line on standard error that is rewritten in place; nothing unless it is a terminal."""

    def __init__(self) -> None:
        self._stream = sys.stderr if terminal(sys.stderr) else None
        self._shown = 0

    @property
    def visible(self) -> bool:
        return self._stream is not None

    def show(self, line: str) -> None:
        """Replace the line; it is cut to the terminal's width."""
        if self._stream is None:
            return
        safe = inert(line).encode("ascii", "replace").decode()[: columns(self._stream) - 1]
        self._put("\r" + safe.ljust(self._shown) + "\r")
        self._shown = len(safe)

    def erase(self) -> None:
        if self._shown:
            self._put("\r" + " " * self._shown + "\r")
            self._shown = 0

    def _put(self, text: str) -> None:
        try:
            if self._stream is not None:
                self._stream.write(text)
                self._stream.flush()
        except (OSError, ValueError):
            self._stream = None
