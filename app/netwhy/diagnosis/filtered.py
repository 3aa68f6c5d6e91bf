"""Answers that somebody between the zone and this machine has changed, emptied or made up.

How many queries: one for a label that cannot exist, where something hints at an invented answer,
and a second one outside the zone only if the first was answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2s

from netwhy.core.asks import DnsAsk
from netwhy.core.errnames import ede_name
from netwhy.core.model import Finding, Severity
from netwhy.core.observations import DnsAnswer, SystemLookup
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.server import Server, describe, system_said, worded

_BLOCKED = frozenset({15, 16, 17})  # Blocked, Censored, Filtered (RFC 8914)
_FORGED = 4
_LABEL_S = 2.0


def sinkholed(case: Case, looked_up: SystemLookup, servers: Sequence[Server]) -> Finding | None:
    """The name works for nobody here: an address that is none, or a block that says so itself."""
    first = next((server for server in servers if server.answered), None)
    if first is None:
        return None
    unspecified = bool(first.addresses) and all(a.is_unspecified for a in first.addresses)
    loopback = _only_loopback(first, servers)
    nowhere = unspecified or loopback
    code = _block(first)
    if not nowhere and code is None:
        return None
    evidence = [describe(first)]
    if code is not None:
        evidence.insert(0, say("blocked", resolver=first.address, code=code, why=ede_name(code)))
    if unspecified:
        evidence.append(say("address-is-nowhere", address=first.addresses[0]))
    elif loopback:
        evidence.append(say("address-is-here", address=first.addresses[0]))
    evidence += [describe(server) for server in servers if server is not first and server.answered]
    page = not nowhere and bool(first.addresses)
    return worded(
        case,
        "dns.sinkholed",
        0.95,
        looked_up,
        [*evidence, system_said(looked_up)],
        variant="page" if page else "" if nowhere else "denied",
        resolver=first.address,
        address=first.address,
        addresses=", ".join(map(str, first.addresses[:3])),
        ede=first.ede,
    )


def _only_loopback(first: Server, servers: Sequence[Server]) -> bool:
    """Does the first resolver lead the name to this machine, and another one elsewhere?"""
    if not first.addresses or not all(a.is_loopback for a in first.addresses):
        return False
    return any(s.addresses and not any(a.is_loopback or a.is_unspecified for a in s.addresses)
               for s in servers)  # fmt: skip


def _block(server: Server) -> int | None:
    """The code with which a server says that it blocks the name; None if it does not.

    One family that is filtered while the other has its address is no block.  An empty answer
    that is "Blocked" hides an address: `private_filtered` looks at that.
    """
    for answer in server.replies:
        codes = [code for code, _text in answer.ede if code in _BLOCKED]
        if not codes or answer.rcode == "REFUSED":
            continue
        if server.addresses and not answer.addresses:
            continue
        if answer.nodata and codes == [15]:
            continue
        return codes[0]
    return None


def private_filtered(
    case: Case,
    looked_up: SystemLookup,
    first: Server,
    others: Sequence[Server],
    evidence: Sequence[str],
) -> Finding | None:
    """An empty answer where a private address belongs: another resolver gives it, or EDE 15."""
    if not first.empty or first.addresses:
        return None
    giving = next((s for s in others if s.addresses), None)
    says_so = any(a.nodata and any(c == 15 for c, _ in a.ede) for a in first.replies)
    if giving is None and not says_so:
        return None
    if giving is not None and not all(a.is_private for a in giving.addresses):
        return None
    if not says_so and any(a.soa is not None for a in first.replies):
        return None  # the zone itself says that there is no address
    told = list(evidence)
    if giving is not None:
        told.insert(0, say("private-elsewhere", resolver=giving.address,
                           addresses=", ".join(map(str, giving.addresses[:3]))))  # fmt: skip
    if says_so:
        told.insert(0, say("blocked", resolver=first.address, code=15, why=ede_name(15)))
    both = giving is not None and says_so
    return worded(
        case,
        "dns.private-filtered",
        0.96 if both else 0.9 if giving is not None else 0.8,
        looked_up,
        told,
        rivals=() if both else ("dns.resolvers-disagree",) if giving else ("dns.sinkholed",),
        resolver=first.address,
        address=first.address,
        addresses=", ".join(map(str, giving.addresses[:3])) if giving is not None else None,
        ede=first.ede,
    )


# ------------------------------------------------------------------------------------ made up


def hinted(server: Server) -> bool:
    """Does an answer look as if the resolver had made it up itself?

    Recursion brings a positive answer without the authority flag, and an empty one with the SOA
    record of its zone (RFC 2308).  What a resolver adds by itself often differs.  Own names of a
    home router look alike, so this is a reason to ask and no evidence.
    """
    return any(
        a.rcode == "NOERROR"
        and a.recursion_available
        and ((a.authoritative and a.records) or (a.nodata and a.soa is None) or _forged(a))
        for a in server.replies
    ) or _half_denied(server)


def _half_denied(server: Server) -> bool:
    """One type has an address and the other is denied: no zone says so, who rewrites a no may."""
    return bool(server.addresses) and any(a.rcode == "NXDOMAIN" for a in server.replies)


def _forged(answer: DnsAnswer) -> bool:
    return any(code == _FORGED for code, _text in answer.ede)


def impossible_names(name: str) -> tuple[str, str]:
    """A label that nobody has, below the name's own parent and below `invalid` (RFC 6761).

    Always the same for one parent, so that the resolver remembers the "no" and the zone is spared.
    """
    parent = name.rstrip(".").partition(".")[2] or "invalid"
    label = "nx-" + blake2s(parent.encode("ascii", "replace"), digest_size=6).hexdigest()
    return f"{label}.{parent}", f"{label}-x.invalid"


def rewritten(
    case: Case,
    looked_up: SystemLookup,
    server: Server,
    ask: Callable[[DnsAsk], DnsAnswer | None],
    *,
    severity: Severity = Severity.WARNING,
) -> Finding | None:
    """Names that cannot exist resolve: below the name's parent, and elsewhere too.

    The second question keeps a wildcard record of the zone, which is no fault, from being accused.
    """
    sibling, elsewhere = impossible_names(looked_up.name)
    rrtype = "AAAA" if all(a.version == 6 for a in server.addresses) else "A"
    first = ask(DnsAsk(server.address, sibling, rrtype, within_s=_LABEL_S))
    if first is None or not first.addresses:
        return None
    second = ask(DnsAsk(server.address, elsewhere, rrtype, within_s=_LABEL_S))
    if second is None or not second.addresses:
        return None
    same = set(server.addresses) & set(first.addresses)
    if severity is Severity.FAILURE and not same:
        return None  # the name has an address of its own: another cause stops it
    made_up = ", ".join(map(str, first.addresses[:2]))
    evidence = [
        say("impossible-resolves", name=sibling, resolver=server.address, addresses=made_up),
        say("impossible-resolves", name=elsewhere, resolver=server.address,
            addresses=", ".join(map(str, second.addresses[:2]))),
        say("impossible-same", name=looked_up.name) if same else "",
        describe(server),
    ]  # fmt: skip
    return worded(
        case,
        "dns.rewritten",
        0.95,
        looked_up,
        evidence,
        severity=severity,
        variant="same" if same else "",
        root=server.address,
        resolver=server.address,
        address=server.address,
        addresses=made_up,
        label=sibling,
    )
