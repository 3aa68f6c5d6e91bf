"""This machine: impossible targets, its routes, its interfaces, and what it says of itself."""

from __future__ import annotations

import pytest
from tests.unit.facts import (
    BOTH_GATEWAYS,
    ETH0,
    GATEWAY,
    GATEWAY6,
    HERE,
    HERE6,
    LO,
    RESOLVER,
    ROUTER6,
    SERVER,
    SERVER6,
    Row,
    check,
    connect_fails,
    icmp,
    interface,
    ip,
    machine,
    neighbour,
    no_route,
    opens,
    ping_fails,
    resets,
    resolv_conf,
    silent,
    udp_fails,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import Gateway, Route

LO_DOWN = interface("lo", "127.0.0.1/8", up=False)
ETH0_DOWN = interface("eth0", f"{HERE}/24", up=False)
ETH0_V4 = interface("eth0", f"{HERE}/24", "fe80::10/64")
ETH1 = interface("eth1", "203.0.113.10/24")
ETH1_V6 = interface("eth1", "2001:db8:7::10/64")
ETH1_DOWN = interface("eth1", "198.51.100.10/24", up=False)
ETH1_UNPLUGGED = interface("eth1", "198.51.100.10/24", carrier=False)
ONLY_V4_OUT = BOTH_GATEWAYS[:1]
ONLY_V6_OUT = BOTH_GATEWAYS[1:]

# ------------------------------------------------------------------- what no packet needs to show

IMPOSSIBLE = [
    Row(story, target, (), cause, evidence=evidence, never=(asks.Ask,))
    for story, target, cause, evidence in (
        ("fe80 without its interface", "fe80::1", "local.address-unusable", ("%interface",)),
        ("an IPv4 group", "224.0.0.1:80", "local.address-unusable", ("224.0.0.1 is a multicast",)),
        ("an IPv6 group", "icmp://ff02::1", "local.address-unusable", ("multicast",)),
        ("everybody", "255.255.255.255:80", "local.address-unusable", ("broadcast",)),
        ("port 0", f"{SERVER}:0", "local.address-unusable", ("port 0",)),
        ("port 0 over UDP", f"udp://{SERVER}:0", "local.address-unusable", ("port 0",)),
        ("bind port 0", "bind 0", "local.address-unusable", ("port 0",)),
        ("bind fe80 without its interface", "bind [fe80::1]:80", "local.address-unusable",
         ("%interface",)),
        ("a label of 70 letters", f"{'x' * 70}:80", "dns.invalid-name", ("63 characters",)),
        ("a name of 304 letters", ".".join(["a" * 60] * 5), "dns.invalid-name",
         ("253 characters",)),
        ("two dots", "db..example.com:80", "dns.invalid-name", ("two dots",)),
        ("an exclamation mark", "ex!ample.com:80", "dns.invalid-name", ("ex!ample",)),
        ("a leading hyphen", "-a.example.com", "dns.invalid-name", ("hyphen",)),
        ("five numbers", "1.2.3.4.5:80", "dns.invalid-name", ("looks like an address",)),
        ("a resolver at fe80 without its interface", "dns://[fe80::1]/example.com",
         "local.address-unusable", ("%interface",)),
    )
]  # fmt: skip

# ----------------------------------------------------------------------------- the routing table


def _refusals() -> list[Row]:
    """A special route says the same to a connect, a datagram and a ping, in both families."""
    rows = []
    for error, cause in (
        ("EINVAL", "route.blackhole"),
        ("EACCES", "route.prohibited"),
        ("EHOSTUNREACH", "route.unreachable"),
    ):
        for server, host in ((SERVER, SERVER), (SERVER6, f"[{SERVER6}]")):
            refused = (
                no_route(server, error),
                connect_fails(server, 5432, error),
                udp_fails(server, 5432, error),
                ping_fails(server, error),
            )
            rows += [
                Row(
                    f"{error} by the table: {scheme}://{host}{port}",
                    f"{scheme}://{host}{port}",
                    refused,
                    cause,
                    evidence=(error, "the table itself refuses it", "no packet was sent"),
                    never=(asks.NeighbourAsk, asks.LocalDropsAsk),
                )
                for scheme, port in (("tcp", ":5432"), ("udp", ":5432"), ("icmp", ""))
            ]
    return rows


ROUTES = [
    *_refusals(),
    Row(
        "no default route at all",
        f"{SERVER}:5432",
        (machine(gateways=()), connect_fails(SERVER, 5432, "ENETUNREACH")),
        "route.none",
        evidence=("no default route for IPv4", "ENETUNREACH"),
    ),
    Row(
        "no default route for IPv4, one for IPv6",
        f"{SERVER}:5432",
        (machine(gateways=ONLY_V6_OUT), connect_fails(SERVER, 5432, "ENETUNREACH")),
        "route.none",
        evidence=("IPv6 has a default route",),
    ),
    Row(
        "an IPv6 address from a machine without IPv6",
        f"[{SERVER6}]:5432",
        (machine(ETH0_V4, gateways=ONLY_V4_OUT), connect_fails(SERVER6, 5432, "ENETUNREACH")),
        "route.none",
        evidence=("no IPv6 address beyond its own link", "IPv4 has a default route"),
    ),
    Row(
        "a default route, and a throw route for this network",
        f"{SERVER}:5432",
        (no_route(SERVER), connect_fails(SERVER, 5432, "ENETUNREACH")),
        "route.none",
        unsaid=("no default route",),
    ),
    Row(
        "a rule for this port prohibits it",
        f"{SERVER}:5432",
        (
            connect_fails(SERVER, 5432, "EACCES"),
            Route(ip(SERVER), "EACCES", transport="tcp", port=5432),
        ),
        "route.prohibited",
        evidence=("TCP to 198.51.100.7:5432 gives EACCES", "a routing rule"),
    ),
    Row(
        "a rule for this UDP port makes it unreachable",
        f"udp://{SERVER}:9999",
        (
            udp_fails(SERVER, 9999, "ENETUNREACH", connected=False),
            Route(ip(SERVER), "ENETUNREACH", transport="udp", port=9999),
        ),
        "route.none",
        evidence=("UDP to", "a routing rule"),
        unsaid=("no default route",),
    ),
    Row(
        "no IPv6 address beyond the link, and a router says so",
        f"[{SERVER6}]:5432",
        (
            machine(ETH0_V4),
            Route(ip(SERVER6), None, "eth0", ip(GATEWAY6), ip("fe80::10")),
            connect_fails(SERVER6, 5432, "EHOSTUNREACH", icmp("v6 1/2", ROUTER6)),
        ),
        "route.none",
        evidence=("source fe80::10",),
        rivals=("path.silent",),
    ),
    Row(
        "the own IPv6 address is another machine's too, and nothing comes back",
        f"[{SERVER6}]:5432",
        (
            machine(interface("eth0", f"{HERE}/24", f"{HERE6}/64 dadfailed"), ETH1_V6),
            Route(ip(SERVER6), None, "eth0", ip(GATEWAY6), ip("2001:db8:7::10")),
            silent(SERVER6, 5432),
        ),
        "route.none",
        evidence=("2001:db8:7::10", f"{HERE6} is dadfailed"),
    ),
    Row(
        "an unnumbered interface with the address of another may well be meant",
        f"[{SERVER6}]:5432",
        (
            machine(interface("eth0", f"{HERE}/24"), ETH1_V6),
            Route(ip(SERVER6), None, "eth0", ip(GATEWAY6), ip("2001:db8:7::10")),
            silent(SERVER6, 5432),
        ),
        "path.silent",
    ),
    Row(
        "no route for a datagram",
        f"udp://{SERVER}:9999",
        (machine(gateways=()), udp_fails(SERVER, 9999, "ENETUNREACH")),
        "route.none",
    ),
    Row(
        "no route for a ping",
        SERVER,
        (machine(gateways=()), ping_fails(SERVER, "ENETUNREACH")),
        "route.none",
    ),
    *(
        Row(
            f"the {kind} address of a network over {scheme}",
            f"{scheme}://192.0.2.255:9",
            (Route(ip("192.0.2.255"), None, "eth0", **{kind: True}), seen),
            "local.address-unusable",
            evidence=(seen.error or "",),
            unsaid=("broadcast",) if kind == "multicast" else (),
        )
        for kind in ("broadcast", "multicast")
        for scheme, seen in (
            ("tcp", connect_fails("192.0.2.255", 9, "ENETUNREACH")),
            ("udp", udp_fails("192.0.2.255", 9, "EACCES")),
        )
    ),
]

# -------------------------------------------------------------------------------- the interfaces

UNREACHABLE = connect_fails(SERVER, 5432, "ENETUNREACH")
INTERFACES = [
    Row(
        "every interface is switched off",
        f"{SERVER}:5432",
        (machine(ETH0_DOWN, gateways=()), UNREACHABLE),
        "local.offline",
        evidence=("interface eth0 is switched off",),
    ),
    Row(
        "the only interface has no link",
        f"{SERVER}:5432",
        (machine(interface("eth0", f"{HERE}/24", carrier=False), gateways=()), UNREACHABLE),
        "local.offline",
        evidence=("no link (no carrier)",),
    ),
    Row(
        "the only interface got no address",
        f"{SERVER}:5432",
        (machine(interface("eth0", "fe80::10/64"), gateways=()), UNREACHABLE),
        "local.offline",
        evidence=("no address beyond its own link",),
    ),
    Row(
        "DHCP did not answer: 169.254 is no way out",
        f"{SERVER}:5432",
        (machine(interface("eth0", "169.254.7.7/16"), gateways=()), UNREACHABLE),
        "local.offline",
        evidence=("eth0",),
    ),
    Row(
        "nothing but loopback",
        f"{SERVER}:5432",
        (machine(interfaces=(LO,), gateways=()), UNREACHABLE),
        "local.offline",
        evidence=("no interface but loopback",),
    ),
    Row(
        "offline, over UDP",
        f"udp://{SERVER}:9999",
        (machine(ETH0_DOWN, gateways=()), udp_fails(SERVER, 9999, "ENETUNREACH")),
        "local.offline",
    ),
    Row(
        "offline, and it works inside the machine all the same",
        "127.0.0.1:5432",
        (machine(ETH0_DOWN, gateways=()), opens("127.0.0.1", 5432)),
    ),
    Row(
        "the interface of the target's network is switched off",
        f"{SERVER}:5432",
        (machine(ETH0, ETH1_DOWN, gateways=()), UNREACHABLE),
        "local.interface-down",
        evidence=("eth1 is switched off", "198.51.100.10/24"),
    ),
    Row(
        "another interface serves that network: the dead one does not matter",
        f"{SERVER}:5432",
        (
            machine(ETH0, ETH1_DOWN, interface("eth2", "198.51.100.11/24")),
            no_route(SERVER),
            UNREACHABLE,
        ),
        "route.none",
    ),
    Row(
        "the default route went with eth0",
        f"{SERVER}:5432",
        (machine(ETH0_DOWN, ETH1, gateways=()), UNREACHABLE),
        "local.interface-down",
        evidence=("eth0 is switched off", "no default route", "removed every route"),
        rivals=("route.none",),
    ),
    Row(
        "two interfaces are off: nobody knows which one had the default route",
        f"{SERVER}:5432",
        (
            machine(ETH0_DOWN, ETH1, interface("eth2", "10.0.0.1/24", up=False), gateways=()),
            UNREACHABLE,
        ),
        "route.none",
    ),
    Row(
        "an unplugged interface that is off the way does not matter",
        f"{SERVER}:5432",
        (machine(ETH0, interface("eth2", "10.0.0.1/24", carrier=False)), resets(SERVER, 5432)),
        "tcp.refused",
    ),
    Row(
        "the route's interface lost its link, and the connect is silent",
        f"{SERVER}:5432",
        (machine(ETH0, ETH1_UNPLUGGED), silent(SERVER, 5432)),
        "local.interface-down",
        evidence=("eth1 is switched on and has no link",),
    ),
    Row(
        "the route's interface lost its link, over UDP",
        f"udp://{SERVER}:9999",
        (machine(ETH0, ETH1_UNPLUGGED),),
        "local.interface-down",
    ),
    Row(
        "the route's interface lost its link, by ping",
        f"icmp://{SERVER}",
        (machine(ETH0, ETH1_UNPLUGGED),),
        "local.interface-down",
    ),
    Row(
        "the gateway's interface lost its link, and the kernel gives up on the gateway",
        f"{SERVER}:5432",
        (
            machine(interface("eth0", f"{HERE}/24", carrier=False), ETH1),
            connect_fails(SERVER, 5432, "EHOSTUNREACH"),
            neighbour(GATEWAY, "FAILED"),
        ),
        "local.interface-down",
    ),
]

# -------------------------------------------------------------------------------- what it is asked

PROXIES = (("https_proxy", "http://proxy.example.com:3128"),)
THIS_MACHINE = [
    Row("all is well", "this machine", (), asks=(asks.ResolverConfigAsk(), asks.LocalAsk())),
    Row("one family is enough", "this machine", (machine(ETH0_V4, gateways=ONLY_V4_OUT),)),
    Row("a point-to-point way out", "this machine",
        (machine(interface("tun0", "10.8.0.2/32", carrier=None),
                 gateways=(Gateway(None, "tun0", 4),)),)),
    Row("offline", "this machine", (machine(ETH0_DOWN, gateways=()),), "local.offline",
        evidence=("no interface is switched on", "interface eth0 is switched off",
                  "addresses: none", "default gateway: none", f"resolver: {RESOLVER}")),
    Row("offline, and nobody to ask either", "this machine",
        (machine(ETH0_DOWN, gateways=()), resolv_conf(state="missing")), "local.offline",
        evidence=("resolver: none", "/etc/resolv.conf does not exist")),
    Row("no card at all", "this machine", (machine(interfaces=(LO,), gateways=()),),
        "local.offline", evidence=("no network interface but loopback",)),
    Row("no link", "this machine",
        (machine(interface("eth0", f"{HERE}/24", carrier=False), ETH1_DOWN, gateways=()),),
        "local.offline", evidence=("no interface has a link", "eth0 is switched on and has no")),
    Row("a link and no address", "this machine", (machine(interface("eth0"), gateways=()),),
        "local.offline", evidence=("eth0 has a link and no address",)),
    Row("a link and an address that it gave itself", "this machine",
        (machine(interface("eth0", "169.254.7.7/16"), gateways=()),), "local.offline",
        evidence=("eth0 has a link and no address",)),
    Row("interfaces that could not be read are not a machine without any", "this machine",
        (machine(interfaces=(), gateways=()),), verdict=Verdict.UNKNOWN,
        reason="could not be read"),
    Row("loopback is down", "this machine", (machine(interfaces=(LO_DOWN, ETH0)),),
        "local.loopback-down"),
    Row("offline with loopback down: the deeper one first", "this machine",
        (machine(interfaces=(LO_DOWN, ETH0_DOWN), gateways=()),), "local.offline",
        also=("local.loopback-down",)),
    Row("no way out of the own network", "this machine", (machine(gateways=()),), "route.none",
        Verdict.DEGRADED, evidence=("no default route",)),
    Row("nobody to ask for names", "this machine", (resolv_conf(state="missing"),),
        "dns.no-resolver", Verdict.DEGRADED, evidence=("/etc/resolv.conf does not exist",)),
    Row("no line that the system would use", "this machine", (resolv_conf(),),
        "dns.no-resolver", Verdict.DEGRADED, evidence=("no resolver that the system would use",)),
    Row("no way out and nobody to ask", "this machine",
        (machine(gateways=()), resolv_conf(state="empty")), "route.none", Verdict.DEGRADED,
        also=("dns.no-resolver",)),
    Row("a proxy is set: a note", "this machine", (machine(proxies=PROXIES),), "local.proxy-set",
        Verdict.OK, evidence=("https_proxy is set to http://proxy.example.com:3128",)),
    Row("an exception from a proxy that is not set", f"http://{SERVER}/",
        (machine(proxies=(("no_proxy", "localhost"),)), opens(SERVER, 80))),
    Row("a proxy matters to HTTP", f"http://{SERVER}/", (machine(proxies=PROXIES),
        opens(SERVER, 80)), "local.proxy-set", Verdict.OK),
    Row("a proxy does not matter to a bare port", f"{SERVER}:5432",
        (machine(proxies=PROXIES), opens(SERVER, 5432))),
]  # fmt: skip

ROWS = [*IMPOSSIBLE, *ROUTES, *INTERFACES, *THIS_MACHINE]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_fault_of_this_machine_is_named(row: Row) -> None:
    check(row)
