"""One family fails and the other works: is it this destination, or the whole family from here?

One lost destination says nothing of the rest, so a second one of that family is looked for: the
gateway itself, addresses of the other targets, configured resolvers, other addresses of the same
name, and the second router on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netwhy.core.asks import ConnectAsk, LocalAsk, PingAsk
from netwhy.core.model import Finding, Severity, Verdict
from netwhy.core.observations import Connect, Ping
from netwhy.diagnosis import destinations
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.destinations import ON_THE_WAY, ReachOf, Second, apart
from netwhy.diagnosis.reach import Reach, timeout

#: From here on another cause needs no mention.
_PROVED = 0.95


def suspected(reaches: Sequence[Reach]) -> tuple[Reach, ...]:
    """The addresses of the one family that fails, or may yet, on the way; none where it is not so.

    All that work belong to the other family, and nothing of this one has answered.
    """
    working = {r.address.version for r in reaches if r.verdict is Verdict.OK}
    rest = tuple(r for r in reaches if r.address.version not in working)
    if len(working) != 1 or not rest or any(r.address.is_loopback for r in rest):
        return ()
    if any(r.verdict not in (None, Verdict.FAILING) for r in rest):
        return ()
    lost = all(r.finding is None or r.finding.cause in ON_THE_WAY for r in rest)
    return rest if lost else ()


def second(case: Case, reaches: Sequence[Reach], reach: ReachOf) -> Second | None:
    """What a second destination of the suspected family shows; None where there is none.

    One that works settles it.  `works` None: still to be seen.
    """
    rest = suspected(reaches)
    if not rest or not any(_faltering(case, r) for r in rest):
        return None
    gateway = _gateway_silent(case, rest)
    if gateway is not None:
        return gateway
    found = [
        *destinations.others(case, reaches, rest[0].address, reach),
        *destinations.resolvers(case, rest),
    ]
    if not any(s.works or s.works is None or s.confidence for s in found):
        found = [*_sites(rest), *destinations.second_router(case, reaches, rest[0].address)]
    works = next((s for s in found if s.works), None)
    if works is not None:
        return works
    open_still = next((s for s in found if s.works is None), None)
    if open_still is not None and not case.final:
        return open_still
    failing = [s for s in found if s.works is False and s.confidence]
    return max(failing, key=lambda s: s.confidence, default=None)


def broken(
    case: Case,
    working: Sequence[Reach],
    failing: Sequence[Reach],
    shown: Second,
    evidence: Sequence[str],
) -> Finding:
    """The family fails from here, as two destinations show; the target works by the other."""
    version = failing[0].address.version
    family = f"IPv{version}"
    way = failing[0].finding.way if failing[0].finding is not None else None
    return case.finding(
        f"path.ipv{version}-broken",
        shown.confidence,
        family,
        severity=Severity.WARNING,
        evidence=[*evidence, shown.line],
        rivals=("tcp.some-addresses-fail",) if shown.confidence < _PROVED else (),
        address=failing[0].address,
        sender=way.sender or None if way is not None else None,
        gateway=way.gateway or None if way is not None else None,
        family=family,
        other=f"IPv{10 - version}",
        working=", ".join(str(r.address) for r in working),
        failing=", ".join(str(r.address) for r in failing),
    )


def _faltering(case: Case, reach: Reach) -> bool:
    """Does the address fail, or is its answer late already?"""
    if reach.verdict is Verdict.FAILING:
        return True
    port = case.target.port
    if port is None:
        ping = case.known(PingAsk(reach.address))
        return isinstance(ping, Ping) and ping.error is not None and not ping.unavailable
    seen = case.known(ConnectAsk(reach.address, port, timeout(case)))
    return isinstance(seen, Connect) and not seen.alive


def _gateway_silent(case: Case, rest: Sequence[Reach]) -> Second | None:
    """The family's default gateway is dead: whatever is behind it fails alike."""
    local = case.known(LocalAsk())
    defaults = {str(g.address) for g in local.gateways} if local is not None else set()
    for reach in rest:
        finding = reach.finding
        if finding is not None and finding.cause == "route.gateway-silent":
            gateway = finding.way.gateway
            if gateway in defaults:
                line = say("family-gateway", family=f"IPv{reach.address.version}", gateway=gateway)
                return Second(False, line, 0.96)
    return None


def _sites(rest: Sequence[Reach]) -> Iterator[Second]:
    """Addresses of the same name at different sites, which all fail."""
    first = rest[0]
    for reach in rest[1:]:
        if reach.finding is not None and apart(first.address, reach.address):
            yield Second(
                False,
                say("family-second", address=reach.address, title=reach.finding.title),
                0.75,
            )
