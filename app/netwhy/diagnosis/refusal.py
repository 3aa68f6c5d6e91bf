"""An error that the system or another machine reported, explained."""

from __future__ import annotations

from netwhy.core.asks import LocalAsk, RouteAsk
from netwhy.core.model import Finding
from netwhy.core.observations import LocalState, Route
from netwhy.diagnosis import firewall, policy
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import path as path_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, Refusal, say


def explained(case: Case, refusal: Refusal) -> Finding | None:
    """The diagnosis of an error that the system or another machine reported; None: undecided."""
    address, icmp = refusal.address, refusal.icmp
    if refusal.error in ("EMFILE", "ENFILE"):
        return local_layer.files_exhausted(case, refusal.error)
    if icmp is not None and not icmp.own:
        scope = route_layer.source_refused(case, address) if icmp.beyond_scope else None
        return scope or path_layer.reported(case, refusal, icmp)
    table = route_layer.refused_by_table(case, address)
    if table is not None:
        return table
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None:
        return None
    if icmp is not None:
        silent = route_layer.gave_up(case, refusal) if icmp.host_unreachable else None
        if silent is not None or case.waiting:
            return silent
        return firewall.own_firewall_rejects(case, refusal, icmp)
    if refusal.error == "EHOSTUNREACH":
        silent = route_layer.gave_up(case, refusal)
        if silent is not None or case.waiting:
            return silent
    rule = route_layer.refused_by_rule(case, refusal)
    if rule is not None or case.waiting:
        return rule
    return _refused_here(case, refusal, local, route)


def _refused_here(case: Case, refusal: Refusal, local: LocalState, route: Route) -> Finding | None:
    """The system refused at once, and not because of its routes."""
    address, port, error = refusal.address, refusal.port, refusal.error
    if (route.broadcast or route.multicast) and error in ("EACCES", "ENETUNREACH", "EINVAL"):
        kind = "broadcast" if route.broadcast else "multicast"
        return case.finding(
            "local.address-unusable",
            0.98,
            str(address),
            evidence=(
                say("route-broadcast", address=address)
                if route.broadcast
                else say("route-multicast", address=address),
                say("connect-said", error=error, endpoint=refusal.endpoint),
            ),
            variant=kind,
            address=address,
            label=address,
        )
    if error == "EADDRNOTAVAIL":
        down = local_layer.loopback_down(case, address)
        if down is not None:
            return down
        has_family = any(
            a.version == address.version and not a.is_loopback for a in local.addresses
        )
        if address.version == 6 and (local.ipv6_disabled or not has_family):
            return route_layer.none(case, local, address)
        if port is not None:
            exhausted = local_layer.ports_exhausted(case, address, port, error)
            if exhausted is not None or case.waiting:
                return exhausted
    if error == "EAGAIN" and refusal.probe == "dns":  # from the connect of a UDP socket
        exhausted = local_layer.ports_exhausted(case, address, port or 53, error, "udp")
        if exhausted is not None or case.waiting:
            return exhausted
    if error == "EAFNOSUPPORT":
        if address.version == 6 and local.ipv6_disabled:
            return route_layer.none(case, local, address)
        return policy.family_forbidden(case, local, address, port)
    if error == "ENODEV" and address.is_link_local:
        return local_layer.no_such_interface(case, local, address)
    if error in ("EPERM", "EACCES"):
        return policy.forbidden(case, local, address, port, error)
    return unexplained(case, refusal.endpoint, refusal.probe, error)


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
