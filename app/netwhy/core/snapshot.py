"""What the live monitor knows at one moment: frozen, pure, the only thing a screen sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from netwhy.core import stats
from netwhy.core.differences import Comparison
from netwhy.core.model import RootCause, Target, TargetReport, Vantage, Verdict


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which the verdict and the cause of one target stayed as they were.

    It began at `when`, `at_s` on `uptime`, and lasts until the next one begins.  `cause` is empty
    where there is nothing to explain.  `broke` tells what was different where a worse time began.
    """

    when: datetime
    at_s: float
    verdict: Verdict
    cause: str = ""
    broke: Comparison | None = None


@dataclass(frozen=True)
class Row:
    """One target as it stands.

    `verdict` None: no check has ended yet.  `report` is the one that the verdict stands on;
    `partial` is what a check under way has told so far, only until the first has ended.
    `since` is the wall clock of the last change of verdict, `since_s` the same on `uptime`.
    `confirming`: the last check failed, or could not tell, and is repeated before it counts.
    `spells` are the last times between two changes, oldest first; `broke` is what was different
    when the trouble that lasts began.  `trail` is for `trail.samples`: many more checks.
    """

    target: Target
    verdict: Verdict | None
    report: TargetReport | None
    partial: TargetReport | None
    since: datetime | None
    since_s: float
    samples: tuple[stats.Sample, ...]
    last_ms: float | None
    checks: int
    confirming: bool
    interval_s: float = 2.0
    spells: tuple[Spell, ...] = ()
    broke: Comparison | None = None
    trail: bytes = b""

    @property
    def shown(self) -> TargetReport | None:
        """The report to show: the last whole one, else what is known so far."""
        return self.report or self.partial

    # Worked out when somebody asks: of hundreds of rows a second a screen shows a few.

    @cached_property
    def loss(self) -> float | None:
        """The share of checks that got no answer at all; None where none of them asked."""
        return stats.loss(self.samples)

    @cached_property
    def p95_ms(self) -> float | None:
        """The 95th percentile of the measured round trips; None where too few were measured."""
        return stats.percentile(stats.times(self.samples), 0.95)


@dataclass(frozen=True, slots=True)
class Change:
    """A confirmed change of state; `number` grows by one each time."""

    number: int
    when: datetime
    target: Target
    was: Verdict
    now: Verdict
    title: str | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """That a snapshot is of a recorded session, and how it is being shown again.

    `began` and `ended` are the wall clock of the session's first and last event; `cut`: its last
    line is not whole, and what came after it is not known.
    """

    began: datetime
    ended: datetime
    speed: float
    paused: bool = False
    over: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Standstill:
    """A time in which nothing ran: this machine slept (`asleep`), or the process was stopped.

    `number` grows by one each time.
    """

    number: int
    began: datetime
    seconds: float
    asleep: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a screen shows, at one moment.  `counts` has None for targets not yet known."""

    version: int
    taken_at: datetime
    uptime_s: float
    rows: tuple[Row, ...] = ()
    root_causes: tuple[RootCause, ...] = ()
    vantage: Vantage | None = None
    counts: Mapping[Verdict | None, int] = field(default_factory=dict)
    paused: bool = False
    interval_s: float = 2.0
    changes: tuple[Change, ...] = ()
    notice: str | None = None  # what the monitor itself could not do
    replayed: Replayed | None = None  # None: this is now
    standstill: Standstill | None = None  # the last one that was long enough to tell

    def row(self, text: str) -> Row | None:
        return next((row for row in self.rows if row.target.text == text), None)
