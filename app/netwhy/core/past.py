"""When the verdict and the cause of one target changed, and what was different as it broke."""

from __future__ import annotations

from datetime import datetime

from netwhy.core.differences import Comparison, compare
from netwhy.core.model import VERDICT_ORDER, TargetReport, Verdict
from netwhy.core.snapshot import Spell

SPELLS = 24  # kept
#: A name whose addresses change more often than once in so many checks changes them by habit.
_SELDOM = 20
_WORKING = (Verdict.OK, Verdict.DEGRADED)
_RANK = {verdict: -place for place, verdict in enumerate(VERDICT_ORDER)}  # higher is worse


class Past:
    """The last spells of one target.  `broke` is None while it works well."""

    def __init__(self) -> None:
        self.spells: tuple[Spell, ...] = ()
        self.broke: Comparison | None = None
        self._doubt: TargetReport | None = None  # the first one of what was not yet believed
        self._good: TargetReport | None = None  # the last one that worked
        self._working = 0  # checks that worked
        self._moves = 0  # how often its addresses were others then

    def doubt(self, report: TargetReport) -> None:
        """A check told what is not believed yet: should it be, this is how it looked first."""
        self._doubt = self._doubt or report

    def note(self, report: TargetReport, when: datetime, at_s: float) -> None:
        """A check is believed; if it tells another verdict or cause, that is so since `when`."""
        last = self.spells[-1] if self.spells else None
        cause = _cause(report)
        if last is None or (last.verdict, last.cause) != (report.verdict, cause):
            broke = None
            if last is not None and last.verdict is not report.verdict:
                first = self._doubt
                same = first is not None and first.verdict is report.verdict
                broke = self._compared(first if first is not None and same else report)
                if broke is not None or _RANK[report.verdict] < _RANK[last.verdict]:
                    self.broke = broke
            spell = Spell(when, at_s, report.verdict, cause, broke)
            self.spells = (*self.spells, spell)[-SPELLS:]
        self._doubt = None
        if report.verdict in _WORKING:
            self._remember(report)

    def _compared(self, bad: TargetReport) -> Comparison | None:
        """What is different from the last good report; None if this is no worse."""
        good = self._good
        if good is None or _RANK[bad.verdict] <= _RANK[good.verdict]:
            return None
        moving = self._moves > max(1, self._working // _SELDOM)
        return compare(good, bad, moving=moving)

    def _remember(self, report: TargetReport) -> None:
        self._working += 1
        before = self._good.addresses if self._good is not None else ()
        if before and report.addresses and before != report.addresses:
            self._moves += {*before} != {*report.addresses}
        self._good = report


def _cause(report: TargetReport) -> str:
    """What explains the verdict; a note beside one that works explains nothing."""
    finding = report.diagnosis
    return "" if finding is None or report.verdict is Verdict.OK else finding.cause
