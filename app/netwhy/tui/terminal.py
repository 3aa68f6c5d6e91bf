"""The terminal as the screen writes to it: never waited for, and given back whatever happens.

A terminal that nobody reads (a frozen ssh, a stopped tmux) takes no more text after a few
kilobytes.  The toolkit writes from a thread of its own through a queue of thirty places; once
that is full its event loop waits, and neither a key nor a signal is answered any more.  Here
text is taken at once, whole updates are dropped while the terminal is behind, and the screen is
drawn anew when it has caught up.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, TextIO

#: Text that may wait for a terminal that is behind; more, and all but changes of mode is dropped.
BACKLOG = 64 * 1024
#: How long to wait for a terminal before it counts as one that nobody reads.
PATIENCE_S = 0.5
_PIECE = 4096
_PAUSES_S = (0.005, 0.1)  # between two tries on a full terminal, shortest and longest

#: End a sequence that was cut, a synchronised update, paste and mouse reports, the key protocol;
#: wrap lines again, leave the alternate screen, show the cursor, stop focus reports.
LEAVE = (
    b"\x18\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
    b"\x1b[?1016l\x1b[?2048l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l\x1b[0m"
)


class LastingOutput:
    """The terminal's stream, which goes on taking text when the terminal is slow or gone.

    `lost` is called once when the terminal is gone, `behind` each time it has caught up after
    something was dropped; both in a thread of this object.
    """

    def __init__(
        self, stream: TextIO, lost: Callable[[], None], behind: Callable[[], None]
    ) -> None:
        self._stream = stream
        self._lost = lost
        self._behind = behind
        self._terminal = _opened_again(stream.fileno())
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._size = 0  # of what is not written yet, also of the text under way
        self._dropped = False  # what the terminal shows is not what was drawn
        self._stuck = False  # nobody seems to read it: not waited for again until it is
        self._gone = False
        self._ended = False
        self._pump = threading.Thread(target=self._write_all, name="netwhy-output", daemon=True)
        self._pump.start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Take the text, or drop it where too much waits already.  Never waits."""
        data = text.encode(self._stream.encoding or "utf-8", "backslashreplace")
        with self._changed:
            if self._size > BACKLOG and not self._dropped:
                self._drop()
            if not (self._gone or self._ended) and (not self._dropped or _sets_mode(data)):
                self._waiting.append(data)
                self._size += len(data)
                self._changed.notify_all()
        return len(text)

    def _drop(self) -> None:
        """Give up what waits: it is old, and the screen is drawn anew later."""
        kept = deque(filter(_sets_mode, self._waiting))
        self._size -= sum(map(len, self._waiting)) - sum(map(len, kept))
        self._waiting = kept
        self._dropped = True

    def flush(self) -> None:
        """Wait until all is written, but only shortly, and not for a terminal that is stuck."""
        with self._changed:
            if not self._stuck:
                self._stuck = not self._changed.wait_for(self._through, PATIENCE_S)

    def _through(self) -> bool:
        return self._size == 0 or self._gone

    def close(self) -> None:
        """Write the rest; from a terminal that does not take it, take away what it holds."""
        self.flush()
        if not self._through() or self._dropped:
            self.abandon()
        self._end()

    def abandon(self) -> None:
        """Throw away what is not shown yet and write only what gives the terminal back."""
        self._end()
        self._pump.join(PATIENCE_S)
        terminal = self._stream.fileno() if self._terminal is None else self._terminal
        with contextlib.suppress(OSError):
            _throw_away(terminal)
            if self._terminal is not None:  # else this could wait for ever
                os.write(terminal, LEAVE)

    def _end(self) -> None:
        with self._changed:
            self._ended = True
            self._waiting.clear()
            self._changed.notify_all()

    # ------------------------------------------------------------------------------ the pump

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._ended)
                if self._ended:
                    return
                data = self._waiting.popleft()
            try:
                self._write(data)
            except (OSError, ValueError):  # EIO: hung up; ValueError: closed
                self._lose()
                return
            self._written(len(data))

    def _write(self, data: bytes) -> None:
        """Write one text whole: half a sequence would spoil the next."""
        left = memoryview(data)
        pause_s = _PAUSES_S[0]
        terminal = self._stream.fileno() if self._terminal is None else self._terminal
        while left and not self._ended:
            try:
                left = left[os.write(terminal, left[:_PIECE]) :]
                pause_s = _PAUSES_S[0]
            except BlockingIOError:
                # Not `select`: Linux calls a full pseudo-terminal writable.
                with self._changed:
                    self._changed.wait_for(lambda: self._ended, pause_s)
                pause_s = min(2 * pause_s, _PAUSES_S[1])

    def _written(self, size: int) -> None:
        with self._changed:
            self._size -= size
            caught_up = self._size == 0
            again = caught_up and self._dropped
            if caught_up:
                self._stuck = self._dropped = False
            self._changed.notify_all()
        if again:
            self._behind()

    def _lose(self) -> None:
        with self._changed:
            self._gone = True
            self._waiting.clear()
            self._size = 0
            self._changed.notify_all()
        self._lost()


def _sets_mode(data: bytes) -> bool:
    """Is it a switch of the terminal, which no later drawing makes good?

    Not one that frames an update.
    """
    return data.startswith((b"\x1b[?", b"\x1b[>", b"\x1b[<")) and b"?2026" not in data


def _opened_again(terminal: int) -> int | None:
    """The same terminal in a file description of our own, on which writing never waits.

    The flag belongs to the description, which the shell shares: it must not be set on theirs.
    None where it cannot be opened; then only the pump waits for the terminal.
    """
    if not hasattr(os, "O_NONBLOCK") or not os.isatty(terminal):
        return None
    names = []
    with contextlib.suppress(OSError):
        os.tcgetpgrp(terminal)  # only of one's own terminal, which has a name open to everybody
        names.append("/dev/tty")
    with contextlib.suppress(OSError):
        names.append(os.ttyname(terminal))
    for name in names:
        with contextlib.suppress(OSError):
            return os.open(name, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return None


def _throw_away(terminal: int) -> None:
    """Drop what the terminal's driver has not handed on.  OSError when it is gone."""
    if sys.platform == "win32":
        return
    import termios

    try:
        termios.tcflush(terminal, termios.TCOFLUSH)
    except termios.error as error:
        raise OSError(*error.args) from None


@contextlib.contextmanager
def lasting_output(
    lost: Callable[[], None], behind: Callable[[], None]
) -> Iterator[Callable[[], None]]:
    """While it lasts, the toolkit's output never waits and survives the terminal.

    Gives what restores the terminal at once, for a process that is about to end by force.
    """
    stream = sys.__stderr__  # where the toolkit draws
    if stream is None:
        yield lambda: None
        return
    set_back = _modes()
    output = LastingOutput(stream, lost, behind)

    def restore() -> None:
        output.abandon()
        set_back()

    vars(sys)["__stderr__"] = output
    try:
        yield restore
    finally:
        vars(sys)["__stderr__"] = stream
        output.close()


def _modes() -> Callable[[], None]:
    """What sets the line modes (echo and the rest) back to what they are now."""
    if sys.platform == "win32" or sys.__stdin__ is None:
        return lambda: None
    import termios

    keyboard = sys.__stdin__.fileno()
    try:
        modes = termios.tcgetattr(keyboard)
    except termios.error:  # no terminal
        return lambda: None

    def set_back() -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(keyboard, termios.TCSANOW, modes)

    return set_back
