"""netwhy.toml: text in, Settings out, or a ConfigError with file, line and what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from netwhy.core.model import Target, TargetOptions
from netwhy.core.options import OPTIONS, field_of, option_value
from netwhy.core.services import nearest
from netwhy.core.settings import Settings
from netwhy.core.target import TargetError, parse
from netwhy.core.toml_lines import Path, key_lines, line_of
from netwhy.core.typed import shown

#: Every key of the file → (type for people, meaning).  Help, documentation and tests read these.
TOP_KEYS: dict[str, tuple[str, str]] = {
    "interval": ("seconds", "how often every target is checked: 2, or a text like 500ms"),
    "timeout": ("seconds", "how long one try may take"),
    "retries": ("whole number", "tries more before a failure is called one, 0 to 20"),
    "theme": ("text", "the theme of the dashboard, as of --theme"),
    "bell": ("true or false", "ring the terminal's bell when a target changes its state"),
    "targets": ("list", "targets as texts, or [[targets]] tables with options"),
    "keys": ("table", "keys of the dashboard: action = key"),
}
TARGET_KEYS: dict[str, tuple[str, str]] = {
    "target": ("target", "what to reach: host, host:port, a URL, bind://:8080"),
    **OPTIONS,
}


class ConfigError(ValueError):
    """A configuration that cannot be used: `path`, `line` (from 1), `problem`, `suggestion`."""

    def __init__(self, path: str, line: int, problem: str, suggestion: str | None = None) -> None:
        super().__init__(problem)
        self.path = path
        self.lineno = line
        self.problem = problem
        self.suggestion = suggestion

    def line(self) -> str:
        """One line for people, which begins as compilers do: `netwhy.toml:7: …`."""
        words = f"{shown(self.path, 400)}:{self.lineno}: {shown(self.problem, 600)}"
        if self.suggestion:
            words += f"; did you mean '{shown(self.suggestion)}'?"
        return words


def load_text(text: str | bytes, path: object = "netwhy.toml") -> Settings:
    """The settings of a configuration text; raises ConfigError and nothing else.

    Bytes are read as UTF-8, which TOML demands.  `path` is for messages only.
    """
    import tomllib  # most runs have no configuration

    name = str(path)
    if isinstance(text, bytes):
        text = _text(text, name)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(name, text, str(error)) from None
    except (RecursionError, ValueError) as error:  # nested too deep; an impossible date or number
        raise ConfigError(name, 1, f"this TOML cannot be read: {error}") from None
    return _File(name, key_lines(text)).settings(values)


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(name, line, "the file is not UTF-8, as TOML must be") from None


def _syntax_error(name: str, text: str, message: str) -> ConfigError:
    """tomllib writes the line into its message: `… (at line 3, column 5)`."""
    match = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(match[1]) if match and match[1] else max(1, len(text.splitlines()))
    column = f" in column {match[2]}" if match and match[2] else ""
    said = message[: match.start()] if match else message
    return ConfigError(name, line, f"this is no TOML{column}: {said}")


class _File:
    """One file while it is read: knows its name and the line of every key."""

    def __init__(self, name: str, lines: dict[Path, int]) -> None:
        self.name = name
        self.lines = lines

    def error(self, path: Path, problem: str, suggestion: str | None = None) -> ConfigError:
        return ConfigError(self.name, line_of(self.lines, path), problem, suggestion)

    def settings(self, values: dict[str, Any]) -> Settings:
        self.known((), values, TOP_KEYS)
        retries = self.option(values, "retries")
        theme = values.get("theme")
        if theme is not None and not (isinstance(theme, str) and theme.strip()):
            raise self.error(("theme",), "theme is the name of a theme, such as 'light'")
        bell = values.get("bell")
        if bell is not None and not isinstance(bell, bool):
            raise self.error(("bell",), "bell is true or false")
        return Settings(
            targets=self.targets(values.get("targets", []), retries or 0),
            interval_s=self.option(values, "interval"),
            timeout_s=self.option(values, "timeout"),
            retries=retries,
            theme=theme,
            bell=bell,
            keys=self.keys(values.get("keys", {})),
        )

    def known(self, path: Path, values: dict[str, Any], keys: Mapping[str, object]) -> None:
        for key in values:
            if key not in keys:
                there = ", ".join(keys)
                raise self.error(
                    (*path, key), f"unknown key '{key}'; there are {there}", nearest(key, keys)
                )

    def option(self, values: dict[str, Any], name: str, path: Path = ()) -> Any:
        """The checked value of an option; None where it is not given."""
        if name not in values:
            return None
        try:
            return option_value(name, values[name])
        except ValueError as error:
            raise self.error((*path, name), str(error)) from None

    def targets(self, values: object, retries: int) -> tuple[Target, ...]:
        if not isinstance(values, list):
            raise self.error(("targets",), 'targets is a list: targets = ["db:5432"]')
        found: dict[str, tuple[Target, int]] = {}
        for index, value in enumerate(values):
            path: Path = ("targets", index)
            target = self.target(path, value, retries)
            first, line = found.setdefault(target.text, (target, line_of(self.lines, path)))
            if first != target:
                raise self.error(path, f"{target.text} has other options in line {line}")
        return tuple(target for target, _line in found.values())

    def target(self, path: Path, value: object, retries: int) -> Target:
        options = TargetOptions(retries=retries)
        if isinstance(value, dict):
            self.known(path, value, TARGET_KEYS)
            if "target" not in value:
                raise self.error(path, 'a target is missing here: target = "db:5432"')
            given = {
                field_of(name): self.option(value, name, path) for name in OPTIONS if name in value
            }
            options = TargetOptions(**{"retries": retries, **given})
            path, value = (*path, "target"), value["target"]
        if not isinstance(value, str):
            raise self.error(path, 'a target is a text such as "db:5432"')
        return self.parsed(path, lambda: parse(value, options=options))

    def parsed(self, path: Path, read: Callable[[], Target]) -> Target:
        try:
            return read()
        except TargetError as error:
            raise self.error(path, error.line().removeprefix("netwhy: ")) from None

    def keys(self, values: object) -> Mapping[str, str]:
        if not isinstance(values, dict):
            raise self.error(("keys",), "keys is a table: [keys], then lines such as quit = 'q'")
        for action, key in values.items():
            if not isinstance(key, str) or not key.strip():
                raise self.error(("keys", action), f"the key of '{action}' is a text such as 'q'")
        return MappingProxyType(dict(values))
