"""Is a target as it was?  What to repeat of a whole check, and whether it came to the same.

Most checks of a monitor find what the one before found.  Then it is enough to repeat what decided:
the exchange with the target itself, and the look-up of its name.  As soon as anything but a time is
different nothing is concluded from it: only a whole check can tell why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netwhy.core.asks import (
    Ask,
    ConnectAsk,
    DnsAsk,
    ExchangeAsk,
    HttpAsk,
    LocalAsk,
    ResolverConfigAsk,
    RouteAsk,
    SystemLookupAsk,
    TlsAsk,
    UdpAsk,
)
from netwhy.core.model import Kind, Outcome, Target, TargetReport, Tls, Verdict
from netwhy.core.observations import (
    Connect,
    DnsAnswer,
    Exchange,
    HttpExchange,
    LocalState,
    Observation,
    Ping,
    Skipped,
    SystemLookup,
    TlsHandshake,
    UdpExchange,
)
from netwhy.diagnosis.pathline import speaks

Facts = Mapping[Ask[Any], Observation]


@dataclass(frozen=True, slots=True)
class Steady:
    """A whole check as far as it can be repeated.

    `exchanges` decided it: what was asked and seen, and the place of its row in the report;
    `lookup` is that of the target's name, None for an address, and `ttl_s` how long its answer may
    be kept, where that is known; `ground` is what the check took of this machine.
    """

    report: TargetReport
    exchanges: tuple[tuple[Ask[Any], Observation, int], ...]
    lookup: tuple[SystemLookupAsk, SystemLookup] | None
    ground: Facts
    ttl_s: int | None = None


_GROUND = (LocalAsk, RouteAsk, ResolverConfigAsk)
_WELL = (Outcome.OK, Outcome.DEGRADED)
_NEVER = (Kind.LOCAL, Kind.BIND)  # nothing is exchanged: reading this machine is all of it


def steady(report: TargetReport, facts: Facts) -> Steady | None:
    """What to repeat of a complete check; None where only a whole check will do."""
    target = report.target
    if not report.complete or report.verdict is Verdict.UNKNOWN or target.kind in _NEVER:
        return None
    failing = report.verdict is Verdict.FAILING
    if failing and target.options.fallback is not None:
        return None  # whether the other one serves is part of the answer
    lookup = None
    if target.address is None:
        asked = SystemLookupAsk(target.host, target.options.family)
        resolved = facts.get(asked)
        if not isinstance(resolved, SystemLookup):
            return None
        lookup = (asked, resolved)
    exchanges = _deciding(report, facts)
    well = [_well(target, seen) for _ask, seen, _place in exchanges]
    unresolved = failing and not exchanges and lookup is not None and lookup[1].error is not None
    if not (unresolved or (failing and not all(well)) or (not failing and any(well))):
        return None  # something else has decided: a second try, the state of this machine
    ground: dict[Ask[Any], Observation] = {}
    for ask, seen in facts.items():
        if isinstance(ask, _GROUND):
            ground[ask] = seen
    return Steady(report, exchanges, lookup, ground, _ttl(target, facts))


def _ttl(target: Target, facts: Facts) -> int | None:
    """The shortest that a resolver gave with an address of the target's own name."""
    name = target.host.rstrip(".").lower()
    ttls = [
        seen.ttl
        for seen in facts.values()
        if isinstance(seen, DnsAnswer) and seen.addresses and seen.ttl is not None
        if seen.name.rstrip(".").lower() == name
    ]
    return min(ttls, default=None)


def _well(target: Target, seen: Observation) -> bool:
    """Did it come to what is wanted?  A host without a port lives also by a refusal."""
    if target.port is None and isinstance(seen, Connect):
        return seen.alive
    return seen.row().outcome in _WELL


def _deciding(report: TargetReport, facts: Facts) -> tuple[tuple[Ask[Any], Observation, int], ...]:
    """The exchanges with the target itself: at each address that of the last layer that was met."""
    target = report.target
    found: dict[Ask[Any], Observation] = {}
    for address in report.addresses:
        at = {ask: seen for ask, seen in facts.items() if str(_where(ask)) == address}
        for kind in _kinds(target):
            met = {a: seen for a, seen in at.items() if isinstance(a, kind) and _own(target, a)}
            if met:
                found |= met
                break
        else:
            found |= _sign_of_life(report, at)
    if target.kind in (Kind.HTTP, Kind.HTTPS):  # where it sends on to may be elsewhere
        found |= {a: s for a, s in facts.items() if isinstance(a, HttpAsk) and _own(target, a)}
    rows = list(report.probes)
    return tuple(
        (ask, seen, rows.index(row))
        for ask, seen in found.items()
        if not isinstance(seen, Skipped) and (row := seen.row()) in rows
    )


def _where(ask: Ask[Any]) -> object:
    return ask.server if isinstance(ask, DnsAsk) else getattr(ask, "address", None)


def _sign_of_life(report: TargetReport, at: Facts) -> Facts:
    """A host without a port: the echo it answers or refuses, else a port that shows that it lives.

    That it is silent decides nothing: others than echoes would be answered as it comes back.
    """
    if report.target.kind not in (Kind.HOST, Kind.ICMP):
        return {}
    for ask, seen in at.items():
        if isinstance(seen, Ping) and (seen.answered or seen.icmp is not None):
            return {ask: seen}
        if isinstance(seen, Connect) and seen.alive and report.verdict is not Verdict.FAILING:
            return {ask: seen}
    return {}


def _kinds(target: Target) -> list[tuple[type[Ask[Any]], ...]]:
    """What decides on such a target, the last layer first: what lies below is part of it."""
    if target.kind is Kind.DNS:
        return [(DnsAsk,)]
    if target.kind is Kind.UDP:
        return [(ExchangeAsk,), (UdpAsk,)]
    if target.port is None or target.kind in (Kind.HOST, Kind.ICMP):
        return []
    if target.kind in (Kind.HTTP, Kind.HTTPS):
        return [(HttpAsk,), (TlsAsk,), (ConnectAsk,)]
    if target.tls is not Tls.NONE:  # an exchange does not ask for trust
        return [(TlsAsk, ExchangeAsk), (ConnectAsk,)]
    return [(ExchangeAsk,), (ConnectAsk,)] if speaks(target) else [(ConnectAsk,)]


def _own(target: Target, ask: Ask[Any]) -> bool:
    """Is it what a client of the target would do, and not a contrast beside it?"""
    if isinstance(ask, DnsAsk):
        wanted = (target.query_name or ".").rstrip("."), target.query_type, target.port or 53
        plain = ask == DnsAsk(ask.server, ask.name, ask.rrtype, ask.port)
        return plain and (ask.name.rstrip("."), ask.rrtype, ask.port) == wanted
    if getattr(ask, "attempt", 1) != 1 or getattr(ask, "segment", None) is not None:
        return False
    if isinstance(ask, HttpAsk):
        return True
    if isinstance(ask, TlsAsk) and not (ask.trust and ask.check_name and ask.offer == "common"):
        return False
    if isinstance(ask, UdpAsk) and ask.ttl is not None:
        return False
    return getattr(ask, "port", None) == target.port


def same_ground(was: Observation, now: Observation | None, known: Steady) -> bool:
    """Is this machine as it was, as far as it concerns the target?

    Of a target that works only its own ways count: interfaces of containers come and go.
    """
    if not isinstance(was, LocalState) or not isinstance(now, LocalState):
        return was == now
    if known.report.verdict is Verdict.FAILING:
        return replace(was, files_open=None) == replace(now, files_open=None)
    used = {getattr(seen, "interface", None) for seen in known.ground.values()}
    used |= {gateway.interface for gateway in was.gateways}
    return _as_used(was, used) == _as_used(now, used)


def _as_used(local: LocalState, names: set[str | None]) -> tuple[object, ...]:
    interfaces = [i for i in local.interfaces if i.name in names]
    return interfaces, local.gateways, local.ipv6_disabled, local.proxies, local.privileged


# ------------------------------------------------------------------------------------ the report


def renewed(known: Steady, again: Sequence[Observation]) -> TargetReport:
    """The report of the whole check with what was measured `again`, in the order of `exchanges`.

    A failure keeps every word: its evidence is what that check saw.  Otherwise the round trip and
    the rows of what was repeated are new, and the rest says what it said.
    """
    report = known.report
    if report.verdict is Verdict.FAILING:
        return report
    rows = list(report.probes)
    for (_ask, _was, place), now in zip(known.exchanges, again, strict=True):
        rows[place] = now.row()
    rtt_ms = next((rtt for now in again if (rtt := _rtt(now)) is not None), None)
    return replace(report, probes=tuple(rows), rtt_ms=rtt_ms)


def _rtt(seen: Observation) -> float | None:
    """The kernel's round trip where it has one."""
    if isinstance(seen, Connect):
        return (seen.rtt_ms or seen.ms) if seen.open else None
    if isinstance(seen, Ping):
        return seen.rtt_ms
    if isinstance(seen, (TlsHandshake, HttpExchange, Exchange)):
        return seen.flow.rtt_ms or seen.connect_ms
    return seen.ms if isinstance(seen, (DnsAnswer, UdpExchange)) and not seen.error else None
