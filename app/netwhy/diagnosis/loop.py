"""Packets that run out of hops: they circle, or the limit that they leave with is too small."""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core.model import Finding
from netwhy.core.observations import Icmp, Trace, endpoint
from netwhy.diagnosis import way
from netwhy.diagnosis.case import Case, Refusal, say


def expired(case: Case, refusal: Refusal, icmp: Icmp, evidence: Sequence[str]) -> Finding:
    """A router said "time exceeded" to an ordinary packet; a trace shows whether it circles."""
    transport = "udp" if refusal.probe == "udp" else "tcp"
    trace = way.hoped(case, way.ask_for(case, refusal.address, refusal.port, transport))
    if trace is not None and trace.circle:
        return circling(case, trace, evidence, icmp)
    told = list(evidence)
    variant, confidence = "", 0.8
    if trace is not None and trace.reached is not None:
        variant = "hop-limit"
        on_the_way = icmp.sender is not None and trace.distance(icmp.sender) is not None
        confidence = 0.9 if on_the_way else 0.6  # else routes may have changed just now
        told.append(say("way-reached", endpoint=refusal.endpoint, away=way.away(trace.reached)))
    elif trace is not None and trace.last is not None:
        told.append(say("way-no-circle", endpoint=refusal.endpoint, router=trace.last.address,
                        away=way.away(trace.last.ttl)))  # fmt: skip
    return case.finding(
        "path.loop",
        confidence,
        refusal.endpoint,
        evidence=told,
        rivals=() if variant else ("path.network-unreachable",),
        variant=variant,
        **refusal.told(icmp),
        hops=trace.reached if trace is not None else None,
    )


def circling(
    case: Case, trace: Trace, evidence: Sequence[str], icmp: Icmp | None = None
) -> Finding:
    """A trace met the same routers again and again: proved, whatever else was heard."""
    where = endpoint(trace.address, _port(case, trace))
    routers = [router for router in trace.circle if router is not None]
    first = min(filter(None, map(trace.distance, routers)), default=1)
    times = sum(hop.address == routers[0] for hop in trace.routers)
    met = say("way-circles", endpoint=where, routers=way.circle_in_words(trace),
              away=way.away(first), router=routers[0], times=times)  # fmt: skip
    return case.finding(
        "path.loop",
        0.97,
        where,
        evidence=[*evidence, met],
        root=" ".join(sorted(map(str, routers))),
        address=trace.address,
        port=_port(case, trace),
        endpoint=where,
        sender=icmp.sender if icmp is not None else None,
        router=routers[0],
        routers=way.circle_in_words(trace),
        icmp=icmp.label if icmp is not None else None,
    )


def _port(case: Case, trace: Trace) -> int | None:
    """The port of the target that a trace was made for: a ping has none."""
    host_only = case.target.port is None or trace.transport == "icmp"
    return None if host_only else trace.port
