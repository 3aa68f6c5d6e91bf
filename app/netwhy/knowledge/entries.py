"""The entries of the knowledge base, read from the TOML of their layer.

A layer's file is read when one of its causes is worded, and only the block of that cause is
parsed: tomllib takes milliseconds for a whole file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from netwhy.core.model import Fix, Where
from netwhy.knowledge.templates import fill, fill_command, missing

#: The files with causes, in the order in which a connection meets their layers.
LAYERS = (
    *("local", "route", "path", "dns", "tcp", "udp", "tls", "http", "exchange", "bind"),
    "other",
)
_HEADER = re.compile(r'^\[\[?"([a-z0-9.-]+)"', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FixWords:
    """A fix before it is filled in.

    `commands` is keyed by platform.  `only` lists the platforms that it is for (empty: all).
    `otherwise`: it stands in for the fix before it and is told only if that one could not be.
    `against`: a deciding test only where one of these rivals is open (empty: whichever is).
    """

    text: str
    where: Where
    commands: Mapping[str, str]
    only: tuple[str, ...] = ()
    otherwise: bool = False
    against: tuple[str, ...] = ()

    def filled(self, params: Mapping[str, str], platform: str) -> Fix | None:
        """The fix for one case, or None where it does not apply or cannot be filled in."""
        if self.only and platform not in self.only:
            return None
        text = fill(self.text, params)
        template = self.commands.get(platform)
        if text is None or (template is not None and missing(template, params)):
            return None
        command = None if template is None else fill_command(template, params, platform)
        return Fix(text, command, self.where)


@dataclass(frozen=True, slots=True)
class Wording:
    """The templates of a cause, or of one variant of it."""

    titles: tuple[str, ...]
    explanation: tuple[str, ...]
    fixes: tuple[FixWords, ...]
    decide: tuple[FixWords, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """All that the knowledge base holds about one cause."""

    cause: str
    summary: str
    about: str
    base: Wording
    variants: Mapping[str, Wording]
    rivals: Mapping[str, str]
    advice: tuple[str, ...]

    def wording(self, variant: str = "") -> Wording:
        """The variant's words; those of the cause itself for a variant without its own."""
        return self.variants.get(variant, self.base)


@cache
def source(file: str) -> str:
    """The text of a knowledge file; empty when it is not there (a broken installation)."""
    try:
        with open(os.path.join(os.path.dirname(__file__), file), encoding="utf-8") as opened:
            return opened.read()
    except OSError:
        return ""


@cache
def blocks(layer: str) -> dict[str, str]:
    """The text of a layer's file, cut up by cause."""
    text = source(f"{layer}.toml")
    headers = list(_HEADER.finditer(text))
    ends = [header.start() for header in headers[1:]] + [len(text)]
    found: dict[str, str] = {}
    for header, end in zip(headers, ends, strict=False):  # a file without causes has one end
        found[header[1]] = found.get(header[1], "") + text[header.start() : end]
    return found


def _parsed(source: str) -> dict[str, Any]:
    import tomllib  # a target that works needs no words, and so not these milliseconds

    return tomllib.loads(source)


@cache
def table(file: str) -> dict[str, Any]:
    """A whole knowledge file as a dict; empty when it cannot be read."""
    try:
        return _parsed(source(file))
    except (OSError, ValueError):  # no file descriptor left, or a broken installation
        return {}


def layer_of(cause: str) -> str:
    """The file that holds a cause: the part before its dot; `other` for one without a dot."""
    layer, dot, _rest = cause.partition(".")
    return layer if dot else "other"


@cache
def entry(cause: str) -> Entry:
    """The entry of a cause; KeyError for one that the knowledge base does not hold."""
    layer = layer_of(cause)
    if layer not in LAYERS or cause not in blocks(layer):
        raise KeyError(cause)
    raw = _parsed(blocks(layer)[cause])[cause]
    base = _wording(raw, None)
    return Entry(
        cause=cause,
        summary=raw.get("summary", cause),
        about=raw.get("about", "").strip(),
        base=base,
        variants={name: _wording(words, base) for name, words in raw.get("variants", {}).items()},
        rivals=raw.get("rivals", {}),
        advice=tuple(raw.get("advice", ())),
    )


def cause_ids() -> tuple[str, ...]:
    """Every cause that has words, by layer, in the order of the files."""
    return tuple(cause for layer in LAYERS for cause in blocks(layer))


def _wording(raw: Mapping[str, Any], base: Wording | None) -> Wording:
    """The words in one table; a variant inherits what it does not say itself."""
    inherited = base or Wording((), (), ())
    titles = raw.get("title", inherited.titles)
    return Wording(
        titles=(titles,) if isinstance(titles, str) else tuple(titles),
        explanation=tuple(raw.get("explanation", inherited.explanation)),
        fixes=_fix_list(raw["fixes"]) if "fixes" in raw else inherited.fixes,
        decide=_fix_list(raw["decide"]) if "decide" in raw else inherited.decide,
    )


def _fix_list(raw: Sequence[Mapping[str, Any]]) -> tuple[FixWords, ...]:
    """The fixes in order; `use` takes a list of fixes.toml in."""
    shared = table("fixes.toml") if any("use" in fix for fix in raw) else {}
    every = (shared.get(fix["use"], ()) if "use" in fix else (fix,) for fix in raw)
    return tuple(_fix_words(fix) for fixes_here in every for fix in fixes_here)


def _fix_words(raw: Mapping[str, Any]) -> FixWords:
    command = raw.get("command", {})
    if isinstance(command, str):
        command = dict.fromkeys(("linux", "macos", "windows"), command)
    return FixWords(
        text=raw["text"],
        where=Where(raw.get("where", "here")),
        commands=command,
        only=tuple(raw.get("only", ())),
        otherwise=bool(raw.get("otherwise", False)),
        against=tuple(raw.get("against", ())),
    )


def entry_or_none(cause: str) -> Entry | None:
    """The entry, or None: words that are missing or broken must never stop a diagnosis."""
    try:
        return entry(cause)
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        return None
