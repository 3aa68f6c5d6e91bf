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

#: The shortest time limit that the library can be given is a second.
_AT_ONCE_MS = 900.0
#: For a question over TCP to a machine that has just refused it over UDP.
_BRIEF_S = 0.8


def unreachable(
    case: Case, looked_up: SystemLookup, servers: Sequence[Server], *, port: int = 53
) -> Finding | None:
    """No resolver answered.  A deeper fault of this machine's way out is named instead."""
    before = _refused_before(looked_up)
    verdicts = {server: _one(case, server, port, before=before) for server in servers}
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
    for kind in ("alive", "tcp", "closed", "stray"):
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
        "refused": ("dns.resolver-unreachable", 0.7, ("dns.resolver-silent",)),
        "stray": ("dns.resolver-silent", 0.92, ()),
        "silent": ("dns.resolver-silent", 0.9, ("dns.upstream-dead", "path.silent")),
    }
    if kind == "silent" and _refused_before(looked_up):
        kind = "refused"
        evidence.insert(0, say("refused-before", took=ms(looked_up.ms)))
    cause, confidence, rivals = causes[kind]
    if blamed.stray is not None:
        evidence.append(say("stray-thrown-away"))
    if kind in ("alive", "tcp"):
        evidence.insert(0, say(f"resolver-{kind}", resolver=blamed.address))
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
        variant=_variant(kind, blamed, len(servers)),
        sender=None if blamed.stray is None else blamed.stray[1],
        resolver=blamed.address,
        resolvers=", ".join(str(s.address) for s in servers),
        address=blamed.address,
        name=looked_up.name,
        error=looked_up.error,
        port=port,
        endpoint=endpoint(blamed.address, port),
    )


def _variant(kind: str, blamed: Server, count: int) -> str:
    """Which words of the cause fit."""
    if kind in ("tcp", "stray") and blamed.stray is not None:
        return "elsewhere" if blamed.stray[0] == "other-address" else "spoilt"
    if kind == "tcp" and blamed.error is not None and not blamed.error.silent:
        return "refused"
    if kind == "silent":
        return "all" if count > 1 else "one"
    return "said-before" if kind == "refused" else ""


def _refused_before(looked_up: SystemLookup) -> bool:
    """Did the system's look-up end at once, though every resolver is silent to us?

    The library waits a second at least for silence: it was told no.  A router that says so only
    now and then had spent its word when we asked.
    """
    quick = looked_up.ms is not None and looked_up.ms < _AT_ONCE_MS
    return looked_up.error == "EAI_AGAIN" and quick


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


def _one(case: Case, server: Server, port: int, *, before: bool) -> Finding | str | None:
    """Why one resolver does not answer: a finding, or a word for `_blame`.

    The words: "closed", "silent", "alive", "tcp", "stray".  None while it is not decided.
    `before`: the system's own look-up was refused at once.
    """
    failure = server.error
    if failure is None:
        return None
    if failure.error != TIMEOUT:
        icmp = failure.icmp
        from_server = icmp is None or icmp.sender in (server.address, None)
        local = case.want(LocalAsk())
        here = server.address.is_unspecified or server.address.is_loopback
        own = here or (local is not None and local.owns(server.address))
        if failure.error == "ECONNREFUSED" and (from_server or own):
            return _closed(case, server, failure, port)
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
    contrast = [case.want(ask) for ask in _contrast_asks(server, failure, port)]
    for seen in contrast:
        if seen is not None and seen.icmp is not None and _speaks_for_all(seen, seen.icmp):
            if seen.icmp.port_unreachable and seen.icmp.sender == server.address:
                return "closed"
            return _reported(case, server, port, seen, seen.icmp)
    alive, over_tcp, _plain = contrast
    tcp_closed = over_tcp is not None and over_tcp.error == "ECONNREFUSED"
    if before and tcp_closed and server.stray is None:
        return "closed"
    if failure.pending or case.waiting:
        return None
    if alive is not None and alive.rcode is not None:
        return "alive"
    if over_tcp is not None and over_tcp.rcode is not None:
        return "tcp"
    return "silent" if server.stray is None else "stray"


def _closed(case: Case, server: Server, failure: DnsAnswer, port: int) -> str | None:
    """UDP is refused: is anybody there over TCP?  That is answered as quickly, if at all."""
    same = DnsAsk(server.address, failure.name, failure.rrtype, port, transport="tcp",
                  within_s=_BRIEF_S)  # fmt: skip
    over_tcp = case.want(same)
    if over_tcp is None and case.waiting and not case.final:
        return None
    return "tcp" if over_tcp is not None and over_tcp.rcode is not None else "closed"


def _speaks_for_all(answer: DnsAnswer, icmp: Icmp) -> bool:
    """Does an error that met a contrast question hold for the first one too, which met silence?

    A router tells some senders only, so many a second.  What forbids TCP alone is no such word.
    """
    if icmp.own or answer.pending:
        return False
    return icmp.host_unreachable or icmp.network_unreachable or answer.transport == "udp"


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
