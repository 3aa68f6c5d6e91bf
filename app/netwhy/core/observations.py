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
from netwhy.core.seen.packets import Connect, LocalDrops, Ping, PortUse, UdpExchange
from netwhy.core.seen.ports import BindTry, Owner, PortTable, Socket

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
    "Gateway",
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
    "PortTable",
    "PortUse",
    "ResolverConfig",
    "Route",
    "Skipped",
    "Sniff",
    "Socket",
    "SystemLookup",
    "TlsHandshake",
    "UdpExchange",
    "Url",
    "endpoint",
]
