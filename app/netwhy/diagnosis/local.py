"""This machine: offline, an interface down, its own firewall, its own limits."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

from netwhy.core.asks import LocalAsk, PortUseAsk, RouteAsk
from netwhy.core.model import Finding, IPAddress, Severity, Target
from netwhy.core.observations import (
    Interface,
    InterfaceAddress,
    LocalState,
    Route,
    endpoint,
)
from netwhy.diagnosis.case import Case, say

#: A share of the source ports to one destination beyond which they count as used up.
_EXHAUSTED = 0.9
_LOOPBACK4 = ip_network("127.0.0.0/8")


def impossible_host(case: Case, target: Target) -> Finding | None:
    """The host part can be read, but nothing can ever be reached under it."""
    problem = target.problem
    if problem is None:
        return None
    return case.finding(
        problem.cause,
        1.0,
        target.host or target.text,
        evidence=(say(f"host-{problem.reason}", host=target.host, detail=problem.detail),),
        variant=problem.reason,
        label=problem.detail,
        name=target.host,
        address=target.host,
    )


def interfaces_down(case: Case, local: LocalState, address: IPAddress | None) -> Finding | None:
    """`local.offline` when no interface is usable, `local.interface-down` when the one that is
    down covers the address (or carries the default route it needs)."""
    if address is not None and local.owns(address):
        return None
    usable = [i for i in local.interfaces if i.usable]
    if not usable and local.interfaces:  # none at all: they could not be read
        return offline(case, local)
    if address is None:
        return None
    down = _covering(local, address)
    if down is not None:
        return interface_down(case, down, address)
    for gateway in local.gateways:  # a system may pass over routes of a dead link
        through = local.interface(gateway.interface)
        if gateway.family == address.version and through is not None and _dead(through):
            return interface_down(case, through, address, gateway.address)
    lost = _default_lost_with(local, address.version)
    return None if lost is None else _default_went_down(case, lost, address)


def offline(case: Case, local: LocalState, beside: Sequence[str] = ()) -> Finding:
    """No interface is up with an address beyond loopback.  `beside` is further evidence."""
    outside = [i for i in local.interfaces if not i.loopback]
    evidence = [_describe(i) for i in outside] or [say("only-loopback")]
    linked = [i for i in outside if not _dead(i)]
    plugged = [i for i in outside if i.up and i.carrier is False]
    variant = (
        "no-interface" if not outside
        else "no-address" if linked
        else "no-link" if plugged
        else "off"
    )  # fmt: skip
    lacking = _likeliest(linked or plugged or outside)
    return case.finding(
        "local.offline",
        1.0,
        local.hostname or "this machine",
        evidence=(*evidence, *beside),
        variant=variant,
        interface=None if lacking is None else lacking.name,
    )


def _likeliest(interfaces: Sequence[Interface]) -> Interface | None:
    """The one that was most likely meant to lead outside: hardware before what programs made."""
    return min(interfaces, key=lambda i: (i.kind != "", i.index), default=None)


def interface_down(
    case: Case, down: Interface, address: IPAddress, gateway: IPAddress | None = None
) -> Finding:
    """The interface that the address needs is down or has no carrier."""
    covering = [a for a in down.addresses if _covers(a, address)]
    if gateway is not None:
        way = say("route-via", address=address, interface=down.name, gateway=gateway)
    elif covering:
        network = f"{covering[0].address}/{covering[0].prefix}"
        way = say("interface-covers", interface=down.name, network=network, address=address)
    else:
        way = say("route-through", address=address, interface=down.name)
    return case.finding(
        "local.interface-down",
        0.97,
        down.name,
        evidence=(_describe(down), way),
        variant="" if not down.up else "no-carrier",
        interface=down.name,
        address=address,
    )


def route_interface_dead(case: Case, interface: Interface | None, route: Route) -> Finding | None:
    """The route's own interface has lost its link while its routes stayed."""
    local = case.want(LocalAsk())
    if interface is None or local is None or not _dead(interface):
        return None
    if not any(i.usable for i in local.interfaces):
        return offline(case, local)
    return interface_down(case, interface, route.address, route.gateway)


def _default_lost_with(local: LocalState, family: int) -> Interface | None:
    """The one switched-off interface that has an address, where no default route is left.

    Switching an interface off removes its routes and keeps its IPv4 addresses (ip-link(8)).
    """
    if any(g.family == family for g in local.gateways):
        return None
    off = [
        i
        for i in local.interfaces
        if not i.up
        and any(a.address.version == family and not a.address.is_link_local for a in i.addresses)
    ]
    return off[0] if len(off) == 1 and not off[0].loopback else None


def _default_went_down(case: Case, down: Interface, address: IPAddress) -> Finding:
    """No default route, and the interface that must have carried it is switched off."""
    return case.finding(
        "local.interface-down",
        0.75,
        down.name,
        evidence=(
            _describe(down),
            say("no-default", family=f"IPv{address.version}"),
            say("routes-go-with-interface", interface=down.name),
        ),
        rivals=("route.none",),
        interface=down.name,
        address=address,
    )


def _covering(local: LocalState, address: IPAddress) -> Interface | None:
    """A dead interface whose own network holds the address, with no live one that does too."""
    found: Interface | None = None
    for interface in local.interfaces:
        for own in interface.addresses:
            if own.address.is_link_local or not _covers(own, address):
                continue
            if not _dead(interface):
                return None
            found = interface
    return found


def _covers(own: InterfaceAddress, address: IPAddress) -> bool:
    if own.address.version != address.version:
        return False
    plain = str(own.address).partition("%")[0]
    return address in ip_network(f"{plain}/{own.prefix}", strict=False)


def _dead(interface: Interface) -> bool:
    return not interface.up or interface.carrier is False


def _describe(interface: Interface) -> str:
    if not interface.up:
        return say("interface-down", interface=interface.name)
    if interface.carrier is False:
        return say("interface-no-carrier", interface=interface.name)
    if not any(not a.address.is_link_local for a in interface.addresses):
        return say("interface-no-address", interface=interface.name)
    return say("interface-up", interface=interface.name)


def ports_exhausted(
    case: Case, address: IPAddress, port: int, error: str, transport: str = "tcp"
) -> Finding | None:
    """No source port is left: for this destination, or with UDP for any."""
    use = case.want(PortUseAsk(address, port, transport))
    if use is None or use.available <= 0 or use.used < use.available * _EXHAUSTED:
        return None
    return case.finding(
        "local.ports-exhausted",
        0.95,
        endpoint(address, port),
        evidence=(
            say("connect-said", error=error, endpoint=endpoint(address, port)),
            say(
                "ports-used" if transport == "tcp" else "udp-ports-used",
                used=use.used,
                available=use.available,
                endpoint=endpoint(address, port),
                time_wait=use.time_wait,
            ),
        ),
        variant="" if transport == "tcp" else "udp",
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        used=use.used,
        available=use.available,
    )


def files_exhausted(case: Case, error: str) -> Finding:
    """This process, or the system, may open no more files."""
    local = case.want(LocalAsk())
    limit = local.files_limit if local is not None else None
    used = local.files_open if local is not None else None
    evidence = [say("socket-said", error=error)]
    if limit is not None:
        evidence.append(say("files-limit", limit=limit, used=used if used is not None else "?"))
    return case.finding(
        "local.files-exhausted",
        0.97,
        "this machine" if error == "ENFILE" else "netwhy",
        evidence=evidence,
        limit=limit,
        used=used,
        error=error,
    )


def no_such_interface(case: Case, local: LocalState, address: IPAddress) -> Finding:
    """A link-local address with the name of an interface that this machine has not."""
    scope = str(address).partition("%")[2]
    names = ", ".join(i.name for i in local.interfaces if not i.loopback)
    return case.finding(
        "local.address-unusable",
        0.98,
        str(address),
        evidence=(say("no-such-interface", interface=scope, names=names or "none"),),
        variant="no-interface",
        address=address,
        label=scope,
        interface=scope,
    )


def loopback_down(case: Case, address: IPAddress) -> Finding | None:
    """Own addresses are silent, or have no route, because the loopback interface is down."""
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None or not (route.local or address.is_loopback):
        return None
    loopback = next((i for i in local.interfaces if i.loopback), None)
    if loopback is None:
        return None
    if loopback.up and address.is_loopback and route.interface not in (None, loopback.name):
        way = say("route-through", address=address, interface=route.interface or "")
        return _loopback_bare(case, loopback, address, way)
    # Without ::1 IPv6 may just be switched off; 127.0.0.1 is never missing on purpose.
    if loopback.up and address in _LOOPBACK4 and route.error == "ENETUNREACH":
        if any(a.address in _LOOPBACK4 for a in loopback.addresses):
            return None
        way = say("route-none", address=address, error=route.error)
        return _loopback_bare(case, loopback, address, way)
    if loopback.up:
        return None
    return case.finding(
        "local.loopback-down",
        0.98,
        loopback.name,
        evidence=(say("interface-down", interface=loopback.name),),
        interface=loopback.name,
        address=address,
    )


def _loopback_bare(case: Case, loopback: Interface, address: IPAddress, way: str) -> Finding:
    """Loopback has lost its own address: there is no way to it, or one that leads outside."""
    return case.finding(
        "local.loopback-down",
        0.95,
        loopback.name,
        evidence=(way, say("loopback-without-address", interface=loopback.name)),
        variant="no-address",
        interface=loopback.name,
        address=address,
    )


def proxy_note(case: Case, local: LocalState) -> Finding | None:
    """Proxy variables are set: programs may take another way than this probe."""
    if all(name.lower() == "no_proxy" for name, _value in local.proxies):
        return None  # an exception from a rule that there is not
    return case.finding(
        "local.proxy-set",
        1.0,
        local.proxies[0][0],
        severity=Severity.NOTE,
        evidence=[say("proxy", variable=name, value=value) for name, value in local.proxies],
        name=local.proxies[0][0],
    )
