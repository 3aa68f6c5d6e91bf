"""A small network made of facts: all is well here and nothing answers from afar, unless told.

A row of a table names what is different.  `examined` then plays the engine: it answers what the
diagnosis asks until it asks for nothing new.  Addresses are those of the documentation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import Any

from netwhy.core import asks
from netwhy.core.model import Finding, IPAddress, Target, TargetReport, Verdict
from netwhy.core.observations import (
    TIMEOUT,
    BindTry,
    Certificate,
    ConfiguredResolver,
    Connect,
    DnsAnswer,
    Exchange,
    Flow,
    Gateway,
    Hop,
    HostsEntry,
    HttpExchange,
    Icmp,
    Interface,
    InterfaceAddress,
    LocalDrops,
    LocalState,
    Neighbour,
    Observation,
    Owner,
    Ping,
    PortServed,
    PortTable,
    PortUse,
    ResetOrigin,
    ResolverConfig,
    Route,
    Series,
    Shot,
    Skipped,
    Sniff,
    Socket,
    Stray,
    SystemLookup,
    TlsHandshake,
    Trace,
    UdpExchange,
    Url,
)
from netwhy.core.target import parse, parse_bind, this_machine
from netwhy.diagnosis.case import Beside
from netwhy.diagnosis.examine import Examination, examine
from netwhy.probes.series import SPREAD_MS

AskOf = asks.Ask[Any]

# ------------------------------------------------------------------------------------- addresses

HERE, HERE6 = "192.0.2.10", "2001:db8:1::10"
GATEWAY, GATEWAY6 = "192.0.2.1", "fe80::1%eth0"
PRINTER, PRINTER6 = "192.0.2.20", "2001:db8:1::20"  # on our own link
SERVER, SERVER6 = "198.51.100.7", "2001:db8:2::7"
SERVER_B = "198.51.100.8"
ROUTER, ROUTER6 = "203.0.113.1", "2001:db8:9::1"
HOP6 = "2001:db8:1::1"  # the gateway, as it names itself to those beyond its link
RESOLVER = "192.0.2.53"  # on our own link
FAR_RESOLVER = "198.51.100.53"
NAME = "db.example.com"

#: What the contrast tries beside the target's own port.
OTHER_PORTS = (443, 80, 22, 47_808)
HIGH_UDP_PORT = 33_434


def ip(text: str | IPAddress) -> IPAddress:
    return ip_address(text) if isinstance(text, str) else text


# ---------------------------------------------------------------------------------- this machine


def interface(
    name: str, *addresses: str, up: bool = True, carrier: bool | None = True
) -> Interface:
    """An interface; an address is written `192.0.2.10/24`, with a state as `…/64 tentative`."""
    held = []
    for text in addresses:
        written, _blank, state = text.partition(" ")
        address, _slash, prefix = written.partition("/")
        held.append(InterfaceAddress(ip(address), int(prefix or 32), state))
    return Interface(name, len(name), up, carrier, name == "lo", tuple(held))


LO = interface("lo", "127.0.0.1/8", "::1/128", carrier=None)
ETH0 = interface("eth0", f"{HERE}/24", f"{HERE6}/64", "fe80::10/64")
BOTH_GATEWAYS = (Gateway(ip(GATEWAY), "eth0", 4), Gateway(ip(GATEWAY6), "eth0", 6))


def machine(*interfaces: Interface, **changes: Any) -> LocalState:
    """A healthy machine with both families, or one with other interfaces or other facts."""
    state = LocalState(
        hostname="web-03",
        platform="linux",
        privileged=False,
        interfaces=(LO, *(interfaces or (ETH0,))),
        gateways=BOTH_GATEWAYS,
        ephemeral_range=(32768, 60999),
        files_limit=1024,
        files_open=12,
    )
    return replace(state, **changes)


HEALTHY = machine()


def no_route(address: str, error: str = "ENETUNREACH") -> Route:
    return Route(ip(address), error=error)


def neighbour(address: str, state: str, confirmed_s: float | None = None) -> Neighbour:
    return Neighbour(ip(address), "eth0", state, confirmed_s)


@dataclass(frozen=True)
class Settled(Observation):
    """What the kernel's own check of an old neighbour entry came to."""

    entry: Neighbour


@dataclass(frozen=True)
class Attempt(Observation):
    """What the try of this number brought, where tries differ."""

    number: int
    seen: Observation


# -------------------------------------------------------------------------------- hosts and ports


def icmp(kind: str, sender: str | None) -> Icmp:
    """An ICMP error, `3/13` or `v6 1/1`; its sender decides whether it is our own."""
    version, _blank, numbers = kind.rpartition(" ")
    type_, code = (int(n) for n in numbers.split("/"))
    own = sender is not None and (sender in (HERE, HERE6) or ip(sender).is_loopback)
    return Icmp(6 if version else 4, type_, code, None if sender is None else ip(sender), own)


def opens(address: str, port: int, **changes: Any) -> Connect:
    return Connect(ip(address), port, **({"ms": 1.5, "rtt_ms": 0.9} | changes))


def resets(address: str, port: int, **changes: Any) -> Connect:
    """A closed port: RST."""
    return Connect(ip(address), port, error="ECONNREFUSED", **({"ms": 0.4} | changes))


def connect_fails(
    address: str, port: int, error: str, from_icmp: Icmp | None = None, **changes: Any
) -> Connect:
    return Connect(ip(address), port, error=error, icmp=from_icmp, **({"ms": 2.0} | changes))


def silent(address: str, port: int, **changes: Any) -> Connect:
    """Two SYNs that left this machine, and nothing came back."""
    seen = {"error": TIMEOUT, "ms": 3600.0, "resends": 1, "resends_left": True} | changes
    return Connect(ip(address), port, **seen)


def all_ports(address: str, error: str, from_icmp: Icmp | None = None) -> tuple[Connect, ...]:
    """Every port that the contrast tries ends alike."""
    return tuple(connect_fails(address, port, error, from_icmp) for port in OTHER_PORTS)


def pings(address: str) -> Ping:
    return Ping(ip(address), rtt_ms=0.4)


def ping_fails(address: str, error: str = TIMEOUT, from_icmp: Icmp | None = None) -> Ping:
    return Ping(ip(address), error=error, icmp=from_icmp)


def ping_unavailable(address: str) -> Ping:
    return Ping(ip(address), error="EACCES", unavailable="this user may not send ICMP echo")


#: When the shots of a series are sent (s): close together, or spread at uneven intervals.
CLOSE = [number * 0.02 for number in range(20)]
SPREAD = [1.0 + sum(SPREAD_MS[:number]) / 1000 for number in range(30)]


def series(
    address: str,
    port: int | None = None,
    *,
    lost: Iterable[int] = (),
    rtts_ms: Iterable[float] = (0.9,),
    spread: bool = False,
    **changes: Any,
) -> Series:
    """A series of pings, or of SYNs to a closed port; `lost` are the numbers without an answer."""
    times, gone = [*rtts_ms], {*lost}
    shots = tuple(
        Shot(at, number not in gone, None if number in gone else times[number % len(times)])
        for number, at in enumerate(SPREAD if spread else CLOSE)
    )
    return Series(ip(address), port, shots, **changes)


def stray(address: str, error: str | None = "ECONNREFUSED", **changes: Any) -> Stray:
    """A port picked at random: closed, unless told otherwise."""
    seen: dict[str, Any] = {"port": 61_234, "rtt_ms": 0.9} | changes
    return Stray(ip(address), error=error, **seen)


def attempts(*seen: Observation) -> tuple[Attempt, ...]:
    """What the first try brought, the second…"""
    return tuple(Attempt(number, each) for number, each in enumerate(seen, start=1))


def replies(address: str, port: int) -> UdpExchange:
    return UdpExchange(ip(address), port, "DNS query", replied=True, ms=1.0)


def udp_fails(
    address: str, port: int, error: str = TIMEOUT, from_icmp: Icmp | None = None, **changes: Any
) -> UdpExchange:
    seen = {"ms": 1.0, "sent": error == TIMEOUT or from_icmp is not None} | changes
    return UdpExchange(ip(address), port, "a short datagram", error=error, icmp=from_icmp, **seen)


@dataclass(frozen=True)
class Limited(Observation):
    """What came of a datagram that has to end after so many hops."""

    seen: UdpExchange
    ttl: int


def hop_says(address: str, ttl: int, router: str) -> Limited:
    """The router at that hop says that the datagram's hops are used up."""
    kind = "11/0" if ip(address).version == 4 else "v6 3/0"
    ended = udp_fails(address, HIGH_UDP_PORT, "EHOSTUNREACH", icmp(kind, router))
    return Limited(ended, ttl)


def drops(address: str, port: int, *received: int) -> LocalDrops:
    return LocalDrops(ip(address), port, received, tuple(0 for _ in received))


def way(
    address: str, port: int | None, *routers: str, transport: str = "tcp", **changes: Any
) -> Trace:
    """A trace: what answered at distance 1, 2, …; `*` is a silence, and the target has arrived.

    Without the target itself the way ends in silence.
    """
    expired = 11 if ip(address).version == 4 else 3
    hops = []
    for ttl, text in enumerate(routers, start=1):
        if text == "*":
            hops.append(Hop(ttl))
        elif text == address:
            hops.append(Hop(ttl, ip(address), 0.9))
        else:
            hops.append(Hop(ttl, ip(text), 0.4, Icmp(ip(address).version, expired, 0, ip(text))))
    reached = routers.index(address) + 1 if address in routers else None
    seen = {"reached": reached, "error": None if reached else TIMEOUT, "ms": 1400.0} | changes
    return Trace(ip(address), port, transport, tuple(hops), **seen)


def reset_origin(address: str, port: int, *tries: tuple[int, int]) -> ResetOrigin:
    """Each try: packets received in all, and those over loopback."""
    every, loopback = zip(*tries, strict=True) if tries else ((), ())
    return ResetOrigin(ip(address), port, tuple(every), tuple(loopback))


# ------------------------------------------------------------------------------ above the port

CLOCK = "2026-03-01T12:00:00Z"
SHOP = "shop.example.com"


def cert(*names: str, **changes: Any) -> Certificate:
    """A certificate of a good authority, within its time."""
    seen: dict[str, Any] = {
        "subject": names[0] if names else SHOP,
        "issuer": "Example Issuing CA 1",
        "names": names or (SHOP,),
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2026-06-01T00:00:00Z",
    }
    return Certificate(**(seen | changes))


def shakes(address: str, port: int = 443, **changes: Any) -> TlsHandshake:
    """A handshake that works and whose certificate is trusted."""
    seen: dict[str, Any] = {
        "name": SHOP,
        "verified": True,
        "version": "TLSv1.3",
        "cipher": "TLS_AES_256_GCM_SHA384",
        "chain": (cert(),),
        "head": b"\x16\x03\x03",
        "received": 3000,
        "clock": CLOCK,
        "connect_ms": 0.9,
        "ms": 4.2,
    }
    return TlsHandshake(ip(address), port, **(seen | changes))


def shake_fails(address: str, error: str, port: int = 443, **changes: Any) -> TlsHandshake:
    """A handshake that fails, by an alert unless told otherwise."""
    seen: dict[str, Any] = {
        "verified": False,
        "error": error,
        "phase": "handshake",
        "version": None,
        "cipher": None,
        "chain": (),
        "head": b"\x15\x03\x03\x00\x02\x02(",
        "received": 7,
    }
    return shakes(address, port, **(seen | changes))


def untrusted(address: str, verify: str, *chain: Certificate, **changes: Any) -> TlsHandshake:
    """A certificate that OpenSSL does not trust, and the chain as sent."""
    seen: dict[str, Any] = {"verify": verify, "chain": chain or (cert(),), "alert_sent": True}
    return shake_fails(address, "CERTIFICATE_VERIFY_FAILED", **(seen | changes))


@dataclass(frozen=True)
class Offered(Observation):
    """What a contrast handshake brought: `kind` is old, strict, nameless or read."""

    kind: str
    seen: TlsHandshake


@dataclass(frozen=True)
class Again(Observation):
    """What the same brought in small segments (`small`), or in a second try."""

    seen: TlsHandshake | HttpExchange | Exchange
    small: bool = False
    attempt: int = 1


def flow(**changes: Any) -> Flow:
    """A connection that stands still: pieces came past a gap, all that was sent arrived."""
    seen: dict[str, Any] = {
        "received": 0,
        "sent": 517,
        "silent_ms": 4500.0,
        "unacked": 0,
        "resends": 0,
        "out_of_order": 1,
        "mss": 1448,
        "path_mtu": 1500,
    }
    return Flow(**(seen | changes))


#: All went through, at once.
FLOWS = flow(received=4000, silent_ms=2.0, out_of_order=0)


def url(text: str) -> Url:
    scheme, _, rest = text.partition("://")
    end, slash, path = rest.partition("/")
    host, _, port = end.partition(":")
    return Url(scheme, host, int(port or {"http": 80, "https": 443}[scheme]), slash + path or "/")


def page(text: str, status: int = 200, to: str | None = None, **changes: Any) -> HttpExchange:
    """The answer to a GET of a URL, which may send on to another."""
    seen: dict[str, Any] = {
        "status": status,
        "head": b"HTTP/1.1 ",
        "next": url(to) if to else None,
        "clock": CLOCK,
        "first_byte_ms": 2.0,
        "ms": 3.0,
    }
    return HttpExchange(ip(SERVER), url(text), **(seen | changes))


def page_fails(text: str, error: str, head: bytes = b"", **changes: Any) -> HttpExchange:
    seen = {"status": None, "error": error, "head": head, "phase": "answer"} | changes
    return page(text, **seen)


def says_first(address: str, port: int, head: bytes, **changes: Any) -> Sniff:
    return Sniff(ip(address), port, head, ms=1.0, **changes)


def exchanged(address: str, port: int, error: str | None, **changes: Any) -> Exchange:
    """An exchange that did not bring what was expected."""
    seen: dict[str, Any] = {"phase": "receive", "sent": 4, "to_send": 4, "ms": 5.0}
    return Exchange(ip(address), port, error=error, **(seen | changes))


# ------------------------------------------------------------------------------------------ names


def resolv_conf(*servers: str, **changes: Any) -> ResolverConfig:
    listed = tuple(
        ConfiguredResolver(ip(server), server, line) for line, server in enumerate(servers, start=1)
    )
    state = {"state": "ok", "lookups": "files dns", "resolvers": listed} | changes
    return ResolverConfig("/etc/resolv.conf", **state)


def looks_up(name: str, *addresses: str, ms: float = 8.0) -> SystemLookup:
    return SystemLookup(name, tuple(ip(a) for a in addresses), None, ms)


def look_up_fails(name: str, error: str, ms: float = 12.0) -> SystemLookup:
    return SystemLookup(name, (), error, ms)


def hosts_file(name: str, *addresses: str, **changes: Any) -> HostsEntry:
    return HostsEntry(name, "/etc/hosts", tuple((7, ip(a)) for a in addresses), **changes)


def answer(server: str, name: str, rrtype: str, *addresses: str, **changes: Any) -> DnsAnswer:
    """One reply of a resolver; with neither addresses nor an rcode it is NODATA."""
    seen: dict[str, Any] = {"port": 53, "ms": 3.0}
    if "error" not in changes:
        seen |= {"rcode": "NOERROR", "addresses": tuple(map(ip, addresses))}
        seen |= {"records": len(addresses)}
    return DnsAnswer(ip(server), name=name, rrtype=rrtype, **(seen | changes))


def says(server: str, name: str, *addresses: str, **changes: Any) -> tuple[DnsAnswer, ...]:
    """The replies for A and AAAA of a name."""
    four = [a for a in addresses if ip(a).version == 4]
    six = [a for a in addresses if ip(a).version == 6]
    return (
        answer(server, name, "A", *four, **changes),
        answer(server, name, "AAAA", *six, **changes),
    )


def version_bind(server: str, port: int = 53) -> DnsAnswer:
    """The resolver lives: it says who it is."""
    return answer(server, "version.bind", "TXT", records=1, port=port)


# ------------------------------------------------------------------------------------ local ports


def socket(address: str, port: int, state: str = "LISTEN", **changes: Any) -> Socket:
    seen = {"transport": "udp" if state == "UNCONN" else "tcp"} | changes
    return Socket(address=ip(address), port=port, state=state, **seen)


def owner(name: str, pid: int, **changes: Any) -> Owner:
    return Owner(pid=pid, name=name, **({"user": name} | changes))


def table(port: int, *sockets: Socket, transport: str = "tcp") -> PortTable:
    return PortTable(port, transport, sockets)


def bind_fails(
    address: str,
    port: int,
    error: str,
    *,
    reuse: str | None = "",
    transport: str = "tcp",
    dual: bool = False,
) -> tuple[BindTry, BindTry]:
    """The plain bind and the one with SO_REUSEADDR; `reuse` "" means that it fails alike."""
    second = error if reuse == "" else reuse
    return (
        BindTry(ip(address), port, transport, False, error, dual),
        BindTry(ip(address), port, transport, True, second, dual),
    )


# ------------------------------------------------------------------------------------- the world

Told = Observation | tuple[Any, ...]


def _flat(told: Iterable[Told]) -> Iterator[Observation]:
    for each in told:
        if isinstance(each, tuple):
            yield from _flat(each)
        else:
            yield each


class World:
    """Answers asks: with what it was told, else as a healthy machine on a quiet network would.

    Asks of the types in `withheld` never get an answer; those in `skipped` get the word that the
    probe could not be run.
    """

    def __init__(
        self,
        *told: Told,
        withheld: tuple[type[AskOf], ...] = (),
        skipped: tuple[type[AskOf], ...] = (),
    ) -> None:
        self._told = {_key(seen): _seen(seen) for seen in _flat(told)}
        self._withheld = withheld
        self._skipped = skipped
        local = self._told.get((asks.LocalAsk,), HEALTHY)
        assert isinstance(local, LocalState)
        self._local = local

    def _first_try(self, ask: AskOf) -> Observation | None:
        """A repetition ends as the first try did, unless told otherwise."""
        if not isinstance(ask, _REPEATED) or (ask.segment is None and ask.attempt == 1):
            return None
        return self.answer(replace(ask, segment=None, attempt=1, **_TRUSTING.get(type(ask), {})))

    def answer(self, ask: AskOf) -> Observation | None:
        if isinstance(ask, self._withheld):
            return None
        if isinstance(ask, self._skipped):
            return Skipped(ask.probe, str(ask), "could not be run")
        for key in _keys(ask):
            if key in self._told:
                return self._told[key]
        return self._first_try(ask) or self._usual(ask)

    def _usual(self, ask: AskOf) -> Observation:
        match ask:
            case asks.LocalAsk():
                return self._local
            case asks.RouteAsk():
                return self._route(ask.address)
            case asks.NeighbourAsk():
                return Neighbour(ask.address, ask.interface, "REACHABLE", 0.1)
            case asks.PingAsk():
                near = ask.address in (ip(GATEWAY), ip(GATEWAY6))
                return pings(str(ask.address)) if near else ping_fails(str(ask.address))
            case asks.ConnectAsk():
                return self._connect(ask)
            case asks.SeriesAsk():
                return series(str(ask.address), ask.port, spread=ask.spread)
            case asks.StrayAsk():
                return stray(str(ask.address), TIMEOUT, rtt_ms=None, ttl=ask.ttl)
            case asks.UdpAsk():
                return udp_fails(str(ask.address), ask.port)
            case asks.TraceAsk():
                return self._trace(ask)
            case asks.DnsAsk():
                return DnsAnswer(
                    ask.server, ask.port, ask.name, ask.rrtype, error=TIMEOUT, ms=4400.0, tries=2
                )
            case asks.SystemLookupAsk():
                return look_up_fails(ask.name, "EAI_NONAME")
            case asks.TlsAsk():
                return self._handshake(ask)
            case asks.SniffAsk():
                return Sniff(ask.address, ask.port, error=TIMEOUT, ms=1400.0)
            case asks.HttpAsk():
                return replace(page("http://x/"), address=ask.address, url=ask.url)
            case asks.ExchangeAsk():
                return Exchange(ask.address, ask.port, ask.transport, matched=True, received=4)
            case _:
                return self._of_this_machine(ask)

    def _of_this_machine(self, ask: AskOf) -> Observation:
        match ask:
            case asks.ResolverConfigAsk():
                return resolv_conf(RESOLVER)
            case asks.HostsAsk():
                return hosts_file(ask.name)
            case asks.LocalDropsAsk():
                return drops(str(ask.address), ask.port, 0, 0)
            case asks.ResetOriginAsk():
                return reset_origin(str(ask.address), ask.port, (1, 0))
            case asks.PortUseAsk():
                return PortUse(ask.address, ask.port, used=3, available=28232)
            case asks.PortTableAsk():
                return table(ask.port, transport=ask.transport)
            case asks.BindAsk():
                return BindTry(ask.address, ask.port, ask.transport, ask.reuse, dual=ask.dual)
            case asks.ServedAsk():
                return PortServed(ask.port)
        raise AssertionError(f"no answer for {ask}")

    def _connect(self, ask: asks.ConnectAsk) -> Connect:
        near = ask.address in (ip(GATEWAY), ip(GATEWAY6)) or self._local.owns(ask.address)
        where = str(ask.address)
        return resets(where, ask.port) if near else silent(where, ask.port)

    def _trace(self, ask: asks.TraceAsk) -> Trace:
        """Nobody but the gateway tells of itself, and that only if it answers at all."""
        at_gateway = self._told.get((asks.ConnectAsk, ip(GATEWAY), OTHER_PORTS[-1]))
        mute = isinstance(at_gateway, Connect) and at_gateway.silent
        router = "*" if mute else GATEWAY if ask.address.version == 4 else HOP6
        return way(str(ask.address), ask.port, router, "*", "*", transport=ask.transport)

    def _handshake(self, ask: asks.TlsAsk) -> TlsHandshake:
        """Works; a contrast to a handshake that fails fails alike."""
        first = self._told.get((asks.TlsAsk, ask.address, ask.port, ""))
        if isinstance(first, TlsHandshake) and not ask.trust:
            return replace(first, name=ask.name, offer=ask.offer, pending=False)
        names = (ask.name or SHOP,)
        return shakes(str(ask.address), ask.port, name=ask.name, chain=(cert(*names),))

    def _route(self, address: IPAddress) -> Route:
        """By the machine's own interfaces and default gateways, as the kernel would."""
        if self._local.owns(address):
            return Route(address, None, "lo", source=address, local=True)
        for interface in self._local.interfaces:
            for own in interface.addresses if interface.up else ():
                network = ip_network(f"{_plain(own.address)}/{own.prefix}", strict=False)
                if address.version == own.address.version and address in network:
                    return Route(address, None, interface.name, None, own.address)
        for gateway in self._local.gateways:
            if gateway.family == address.version:
                source = ip(HERE if address.version == 4 else HERE6)
                return Route(address, None, gateway.interface, gateway.address, source)
        return no_route(str(address))


def _plain(address: IPAddress) -> str:
    return str(address).partition("%")[0]


def _seen(observation: Observation) -> Observation:
    if isinstance(observation, Offered | Limited | Again | Attempt):
        return observation.seen
    return observation.entry if isinstance(observation, Settled) else observation


def _key(seen: Observation) -> tuple[object, ...]:
    """Which ask an observation answers.  Deadlines are no part of it."""
    match seen:
        case LocalState():
            return (asks.LocalAsk,)
        case Route():
            flow = () if seen.port is None else (seen.transport, seen.port)
            return (asks.RouteAsk, seen.address, *flow)
        case Neighbour():
            return (asks.NeighbourAsk, seen.address)
        case Settled():
            return (asks.NeighbourAsk, seen.entry.address, "settled")
        case Ping():
            return (asks.PingAsk, seen.address)
        case Again():
            return (*_key(seen.seen), seen.small, seen.attempt)
        case Attempt():
            return (*_key(seen.seen), seen.number)
        case Series():
            return (asks.SeriesAsk, seen.address, seen.port, seen.shots[0].at_s >= 1.0)
        case Stray():
            return (asks.StrayAsk, seen.address, seen.ttl)
        case Offered():
            return (asks.TlsAsk, seen.seen.address, seen.seen.port, seen.kind)
        case TlsHandshake():
            return (asks.TlsAsk, seen.address, seen.port, "")
        case Sniff():
            return (asks.SniffAsk, seen.address, seen.port)
        case HttpExchange():
            return (asks.HttpAsk, seen.url)
        case Exchange():
            return (asks.ExchangeAsk, seen.address, seen.port)
        case Connect():
            return (asks.ConnectAsk, seen.address, seen.port)
        case Limited():
            return (asks.UdpAsk, seen.seen.address, seen.seen.port, seen.ttl)
        case UdpExchange():
            return (asks.UdpAsk, seen.address, seen.port)
        case LocalDrops():
            return (asks.LocalDropsAsk, seen.address, seen.port)
        case Trace():
            return (asks.TraceAsk, seen.address, seen.port, seen.transport)
        case ResetOrigin():
            return (asks.ResetOriginAsk, seen.address, seen.port)
        case PortUse():
            return (asks.PortUseAsk, seen.address, seen.port)
        case PortTable():
            return (asks.PortTableAsk, seen.port, seen.transport)
        case BindTry():
            return (asks.BindAsk, seen.address, seen.port, seen.transport, seen.reuse, seen.dual)
        case PortServed():
            return (asks.ServedAsk, seen.port)
        case ResolverConfig():
            return (asks.ResolverConfigAsk,)
        case HostsEntry():
            return (asks.HostsAsk, seen.name)
        case SystemLookup():
            return (asks.SystemLookupAsk, seen.name)
        case DnsAnswer():
            question = (seen.server, seen.name, seen.rrtype)
            how = (seen.transport, seen.checking_disabled, seen.payload, seen.attempt)
            return (asks.DnsAsk, *question, seen.port, *how)
    raise AssertionError(f"no ask for {seen}")


def _keys(ask: AskOf) -> list[tuple[object, ...]]:
    """The keys under which an answer may have been told, the most specific first."""
    if isinstance(ask, _REPEATED) and (ask.segment is not None or ask.attempt > 1):
        first = replace(ask, segment=None, attempt=1, **_TRUSTING.get(type(ask), {}))
        return [(*_keys(first)[0], ask.segment is not None, ask.attempt)]
    match ask:
        case asks.NeighbourAsk():
            plain = (asks.NeighbourAsk, ask.address)
            return [(*plain, "settled"), plain] if ask.settle else [plain]
        case asks.RouteAsk():
            plain = (asks.RouteAsk, ask.address)
            return [plain] if ask.port is None else [(*plain, ask.transport, ask.port), plain]
        case asks.PingAsk():
            return [(type(ask), ask.address)]
        case asks.UdpAsk() if ask.ttl is not None:
            return [(asks.UdpAsk, ask.address, ask.port, ask.ttl)]
        case asks.SeriesAsk():
            return [(asks.SeriesAsk, ask.address, ask.port, ask.spread)]
        case asks.StrayAsk():
            plain = (asks.StrayAsk, ask.address, ask.ttl)
            return [(*plain, 2 if ask.low else ask.attempt), plain]
        case asks.ConnectAsk():
            plain = (asks.ConnectAsk, ask.address, ask.port)
            return [(*plain, ask.attempt), plain]
        case asks.UdpAsk() | asks.LocalDropsAsk() | asks.PortUseAsk():
            return [(type(ask), ask.address, ask.port)]
        case asks.TraceAsk():
            return [(asks.TraceAsk, ask.address, ask.port, ask.transport)]
        case asks.ResetOriginAsk():
            return [(asks.ResetOriginAsk, ask.address, ask.port)]
        case asks.TlsAsk():
            return [(asks.TlsAsk, ask.address, ask.port, _offer(ask))]
        case asks.SniffAsk() | asks.ExchangeAsk():
            return [(type(ask), ask.address, ask.port)]
        case asks.HttpAsk():
            return [(asks.HttpAsk, ask.url)]
        case asks.PortTableAsk():
            return [(asks.PortTableAsk, ask.port, ask.transport)]
        case asks.BindAsk():
            return [(asks.BindAsk, ask.address, ask.port, ask.transport, ask.reuse, ask.dual)]
        case asks.ServedAsk():
            return [(asks.ServedAsk, ask.port)]
        case asks.HostsAsk() | asks.SystemLookupAsk():
            return [(type(ask), ask.name)]
        case asks.DnsAsk():
            question = (ask.server, ask.name, ask.rrtype)
            how = (ask.transport, ask.checking_disabled, ask.payload, ask.attempt)
            return [(asks.DnsAsk, *question, ask.port, *how)]
    return [(type(ask),)]


_REPEATED = (asks.TlsAsk, asks.HttpAsk, asks.ExchangeAsk)
#: A contrast reads and does not trust: the key is that of the target's own handshake.
_TRUSTING: dict[type[AskOf], dict[str, Any]] = {asks.TlsAsk: {"trust": True}}


def _offer(ask: asks.TlsAsk) -> str:
    """Which contrast a handshake is; empty for the target's own."""
    if ask.trust:
        return ""
    if ask.name is None:
        return "nameless"
    return "read" if ask.offer == "common" else ask.offer


# ---------------------------------------------------------------------------------- examinations


@dataclass(frozen=True)
class Examined:
    """How an examination ended, and everything that was asked on the way.

    `open` is what was wanted and never answered; `before` the report just before time was up.
    """

    report: TargetReport
    before: TargetReport
    asked: tuple[AskOf, ...]
    open: tuple[AskOf, ...]

    @property
    def first(self) -> Finding | None:
        return self.report.diagnosis

    @property
    def causes(self) -> tuple[str, ...]:
        return tuple(finding.cause for finding in self.report.findings)


def target_of(text: str) -> Target:
    """A target as it is typed; `this machine` and `bind …` are read as the commands do."""
    if text == "this machine":
        return this_machine()
    return parse_bind(text.removeprefix("bind ")) if text.startswith("bind ") else parse(text)


def examined(
    text: str, world: World, timeout_s: float | None = None, beside: tuple[str, ...] = ()
) -> Examined:
    """Play the engine: answer what is asked until nothing new is, then call time."""
    return together((text,), world, timeout_s, beside)[0]


def together(
    texts: tuple[str, ...],
    world: World,
    timeout_s: float | None = None,
    beside: tuple[str, ...] = (),
) -> list[Examined]:
    """The same for several targets of one run, side by side: each may look at the others."""
    targets = [target_of(text) for text in texts]
    facts: list[dict[AskOf, Observation]] = [{} for _ in targets]
    others: dict[str, Beside] = {}

    def look(n: int, *, final: bool = False) -> Examination:
        found = examine(
            targets[n], facts[n], timeout_s=timeout_s, final=final, beside=beside,
            others=lambda: [o for text, o in others.items() if text != targets[n].text],
        )  # fmt: skip
        if found.report.addresses:
            others[targets[n].text] = Beside(targets[n], found.report.addresses, facts[n])
        return found

    for _round in range(60):
        latest = [look(n) for n in range(len(targets))]
        news = [
            {
                ask: seen
                for ask in (*found.wants, *found.hopes)
                if ask not in facts[n] and (seen := world.answer(ask)) is not None
            }
            for n, found in enumerate(latest)
        ]
        if not any(news):
            return [
                Examined(
                    look(n, final=True).report,
                    found.report,
                    tuple(dict.fromkeys((*facts[n], *found.wants, *found.hopes))),
                    tuple(ask for ask in found.wants if ask not in facts[n]),
                )
                for n, found in enumerate(latest)
            ]
        for known, new in zip(facts, news, strict=True):
            known |= new
    raise AssertionError("the diagnosis never stops asking")


# ------------------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Row:
    """One story: what is seen of a target, and what must be said of it.

    `cause` None means that there is nothing to tell.  `also` are the causes of the further
    findings.  `evidence` are parts of the title or the evidence of the first finding; `asks` must
    have been asked on the way, `never` must not.  `beside` are the names of other targets, and
    `others` are targets that are checked in the same run.
    """

    story: str
    target: str
    seen: tuple[Told, ...] = ()
    cause: str | None = None
    verdict: Verdict | None = None
    evidence: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()
    asks: tuple[AskOf, ...] = ()
    never: tuple[type[AskOf], ...] = ()
    also: tuple[str, ...] = ()
    withheld: tuple[type[AskOf], ...] = ()
    skipped: tuple[type[AskOf], ...] = ()
    reason: str = ""
    beside: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.story

    @property
    def causes(self) -> tuple[str, ...]:
        return () if self.cause is None else (self.cause, *self.also)

    @property
    def expected(self) -> Verdict:
        return self.verdict or (Verdict.OK if self.cause is None else Verdict.FAILING)

    @property
    def world(self) -> World:
        return World(*self.seen, withheld=self.withheld, skipped=self.skipped)


def check(row: Row) -> None:
    """Examine the target of a row, and compare with what the row says."""
    found = together((row.target, *row.others), row.world, beside=row.beside)[0]
    told = "\n".join((found.first.title, *found.first.evidence)) if found.first else ""
    for finding in found.report.findings:
        if finding.alternatives or finding.certainty != "proved":
            tests = [fix for fix in finding.fixes if fix.decides]
            assert len(tests) == 1, f"{finding.cause} is open, and its TOML has no `decide`"
            assert finding.fixes[-1] is tests[0]
    assert found.causes == row.causes, told
    assert found.report.verdict is row.expected, told
    for part in row.evidence:
        assert part in told, f"not told: {part}\n{told}"
    for part in row.unsaid:
        assert part not in told, f"must not be told: {part}\n{told}"
    rivals = {a.cause for a in found.first.alternatives} if found.first else set()
    assert set(row.rivals) <= rivals, f"rivals are {rivals}"
    assert set(row.asks) <= set(found.asked), f"not asked: {set(row.asks) - set(found.asked)}"
    unwanted = [ask for ask in found.asked if isinstance(ask, row.never)]
    assert not unwanted, f"must not be asked: {unwanted}"
    reason = found.report.reason or ""
    assert row.reason in reason, f"the reason is {reason!r}"
