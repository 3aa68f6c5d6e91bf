"""What the diagnosis asks for.  An ask is data: the engine runs the probe that answers it.

Each ask is frozen and hashable, so that equal asks are answered once, also across targets.
`deadline_s` is how long the probe may take in all.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    probe: ClassVar[str] = "route"
    address: IPAddress


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
class ConnectAsk(Ask[seen.Connect]):
    """`timeout_s` None: the default of 3.6 s, longer than a neighbour's silence (3.08 s).

    A second `attempt` asks again, where the first answer may have been overtaken.
    """

    probe: ClassVar[str] = "tcp"
    deadline_s: ClassVar[float] = 30.0
    address: IPAddress
    port: int
    timeout_s: float | None = None
    attempt: int = 1


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
class LocalDropsAsk(Ask[seen.LocalDrops]):
    probe: ClassVar[str] = "local"
    deadline_s: ClassVar[float] = 6.0
    address: IPAddress
    port: int


@dataclass(frozen=True, slots=True)
class PortUseAsk(Ask[seen.PortUse]):
    probe: ClassVar[str] = "local"
    address: IPAddress
    port: int


@dataclass(frozen=True, slots=True)
class PortTableAsk(Ask[seen.PortTable]):
    """All sockets with this local port, in every state, with their owners."""

    probe: ClassVar[str] = "local"
    port: int
    transport: str = "tcp"


@dataclass(frozen=True, slots=True)
class BindAsk(Ask[seen.BindTry]):
    probe: ClassVar[str] = "bind"
    address: IPAddress
    port: int
    transport: str = "tcp"
    reuse: bool = False


@dataclass(frozen=True, slots=True)
class TlsAsk(Ask[seen.TlsHandshake]):
    """A TLS handshake.  `name` is sent as SNI and must be in the certificate; None: neither.

    `offer` is what this side can do: "common" (TLS 1.2 and 1.3 as most clients), "strict" (forward
    secrecy only), "old" (everything that OpenSSL still knows, for contrast).  `trust` False:
    anything is accepted, to read it.  `check_name` False: any name in the certificate is accepted.
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
