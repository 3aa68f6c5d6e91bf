"""Silence: which of port, host, gateway, neighbour or this machine it belongs to."""

from __future__ import annotations

from dataclasses import replace

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
    way,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import Connect, Gateway, Hop, LocalDrops, Trace


def connect_fails_alike(kind: str, hop_limit: int) -> tuple[Connect, ...]:
    """Every port is refused by the router, whose errors arrive with that hop limit left."""
    said = replace(icmp(kind, ROUTER), hop_limit=hop_limit)
    ports = all_ports(SERVER, "EHOSTUNREACH", said)
    return (connect_fails(SERVER, 5432, "EHOSTUNREACH", said), *ports)


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
    Row("answers arrive and this machine drops them", f"udp://{SERVER}:9999",
        (drops(SERVER, 9999, 4, 4),), "local.firewall", evidence=("4 and 4 packets",),
        rivals=("udp.refused",)),
    Row("what is sent to this machine itself is dropped", "udp://127.0.0.1:9999",
        (drops("127.0.0.1", 9999, 4, 4),), "local.firewall", evidence=("own address",)),
    Row("an early word is no verdict", f"udp://{SERVER}:9999",
        (udp_fails(SERVER, 9999, pending=True),), None, Verdict.UNKNOWN,
        asks=(asks.LocalDropsAsk(ip(SERVER), 9999, "udp"),), reason="no decision"),
    Row("reverse path filtering drops the answers", f"{SERVER}:5432",
        (silent(SERVER, 5432),
         LocalDrops(ip(SERVER), 5432, (4, 4), (0, 0), (0, 0), (4, 4))),
        "local.firewall", evidence=("reverse path filtering counted 8",)),
    Row("no round is clear, and three that agree are so together", f"{SERVER}:5432",
        (silent(SERVER, 5432),
         LocalDrops(ip(SERVER), 5432, (5, 11, 7, 3), (0,) * 4, (0, 4, 1, 5), (0,) * 4)),
        "local.firewall", rivals=("tcp.filtered",)),
    Row("one round that stands out among noise proves nothing", f"{SERVER}:5432",
        (silent(SERVER, 5432),
         LocalDrops(ip(SERVER), 5432, (20, 0, 1, -1), (0,) * 4, (3, 2, 4, 1), (0,) * 4)),
        "path.silent", rivals=("local.firewall",)),
]  # fmt: skip


#: Two routers that circle, and what is said of a port behind them.
R1, R2, R3 = ROUTER, "203.0.113.2", "203.0.113.3"
EXPIRED = connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("11/0", R1), ms=3.0)
FULL_CIRCLE = (GATEWAY, R1, R2, R1, R2, R1, R2)

WAYS = [
    Row("the last router that answers is named", f"{SERVER}:5432",
        (silent(SERVER, 5432), way(SERVER, 5432, GATEWAY, R1, R2, "*", "*")), "path.silent",
        evidence=(f"the last that answers on the way to {SERVER}:5432 is router {R2}, 3 hops",),
        asks=(asks.TraceAsk(ip(SERVER), 5432),)),
    Row("silent routers before it are not blamed", f"{SERVER}:5432",
        (silent(SERVER, 5432), way(SERVER, 5432, "*", "*", R2, "*", "*")), "path.silent",
        evidence=(f"router {R2}, 3 hops away", "first hop works")),
    Row("no router tells of itself: nobody is blamed", f"{SERVER}:5432",
        (silent(SERVER, 5432), way(SERVER, 5432, "*", "*", "*")), "path.silent",
        evidence=("no router on the way",), unsaid=("the last that answers",)),
    Row("no trace can be made here", f"{SERVER}:5432", (silent(SERVER, 5432),), "path.silent",
        unsaid=("on the way",), skipped=(asks.TraceAsk,)),
    Row("a trace that never ends holds nothing up", f"{SERVER}:5432", (silent(SERVER, 5432),),
        "path.silent", unsaid=("on the way",), withheld=(asks.TraceAsk,)),
    Row("a trace that never ends holds up no filter either", f"{SERVER}:5432",
        (silent(SERVER, 5432), pings(SERVER)), "tcp.filtered", withheld=(asks.TraceAsk,)),
    Row("there is no way to follow on the own link", f"{PRINTER}:5432",
        (silent(PRINTER, 5432), neighbour(PRINTER, "REACHABLE", 0.2)), "path.silent",
        never=(asks.TraceAsk,)),
    Row("a healthy port is not traced", f"{SERVER}:5432", (opens(SERVER, 5432),),
        never=(asks.TraceAsk,)),
    Row("a refused port is not traced", f"{SERVER}:5432", (resets(SERVER, 5432),), "tcp.refused",
        never=(asks.TraceAsk,)),
    Row("a host that lives is not traced, ping or not", SERVER,
        (ping_unavailable(SERVER), opens(SERVER, 443), resets(SERVER, 22),
         resets(SERVER, 80), resets(SERVER, 47_808)), never=(asks.TraceAsk,)),
    Row("a host is traced by ping", SERVER,
        (way(SERVER, None, GATEWAY, R1, "*", transport="icmp"),), "path.silent",
        evidence=(f"the way to {SERVER} is router {R1}, 2 hops",)),
    Row("a host is traced by UDP where no ping can be sent", SERVER,
        (ping_unavailable(SERVER), way(SERVER, HIGH_UDP_PORT, GATEWAY, R1, "*", transport="udp")),
        "path.silent", evidence=(f"router {R1}, 2 hops away",)),
    Row("the port ends before a router that pings pass", f"{SERVER}:5432",
        (silent(SERVER, 5432), pings(SERVER), way(SERVER, 5432, GATEWAY, R1, "*", "*"),
         way(SERVER, None, GATEWAY, R1, R2, SERVER, transport="icmp")), "tcp.filtered",
        evidence=(f"router {R1}, 2 hops away", f"pings get farther, to router {R2}, 3 hops away")),
    Row("a hidden router stands between", f"{SERVER}:5432",
        (silent(SERVER, 5432), pings(SERVER), way(SERVER, 5432, GATEWAY, "*", "*", "*"),
         way(SERVER, None, GATEWAY, "*", R2, SERVER, transport="icmp")), "tcp.filtered",
        evidence=(f"router {GATEWAY}, 1 hop away", f"router {R2}, 3 hops away")),
    Row("both come to the last router: it, or the host", f"{SERVER}:5432",
        (silent(SERVER, 5432), pings(SERVER), way(SERVER, 5432, GATEWAY, R1, "*", "*"),
         way(SERVER, None, GATEWAY, R1, SERVER, transport="icmp")), "tcp.filtered",
        evidence=(f"as far as router {R1}, the last one before", "or the machine itself"),
        rivals=("tcp.backlog-full",)),
    Row("hidden routers stand before the host: only the distance is told", f"{SERVER}:5432",
        (silent(SERVER, 5432), pings(SERVER), way(SERVER, 5432, GATEWAY, "*", "*", "*"),
         way(SERVER, None, GATEWAY, "*", "*", SERVER, transport="icmp")), "tcp.filtered",
        evidence=(f"router {GATEWAY}, 1 hop", f"pings reach {SERVER}, 4 hops away"),
        rivals=("tcp.backlog-full",)),
    Row("the port is passed on to a machine behind the host: nobody is named", f"{SERVER}:5432",
        (silent(SERVER, 5432), pings(SERVER), way(SERVER, 5432, GATEWAY, R1, R2, "*"),
         way(SERVER, None, GATEWAY, SERVER, transport="icmp")), "tcp.filtered",
        evidence=(f"router {R2}, 3 hops away",), rivals=("tcp.backlog-full",)),
    Row("no ping: a closed UDP port is compared, which disturbs nobody", f"{SERVER}:5432",
        (silent(SERVER, 5432), opens(SERVER, 22),
         udp_fails(SERVER, HIGH_UDP_PORT, "ECONNREFUSED", icmp("3/3", SERVER)),
         way(SERVER, HIGH_UDP_PORT, GATEWAY, R1, SERVER, transport="udp")), "tcp.filtered",
        asks=(asks.TraceAsk(ip(SERVER), HIGH_UDP_PORT, "udp"),)),
    Row("only open ports: one packet at a time reaches the service, and ssh is the last resort",
        f"{SERVER}:5432",
        (silent(SERVER, 5432), opens(SERVER, 22), opens(SERVER, 80),
         way(SERVER, 80, GATEWAY, R1, SERVER)), "tcp.filtered",
        asks=(asks.TraceAsk(ip(SERVER), 80, "tcp", ahead=1),)),
    Row("a packet of the trace was answered: silent now and then", f"{SERVER}:5432",
        (silent(SERVER, 5432), way(SERVER, 5432, GATEWAY, R1, SERVER)), "tcp.filtered",
        evidence=("one was answered, 3 hops away",), rivals=("tcp.backlog-full",)),
    Row("a circle", f"{SERVER}:5432", (EXPIRED, way(SERVER, 5432, *FULL_CIRCLE)), "path.loop",
        evidence=(f"circle between {R1} and {R2}", "after 2 hops", "ICMP 11/0")),
    Row("a circle of three", f"{SERVER}:5432",
        (EXPIRED, way(SERVER, 5432, *(R1, R2, R3) * 3)), "path.loop",
        evidence=(f"{R1}, {R2} and {R3}",)),
    Row("a circle, one of whose routers hides", f"{SERVER}:5432",
        (EXPIRED, way(SERVER, 5432, GATEWAY, R1, "*", R1, "*", R1, "*")), "path.loop",
        evidence=(f"{R1} and a router without an answer",)),
    Row("a circle that sent no word to the connection itself", f"{SERVER}:5432",
        (silent(SERVER, 5432), way(SERVER, 5432, *FULL_CIRCLE)), "path.loop",
        evidence=("2 SYN packets", f"circle between {R1} and {R2}")),
    Row("a circle, asked for UDP", f"udp://{SERVER}:514",
        (udp_fails(SERVER, 514, "EHOSTUNREACH", icmp("11/0", R2)),
         way(SERVER, 514, *FULL_CIRCLE, transport="udp")), "path.loop", evidence=(R1, R2)),
    Row("a circle, asked by ping", f"icmp://{SERVER}",
        (ping_fails(SERVER, "EHOSTUNREACH", icmp("11/0", R2)),
         way(SERVER, None, *FULL_CIRCLE, transport="icmp")), "path.loop", evidence=(R1, R2)),
    Row("a circle that a port of a host without one tells of", SERVER,
        (ping_unavailable(SERVER), connect_fails(SERVER, 443, "EHOSTUNREACH", icmp("11/0", R1)),
         way(SERVER, HIGH_UDP_PORT, *FULL_CIRCLE, transport="udp")), "path.loop",
        evidence=(f"circle between {R1} and {R2}",)),
    Row("time exceeded, and no router is met twice: less sure", f"{SERVER}:5432",
        (EXPIRED, way(SERVER, 5432, GATEWAY, R1, "*", "*")), "path.loop",
        evidence=("meets no router again",), rivals=("path.network-unreachable",)),
    Row("time exceeded, and a trace arrives: no circle", f"{SERVER}:5432",
        (EXPIRED, way(SERVER, 5432, GATEWAY, R1, SERVER)), "path.loop",
        evidence=("the way does not circle", "3 hops away: no circle")),
    Row("time exceeded, and the trace never ends", f"{SERVER}:5432", (EXPIRED,), "path.loop",
        withheld=(asks.TraceAsk,), rivals=("path.network-unreachable",)),
    Row("time exceeded, and no trace can be made", f"{SERVER}:5432", (EXPIRED,), "path.loop",
        skipped=(asks.TraceAsk,), rivals=("path.network-unreachable",)),
    Row("a router said no to the trace alone", f"{SERVER}:5432",
        (silent(SERVER, 5432),
         Trace(ip(SERVER), 5432, "tcp", (Hop(1, ip(R1), 0.4, icmp("3/13", R1)),),
               error="EHOSTUNREACH")), "path.prohibited", evidence=(f"{R1} answered with ICMP",)),
    Row("how far away the sender is, by its own hop limit", f"{SERVER}:5432",
        connect_fails_alike("3/1", 251), "path.host-unreachable",
        evidence=(f"{ROUTER} is about 5 hops away",), never=(asks.TraceAsk,)),
    Row("no distance where the hop limit says none", f"{SERVER}:5432",
        connect_fails_alike("3/1", 100 + 100), "path.host-unreachable", unsaid=("hops away",)),
]  # fmt: skip


ROWS = [*ALIVE, *SILENT, *NEIGHBOURS, *DROPS, *HOSTS, *UDP, *WAYS]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_silence_is_told_by_what_else_answers(row: Row) -> None:
    check(row)


def test_less_evidence_is_less_sure() -> None:
    """The rows tell the cause; the confidence must follow what could be tried."""
    sure, no_ping, refused = (_confidence(SILENT[n]) for n in (0, 5, 4))
    mute_gateway = _confidence(next(r for r in NEIGHBOURS if "stays as it was" in r.story))
    assert max(no_ping, refused, mute_gateway) < sure < 0.95


def test_what_a_trace_adds_is_surer_than_what_it_leaves_open() -> None:
    by_story = {row.story: _confidence(row) for row in WAYS if row.cause is not None}
    circle, unproved = by_story["a circle"], by_story["time exceeded, and no trace can be made"]
    assert circle >= 0.95 > unproved >= 0.7
    between = by_story["the port ends before a router that pings pass"]
    assert between >= 0.95 > by_story["both come to the last router: it, or the host"]
    assert by_story["a packet of the trace was answered: silent now and then"] < 0.7


def _confidence(row: Row) -> float:
    first = examined(row.target, row.world).first
    assert first is not None
    return first.confidence
