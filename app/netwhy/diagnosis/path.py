"""Between here and there: an ICMP error from a foreign address.

One packet that was refused does not say how much is refused: other ports of the host and a ping
are the contrast.
"""

from __future__ import annotations

from collections.abc import Iterable

from netwhy.core.asks import RouteAsk
from netwhy.core.model import Finding
from netwhy.core.observations import Icmp
from netwhy.diagnosis import loop, way
from netwhy.diagnosis.case import Case, Refusal, ms, say
from netwhy.diagnosis.contrast import contrast

_GIVES_UP_MS = 2500  # a neighbour is given up after 3.05 s


def reported(case: Case, refusal: Refusal, icmp: Icmp) -> Finding | None:
    """The diagnosis of an ICMP error that another machine sent; None until it is decided."""
    address = refusal.address
    evidence = [_told(refusal, icmp)]
    if icmp.time_exceeded:
        return loop.expired(case, refusal, icmp, evidence)
    if icmp.protocol_unreachable or icmp.port_unreachable:
        return _rejected(case, refusal, icmp, evidence)
    if icmp.host_unreachable and icmp.sender == address and (refusal.ms or 0) >= _GIVES_UP_MS:
        # No filter takes three seconds: it passes the port on, and asked its link in vain.
        return _worded(
            case, "path.host-unreachable", 0.85, refusal, icmp, evidence,
            rivals=("tcp.rejected-by-firewall",), variant="passed-on",
        )  # fmt: skip
    if not (icmp.prohibited or icmp.network_unreachable or icmp.host_unreachable):
        return case.finding(
            "unexplained",
            0.4,
            refusal.endpoint,
            evidence=evidence,
            endpoint=refusal.endpoint,
            error=refusal.error,
        )
    others = contrast(case, address, refusal.port, udp=False)
    if others is None:
        return None
    alive = others.signs_of_life()
    alike = others.refused_by(icmp)
    if any(c.alive for c in others.ports) or (alive and not alike):
        return _rejected(case, refusal, icmp, [*evidence, *alive])
    if alike:
        ports = ", ".join(str(c.port) for c in alike)
        evidence.append(
            say("refused-alike", address=address, ports=ports, sender=icmp.sender or "something")
        )
    if others.ping_refused is not None:
        evidence.append(say("ping-refused", address=address, icmp=others.ping_refused.label))
    sure = bool(alike) or others.ping_refused is not None or refusal.port is None
    certain = sure and not alive
    return _worded(
        case,
        _cause(icmp),
        0.95 if certain else 0.75,
        refusal,
        icmp,
        [*evidence, *alive],
        rivals=() if certain else ("tcp.rejected-by-firewall",),
    )


def _told(refusal: Refusal, icmp: Icmp) -> str:
    """Who answered with which ICMP error, as far as that is known."""
    if icmp.sender is None:
        return say("icmp-from-somebody", icmp=icmp.label, error=refusal.error)
    if refusal.ms is None:
        return say("icmp-from-untimed", icmp=icmp.label, sender=icmp.sender, error=refusal.error)
    return say(
        "icmp-from",
        icmp=icmp.label,
        sender=icmp.sender,
        took=ms(refusal.ms),
        error=refusal.error,
    )


def _cause(icmp: Icmp) -> str:
    if icmp.prohibited:
        return "path.prohibited"
    return "path.network-unreachable" if icmp.network_unreachable else "path.host-unreachable"


def _rejected(case: Case, refusal: Refusal, icmp: Icmp, evidence: list[str]) -> Finding:
    variant = "target" if icmp.sender == refusal.address else "between"
    return _worded(case, "tcp.rejected-by-firewall", 0.96, refusal, icmp, evidence, variant=variant)


def _worded(
    case: Case,
    cause: str,
    confidence: float,
    refusal: Refusal,
    icmp: Icmp,
    evidence: Iterable[str],
    *,
    rivals: tuple[str, ...] = (),
    variant: str = "",
) -> Finding:
    where = [] if variant == "passed-on" else _whereabouts(case, refusal, icmp)
    return case.finding(
        cause,
        confidence,
        refusal.endpoint,
        evidence=[*evidence, *where],
        rivals=rivals,
        variant=variant if icmp.sender is not None else "",
        **refusal.told(icmp),
    )


def _whereabouts(case: Case, refusal: Refusal, icmp: Icmp) -> list[str]:
    """Where the sender of an ICMP error stands, as far as nothing needs to be asked for it."""
    route = case.want(RouteAsk(refusal.address))
    if icmp.sender is None:
        return []
    if route is not None and route.gateway == icmp.sender:
        return [say("sender-is-gateway", sender=icmp.sender)]
    if icmp.sender == refusal.address:
        return [say("sender-is-target", sender=icmp.sender)]
    if icmp.distance is None:
        return []
    return [say("sender-distance", sender=icmp.sender, away=way.away(icmp.distance))]
