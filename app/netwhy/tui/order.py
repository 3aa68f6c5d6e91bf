"""Which rows are listed, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Any

from netwhy.core.model import Kind, Verdict
from netwhy.core.snapshot import Row
from netwhy.tui.look import word

_RANK = {Verdict.FAILING: 0, Verdict.DEGRADED: 1, Verdict.UNKNOWN: 2, None: 3, Verdict.OK: 4}


def by_state(row: Row) -> tuple[float, ...]:
    """Failing first and the newest of them on top, then degraded, unknown, probing, ok."""
    newest = -row.since_s if row.verdict in (Verdict.FAILING, Verdict.DEGRADED) else 0.0
    # What this machine lacks is the cause of what its targets lack, however new that is.
    return (_RANK[row.verdict], row.target.kind is not Kind.LOCAL, newest)


@dataclass(frozen=True, slots=True)
class Sort:
    """One order: the key of a row, and for which rows there is nothing to compare."""

    key: Callable[[Row], Any]
    nothing: Callable[[Row], bool] = lambda row: False


#: Name of the order → what it goes by; the first is where the screen starts.
SORTS: dict[str, Sort] = {
    "state": Sort(by_state),
    "name": Sort(lambda row: row.target.label.casefold()),
    "slowest": Sort(lambda row: -(row.last_ms or 0.0), lambda row: row.last_ms is None),
    "p95": Sort(lambda row: -(row.p95_ms or 0.0), lambda row: row.p95_ms is None),
    "loss": Sort(lambda row: -(row.loss or 0.0), lambda row: row.loss is None),
    "newest change": Sort(lambda row: -row.since_s, lambda row: row.since is None),
    "as given": Sort(lambda row: 0),
}

#: Column → the order that a click on its title stands for.
SORT_OF_COLUMN = {
    **dict.fromkeys(("state", "word", "name", "route", "ping", "port", "tls", "app"), "state"),
    "target": "name",
    "rtt": "slowest",
    "p95": "p95",
    "loss": "loss",
    "since": "newest change",
    "strip": "as given",
}


@dataclass(frozen=True, slots=True)
class Order:
    """An order by its name, perhaps turned round."""

    name: str = next(iter(SORTS))
    backwards: bool = False

    @property
    def told(self) -> str:
        """How the order is said; nothing for the usual one."""
        if self == Order():
            return ""
        return f"by {self.name}" + (", backwards" if self.backwards else "")

    def after(self) -> Order:
        """The next one, around at the end."""
        names = list(SORTS)
        return Order(names[(names.index(self.name) + 1) % len(names)])

    def of_column(self, column: str) -> Order:
        """What a click on this column asks for; a second click turns it round."""
        name = SORT_OF_COLUMN[column]
        return Order(name, name == self.name and not self.backwards)


def arranged(
    rows: Sequence[Row], order: Order, wanted: str = "", symptoms: Set[str] = frozenset()
) -> list[Row]:
    """The rows that match the filter, in order; equal rows stay as given.

    By state, `symptoms` (targets that fail for a cause which another row shows) come after the
    other failures: what else is broken is not pushed off the screen by them.  Rows in which
    there is nothing to compare come last, whichever way round.
    """
    sort = SORTS[order.name]
    words = wanted.casefold().split()
    chosen = [row for row in rows if matches(row, words)] if words else list(rows)
    if order.name == "as given" and order.backwards:
        chosen.reverse()
    chosen.sort(key=sort.key, reverse=order.backwards)
    if order.name == "state":
        if symptoms and not order.backwards:
            chosen.sort(key=lambda row: (_RANK[row.verdict], row.target.text in symptoms))
    else:
        chosen.sort(key=sort.nothing)
    return chosen


def matches(row: Row, words: Sequence[str]) -> bool:
    """Does every word (in lower case) occur in the name, address, state, group or cause?"""
    report = row.shown
    about = [row.target.text, row.target.label, row.target.options.group or "", word(row.verdict)]
    if report is not None:
        about += report.addresses
        about += [finding.cause for finding in report.findings]
    text = " ".join(about).casefold()
    return all(part in text for part in words)
