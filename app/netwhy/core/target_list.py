"""Many targets in one text: a file, or what somebody pasted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netwhy.core.mentions import mentioned
from netwhy.core.model import Target
from netwhy.core.target import parse
from netwhy.core.typed import TargetError

_BULLET = re.compile(r"(?:[-*•]|[0-9]{1,4}[.)])\s+(?=\S)")
_BETWEEN = re.compile(r"[\s,;]+")
_TELLING = re.compile(r"[.:,;0-9]")
#: So many words without a dot, a colon, a digit or a comma, half of all, are no list of hosts.
_PROSE = 3


@dataclass(frozen=True, slots=True)
class Listed:
    """The targets of a text, each once, and (line from 1, why) of what could not be read."""

    targets: tuple[Target, ...]
    faults: tuple[tuple[int, TargetError], ...]


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, numbered.  `#` begins a comment, also after blanks."""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        comment = next((i for i, word in enumerate(words) if word.startswith("#")), len(words))
        if words[:comment]:
            yield number, " ".join(words[:comment])


def listed(text: str, read: Callable[[str], Target] = parse) -> Listed:
    """Read a pasted text: one target a line, or several with blanks, commas or semicolons between.

    What copying a list brings along (bullets, numbers, quotes, trailing commas) is left out.  Of a
    line of a log only the endpoints that it names are targets.
    """
    targets: dict[str, Target] = {}
    faults: list[tuple[int, TargetError]] = []
    for number, line in lines_of(re.sub(r"\r\n?", "\n", text)):
        bare = _BULLET.sub("", line, count=1)
        if _is_prose(bare) and (named := mentioned(bare)):
            targets |= {target.text: target for target in named if target.text not in targets}
            continue
        for part in _parts(bare, read):
            try:
                target = read(part)
            except TargetError as error:
                faults.append((number, error))
            else:
                targets.setdefault(target.text, target)
    return Listed(tuple(targets.values()), tuple(faults))


def _parts(line: str, read: Callable[[str], Target]) -> list[str]:
    """The line as one target where it is one (`db 5432`), else its parts.

    Words without a dot, a colon, a digit or a comma among them are a sentence, and no target.
    """
    try:
        read(line)
    except TargetError:
        parts = [part for part in _BETWEEN.split(line) if part]
        return parts if _TELLING.search(line) and not _is_prose(line) else [line]
    return [line]


def _is_prose(line: str) -> bool:
    """Is it a line of a log?  A list of hosts has not so many bare words, or commas between."""
    words = line.split()
    plain = [word for word in words if not _TELLING.search(word)]
    return len(plain) >= _PROSE and 2 * len(plain) >= len(words)
