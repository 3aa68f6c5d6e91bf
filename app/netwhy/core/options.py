"""Per-target options: what each means, and how it is written in `?key=value` and in the TOML."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from netwhy.core.model import TargetOptions
from netwhy.core.percent import coded, decoded
from netwhy.core.services import nearest
from netwhy.core.typed import Part

#: name → (type for people, meaning).  The one list for the grammar, the configuration and its help.
OPTIONS: dict[str, tuple[str, str]] = {
    "send": ("text", "what to send once connected, for example PING"),
    "expect": ("text", "what the answer must contain, for example PONG"),
    "timeout": ("seconds", "how long one try may take: 2.5, or a text like 500ms"),
    "interval": ("seconds", "how often the target is checked: 30, or a text like 1m"),
    "retries": ("whole number", "tries more before a failure is called one, 0 to 20"),
    "fallback": ("target", "another target that would serve instead"),
    "label": ("text", "the name shown instead of the target"),
    "group": ("text", "targets of one group are shown together"),
    "family": ("4 or 6", "use only IPv4 or only IPv6"),
}

_FIELDS = {"timeout": "timeout_s", "interval": "interval_s"}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{0,20})?|\.\d{1,20})\s*(ms|s|m|h|)", re.ASCII)
_UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_RANGES = {"timeout": (0.01, 3600.0), "interval": (0.1, 86400.0)}
_PLAIN = "!$'()*/:@~-._[]"


def field_of(option: str) -> str:
    """The name of an option in TargetOptions."""
    return _FIELDS.get(option, option)


def option_value(option: str, value: object) -> str | float | int:
    """The checked value of an option; raises ValueError that says what would be right.

    `value` is what TOML gave.  `fallback` is only checked to be a text.
    """
    if option in _RANGES:
        return seconds(option, value)
    if option == "retries":
        if type(value) is not int or not 0 <= value <= 20:
            raise ValueError("retries is a whole number from 0 to 20")
        return value
    if option == "family":
        if type(value) is not int or value not in (4, 6):
            raise ValueError("family is 4 or 6")
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{option} is a {OPTIONS[option][0]}, and not empty")
    if option in ("label", "group") and not value.isprintable():
        raise ValueError(f"{option} is a {OPTIONS[option][0]} of one line, without control codes")
    return value


def seconds(name: str, value: object) -> float:
    """A duration in seconds, from a number or a text such as `500ms`; raises ValueError."""
    low, high = _RANGES[name]
    found: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value) if -1 < value < 1e9 else None
    elif isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        found = float(match[1]) * _UNITS[match[2]]
    if found is None or not low <= found <= high:
        raise ValueError(
            f"{name} is a number of seconds from {low:g} to {high:g}, like 2.5 or 500ms"
        )
    return found


def typed_options(query: Part, options: TargetOptions) -> TargetOptions:
    """`options` with those of a query (without its `?`) put over them; raises Misread."""
    values: dict[str, Any] = {}
    for part in _pairs(query):
        name, equals, raw = part.around("=")
        option = name.text.lower()
        if option not in OPTIONS:
            (name or part).fail(
                f"unknown option; there are {', '.join(OPTIONS)}", instead=nearest(option, OPTIONS)
            )
        if field_of(option) in values:
            part.fail(f"{option} is given twice")
        if not equals:
            part.fail(f"{option} needs a value: {option}=…")
        try:
            value: object = decoded(raw.text)
            if option in ("retries", "family") and re.fullmatch(r"[0-9]{1,9}", raw.text):
                value = int(raw.text)
            values[field_of(option)] = option_value(option, value)
        except ValueError as error:
            (raw or part).fail(str(error))
    return replace(options, **values)


def options_text(options: TargetOptions, typed: set[str]) -> str:
    """The canonical `?key=value` of the options that were typed; empty for none."""
    pairs = []
    for option in OPTIONS:
        value = getattr(options, field_of(option))
        if option in typed and value is not None:
            pairs.append(f"{option}={coded(_written(value), _PLAIN)}")
    return "?" + "&".join(pairs) if pairs else ""


def option_names(query: Part) -> set[str]:
    """The names that a query gives, in lower case."""
    return {part.around("=")[0].text.lower() for part in _pairs(query)}


def _written(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def _pairs(query: Part) -> list[Part]:
    found = []
    rest = query
    while rest:
        part, _ampersand, rest = rest.around("&")
        if part:
            found.append(part)
    return found
