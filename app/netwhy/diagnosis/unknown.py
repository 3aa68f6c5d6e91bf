"""A name that does not exist: what was meant, and where it ends.

How many queries: one for each ancestor between the name and its zone, at most three; and those of
the search list (`search.missing`).
"""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core import spelling
from netwhy.core.asks import DnsAsk, HostsAsk
from netwhy.core.model import Finding
from netwhy.core.observations import ResolverConfig, SystemLookup
from netwhy.diagnosis import search
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.server import CONTRAST_S, Server, worded

_MOST_ANCESTORS = 3


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
        elsewhere = search.missing(case, looked_up, config, first, evidence)
        if elsewhere is not None or case.waiting:
            return elsewhere
    ancestry = _ancestry(case, looked_up.name, first)
    told = [*evidence, *ancestry, *_memory(answering)]
    if config is not None:
        told += search.told(looked_up.name, config)
    commented = case.known(HostsAsk(looked_up.name))
    if commented is not None and commented.commented:
        line, text = commented.commented
        told.insert(0, say("hosts-commented", file=commented.path, line=line, text=text))
    meant = _meant(case, looked_up.name)
    if meant:
        told.append(say("known-name-alike", names=", ".join(meant)))
    owner, seconds = next((a.soa for s in answering for a in s.answers if a.soa), (None, None))
    gone = _domain_gone(case, looked_up.name, first, owner)
    return worded(
        case,
        "dns.name-not-found",
        0.97,
        looked_up,
        told,
        variant="domain" if gone else "",
        label=gone or None,
        resolver=first.address,
        resolvers=", ".join(str(s.address) for s in answering),
        suffix=owner,
        seconds=seconds,
        nearest=meant[0] if meant else None,
    )


def _domain_gone(case: Case, name: str, first: Server, owner: str | None) -> str:
    """The whole domain if it is what does not exist: its top-level domain says so itself.

    Such a "no" has the SOA record of the top-level domain (RFC 2308), and that domain exists.
    """
    labels = name.rstrip(".").lower().split(".")
    if len(labels) < 3 or labels[-1] in search.PRIVATE_TOPS:
        return ""
    domain = ".".join(labels[-2:])
    top, below = (
        case.known(DnsAsk(first.address, above, "NS", within_s=CONTRAST_S))
        for above in (labels[-1], domain)
    )
    denied = below is not None and below.rcode == "NXDOMAIN"
    return domain if owner == labels[-1] or (denied and search.exists(top)) else ""


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
        if search.exists(answer):
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
