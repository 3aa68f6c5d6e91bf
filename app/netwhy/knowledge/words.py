"""The words of a cause, filled in with what was seen.

Every entry holds a `summary`, one or more `title` templates (the first that can be filled in
wins), an `explanation` (a list of sentences; one that cannot be filled in is left out), an
`about` for `netwhy explain`, `fixes`, `advice` (keys of advice.toml), `rivals`, `decide` (the
one test that settles what the evidence left open) and `variants`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netwhy.core.model import Alternative, Finding, Fix, Severity, Where
from netwhy.knowledge.entries import (
    LAYERS,
    Entry,
    FixWords,
    Wording,
    cause_ids,
    entry,
    entry_or_none,
    layer_of,
    table,
)
from netwhy.knowledge.holders import addressable
from netwhy.knowledge.spelling import spelled
from netwhy.knowledge.templates import fill

__all__ = [
    "LAYERS",
    "Entry",
    "FixWords",
    "Wording",
    "advice",
    "besides",
    "cause_ids",
    "deciding",
    "entry",
    "evidence",
    "explanation",
    "finding",
    "fixes",
    "layer_of",
    "read_ahead",
    "rival",
    "table",
    "title",
]

#: From here on a finding is proved, and needs no deciding test unless rivals are named.
_PROVED = 0.95


def title(cause: str, params: Mapping[str, str], variant: str = "") -> str:
    """The one line that says what failed."""
    found = entry_or_none(cause)
    for template in found.wording(variant).titles if found else ():
        text = fill(template, params)
        if text is not None:
            return text
    return _plain(found.summary if found else f"No words are known for {cause}", params)


def explanation(cause: str, params: Mapping[str, str], variant: str = "") -> str:
    """What it means: the sentences that can be filled in."""
    found = entry_or_none(cause)
    sentences = found.wording(variant).explanation if found else ()
    told = [text for text in (fill(sentence, params) for sentence in sentences) if text]
    if told:
        return " ".join(told)
    return f"The cause is {cause}; the knowledge base has no sentence for this case."


def fixes(
    cause: str, params: Mapping[str, str], platform: str = "linux", variant: str = ""
) -> tuple[Fix, ...]:
    """What to do, the likeliest first, then what a program should do by itself."""
    found = entry_or_none(cause)
    if found is None:
        return ()
    params = spelled(addressable(params))
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


def deciding(
    cause: str,
    params: Mapping[str, str],
    platform: str = "linux",
    variant: str = "",
    rivals: Sequence[str] = (),
) -> Fix | None:
    """The one test that tells the cause from the rivals left; None where none is known."""
    found = entry_or_none(cause)
    params = spelled(addressable(params))
    for template in found.wording(variant).decide if found else ():
        if template.against and not set(template.against).intersection(rivals):
            continue
        fix = template.filled(params, platform)
        if fix is not None:
            return replace(fix, decides=True)
    return None


def advice(keys: Sequence[str]) -> tuple[Fix, ...]:
    """What every socket program should do, by keys of advice.toml; unknown ones are left out."""
    known = table("advice.toml") if keys else {}
    return tuple(Fix(str(known[key]), None, Where.CLIENT) for key in keys if key in known)


def rival(cause: str, other: str, params: Mapping[str, str]) -> str:
    """Why `other` could not be excluded where `cause` was found."""
    found = entry_or_none(cause)
    template = found.rivals.get(other) if found else None
    told = fill(template, params) if template else None
    return told or "what was seen does not exclude it"


def read_ahead() -> None:
    """Read every word now: later there may be no file descriptor left to open a file with."""
    for file in ("evidence.toml", "advice.toml", "fixes.toml"):
        table(file)
    for cause in cause_ids():
        entry_or_none(cause)


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
    """One diagnosis in words; never raises, an unknown cause gets a plain sentence.

    Where it is not proved, or rivals are left, its last fix is the test that would decide.
    """
    todo = fixes(cause, params, platform, variant)
    if confidence < _PROVED or rivals:
        test = deciding(cause, params, platform, variant, rivals)
        todo = todo if test is None else (*besides(todo, test), test)
    return Finding(
        cause=cause,
        severity=severity,
        confidence=confidence,
        subject=subject,
        title=title(cause, params, variant),
        explanation=explanation(cause, params, variant),
        evidence=tuple(evidence),
        fixes=todo,
        alternatives=tuple(Alternative(other, rival(cause, other, params)) for other in rivals),
    )


def besides(todo: Sequence[Fix], test: Fix) -> tuple[Fix, ...]:
    """The fixes without the one that the test repeats; the first stays where it is."""
    same = (test.command, test.where)
    return tuple(
        fix for n, fix in enumerate(todo) if not n or not fix.command or _typed(fix) != same
    )


def _typed(fix: Fix) -> tuple[str | None, Where]:
    return fix.command, fix.where


def _plain(words: str, params: Mapping[str, str]) -> str:
    """A sentence without a template: the words and what is known."""
    values = ", ".join(f"{name} {value}" for name, value in params.items() if value != "")
    return f"{words} ({values})" if values else words
