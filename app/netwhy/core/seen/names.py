"""The name: configuration, files, the system's look-up, and each resolver's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from netwhy.core.model import IPAddress, Outcome, ProbeRow
from netwhy.core.seen.icmp import Icmp, icmp_detail
from netwhy.core.seen.observation import TIMEOUT, Observation

#: What fits an IPv6 path without fragments (DNS flag day 2020).
EDNS_PAYLOAD = 1232


@dataclass(frozen=True, slots=True)
class ConfiguredResolver:
    """One `nameserver` line.  `used` is False where the system ignores it; `problem` says why.

    `address` and `port` of an ignored line are what was meant, where that can be seen.
    """

    address: IPAddress | None
    text: str
    line: int
    used: bool = True
    problem: str | None = None
    port: int = 53


@dataclass(frozen=True, slots=True)
class ResolverConfig(Observation):
    """The resolver configuration as the C library reads it, with line numbers.

    `state`: "ok", "missing", "dangling" (a link to nothing), "empty" (no usable nameserver) or
    "unreadable".  `lookups` is the `hosts:` line of nsswitch.conf ("" where there is none), its
    number `lookups_line`.  `options` are the names of the options without their values.
    `search_line` and `ndots_line` are the lines that set them, 0 where none does.
    """

    probe: ClassVar[str] = "dns"
    path: str
    state: str
    resolvers: tuple[ConfiguredResolver, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout_s: int = 5
    attempts: int = 2
    ignored: tuple[tuple[int, str, str], ...] = ()  # (line, text, why)
    lookups: str = ""
    lookups_line: int = 0
    options: tuple[str, ...] = ()
    search_line: int = 0
    ndots_line: int = 0

    @property
    def used(self) -> tuple[IPAddress, ...]:
        """The servers that the system really asks, in order."""
        return tuple(r.address for r in self.resolvers if r.used and r.address is not None)

    def row(self) -> ProbeRow:
        outcome = Outcome.OK if self.used else Outcome.FAILED
        detail = {
            "state": self.state,
            "resolvers": [str(a) for a in self.used],
            "search": list(self.search),
            "ignored_lines": [line for line, _text, _why in self.ignored],
        }
        return ProbeRow("dns", self.path, outcome, None, None, detail)


@dataclass(frozen=True, slots=True)
class HostsEntry(Observation):
    """What the hosts file says of one name: (line, address) for each line that names it.

    `names` are the other names on those lines; `similar` are names of the file that differ from
    this one by a slip of the finger, looked for only where no line names it; `commented` is a
    line (number, text) that would name it, were it not commented out.
    """

    probe: ClassVar[str] = "dns"
    name: str
    path: str
    entries: tuple[tuple[int, IPAddress], ...] = ()
    names: tuple[str, ...] = ()
    similar: tuple[str, ...] = ()
    commented: tuple[int, str] | None = None

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        return tuple(dict.fromkeys(address for _line, address in self.entries))

    def row(self) -> ProbeRow:
        detail = {"lines": [{"line": n, "address": str(a)} for n, a in self.entries]}
        return ProbeRow("dns", self.path, Outcome.OK, None, None, detail)


@dataclass(frozen=True, slots=True)
class SystemLookup(Observation):
    """The system's own look-up (`getaddrinfo`).  `error` is `EAI_…`, an errno, or TIMEOUT."""

    probe: ClassVar[str] = "dns"
    name: str
    addresses: tuple[IPAddress, ...] = ()
    error: str | None = None
    ms: float | None = None

    def row(self) -> ProbeRow:
        outcome = Outcome.FAILED if self.error else Outcome.OK
        detail = {"by": "system", "addresses": [str(a) for a in self.addresses]}
        return ProbeRow("dns", self.name, outcome, self.ms, self.error, detail)


@dataclass(frozen=True, slots=True)
class DnsAnswer(Observation):
    """One query to one server.

    `error` is None for any answer that arrived; then `rcode` is its symbol.  Otherwise `error`
    is an errno or TIMEOUT, with the ICMP error where one came.  `addresses` are the A/AAAA
    records at the end of `chain` (the CNAMEs in order).  `records` counts answers of the asked
    type.  `ede` holds (code, text) of RFC 8914.  `soa` is (owner, negative TTL in seconds).
    `ttl` is how long the answer may still be kept, in seconds.  `payload` 0: asked without EDNS.
    `stray` is the first reply that no client takes, while no other came: ("other-address",
    "other-id", "other-question" or "unreadable", its sender).
    """

    probe: ClassVar[str] = "dns"
    server: IPAddress
    port: int
    name: str
    rrtype: str
    transport: str = "udp"
    checking_disabled: bool = False
    rcode: str | None = None
    addresses: tuple[IPAddress, ...] = ()
    records: int = 0
    chain: tuple[str, ...] = ()
    recursion_available: bool = True
    truncated: bool = False
    authoritative: bool = False
    ede: tuple[tuple[int, str], ...] = ()
    soa: tuple[str, int] | None = None
    error: str | None = None
    icmp: Icmp | None = None
    ms: float | None = None
    tries: int = 1
    pending: bool = False  # the early word of a query that has no answer yet
    payload: int = EDNS_PAYLOAD
    attempt: int = 0
    ttl: int | None = None
    stray: tuple[str, IPAddress] | None = None

    @property
    def silent(self) -> bool:
        return self.error == TIMEOUT

    @property
    def nodata(self) -> bool:
        return self.rcode == "NOERROR" and self.records == 0 and not self.truncated

    def row(self) -> ProbeRow:
        bad = self.error or (None if self.rcode == "NOERROR" else self.rcode)
        detail: dict[str, Any] = {
            "by": f"{self.server}:{self.port}" if self.port != 53 else str(self.server),
            "type": self.rrtype,
            "transport": self.transport,
            "rcode": self.rcode,
            "addresses": [str(a) for a in self.addresses],
            **icmp_detail(self.icmp),
        }
        if self.chain:
            detail["chain"] = list(self.chain)
        if self.ede:
            detail["ede"] = [{"code": c, "text": t} for c, t in self.ede]
        if self.checking_disabled:
            detail["checking_disabled"] = True
        if self.payload != EDNS_PAYLOAD:
            detail["edns"] = self.payload or False
        if self.truncated:
            detail["truncated"] = True
        if self.stray is not None:
            detail["stray"] = {"why": self.stray[0], "from": str(self.stray[1])}
        if self.ttl is not None:
            detail["ttl"] = self.ttl
        outcome = Outcome.FAILED if bad else Outcome.OK
        return ProbeRow("dns", self.name, outcome, self.ms, bad, detail)
