"""This machine's own packet filter: what it rejects, what it drops going out or coming in."""

from __future__ import annotations

from netwhy.core.asks import LocalDropsAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import (
    Connect,
    Icmp,
    LocalDrops,
    endpoint,
)
from netwhy.diagnosis.case import Case, say


def own_firewall_rejects(
    case: Case, address: IPAddress, port: int | None, error: str, icmp: Icmp
) -> Finding:
    """An ICMP error that this machine sent to itself."""
    return case.finding(
        "local.firewall",
        0.97,
        endpoint(address, port),
        evidence=(
            say("icmp-own", icmp=icmp.label, sender=icmp.sender or "", error=error),
            say("route-is-fine", address=address),
        ),
        variant="rejected",
        root="this machine",
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        source=icmp.sender,
        sender=icmp.sender,
        icmp=icmp.label,
        error=error,
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
    return case.finding(
        "local.firewall",
        0.85,
        endpoint(seen.address, seen.port),
        evidence=(
            say(
                "answers-dropped-here",
                first=drops.received[0],
                second=drops.received[1],
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
    """Both bursts must show it: half of the answers at least, beyond the idle baseline."""
    return len(drops.received) == 2 and all(count >= 3 for count in drops.received)
