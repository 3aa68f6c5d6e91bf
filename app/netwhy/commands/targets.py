"""Which targets a command works on: arguments, a file, the configuration, or this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from netwhy.commands.streams import Refusal, say
from netwhy.core.model import Target
from netwhy.core.target import TargetError, parse
from netwhy.core.target_list import lines_of


@dataclass(frozen=True, slots=True)
class Chosen:
    """The targets that could be read, each once, and whether one could not."""

    targets: tuple[Target, ...]
    faulty: bool


def chosen(
    texts: Sequence[str],
    file: str | None = None,
    *,
    reader: Callable[[str], Target] = parse,
) -> Chosen:
    """Read targets in order; one line on standard error for each that cannot be read.

    Raises Refusal when the file cannot be read, or when it was asked for and names nothing.
    """
    targets: dict[str, Target] = {}
    faulty = False
    lines = _lines(file) if file is not None else ()
    for place, text in (*(("", text) for text in texts), *lines):
        try:
            target = reader(text)
        except TargetError as error:
            say(error.line().replace("netwhy: ", f"netwhy: {place}", 1))
            faulty = True
            continue
        targets.setdefault(target.text, target)
    if file is not None and not targets and not faulty:
        raise Refusal(f"netwhy: {_name(file)}: no target in it; write one a line")
    return Chosen(tuple(targets.values()), faulty)


def _name(file: str) -> str:
    return "standard input" if file == "-" else file


def _lines(file: str) -> Iterable[tuple[str, str]]:
    """The targets of a file as (place, text); `#` begins a comment at the start or after blanks."""
    try:
        if file == "-":
            if sys.stdin is None:
                raise Refusal("netwhy: standard input is closed: no targets to read")
            data = sys.stdin.buffer.read()
        else:
            with open(file, "rb") as opened:
                data = opened.read()
    except OSError as error:
        raise Refusal(f"netwhy: {_name(file)}: cannot be read: {error.strerror}") from None
    text = data.decode("utf-8-sig", "surrogateescape")
    return [(f"{_name(file)}:{number}: ", line) for number, line in lines_of(text)]
