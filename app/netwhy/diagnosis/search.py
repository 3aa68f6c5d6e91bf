"""The search list: which names the system asks for, what that costs, and which suffix is missing.

How many queries: none while names resolve.  When a name is denied, one for each suffix that is
known here and not tried by the system: at most two of an ignored line, four from elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from netwhy.core.asks import DnsAsk, HostsAsk, LocalAsk
from netwhy.core.model import Finding, Severity
from netwhy.core.observations import DnsAnswer, ResolverConfig, SystemLookup
from netwhy.diagnosis import configuration
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.server import CONTRAST_S, Server, worded

#: A look-up that asks in vain for this many names first costs more than the answer.
_COSTLY = 2
_MOST_ASKED = 4
_MOST_IGNORED = 2
_MOST_SUFFIXES = 4
_SEARCHING = re.compile(r"\s*(?:search|domain)\s+(\S.*)", re.IGNORECASE)
#: Single labels that private networks use as their own top.
PRIVATE_TOPS = ("lan", "home", "internal", "intranet", "corp", "local", "localdomain", "private")


# ------------------------------------------------------------------------------- what is asked


def sequence(name: str, config: ResolverConfig) -> tuple[str, ...]:
    """The absolute names that the C library asks for, in order (resolv.conf(5), `ndots`)."""
    suffixed = tuple(f"{name}.{suffix.strip('.')}" for suffix in config.search if suffix.strip("."))
    return (name, *suffixed) if name.count(".") >= config.ndots else (*suffixed, name)


def candidates(name: str, config: ResolverConfig) -> tuple[str, ...]:
    """The names of the sequence that are asked for here: the first ones, and the name itself."""
    names = sequence(name, config)[:_MOST_ASKED]
    return names if name in names else (*names[:-1], name)


def told(name: str, config: ResolverConfig) -> list[str]:
    """What the system asks for one after the other, where it is more than the name itself."""
    names = sequence(name, config)
    if len(names) < 2:
        return []
    return [say("search-sequence", names=", then ".join(names[:6]), file=config.path)]


def costly(
    case: Case, looked_up: SystemLookup, config: ResolverConfig, first: Server
) -> Finding | None:
    """A note where each look-up asks for several names in vain before it comes to the right one."""
    names = sequence(looked_up.name, config)
    right = next((a.name for a in first.answers if a.addresses), None)
    if right is None or right not in names or names.index(right) < _COSTLY:
        return None
    vain = names[: names.index(right)]
    line = config.ndots_line if config.ndots > 1 else config.search_line
    evidence = [
        say("search-sequence", names=", then ".join((*vain, right)), file=config.path),
        say("search-cost", count=2 * len(vain) + 2, vain=2 * len(vain)),
    ]
    if config.ndots > 1:
        evidence.append(say("ndots", ndots=config.ndots, file=config.path, line=config.ndots_line,
                            dots=looked_up.name.count(".")))  # fmt: skip
    return worded(
        case,
        "dns.slow",
        0.95,
        looked_up,
        evidence,
        severity=Severity.NOTE,
        variant="search",
        root=config.path,
        resolver=first.address,
        file=config.path,
        line=line or None,
        nearest=right,
    )


# ------------------------------------------------------------------------------ what is missing


@dataclass(frozen=True, slots=True)
class Suffix:
    """A domain that may complete the name.

    `source` says whence it is known: "hostname", "targets", or "line", an ignored line of
    resolv.conf, with its `number`, its `text` and `why` it is ignored.
    """

    domain: str
    source: str
    number: int = 0
    text: str = ""
    why: str = ""


def missing(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig,
    first: Server,
    evidence: Sequence[str],
) -> Finding | None:
    """A name that exists with a suffix which the system does not add by itself."""
    name = looked_up.name
    tried = {f"{name}.{domain.strip('.')}" for domain in config.search}
    for suffix in (*_ignored(config), *_known(case, name)):
        full = f"{name}.{suffix.domain}"
        if full in tried:
            continue
        tried.add(full)
        if exists(case.want(DnsAsk(first.address, full, "A", within_s=CONTRAST_S))):
            return _missing(case, looked_up, config, first, suffix, evidence)
    return None


def exists(answer: DnsAnswer | None) -> bool:
    """One question is enough: a name that exists is not denied, whatever type is asked for."""
    return answer is not None and answer.rcode == "NOERROR" and answer.recursion_available


def _missing(
    case: Case,
    looked_up: SystemLookup,
    config: ResolverConfig,
    first: Server,
    suffix: Suffix,
    evidence: Sequence[str],
) -> Finding:
    full = f"{looked_up.name}.{suffix.domain}"
    seen = say("name-exists", name=full, resolver=first.address)
    if suffix.source == "line":
        return configuration.suffix_ignored(
            case, looked_up, config, first, suffix.domain,
            (suffix.number, suffix.text, suffix.why), [seen, *evidence],
        )  # fmt: skip
    facts = [
        seen,
        say(f"suffix-from-{suffix.source}", suffix=suffix.domain),
        say("search-list", suffixes=" ".join(config.search) or "empty", file=config.path),
    ]
    return worded(
        case,
        "dns.search-missing",
        0.95,
        looked_up,
        [*facts, *evidence],
        resolver=first.address,
        suffix=suffix.domain,
        nearest=full,
        file=config.path,
    )


def _ignored(config: ResolverConfig) -> Iterator[Suffix]:
    """The suffixes that ignored lines were meant to add."""
    for number, text, why in config.ignored:
        found = _SEARCHING.fullmatch(text)
        for domain in found[1].split()[:_MOST_IGNORED] if found else ():
            yield Suffix(domain.strip("."), "line", number, text, why)


def _known(case: Case, name: str) -> Iterator[Suffix]:
    """Suffixes that this machine and its other targets use; a name of many labels is whole."""
    if name.count(".") > 1:
        return
    found: dict[str, str] = {}
    local = case.want(LocalAsk())
    if local is not None and local.hostname:
        own = case.want(HostsAsk(local.hostname))
        names = (*(own.names if own is not None else ()), local.hostname)
        found |= dict.fromkeys(_parents(names), "hostname")
    found = dict.fromkeys(_parents(case.beside), "targets") | found
    ordered = sorted(found.items(), key=lambda item: item[1] != "hostname")
    yield from (Suffix(domain, source) for domain, source in islice(ordered, _MOST_SUFFIXES))


def _parents(names: Iterable[str]) -> list[str]:
    """The domains that names live in; never a public one such as `com` or `co.uk`."""
    found: dict[str, None] = {}
    for name in names:
        parent = name.rstrip(".").lower().partition(".")[2]
        labels = parent.split(".")
        if "localhost" in name or name.replace(".", "").isdigit() or ":" in name:
            continue
        public = len(labels) == 2 and len(labels[1]) == 2 and len(labels[0]) <= 3
        if (len(labels) >= 2 and not public) or parent in PRIVATE_TOPS:
            found[parent] = None
    return list(found)
