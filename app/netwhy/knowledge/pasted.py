"""A pasted log: which errors and which endpoints it names, how often, and where first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from netwhy.core import errnames
from netwhy.core.mentions import mentions
from netwhy.core.model import Target
from netwhy.knowledge.explain import explain_line
from netwhy.knowledge.pages import Explanation

#: A log may be endless; what comes first tells most.
LONGEST = 1_000_000
_LONGEST_LINE = 4000
#: Different endpoints that are kept: a log of a web server names thousands.
_MOST = 200
#: What differs between two lines that say the same: the time, and numbers of requests.
_TIME = re.compile(r"\d{4}[-/]\d\d[-/]\d\d|\d\d:\d\d:\d\d(?:[.,]\d+)?|\b[0-9a-f-]{16,}\b")
_MOST_SHAPES = 20_000


@dataclass(slots=True)
class Named:
    """An error in the log: its page, in how many lines it stands, the first of these lines."""

    page: Explanation
    clear: bool
    line: str
    count: int = 0


@dataclass(slots=True)
class Mentioned:
    """An endpoint in the log, in how many lines it stands, the first of these lines."""

    target: Target
    line: str
    count: int = 0


class Pasted:
    """What a text names.  `reading` goes through it line by line."""

    def __init__(self, text: str) -> None:
        self.cut = len(text) > LONGEST
        self.lines = [line for line in text[:LONGEST].splitlines() if line.strip()]
        self.done = 0
        self._errors: dict[tuple[str, str], Named] = {}
        self._endpoints: dict[str, Mentioned] = {}
        #: Lines that were read, without their times, and what they told: a log repeats itself.
        self._shapes: dict[str, list[Named | Mentioned]] = {}

    def reading(self, platform: str = errnames.PLATFORM) -> Iterator[None]:
        """Read it; a pause after each line, so that a screen can be drawn meanwhile."""
        for line in self.lines:
            line = line[:_LONGEST_LINE]
            shape = _TIME.sub("", line)
            told = self._shapes.get(shape)
            if told is None:
                told = self._read(line, platform)
                if len(self._shapes) < _MOST_SHAPES:
                    self._shapes[shape] = told
            for one in told:
                one.count += 1
            self.done += 1
            yield

    def _read(self, line: str, platform: str) -> list[Named | Mentioned]:
        told: list[Named | Mentioned] = []
        page, clear = explain_line(line, platform)
        if page is not None:
            named = Named(page, clear, line)
            told.append(self._errors.setdefault((page.kind, page.name), named))
        for target in mentions(line):
            if target.text in self._endpoints or len(self._endpoints) < _MOST:
                mentioned = Mentioned(target, line)
                told.append(self._endpoints.setdefault(target.text, mentioned))
        return told

    @property
    def errors(self) -> list[Named]:
        """The clear ones first, the most frequent first."""
        return sorted(self._errors.values(), key=lambda named: (not named.clear, -named.count))

    @property
    def endpoints(self) -> list[Mentioned]:
        """The most frequent first; without names of which an endpoint is known."""
        full = {m.target.host for m in self._endpoints.values() if m.target.port is not None}
        found = [
            mentioned
            for mentioned in self._endpoints.values()
            if mentioned.target.port is not None or mentioned.target.host not in full
        ]
        return sorted(found, key=lambda mentioned: -mentioned.count)
