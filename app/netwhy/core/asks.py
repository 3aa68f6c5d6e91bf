"""What the diagnosis asks for.  An ask is data: the engine runs the probe that answers it.

Each ask is frozen and hashable, so that equal asks are answered once, also across targets.
`deadline_s` is how long the probe may take in all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Generic, TypeVar

from netwhy.core import observations as seen
from netwhy.core.model import IPAddress

T = TypeVar("T", bound=seen.Observation)

#: What fits an IPv6 path without fragments (DNS flag day 2020).
EDNS_PAYLOAD = seen.EDNS_PAYLOAD


class Ask(Generic[T]):
    """Base of all asks; the parameter is the observation that answers."""

    __slots__ = ()
    probe: ClassVar[str]
    deadline_s: ClassVar[float] = 5.0
    #: How long a check that needs nothing else still waits for this answer.
    patience_s: ClassVar[float] = 1.0
    #: How long an answer also serves those who ask the same later; None: a moment only.
    fresh_s: ClassVar[float | None] = None

    def patience(self) -> float:
        """Seconds; more than `patience_s` where the way to the host is known to be long."""
        return self.patience_s


@dataclass(frozen=True, slots=True)
class LocalAsk(Ask[seen.LocalState]):
    probe: ClassVar[str] = "local"


@dataclass(frozen=True, slots=True)
class ResolverConfigAsk(Ask[seen.ResolverConfig]):
    probe: ClassVar[str] = "dns"


@dataclass(frozen=True, slots=True)
class HostsAsk(Ask[seen.HostsEntry]):
    probe: ClassVar[str] = "dns"
    name: str


@dataclass(frozen=True, slots=True)
class SystemLookupAsk(Ask[seen.SystemLookup]):
    """`family` is 4, 6 or None for both.  The C library may need 28 s with three dead servers."""

    probe: ClassVar[str] = "dns"
    deadline_s: ClassVar[float] = 6.0
    name: str
    family: int | None = None


@dataclass(frozen=True, slots=True)
class DnsAsk(Ask[seen.DnsAnswer]):
    """`rrtype` of class CHAOS is asked as `CH` in `rrclass`.

    `payload` is the room that EDNS offers for the answer in bytes, 0 to ask without EDNS.
    `within_s` shortens the time that the probe waits for an answer; `attempt` tells a repeated
    question from the first one.
    """

    probe: ClassVar[str] = "dns"
    deadline_s: ClassVar[float] = 6.0
    patience_s: ClassVar[float] = 2.0
    server: IPAddress
    name: str
    rrtype: str
    port: int = 53
    transport: str = "udp"
    checking_disabled: bool = False
    rrclass: str = "IN"
    payload: int = EDNS_PAYLOAD
    within_s: float | None = None
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class RouteAsk(Ask[seen.Route]):
    """With `transport` and `port` the route of that very flow: rules may look at those too."""

    probe: ClassVar[str] = "route"
    address: IPAddress
    transport: str | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class NeighbourAsk(Ask[seen.Neighbour]):
    """The entry after traffic was sent: the probe waits while it is INCOMPLETE.

    With `settle` it also waits for the kernel's own check of an old entry (DELAY, PROBE), which
    takes up to 8 s.
    """

    probe: ClassVar[str] = "route"
    deadline_s: ClassVar[float] = 12.0
    address: IPAddress
    interface: str
    settle: bool = False


@dataclass(frozen=True, slots=True)
class PingAsk(Ask[seen.Ping]):
    probe: ClassVar[str] = "ping"
    deadline_s: ClassVar[float] = 4.0
    patience_s: ClassVar[float] = 0.5
    address: IPAddress


@dataclass(frozen=True, slots=True)
class SeriesAsk(Ask[seen.Series]):
    """Twenty echo requests within 0.3 s; with a `port`, which must be a closed one, fifteen SYNs.

    With `spread`: thirty, at uneven intervals within some three seconds.  `rtt_ms` is what is known
    of the way: it says how long to wait, and does not make another ask.
    """

    probe: ClassVar[str] = "ping"
    deadline_s: ClassVar[float] = 9.0
    patience_s: ClassVar[float] = 0.45
    #: A monitor that checks each second need not send a series each second.
    fresh_s: ClassVar[float | None] = 45.0
    address: IPAddress
    port: int | None = None
    spread: bool = False
    rtt_ms: float = field(default=0.0, compare=False)

    def patience(self) -> float:
        return self.patience_s + 2.5 * self.rtt_ms / 1000


@dataclass(frozen=True, slots=True)
class StrayAsk(Ask[seen.Stray]):
    """Connect to a port that the probe picks at random; each `attempt` picks another one.

    The SYN is sent three times, `gap_s` apart, unless it is answered: on a bad line the first one
    is lost as well.  With a `ttl` it may go no further than to that hop.  With `low` it is a port
    that belongs to nobody, far from those that are picked else: what serves a range of ports
    serves hardly both.
    """

    probe: ClassVar[str] = "tcp"
    deadline_s: ClassVar[float] = 4.0
    patience_s: ClassVar[float] = 0.05
    fresh_s: ClassVar[float | None] = 45.0
    address: IPAddress
    attempt: int = 1
    low: bool = False
    ttl: int | None = None
    rtt_ms: float = field(default=0.0, compare=False)

    @property
    def gap_s(self) -> float:
        return max(0.05, 1.2 * self.rtt_ms / 1000)

    def patience(self) -> float:
        return self.patience_s + 2 * self.gap_s + 1.2 * self.rtt_ms / 1000


@dataclass(frozen=True, slots=True)
class ConnectAsk(Ask[seen.Connect]):
    """`timeout_s` None: the default of 3.6 s, longer than a neighbour's silence (3.08 s).

    A second `attempt` asks again, where the first answer may have been overtaken.  A `glimpse` does
    not wait for what the peer does with an open connection.
    """

    probe: ClassVar[str] = "tcp"
    deadline_s: ClassVar[float] = 30.0
    address: IPAddress
    port: int
    timeout_s: float | None = None
    attempt: int = 1
    glimpse: bool = False


@dataclass(frozen=True, slots=True)
class UdpAsk(Ask[seen.UdpExchange]):
    """`send` replaces the request that the probe would choose for the port.

    With a `ttl` the datagram ends at that hop, which then says so (time exceeded).
    """

    probe: ClassVar[str] = "udp"
    deadline_s: ClassVar[float] = 30.0
    address: IPAddress
    port: int
    timeout_s: float | None = None
    send: str | None = None
    ttl: int | None = None


@dataclass(frozen=True, slots=True)
class TraceAsk(Ask[seen.Trace]):
    """The way of packets to a port, router by router.  `transport`: tcp, udp or icmp (port None).

    `ahead` is how many distances beyond the last router that answered are tried at once: so many
    packets at most reach a target that answers.
    """

    probe: ClassVar[str] = "path"
    deadline_s: ClassVar[float] = 6.0
    patience_s: ClassVar[float] = 2.0
    address: IPAddress
    port: int | None
    transport: str = "tcp"
    ahead: int = 5


@dataclass(frozen=True, slots=True)
class LocalDropsAsk(Ask[seen.LocalDrops]):
    """With UDP the datagram is `send`, or what the probe would choose for the port."""

    probe: ClassVar[str] = "local"
    deadline_s: ClassVar[float] = 6.0
    address: IPAddress
    port: int
    transport: str = "tcp"
    send: str | None = None


@dataclass(frozen=True, slots=True)
class ResetOriginAsk(Ask[seen.ResetOrigin]):
    """Does the RST of a port come from this machine itself, or over a link?"""

    probe: ClassVar[str] = "local"
    address: IPAddress
    port: int


@dataclass(frozen=True, slots=True)
class PortUseAsk(Ask[seen.PortUse]):
    """How many source ports are taken: towards that destination, or all of them with UDP."""

    probe: ClassVar[str] = "local"
    address: IPAddress
    port: int
    transport: str = "tcp"


@dataclass(frozen=True, slots=True)
class PortTableAsk(Ask[seen.PortTable]):
    """All sockets with this local port, in every state, with their owners."""

    probe: ClassVar[str] = "local"
    port: int
    transport: str = "tcp"


@dataclass(frozen=True, slots=True)
class ServedAsk(Ask[seen.PortServed]):
    """Who really answers on this TCP port at each own address; connects only where it is open."""

    probe: ClassVar[str] = "local"
    patience_s: ClassVar[float] = 2.0  # several listeners that share a port take several tries
    fresh_s: ClassVar[float | None] = 30.0  # one who watches a port does not knock at each look
    port: int


@dataclass(frozen=True, slots=True)
class BindAsk(Ask[seen.BindTry]):
    """`::` is tried for IPv6 alone; with `dual` as a server that leaves IPV6_V6ONLY alone."""

    probe: ClassVar[str] = "bind"
    address: IPAddress
    port: int
    transport: str = "tcp"
    reuse: bool = False
    dual: bool = False


@dataclass(frozen=True, slots=True)
class TlsAsk(Ask[seen.TlsHandshake]):
    """A TLS handshake.  `name` is sent as SNI and must be in the certificate; None: neither.

    `offer` is what this side can do: "common" (TLS 1.2 and 1.3 as most clients), "strict" (forward
    secrecy only), "old" (everything that OpenSSL still knows, for contrast).  `trust` False:
    anything is accepted, to read it.  `check_name` False: any name in the certificate is accepted.

    Here and below: `segment` is the most bytes that a packet may carry in either direction
    (TCP_MAXSEG, RFC 9293 §3.7.1), None for what the path is believed to take; a second `attempt`
    asks the same again.
    """

    probe: ClassVar[str] = "tls"
    deadline_s: ClassVar[float] = 30.0
    address: IPAddress
    port: int
    name: str | None = None
    timeout_s: float | None = None
    offer: str = "common"
    trust: bool = True
    check_name: bool = True
    segment: int | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class SniffAsk(Ask[seen.Sniff]):
    """The first words of a port over plain TCP."""

    probe: ClassVar[str] = "tcp"
    deadline_s: ClassVar[float] = 6.0
    address: IPAddress
    port: int


@dataclass(frozen=True, slots=True)
class HttpAsk(Ask[seen.HttpExchange]):
    """One GET.  A certificate that is not trusted is reported, and the request made all the same:
    it holds nothing secret."""

    probe: ClassVar[str] = "http"
    deadline_s: ClassVar[float] = 40.0
    patience_s: ClassVar[float] = 2.0
    address: IPAddress
    url: seen.Url
    timeout_s: float | None = None
    segment: int | None = None
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class ExchangeAsk(Ask[seen.Exchange]):
    """Send a text and wait for one that contains `expect`.  `name` is the TLS name.

    `transport`: tcp, tls or udp.  Without `expect` any answer will do, and none too.
    """

    probe: ClassVar[str] = "exchange"
    deadline_s: ClassVar[float] = 40.0
    address: IPAddress
    port: int
    transport: str = "tcp"
    name: str | None = None
    send: str | None = None
    expect: str | None = None
    timeout_s: float | None = None
    segment: int | None = None
    attempt: int = 1
