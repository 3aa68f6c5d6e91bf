"""Silence: which of port, host, gateway, neighbour or this machine it belongs to."""

from __future__ import annotations

import pytest
from tests.unit.facts import (
    ETH0,
    GATEWAY,
    GATEWAY6,
    HERE,
    HIGH_UDP_PORT,
    OTHER_PORTS,
    PRINTER,
    PRINTER6,
    ROUTER,
    SERVER,
    SERVER6,
    Row,
    Settled,
    all_ports,
    check,
    connect_fails,
    drops,
    examined,
    icmp,
    interface,
    ip,
    machine,
    neighbour,
    opens,
    owner,
    ping_fails,
    ping_unavailable,
    pings,
    replies,
    resets,
    silent,
    socket,
    table,
    udp_fails,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import Gateway

QUIET_GATEWAY = (ping_fails(GATEWAY), silent(GATEWAY, 47_808))
ETH0_UNPLUGGED = interface("eth0", f"{HERE}/24", carrier=False)
ETH1 = interface("eth1", "203.0.113.10/24")

#: Signs of life of a host whose port 5432 is silent.
ALIVE = [
    Row(f"{story} at {server}", f"tcp://{host}:5432", (silent(server, 5432), *life),
        "tcp.filtered", evidence=("2 SYN packets", sign), rivals=("tcp.backlog-full",))
    for server, host, closed in ((SERVER, SERVER, "3/3"), (SERVER6, f"[{SERVER6}]", "v6 1/4"))
    for story, life, sign in (
        ("a ping answers", (pings(server),), "answered ping in 0.40 ms"),
        ("another port is open", (opens(server, 443),), "accepts connections on port 443"),
        ("another port resets", (resets(server, 22),), "itself refused port 22"),
        ("another port resets late", (connect_fails(server, 80, "ECONNRESET"),), "port 80"),
        (
            "a high UDP port is closed",
            (udp_fails(server, HIGH_UDP_PORT, "ECONNREFUSED", icmp(closed, server)),),
            "port unreachable, so the machine is up",
        ),
        (
            "its own firewall rejects another port",
            (connect_fails(server, 443, "ECONNREFUSED", icmp(closed, server)),),
            "443",
        ),
    )
]  # fmt: skip

SILENT = [
    Row(
        "nothing comes back from anything",
        f"{SERVER}:5432",
        (silent(SERVER, 5432),),
        "path.silent",
        evidence=(
            "as silent on port 443, 80, 22, 47808",
            "does not answer ping",
            "first hop works",
        ),
        rivals=("tcp.filtered",),
        asks=(
            *(asks.ConnectAsk(ip(SERVER), port, 2.2) for port in OTHER_PORTS),
            asks.PingAsk(ip(SERVER)),
            asks.UdpAsk(ip(SERVER), HIGH_UDP_PORT, 1.2),
            asks.LocalDropsAsk(ip(SERVER), 5432),
            asks.PingAsk(ip(GATEWAY)),
        ),
    ),
    Row(
        "the kernel's own time-out says the same",
        f"{SERVER}:5432",
        (silent(SERVER, 5432, error="ETIMEDOUT"),),
        "path.silent",
    ),
    Row(
        "nothing comes back over IPv6",
        f"[{SERVER6}]:5432",
        (silent(SERVER6, 5432),),
        "path.silent",
        evidence=("first hop works",),
    ),
    Row(
        "a port unreachable from a router proves no life of the host",
        f"{SERVER}:5432",
        (
            silent(SERVER, 5432),
            udp_fails(SERVER, HIGH_UDP_PORT, "ECONNREFUSED", icmp("3/3", ROUTER)),
        ),
        "path.silent",
    ),
    Row(
        "a router refuses other ports: told, and the silence is less sure",
        f"{SERVER}:5432",
        (
            silent(SERVER, 5432),
            connect_fails(SERVER, 80, "EHOSTUNREACH", icmp("3/13", ROUTER)),
        ),
        "path.silent",
        evidence=(f"port 80 was refused by {ROUTER}",),
        rivals=("tcp.filtered",),
    ),
    Row(
        "no ping can be sent from here: less sure",
        f"{SERVER}:5432",
        (silent(SERVER, 5432), ping_unavailable(SERVER)),
        "path.silent",
        evidence=("no ping could be sent: this user",),
        unsaid=("does not answer ping",),
    ),
    Row(
        "the neighbour answers ARP and is mute above",
        f"{PRINTER}:5432",
        (silent(PRINTER, 5432), neighbour(PRINTER, "REACHABLE", 0.2)),
        "path.silent",
        evidence=("answers on the link itself",),
        unsaid=("gateway",),
    ),
    Row(
        "the gateway refuses a ping by ICMP: it lives",
        f"{SERVER}:5432",
        (
            silent(SERVER, 5432),
            ping_fails(GATEWAY, "EHOSTUNREACH", icmp("3/10", GATEWAY)),
            silent(GATEWAY, 47_808),
        ),
        "path.silent",
        evidence=("first hop works",),
    ),
    Row(
        "the gateway resets: it lives",
        f"{SERVER}:5432",
        (silent(SERVER, 5432), ping_fails(GATEWAY), resets(GATEWAY, 47_808)),
        "path.silent",
        evidence=("first hop works",),
    ),
    Row(
        "a point-to-point link has no gateway to ask",
        f"{SERVER}:5432",
        (
            machine(
                interface("tun0", "10.8.0.2/32", carrier=None),
                gateways=(Gateway(None, "tun0", 4),),
            ),
            silent(SERVER, 5432),
            neighbour(SERVER, "NOARP"),
        ),
        "path.silent",
    ),
]

NEIGHBOURS = [
    *(
        Row(
            f"the gateway is {state}",
            f"{SERVER}:5432",
            (silent(SERVER, 5432), neighbour(GATEWAY, state)),
            "route.gateway-silent",
            evidence=(f"neighbour entry: {state}", f"through gateway {GATEWAY}", "has a link"),
        )
        for state in ("INCOMPLETE", "FAILED")
    ),
    *(
        Row(
            f"the neighbour is {state}",
            f"{PRINTER}:5432",
            (silent(PRINTER, 5432), neighbour(PRINTER, state)),
            "route.neighbour-silent",
            evidence=(f"does not answer ARP (neighbour entry: {state})", "no gateway in between"),
        )
        for state in ("INCOMPLETE", "FAILED")
    ),
    Row(
        "the IPv6 neighbour is gone",
        f"[{PRINTER6}]:5432",
        (silent(PRINTER6, 5432), neighbour(PRINTER6, "FAILED")),
        "route.neighbour-silent",
        evidence=("does not answer ND",),
    ),
    Row(
        "the IPv6 gateway is gone",
        f"[{SERVER6}]:5432",
        (silent(SERVER6, 5432), neighbour(GATEWAY6, "FAILED")),
        "route.gateway-silent",
        evidence=("does not answer ND", GATEWAY6),
    ),
    Row(
        "EHOSTUNREACH after three seconds: the neighbour is gone",
        f"{PRINTER}:5432",
        (connect_fails(PRINTER, 5432, "EHOSTUNREACH", ms=3060.0), neighbour(PRINTER, "FAILED")),
        "route.neighbour-silent",
    ),
    Row(
        "the kernel's own host unreachable: the gateway is gone",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/1", HERE), ms=3060.0),
            neighbour(GATEWAY, "FAILED"),
        ),
        "route.gateway-silent",
    ),
    Row(
        "our own host unreachable with a live gateway is a rule of ours",
        f"{SERVER}:5432",
        (connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/1", HERE)),),
        "local.firewall",
    ),
    Row(
        "EHOSTUNREACH with a live neighbour and no ICMP stays unexplained",
        f"{PRINTER}:5432",
        (connect_fails(PRINTER, 5432, "EHOSTUNREACH"),),
        "unexplained",
        evidence=("EHOSTUNREACH",),
        asks=(asks.NeighbourAsk(ip(PRINTER), "eth0"),),
    ),
    Row(
        "an old neighbour entry settles to FAILED",
        f"{PRINTER}:5432",
        (
            silent(PRINTER, 5432),
            neighbour(PRINTER, "STALE", 40.0),
            Settled(neighbour(PRINTER, "FAILED", 48.0)),
        ),
        "route.neighbour-silent",
        asks=(asks.NeighbourAsk(ip(PRINTER), "eth0", settle=True),),
    ),
    Row(
        "a mute gateway with an old entry settles to FAILED",
        f"{SERVER}:5432",
        (
            silent(SERVER, 5432),
            *QUIET_GATEWAY,
            neighbour(GATEWAY, "STALE", 40.0),
            Settled(neighbour(GATEWAY, "FAILED", 48.0)),
        ),
        "route.gateway-silent",
        asks=(asks.NeighbourAsk(ip(GATEWAY), "eth0", settle=True),),
    ),
    Row(
        "a REACHABLE entry may outlive the gateway: it is old, and settles to FAILED",
        f"{SERVER}:5432",
        (
            silent(SERVER, 5432),
            *QUIET_GATEWAY,
            neighbour(GATEWAY, "REACHABLE", 25.0),
            Settled(neighbour(GATEWAY, "FAILED", 33.0)),
        ),
        "route.gateway-silent",
    ),
    Row(
        "a mute gateway whose fresh entry proves it",
        f"{SERVER}:5432",
        (silent(SERVER, 5432), *QUIET_GATEWAY, neighbour(GATEWAY, "REACHABLE", 0.3)),
        "path.silent",
        evidence=("first hop works",),
    ),
    Row(
        "a mute gateway whose old entry stays as it was",
        f"{SERVER}:5432",
        (silent(SERVER, 5432), *QUIET_GATEWAY, neighbour(GATEWAY, "REACHABLE", 25.0)),
        "path.silent",
        evidence=("its entry on the link is an old one",),
        unsaid=("first hop works",),
        rivals=("route.gateway-silent",),
    ),
    Row(
        "a UDP port behind a dead gateway",
        f"udp://{SERVER}:9999",
        (neighbour(GATEWAY, "FAILED"),),
        "route.gateway-silent",
    ),
    Row(
        "a host behind a dead gateway",
        f"icmp://{SERVER}",
        (neighbour(GATEWAY, "INCOMPLETE"),),
        "route.gateway-silent",
    ),
    Row(
        "the link is gone and its routes stayed: not the neighbour's fault",
        f"{PRINTER}:5432",
        (
            machine(ETH0_UNPLUGGED, ETH1),
            silent(PRINTER, 5432),
            neighbour(PRINTER, "FAILED"),
        ),
        "local.interface-down",
        evidence=("switched on and has no link",),
    ),
    Row(
        "the only link is gone: offline",
        f"{PRINTER}:5432",
        (machine(ETH0_UNPLUGGED), connect_fails(PRINTER, 5432, "EHOSTUNREACH")),
        "local.offline",
        evidence=("no link (no carrier)",),
    ),
]

DROPS = [
    Row(
        "each resend failed to leave: an own output rule",
        f"{SERVER}:5432",
        (silent(SERVER, 5432, resends_left=False),),
        "local.firewall",
        evidence=("sent again 1x", "own output refused"),
        rivals=("local.policy",),
        never=(asks.LocalDropsAsk,),
    ),
    Row(
        "it cannot be read whether the resends left",
        f"{SERVER}:5432",
        (silent(SERVER, 5432, resends_left=None), pings(SERVER)),
        "tcp.filtered",
    ),
    Row(
        "the answers arrive and are dropped here",
        f"{SERVER}:5432",
        (silent(SERVER, 5432), pings(SERVER), drops(SERVER, 5432, 4, 4)),
        "local.firewall",
        evidence=("brought 4 and 4 packets",),
        rivals=("tcp.filtered",),
    ),
    Row(
        "the answers are dropped here, and nothing else answers either",
        f"{SERVER}:5432",
        (silent(SERVER, 5432), drops(SERVER, 5432, 3, 4)),
        "local.firewall",
        evidence=("brought 4 and 3 packets",),
    ),
    *(
        Row(
            f"the counters moved by {received}: noise",
            f"{SERVER}:5432",
            (silent(SERVER, 5432), pings(SERVER), drops(SERVER, 5432, *received)),
            "tcp.filtered",
            unsaid=("packets that reached",),
        )
        for received in ((0, 0), (2, 2), (4, 2), (0, 9), (-3, 4), (9,), ())
    ),
    Row(
        "UDP may not leave either: the send says so",
        f"{SERVER}:5432",
        (silent(SERVER, 5432), udp_fails(SERVER, HIGH_UDP_PORT, "EPERM")),
        "local.firewall",
        evidence=("refused to send a datagram", "(EPERM)"),
    ),
    Row(
        "loopback is switched off",
        "127.0.0.1:5432",
        (
            machine(interfaces=(interface("lo", "127.0.0.1/8", up=False), ETH0)),
            silent("127.0.0.1", 5432),
        ),
        "local.loopback-down",
        evidence=("interface lo is switched off",),
    ),
    Row(
        "an own address is silent because loopback is switched off",
        f"{HERE}:5432",
        (
            machine(interfaces=(interface("lo", "127.0.0.1/8", up=False), ETH0)),
            silent(HERE, 5432),
        ),
        "local.loopback-down",
    ),
    Row(
        "an own address is silent with loopback up: an own rule drops it",
        "127.0.0.1:5432",
        (silent("127.0.0.1", 5432),),
        "local.firewall",
        evidence=("127.0.0.1 is an address of this machine",),
        asks=(asks.PortTableAsk(5432, "tcp"),),
    ),
    Row(
        "an own rule drops what is meant for a service that listens",
        f"{HERE}:5432",
        (silent(HERE, 5432), table(5432, socket("0.0.0.0", 5432, send_queue=128))),
        "local.firewall",
        evidence=("listens on 0.0.0.0:5432",),
    ),
    Row(
        "the service accepts no more: its queue is full",
        "127.0.0.1:5432",
        (
            silent("127.0.0.1", 5432),
            table(
                5432,
                socket(
                    "0.0.0.0",
                    5432,
                    receive_queue=6,
                    send_queue=5,
                    owners=(owner("postgres", 812),),
                ),
            ),
        ),
        "tcp.backlog-full",
        evidence=("6", "wait to be accepted", "made for 5", "postgres (pid 812)"),
    ),
    Row(
        "a full queue of another address is not to blame",
        "127.0.0.1:5432",
        (
            silent("127.0.0.1", 5432),
            table(5432, socket(HERE, 5432, receive_queue=6, send_queue=5)),
        ),
        "local.firewall",
    ),
]

HOSTS = [
    Row("the host answers ping", f"icmp://{SERVER}", (pings(SERVER),), never=(asks.ConnectAsk,)),
    Row("the IPv6 host answers ping", f"icmp://[{SERVER6}]", (pings(SERVER6),)),
    Row("no ping, and a port is open", SERVER, (opens(SERVER, 443),)),
    Row("a ping was asked for, and only a port answers", f"icmp://{SERVER}",
        (opens(SERVER, 443),), "tcp.filtered", Verdict.DEGRADED,
        evidence=("does not answer ping", "accepts connections on port 443")),
    Row("a ping was asked for and is refused, and a port answers", f"icmp://{SERVER}",
        (ping_fails(SERVER, "EHOSTUNREACH", icmp("3/13", ROUTER)), resets(SERVER, 22)),
        "tcp.filtered", Verdict.DEGRADED, evidence=("ICMP 3/13", "itself refused port 22")),
    Row("a ping was asked for and this user may not send one", f"icmp://{SERVER}",
        (ping_unavailable(SERVER), opens(SERVER, 443))),
    Row("no ping, and a port resets", SERVER, (resets(SERVER, 22),)),
    Row("this user may not ping, and a port is open", SERVER,
        (ping_unavailable(SERVER), opens(SERVER, 22))),
    Row("no ping, and a UDP port is closed", SERVER,
        (udp_fails(SERVER, HIGH_UDP_PORT, "ECONNREFUSED", icmp("3/3", SERVER)),)),
    Row("no ping, and the host's own firewall rejects", SERVER,
        all_ports(SERVER, "ECONNREFUSED", icmp("3/3", SERVER))),
    Row("a neighbour that only answers ARP is there", PRINTER, ()),
    Row("this machine itself", HERE, (ping_fails(HERE),)),
    Row("loopback is down", "127.0.0.1",
        (machine(interfaces=(interface("lo", "127.0.0.1/8", up=False), ETH0)),
         ping_fails("127.0.0.1")),
        "local.loopback-down"),
    Row("nothing answers", SERVER, (), "path.silent",
        evidence=("as silent on port 443, 80, 22, 47808",)),
    Row("nothing answers, and this user may not ping", SERVER, (ping_unavailable(SERVER),),
        "path.silent", evidence=("no ping could be sent",)),
    Row("the neighbour is gone", PRINTER, (neighbour(PRINTER, "FAILED"),),
        "route.neighbour-silent"),
    Row("pings may not leave", SERVER, (ping_fails(SERVER, "EPERM"),), "local.firewall",
        evidence=("(EPERM)",)),
    Row("no SYN may leave", SERVER, (silent(SERVER, 443, resends_left=False),),
        "local.firewall"),
    Row("a router says no to every port and drops the ping", SERVER,
        all_ports(SERVER, "EHOSTUNREACH", icmp("3/13", ROUTER)), "path.prohibited",
        evidence=(ROUTER,)),
]  # fmt: skip

UDP = [
    Row("it replies", f"udp://{SERVER}:53", (replies(SERVER, 53),)),
    Row("it replies over IPv6", f"udp://[{SERVER6}]:53", (replies(SERVER6, 53),)),
    Row("silence proves nothing", f"udp://{SERVER}:9999", (), "udp.silent", Verdict.UNKNOWN,
        evidence=("a short datagram to 198.51.100.7:9999 got no answer",),
        rivals=("tcp.filtered", "path.silent"), reason="UDP gave no answer"),
    Row("silence of a live host proves nothing either", f"udp://{SERVER}:9999", (pings(SERVER),),
        "udp.silent", Verdict.UNKNOWN, evidence=("answered ping",), rivals=("tcp.filtered",)),
    Row("silence on loopback that is down", "udp://127.0.0.1:9999",
        (machine(interfaces=(interface("lo", "127.0.0.1/8", up=False), ETH0)),),
        "local.loopback-down"),
    Row("silence of a service on this machine", "udp://127.0.0.1:9999", (), "udp.silent",
        Verdict.UNKNOWN, never=(asks.PingAsk,)),
]  # fmt: skip


ROWS = [*ALIVE, *SILENT, *NEIGHBOURS, *DROPS, *HOSTS, *UDP]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_silence_is_told_by_what_else_answers(row: Row) -> None:
    check(row)


def test_less_evidence_is_less_sure() -> None:
    """The rows tell the cause; the confidence must follow what could be tried."""
    sure, no_ping, refused = (_confidence(SILENT[n]) for n in (0, 5, 4))
    mute_gateway = _confidence(next(r for r in NEIGHBOURS if "stays as it was" in r.story))
    assert max(no_ping, refused, mute_gateway) < sure < 0.95


def _confidence(row: Row) -> float:
    first = examined(row.target, row.world).first
    assert first is not None
    return first.confidence
