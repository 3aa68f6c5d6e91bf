"""Text as somebody typed it: every character keeps its place, so that errors can point."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

#: A target longer than this is a file pasted by accident.
LONGEST = 8192

# Invisible inside a word: soft hyphen, zero-width and bidirectional marks, byte order mark.
_INVISIBLE = frozenset(
    "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u2060\u2061\u2062\u2063\u2064\ufeff"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_QUOTES = {'"': '"', "'": "'", "`": "`", "<": ">", "(": ")", "“": "”", "‘": "’", "«": "»"}
_AUTHORITY = re.compile(r"[^/?#]*(?://)?[^/?#]*")
#: Every sign that quotes a text, at either end.
QUOTES = frozenset(_QUOTES) | frozenset(_QUOTES.values())
_PASSWORD = re.compile(r"(?P<user>(?:^|//)[^/\s:@]*):[^/\s]*@")


class TargetError(ValueError):
    """A text that is no target.

    `text` is as typed, `span` the (start, end) of the offending part in it, `problem` says what
    is wrong and what would be right, `suggestion` is a target that was probably meant.
    """

    def __init__(
        self, text: str, span: tuple[int, int], problem: str, suggestion: str | None = None
    ) -> None:
        super().__init__(problem)
        self.text = text
        self.span = span
        self.problem = problem
        self.suggestion = suggestion

    def reason(self) -> str:
        """`line` without the program and the text: for places that show the text already."""
        start, end = self.span
        part = self.text[start:end]
        words = shown(self.problem, 300)
        if part and end - start < len(self.text.strip()):
            words += f'; at "{shown(part, 60)}" (column {start + 1})'
        if self.suggestion:
            words += f"; did you mean '{shown(masked(self.suggestion), 120)}'?"
        return words

    def line(self) -> str:
        """One line for people: quotes the text, points at the part, says what would be right."""
        return f"netwhy: '{shown(masked(self.text))}': {self.reason()}"


class Misread(Exception):
    """A part that does not fit the grammar; `parse` turns it into a TargetError with a span.

    What was probably meant is a whole target (`suggestion`), or a text `instead` of the part.
    """

    def __init__(
        self, part: Part, problem: str, suggestion: str | None, instead: str | None
    ) -> None:
        super().__init__(problem)
        self.part = part
        self.problem = problem
        self.suggestion = suggestion
        self.instead = instead

    def candidate(self, typed: str) -> str | None:
        """The target that was probably meant, not yet looked at; None where there is no idea."""
        if self.instead is None or not self.part.places:
            return self.suggestion
        start, end = self.part.span(typed)
        return typed[:start] + self.instead + typed[end:]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the typed text; `places` holds where each character stood in it."""

    text: str
    places: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.text)

    def __len__(self) -> int:
        return len(self.text)

    def __add__(self, other: Part) -> Part:
        return Part(self.text + other.text, self.places + other.places)

    def cut(self, start: int = 0, end: int | None = None) -> Part:
        """The part between two indexes, as a slice."""
        return Part(self.text[start:end], self.places[start:end])

    def before(self, separators: str) -> tuple[Part, Part]:
        """What stands before the first of these characters, and the rest that begins with it."""
        for index, character in enumerate(self.text):
            if character in separators:
                return self.cut(0, index), self.cut(index)
        return self, self.cut(len(self))

    def around(self, separator: str, *, last: bool = False) -> tuple[Part, Part, Part]:
        """The parts before, at and after a separator; the last two are empty without it."""
        index = self.text.rfind(separator) if last else self.text.find(separator)
        if index < 0:
            return self, self.cut(len(self)), self.cut(len(self))
        end = index + len(separator)
        return self.cut(0, index), self.cut(index, end), self.cut(end)

    def words(self) -> list[Part]:
        """The parts between white space."""
        return [self.cut(*match.span()) for match in re.finditer(r"\S+", self.text)]

    def as_typed(self, written: str) -> Part:
        """Another spelling of this part: every character points at the whole of it."""
        return Part(written, tuple(self.places[:1]) * (len(written) - 1) + tuple(self.places[-1:]))

    def fail(
        self, problem: str, suggestion: str | None = None, *, instead: str | None = None
    ) -> NoReturn:
        raise Misread(self, problem, suggestion, instead)

    def span(self, typed: str) -> tuple[int, int]:
        """Where this part stands in the typed text; all of it for an empty part."""
        if not self.places:
            return 0, len(typed)
        return min(self.places), max(self.places) + 1


def cleaned(text: str, notes: list[str]) -> Part:
    """The text without what copying added: blanks around it, quotes, invisible characters.

    What was left out is added to `notes`.  Raises Misread for control characters.
    """
    whole = Part(text, tuple(range(len(text))))
    if len(text) > LONGEST:
        whole.cut(LONGEST).fail(f"a target has at most {LONGEST} characters")
    found = {c for c in text if c in _INVISIBLE}
    if found:
        names = " ".join(f"U+{ord(c):04X}" for c in sorted(found))
        notes.append(f"invisible characters were left out ({names})")
        kept = [i for i, c in enumerate(text) if c not in _INVISIBLE]
        whole = Part("".join(text[i] for i in kept), tuple(kept))
    end = _AUTHORITY.match(whole.text).end()  # type: ignore[union-attr]  # it matches anything
    narrow = "".join(map(_narrow, whole.text[:end])) + whole.text[end:]
    if narrow != whole.text:
        notes.append("wide characters and dashes were read as plain ones")
        whole = Part(narrow, whole.places)
    whole = _unwrapped(_stripped(whole), notes)
    for index, character in enumerate(whole.text):
        if not character.isprintable() and not character.isspace():
            whole.cut(index, index + 1).fail(
                f"a target has no unprintable characters (U+{ord(character):04X})"
            )
    return whole


def shown(text: str, width: int = 160) -> str:
    """Text for one line: what does not print is spelt out, what is long is shortened."""
    if len(text) > width:
        text = text[: width - 1] + "…"
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def masked(text: str) -> str:
    """Without the password of a pasted connection string."""
    return _PASSWORD.sub(r"\g<user>:***@", text)


def _stripped(part: Part) -> Part:
    start = len(part) - len(part.text.lstrip())
    return part.cut(start, max(start, len(part.text.rstrip())))


def _unwrapped(part: Part, notes: list[str]) -> Part:
    """Without quotes around it and without the comma that followed it in a list."""
    before = part
    while True:
        inner = part
        if len(part) > 1 and part.text[-1] in ",;":
            inner = part.cut(0, len(part) - 1)
        elif len(part) > 2 and _QUOTES.get(part.text[0]) == part.text[-1]:
            inner = part.cut(1, len(part) - 1)
        if inner is part:
            break
        part = _stripped(inner)
    if part is not before:
        notes.append("the quotes or commas around it were left out")
    return part


def _narrow(character: str) -> str:
    """Full-width forms of East Asian keyboards (block U+FF00) and a word processor's dashes."""
    code = ord(character)
    if 0xFF01 <= code <= 0xFF5E:
        return chr(code - 0xFEE0)
    if character in "\u3002\uff61":
        return "."
    return "-" if character in "\u2010\u2011\u2012\u2013\u2014\u2212" else character
