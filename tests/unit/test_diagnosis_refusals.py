"""Errors that somebody reported: whose they are, and how much they refuse."""

from __future__ import annotations

import pytest
from tests.unit.facts import (
    GATEWAY,
    GATEWAY6,
    HERE,
    HERE6,
    OTHER_PORTS,
    ROUTER,
    ROUTER6,
    SERVER,
    SERVER6,
    Row,
    World,
    all_ports,
    check,
    connect_fails,
    examined,
    icmp,
    interface,
    ip,
    machine,
    neighbour,
    no_route,
    opens,
    owner,
    ping_fails,
    pings,
    reset_origin,
    resets,
    socket,
    table,
    udp_fails,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import Connect, PortUse, Route
from netwhy.core.target import parse
from netwhy.diagnosis.examine import examine

#: What Linux makes of each ICMP error (icmp_err_convert, tab_unreach), and what it means when the
#: whole host is refused alike.
ERRORS = {
    "3/0": ("ENETUNREACH", "path.network-unreachable"),
    "3/1": ("EHOSTUNREACH", "path.host-unreachable"),
    "3/2": ("ENOPROTOOPT", "tcp.rejected-by-firewall"),
    "3/3": ("ECONNREFUSED", "tcp.rejected-by-firewall"),
    "3/6": ("ENETUNREACH", "path.network-unreachable"),
    "3/7": ("EHOSTDOWN", "path.host-unreachable"),
    "3/9": ("ENETUNREACH", "path.prohibited"),
    "3/10": ("EHOSTUNREACH", "path.prohibited"),
    "3/11": ("ENETUNREACH", "path.network-unreachable"),
    "3/12": ("EHOSTUNREACH", "path.host-unreachable"),
    "3/13": ("EHOSTUNREACH", "path.prohibited"),
    "11/0": ("EHOSTUNREACH", "path.loop"),
    "v6 1/0": ("ENETUNREACH", "path.network-unreachable"),
    "v6 1/1": ("EACCES", "path.prohibited"),
    "v6 1/2": ("EHOSTUNREACH", "path.host-unreachable"),
    "v6 1/3": ("EHOSTUNREACH", "path.host-unreachable"),
    "v6 1/4": ("ECONNREFUSED", "tcp.rejected-by-firewall"),
    "v6 1/5": ("EACCES", "path.prohibited"),
    "v6 1/6": ("EACCES", "path.prohibited"),
    "v6 3/0": ("EHOSTUNREACH", "path.loop"),
}
#: Those that say the same of one port as of a whole host.
PLAIN = ("tcp.rejected-by-firewall", "path.loop")
SENDERS = {
    "own": (HERE, HERE6),
    "gateway": (GATEWAY, GATEWAY6),
    "router": (ROUTER, ROUTER6),
    "target": (SERVER, SERVER6),
    "nobody": (None, None),
}


def _icmp_rows() -> list[Row]:
    """Every ICMP error by every sender, over TCP, UDP and ping, for one port and a whole host."""
    rows = []
    for kind, (error, whole) in ERRORS.items():
        six = kind.startswith("v6")
        server = SERVER6 if six else SERVER
        host = f"[{server}]" if six else server
        for who, addresses in SENDERS.items():
            sender = addresses[six]
            said = icmp(kind, sender)
            name = f"{kind} {who}"
            alike = all_ports(server, error, said)
            refused_ping = ping_fails(server, error, said)
            port = connect_fails(server, 5432, error, said)
            datagram = udp_fails(server, 9999, error, said)
            lives = (pings(server), opens(server, 443))
            told = (said.label, *([sender] if sender else []))
            if who == "own":
                whole_cause = one_cause = "local.firewall"
                told = (said.label, f"{sender}, one of this machine's own addresses")
            else:
                whole_cause, one_cause = whole, "tcp.rejected-by-firewall"
                one_cause = whole if whole in PLAIN else one_cause
            closed = said.port_unreachable and who in ("target", "nobody")
            udp_cause = "udp.refused" if closed else None
            if who == "own" and said.port_unreachable:
                udp_cause = "local.firewall"
            rows += [
                Row(f"tcp {name}: the whole host", f"tcp://{host}:5432",
                    (port, *alike, refused_ping), whole_cause, evidence=told),
                Row(f"tcp {name}: only this port", f"tcp://{host}:5432",
                    (port, *lives), one_cause, evidence=told),
                Row(f"udp {name}: the whole host", f"udp://{host}:9999",
                    (datagram, *alike, refused_ping), udp_cause or whole_cause,
                    evidence=told[:1]),
                Row(f"udp {name}: only this port", f"udp://{host}:9999",
                    (datagram, *lives), udp_cause or one_cause,
                    evidence=told[:1]),
                Row(f"ping {name}: the whole host", f"icmp://{host}",
                    (refused_ping, *alike), whole_cause, evidence=told),
            ]  # fmt: skip
    return rows


SAID_BY_GATEWAY = icmp("3/13", GATEWAY)
LISTENS_ON_LOOPBACK = table(
    5432, socket("127.0.0.1", 5432, owners=(owner("postgres", 812),)), socket("::1", 5432)
)
LISTENS_EVERYWHERE = table(5432, socket("0.0.0.0", 5432, owners=(owner("postgres", 812),)))
LISTENS_DUAL_STACK = table(5432, socket("::", 5432, v6only=False))
LISTENS_V6ONLY = table(5432, socket("::", 5432, v6only=True, owners=(owner("postgres", 812),)))

REFUSALS = [
    # a reset
    Row(
        "nothing listens on the port",
        f"{SERVER}:5432",
        (resets(SERVER, 5432), pings(SERVER)),
        "tcp.refused",
        evidence=("RST after 0.40 ms", "no ICMP error", "answered ping"),
        rivals=("tcp.rejected-by-firewall", "tcp.loopback-only"),
        asks=(asks.RouteAsk(ip(SERVER)), asks.LocalAsk()),
        never=(asks.LocalDropsAsk, asks.PortTableAsk),
    ),
    Row(
        "nothing listens on the IPv6 port",
        f"[{SERVER6}]:5432",
        (resets(SERVER6, 5432),),
        "tcp.refused",
        evidence=(f"[{SERVER6}]:5432",),
    ),
    Row(
        "a connect to an own ephemeral port met itself",
        f"{SERVER}:40000",
        (resets(SERVER, 40000, self_connected=True),),
        "tcp.refused",
        evidence=("met itself",),
    ),
    Row(
        "the peer resets after the handshake",
        f"{SERVER}:5432",
        (connect_fails(SERVER, 5432, "ECONNRESET"),),
        "exchange.reset",
        evidence=("reset it after 2.00 ms",),
    ),
    # our own addresses: the table of listeners knows more than the RST
    Row(
        "nothing on this machine listens",
        "127.0.0.1:5432",
        (resets("127.0.0.1", 5432),),
        "tcp.refused",
        evidence=("no program on this machine listens on TCP port 5432",),
        asks=(asks.PortTableAsk(5432, "tcp"),),
        never=(asks.PingAsk,),
    ),
    Row(
        "the service listens on loopback only",
        f"{HERE}:5432",
        (resets(HERE, 5432), LISTENS_ON_LOOPBACK),
        "tcp.loopback-only",
        evidence=("postgres (pid 812) listens on 127.0.0.1:5432",),
    ),
    Row(
        "the service listens for IPv6 only",
        "127.0.0.1:5432",
        (resets("127.0.0.1", 5432), LISTENS_V6ONLY),
        "tcp.loopback-only",
        evidence=("listens on [::]:5432",),
    ),
    Row(
        "an own rule resets although the service listens everywhere",
        f"{HERE}:5432",
        (resets(HERE, 5432), LISTENS_EVERYWHERE),
        "local.firewall",
        evidence=("listens on 0.0.0.0:5432",),
        rivals=("tcp.backlog-full",),
    ),
    Row(
        "an own rule resets although a dual-stack service listens",
        f"{HERE}:5432",
        (resets(HERE, 5432), LISTENS_DUAL_STACK),
        "local.firewall",
        evidence=("listens on [::]:5432",),
    ),
    Row(
        "an own rule rejects on loopback with an ICMP error",
        "127.0.0.1:5432",
        (connect_fails("127.0.0.1", 5432, "ECONNREFUSED", icmp("3/3", "127.0.0.1")),),
        "local.firewall",
        evidence=("127.0.0.1, one of this machine's own addresses",),
    ),
    # how much is refused
    Row(
        "another port resets: only this one is refused, ping or not",
        f"{SERVER}:5432",
        (connect_fails(SERVER, 5432, "EHOSTUNREACH", SAID_BY_GATEWAY), resets(SERVER, 80)),
        "tcp.rejected-by-firewall",
        evidence=("itself refused port 80", f"{GATEWAY} is this machine's gateway"),
        asks=tuple(asks.ConnectAsk(ip(SERVER), port, 2.2) for port in OTHER_PORTS),
    ),
    Row(
        "the ping answers and nothing is refused alike: only this port",
        f"{SERVER}:5432",
        (connect_fails(SERVER, 5432, "EHOSTUNREACH", SAID_BY_GATEWAY), pings(SERVER)),
        "tcp.rejected-by-firewall",
        evidence=("answered ping",),
    ),
    Row(
        "one other port is open, one is refused alike: a rule for ports",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", SAID_BY_GATEWAY),
            connect_fails(SERVER, 80, "EHOSTUNREACH", SAID_BY_GATEWAY),
            opens(SERVER, 443),
        ),
        "tcp.rejected-by-firewall",
        evidence=("accepts connections on port 443",),
    ),
    Row(
        "the ping answers and another port is refused alike: not sure how much",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", SAID_BY_GATEWAY),
            connect_fails(SERVER, 80, "EHOSTUNREACH", SAID_BY_GATEWAY),
            pings(SERVER),
        ),
        "path.prohibited",
        rivals=("tcp.rejected-by-firewall",),
    ),
    Row(
        "one other port is refused alike",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", SAID_BY_GATEWAY),
            connect_fails(SERVER, 80, "EHOSTUNREACH", SAID_BY_GATEWAY),
        ),
        "path.prohibited",
        evidence=(f"{GATEWAY} refused {SERVER} on port 80 in the same way",),
    ),
    Row(
        "only the ping is refused alike",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", SAID_BY_GATEWAY),
            ping_fails(SERVER, "EHOSTUNREACH", SAID_BY_GATEWAY),
        ),
        "path.prohibited",
        evidence=("a ping of 198.51.100.7 was refused too",),
    ),
    Row(
        "nothing else answers at all: the port alone, or the whole host",
        f"{SERVER}:5432",
        (connect_fails(SERVER, 5432, "EHOSTUNREACH", SAID_BY_GATEWAY),),
        "path.prohibited",
        rivals=("tcp.rejected-by-firewall",),
    ),
    Row(
        "the target's own firewall turns everything away",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/10", SERVER)),
            all_ports(SERVER, "EHOSTUNREACH", icmp("3/10", SERVER)),
        ),
        "path.prohibited",
        evidence=("the target itself",),
    ),
    Row(
        "the sender of the error is not known: nobody is accused",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/13", None)),
            all_ports(SERVER, "EHOSTUNREACH", icmp("3/13", None)),
        ),
        "path.prohibited",
        unsaid=("the target itself", f"{SERVER} answered", f"{SERVER} refused"),
    ),
    Row(
        "a host that answers on another port is there, though a filter refuses the ping",
        SERVER,
        (ping_fails(SERVER, "EHOSTUNREACH", SAID_BY_GATEWAY), opens(SERVER, 443)),
    ),
    # UDP
    Row(
        "the datagram meets a closed port",
        f"udp://{SERVER}:9999",
        (udp_fails(SERVER, 9999, "ECONNREFUSED", icmp("3/3", SERVER)),),
        "udp.refused",
        evidence=(f"{SERVER} answered the datagram", "ICMP port unreachable"),
        rivals=("tcp.rejected-by-firewall",),
    ),
    Row(
        "no error queue here: the refusal is known, its sender is not",
        f"udp://{SERVER}:9999",
        (udp_fails(SERVER, 9999, "ECONNREFUSED"),),
        "udp.refused",
    ),
    Row(
        "nothing on this machine has the UDP port",
        "udp://127.0.0.1:9999",
        (udp_fails("127.0.0.1", 9999, "ECONNREFUSED", icmp("3/3", "127.0.0.1")),),
        "udp.refused",
        evidence=("no program on this machine listens on UDP port 9999",),
        asks=(asks.PortTableAsk(9999, "udp"),),
    ),
    *(
        Row(
            f"an own port refuses and the table cannot be read: {target}",
            target,
            (
                resets("127.0.0.1", 9999),
                udp_fails("127.0.0.1", 9999, "ECONNREFUSED", icmp("3/3", "127.0.0.1")),
            ),
            cause,
            skipped=(asks.PortTableAsk,),
        )
        for target, cause in (
            ("127.0.0.1:9999", "tcp.refused"),
            ("udp://127.0.0.1:9999", "udp.refused"),
        )
    ),
    Row(
        "an own rule rejects although a program has the UDP port",
        "udp://127.0.0.1:9999",
        (
            udp_fails("127.0.0.1", 9999, "ECONNREFUSED", icmp("3/3", "127.0.0.1")),
            table(9999, socket("0.0.0.0", 9999, "UNCONN"), transport="udp"),
        ),
        "local.firewall",
        evidence=("listens on 0.0.0.0:9999",),
    ),
    Row(
        "an own rule drops the datagram",
        f"udp://{SERVER}:9999",
        (udp_fails(SERVER, 9999, "EPERM"),),
        "local.firewall",
        evidence=("refused to send a datagram", "(EPERM)"),
        rivals=("local.policy",),
    ),
    Row(
        "no source port is left for the datagram",
        f"udp://{SERVER}:9999",
        (
            udp_fails(SERVER, 9999, "EAGAIN"),
            PortUse(ip(SERVER), 9999, used=28232, available=28232, transport="udp"),
        ),
        "local.ports-exhausted",
        evidence=("28232 of 28232 UDP ports", "No UDP source port"),
    ),
    Row(
        "EAGAIN with ports to spare",
        f"udp://{SERVER}:9999",
        (udp_fails(SERVER, 9999, "EAGAIN"),),
        "unexplained",
        evidence=("EAGAIN",),
    ),
    # refused at once by this machine, and not by its routes
    Row(
        "a policy forbids the connect",
        f"{SERVER}:5432",
        (connect_fails(SERVER, 5432, "EACCES"),),
        "local.policy",
        evidence=("(EACCES)", "no ICMP error"),
    ),
    Row(
        "a policy forbids the connect of a program under seccomp",
        f"{SERVER}:5432",
        (machine(confined=("a seccomp filter",)), connect_fails(SERVER, 5432, "EPERM")),
        "local.policy",
        evidence=("confined by a seccomp filter",),
    ),
    Row(
        "on another system a firewall may give the same error",
        f"{SERVER}:5432",
        (machine(platform="windows"), connect_fails(SERVER, 5432, "EACCES")),
        "local.policy",
        rivals=("local.firewall",),
    ),
    Row(
        "not the send is forbidden but the connect before it",
        f"udp://{SERVER}:9999",
        (udp_fails(SERVER, 9999, "EPERM", connected=False),),
        "local.policy",
    ),
    Row(
        "no IPv6 sockets for this program",
        f"[{SERVER6}]:5432",
        (connect_fails(SERVER6, 5432, "EAFNOSUPPORT"),),
        "local.policy",
        evidence=("EAFNOSUPPORT", "has IPv6 addresses"),
    ),
    Row(
        "no IPv6 in the kernel",
        f"[{SERVER6}]:5432",
        (machine(ipv6_disabled=True, gateways=()), connect_fails(SERVER6, 5432, "EAFNOSUPPORT")),
        "route.none",
    ),
    Row(
        "an interface that is none",
        "[fe80::7%eth7]:22",
        (Route(ip("fe80::7%eth7")), connect_fails("fe80::7%eth7", 22, "ENODEV")),
        "local.address-unusable",
        evidence=("no interface eth7", "eth0"),
    ),
    Row(
        "a reset that came over loopback, twice",
        f"{SERVER}:5432",
        (resets(SERVER, 5432), reset_origin(SERVER, 5432, (1, 1), (2, 2))),
        "local.firewall",
        evidence=("2x more", "loopback"),
    ),
    Row(
        "once over loopback is not enough",
        f"{SERVER}:5432",
        (resets(SERVER, 5432), reset_origin(SERVER, 5432, (1, 1))),
        "tcp.refused",
    ),
    Row(
        "something came in from outside",
        f"{SERVER}:5432",
        (resets(SERVER, 5432), reset_origin(SERVER, 5432, (1, 1), (3, 2))),
        "tcp.refused",
    ),
    Row(
        "nothing is counted here",
        f"{SERVER}:5432",
        (resets(SERVER, 5432), reset_origin(SERVER, 5432, (0, 0), (0, 0))),
        "tcp.refused",
    ),
    Row(
        "a quick reset whose origin cannot be seen",
        f"{SERVER}:5432",
        (resets(SERVER, 5432), reset_origin(SERVER, 5432)),
        "tcp.refused",
        rivals=("local.firewall",),
    ),
    Row(
        "a reset that took its time came from afar",
        f"{SERVER}:5432",
        (resets(SERVER, 5432, ms=40.0),),
        "tcp.refused",
        never=(asks.ResetOriginAsk,),
    ),
    Row(
        "this machine gives up on a next hop that no table shows",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/1", HERE), ms=3060.0),
            neighbour(GATEWAY, "NONE"),
        ),
        "route.gateway-silent",
        evidence=("gave up on 192.0.2.1 after 3.06 s",),
    ),
    Row(
        "the same error at once is a rule",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/1", HERE), ms=0.2),
            neighbour(GATEWAY, "NONE"),
        ),
        "local.firewall",
    ),
    Row(
        "the target passes the port on to a dead machine",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/1", SERVER), ms=3060.0),
            opens(SERVER, 22),
        ),
        "path.host-unreachable",
        evidence=("passes port 5432 on",),
        rivals=("tcp.rejected-by-firewall",),
    ),
    Row(
        "a cgroup rule forbids the connect",
        f"{SERVER}:5432",
        (connect_fails(SERVER, 5432, "EPERM"),),
        "local.policy",
        evidence=("(EPERM)",),
    ),
    Row(
        "a policy forbids the datagram's socket",
        f"udp://{SERVER}:9999",
        (udp_fails(SERVER, 9999, "EACCES"),),
        "local.policy",
        evidence=("(EACCES)",),
    ),
    Row(
        "no source port is left",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EADDRNOTAVAIL"),
            PortUse(ip(SERVER), 5432, used=990, available=1000, time_wait=900),
        ),
        "local.ports-exhausted",
        evidence=("990 of 1000 source ports", "900 of them in TIME_WAIT"),
    ),
    Row(
        "source ports are plenty: EADDRNOTAVAIL stays unexplained",
        f"{SERVER}:5432",
        (connect_fails(SERVER, 5432, "EADDRNOTAVAIL"),),
        "unexplained",
        evidence=("EADDRNOTAVAIL",),
        asks=(asks.PortUseAsk(ip(SERVER), 5432),),
    ),
    Row(
        "no IPv6 here at all",
        f"[{SERVER6}]:5432",
        (
            machine(interface("eth0", f"{HERE}/24"), ipv6_disabled=True),
            connect_fails(SERVER6, 5432, "EADDRNOTAVAIL"),
        ),
        "route.none",
        evidence=("IPv6",),
        never=(asks.PortUseAsk,),
    ),
    Row(
        "this process may open no more files",
        f"{SERVER}:5432",
        (machine(files_open=1024), connect_fails(SERVER, 5432, "EMFILE")),
        "local.files-exhausted",
        evidence=("(EMFILE)", "1024 files open and has 1024"),
    ),
    Row(
        "the system may open no more files",
        f"udp://{SERVER}:9999",
        (udp_fails(SERVER, 9999, "ENFILE"),),
        "local.files-exhausted",
        evidence=("(ENFILE)",),
    ),
]
#: Errors without a rule: the symbol is told, and no guess beside it.
UNEXPLAINED = [
    Row(f"{error} over {scheme}", f"{scheme}://{SERVER}:5432", (seen,), "unexplained",
        evidence=(error, f"the {scheme} probe of {SERVER}:5432"))
    for error in ("ENETDOWN", "ENOBUFS", "EINVAL", "EPROTO", "EPIPE", "ENOMEM", "errno 999")
    for scheme, seen in (
        ("tcp", connect_fails(SERVER, 5432, error)),
        ("udp", udp_fails(SERVER, 5432, error)),
    )
]  # fmt: skip
UNEXPLAINED += [
    Row(
        f"the route look-up gives {error} for {target}",
        target,
        (no_route(SERVER, error), connect_fails(SERVER, 5432, error), ping_fails(SERVER, error)),
        "unexplained",
        evidence=(error,),
    )
    for error in ("ENETDOWN", "ENODEV", "EADDRNOTAVAIL")
    for target in (f"{SERVER}:5432", SERVER)
]


ICMP = _icmp_rows()
ROWS = [*ICMP, *REFUSALS, *UNEXPLAINED]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_refusal_is_explained_by_who_said_it(row: Row) -> None:
    check(row)


def test_every_sender_of_every_error_has_a_row() -> None:
    assert len(ICMP) == len(ERRORS) * len(SENDERS) * 5
    assert {row.expected for row in ICMP} == {Verdict.FAILING}


def test_a_service_that_came_up_meanwhile_is_asked_again() -> None:
    """Refused, and then the table shows a listener: the second answer is the one that counts."""
    target = parse(f"{HERE}:5432")
    again = asks.ConnectAsk(ip(HERE), 5432, attempt=2)
    world = World(resets(HERE, 5432), LISTENS_EVERYWHERE)
    facts = {
        ask: world.answer(ask)
        for ask in (
            asks.LocalAsk(),
            asks.RouteAsk(ip(HERE)),
            asks.ConnectAsk(ip(HERE), 5432),
            asks.PortTableAsk(5432, "tcp"),
        )
    }
    known = {ask: seen for ask, seen in facts.items() if seen is not None}
    assert again in examine(target, known).wants
    opened = examine(target, known | {again: Connect(ip(HERE), 5432, ms=0.1)}, final=True)
    assert opened.report.verdict is Verdict.OK


@pytest.mark.parametrize(
    ("wanted", "holder", "said", "unsaid"),
    [
        (HERE, "127.0.0.1", f"set its listen address to {HERE}", "as well"),
        ("::1", "127.0.0.1", "Use the address that is served: 127.0.0.1:5432", "others"),
        ("127.0.0.2", "127.0.0.1", "listen on 127.0.0.2 as well, beside 127.0.0.1", "others"),
        ("127.0.0.1", "::", "Use the address that is served: [::1]:5432", "others"),
        ("127.0.0.1", HERE, f"Use the address that is served: {HERE}:5432", "others"),
    ],
)
@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_loopback_address_is_not_offered_to_others(
    transport: str, wanted: str, holder: str, said: str, unsaid: str
) -> None:
    state = "LISTEN" if transport == "tcp" else "UNCONN"
    held = table(5432, socket(holder, 5432, state, v6only=True), transport=transport)
    port_unreachable = icmp("v6 1/4" if ":" in wanted else "3/3", wanted)
    refused = (resets(wanted, 5432), udp_fails(wanted, 5432, "ECONNREFUSED", port_unreachable))
    where = f"[{wanted}]:5432" if ":" in wanted else f"{wanted}:5432"
    found = examined(f"{transport}://{where}", World(held, refused)).first
    assert found is not None and found.cause == "tcp.loopback-only"
    fixes = "\n".join(fix.text for fix in found.fixes)
    assert said in fixes and unsaid not in fixes
