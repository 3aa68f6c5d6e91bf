"""The words of a cause, read from the TOML of its layer and filled in with what was seen.

Every entry holds a `summary`, one or more `title` templates (the first that can be filled in
wins), an `explanation` (a list of sentences; one that cannot be filled in is left out), an
`about` for `netwhy explain`, `fixes`, `advice` (keys of advice.toml), `rivals` and `variants`.

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

from netwhy.core.model import Alternative, Finding, Fix, Severity, Where
from netwhy.knowledge.holders import addressable
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
    """

    text: str
    where: Where
    commands: Mapping[str, str]
    only: tuple[str, ...] = ()
    otherwise: bool = False

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


# --------------------------------------------------------------------------------------- reading


@cache
def _source(file: str) -> str:
    """The text of a knowledge file; empty when it is not there (a broken installation)."""
    try:
        with open(os.path.join(os.path.dirname(__file__), file), encoding="utf-8") as opened:
            return opened.read()
    except OSError:
        return ""


@cache
def _blocks(layer: str) -> dict[str, str]:
    """The text of a layer's file, cut up by cause."""
    source = _source(f"{layer}.toml")
    headers = list(_HEADER.finditer(source))
    ends = [header.start() for header in headers[1:]] + [len(source)]
    blocks: dict[str, str] = {}
    for header, end in zip(headers, ends, strict=False):  # a file without causes has one end
        blocks[header[1]] = blocks.get(header[1], "") + source[header.start() : end]
    return blocks


def _parsed(source: str) -> dict[str, Any]:
    import tomllib  # a target that works needs no words, and so not these milliseconds

    return tomllib.loads(source)


@cache
def table(file: str) -> dict[str, Any]:
    """A whole knowledge file as a dict; empty when it cannot be read."""
    try:
        return _parsed(_source(file))
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
    if layer not in LAYERS or cause not in _blocks(layer):
        raise KeyError(cause)
    raw = _parsed(_blocks(layer)[cause])[cause]
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
    return tuple(cause for layer in LAYERS for cause in _blocks(layer))


def _wording(raw: Mapping[str, Any], base: Wording | None) -> Wording:
    """The words in one table; a variant inherits what it does not say itself."""
    inherited = base or Wording((), (), ())
    titles = raw.get("title", inherited.titles)
    return Wording(
        titles=(titles,) if isinstance(titles, str) else tuple(titles),
        explanation=tuple(raw.get("explanation", inherited.explanation)),
        fixes=_fix_list(raw["fixes"]) if "fixes" in raw else inherited.fixes,
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
    )


def _entry_or_none(cause: str) -> Entry | None:
    """The entry, or None: words that are missing or broken must never stop a diagnosis."""
    try:
        return entry(cause)
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        return None


# --------------------------------------------------------------------------------------- wording


def title(cause: str, params: Mapping[str, str], variant: str = "") -> str:
    """The one line that says what failed."""
    found = _entry_or_none(cause)
    for template in found.wording(variant).titles if found else ():
        text = fill(template, params)
        if text is not None:
            return text
    return _plain(found.summary if found else f"No words are known for {cause}", params)


def explanation(cause: str, params: Mapping[str, str], variant: str = "") -> str:
    """What it means: the sentences that can be filled in."""
    found = _entry_or_none(cause)
    sentences = found.wording(variant).explanation if found else ()
    told = [text for text in (fill(sentence, params) for sentence in sentences) if text]
    if told:
        return " ".join(told)
    return f"The cause is {cause}; the knowledge base has no sentence for this case."


def fixes(
    cause: str, params: Mapping[str, str], platform: str = "linux", variant: str = ""
) -> tuple[Fix, ...]:
    """What to do, the likeliest first, then what a program should do by itself."""
    found = _entry_or_none(cause)
    if found is None:
        return ()
    params = addressable(params)
    told: list[Fix] = []
    said = False  # was this fix, or one that it stands in for, told already?
    for template in found.wording(variant).fixes:
        if template.otherwise and said:
            continue
        fix = template.filled(params, platform)
        said = fix is not None
        if fix is not None:
            told.append(fix)
    return (*told, *advice(found.advice))


def advice(keys: Sequence[str]) -> tuple[Fix, ...]:
    """What every socket program should do, by keys of advice.toml; unknown ones are left out."""
    known = table("advice.toml") if keys else {}
    return tuple(Fix(str(known[key]), None, Where.CLIENT) for key in keys if key in known)


def rival(cause: str, other: str, params: Mapping[str, str]) -> str:
    """Why `other` could not be excluded where `cause` was found."""
    found = _entry_or_none(cause)
    template = found.rivals.get(other) if found else None
    told = fill(template, params) if template else None
    return told or "what was seen does not exclude it"


def read_ahead() -> None:
    """Read every word now: later there may be no file descriptor left to open a file with."""
    for file in ("evidence.toml", "advice.toml", "fixes.toml"):
        table(file)
    for cause in cause_ids():
        _entry_or_none(cause)


def evidence(key: str, **params: str) -> str:
    """One observed fact as a sentence, from evidence.toml; the bare values for an unknown key."""
    template = table("evidence.toml").get(key)
    told = fill(template, params) if isinstance(template, str) else None
    return told if told is not None else _plain(key, params)


def finding(
    cause: str,
    *,
    severity: Severity,
    confidence: float,
    subject: str,
    params: Mapping[str, str],
    evidence: Sequence[str] = (),
    rivals: Sequence[str] = (),
    platform: str = "linux",
    variant: str = "",
) -> Finding:
    """One diagnosis in words; never raises, an unknown cause gets a plain sentence."""
    return Finding(
        cause=cause,
        severity=severity,
        confidence=confidence,
        subject=subject,
        title=title(cause, params, variant),
        explanation=explanation(cause, params, variant),
        evidence=tuple(evidence),
        fixes=fixes(cause, params, platform, variant),
        alternatives=tuple(Alternative(other, rival(cause, other, params)) for other in rivals),
    )


def _plain(words: str, params: Mapping[str, str]) -> str:
    """A sentence without a template: the words and what is known."""
    values = ", ".join(f"{name} {value}" for name, value in params.items() if value != "")
    return f"{words} ({values})" if values else words
