"""On which line each key of a TOML text stands.  tomllib tells only of broken syntax."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TypeAlias

#: The way to a value: names of tables and keys, and indexes of arrays.
Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}\n#]*")


def key_lines(text: str) -> dict[Path, int]:
    """Every key and array element with its line (from 1).  `text` is TOML that tomllib accepts."""
    scan = _Scan(text)
    with suppress(_LostError, RecursionError):  # the lines found so far still help
        scan.document()
    return scan.lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a path, or of the nearest table around it; 1 where nothing is known."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


class _LostError(Exception):
    pass


class _Scan:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self._counts: dict[Path, int] = {}  # elements of each array of tables so far
        self._line = 1
        self._counted = 0

    def document(self) -> None:
        table: Path = ()
        while self.skip(_BLANK) < len(self.text):
            if self.taken("[["):
                table = self._resolved(self.key("]]"), grow=True)
            elif self.taken("["):
                table = self._resolved(self.key("]"), grow=False)
            else:
                self.pair(table)

    def pair(self, table: Path) -> None:
        line = self.line()
        names = self.key("=")
        for end in range(1, len(names) + 1):
            self.lines.setdefault(table + names[:end], line)
        self.value(table + names)

    def key(self, end: str) -> Path:
        """A dotted key and the sign that ends it; for headers, the line is noted by the caller."""
        names: list[str | int] = []
        while True:
            self.skip(_SPACE)
            if string := _STRING.match(self.text, self.at):
                names.append(_unquoted(string[0]))
                self.at = string.end()
            elif bare := _BARE_KEY.match(self.text, self.at):
                names.append(bare[0])
                self.at = bare.end()
            else:
                raise _LostError
            self.skip(_SPACE)
            if self.taken(end):
                return tuple(names)
            if not self.taken("."):
                raise _LostError

    def value(self, path: Path) -> None:
        self.skip(_SPACE)
        if string := _STRING.match(self.text, self.at):
            self.at = string.end()
        elif self.taken("["):
            self._array(path)
        elif self.taken("{"):
            while not self._ended("}"):
                self.pair(path)
        else:
            self.skip(_BARE_VALUE)

    def _array(self, path: Path) -> None:
        index = 0
        while not self._ended("]"):
            self.lines[(*path, index)] = self.line()
            self.value((*path, index))
            index += 1

    def _ended(self, close: str) -> bool:
        """Past blanks and a comma: does the array or the inline table end here?"""
        self.skip(_BLANK)
        if self.taken(","):
            self.skip(_BLANK)
        if self.at >= len(self.text):
            raise _LostError
        return self.taken(close)

    def _resolved(self, names: Path, *, grow: bool) -> Path:
        """The table that a header opens; `[[targets]]` is the next element of `targets`."""
        line = self.line()
        path: Path = ()
        for position, name in enumerate(names):
            path = (*path, name)
            last = position == len(names) - 1
            self.lines.setdefault(path, line)
            if last and grow:
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:
                path = (*path, self._counts[path])
                self.lines.setdefault(path, line)
        return path

    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at

    def taken(self, sign: str) -> bool:
        if self.text.startswith(sign, self.at):
            self.at += len(sign)
            return True
        return False


def _unquoted(string: str) -> str:
    """A quoted key as tomllib reads it; escapes are rare enough to ask tomllib itself."""
    if "\\" not in string:
        return string[1:-1]
    import tomllib

    return str(next(iter(tomllib.loads(f"{string} = 0"))))
