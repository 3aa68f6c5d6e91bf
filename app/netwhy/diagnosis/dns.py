"""The name: what the system's look-up gives, and why it gives nothing.

The C library folds a dozen faults into EAI_AGAIN and EAI_NONAME, so each configured resolver is
asked itself, and the difference is what convicts.  A resolver that cannot be reached because this
machine's way out is broken is a symptom: the way out is named instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netwhy.core.asks import DnsAsk, HostsAsk, LocalAsk, ResolverConfigAsk, SystemLookupAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import TIMEOUT, ResolverConfig, SystemLookup
from netwhy.diagnosis import (
    configuration,
    delays,
    disagreement,
    filtered,
    override,
    patience,
    search,
)
from netwhy.diagnosis import resolver as resolver_layer
from netwhy.diagnosis.answers import answered_without, cut_short
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.server import Server, described, question, system_said, worded

_FAMILIES = {None: ("A", "AAAA"), 4: ("A",), 6: ("AAAA",)}


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a name.  Neither addresses nor failure: not decided yet.

    Should all `addresses` fail, `doubt` is the cause if one of `elsewhere`, the addresses that
    another source gives, works.  `server` is the resolver whose answer the system took.
    """

    addresses: tuple[IPAddress, ...] = ()
    failure: Finding | None = None
    notes: tuple[Finding, ...] = ()
    doubt: Finding | None = None
    elsewhere: tuple[IPAddress, ...] = ()
    server: Server | None = None


def resolve(case: Case, name: str, family: int | None) -> Resolution:
    """Resolve as the system does, and ask each resolver beside it."""
    looked_up = case.want(SystemLookupAsk(name, family))
    config = case.want(ResolverConfigAsk())
    in_hosts = case.want(HostsAsk(name))
    case.want(LocalAsk())
    if config is None or in_hosts is None:
        return Resolution(looked_up.addresses if looked_up else ())
    if in_hosts.entries:
        return _from_hosts(case, name, looked_up, config)
    if name == "localhost" or name.endswith(".localhost"):
        return _without_servers(case, name, looked_up)
    servers = _ask_all(case, name, family, config, looked_up)
    if looked_up is None:
        looked_up = patience.overdue(case, name, family, config, servers)
    if looked_up is None:
        return _without_system(case, name, family, config, servers)
    if looked_up.error is None:
        return _resolved(case, looked_up, config, servers)
    return _failed(case, looked_up, config, servers)


# ---------------------------------------------------------------------------------- asking


def _ask_all(
    case: Case,
    name: str,
    family: int | None,
    config: ResolverConfig,
    looked_up: SystemLookup | None,
) -> list[Server]:
    """Ask every configured resolver for every name and type that the system would ask for."""
    failed = looked_up is not None and looked_up.error is not None
    insist = failed or _nowhere(looked_up)
    names = search.candidates(name, config)
    # A name with dots is asked for as it stands; suffixes only matter if the system failed.
    asked = names if failed or name not in names[:1] else names[:1]
    servers = []
    for place, address in enumerate(config.used):
        questions = [DnsAsk(address, n, rrtype) for n in asked for rrtype in _FAMILIES[family]]
        # The system got its answer, at once: a first resolver that is silent to us is suspect.
        quick = looked_up is not None and (looked_up.ms or 0.0) < delays.WAITED_MS
        suspect = failed or looked_up is None or (place == 0 and quick)
        servers.append(question(case, address, questions, insist=insist, suspect=suspect))
    return servers


def _nowhere(looked_up: SystemLookup | None) -> bool:
    addresses = looked_up.addresses if looked_up is not None else ()
    return bool(addresses) and all(a.is_unspecified for a in addresses)


# ------------------------------------------------------------------------------- it resolves


def _resolved(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, servers: Sequence[Server]
) -> Resolution:
    """The system has addresses: whose they are, and what is amiss beside them."""
    first = next((server for server in servers if server.answered), None)
    taken = first if first and set(first.addresses) & set(looked_up.addresses) else None
    if _nowhere(looked_up) or taken is not None:
        blocked = filtered.sinkholed(case, looked_up, servers)
        if blocked is not None or (_nowhere(looked_up) and case.waiting):
            return Resolution(failure=blocked)
    notes = delays.late(case, looked_up, config, servers)
    ignored = configuration.ignored_without_harm(case, config)
    differ, elsewhere = disagreement.between(case, looked_up, servers)
    made_up = None
    if taken is not None and filtered.hinted(taken):
        made_up = filtered.rewritten(case, looked_up, taken, case.hope)
    costly = search.costly(case, looked_up, config, taken) if taken is not None else None
    notes += [note for note in (ignored, differ, made_up, costly) if note is not None]
    return Resolution(
        looked_up.addresses,
        notes=tuple(notes),
        doubt=disagreement.as_failure(differ) if differ is not None and elsewhere else None,
        elsewhere=elsewhere,
        server=taken,
    )


def _from_hosts(
    case: Case, name: str, looked_up: SystemLookup | None, config: ResolverConfig
) -> Resolution:
    """A name that the hosts file answers needs no resolver; DNS is heard all the same."""
    in_hosts = case.known(HostsAsk(name))
    if looked_up is None or in_hosts is None:
        return _without_servers(case, name, looked_up)
    if looked_up.error is not None:
        unread = configuration.without_files(case, looked_up, in_hosts, config)
        return Resolution(failure=unread) if unread else _without_servers(case, name, looked_up)
    note, dns = override.compared(case, looked_up, in_hosts, config)
    return Resolution(
        looked_up.addresses,
        notes=() if note is None else (note,),
        doubt=override.as_failure(case, looked_up, in_hosts, dns) if dns else None,
        elsewhere=dns.addresses if dns else (),
    )


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


# ------------------------------------------------------------------------------ it does not


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
    unheard = SystemLookup(name)
    ignored = configuration.ignored_would_help(case, unheard, config, servers)
    finding = resolver_layer.unreachable(case, unheard, servers)
    if ignored is not None and finding is not None and finding.cause.startswith("dns."):
        return Resolution(failure=ignored)
    quiet = finding is None or finding.cause == "dns.resolver-silent"
    if quiet or not patience.only_dns(name, config):
        case.want(system)
        return Resolution()
    return Resolution(failure=finding)


def _failed(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, servers: Sequence[Server]
) -> Resolution:
    if not servers:
        return Resolution(failure=configuration.no_resolver(case, looked_up, config))
    if case.waiting:
        return Resolution()
    answering = [server for server in servers if server.answered]
    if not answering:
        ignored = configuration.ignored_would_help(case, looked_up, config, servers)
        finding = resolver_layer.unreachable(case, looked_up, servers)
        if ignored is not None and finding is not None and finding.cause.startswith("dns."):
            return Resolution(failure=ignored)
        return Resolution(failure=finding)
    first = answering[0]
    if first.cut is not None:
        return Resolution(failure=cut_short(case, looked_up, first, servers))
    found = tuple(dict.fromkeys(a for server in answering for a in server.addresses))
    by_edns = first.edns not in ("", "lossy") and "edns0" in config.options
    if found and looked_up.error == TIMEOUT and not by_edns:
        # The library will find it too, later than we wait: go on with what the resolvers said.
        notes = delays.late(case, looked_up, config, servers)
        return Resolution(found, notes=tuple(notes), server=first)
    if first.addresses:
        return Resolution(failure=_system_differs(case, looked_up, config, first, servers))
    failure = _denied(case, looked_up, config, servers, answering)
    if failure is None:
        return Resolution()
    beside = delays.edns(case, looked_up, first)
    return Resolution(failure=failure, notes=() if beside is None else (beside,))


def _denied(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig,
    servers: Sequence[Server],
    answering: Sequence[Server],
) -> Finding | None:
    """The first resolver that answers gives no address, and the system believes it."""
    first = answering[0]
    evidence = [*described(servers), system_said(looked_up)]
    blocked = filtered.sinkholed(case, looked_up, servers)
    if blocked is not None:
        return blocked
    hidden = filtered.private_filtered(case, looked_up, first, answering[1:], evidence)
    if hidden is not None:
        return hidden
    other = next((server for server in answering if server.addresses), None)
    if other is not None and (first.nonexistent or first.empty):
        return disagreement.first_denies(case, looked_up, first, other, evidence)
    if other is not None:
        return _system_differs(case, looked_up, config, other, servers)
    ignored = configuration.ignored_would_help(case, looked_up, config, servers)
    if ignored is not None or (case.waiting and not case.final):
        return ignored
    return answered_without(case, looked_up, config, answering, evidence)


def _system_differs(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig,
    first: Server,
    servers: Sequence[Server],
) -> Finding | None:
    """DNS has an answer that the system's look-up does not give."""
    evidence = [*described([first]), system_said(looked_up)]
    off = configuration.switched_off(case, looked_up, config, first, evidence)
    if off is not None:
        return off
    if first.edns not in ("", "lossy") and "edns0" in config.options:
        return delays.edns(case, looked_up, first, failing=True)
    dropped = delays.four_dropped(case, looked_up, first)
    if dropped is not None:
        return dropped
    # The library asks without EDNS, where an answer has room for 512 bytes only.
    reply = first.replies[0]
    plain = question(case, first.address, [DnsAsk(first.address, reply.name, reply.rrtype,
                     payload=0)], insist=True, suspect=False)  # fmt: skip
    if case.waiting and not case.final:
        return None
    if plain.cut is not None:
        return cut_short(case, looked_up, replace(first, cut=plain.cut), servers)
    if config.ignored:
        evidence += configuration.lines(config)
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
        addresses=", ".join(map(str, first.addresses)),
    )
