"""A TCP port: open, refused, rejected, silent, or stopped before it left."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from netwhy.core.asks import (
    ConnectAsk,
    PingAsk,
    PortTableAsk,
)
from netwhy.core.model import Finding, IPAddress, Mark, Verdict
from netwhy.core.observations import (
    Connect,
    LocalState,
    Route,
    Socket,
    UdpExchange,
    endpoint,
)
from netwhy.diagnosis import firewall, quality, silence
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis.case import Case, Refusal, ms, say
from netwhy.diagnosis.reach import Reach, failed, layer_marks, surroundings, timeout
from netwhy.diagnosis.refusal import explained

_LOOPBACK = {4: ip_address("127.0.0.1"), 6: ip_address("::1")}
#: What the service on a port is usually called by systemd.
_USUAL_UNITS = {
    22: "ssh",
    25: "postfix",
    53: "named",
    80: "nginx",
    443: "nginx",
    631: "cups",
    1883: "mosquitto",
    3306: "mysql",
    5432: "postgresql",
    5672: "rabbitmq-server",
    6379: "redis-server",
    9090: "prometheus",
    9100: "prometheus-node-exporter",
    11211: "memcached",
    27017: "mongod",
}


def tcp(case: Case, address: IPAddress, port: int) -> Reach:
    """Connect to one address and explain what came of it."""
    seen = case.want(ConnectAsk(address, port, timeout(case)))
    if seen is not None and seen.refused_by_reset and _came_up(case, seen):
        seen = case.want(ConnectAsk(address, port, timeout(case), attempt=2))
    local, route, ping = surroundings(case, address)
    marks = layer_marks(route, ping)
    if seen is not None and seen.silent:
        second = quality.again(case, seen)
        seen = second if second is not None and second.open and not seen.pending else seen
    if seen is None or local is None or route is None:
        return Reach(address, marks=marks)
    if seen.open:
        marks |= {"route": Mark.OK, "port": Mark.OK}
        return Reach(address, Verdict.OK, rtt_ms=seen.rtt_ms or seen.ms, marks=marks)
    if seen.silent:
        own = route.local or address.is_loopback
        finding = _silent_here(case, seen) if own else silence.silent(case, seen)
        # While it is pending the contrast was asked for, and the last word is not spoken.
        finding = None if seen.pending else quality.or_loss(case, seen, finding)
        crowd = quality.own_crowd(case, seen, finding)
        if crowd:
            return Reach(address, Verdict.UNKNOWN, marks=marks, reason=crowd)
    elif seen.refused_by_reset:
        finding = refused(case, seen, local, route)
    elif seen.error == "ECONNRESET":
        finding = _reset(case, seen)
    else:
        refusal = Refusal("tcp", address, port, seen.error or "", seen.icmp, seen.ms)
        finding = explained(case, refusal)
    return failed(address, finding, marks, "port")


def _came_up(case: Case, seen: Connect) -> bool:
    """Does a program of this machine listen there now?  It may just have started: ask again."""
    table = case.known(PortTableAsk(seen.port, "tcp"))
    return table is not None and any(
        s.state == "LISTEN" and covers(s, seen.address) for s in table.sockets
    )


def refused(case: Case, seen: Connect, local: LocalState, route: Route) -> Finding | None:
    """A real RST: nothing listens there, or something on this machine explains it better."""
    if local.owns(seen.address) or route.local:
        return _refused_by_this_machine(case, seen)
    forged = firewall.reset_here(case, seen)
    if forged is not None or case.waiting:
        return forged
    where = endpoint(seen.address, seen.port)
    evidence = [say("reset", endpoint=where, took=ms(seen.ms)), say("no-icmp")]
    ping = case.known(PingAsk(seen.address))
    if ping is not None and ping.answered:
        evidence.append(say("ping-answered", address=seen.address, rtt=ms(ping.rtt_ms)))
    if seen.self_connected:
        evidence.append(say("self-connected", endpoint=where))
    return case.finding(
        "tcp.refused",
        0.95,
        where,
        evidence=evidence,
        rivals=(
            "tcp.rejected-by-firewall",
            "tcp.loopback-only",
            *(("local.firewall",) if firewall.may_be_from_here(case, seen) else ()),
        ),
        address=seen.address,
        port=seen.port,
        endpoint=where,
        service=_USUAL_UNITS.get(seen.port),
    )


def _refused_by_this_machine(case: Case, seen: Connect) -> Finding | None:
    """The address is our own: the table of listeners tells what the RST cannot."""
    table = case.want(PortTableAsk(seen.port, "tcp"))
    if table is None and case.waiting:
        return None
    listeners = [s for s in table.sockets if s.state == "LISTEN"] if table is not None else []
    where = endpoint(seen.address, seen.port)
    evidence = [say("reset", endpoint=where, took=ms(seen.ms))]
    common: dict[str, Any] = {"address": seen.address, "port": seen.port, "endpoint": where}
    if any(covers(s, seen.address) for s in listeners):
        listener = next(s for s in listeners if covers(s, seen.address))
        evidence.append(listening_row(listener))
        return case.finding(
            "local.firewall",
            0.8,
            where,
            evidence=evidence,
            rivals=("tcp.backlog-full", "tcp.refused"),
            variant="rejected",
            sender=seen.address,
            error="ECONNREFUSED",
            icmp="a TCP reset",
            **common,
        )
    if listeners:
        return served_elsewhere(case, seen, listeners, evidence)
    evidence.append(say("nothing-listens-here", transport="TCP", port=seen.port))
    return case.finding(
        "tcp.refused",
        0.98,
        where,
        evidence=evidence,
        variant="local",
        service=_USUAL_UNITS.get(seen.port),
        **common,
    )


def served_elsewhere(
    case: Case, seen: Connect | UdpExchange, listeners: Sequence[Socket], evidence: Sequence[str]
) -> Finding:
    """The address is our own, and the program has the port on another of our addresses."""
    listener = listeners[0]
    owner = listener.owners[0] if listener.owners else None
    at = listener.address  # of a wildcard, the other family's, the loopback address is served
    served = _LOOPBACK[at.version] if at.is_unspecified else at
    where = endpoint(seen.address, seen.port)
    return case.finding(
        "tcp.loopback-only",
        0.97,
        where,
        evidence=[*evidence, *(listening_row(s) for s in listeners[:3])],
        variant="within" if seen.address.is_loopback else "",
        holder=owner.label if owner else None,
        holder_endpoint=endpoint(at, listener.port),
        working=endpoint(served, listener.port),
        process=owner.name if owner else None,
        unit=owner.unit if owner else None,
        address=seen.address,
        port=seen.port,
        endpoint=where,
    )


def covers(listener: Socket, address: IPAddress) -> bool:
    """Would this listener take a connection to the address?"""
    if listener.address == address:
        return True
    if not listener.address.is_unspecified:
        return False
    if listener.address.version == address.version:
        return True
    return listener.address.version == 6 and not listener.v6only


def listening_row(listener: Socket) -> str:
    owner = listener.owners[0].label if listener.owners else "an unknown owner"
    return say("listens-on", endpoint=endpoint(listener.address, listener.port), owner=owner)


def _silent_here(case: Case, seen: Connect) -> Finding | None:
    """An own address is silent: loopback is down, the queue is full, or an own rule drops it."""
    down = local_layer.loopback_down(case, seen.address)
    if down is not None:
        return down
    table = case.want(PortTableAsk(seen.port, "tcp"))
    if table is None:
        return None
    where = endpoint(seen.address, seen.port)
    common: dict[str, Any] = {"address": seen.address, "port": seen.port, "endpoint": where}
    sent = say("syn-silent", endpoint=where, sent=seen.resends + 1, took=ms(seen.ms))
    listener = next(
        (s for s in table.sockets if s.state == "LISTEN" and covers(s, seen.address)), None
    )
    if listener is not None and listener.receive_queue > listener.send_queue:
        owner = listener.owners[0] if listener.owners else None
        full = say("queue-full", used=listener.receive_queue, limit=listener.send_queue)
        return case.finding(
            "tcp.backlog-full",
            0.96,
            where,
            evidence=(full, listening_row(listener), sent),
            used=listener.receive_queue,
            limit=listener.send_queue,
            holder=owner.label if owner else None,
            pid=owner.pid if owner else None,
            process=owner.name if owner else None,
            unit=owner.unit if owner else None,
            **common,
        )
    evidence = [sent, say("address-is-own", address=seen.address)]
    if listener is not None:
        evidence.append(listening_row(listener))
    return case.finding(
        "local.firewall",
        0.9,
        where,
        evidence=evidence,
        variant="own",
        root="this machine",
        **common,
    )


def _reset(case: Case, seen: Connect) -> Finding:
    where = endpoint(seen.address, seen.port)
    return case.finding(
        "exchange.reset",
        0.9,
        where,
        evidence=(say("reset-after-accept", endpoint=where, took=ms(seen.ms)),),
        address=seen.address,
        port=seen.port,
        endpoint=where,
    )
