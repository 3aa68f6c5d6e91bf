"""Packets to a host: pings, connects, datagrams, and what the kernel counted meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from netwhy.core.model import IPAddress, Outcome, ProbeRow
from netwhy.core.protocols import readable, spoken
from netwhy.core.seen.icmp import Icmp, icmp_detail
from netwhy.core.seen.observation import TIMEOUT, Observation, endpoint


@dataclass(frozen=True, slots=True)
class Ping(Observation):
    """One echo exchange.  `error` None: answered.  `unavailable` says why it could not be sent."""

    probe: ClassVar[str] = "ping"
    address: IPAddress
    rtt_ms: float | None = None
    error: str | None = None
    icmp: Icmp | None = None
    unavailable: str | None = None

    @property
    def answered(self) -> bool:
        return self.error is None and self.unavailable is None

    def row(self) -> ProbeRow:
        if self.unavailable:
            detail = {"reason": self.unavailable}
            return ProbeRow("ping", str(self.address), Outcome.SKIPPED, None, self.error, detail)
        outcome = Outcome.FAILED if self.error else Outcome.OK
        return ProbeRow(
            "ping", str(self.address), outcome, self.rtt_ms, self.error, icmp_detail(self.icmp)
        )


@dataclass(frozen=True, slots=True)
class Connect(Observation):
    """One TCP connect.

    `pending` marks the early word of a connect that is still silent.  `ms` is the time until the
    outcome was known; `rtt_ms` the kernel's own round trip (`TCP_INFO`), None without a sample.
    `resends` are SYNs sent again; `resends_left` is False when the kernel sent them again but
    none got out of this machine (`tcpi_total_retrans` grows, `tcpi_retrans` stays 0: the kernel's
    `tcp_retransmit_skb` counts only what the output path took), None where that cannot be read.
    `ended` is how the peer ended the open connection within the moment that it was kept (CLOSED or
    ECONNRESET), `ended_ms` when, and `greeting` the first bytes that it said by itself then.
    `queued` means that the first SYN itself still waits here, for a neighbour to answer.
    """

    probe: ClassVar[str] = "tcp"
    address: IPAddress
    port: int
    error: str | None = None
    ms: float | None = None
    rtt_ms: float | None = None
    icmp: Icmp | None = None
    source: tuple[IPAddress, int] | None = None
    resends: int = 0
    resends_left: bool | None = None
    queued: bool = False
    pending: bool = False
    self_connected: bool = False
    ended: str | None = None
    ended_ms: float | None = None
    greeting: bytes = b""

    @property
    def open(self) -> bool:
        return self.error is None and not self.pending

    @property
    def silent(self) -> bool:
        return self.pending or self.error in (TIMEOUT, "ETIMEDOUT")

    @property
    def refused_by_reset(self) -> bool:
        """A real RST: refused, and no ICMP error was queued."""
        return self.error == "ECONNREFUSED" and self.icmp is None

    @property
    def alive(self) -> bool:
        """The host itself answered: a handshake, or an RST."""
        return self.open or self.refused_by_reset or self.error == "ECONNRESET"

    def row(self) -> ProbeRow:
        detail: dict[str, Any] = {
            "rtt_ms": self.rtt_ms,
            "resent_syns": self.resends,
            "source": None if self.source is None else f"{self.source[0]}",
            **icmp_detail(self.icmp),
        }
        if self.greeting:
            detail["greeting"] = readable(self.greeting)
            detail["greeting_looks_like"] = spoken(self.greeting)
        if self.ended is not None:
            detail |= {"ended_by_peer": self.ended, "ended_after_ms": self.ended_ms}
        if self.resends_left is not None:
            detail["resent_syns_left_this_machine"] = self.resends_left
        outcome = Outcome.OK if self.open else Outcome.FAILED
        if self.open and self.resends:
            outcome = Outcome.DEGRADED
        subject = endpoint(self.address, self.port)
        return ProbeRow("tcp", subject, outcome, self.ms, self.error, detail)


@dataclass(frozen=True, slots=True)
class UdpExchange(Observation):
    """One datagram and what came back.  `request` names what was sent ("empty", "DNS", "NTP"…)."""

    probe: ClassVar[str] = "udp"
    address: IPAddress
    port: int
    request: str
    replied: bool = False
    error: str | None = None
    icmp: Icmp | None = None
    ms: float | None = None
    sent: bool = True  # False: the send itself was refused
    connected: bool = True  # False: not even a destination could be set, so nothing was tried
    pending: bool = False  # the early word of an exchange that is still silent

    @property
    def silent(self) -> bool:
        return not self.replied and self.error == TIMEOUT

    def row(self) -> ProbeRow:
        outcome = Outcome.OK if self.replied else Outcome.FAILED
        detail: dict[str, Any] = {"request": self.request, **icmp_detail(self.icmp)}
        if self.silent:
            outcome = Outcome.SKIPPED
            detail["reason"] = "no answer: open or filtered, UDP cannot tell"
        subject = endpoint(self.address, self.port)
        return ProbeRow("udp", subject, outcome, self.ms, self.error, detail)


@dataclass(frozen=True, slots=True)
class LocalDrops(Observation):
    """Two tries of a silent port against the kernel's counters, each beside an idle baseline.

    `received` are packets that reached this machine and were given to no protocol, more than in
    the baseline of equal length, for each try; `noise` is that baseline; `out_failed` are resends
    that failed to leave; `reverse_path` are packets that reverse path filtering dropped.
    """

    probe: ClassVar[str] = "local"
    address: IPAddress
    port: int
    received: tuple[int, ...] = ()
    out_failed: tuple[int, ...] = ()
    noise: tuple[int, ...] = ()
    reverse_path: tuple[int, ...] = ()

    def row(self) -> ProbeRow:
        detail = {
            "undelivered_packets": list(self.received),
            "undelivered_before": list(self.noise),
            "failed_resends": list(self.out_failed),
            "reverse_path_filtered": list(self.reverse_path),
        }
        subject = f"kernel counters for {endpoint(self.address, self.port)}"
        return ProbeRow("local", subject, Outcome.OK, None, None, detail)


@dataclass(frozen=True, slots=True)
class ResetOrigin(Observation):
    """What moved while a port was asked again and answered with RST at once.

    For each try: packets that this machine received in all, and those of them that came over its
    own loopback.  Empty where the answer did not come at once, or nothing can be counted.
    """

    probe: ClassVar[str] = "local"
    address: IPAddress
    port: int
    received: tuple[int, ...] = ()
    over_loopback: tuple[int, ...] = ()

    @property
    def here(self) -> bool:
        """Two tries were answered over loopback while nothing at all came from outside.

        In one more something did: a reset from outside would have been counted in every try.
        """
        return len(self.received) - self.from_outside > 1 >= self.from_outside

    @property
    def from_outside(self) -> int:
        """Tries in which a packet came from outside, or none at all was counted."""
        pairs = zip(self.received, self.over_loopback, strict=False)
        return sum(not 0 < every <= own for every, own in pairs)

    def row(self) -> ProbeRow:
        detail = {"received": list(self.received), "over_loopback": list(self.over_loopback)}
        subject = f"where the reset of {endpoint(self.address, self.port)} comes from"
        return ProbeRow("local", subject, Outcome.OK, None, None, detail)


@dataclass(frozen=True, slots=True)
class PortUse(Observation):
    """How many local sockets already go to one destination, against the ports there are.

    With UDP: how many have a port of that range at all.
    """

    probe: ClassVar[str] = "local"
    address: IPAddress
    port: int
    used: int
    available: int
    time_wait: int = 0
    transport: str = "tcp"

    def row(self) -> ProbeRow:
        detail = {"used": self.used, "available": self.available, "time_wait": self.time_wait}
        subject = f"source ports to {endpoint(self.address, self.port)}"
        return ProbeRow("local", subject, Outcome.OK, None, None, detail)
