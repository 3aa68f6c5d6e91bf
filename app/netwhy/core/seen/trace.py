"""The way of packets to a host, hop by hop, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from netwhy.core.model import IPAddress, Outcome, ProbeRow
from netwhy.core.seen.icmp import Icmp
from netwhy.core.seen.observation import TIMEOUT, Observation, endpoint

#: How often each router of a circle must have been met before it is called one.  Packets that
#: take ways of different length may meet a router at two distances, hardly at three.
_ROUNDS = 3
_LONGEST_CIRCLE = 5


@dataclass(frozen=True, slots=True)
class Hop:
    """What answered a packet that may pass `ttl` - 1 routers; `address` None: nothing did.

    Silence of a hop with answers behind it is no loss: routers limit such answers, or send none.
    """

    ttl: int
    address: IPAddress | None = None
    rtt_ms: float | None = None
    icmp: Icmp | None = None  # None for an answer of the target that is no ICMP error

    @property
    def forwards(self) -> bool:
        """A router on the way: it said that the packet's time was up."""
        return self.icmp is not None and self.icmp.time_exceeded


@dataclass(frozen=True, slots=True)
class Trace(Observation):
    """Packets of one kind to one port, each allowed to pass one router more than the last.

    `reached` is the distance at which the target itself answered; `error` the symbol of the error
    that ended the way (an ICMP error of somebody else, or this machine's own refusal), TIMEOUT
    where it just goes silent.  `pending` marks the early word of a trace under way.
    """

    probe: ClassVar[str] = "path"
    address: IPAddress
    port: int | None
    transport: str = "tcp"
    hops: tuple[Hop, ...] = ()
    reached: int | None = None
    error: str | None = None
    ms: float | None = None
    pending: bool = False

    @property
    def routers(self) -> tuple[Hop, ...]:
        """The hops that passed packets on and said so, in order."""
        return tuple(hop for hop in self.hops if hop.forwards and hop.address is not None)

    @property
    def last(self) -> Hop | None:
        """The last router that answered."""
        return self.routers[-1] if self.routers else None

    @property
    def stopped(self) -> Hop | None:
        """The hop that refused to pass the packet on, with an ICMP error."""
        ends = [h for h in self.hops if h.icmp is not None and not h.icmp.time_exceeded]
        return ends[0] if ends and self.reached is None else None

    def at(self, ttl: int) -> IPAddress | None:
        """The router at a distance; None where none told of itself."""
        return next((hop.address for hop in self.routers if hop.ttl == ttl), None)

    def distance(self, router: IPAddress) -> int | None:
        """How far away a router is, in hops; None if it did not answer."""
        return next((hop.ttl for hop in self.routers if hop.address == router), None)

    @property
    def circle(self) -> tuple[IPAddress | None, ...]:
        """The routers that the packet meets again and again, in order; empty if there is no circle.

        None stands for a router that tells nothing of itself.  The packet must still go round
        where the trace ends: a way that leads out of the repetition was no circle.
        """
        if self.reached is not None or self.stopped is not None:
            return ()
        return circle([self.at(ttl) for ttl in range(1, self.last.ttl + 1)]) if self.last else ()

    def row(self) -> ProbeRow:
        detail: dict[str, Any] = {
            "transport": self.transport,
            "reached_after_hops": self.reached,
            "last_router": None if self.last is None else str(self.last.address),
            "hops": [
                {
                    "ttl": hop.ttl,
                    "address": None if hop.address is None else str(hop.address),
                    "rtt_ms": hop.rtt_ms,
                    "icmp": None if hop.icmp is None else hop.icmp.label,
                }
                for hop in self.hops
            ],
        }
        subject = f"the way to {endpoint(self.address, self.port)} ({self.transport})"
        if self.pending:
            reason = {"reason": "the verdict was there before the trace had ended"}
            return ProbeRow("path", subject, Outcome.SKIPPED, None, None, reason)
        if self.reached is not None:
            return ProbeRow("path", subject, Outcome.OK, self.ms, None, detail)
        return ProbeRow("path", subject, Outcome.FAILED, self.ms, self.error or TIMEOUT, detail)


def circle(way: Sequence[IPAddress | None]) -> tuple[IPAddress | None, ...]:
    """The shortest repetition at the end of a way; empty if there is none.

    `way` holds what answered at distance 1, 2, …  In each place of the repetition always the same
    router answers or none, in no other place it does, and each was met at least _ROUNDS times.
    """
    for period in range(2, _LONGEST_CIRCLE + 1):
        for start in range(len(way)):
            if way[start] is None:
                continue
            places = [{*way[start + n :: period]} - {None} for n in range(period)]
            if any(len(place) > 1 for place in places):
                continue
            round_ = tuple(next(iter(place), None) for place in places)
            known = [router for router in round_ if router is not None]
            met = way[start:]
            if len({*known}) == len(known) and all(met.count(k) >= _ROUNDS for k in known):
                return round_
    return ()
