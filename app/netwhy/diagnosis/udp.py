"""A UDP port: answered, refused, or silent, which is no verdict."""

from __future__ import annotations

from typing import Any

from netwhy.core.asks import LocalDropsAsk, PortTableAsk, UdpAsk
from netwhy.core.model import Finding, IPAddress, Mark, Severity, Verdict
from netwhy.core.observations import (
    LocalDrops,
    LocalState,
    Route,
    UdpExchange,
    endpoint,
)
from netwhy.diagnosis import firewall
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis import route as route_layer
from netwhy.diagnosis.case import Case, Refusal, ms, say
from netwhy.diagnosis.contrast import contrast
from netwhy.diagnosis.reach import Reach, failed, layer_marks, surroundings, timeout
from netwhy.diagnosis.refusal import explained, unexplained
from netwhy.diagnosis.tcp import covers, listening_row, served_elsewhere


def udp(case: Case, address: IPAddress, port: int) -> Reach:
    """Send a datagram to one address and explain what came of it; silence is no verdict."""
    seen = case.want(UdpAsk(address, port, timeout(case), case.target.options.send))
    local, route, ping = surroundings(case, address)
    marks = layer_marks(route, ping)
    if seen is None or local is None or route is None:
        return Reach(address, marks=marks)
    if seen.pending:
        _ask_early(case, seen, route)
        return Reach(address, marks=marks)
    if seen.replied:
        marks |= {"route": Mark.OK, "port": Mark.OK}
        return Reach(address, Verdict.OK, rtt_ms=seen.ms, marks=marks)
    if seen.silent:
        return _udp_silent(case, seen, local, route, marks)
    finding: Finding | None
    if _closed(seen):
        finding = _udp_refused(case, seen, local, route)
    elif seen.error == "EAGAIN" and not seen.sent:
        finding = _no_port_left(case, seen)
    elif seen.error == "EPERM" and not seen.sent and seen.connected:
        finding = firewall.send_forbidden(case, address, port, seen.error)
    else:
        refusal = Refusal("udp", address, port, seen.error or "", seen.icmp, seen.ms)
        finding = explained(case, refusal)
    return failed(address, finding, marks, "port")


def _ask_early(case: Case, seen: UdpExchange, route: Route) -> None:
    """Still silent: ask now for what will be needed if it stays so."""
    _counters(case, seen)
    if not route.local and not seen.address.is_loopback:
        contrast(case, seen.address, seen.port, udp=False)


def _counters(case: Case, seen: UdpExchange) -> LocalDrops | None:
    send = case.target.options.send
    return case.want(LocalDropsAsk(seen.address, seen.port, "udp", send))


def _closed(seen: UdpExchange) -> bool:
    """Port unreachable from the target itself (or from this machine about itself)."""
    icmp = seen.icmp
    if icmp is None:
        return seen.error == "ECONNREFUSED"
    return icmp.port_unreachable and (icmp.sender in (seen.address, None) or icmp.own)


def _no_port_left(case: Case, seen: UdpExchange) -> Finding | None:
    """EAGAIN from connect: no source port was to be had (measured on Linux)."""
    exhausted = local_layer.ports_exhausted(case, seen.address, seen.port, "EAGAIN", "udp")
    if exhausted is not None or case.waiting:
        return exhausted
    return unexplained(case, endpoint(seen.address, seen.port), "udp", "EAGAIN")


def _udp_refused(case: Case, seen: UdpExchange, local: LocalState, route: Route) -> Finding | None:
    where = endpoint(seen.address, seen.port)
    common: dict[str, Any] = {"address": seen.address, "port": seen.port, "endpoint": where}
    sender = seen.icmp.sender if seen.icmp else None
    evidence = [
        say(
            "udp-refused",
            endpoint=where,
            icmp=seen.icmp.label if seen.icmp else "ICMP port unreachable",
            sender=sender or seen.address,
            took=ms(seen.ms),
        )
    ]
    if local.owns(seen.address) or route.local:
        table = case.want(PortTableAsk(seen.port, "udp"))
        if table is None and case.waiting:
            return None
        listeners = [s for s in table.sockets if s.listening] if table is not None else []
        held = [s for s in listeners if covers(s, seen.address)]
        if held and seen.icmp is not None:
            evidence.append(listening_row(held[0]))
            return case.finding(
                "local.firewall",
                0.9,
                where,
                evidence=evidence,
                variant="rejected",
                sender=sender,
                source=sender,
                icmp=seen.icmp.label,
                error=seen.error,
                **common,
            )
        if listeners:
            return served_elsewhere(case, seen, listeners, evidence)
        if table is not None:
            evidence.append(say("nothing-listens-here", transport="UDP", port=seen.port))
            return case.finding(
                "udp.refused", 0.97, where, evidence=evidence, variant="local", sender=sender,
                icmp=seen.icmp.label if seen.icmp else None, **common,
            )  # fmt: skip
    elif seen.icmp is not None and seen.icmp.own:
        refusal = Refusal("udp", seen.address, seen.port, seen.error or "", seen.icmp, seen.ms)
        return firewall.own_firewall_rejects(case, refusal, seen.icmp)
    return case.finding(
        "udp.refused",
        0.93,
        where,
        evidence=evidence,
        rivals=("tcp.rejected-by-firewall",),
        sender=sender,
        icmp=seen.icmp.label if seen.icmp else None,
        **common,
    )


def _udp_silent(
    case: Case, seen: UdpExchange, local: LocalState, route: Route, marks: dict[str, Mark]
) -> Reach:
    """No answer: a dead neighbour and an own rule can be told, the rest cannot."""
    address = seen.address
    own = route.local or local.owns(address)
    early = local_layer.loopback_down(case, address) or route_layer.neighbour_silent(case, address)
    if early is not None:
        return failed(address, early, marks, "port")
    drops = _counters(case, seen)
    others = None if own else contrast(case, address, seen.port, udp=False)
    if case.waiting:
        return Reach(address, marks=marks)
    dropped = firewall.datagrams_dropped_here(case, seen, drops, own=own)
    if dropped is not None:
        return failed(address, dropped, marks, "port")
    where = endpoint(address, seen.port)
    evidence = [say("udp-silent", endpoint=where, request=seen.request, took=ms(seen.ms))]
    alive = [*others.signs_of_life(), *others.own_rejections()] if others is not None else []
    rivals = ["tcp.filtered"]
    if not alive and not own:
        rivals.append("path.silent")
    if firewall.too_noisy(drops):
        evidence.append(say("counters-noisy"))
        rivals.append("local.firewall")
    evidence += alive
    finding = case.finding(
        "udp.silent",
        0.5,
        where,
        severity=Severity.NOTE,
        evidence=evidence,
        rivals=rivals,
        address=address,
        port=seen.port,
        endpoint=where,
    )
    marks |= {"port": Mark.UNTESTED}
    return Reach(address, Verdict.UNKNOWN, finding, marks=marks)
