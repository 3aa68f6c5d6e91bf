"""An error that the system or another machine reported, explained."""

from __future__ import annotations

from netwhy.core.asks import (
    LocalAsk,
    RouteAsk,
)
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import (
    Icmp,
    LocalState,
    Route,
    endpoint,
)
from netwhy.diagnosis import firewall
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import path as path_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, say


def explained(
    case: Case,
    address: IPAddress,
    port: int | None,
    error: str,
    icmp: Icmp | None,
    took_ms: float | None,
) -> Finding | None:
    """The diagnosis of an error that the system or another machine reported; None: undecided."""
    if error in ("EMFILE", "ENFILE"):
        return local_layer.files_exhausted(case, error)
    if icmp is not None and not icmp.own:
        return path_layer.reported(case, address, port, error, icmp, took_ms)
    table = route_layer.refused_by_table(case, address)
    if table is not None:
        return table
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None:
        return None
    if icmp is not None:
        silent = route_layer.neighbour_silent(case, address) if icmp.host_unreachable else None
        if silent is not None or case.waiting:
            return silent
        return firewall.own_firewall_rejects(case, address, port, error, icmp)
    if error == "EHOSTUNREACH":
        silent = route_layer.neighbour_silent(case, address)
        if silent is not None or case.waiting:
            return silent
    return _refused_here(case, address, port, error, local, route)


def _refused_here(
    case: Case,
    address: IPAddress,
    port: int | None,
    error: str,
    local: LocalState,
    route: Route,
) -> Finding | None:
    """The system refused at once, and not because of its routes."""
    if (route.broadcast or route.multicast) and error in ("EACCES", "ENETUNREACH", "EINVAL"):
        return case.finding(
            "local.address-unusable",
            0.98,
            str(address),
            evidence=(
                say("route-broadcast", address=address),
                say("connect-said", error=error, endpoint=endpoint(address, port)),
            ),
            variant="broadcast" if route.broadcast else "multicast",
            address=address,
            label=address,
        )
    if error == "EADDRNOTAVAIL":
        has_family = any(
            a.version == address.version and not a.is_loopback for a in local.addresses
        )
        if address.version == 6 and (local.ipv6_disabled or not has_family):
            return route_layer.none(case, local, address)
        if port is not None:
            exhausted = local_layer.ports_exhausted(case, address, port, error)
            if exhausted is not None or case.waiting:
                return exhausted
    if error in ("EPERM", "EACCES"):
        return local_layer.policy(case, address, port, error)
    return unexplained(case, endpoint(address, port), "tcp", error)


def unexplained(case: Case, subject: str, probe: str, error: str) -> Finding:
    """No rule explains it: the raw error by name, and no more."""
    return case.finding(
        "unexplained",
        0.3,
        subject,
        evidence=(say("raw-error", probe=probe, subject=subject, error=error),),
        endpoint=subject,
        error=error,
    )
