"""What probes see.  Each observation is one frozen fact; `row` is how surfaces show it.

Errors are symbols (`ECONNREFUSED`, `EAI_NONAME`, `NXDOMAIN`), never numbers: numbers differ
between platforms.  `TIMEOUT` is the symbol for "nothing came before our own deadline", which is
not the kernel's `ETIMEDOUT`.  Times are milliseconds; None means not measured, never zero.
"""

from netwhy.core.seen.exchange import (
    CLOSED,
    MALFORMED,
    UNTRUSTED,
    Certificate,
    Exchange,
    HttpExchange,
    Sniff,
    TlsHandshake,
    Url,
)
from netwhy.core.seen.flow import Flow
from netwhy.core.seen.icmp import Icmp
from netwhy.core.seen.machine import (
    Gateway,
    Interface,
    InterfaceAddress,
    LocalState,
    Neighbour,
    Route,
)
from netwhy.core.seen.names import (
    EDNS_PAYLOAD,
    ConfiguredResolver,
    DnsAnswer,
    HostsEntry,
    ResolverConfig,
    SystemLookup,
)
from netwhy.core.seen.observation import TIMEOUT, Observation, Skipped, endpoint
from netwhy.core.seen.packets import (
    Connect,
    LocalDrops,
    Ping,
    PortUse,
    ResetOrigin,
    UdpExchange,
)
from netwhy.core.seen.ports import BindTry, Owner, PortServed, PortTable, Socket, last_ends_s
from netwhy.core.seen.series import Series, Shot, Stray
from netwhy.core.seen.trace import Hop, Trace

__all__ = [
    "CLOSED",
    "EDNS_PAYLOAD",
    "MALFORMED",
    "TIMEOUT",
    "UNTRUSTED",
    "BindTry",
    "Certificate",
    "ConfiguredResolver",
    "Connect",
    "DnsAnswer",
    "Exchange",
    "Flow",
    "Gateway",
    "Hop",
    "HostsEntry",
    "HttpExchange",
    "Icmp",
    "Interface",
    "InterfaceAddress",
    "LocalDrops",
    "LocalState",
    "Neighbour",
    "Observation",
    "Owner",
    "Ping",
    "PortServed",
    "PortTable",
    "PortUse",
    "ResetOrigin",
    "ResolverConfig",
    "Route",
    "Series",
    "Shot",
    "Skipped",
    "Sniff",
    "Socket",
    "Stray",
    "SystemLookup",
    "TlsHandshake",
    "Trace",
    "UdpExchange",
    "Url",
    "endpoint",
    "last_ends_s",
]
