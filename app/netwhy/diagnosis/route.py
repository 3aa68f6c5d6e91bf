"""The first hop: what our own routing table says, and whether the next hop answers at all."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

from netwhy.core.asks import LocalAsk, NeighbourAsk, RouteAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import Interface, LocalState, Neighbour, Route
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis.case import Case, Refusal, ms, say

#: errno of a route that refuses by itself (measured; RTM_GETROUTE gives the same number).
_SPECIAL = {
    "EINVAL": "route.blackhole",
    "EACCES": "route.prohibited",
    "EHOSTUNREACH": "route.unreachable",
}
#: A neighbour is given up after 3.05 s; a rule of a packet filter answers within a millisecond.
_GIVES_UP_MS = 2500


def refused_by_table(case: Case, address: IPAddress) -> Finding | None:
    """The routing table itself refuses the address; None when it gives a way."""
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None or route.error is None:
        return None
    if route.error == "ENETUNREACH":
        return (
            local_layer.loopback_down(case, address)
            or local_layer.interfaces_down(case, local, address)
            or none(case, local, address)
        )
    refuses = say("route-refuses", address=address, error=route.error)
    return _special(case, address, route.error, refuses)


def refused_by_rule(case: Case, refusal: Refusal) -> Finding | None:
    """A routing rule for this port, protocol or source refuses; the address itself has a way."""
    address, port = refusal.address, refusal.port
    local = case.want(LocalAsk())
    if port is None or refusal.error not in (*_SPECIAL, "ENETUNREACH"):
        return None
    route = case.want(RouteAsk(address, refusal.probe, port))
    if local is None or route is None or route.error is None:
        return None
    refuses = say(
        "rule-refuses",
        transport=refusal.probe.upper(),
        endpoint=refusal.endpoint,
        error=route.error,
        address=address,
    )
    if route.error == "ENETUNREACH":
        return _no_way(case, address, [refuses], "rule")
    return _special(case, address, route.error, refuses)


def _special(case: Case, address: IPAddress, error: str, refuses: str) -> Finding | None:
    """A route or a rule of a kind that refuses by itself."""
    cause = _SPECIAL.get(error)
    if cause is None:
        return None
    return case.finding(
        cause,
        0.98,
        str(address),
        evidence=(refuses, say("no-packet-left")),
        address=address,
        error=error,
        family=f"IPv{address.version}",
    )


def _no_way(case: Case, address: IPAddress, evidence: Sequence[str], variant: str) -> Finding:
    return case.finding(
        "route.none",
        0.95,
        str(address),
        evidence=evidence,
        variant=variant,
        address=address,
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
    if address.is_loopback:  # it would never go by a default route
        evidence.append(say("address-nowhere", address=address))
        return _no_way(case, address, evidence, "loopback")
    if not has_default:
        evidence.append(say("no-default", family=f"IPv{family}"))
    if not has_address:
        evidence.append(say("no-address-in-family", family=f"IPv{family}"))
    if other_default and not has_default:
        evidence.append(say("other-family-has-default", family=f"IPv{other}"))
    if has_default:
        return _no_way(case, address, [*evidence, say("default-not-used")], "rule")
    variant = "family" if other_default else "no-default"
    return case.finding(
        "route.none",
        0.97,
        str(address),
        evidence=evidence,
        variant=variant,
        root=f"the default route of IPv{family}",
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

    A link that is down, or an own address that cannot be used, is named instead.  `settle` also
    waits for an old entry to be checked.
    """
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None:
        return None
    interface = local.interface(route.interface or "")
    dead = local_layer.route_interface_dead(case, interface, route)
    if dead is not None:
        return dead
    entry = neighbour(case, route, settle=settle)
    if entry is None or not entry.silent:
        return source_unusable(case, local, route)
    return _silent(case, local, route, neighbour_said(route, entry))


def gave_up(case: Case, refusal: Refusal) -> Finding | None:
    """This machine reports that the host is unreachable: it asked for the next hop in vain.

    A rule for this port may lead to another next hop than the address alone.  Where no entry can
    be read (a sandbox without netlink), the time tells: the kernel asks three times, a second
    apart, where a packet filter answers at once.
    """
    address, port = refusal.address, refusal.port
    found = neighbour_silent(case, address)
    if found is not None or case.waiting or (refusal.ms or 0) < _GIVES_UP_MS:
        return found
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if port is not None:
        route = case.want(RouteAsk(address, refusal.probe, port))
    if local is None or route is None:
        return None
    entry = neighbour(case, route)
    if case.waiting:
        return None
    if entry is not None and entry.silent:
        said = neighbour_said(route, entry)
    else:
        said = say("neighbour-gave-up", address=next_hop(route), took=ms(refusal.ms))
    return _silent(case, local, route, said)


def neighbour_said(route: Route, entry: Neighbour) -> str:
    protocol = "ARP" if entry.address.version == 4 else "ND"
    return say("neighbour-state", address=next_hop(route), protocol=protocol, state=entry.state)


def _silent(case: Case, local: LocalState, route: Route, said: str) -> Finding:
    """The finding for a next hop that does not answer, with what is odd about the way there."""
    address, name, hop = route.address, route.interface or "", next_hop(route)
    if local.interfaces and not address.is_link_local and not any(map(_usable, local.interfaces)):
        return local_layer.offline(case, local)
    evidence = [
        say("route-via", address=address, interface=name, gateway=route.gateway)
        if route.gateway
        else say("route-on-link", address=address, interface=name),
        said,
        say("link-up", interface=name),
        *_oddities(local, route),
    ]
    spare = [
        g
        for g in local.gateways
        if route.gateway is not None
        and g.family == address.version
        and (g.address, g.interface) != (route.gateway, route.interface)
        and g.address is not None
    ]
    if spare:
        evidence.append(say("spare-gateway", gateway=spare[0].address, interface=spare[0].interface,
                            metric=spare[0].metric))  # fmt: skip
    virtual = route.gateway is None and _elsewhere(local, route)
    return case.finding(
        "route.gateway-silent" if route.gateway else "route.neighbour-silent",
        0.95,
        str(hop),
        evidence=evidence,
        variant="virtual" if virtual else "",
        address=address,
        gateway=route.gateway,
        interface=route.interface,
        source=route.source,
    )


def _oddities(local: LocalState, route: Route) -> list[str]:
    """What is unusual about the interface and the source, and often the reason of the silence."""
    interface = local.interface(route.interface or "")
    if interface is None:
        return []
    version = route.address.version
    own = [a for a in interface.addresses if a.address.version == version]
    found = []
    if version == 4 and not own:
        found.append(say("interface-without-family", interface=interface.name, family="IPv4",
                         source=route.source or "none"))  # fmt: skip
    elif own and all(a.address.is_link_local for a in own) and not route.address.is_link_local:
        found.append(say("only-link-local", interface=interface.name, address=own[0].address))
    covered = any(
        route.address in ip_network(f"{_plain(a.address)}/{a.prefix}", strict=False) for a in own
    )
    if route.gateway is None and not covered and not route.address.is_link_local:
        found.append(say("on-link-by-route", address=route.address, interface=interface.name))
    if route.gateway is None and _elsewhere(local, route):
        found.append(say("virtual-network", interface=interface.name, address=route.address))
    return found


def _elsewhere(local: LocalState, route: Route) -> bool:
    """Is it a network inside this machine, where the way out is another interface?"""
    interface = local.interface(route.interface or "")
    if interface is None or interface.kind != "bridge":
        return False
    return not any(g.interface == interface.name for g in local.gateways)


def _usable(interface: Interface) -> bool:
    return interface.usable


def _plain(address: IPAddress) -> str:
    return str(address).partition("%")[0]


def source_refused(case: Case, address: IPAddress) -> Finding | None:
    """A router says that our source is beyond its scope: it is."""
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    return None if local is None or route is None else source_unusable(case, local, route)


def source_unusable(case: Case, local: LocalState, route: Route) -> Finding | None:
    """No usable IPv6 address of our own for a target beyond the link: nobody can answer.

    The interface has link-local addresses only, or its address is still being checked for a
    duplicate or has failed that check, so that packets leave with an address of elsewhere.
    """
    address, source = route.address, route.source
    interface = local.interface(route.interface or "")
    if address.version != 6 or address.is_link_local or interface is None or route.local:
        return None
    own = [a for a in interface.addresses if a.address.version == 6]
    usable = [a for a in own if not a.address.is_link_local and a.state in ("", "deprecated")]
    broken = [a for a in own if a.state in ("tentative", "dadfailed")]
    if usable or source is None or interface.loopback:
        return None
    if not source.is_link_local and not broken:
        return None  # an address of another interface may well be meant
    evidence = [
        say("source-link-local", source=source, address=address)
        if source.is_link_local
        else say("source-elsewhere", source=source, interface=interface.name),
        *(say("address-state", address=a.address, state=a.state) for a in broken),
    ]
    return case.finding(
        "route.none",
        0.9 if source.is_link_local else 0.8,
        str(address),
        evidence=evidence,
        rivals=("path.silent",),
        variant="no-source",
        root=f"the IPv6 address of {interface.name}",
        address=address,
        family="IPv6",
        interface=interface.name,
        source=source,
    )
