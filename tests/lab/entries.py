"""Reads the entries: one fault, or one healthy network, each a short piece of TOML.

How to read and write them is told in README.md beside this file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAULTS = Path(__file__).parent / "faults"


class EntryError(ValueError):
    """An entry that cannot be meant: says which, and what is wrong with it."""


@dataclass(frozen=True)
class Step:
    """Something that is done to one machine of the world."""

    node: str
    command: str


@dataclass(frozen=True)
class Expected:
    """What netwhy has to answer.

    `verdicts` are those permitted (mostly one).  `evidence` must be found in the title, the
    evidence or the subject of the first finding; `rivals` are causes that it must admit not to have
    excluded; `or_rival_of` are first causes that are as good, if they name `cause` as a rival;
    `also` are causes of further findings, `told` the same with the words that theirs must have;
    `roots` are the causes of the roll-up;
    `allowed` are findings that a healthy network may have, as warning or note.  With several
    targets, `each` says what is to be found of which ("ok" for nothing), and `others` what those
    may have that `each` does not name.
    """

    verdicts: tuple[str, ...]
    exit: int
    cause: str | None = None
    evidence: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    or_rival_of: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    told: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    roots: tuple[str, ...] | None = None
    each: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    within_s: float = 8.0


@dataclass(frozen=True)
class Entry:
    """One fault or one healthy network."""

    id: str
    layer: str
    story: str
    targets: tuple[str, ...]
    expect: Expected
    inject: tuple[Step, ...] = ()
    serve: tuple[Step, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    symptom: tuple[str, ...] = ()
    ping: bool = False
    limit: str | None = None
    sandbox: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    needs_root: bool = False

    @property
    def healthy(self) -> bool:
        return self.expect.cause is None

    @property
    def relayed(self) -> bool:
        """Does a line of the world pass through a program of ours?"""
        return any(step.command.startswith("relay ") for step in self.inject)

    @property
    def touched(self) -> set[str]:
        return {step.node for step in self.inject}


def load(addresses: Mapping[str, str]) -> list[Entry]:
    """Every entry, with the names in braces replaced by addresses.  Raises EntryError."""
    entries = [
        _entry(path.stem, raw, addresses)
        for path in sorted(FAULTS.glob("*.toml"))
        for raw in tomllib.loads(path.read_text()).get("entry", [])
    ]
    seen: set[tuple[str, str]] = set()
    for entry in entries:
        if (entry.layer, entry.id) in seen:
            raise EntryError(f"{entry.layer}.toml: two entries are called {entry.id}")
        seen.add((entry.layer, entry.id))
    return entries


_KEYS = {"id", "story", "target", "targets", "inject", "serve", "files", "symptom", "ping",
         "limit", "sandbox", "environment", "needs_root", "expect"}  # fmt: skip


def _entry(layer: str, raw: Mapping[str, Any], addresses: Mapping[str, str]) -> Entry:
    where = f"{layer}.toml: {raw.get('id', '?')}"
    if unknown := set(raw) - _KEYS:
        raise EntryError(f"{where}: unknown {', '.join(sorted(unknown))}")
    raw = {"expect": {}, **raw}
    if missing := {"id", "story"} - set(raw):
        raise EntryError(f"{where}: {', '.join(sorted(missing))} missing")

    def fill(text: str) -> str:
        for name, address in addresses.items():
            text = text.replace("{" + name + "}", address)
        return text

    def filled(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(fill(t) for t in texts)

    def steps(key: str) -> tuple[Step, ...]:
        pairs = [fill(text).partition(": ") for text in raw.get(key, ())]
        return tuple(Step(node, command) for node, _, command in pairs)

    expect = {k: filled(v) if isinstance(v, list) else v for k, v in raw["expect"].items()}
    verdict = expect.pop("verdict", "failing" if "cause" in expect else "ok")
    expect.setdefault("verdicts", (verdict,))
    expect["told"] = {k: filled(v) for k, v in expect.get("told", {}).items()}
    expect["each"] = {fill(k): v for k, v in expect.get("each", {}).items()}
    expect.setdefault("exit", 1 if "failing" in expect["verdicts"] else 0)
    return Entry(
        id=raw["id"],
        layer=layer,
        story=raw["story"],
        targets=filled(raw.get("targets", [raw["target"]] if "target" in raw else [])),
        expect=Expected(**expect),
        inject=steps("inject"),
        serve=steps("serve"),
        files={name: fill(text) for name, text in raw.get("files", {}).items()},
        symptom=filled(raw.get("symptom", ())),
        ping=raw.get("ping", "forbidden") == "allowed",
        limit=raw.get("limit"),
        sandbox=tuple(raw.get("sandbox", "").split()),
        environment=raw.get("environment", {}),
        needs_root=raw.get("needs_root", False),
    )
