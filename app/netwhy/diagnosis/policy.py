"""A security policy of this machine: it forbids this program, whatever the network is like."""

from __future__ import annotations

from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import LocalState, endpoint
from netwhy.diagnosis.case import Case, say


def forbidden(
    case: Case, local: LocalState, address: IPAddress, port: int | None, error: str
) -> Finding:
    """Forbidden at once, with a good route and no ICMP error: a security policy.

    A packet filter of Linux lets a TCP connect begin, so its rules are no rival there.
    """
    return case.finding(
        "local.policy",
        0.9 if local.platform == "linux" else 0.8,
        endpoint(address, port),
        evidence=(
            say("connect-said", error=error, endpoint=endpoint(address, port)),
            say("route-is-fine", address=address),
            say("no-icmp"),
            *confined(local),
        ),
        rivals=() if local.platform == "linux" else ("local.firewall",),
        root="this machine",
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        error=error,
    )


def confined(local: LocalState) -> list[str]:
    """What is known to confine this very process, as a sentence; none where nothing is seen."""
    return [say("confined", by=", ".join(local.confined))] if local.confined else []


def family_forbidden(
    case: Case, local: LocalState, address: IPAddress, port: int | None
) -> Finding:
    """The kernel has the family, and this program may open no socket of it."""
    family = f"IPv{address.version}"
    has = any(a.version == address.version for a in local.addresses)
    return case.finding(
        "local.policy",
        0.9 if has else 0.75,
        endpoint(address, port),
        evidence=(
            say("family-refused", family=family),
            say("family-is-here", family=family) if has else "",
            *confined(local),
        ),
        rivals=() if has else ("route.none",),
        variant="family",
        root=f"the {family} sockets of this program",
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        family=family,
        error="EAFNOSUPPORT",
    )
