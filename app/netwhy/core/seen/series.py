"""Many small probes of one host, and the port of it that must be closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from netwhy.core import stats
from netwhy.core.model import IPAddress, Outcome, ProbeRow
from netwhy.core.seen.icmp import Icmp, icmp_detail
from netwhy.core.seen.observation import TIMEOUT, Observation, endpoint


@dataclass(frozen=True, slots=True)
class Shot:
    """One probe of a series.  `at_s` is when it was sent, on a clock that is never set.

    `rtt_ms` None with `answered`: the answer came, and this machine was too busy to time it.
    """

    at_s: float
    answered: bool = False
    rtt_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Series(Observation):
    """A series of echo requests, or with a `port` of SYNs to a closed one (answered by RST).

    In the order of sending.  What is late is not lost: a shot counts as unanswered only when
    nothing came until the end of the series and a second or more beyond.  `pending`: that end is
    not reached, though all is sent.  `error`: something else than an answer came, or nothing could
    be sent; then the series says nothing.
    """

    probe: ClassVar[str] = "ping"
    address: IPAddress
    port: int | None = None
    shots: tuple[Shot, ...] = ()
    pending: bool = False
    error: str | None = None

    @property
    def usable(self) -> bool:
        return self.error is None and any(shot.answered for shot in self.shots)

    @property
    def sent(self) -> int:
        return len(self.shots)

    @property
    def lost(self) -> int:
        return sum(not shot.answered for shot in self.shots)

    @property
    def rtts_ms(self) -> list[float]:
        """The measured round trips, in the order of sending."""
        return [shot.rtt_ms for shot in self.shots if shot.rtt_ms is not None]

    def row(self) -> ProbeRow:
        median = stats.percentile(self.rtts_ms, 0.5)
        detail: dict[str, Any] = {
            "sent": self.sent,
            "unanswered": self.lost,
            "median_ms": _rounded(median),
            "jitter_ms": _rounded(stats.jitter(self.rtts_ms)),
        }
        name = "ping" if self.port is None else "tcp"
        outcome = Outcome.DEGRADED if self.lost else Outcome.OK
        if self.error is not None or not self.shots:
            outcome = Outcome.SKIPPED
            detail = {"reason": f"no series of probes: {self.error or 'nothing was sent'}"}
        return ProbeRow(name, endpoint(self.address, self.port), outcome, median, None, detail)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


@dataclass(frozen=True, slots=True)
class Stray(Observation):
    """A connect to a port picked at random, where nothing can be meant to listen.

    `error` None: it is open.  `rtt_ms` is the kernel's figure for an open one, else the time to the
    answer.  `ttl`: the SYN could pass so many routers less one.  `ended`: how the other side ended
    an open connection within a moment (CLOSED, or the error), None if it did not.
    """

    probe: ClassVar[str] = "tcp"
    address: IPAddress
    port: int
    error: str | None = None
    rtt_ms: float | None = None
    resends: int = 0
    ttl: int | None = None
    icmp: Icmp | None = None
    ended: str | None = None

    @property
    def open(self) -> bool:
        return self.error is None

    @property
    def closed(self) -> bool:
        """As it should be: the host itself refused with RST."""
        return self.error == "ECONNREFUSED" and self.icmp is None

    @property
    def silent(self) -> bool:
        return self.error in (TIMEOUT, "ETIMEDOUT")

    def row(self) -> ProbeRow:
        detail: dict[str, Any] = {
            "expected": "closed",
            "answer": "open" if self.open else self.error,
            "resent_syns": self.resends,
            **icmp_detail(self.icmp),
        }
        if self.ttl is not None:
            detail["ttl"] = self.ttl
        if self.ended is not None:
            detail["ended"] = self.ended
        outcome = Outcome.DEGRADED if self.open else Outcome.OK
        where = endpoint(self.address, self.port)
        return ProbeRow("tcp", where, outcome, self.rtt_ms, None, detail)
