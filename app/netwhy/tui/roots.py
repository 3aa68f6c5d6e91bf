"""Root causes as the screen uses them: which row shows one, and which rows only follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from netwhy.core.model import RootCause
from netwhy.core.snapshot import Row, Snapshot
from netwhy.output.text import farness


@dataclass(frozen=True, slots=True)
class Root:
    """A cause shared by several targets.

    `shown_by` is the target whose row stands for the cause; `symptoms` are the others that it
    explains.  `since` is when the first of them changed its state, None where that is not known;
    `since_s` the same on the monitor's clock.
    """

    cause: RootCause
    shown_by: str
    symptoms: frozenset[str]
    since: datetime | None
    since_s: float


def roots(snapshot: Snapshot) -> tuple[Root, ...]:
    """The causes that explain more than one watched target, those that explain most first."""
    if not snapshot.root_causes:
        return ()
    rows = {row.target.text: row for row in snapshot.rows}
    found = []
    for cause in snapshot.root_causes:
        explained = [rows[text] for text in cause.explains if text in rows]
        if len(explained) > 1:
            found.append(_root(cause, explained))
    return tuple(sorted(found, key=lambda root: -len(root.cause.explains)))


def _root(cause: RootCause, explained: Sequence[Row]) -> Root:
    shown_by = _shown_by(cause, explained)
    began = [(row.since_s, row.since) for row in explained if row.since is not None]
    since_s, since = min(began, key=lambda pair: pair[0]) if began else (0.0, None)
    others = frozenset(row.target.text for row in explained) - {shown_by}
    return Root(cause, shown_by, others, since, since_s)


def _shown_by(cause: RootCause, explained: Iterable[Row]) -> str:
    """The target that is nearest to the cause; the first that changed where several are alike."""

    def near(row: Row) -> tuple[int, float]:
        return farness(cause, row.target, row.report), row.since_s

    return min(explained, key=near).target.text


def symptoms(found: Iterable[Root]) -> Mapping[str, Root]:
    """Target that only follows from a root cause → that cause."""
    shown = {root.shown_by for root in found}
    return {text: root for root in found for text in root.symptoms if text not in shown}
