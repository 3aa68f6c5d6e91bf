"""This machine's own packet filter: what it rejects, what it drops going out or coming in."""

from __future__ import annotations

import math

from netwhy.core.asks import LocalDropsAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import (
    Connect,
    Icmp,
    LocalDrops,
    endpoint,
)
from netwhy.diagnosis.case import Case, Refusal, say

#: How many of the four answers of a burst must be missed.
_ANSWERS = 3


def own_firewall_rejects(case: Case, refusal: Refusal, icmp: Icmp) -> Finding:
    """An ICMP error that this machine sent to itself."""
    address = refusal.address
    return case.finding(
        "local.firewall",
        0.97,
        refusal.endpoint,
        evidence=(
            say("icmp-own", icmp=icmp.label, sender=icmp.sender or "", error=refusal.error),
            say("route-is-fine", address=address),
        ),
        variant="rejected",
        root="this machine",
        address=address,
        port=refusal.port,
        endpoint=refusal.endpoint,
        source=icmp.sender,
        sender=icmp.sender,
        icmp=icmp.label,
        error=refusal.error,
    )


def send_forbidden(case: Case, address: IPAddress, port: int | None, error: str) -> Finding:
    """A datagram that the system refused to send: an own firewall rule drops or rejects it."""
    return case.finding(
        "local.firewall",
        0.95,
        endpoint(address, port),
        evidence=(
            say("send-forbidden", endpoint=endpoint(address, port), error=error),
            say("route-is-fine", address=address),
        ),
        rivals=("local.policy",),
        variant="send",
        root="this machine",
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        error=error,
    )


def resends_stay_here(case: Case, seen: Connect) -> Finding | None:
    """The kernel sent the SYN again, and the output path refused each: an own rule drops it."""
    if seen.resends_left is not False:
        return None
    where = endpoint(seen.address, seen.port)
    stay = say("resends-stay-here", resends=seen.resends, endpoint=where)
    return _dropped(case, seen, stay, 0.96, variant="out", rival="local.policy")


def answers_dropped_here(case: Case, seen: Connect) -> Finding | None:
    """Answers arrive and reach no protocol: an own rule drops what comes back."""
    drops = case.want(LocalDropsAsk(seen.address, seen.port))
    if drops is None or not counted(drops):
        return None
    first, second = sorted(drops.received, reverse=True)[:2]
    where = endpoint(seen.address, seen.port)
    lost = say("answers-dropped-here", first=first, second=second, endpoint=where)
    return _dropped(case, seen, lost, 0.85, variant="in", rival="tcp.filtered")


def _dropped(
    case: Case, seen: Connect, proof: str, confidence: float, *, variant: str, rival: str
) -> Finding:
    """An own rule drops packets of a connect, on their way out or in, without a word."""
    where = endpoint(seen.address, seen.port)
    return case.finding(
        "local.firewall",
        confidence,
        where,
        evidence=(proof, say("route-is-fine", address=seen.address)),
        rivals=(rival,),
        variant=variant,
        root="this machine",
        address=seen.address,
        port=seen.port,
        endpoint=where,
    )


def counted(drops: LocalDrops) -> bool:
    """Two bursts must show it: most of the answers, and clearly more than the noise could.

    Packets of others come at random, so a count of n varies by about its square root.
    """
    noise = drops.noise or (0,) * len(drops.received)
    rounds = zip(drops.received, noise, strict=False)
    return sum(count >= _least(stray) for count, stray in rounds) >= 2


def _least(stray: int) -> float:
    return _ANSWERS + 3 * math.sqrt(2 * stray) if stray > 0 else _ANSWERS


def too_noisy(drops: LocalDrops | None) -> bool:
    """Did packets of others hide in every round whether answers are dropped here?"""
    return drops is not None and min(drops.noise, default=0) > 0
