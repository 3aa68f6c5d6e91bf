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
    return case.finding(
        "local.firewall",
        0.96,
        endpoint(seen.address, seen.port),
        evidence=(
            say(
                "resends-stay-here",
                resends=seen.resends,
                endpoint=endpoint(seen.address, seen.port),
            ),
            say("route-is-fine", address=seen.address),
        ),
        rivals=("local.policy",),
        variant="out",
        root="this machine",
        address=seen.address,
        port=seen.port,
        endpoint=endpoint(seen.address, seen.port),
    )


def answers_dropped_here(case: Case, seen: Connect) -> Finding | None:
    """Answers arrive and reach no protocol: an own rule drops what comes back."""
    drops = case.want(LocalDropsAsk(seen.address, seen.port))
    if drops is None or not counted(drops):
        return None
    first, second = sorted(drops.received, reverse=True)[:2]
    return case.finding(
        "local.firewall",
        0.85,
        endpoint(seen.address, seen.port),
        evidence=(
            say(
                "answers-dropped-here",
                first=first,
                second=second,
                endpoint=endpoint(seen.address, seen.port),
            ),
            say("route-is-fine", address=seen.address),
        ),
        rivals=("tcp.filtered",),
        variant="in",
        root="this machine",
        address=seen.address,
        port=seen.port,
        endpoint=endpoint(seen.address, seen.port),
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
