"""This machine: offline, an interface down, its own firewall, its own limits."""

from __future__ import annotations

from ipaddress import ip_network

from netwhy.core.asks import LocalAsk, PortUseAsk, RouteAsk
from netwhy.core.model import Finding, IPAddress, Severity, Target
from netwhy.core.observations import (
    Interface,
    LocalState,
    endpoint,
)
from netwhy.diagnosis.case import Case, say

#: A share of the source ports to one destination beyond which they count as used up.
_EXHAUSTED = 0.9


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
    if not usable:
        return offline(case, local)
    if address is None:
        return None
    down = _covering(local, address)
    if down is not None:
        return interface_down(case, down, address)
    lost = _default_lost_with(local, address.version)
    return None if lost is None else _default_went_down(case, lost, address)


def offline(case: Case, local: LocalState) -> Finding:
    """No interface is up with an address beyond loopback."""
    evidence = [_describe(i) for i in local.interfaces if not i.loopback]
    if not evidence:
        evidence = [say("only-loopback")]
    down = next((i for i in local.interfaces if not i.loopback and _dead(i)), None)
    return case.finding(
        "local.offline",
        1.0,
        local.hostname or "this machine",
        evidence=evidence,
        interface=None if down is None else down.name,
    )


def interface_down(case: Case, down: Interface, address: IPAddress | None) -> Finding:
    """The interface that the address needs is down or has no carrier."""
    addresses = ", ".join(f"{a.address}/{a.prefix}" for a in down.addresses)
    return case.finding(
        "local.interface-down",
        0.97,
        down.name,
        evidence=(
            _describe(down),
            say("interface-covers", interface=down.name, network=addresses, address=address or ""),
        ),
        variant="" if not down.up else "no-carrier",
        interface=down.name,
        address=address,
    )


def route_interface_dead(
    case: Case, interface: Interface | None, address: IPAddress
) -> Finding | None:
    """The route's own interface has lost its link while its routes stayed."""
    local = case.want(LocalAsk())
    if interface is None or local is None or not _dead(interface):
        return None
    if not any(i.usable for i in local.interfaces):
        return offline(case, local)
    return interface_down(case, interface, address)


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
            if own.address.version != address.version or own.address.is_link_local:
                continue
            plain = str(own.address).partition("%")[0]
            if address in ip_network(f"{plain}/{own.prefix}", strict=False):
                if not _dead(interface):
                    return None
                found = interface
    return found


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


def ports_exhausted(case: Case, address: IPAddress, port: int, error: str) -> Finding | None:
    """No source port is left for this destination."""
    use = case.want(PortUseAsk(address, port))
    if use is None or use.available <= 0 or use.used < use.available * _EXHAUSTED:
        return None
    return case.finding(
        "local.ports-exhausted",
        0.95,
        endpoint(address, port),
        evidence=(
            say("connect-said", error=error, endpoint=endpoint(address, port)),
            say(
                "ports-used",
                used=use.used,
                available=use.available,
                endpoint=endpoint(address, port),
                time_wait=use.time_wait,
            ),
        ),
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


def policy(case: Case, address: IPAddress, port: int | None, error: str) -> Finding:
    """Forbidden at once, with a good route and no ICMP error: a security policy."""
    return case.finding(
        "local.policy",
        0.8,
        endpoint(address, port),
        evidence=(
            say("connect-said", error=error, endpoint=endpoint(address, port)),
            say("route-is-fine", address=address),
            say("no-icmp"),
        ),
        rivals=("local.firewall",),
        root="this machine",
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        error=error,
    )


def loopback_down(case: Case, address: IPAddress) -> Finding | None:
    """Own addresses are silent because the loopback interface is down."""
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    if local is None or route is None or not (route.local or address.is_loopback):
        return None
    loopback = next((i for i in local.interfaces if i.loopback), None)
    if loopback is None or loopback.up:
        return None
    return case.finding(
        "local.loopback-down",
        0.98,
        loopback.name,
        evidence=(say("interface-down", interface=loopback.name),),
        interface=loopback.name,
        address=address,
    )


def proxy_note(case: Case, local: LocalState) -> Finding | None:
    """Proxy variables are set: programs may take another way than this probe."""
    if not local.proxies:
        return None
    return case.finding(
        "local.proxy-set",
        1.0,
        local.proxies[0][0],
        severity=Severity.NOTE,
        evidence=[say("proxy", variable=name, value=value) for name, value in local.proxies],
        name=local.proxies[0][0],
    )
