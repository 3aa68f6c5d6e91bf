"""A name that does not exist: what was meant, where it ends, and under which suffix it lives.

How many queries: one for each ancestor between the name and its zone (at most three), one for
each suffix that is known and not tried by the system (at most four, short names only).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netwhy.core import spelling
from netwhy.core.asks import DnsAsk, HostsAsk, LocalAsk
from netwhy.core.model import Finding
from netwhy.core.observations import ResolverConfig, SystemLookup
from netwhy.diagnosis import configuration
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.configuration import exists, suffixed
from netwhy.diagnosis.server import CONTRAST_S, Server, worded

_MOST_SUFFIXES = 4
_MOST_ANCESTORS = 3
#: Single labels that private networks use as their own top.
_PRIVATE_TOPS = ("lan", "home", "internal", "intranet", "corp", "local", "localdomain", "private")


def not_found(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig | None,
    answering: Sequence[Server],
    evidence: Sequence[str],
) -> Finding | None:
    """NXDOMAIN from everybody.  None while a better explanation is still being asked for."""
    first = answering[0]
    if config is not None:
        elsewhere = configuration.ignored_search(case, looked_up, config, first, evidence)
        elsewhere = elsewhere or _search_missing(case, looked_up, config, first, evidence)
        if elsewhere is not None or case.waiting:
            return elsewhere
    told = [*evidence, *_ancestry(case, looked_up.name, first), *_memory(answering)]
    meant = _meant(case, looked_up.name)
    if meant:
        told.append(say("known-name-alike", names=", ".join(meant)))
    owner, seconds = next((a.soa for s in answering for a in s.answers if a.soa), (None, None))
    return worded(
        case,
        "dns.name-not-found",
        0.97,
        looked_up,
        told,
        resolver=first.address,
        resolvers=", ".join(str(s.address) for s in answering),
        suffix=owner,
        seconds=seconds,
        nearest=meant[0] if meant else None,
    )


def _memory(answering: Sequence[Server]) -> list[str]:
    """The zone that says no, and how long the no is remembered (RFC 2308)."""
    answer = next((a for s in answering for a in s.answers if a.soa), None)
    if answer is None or answer.soa is None:
        return []
    key = "soa-owner" if answer.authoritative else "soa-countdown"
    zone, seconds = answer.soa
    return [say(key, zone=zone, seconds=seconds, resolver=answer.server)]


def _ancestry(case: Case, name: str, first: Server) -> list[str]:
    """The nearest name above that exists, and the label below it that does not."""
    owner = next((a.soa[0] for a in first.answers if a.soa), None)
    labels = name.rstrip(".").split(".")
    above = [".".join(labels[i:]) for i in range(1, len(labels))]
    missing = name
    for number, ancestor in enumerate(above):
        if ancestor == owner:
            return [say("ancestor-exists", ancestor=ancestor, missing=missing)]
        if number >= _MOST_ANCESTORS:
            break
        answer = case.hope(DnsAsk(first.address, ancestor, "NS", within_s=CONTRAST_S))
        if exists(answer):
            return [say("ancestor-exists", ancestor=ancestor, missing=missing)]
        if answer is None or answer.rcode != "NXDOMAIN":
            return []
        missing = ancestor
    return []


def _meant(case: Case, name: str) -> tuple[str, ...]:
    """Known names that differ by a slip: of the hosts file, and of the other targets."""
    in_hosts = case.known(HostsAsk(name))
    near = spelling.meant(name, case.beside)
    return (*near, *(n for n in (in_hosts.similar if in_hosts else ()) if n not in near))[:3]


# ------------------------------------------------------------------------------- search domains


def _search_missing(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig,
    first: Server,
    evidence: Sequence[str],
) -> Finding | None:
    """A short name that exists with a suffix which the system does not add by itself."""
    name = looked_up.name
    if name.count(".") > 1:
        return None
    tried = {f"{name}.{suffix.strip('.')}" for suffix in config.search}
    for suffix, source in _suffixes(case):
        full = f"{name}.{suffix}"
        if full in tried:
            continue
        if len(tried) >= _MOST_SUFFIXES + len(config.search):
            break
        tried.add(full)
        if exists(case.want(suffixed(first, full))):
            told = [
                say("name-exists", name=full, resolver=first.address),
                say(f"suffix-from-{source}", suffix=suffix),
                say("search-list", suffixes=" ".join(config.search) or "empty", file=config.path),
            ]
            return worded(
                case,
                "dns.search-missing",
                0.95,
                looked_up,
                [*told, *evidence],
                resolver=first.address,
                suffix=suffix,
                nearest=full,
                file=config.path,
            )
    return None


def _suffixes(case: Case) -> list[tuple[str, str]]:
    """Suffixes that this machine and its other targets use, each with where it comes from."""
    found: dict[str, str] = {}
    local = case.want(LocalAsk())
    if local is not None and local.hostname:
        found |= dict.fromkeys(_parents((local.hostname,)), "hostname")
        own = case.want(HostsAsk(local.hostname))
        names = own.names if own is not None else ()
        found = dict.fromkeys(_parents(names), "hostname") | found
    return [*found.items(), *((s, "targets") for s in _parents(case.beside) if s not in found)]


def _parents(names: Iterable[str]) -> list[str]:
    """The domains that names live in; never a public one such as `com` or `co.uk`."""
    found: dict[str, None] = {}
    for name in names:
        parent = name.rstrip(".").lower().partition(".")[2]
        labels = parent.split(".")
        if "localhost" in name or name.replace(".", "").isdigit() or ":" in name:
            continue
        public = len(labels) == 2 and len(labels[1]) == 2 and len(labels[0]) <= 3
        if (len(labels) >= 2 and not public) or parent in _PRIVATE_TOPS:
            found[parent] = None
    return list(found)
