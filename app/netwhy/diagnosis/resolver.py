"""One resolver: alive, deaf, refusing, or out of reach, and whose fault that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netwhy.core.asks import DnsAsk, LocalAsk
from netwhy.core.errnames import ede_name
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import TIMEOUT, DnsAnswer, SystemLookup, endpoint
from netwhy.diagnosis import firewall
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.refusal import explained

#: Causes that stop more than the resolver: they are named instead of it.
_DEEPER = (
    "local.offline",
    "local.interface-down",
    "local.loopback-down",
    "local.firewall",
    "local.files-exhausted",
    "local.ports-exhausted",
    "route.gateway-silent",
)


@dataclass(frozen=True, slots=True)
class Server:
    """One resolver and everything it answered so far."""

    address: IPAddress
    answers: tuple[DnsAnswer, ...]

    @property
    def answered(self) -> bool:
        """Did any reply come back, whatever it said?"""
        return any(a.rcode is not None for a in self.answers)

    @property
    def failed(self) -> bool:
        """Every query got an error or silence."""
        return bool(self.answers) and all(a.error is not None for a in self.answers)

    @property
    def error(self) -> DnsAnswer | None:
        """The most telling failure: a refusal before silence."""
        errors = [a for a in self.answers if a.error is not None]
        return next((a for a in errors if a.error != TIMEOUT), errors[0] if errors else None)

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        return tuple(dict.fromkeys(x for a in self.answers for x in a.addresses))

    @property
    def nonexistent(self) -> bool:
        """NXDOMAIN for every name asked, and no address for any."""
        replies = [a for a in self.answers if a.rcode is not None]
        return (
            bool(replies)
            and not self.addresses
            and any(a.rcode == "NXDOMAIN" for a in replies)
            and all(a.rcode in ("NXDOMAIN", "NOERROR") and not a.records for a in replies)
            and not any(a.nodata for a in replies)
        )

    @property
    def empty(self) -> bool:
        return any(a.nodata for a in self.answers)

    @property
    def lame(self) -> bool:
        """Answers without recursion and without authority: not a resolver (RFC 1034 §4.3)."""
        replies = [a for a in self.answers if a.rcode is not None]
        return bool(replies) and all(
            not a.recursion_available and a.soa is None and not a.authoritative and a.nodata
            for a in replies
        )

    def has(self, rcode: str) -> bool:
        return any(a.rcode == rcode for a in self.answers)

    @property
    def ede(self) -> str | None:
        """The extended error (RFC 8914) as one text."""
        for answer in self.answers:
            for code, text in answer.ede:
                name = f"{ede_name(code)} ({code})"
                return f"{name}: {text}" if text else name
        return None


def describe(server: Server) -> str:
    """What this resolver did, as one sentence."""
    if server.answered:
        if server.addresses:
            return say(
                "resolver-addresses",
                resolver=server.address,
                addresses=", ".join(map(str, server.addresses[:4])),
            )
        rcodes = dict.fromkeys(
            "no data" if a.nodata else a.rcode or "" for a in server.answers if a.rcode
        )
        took = next((a.ms for a in server.answers if a.rcode), None)
        text = say(
            "resolver-answered", resolver=server.address, rcode=" and ".join(rcodes), took=ms(took)
        )
        return f"{text} (extended error {server.ede})" if server.ede else text
    failure = server.error
    if failure is None:
        return say("resolver-not-asked", resolver=server.address)
    if failure.error == TIMEOUT:
        return say(
            "resolver-silent", resolver=server.address, tries=failure.tries, took=ms(failure.ms)
        )
    if failure.icmp is not None:
        return say(
            "resolver-icmp",
            resolver=server.address,
            icmp=failure.icmp.label,
            sender=failure.icmp.sender or "an unknown address",
            error=failure.error or "",
        )
    return say("resolver-error", resolver=server.address, error=failure.error or "")


def system_said(looked_up: SystemLookup) -> str:
    """What the system's own look-up gave, as one sentence."""
    key = "system-lookup-timeout" if looked_up.error == TIMEOUT else "system-lookup-failed"
    return say(key, name=looked_up.name, error=looked_up.error or "", took=ms(looked_up.ms))


def unreachable(
    case: Case, looked_up: SystemLookup, servers: Sequence[Server], *, port: int = 53
) -> Finding | None:
    """No resolver answered.  A deeper fault of this machine's way out is named instead."""
    verdicts = [_one(case, server, port) for server in servers]
    if any(verdict is None for verdict in verdicts):
        return None
    told = [v for v in verdicts if v is not None]
    findings = [v for v in told if isinstance(v, Finding)]
    deeper = next((f for f in findings if f.cause in _DEEPER or _no_way_out(case, f)), None)
    if deeper is not None:
        return deeper
    kind, blamed = _kind(servers, told)
    evidence = [describe(server) for server in servers]
    for verdict in told:
        if isinstance(verdict, Finding):
            evidence += [line for line in verdict.evidence if line not in evidence]
    return _blame(case, looked_up, servers, kind, blamed, evidence, port)


def _kind(servers: Sequence[Server], told: Sequence[Finding | str]) -> tuple[str, Server]:
    """The cause that stands for all dead resolvers, and the resolver it is told of.

    The one whose refusal says most comes first; silence of all others does not outweigh it.
    """
    for kind in ("alive", "tcp", "closed"):
        if kind in told:
            return kind, servers[list(told).index(kind)]
    for server, verdict in zip(servers, told, strict=False):
        if isinstance(verdict, Finding):
            return "unreachable", server
    return "silent", servers[0]


def _blame(
    case: Case,
    looked_up: SystemLookup,
    servers: Sequence[Server],
    kind: str,
    blamed: Server,
    evidence: list[str],
    port: int,
) -> Finding:
    causes = {
        "alive": ("dns.upstream-dead", 0.9, ()),
        "tcp": ("dns.udp-blocked", 0.93, ()),
        "closed": ("dns.resolver-not-listening", 0.97, ()),
        "unreachable": ("dns.resolver-unreachable", 0.92, ()),
        "silent": ("dns.resolver-silent", 0.9, ("dns.upstream-dead", "path.silent")),
    }
    cause, confidence, rivals = causes[kind]
    if kind == "alive":
        evidence.insert(0, say("resolver-alive", resolver=blamed.address))
    if kind == "tcp":
        evidence.insert(0, say("resolver-tcp", resolver=blamed.address))
    if kind == "silent":
        evidence.append(say("resolver-tcp-silent", resolver=blamed.address))
    if looked_up.error:
        evidence.append(system_said(looked_up))
    return case.finding(
        cause,
        confidence,
        str(blamed.address),
        evidence=evidence,
        rivals=rivals,
        variant=("all" if len(servers) > 1 else "one") if kind == "silent" else "",
        resolver=blamed.address,
        resolvers=", ".join(str(s.address) for s in servers),
        address=blamed.address,
        name=looked_up.name,
        error=looked_up.error,
        port=port,
        endpoint=endpoint(blamed.address, port),
    )


def _one(case: Case, server: Server, port: int) -> Finding | str | None:
    """Why one resolver does not answer: a finding, or "closed", "silent", "alive", "tcp".

    None while it is not decided.
    """
    failure = server.error
    if failure is None:
        return None if case.waiting else "silent"
    if failure.error != TIMEOUT:
        icmp = failure.icmp
        from_server = icmp is None or icmp.sender in (server.address, None)
        local = case.want(LocalAsk())
        own = local is not None and local.owns(server.address)
        if failure.error == "ECONNREFUSED" and (from_server or own):
            return "closed"
        if failure.error == "EPERM" and icmp is None:
            return firewall.send_forbidden(case, server.address, port, failure.error)
        if icmp is not None and not icmp.own:
            return _reported(case, server, port, failure)
        return explained(case, server.address, port, failure.error or "", icmp, failure.ms)
    early = local_layer.loopback_down(case, server.address) or route_layer.neighbour_silent(
        case, server.address
    )
    if early is not None and not failure.pending:
        return early
    alive = case.want(DnsAsk(server.address, "version.bind", "TXT", port, rrclass="CH"))
    over_tcp = case.want(
        DnsAsk(server.address, failure.name, failure.rrtype, port, transport="tcp")
    )
    if failure.pending or case.waiting:
        return None
    if alive is not None and alive.rcode is not None:
        return "alive"
    if over_tcp is not None and over_tcp.rcode is not None:
        return "tcp"
    return "silent"


def _reported(case: Case, server: Server, port: int, failure: DnsAnswer) -> Finding:
    """A router or firewall between here and the resolver says no."""
    icmp = failure.icmp
    return case.finding(
        "dns.resolver-unreachable",
        0.92,
        str(server.address),
        evidence=(
            say(
                "icmp-from",
                icmp=icmp.label if icmp else "",
                sender=icmp.sender if icmp else "",
                took=ms(failure.ms),
                error=failure.error or "",
            ),
        ),
        resolver=server.address,
        address=server.address,
        sender=icmp.sender if icmp else None,
        icmp=icmp.label if icmp else None,
        error=failure.error,
        endpoint=endpoint(server.address, port),
    )


def _no_way_out(case: Case, finding: Finding) -> bool:
    """Does the fault on the way to the resolver stop everything beyond this link?"""
    if finding.cause != "route.none":
        return False
    local = case.want(LocalAsk())
    return local is not None and not local.gateways
