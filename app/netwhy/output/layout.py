"""How text is laid on a page of fixed-width characters: wrapping, colours and glyphs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from unicodedata import combining, east_asian_width

from netwhy.core.model import Mark, Verdict

#: Verdict → glyph, and the sign for terminals that cannot draw it.
_GLYPHS = {
    Verdict.OK: ("✓", "+"),
    Verdict.DEGRADED: ("▲", "!"),
    Verdict.FAILING: ("✗", "x"),
    Verdict.UNKNOWN: ("?", "?"),
}
_MARKS = {
    Mark.OK: ("✓", "ok"),
    Mark.WARN: ("▲", "!"),
    Mark.FAILED: ("✗", "x"),
    Mark.UNTESTED: ("·", "."),
    Mark.ABSENT: ("–", "-"),
    Mark.PENDING: ("…", "..."),
}
_BULLET = ("•", "-")
_RULE = ("──", "--")
_DOT = ("·", "|")
#: Everything this page may draw beyond ASCII: what a stream's encoding is tried with.
DRAWN = "✓▲✗·–…•─→"

_UNITS = frozenset(("ms", "s", "min", "h", "bytes", "hops"))

#: Colours of the terminal's own palette only, so that light and dark themes both stay legible.
_COLORS = {
    Verdict.OK: "32",
    Verdict.DEGRADED: "1;33",
    Verdict.FAILING: "1;31",
    Verdict.UNKNOWN: "1;35",
    "title": "1",
    "heading": "1",
    "command": "36",
    "quiet": "2",
}


@dataclass(frozen=True, slots=True)
class Page:
    """Where lines are laid: columns to fill, whether colour and glyphs beyond ASCII are there."""

    width: int = 80
    color: bool = False
    ascii: bool = False

    def glyph(self, verdict: Verdict) -> str:
        return _GLYPHS[verdict][self.ascii]

    def mark(self, mark: Mark) -> str:
        return _MARKS[mark][self.ascii]

    @property
    def bullet(self) -> str:
        return _BULLET[self.ascii]

    @property
    def rule(self) -> str:
        return _RULE[self.ascii]

    @property
    def dot(self) -> str:
        return _DOT[self.ascii]

    def paint(self, text: str, role: Verdict | str) -> str:
        """The text in the colour of its role; unchanged on a page without colour."""
        return f"\x1b[{_COLORS[role]}m{text}\x1b[0m" if self.color and text else text

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> list[str]:
        """Lines no wider than the page, broken between words; a longer word stays whole.

        `first` opens the first line and `rest` (as many blanks by default) the others.
        """
        rest = " " * columns(first) if rest is None else rest
        lines: list[str] = []
        line, used = first, columns(first)
        fresh = True
        for word in _words(text):
            size = columns(word)
            if not fresh and used + 1 + size > self.width:
                lines.append(line)
                line, used, fresh = rest, columns(rest), True
            line += word if fresh else " " + word
            used += size if fresh else size + 1
            fresh = False
        return [*lines, line]


def _words(text: str) -> list[str]:
    """The words of a text; a number and its unit are one."""
    words: list[str] = []
    for word in text.split():
        if words and words[-1][-1].isdigit() and word.rstrip(".,;:)") in _UNITS:
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def columns(text: str) -> int:
    """How many columns a terminal gives to the text: wide letters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )


def padded(text: str, width: int) -> str:
    """The text with blanks up to `width` columns; longer text stays whole."""
    return text + " " * max(0, width - columns(text))


def shortened(text: str, width: int, ellipsis: str) -> str:
    """The text cut to `width` columns, ending in `ellipsis` where something was cut off."""
    if columns(text) <= width:
        return text
    room = max(0, width - columns(ellipsis))
    kept: list[str] = []
    for char in text:
        room -= columns(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + ellipsis


def milliseconds(value: float) -> str:
    """A time for people, with as many digits as can matter: 0.04 ms, 12.3 ms, 1.25 s."""
    if value >= 1000:
        return f"{value / 1000:.2f} s"
    return f"{value:.0f} ms" if value >= 100 else f"{value:.{1 if value >= 10 else 2}f} ms"


def duration(seconds: float) -> str:
    """How long, in two units at most: `7s`, `3m24s`, `24m`, `2h04m`, `3d05h`.

    Seconds end with the tenth minute: a list of long times then stands still.
    """
    left = max(0, int(seconds))
    if left < 60:
        return f"{left}s"
    if 600 <= left < 3600:
        return f"{left // 60}m"
    if left < 600:
        return f"{left // 60}m{left % 60:02d}s"
    if left < 86400:
        return f"{left // 3600}h{left % 3600 // 60:02d}m"
    return f"{left // 86400}d{left % 86400 // 3600:02d}h"


def counted(number: int, noun: str) -> str:
    """`1 target`, `3 targets`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(time: datetime) -> str:
    """An aware time as UTC with microseconds: `2026-01-01T12:00:00.123456Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
