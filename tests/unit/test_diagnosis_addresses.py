"""Several addresses of one name, the kinds of targets, and networks in which nothing is wrong."""

from __future__ import annotations

import pytest
from tests.unit.facts import (
    BOTH_GATEWAYS,
    ETH0,
    GATEWAY,
    HERE,
    NAME,
    PRINTER,
    RESOLVER,
    ROUTER,
    SERVER,
    SERVER6,
    SERVER_B,
    Row,
    Told,
    all_ports,
    check,
    connect_fails,
    examined,
    icmp,
    interface,
    ip,
    looks_up,
    machine,
    neighbour,
    no_route,
    opens,
    ping_fails,
    ping_unavailable,
    pings,
    replies,
    resets,
    resolv_conf,
    says,
    silent,
    udp_fails,
)

from netwhy.core import asks
from netwhy.core.model import Severity, Verdict
from netwhy.core.observations import ConfiguredResolver, Gateway

TARGET = f"{NAME}:5432"
V4_ONLY = machine(interface("eth0", f"{HERE}/24", "fe80::10/64"), gateways=BOTH_GATEWAYS[:1])
NO_V6 = machine(interface("eth0", f"{HERE}/24"), gateways=BOTH_GATEWAYS[:1], ipv6_disabled=True)
V6_UNREACHABLE = connect_fails(SERVER6, 5432, "ENETUNREACH")


def named(*addresses: str) -> Told:
    """The name has these addresses, says the system and says the resolver."""
    return (looks_up(NAME, *addresses), says(RESOLVER, NAME, *addresses))


TWINS = named(SERVER, SERVER_B)
BOTH = named(SERVER6, SERVER)
LOOPBACK = (looks_up("localhost", "::1", "127.0.0.1"),)

SETS = [
    Row("both addresses work", TARGET, (TWINS, opens(SERVER, 5432), opens(SERVER_B, 5432))),
    Row("both families work", TARGET, (BOTH, opens(SERVER, 5432), opens(SERVER6, 5432))),
    Row("one of two addresses is refused", TARGET,
        (TWINS, opens(SERVER, 5432), resets(SERVER_B, 5432)),
        "tcp.some-addresses-fail", Verdict.DEGRADED, also=("tcp.refused",),
        evidence=(f"{SERVER} works", f"{SERVER_B} fails", "tcp.refused")),
    Row("the first of two addresses is refused", TARGET,
        (TWINS, resets(SERVER, 5432), opens(SERVER_B, 5432)),
        "tcp.some-addresses-fail", Verdict.DEGRADED, also=("tcp.refused",),
        evidence=(f"{SERVER_B} works", f"{SERVER} fails")),
    Row("one of three is refused, one is silent", TARGET,
        (named(SERVER, SERVER_B, PRINTER), opens(SERVER, 5432), resets(SERVER_B, 5432),
         silent(PRINTER, 5432), pings(PRINTER)),
        "tcp.some-addresses-fail", Verdict.DEGRADED, also=("tcp.refused", "tcp.filtered"),
        evidence=("tcp.refused", "tcp.filtered")),
    Row("IPv6 is silent beside a working IPv4", TARGET,
        (BOTH, opens(SERVER, 5432), silent(SERVER6, 5432)),
        "tcp.some-addresses-fail", Verdict.DEGRADED, also=("path.silent",)),
    Row("both are refused alike: told once", TARGET,
        (TWINS, resets(SERVER, 5432), resets(SERVER_B, 5432)), "tcp.refused",
        evidence=(f"the same for {SERVER_B}:5432",)),
    Row("both fail, each in its way: the deeper cause first", TARGET,
        (TWINS, resets(SERVER, 5432), connect_fails(SERVER_B, 5432, "EINVAL"),
         no_route(SERVER_B, "EINVAL")), "route.blackhole", also=("tcp.refused",)),
    Row("this machine's own fault comes before the router's", TARGET,
        (TWINS, connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/13", ROUTER)),
         all_ports(SERVER, "EHOSTUNREACH", icmp("3/13", ROUTER)),
         connect_fails(SERVER_B, 5432, "ECONNREFUSED", icmp("3/3", HERE))),
        "local.firewall", also=("path.prohibited",)),
    Row("both behind one dead gateway: told once", TARGET,
        (TWINS, silent(SERVER, 5432), silent(SERVER_B, 5432), neighbour(GATEWAY, "FAILED")),
        "route.gateway-silent", unsaid=("the same for",)),
    # the loopback pair
    Row("localhost on both families", "localhost:5432",
        (LOOPBACK, opens("::1", 5432), opens("127.0.0.1", 5432))),
    Row("localhost on IPv4 only: usual, a note", "localhost:5432",
        (LOOPBACK, resets("::1", 5432), opens("127.0.0.1", 5432)),
        "tcp.some-addresses-fail", Verdict.OK, also=("tcp.refused",)),
    Row("localhost on neither", "localhost:5432",
        (LOOPBACK, resets("::1", 5432), resets("127.0.0.1", 5432)), "tcp.refused",
        evidence=("the same for 127.0.0.1:5432",)),
    # a family without a way out is nobody's fault
    Row("no way out over IPv6", TARGET, (BOTH, V4_ONLY, opens(SERVER, 5432), V6_UNREACHABLE)),
    Row("IPv6 is switched off", TARGET,
        (BOTH, NO_V6, opens(SERVER, 5432), connect_fails(SERVER6, 5432, "EADDRNOTAVAIL"),
         no_route(SERVER6, "EADDRNOTAVAIL"))),
    Row("no way out over IPv6, and IPv4 is refused", TARGET,
        (BOTH, V4_ONLY, resets(SERVER, 5432), V6_UNREACHABLE), "tcp.refused",
        unsaid=("IPv6",)),
    Row("no way out over IPv6, and there is nothing else", TARGET,
        (named(SERVER6), V4_ONLY, V6_UNREACHABLE), "route.none"),
    Row("no route over IPv6 although it has a default route: told", TARGET,
        (BOTH, opens(SERVER, 5432), V6_UNREACHABLE, no_route(SERVER6)),
        "tcp.some-addresses-fail", Verdict.DEGRADED, also=("route.none",)),
    # UDP
    Row("one address replies, the other is silent", f"udp://{NAME}:53",
        (TWINS, replies(SERVER, 53))),
    Row("one refuses, the other is silent: not known", f"udp://{NAME}:9999",
        (TWINS, udp_fails(SERVER, 9999, "ECONNREFUSED", icmp("3/3", SERVER))),
        "udp.refused", Verdict.UNKNOWN, also=("udp.silent",), reason="UDP gave no answer"),
    Row("both are silent: told of each", f"udp://{NAME}:9999", (TWINS,),
        "udp.silent", Verdict.UNKNOWN, also=("udp.silent",)),
    # hosts
    Row("one address of the host answers ping, one nothing", NAME, (TWINS, pings(SERVER)),
        "tcp.some-addresses-fail", Verdict.DEGRADED, also=("path.silent",)),
]  # fmt: skip

KINDS = [
    Row("TLS works", f"tls://{SERVER}", (opens(SERVER, 443),)),
    Row("HTTPS works", f"https://{SERVER}/", (opens(SERVER, 443),)),
    Row("HTTP works", f"http://{SERVER}/", (opens(SERVER, 80),), never=(asks.TlsAsk,)),
    Row("the expected answer comes", f"tcp://{SERVER}:7?send=PING&expect=PONG",
        (opens(SERVER, 7),)),
    Row("nothing is asked beyond the port", f"{SERVER}:7", (opens(SERVER, 7),),
        never=(asks.TlsAsk, asks.HttpAsk, asks.ExchangeAsk)),
    Row("an expected answer, and the port is closed", f"tcp://{SERVER}:7?expect=PONG",
        (resets(SERVER, 7),), "tcp.refused"),
    Row("a closed port needs no TLS to fail", f"https://{SERVER}/", (resets(SERVER, 443),),
        "tcp.refused"),
    Row("the time-out of the target is the connect's", f"tcp://{SERVER}:5432?timeout=1.5",
        (opens(SERVER, 5432),), asks=(asks.ConnectAsk(ip(SERVER), 5432, 1.5),)),
    Row("what is to be sent is sent", f"udp://{SERVER}:9999?send=hello",
        (replies(SERVER, 9999),), asks=(asks.UdpAsk(ip(SERVER), 9999, None, "hello"),)),
]  # fmt: skip

#: Nothing is wrong, and nothing must be found.
HEALTHY = [
    Row("the port is open", f"{SERVER}:5432", (opens(SERVER, 5432), pings(SERVER)),
        never=(asks.LocalDropsAsk, asks.NeighbourAsk)),
    Row("the host drops pings, and the port is open", f"{SERVER}:5432", (opens(SERVER, 5432),)),
    Row("the host refuses pings, and the port is open", f"{SERVER}:5432",
        (opens(SERVER, 5432), ping_fails(SERVER, "EHOSTUNREACH", icmp("3/10", SERVER)))),
    Row("this user may not ping, and the port is open", f"{SERVER}:5432",
        (opens(SERVER, 5432), ping_unavailable(SERVER))),
    Row("it took two SYNs", f"{SERVER}:5432", (opens(SERVER, 5432, resends=1, ms=1040.0),)),
    Row("over IPv6", f"[{SERVER6}]:5432", (opens(SERVER6, 5432),)),
    Row("on our own link", f"{PRINTER}:9100", (opens(PRINTER, 9100),)),
    Row("an old neighbour entry does not matter", f"{PRINTER}:9100",
        (opens(PRINTER, 9100), neighbour(PRINTER, "STALE", 60.0))),
    Row("an own address", f"{HERE}:5432", (opens(HERE, 5432),)),
    Row("an IPv4-only name and a machine with both", TARGET, (named(SERVER), opens(SERVER, 5432))),
    Row("an IPv6-only name", TARGET, (named(SERVER6), opens(SERVER6, 5432))),
    Row("an address needs no resolver", f"{SERVER}:5432",
        (opens(SERVER, 5432), resolv_conf(state="missing")), never=(asks.ResolverConfigAsk,)),
    Row("another interface is unplugged", f"{SERVER}:5432",
        (machine(ETH0, interface("docker0", "172.17.0.1/16", carrier=False)),
         opens(SERVER, 5432))),
    Row("another interface is switched off", f"{SERVER}:5432",
        (machine(ETH0, interface("wlan0", "10.0.0.5/24", up=False)), opens(SERVER, 5432))),
    Row("a way out through a tunnel alone", f"{SERVER}:5432",
        (machine(interface("tun0", "10.8.0.2/32", carrier=None),
                 gateways=(Gateway(None, "tun0", 4),)), opens(SERVER, 5432))),
    Row("a gateway that answers ARP and nothing above", f"icmp://{GATEWAY}",
        (ping_fails(GATEWAY), silent(GATEWAY, 443), silent(GATEWAY, 80), silent(GATEWAY, 22),
         silent(GATEWAY, 47_808))),
    Row("a line of resolv.conf is ignored, and names work", TARGET,
        (named(SERVER), opens(SERVER, 5432),
         resolv_conf(resolvers=(ConfiguredResolver(ip(RESOLVER), RESOLVER, 1),),
                     ignored=((2, "options broken", "unknown"),)))),
    Row("UDP replies", f"udp://{SERVER}:53", (replies(SERVER, 53),)),
    Row("a look-up of 100 ms", TARGET,
        (looks_up(NAME, SERVER, ms=100.0), says(RESOLVER, NAME, SERVER), opens(SERVER, 5432))),
]  # fmt: skip

ROWS = [*SETS, *KINDS, *HEALTHY]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_addresses_together_give_one_verdict(row: Row) -> None:
    check(row)


def test_what_is_usual_on_loopback_is_a_note() -> None:
    for story, severity in (
        ("localhost on IPv4 only: usual, a note", Severity.NOTE),
        ("one of two addresses is refused", Severity.WARNING),
    ):
        row = next(row for row in SETS if row.story == story)
        findings = examined(row.target, row.world).report.findings
        assert {finding.severity for finding in findings} == {severity}


def test_the_time_of_the_first_address_that_works_is_told() -> None:
    row = next(row for row in SETS if row.story.startswith("the first of two"))
    assert examined(row.target, row.world).report.rtt_ms == 0.9
