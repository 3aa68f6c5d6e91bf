"""The hosts file decides an address, and DNS has another one.

How many queries: two, to the first resolver, and only briefly waited for; the same two again with
more patience once the address of the hosts file has failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core.asks import DnsAsk, LocalAsk
from netwhy.core.model import Finding, Severity
from netwhy.core.observations import (
    Connect,
    DnsAnswer,
    HostsEntry,
    ResolverConfig,
    SystemLookup,
    UdpExchange,
)
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.server import Server, aliases, describe

_BRIEF_S = 0.5


def compared(
    case: Case, looked_up: SystemLookup, in_hosts: HostsEntry, config: ResolverConfig
) -> tuple[Finding | None, Server | None]:
    """What to say of the file, and the resolver that has other addresses.

    A file that agrees, if only in part, or that DNS says nothing against, is not worth a word.
    """
    if in_hosts.name == "localhost" or in_hosts.name.endswith(".localhost") or not config.used:
        return None, None
    server = _asked(case, in_hosts.name, config)
    if not server.addresses or set(server.addresses) & set(looked_up.addresses):
        return None, None
    if not set(looked_up.addresses) & set(in_hosts.addresses):
        return None, None  # something else decided, not the file
    return _finding(case, looked_up, in_hosts, server, _severity(case, looked_up)), server


def _asked(case: Case, name: str, config: ResolverConfig) -> Server:
    answers: list[DnsAnswer] = []
    for rrtype in ("A", "AAAA"):
        seen = case.hope(DnsAsk(config.used[0], name, rrtype, within_s=_BRIEF_S))
        if seen is not None and seen.silent and not seen.pending and _failing(case):
            seen = case.hope(DnsAsk(config.used[0], name, rrtype))
        if seen is not None:
            answers.append(seen)
    return Server(config.used[0], tuple(answers))


def _failing(case: Case) -> bool:
    """Has any connection met an error?  Then the answer of DNS is worth more patience."""
    return any(
        isinstance(seen, (Connect, UdpExchange)) and seen.error is not None
        for seen in case.facts.values()
    )


def _severity(case: Case, looked_up: SystemLookup) -> Severity:
    """A machine's own name on its own address is what installers write: a note."""
    local = case.known(LocalAsk())
    own = local is not None and all(local.owns(a) for a in looked_up.addresses)
    return Severity.NOTE if own else Severity.WARNING


def as_failure(
    case: Case, looked_up: SystemLookup, in_hosts: HostsEntry, server: Server
) -> Finding:
    return _finding(case, looked_up, in_hosts, server, Severity.FAILURE)


def _finding(
    case: Case,
    looked_up: SystemLookup,
    in_hosts: HostsEntry,
    server: Server,
    severity: Severity,
) -> Finding:
    line, address = next(
        ((n, a) for n, a in in_hosts.entries if a in looked_up.addresses), in_hosts.entries[0]
    )
    evidence = [*_entries(in_hosts), describe(server), *aliases(server.answers)]
    return case.finding(
        "dns.hosts-override",
        0.95,
        in_hosts.name,
        severity=severity,
        evidence=evidence,
        variant="fails" if severity is Severity.FAILURE else "",
        root=in_hosts.name,
        name=in_hosts.name,
        file=in_hosts.path,
        line=line,
        address=address,
        addresses=", ".join(map(str, server.addresses[:3])),
        resolver=server.address,
    )


def _entries(in_hosts: HostsEntry) -> Sequence[str]:
    return [
        say("hosts-line", file=in_hosts.path, line=line, name=in_hosts.name, address=address)
        for line, address in in_hosts.entries[:4]
    ]
