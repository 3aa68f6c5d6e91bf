"""Is the terminal's ground light or dark?  Asked before the screen starts, by OSC 11.

The question goes out before the toolkit is imported, so that waiting for the answer costs nothing.
An answer that comes later (a slow line) is caught on its way in: read as keys it would press
`1`, `e`, `f` and more.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

#: How long the answer may take before the screen starts without it.
PATIENCE_S = 0.1
#: How long after the start an answer is still looked for among the keys.
LATE_S = 10.0
#: Set to dynamic colour 11, the text background; `?` asks (xterm, "Operating System Commands").
QUERY = b"\x1b]11;?\x07"
_ANSWER = re.compile(r"\x1b\]11;([^\x07\x1b]*)(?:\x07|\x1b\\)")
#: The beginning of an answer at the end of what was read so far.
_BEGUN = re.compile(r"\x1b(?:\](?:1(?:1(?:;[^\x07\x1b]*\x1b?)?)?)?)?\Z")
_RGB = re.compile(r"rgba?:([0-9a-f]{1,4})/([0-9a-f]{1,4})/([0-9a-f]{1,4})", re.IGNORECASE)
#: Terminals that print what they do not know, or swallow what follows.
_DEAF = ("", "dumb", "linux", "screen", "vt100", "vt220")


class Question:
    """The question to the terminal, sent when made; `light` waits for the rest of the patience.

    Sends nothing where there is no terminal of our own, or one that is known not to answer.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ, *, ask: bool = True) -> None:
        self.outstanding = False
        self._until = time.monotonic() + PATIENCE_S
        self._modes: list[Any] | None = None
        self._text = ""
        term = environment.get("TERM", "")
        if not ask or sys.platform == "win32" or (term in _DEAF and "TMUX" not in environment):
            return
        with contextlib.suppress(OSError, ValueError, AttributeError):
            self._ask()

    def __enter__(self) -> Question:
        return self

    def __exit__(self, *_error: object) -> None:
        self._set_back()

    def _ask(self) -> None:
        import termios

        keyboard, screen = sys.__stdin__.fileno(), sys.__stderr__.fileno()  # type: ignore[union-attr]
        if not (os.isatty(keyboard) and os.isatty(screen)):
            return
        if os.tcgetpgrp(keyboard) != os.getpgrp():
            return  # in the background: it would be stopped
        with contextlib.suppress(termios.error):
            modes = termios.tcgetattr(keyboard)
            quiet = termios.tcgetattr(keyboard)
            quiet[3] &= ~(termios.ECHO | termios.ICANON)  # else the answer is shown, and kept
            termios.tcsetattr(keyboard, termios.TCSANOW, quiet)
            self._modes = modes
            os.write(screen, QUERY)
            self.outstanding = True

    def light(self) -> bool | None:
        """True for a light ground; None where nothing that can be read has come in time."""
        try:
            return self._wait()
        finally:
            self._set_back()

    def _wait(self) -> bool | None:
        while self.outstanding and sys.__stdin__ is not None:
            keyboard = sys.__stdin__.fileno()
            left = max(0.0, self._until - time.monotonic())
            try:
                if not select.select([keyboard], [], [], left)[0]:
                    return None
                read = os.read(keyboard, 1024)
            except (OSError, ValueError):
                return None
            if not read:
                return None
            self._text += read.decode("latin-1")
            if found := _ANSWER.search(self._text):
                self.outstanding = False
                return lightness(found[1])
        return None

    def _set_back(self) -> None:
        if self._modes is None or sys.__stdin__ is None:
            return
        import termios

        with contextlib.suppress(termios.error, ValueError):
            termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, self._modes)
        self._modes = None

    @property
    def typed(self) -> str:
        """What came beside the answer: keys of somebody who did not wait for the screen."""
        text = _BEGUN.sub("", _ANSWER.sub("", self._text))
        return text.encode("latin-1").decode("utf-8", "replace")

    @property
    def begun(self) -> str:
        """The beginning of an answer that has come already, and whose end has not."""
        found = _BEGUN.search(self._text)
        return found[0] if found else ""


def lightness(color: str) -> bool | None:
    """Is this colour light?  None where it is none, as in `rgb:1e1e/1e1e/1e1e`."""
    match = _RGB.fullmatch(color.strip())
    if match is None:
        return None
    red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in match.groups())
    luma: float = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return luma > 0.5


class Sieve:
    """Takes a late answer out of what is typed.  `found` gets whether the ground is light."""

    def __init__(
        self, begun: str, found: Callable[[bool | None], None], *, outstanding: bool = True
    ) -> None:
        self._kept = begun
        self._found = found
        self._until = time.monotonic() + LATE_S if outstanding else 0.0

    def sift(self, text: str) -> str:
        """The text without the answer; the beginning of one is kept back until its end."""
        text, self._kept = self._kept + text, ""
        if time.monotonic() > self._until:
            return text
        if match := _ANSWER.search(text):
            self._until = 0.0  # it comes once
            self._found(lightness(match[1]))
            return text[: match.start()] + text[match.end() :]
        begun = _BEGUN.search(text)
        if begun and len(begun[0]) > 1:  # a bare escape is most often a key
            self._kept = begun[0]
            return text[: begun.start()]
        return text


@contextlib.contextmanager
def sifted(question: Question | None, found: Callable[[bool | None], None]) -> Iterator[None]:
    """While it lasts, the toolkit does not see an answer that is still on its way.

    It does see what was typed before it began to read.
    """
    if question is None or not (question.outstanding or question.typed):
        yield
        return
    from textual.drivers import linux_driver

    sieve = Sieve(question.begun, found, outstanding=question.outstanding)
    early = [question.typed]
    plain = vars(linux_driver)["XTermParser"]

    class Sifting(plain):  # type: ignore[misc, valid-type]
        """The toolkit's parser behind a sieve; an empty text is its end of file."""

        def feed(self, data: str) -> Iterable[Any]:
            text = (early.pop() if early else "") + sieve.sift(data) if data else data
            return super().feed(text) if text or not data else ()

    vars(linux_driver)["XTermParser"] = Sifting
    try:
        yield
    finally:
        vars(linux_driver)["XTermParser"] = plain
