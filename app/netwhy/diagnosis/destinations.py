"""Second destinations of one address family: do they work, or fail on the way as the first did?

Nobody is asked who was not asked for: packets go to what the user named or configured, or end at
a router between.  What another target of the run has asked already is not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from netwhy.core.asks import DnsAsk, ResolverConfigAsk, RouteAsk, UdpAsk
from netwhy.core.model import IPAddress, Verdict
from netwhy.core.observations import DnsAnswer, UdpExchange
from netwhy.diagnosis.case import Beside, Case, say
from netwhy.diagnosis.reach import Reach

ReachOf = Callable[[Case, IPAddress], Reach]

#: How an address fails whose packets are lost or turned back on the way.  Every other failure is
#: one that the host itself answered with, or one of this machine alone.
ON_THE_WAY = frozenset(
    {
        "path.silent",
        "path.network-unreachable",
        "path.host-unreachable",
        "path.prohibited",
        "path.loop",
        "route.gateway-silent",
    }
)
_THIS_MACHINE = ("local.", "route.")
#: Prefixes that separate sites: hosts inside one may share a server room.
_SITE = {4: 24, 6: 48}
_MOST_OTHERS = 3
_HIGH_UDP_PORT = 33_434
_HOP_S = 1.2
_RESOLVER_S = 1.5
#: A router that does not answer is the weakest second destination: it may just keep silent.
_ROUTER_SILENT = 0.72


@dataclass(frozen=True, slots=True)
class Second:
    """What became of a second destination: `works` None where that is not known yet.

    `confidence` is how sure the whole family is lost, given that this one fails too; 0 for one
    that tells neither way.
    """

    works: bool | None
    line: str = ""
    confidence: float = 0.0


_NOTHING = Second(False)


def beyond(case: Case, address: IPAddress) -> bool | None:
    """Does the way to the address lead beyond our own links?  None while that is not known."""
    route = case.want(RouteAsk(address))
    if route is None:
        return None if RouteAsk(address) not in case.facts else False
    return route.gateway is not None and not route.local and route.error is None


def apart(one: IPAddress, other: IPAddress) -> bool:
    """Are they in networks that are usually different sites?"""
    plain = str(one).partition("%")[0]
    network = ip_network(f"{plain}/{_SITE[one.version]}", strict=False)
    return ip_address(str(other).partition("%")[0]) not in network


def others(
    case: Case, reaches: Sequence[Reach], lost: IPAddress, reach: ReachOf
) -> Iterator[Second]:
    """Addresses of the other targets of this run; those of the very same machine do not count.

    What is known of them already is looked at first, and few are asked for anything.
    """
    own = {r.address for r in reaches}
    left = _MOST_OTHERS
    for other in sorted(case.others(), key=lambda other: not other.facts):
        addresses = other.addresses
        address = next((a for a in addresses if a.version == lost.version), None)
        if address is None or address.is_loopback or own & set(addresses) or left == 0:
            continue
        far = beyond(case, address)
        if far is None:
            yield Second(None)
        elif far:
            found = _other(case, other, address, lost, reach)
            left -= found.works is None
            yield found
            if found.works:
                return


def _other(
    case: Case, other: Beside, address: IPAddress, lost: IPAddress, reach: ReachOf
) -> Second:
    """Does an address of another target work?  One that is down in both families tells nothing."""
    found = _looked_at(case, other, address, reach)
    if found.verdict is None:
        return Second(None)
    finding = found.finding
    line = say("family-other-works", address=address, target=other.target.text,
               family=f"IPv{address.version}")  # fmt: skip
    if found.verdict is Verdict.OK:
        return Second(True, line)
    if found.verdict is not Verdict.FAILING or finding is None:
        return _NOTHING
    if finding.cause not in ON_THE_WAY:
        return _NOTHING if finding.cause.startswith(_THIS_MACHINE) else Second(True, line)
    siblings = [a for a in other.addresses if a.version != address.version][:1]
    told = [_looked_at(case, other, sibling, reach) for sibling in siblings]
    if any(t.verdict is None for t in told):
        return Second(None)
    if any(t.verdict is not Verdict.OK for t in told):
        return _NOTHING
    sure = 0.9 if told else 0.8  # one that has no other family may be down for itself
    return Second(
        False,
        say("family-second", address=address, title=finding.title),
        sure if apart(lost, address) else sure - 0.1,
    )


def _looked_at(case: Case, other: Beside, address: IPAddress, reach: ReachOf) -> Reach:
    """Examine an address of another target as that target's own case would.

    Its asks are equal to those of the other target, so that nothing is sent twice.
    """
    known = {**other.facts, **case.facts}
    aside = Case(other.target, known, case.timeout_s, case.final)
    found = reach(aside, address)
    for ask in aside.wants:
        if ask not in other.facts or ask in other.open:
            case.wants[ask] = None
    return found


# ------------------------------------------------------------------------------- the resolvers


def resolvers(case: Case, rest: Sequence[Reach]) -> Iterator[Second]:
    """Configured resolvers of the family beyond our own links: asked for the root's servers."""
    config = case.known(ResolverConfigAsk())
    version = rest[0].address.version
    for resolver in config.used if config is not None else ():
        if resolver.version != version or resolver in {r.address for r in rest}:
            continue
        far = beyond(case, resolver)
        if far is None:
            yield Second(None)
        if not far:
            continue
        asked = DnsAsk(resolver, ".", "NS", within_s=_RESOLVER_S)
        seen = _answer_of(case, resolver) or case.want(asked)
        if seen is None or seen.pending:
            yield _NOTHING if asked in case.facts else Second(None)
        else:
            yield _resolver(seen)


def _answer_of(case: Case, resolver: IPAddress) -> DnsAnswer | None:
    """Any reply of the resolver that came already."""
    for ask, seen in case.facts.items():
        asked = isinstance(ask, DnsAsk) and ask.server == resolver
        if asked and isinstance(seen, DnsAnswer) and seen.rcode is not None:
            return seen
    return None


def _resolver(seen: DnsAnswer) -> Second:
    family = f"IPv{seen.server.version}"
    icmp = seen.icmp
    itself = icmp is not None and icmp.sender == seen.server
    if seen.rcode is not None or itself or (icmp is None and seen.error == "ECONNREFUSED"):
        line = say("family-resolver-works", resolver=seen.server, family=family)
        return Second(True, line)
    if seen.silent or (icmp is not None and not icmp.own):
        line = say("family-resolver-fails", resolver=seen.server, error=seen.error or "")
        return Second(False, line, 0.8)
    return _NOTHING


# ------------------------------------------------------------------------- the second router


def second_router(case: Case, reaches: Sequence[Reach], lost: IPAddress) -> Iterator[Second]:
    """Does anything of the family come past the gateway, where the other family has a router?

    The datagrams end there by their hop limit: one to the lost address, and one to the address
    next to it, so that a filter for the lost one alone is not taken for more.
    """
    working = next(r.address for r in reaches if r.verdict is Verdict.OK)
    if not (beyond(case, lost) and beyond(case, working)):
        return
    beside = type(lost)(int(lost) ^ 1)
    asked = [_ends_at(working, 2), _ends_at(lost, 2), _ends_at(lost, 3), _ends_at(beside, 2)]
    here, *there = [case.want(ask) for ask in asked]
    if any(ask not in case.facts for ask in asked):
        yield Second(None)
        return
    router = _router(here, working)
    if any(_router(seen, lost) is not None for seen in there):
        answered = next(r for r in (_router(seen, lost) for seen in there) if r is not None)
        yield Second(True, say("family-router-works", router=answered, family=f"IPv{lost.version}"))
    elif router is not None and all(seen is not None and seen.silent for seen in there):
        yield Second(
            False,
            say("family-router-silent", router=router, address=lost, beside=beside,
                family=f"IPv{lost.version}", other=f"IPv{working.version}"),
            _ROUTER_SILENT,
        )  # fmt: skip


def _ends_at(address: IPAddress, hop: int) -> UdpAsk:
    return UdpAsk(address, _HIGH_UDP_PORT, _HOP_S, ttl=hop)


def _router(seen: UdpExchange | None, address: IPAddress) -> IPAddress | None:
    """The router between that says that the datagram's hops are used up."""
    icmp = seen.icmp if seen is not None else None
    if icmp is None or not icmp.time_exceeded or icmp.own or icmp.sender == address:
        return None
    return icmp.sender
