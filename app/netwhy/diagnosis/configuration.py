"""The files that decide how names are looked up: resolv.conf and nsswitch.conf, line by line.

How many queries: none while names resolve.  When they do not, two for each ignored server line,
at most two such lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from netwhy.core.asks import DnsAsk, LocalAsk
from netwhy.core.model import Finding, Severity
from netwhy.core.observations import ConfiguredResolver, HostsEntry, ResolverConfig, SystemLookup
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.server import CONTRAST_S, Server, describe, system_said, worded

_MOST_IGNORED = 2


# --------------------------------------------------------------------------------- resolv.conf


def no_resolver(case: Case, looked_up: SystemLookup, config: ResolverConfig) -> Finding | None:
    """Nothing to ask: but a machine without any network has a deeper cause."""
    local = case.want(LocalAsk())
    if local is None and case.waiting:
        return None
    if local is not None and not any(i.usable for i in local.interfaces):
        return local_layer.offline(case, local)
    return unusable(case, config, looked_up)


def unusable(
    case: Case, config: ResolverConfig, looked_up: SystemLookup | None, **changes: Any
) -> Finding:
    """No server is left to ask: none is named, or every line that names one is ignored."""
    said = [] if looked_up is None else [system_said(looked_up)]
    servers = ignored_servers(config)
    if servers:
        evidence = [*lines(config), say(f"resolver-file-{_state(config)}", file=config.path)]
        return _ignored(
            case,
            0.95,
            config,
            servers[0],
            [*evidence, *said],
            variant="nothing-left",
            rivals=("dns.no-resolver",),
            **changes,
        )
    evidence = [say(f"resolver-file-{config.state}", file=config.path), *lines(config), *said]
    return case.finding(
        "dns.no-resolver",
        0.95,
        config.path if looked_up is None else looked_up.name,
        evidence=evidence,
        variant="empty" if config.state == "ok" else config.state,
        config_path=config.path,
        file=config.path,
        name=None if looked_up is None else looked_up.name,
        error=None if looked_up is None else looked_up.error,
        **changes,
    )


def _state(config: ResolverConfig) -> str:
    return "ok" if config.state == "empty" else config.state


def ignored_servers(config: ResolverConfig) -> tuple[ConfiguredResolver, ...]:
    """The nameserver lines that were meant to count and do not."""
    return tuple(r for r in config.resolvers if not r.used and r.line)


def ignored_without_harm(case: Case, config: ResolverConfig) -> Finding | None:
    """Names resolve all the same, and a nameserver line has no effect."""
    servers = ignored_servers(config)
    if not servers:
        return None
    used = ", ".join(map(str, config.used))
    evidence = [*lines(config), say("servers-used", resolvers=used)]
    return _ignored(case, 0.95, config, servers[0], evidence, severity=Severity.WARNING)


def ignored_would_help(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, servers: Sequence[Server]
) -> Finding | None:
    """The servers that count bring nothing, and one on an ignored line has the address."""
    for line in ignored_servers(config)[:_MOST_IGNORED]:
        if line.address is None or (line.address in config.used and line.port == 53):
            continue
        replies = [
            case.want(DnsAsk(line.address, looked_up.name, rrtype, line.port, within_s=CONTRAST_S))
            for rrtype in ("A", "AAAA")
        ]
        helping = Server(line.address, tuple(a for a in replies if a is not None))
        if helping.addresses:
            evidence = [*lines(config), describe(helping), *map(describe, servers)]
            return _ignored(
                case,
                0.93,
                config,
                line,
                [*evidence, system_said(looked_up)],
                variant="would-help",
                resolver=line.address,
                name=looked_up.name,
            )
    return None


def suffix_ignored(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig,
    first: Server,
    suffix: str,
    line: tuple[int, str, str],
    evidence: Sequence[str],
) -> Finding:
    """An ignored line (its number, text, and why) holds the suffix under which the name exists."""
    number, text, why = line
    return _ignored(
        case,
        0.93,
        config,
        ConfiguredResolver(None, text, number, False, why),
        [evidence[0], *lines(config), *evidence[1:]],
        variant="search",
        name=looked_up.name,
        suffix=suffix,
        resolver=first.address,
    )


def _ignored(
    case: Case,
    confidence: float,
    config: ResolverConfig,
    line: ConfiguredResolver,
    evidence: Sequence[str],
    **params: Any,
) -> Finding:
    known: dict[str, Any] = {"resolver": config.used[0] if config.used else None} | params
    return case.finding(
        "dns.config-ignored",
        confidence,
        f"{config.path} line {line.line}",
        evidence=tuple(dict.fromkeys(evidence)),
        root=config.path,
        file=config.path,
        config_path=config.path,
        line=line.line,
        reason=line.problem,
        label=line.text,
        **known,
    )


def lines(config: ResolverConfig) -> list[str]:
    """Every ignored line, and what another C library makes of it."""
    told = [
        say("line-ignored", file=config.path, line=line, text=text, why=why)
        for line, text, why in config.ignored[:4]
    ]
    if any("carriage return" in why for _line, _text, why in config.ignored):
        told.append(say("musl-reads-crlf"))
    return told


# ------------------------------------------------------------------------------- nsswitch.conf


def switched_off(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig,
    first: Server,
    evidence: Sequence[str],
) -> Finding | None:
    """The `hosts:` line leaves DNS out, or stops before it; `.local` may be taken by mDNS."""
    services = config.lookups.split()
    if not services and not config.lookups_line:
        return None  # no such line: the library's own order, which has DNS in it
    before = services[: services.index("dns")] if "dns" in services else services
    taker = _taker(before, local=looked_up.name.endswith(".local"))
    if "dns" in services and taker is None:
        return None
    if looked_up.name.endswith(".local") and taker and taker.startswith(("mdns", "resolve")):
        told = [say("mdns-before-dns", lookups=config.lookups, service=taker), *evidence]
        return worded(
            case,
            "dns.mdns-taken",
            0.93,
            looked_up,
            told,
            resolver=first.address,
            file="/etc/nsswitch.conf",
            line=config.lookups_line or None,
            service=taker,
        )
    key = "nsswitch-stops-before-dns" if "dns" in services else "nsswitch-without-dns"
    return worded(
        case,
        "dns.nsswitch",
        0.93,
        looked_up,
        [say(key, lookups=config.lookups, service=taker or ""), *evidence, say("musl-no-nsswitch")],
        resolver=first.address,
        file="/etc/nsswitch.conf",
        line=config.lookups_line or None,
    )


def without_files(
    case: Case, looked_up: SystemLookup, in_hosts: HostsEntry, config: ResolverConfig
) -> Finding | None:
    """The hosts file has the name, and the `hosts:` line never comes to it."""
    services = config.lookups.split()
    if not services or "files" in sources(config) or looked_up.error is None:
        return None
    line, address = in_hosts.entries[0]
    return worded(
        case,
        "dns.nsswitch",
        0.93,
        looked_up,
        [
            say("nsswitch-without-files", lookups=config.lookups),
            say("hosts-line", file=in_hosts.path, line=line, name=in_hosts.name, address=address),
            system_said(looked_up),
            say("musl-no-nsswitch"),
        ],
        variant="files",
        file="/etc/nsswitch.conf",
        line=config.lookups_line or None,
        address=address,
    )


def sources(config: ResolverConfig) -> list[str]:
    """The services of the `hosts:` line, without the actions between them."""
    return re.sub(r"\[[^\]]*\]?", " ", config.lookups).split()


def _taker(services: Sequence[str], *, local: bool) -> str | None:
    """The service whose "no" ends the look-up, from an action such as [NOTFOUND=return].

    Multicast DNS says nothing about names outside of `.local`: there only its absence can end it.
    """
    service = ""
    inside = ""
    for word in services:
        if inside or word.startswith("["):
            inside += " " + word
            if word.endswith("]"):
                silent = service.startswith("mdns") and not local
                if _returns(inside, ("unavail",) if silent else ("notfound", "unavail")):
                    return service
                inside = ""
        else:
            service = word
    return None


def _returns(action: str, on: Sequence[str]) -> bool:
    """Does an action return on one of these (nsswitch.conf(5))?  `[!SUCCESS=return]` does."""
    rules = [rule.partition("=") for rule in action.strip(" []").lower().split()]
    return any(
        result == "return"
        and any(status == each or (status[:1] == "!" and status[1:] != each) for each in on)
        for status, _equals, result in rules
    )
