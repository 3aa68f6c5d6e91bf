"""What is kept of one target between checks, and when its verdict changes.

Pure: the caller brings the clocks and the dice.  A failure after a success, and a check that cannot
tell after checks that could, are suspected first: they are checked again after a short rest, then
after one twice as long, and become the verdict when a retry agrees and they have lasted as long as
both rests.  The strip counts every check at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from netwhy.core import stats
from netwhy.core.model import (
    LAYERS,
    Kind,
    Mark,
    Outcome,
    ProbeRow,
    Target,
    TargetReport,
    Verdict,
)
from netwhy.core.past import Past
from netwhy.core.snapshot import Row
from netwhy.core.trail import Trail

RING = 60  # checks kept for the strip and the numbers of the list
REST_S = 0.25  # at least this long between two checks of a target
#: A rest is longer or shorter by up to this share, so that targets do not march in step.
JITTER = 0.1
#: News is believed after so many times the first rest before a retry: one rest and its double.
_LASTED = 3.0 - 0.1  # a timer may be a little early


@dataclass(frozen=True, slots=True)
class Moment:
    """One moment on two clocks: the wall, and seconds on a clock that is never set."""

    wall: datetime
    seconds: float


class Record:
    """The last checks of one target and the verdict that they give."""

    def __init__(
        self,
        target: Target,
        *,
        interval_s: float,
        retry_s: float = 0.5,
        dice: Callable[[], float] = lambda: 0.5,
    ) -> None:
        """`dice` gives numbers from 0 to 1: how far a rest is from the interval, 0.5 for not."""
        self.target = target
        self.interval_s = max(REST_S, target.options.interval_s or interval_s)
        self.verdict: Verdict | None = None
        self.report: TargetReport | None = None
        self.began_s = 0.0  # when the last check did
        self._retry_s = retry_s
        self._dice = dice
        self._tries = 0  # checks in a row that told the news which is not believed yet
        self._calm_s = 0.0  # until then no news of trouble is believed
        self._ring: deque[stats.Sample] = deque(maxlen=RING)
        self._partial: TargetReport | None = None
        self._since: Moment | None = None
        self._checks = 0
        self._suspected: Moment | None = None  # of news that the next check decides on
        self._due_s: float | None = None  # when the next check was meant to start
        self._row: Row | None = None
        self._trail = Trail()
        self._past = Past()

    @property
    def confirming(self) -> bool:
        """Is there news that the next check decides on?"""
        return self._suspected is not None

    def begin(self, now_s: float) -> None:
        """A check starts.  Checks that are missing since the last one become gaps."""
        self.began_s = now_s
        if self._due_s is None:
            return
        late_s = now_s - self._due_s
        if late_s > max(1.5 * self.interval_s, 2.0):
            missing = int(late_s / self.interval_s)
            self._ring.extend([stats.GAP] * min(RING, missing))
            self._trail.add(stats.GAP, missing)
            self._row = None

    def learn(self, report: TargetReport) -> bool:
        """What a running check knows so far; kept (True) only while there is nothing better."""
        if self.report is not None:
            return False
        self._partial, self._row = report, None
        return True

    def settle(self, report: TargetReport, now: Moment) -> bool:
        """A check ended.  Returns False while what it told is still to be confirmed."""
        sample = _sample(report)
        self._ring.append(sample)
        self._trail.add(sample)
        self._checks += 1
        self._partial = self._row = None
        if self._doubtful(report.verdict):
            self._past.doubt(report)
            self._tries += 1
            first = self._suspected = self._suspected or now
            if not self._believed(now.seconds - first.seconds, now.seconds):
                return False
            now = first  # it is so from the first of them on
        self._believe()
        self.report = report
        self._past.note(report, now.wall, now.seconds)
        if report.verdict is not self.verdict:
            self.verdict, self._since = report.verdict, now
        return True

    def _doubtful(self, verdict: Verdict) -> bool:
        """Is this news of the kind that one check alone is not believed?"""
        if verdict is Verdict.FAILING:
            return self.verdict in (Verdict.OK, Verdict.DEGRADED)
        return verdict is Verdict.UNKNOWN and self.verdict not in (None, Verdict.UNKNOWN)

    def _believed(self, lasted_s: float, now_s: float) -> bool:
        lasted = self._tries > 1 and lasted_s >= _LASTED * self._retry_s
        return lasted and now_s >= self._calm_s

    def _believe(self) -> None:
        """Nothing is suspected any more."""
        self._suspected, self._tries = None, 0

    def interrupt(self, now_s: float, calm_s: float = 0.0) -> None:
        """Time has passed in which nothing ran: what was suspected before it is old.

        For `calm_s` seconds more no news of trouble is believed: after a sleep the network comes
        later than the programs.
        """
        self._believe()
        self._calm_s = max(self._calm_s, now_s + calm_s)
        self._row = None

    def retarget(self, target: Target, interval_s: float) -> None:
        """The same target with other options or another interval; what is known of it stays."""
        self.target = target
        self.interval_s = max(REST_S, target.options.interval_s or interval_s)
        self._row = None

    def rest(self, took_s: float, now_s: float) -> float:
        """Seconds until the next check: the rest of the interval, or a back-off that grows."""
        if self._suspected is not None:
            back_off_s = self._retry_s * float(2 ** min(self._tries - 1, 4))
            rest = min(back_off_s, self.interval_s)
        else:
            varied_s = self.interval_s * (1 + JITTER * (2 * self._dice() - 1))
            rest = max(REST_S, varied_s - took_s)
        self._due_s = now_s + rest
        return rest

    def row(self) -> Row:
        """The frozen row; the same object until something changes."""
        if self._row is None:
            samples = tuple(self._ring)
            self._row = Row(
                target=self.target,
                verdict=self.verdict,
                report=self.report,
                partial=self._partial,
                since=self._since.wall if self._since else None,
                since_s=self._since.seconds if self._since else 0.0,
                samples=samples,
                last_ms=stats.last_time(samples),
                checks=self._checks,
                confirming=self.confirming,
                interval_s=self.interval_s,
                spells=self._past.spells,
                broke=self._past.broke,
                trail=self._trail.frozen(),
            )
        return self._row


def untold(target: Target, reason: str) -> TargetReport:
    """The report of a check that could not tell, and why."""
    layers = (Mark.UNTESTED,) * len(LAYERS)
    return TargetReport(target, Verdict.UNKNOWN, layers=layers, reason=reason)


def same_news(was: TargetReport | None, now: TargetReport) -> bool:
    """Do both tell the same to who looks at many targets at once?"""
    if was is now:
        return True
    if was is None or (was.verdict, was.addresses) != (now.verdict, now.addresses):
        return False
    if was.findings is now.findings:
        return True
    return _gist(was) == _gist(now)


def _gist(report: TargetReport) -> Sequence[object]:
    told = [(f.cause, f.severity, f.subject, f.root, f.way, f.title) for f in report.findings]
    return [*told, *((r.probe, r.subject, r.outcome, r.error) for r in report.probes)]


def _sample(report: TargetReport) -> stats.Sample:
    if report.verdict is Verdict.FAILING:
        return _failure(report)
    if report.verdict is Verdict.UNKNOWN:
        return stats.UNKNOWN
    return stats.answered(report.rtt_ms)


_ANSWERS = ("ECONNREFUSED", "ECONNRESET")
_SILENCE = ("TIMEOUT", "ETIMEDOUT")


def _failure(report: TargetReport) -> stats.Sample:
    """A failed check: refused where any answer came, lost where all that was asked kept silent."""
    answers = {_answered(row) for row in _asked(report)} - {None}
    if not answers:
        return stats.BARRED
    return stats.REFUSED if True in answers else stats.LOST


def _asked(report: TargetReport) -> list[ProbeRow]:
    """What was sent to the target itself, not what was tried beside it to compare.

    Of a target with a port only what went to that port counts: that a host answers pings says
    nothing about its port.
    """
    target = report.target
    if target.kind is Kind.DNS:  # queries to the server, not the look-up of its name
        by = [(row, row.detail.get("by")) for row in report.probes if row.probe == "dns"]
        return [row for row, server in by if server not in (None, "system")]
    if target.port is not None:
        end = f":{target.port}"
        sent = [row for row in report.probes if row.probe == target.transport]
        return [row for row in sent if row.subject.endswith(end)]
    pings = [row for row in report.probes if row.probe == "ping"]
    others = [row for row in report.probes if row.probe in ("tcp", "udp")]
    return pings if any(_answered(row) is not None for row in pings) else others


def _answered(row: ProbeRow) -> bool | None:
    """Did an answer come, from the target or from a router; None where nothing was sent."""
    if row.outcome in (Outcome.OK, Outcome.DEGRADED) or row.error in _ANSWERS:
        return True
    if row.detail.get("rcode"):
        return True
    if row.error in _SILENCE:
        return False
    if "icmp" not in row.detail:
        return None
    # One's own "host unreachable" means that the host kept silent on the link.
    return not (row.detail.get("icmp_own") and row.error == "EHOSTUNREACH")
