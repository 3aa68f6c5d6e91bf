"""The name: what the system's look-up gives, and why it gives nothing.

The C library folds a dozen faults into EAI_AGAIN and EAI_NONAME, so each configured resolver is
asked itself, and the difference is what convicts.  A resolver that cannot be reached because this
machine's way out is broken is a symptom: the way out is named instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from netwhy.core.asks import (
    DnsAsk,
    HostsAsk,
    LocalAsk,
    ResolverConfigAsk,
    SystemLookupAsk,
)
from netwhy.core.model import Finding, IPAddress, Severity
from netwhy.core.observations import (
    TIMEOUT,
    ResolverConfig,
    SystemLookup,
)
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import resolver as resolver_layer
from netwhy.diagnosis.answers import answered_without, worded
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.resolver import Server

#: A look-up this slow, with a dead first resolver, waited for it.
_WAITED_MS = 900.0
#: Sources of nsswitch.conf that cannot know a name that DNS does not.
_PLAIN_SOURCES = {"files", "dns", "myhostname"}
_FAMILIES = {None: ("A", "AAAA"), 4: ("A",), 6: ("AAAA",)}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a name.  Neither addresses nor failure: not decided yet."""

    addresses: tuple[IPAddress, ...] = ()
    failure: Finding | None = None
    notes: tuple[Finding, ...] = ()

    @property
    def decided(self) -> bool:
        return bool(self.addresses) or self.failure is not None


def resolve(case: Case, name: str, family: int | None) -> Resolution:
    """Resolve as the system does, and ask each resolver beside it."""
    looked_up = case.want(SystemLookupAsk(name, family))
    config = case.want(ResolverConfigAsk())
    in_hosts = case.want(HostsAsk(name))
    case.want(LocalAsk())
    if config is None or in_hosts is None:
        return Resolution(looked_up.addresses if looked_up else ())
    if in_hosts.entries or name == "localhost" or name.endswith(".localhost"):
        return _without_servers(case, name, looked_up)
    servers = _ask_all(case, name, family, config, insist=bool(looked_up and looked_up.error))
    if looked_up is None:
        return _without_system(case, name, family, config, servers)
    if looked_up.error is None:
        return Resolution(looked_up.addresses, notes=tuple(_late(case, looked_up, servers)))
    return _failed(case, looked_up, config, servers)


def _without_system(
    case: Case, name: str, family: int | None, config: ResolverConfig, servers: Sequence[Server]
) -> Resolution:
    """No resolver answers and the library will wait for seconds: look what is wrong meanwhile.

    Where names come from files and DNS alone, a resolver that cannot be reached has decided.
    """
    if not servers or not all(server.failed for server in servers):
        return Resolution()
    system = SystemLookupAsk(name, family)
    case.waive(system)
    finding = resolver_layer.unreachable(case, SystemLookup(name), servers)
    only_dns = set(config.lookups.split()) <= _PLAIN_SOURCES
    if finding is None or not only_dns or finding.cause == "dns.resolver-silent":
        case.want(system)
        return Resolution()
    return Resolution(failure=finding)


def candidates(name: str, config: ResolverConfig) -> tuple[str, ...]:
    """The absolute names that the C library tries, in order (resolv.conf(5), `ndots`)."""
    suffixed = tuple(f"{name}.{suffix.strip('.')}" for suffix in config.search if suffix.strip("."))
    if name.count(".") >= config.ndots:
        return (name, *suffixed)[:4]
    return (*suffixed[:3], name)


def _without_servers(case: Case, name: str, looked_up: SystemLookup | None) -> Resolution:
    """A name that the hosts file (or the library itself) answers needs no resolver."""
    if looked_up is None:
        return Resolution()
    if looked_up.error is None:
        return Resolution(looked_up.addresses)
    evidence = (
        say("system-lookup-failed", name=name, error=looked_up.error, took=ms(looked_up.ms)),
    )
    finding = case.finding(
        "unexplained", 0.3, name, evidence=evidence, name=name, error=looked_up.error
    )
    return Resolution(failure=finding)


def _ask_all(
    case: Case, name: str, family: int | None, config: ResolverConfig, *, insist: bool
) -> list[Server]:
    """Ask every configured resolver for every name and type that the system would ask for."""
    ask = case.want if insist else case.hope
    names = candidates(name, config)
    # A name with dots is asked for as it stands; suffixes only matter if the system failed.
    asked = names if insist or name not in names[:1] else names[:1]
    servers = []
    for address in config.used:
        answers = [
            ask(DnsAsk(address, candidate, rrtype))
            for candidate in asked
            for rrtype in _FAMILIES[family]
        ]
        servers.append(Server(address, tuple(a for a in answers if a is not None)))
    return servers


def _late(case: Case, looked_up: SystemLookup, servers: Sequence[Server]) -> list[Finding]:
    """Why the system's look-up takes so long: a dead first resolver, or one type of question."""
    found = _dead(case, looked_up, servers)
    for server in servers[:1]:  # nobody waits for a later one
        answered = {a.rrtype for a in server.answers if a.rcode is not None}
        silent = {a.rrtype for a in server.answers if a.error == TIMEOUT and not a.pending}
        if answered != {"A"} or silent != {"AAAA"}:
            continue
        evidence = [
            resolver_layer.describe(server),
            say("type-dropped", resolver=server.address, type="AAAA"),
            resolver_layer.system_said(looked_up),
        ]
        found.append(
            case.finding(
                "dns.aaaa-dropped",
                0.9,
                str(server.address),
                severity=Severity.WARNING,
                evidence=evidence,
                resolver=server.address,
                name=looked_up.name,
                ms=ms(looked_up.ms),
            )
        )
    return found


def _dead(case: Case, looked_up: SystemLookup, servers: Sequence[Server]) -> list[Finding]:
    """Resolvers that do not answer although the look-up works."""
    found: list[Finding] = []
    if not any(server.answered for server in servers):
        return found
    for place, server in enumerate(servers, start=1):
        if server.answered or not server.failed:
            continue
        first = place == 1 and (looked_up.ms or 0) >= _WAITED_MS
        evidence = [resolver_layer.describe(server)]
        if first:
            evidence.append(say("system-lookup-took", name=looked_up.name, took=ms(looked_up.ms)))
        found.append(
            case.finding(
                "dns.first-resolver-dead" if place == 1 else "dns.spare-resolver-dead",
                0.9,
                str(server.address),
                severity=Severity.WARNING if first else Severity.NOTE,
                variant="quick" if place == 1 and not first else "",
                evidence=evidence,
                resolver=server.address,
                name=looked_up.name,
                ms=ms(looked_up.ms),
            )
        )
    return found


def _failed(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, servers: Sequence[Server]
) -> Resolution:
    if not servers:
        return Resolution(failure=_no_resolver(case, looked_up, config))
    if case.waiting:
        return Resolution()
    answering = [server for server in servers if server.answered]
    if not answering:
        return Resolution(failure=resolver_layer.unreachable(case, looked_up, servers))
    found = tuple(dict.fromkeys(a for server in answering for a in server.addresses))
    first = answering[0]
    if found and looked_up.error == TIMEOUT:
        # The library will find it too, later than we wait: go on with what the resolvers said.
        return Resolution(found, notes=tuple(_late(case, looked_up, servers)))
    if first.addresses or (found and not first.nonexistent):
        return Resolution(failure=_system_differs(case, looked_up, config, first, found))
    return Resolution(failure=answered_without(case, looked_up, servers, answering))


def _no_resolver(case: Case, looked_up: SystemLookup, config: ResolverConfig) -> Finding | None:
    """Nothing to ask: but a machine without any network has a deeper cause."""
    local = case.want(LocalAsk())
    if local is None and case.waiting:
        return None
    if local is not None and not any(i.usable for i in local.interfaces):
        return local_layer.offline(case, local)

    evidence = [say(f"resolver-file-{config.state}", file=config.path)]
    evidence += [
        say("line-ignored", file=config.path, line=line, text=text, why=why)
        for line, text, why in config.ignored[:4]
    ]
    evidence.append(resolver_layer.system_said(looked_up))
    return worded(
        case,
        "dns.no-resolver",
        0.97,
        looked_up,
        evidence,
        variant="empty" if config.state == "ok" else config.state,
        config_path=config.path,
        file=config.path,
    )


def _system_differs(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig,
    first: Server,
    found: Sequence[IPAddress],
) -> Finding:
    """DNS has an answer that the system's look-up does not give."""
    evidence = [resolver_layer.describe(first), resolver_layer.system_said(looked_up)]
    lookups = config.lookups.split()
    if lookups and "dns" not in lookups:
        evidence.append(say("nsswitch-without-dns", lookups=config.lookups))
        return worded(
            case,
            "dns.nsswitch",
            0.93,
            looked_up,
            evidence,
            resolver=first.address,
            file="/etc/nsswitch.conf",
        )
    if config.ignored:
        evidence += [
            say("line-ignored", file=config.path, line=line, text=text, why=why)
            for line, text, why in config.ignored[:4]
        ]
        line, _text, why = config.ignored[0]
        return worded(
            case,
            "dns.config-ignored",
            0.75,
            looked_up,
            evidence,
            resolver=first.address,
            file=config.path,
            config_path=config.path,
            line=line,
            reason=why,
        )
    return worded(
        case,
        "unexplained",
        0.4,
        looked_up,
        evidence,
        resolver=first.address,
        addresses=", ".join(map(str, found)),
    )
