"""The first hop: what our own routing table says, and whether the next hop answers at all."""

from __future__ import annotations

from netwhy.core.asks import LocalAsk, NeighbourAsk, RouteAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import LocalState, Neighbour, Route
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis.case import Case, say

#: errno of a route that refuses by itself (measured; RTM_GETROUTE gives the same number).
_SPECIAL = {
    "EINVAL": "route.blackhole",
    "EACCES": "route.prohibited",
    "EHOSTUNREACH": "route.unreachable",
}


def refused_by_table(case: Case, address: IPAddress) -> Finding | None:
    """The routing table itself refuses the address; None when it gives a way."""
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None or route.error is None:
        return None
    if route.error == "ENETUNREACH":
        return local_layer.interfaces_down(case, local, address) or none(case, local, address)
    cause = _SPECIAL.get(route.error)
    if cause is None:
        return None
    return case.finding(
        cause,
        0.98,
        str(address),
        evidence=(
            say("route-refuses", address=address, error=route.error),
            say("no-packet-left"),
        ),
        address=address,
        error=route.error,
        family=f"IPv{address.version}",
    )


def none(case: Case, local: LocalState, address: IPAddress) -> Finding:
    """No route to the address: says which family lacks a default route."""
    family, other = (4, 6) if address.version == 4 else (6, 4)
    has_default = any(g.family == family for g in local.gateways)
    other_default = any(g.family == other for g in local.gateways)
    has_address = any(
        a.version == family and not a.is_loopback and not a.is_link_local for a in local.addresses
    )
    evidence = [say("route-none", address=address, error="ENETUNREACH")]
    if not has_default:
        evidence.append(say("no-default", family=f"IPv{family}"))
    if not has_address:
        evidence.append(say("no-address-in-family", family=f"IPv{family}"))
    if other_default and not has_default:
        evidence.append(say("other-family-has-default", family=f"IPv{other}"))
    variant = ""
    if not has_default:
        variant = "family" if other_default else "no-default"
    return case.finding(
        "route.none",
        0.97,
        str(address),
        evidence=evidence,
        variant=variant,
        root=str(address) if has_default else f"the default route of IPv{family}",
        address=address,
        family=f"IPv{family}",
    )


def next_hop(route: Route) -> IPAddress:
    """Whose link-layer address the packet needs: the gateway, or the address itself."""
    return route.gateway or route.address


def neighbour(case: Case, route: Route, *, settle: bool = False) -> Neighbour | None:
    """The neighbour entry of the next hop; None while unknown or where there is none."""
    if route.interface is None or route.local or route.error:
        return None
    local = case.known(LocalAsk())
    interface = local.interface(route.interface) if isinstance(local, LocalState) else None
    if interface is not None and interface.loopback:
        return None
    return case.want(NeighbourAsk(next_hop(route), route.interface, settle))


def neighbour_silent(case: Case, address: IPAddress, *, settle: bool = False) -> Finding | None:
    """The next hop answers no ARP or ND: the gateway, or the destination on our own link.

    A link that is down is named instead.  `settle` also waits for an old entry to be checked.
    """
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None:
        return None
    interface = local.interface(route.interface or "")
    dead = local_layer.route_interface_dead(case, interface, address)
    if dead is not None:
        return dead
    entry = neighbour(case, route, settle=settle)
    if entry is None or not entry.silent:
        return None
    hop = next_hop(route)
    protocol = "ARP" if hop.version == 4 else "ND"
    evidence = [
        say("route-via", address=address, interface=route.interface or "", gateway=route.gateway)
        if route.gateway
        else say("route-on-link", address=address, interface=route.interface or ""),
        say("neighbour-state", address=hop, protocol=protocol, state=entry.state),
        say("link-up", interface=route.interface or ""),
    ]
    cause = "route.gateway-silent" if route.gateway else "route.neighbour-silent"
    return case.finding(
        cause,
        0.95,
        str(hop),
        evidence=evidence,
        address=address,
        gateway=route.gateway,
        interface=route.interface,
        source=route.source,
    )
