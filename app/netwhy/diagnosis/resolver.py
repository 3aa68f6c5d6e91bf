"""One resolver: alive, deaf, refusing, or out of reach, and whose fault that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netwhy.core.asks import DnsAsk, LocalAsk
from netwhy.core.model import Finding
from netwhy.core.observations import TIMEOUT, DnsAnswer, Icmp, SystemLookup, endpoint
from netwhy.diagnosis import firewall
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, Refusal, ms, say
from netwhy.diagnosis.refusal import explained
from netwhy.diagnosis.server import CONTRAST_S, Server, describe, system_said

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


def unreachable(
    case: Case, looked_up: SystemLookup, servers: Sequence[Server], *, port: int = 53
) -> Finding | None:
    """No resolver answered.  A deeper fault of this machine's way out is named instead."""
    verdicts = {server: _one(case, server, port) for server in servers}
    if case.waiting or any(s.error is not None and s.error.pending for s in servers):
        return None
    told = {server: verdict for server, verdict in verdicts.items() if verdict is not None}
    if not told:
        return _never_asked(case, looked_up, servers)
    findings = [v for v in told.values() if isinstance(v, Finding)]
    deeper = next((f for f in findings if f.cause in _DEEPER or _no_way_out(case, f)), None)
    if deeper is not None:
        return deeper
    kind, blamed = _kind(told)
    evidence = [describe(server) for server in servers]
    for finding in findings:
        evidence += [line for line in finding.evidence if line not in evidence]
    return _blame(case, looked_up, servers, kind, blamed, evidence, port)


def _never_asked(case: Case, looked_up: SystemLookup, servers: Sequence[Server]) -> Finding:
    """No query could be made at all: only the system's own words are known."""
    return case.finding(
        "unexplained",
        0.3,
        looked_up.name,
        evidence=(*(describe(server) for server in servers), system_said(looked_up)),
        name=looked_up.name,
        error=looked_up.error,
    )


def _kind(told: Mapping[Server, Finding | str]) -> tuple[str, Server]:
    """The cause that stands for all dead resolvers, and the resolver it is told of.

    The one whose refusal says most comes first; silence of all others does not outweigh it.
    """
    for kind in ("alive", "tcp", "closed"):
        for server, verdict in told.items():
            if verdict == kind:
                return kind, server
    for server, verdict in told.items():
        if isinstance(verdict, Finding):
            return "unreachable", server
    return "silent", next(iter(told))


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
    if kind == "silent" and _tcp_silent(case, blamed, port):
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


def _contrast_asks(server: Server, failure: DnsAnswer, port: int) -> tuple[DnsAsk, ...]:
    """A question about the server itself; the same question over TCP, and without EDNS."""
    same = DnsAsk(server.address, failure.name, failure.rrtype, port, within_s=CONTRAST_S)
    return (
        replace(same, name="version.bind", rrtype="TXT", rrclass="CH"),
        replace(same, transport="tcp"),
        replace(same, payload=0),
    )


def _tcp_silent(case: Case, server: Server, port: int) -> bool:
    """Were the contrast questions really asked, and brought nothing?"""
    failure = server.error
    return failure is not None and all(
        case.known(ask) is not None for ask in _contrast_asks(server, failure, port)
    )


def _one(case: Case, server: Server, port: int) -> Finding | str | None:
    """Why one resolver does not answer: a finding, or "closed", "silent", "alive", "tcp".

    None while it is not decided.
    """
    failure = server.error
    if failure is None:
        return None
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
            return _reported(case, server, port, failure, icmp)
        refusal = Refusal("dns", server.address, port, failure.error or "", icmp, failure.ms)
        return explained(case, refusal)
    early = local_layer.loopback_down(case, server.address) or route_layer.neighbour_silent(
        case, server.address
    )
    if early is not None and not failure.pending:
        return early
    # An answer to the third one makes the server one that answered: it is only waited for here.
    alive, over_tcp, _plain = (case.want(ask) for ask in _contrast_asks(server, failure, port))
    if failure.pending or case.waiting:
        return None
    if alive is not None and alive.rcode is not None:
        return "alive"
    if over_tcp is not None and over_tcp.rcode is not None:
        return "tcp"
    return "silent"


def _reported(case: Case, server: Server, port: int, failure: DnsAnswer, icmp: Icmp) -> Finding:
    """A router or firewall between here and the resolver says no."""
    error = failure.error or ""
    if icmp.sender is None:
        said = say("icmp-from-somebody", icmp=icmp.label, error=error)
    else:
        said = say(
            "icmp-from", icmp=icmp.label, sender=icmp.sender, took=ms(failure.ms), error=error
        )
    return case.finding(
        "dns.resolver-unreachable",
        0.92,
        str(server.address),
        evidence=(said,),
        resolver=server.address,
        address=server.address,
        sender=icmp.sender,
        icmp=icmp.label,
        error=error,
        endpoint=endpoint(server.address, port),
    )


def _no_way_out(case: Case, finding: Finding) -> bool:
    """Does the fault on the way to the resolver stop everything beyond this link?"""
    if finding.cause != "route.none":
        return False
    local = case.want(LocalAsk())
    return local is not None and not local.gateways
