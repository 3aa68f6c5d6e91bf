"""One family fails and the other works: claimed only when a second destination fails too."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.facts import (
    BOTH_GATEWAYS,
    FAR_RESOLVER,
    GATEWAY,
    GATEWAY6,
    HERE,
    HERE6,
    HIGH_UDP_PORT,
    NAME,
    PRINTER6,
    RESOLVER,
    ROUTER,
    ROUTER6,
    SERVER,
    SERVER6,
    Limited,
    Row,
    Told,
    World,
    all_ports,
    check,
    connect_fails,
    examined,
    hop_says,
    icmp,
    interface,
    ip,
    looks_up,
    machine,
    neighbour,
    opens,
    pings,
    resets,
    resolv_conf,
    says,
    silent,
    target_of,
    together,
    udp_fails,
)

from netwhy.core import asks
from netwhy.core.model import Severity, Verdict
from netwhy.core.observations import Observation, Route
from netwhy.diagnosis.examine import examine

TARGET = f"{NAME}:5432"
WEB, WEB4, WEB6 = "web.example.com", "203.0.113.80", "2001:db8:80::80"
TWIN6 = "2001:db8:2::8"  # beside SERVER6
FAR6 = "2001:db8:53::53"


def named(name: str, *addresses: str) -> Told:
    return (looks_up(name, *addresses), says(RESOLVER, name, *addresses))


def prohibited(address: str, port: int, sender: str) -> Told:
    kind = "3/13" if ip(address).version == 4 else "v6 1/1"
    error = "EHOSTUNREACH" if ip(address).version == 4 else "EACCES"
    said = icmp(kind, sender)
    return (connect_fails(address, port, error, said), all_ports(address, error, said))


DB = named(NAME, SERVER6, SERVER)
DB_OVER_4 = (DB, opens(SERVER, 5432), silent(SERVER6, 5432))
BOTH_WORK = (DB, opens(SERVER, 5432), opens(SERVER6, 5432))
DB_OVER_6 = (DB, opens(SERVER6, 5432), silent(SERVER, 5432))
WEB_BOTH = named(WEB, WEB6, WEB4)
DEGRADED = Verdict.DEGRADED
SOME = "tcp.some-addresses-fail"

BROKEN = [
    Row("two names, and both fail over IPv6 alone", TARGET,
        (DB_OVER_4, WEB_BOTH, opens(WEB4, 80), silent(WEB6, 80)), "path.ipv6-broken", DEGRADED,
        also=("path.silent",), others=(f"{WEB}:80",),
        evidence=(f"{SERVER} works", f"{SERVER6} fails", f"a second destination fails too: {WEB6}"),
        rivals=(SOME,)),
    Row("two names, and both fail over IPv4 alone", TARGET,
        (DB_OVER_6, WEB_BOTH, opens(WEB6, 80), silent(WEB4, 80)), "path.ipv4-broken", DEGRADED,
        also=("path.silent",), others=(f"{WEB}:80",),
        evidence=(f"{SERVER6} works", f"{SERVER} fails", WEB4)),
    Row("two names of one site, and both fail over IPv6 alone", TARGET,
        (DB_OVER_4, named(WEB, TWIN6, WEB4), opens(WEB4, 80), silent(TWIN6, 80)),
        "path.ipv6-broken", DEGRADED, also=("path.silent",), others=(f"{WEB}:80",),
        evidence=(TWIN6,), rivals=(SOME,)),
    Row("a literal of the family fails too", TARGET, (DB_OVER_4, silent(WEB6, 22)),
        "path.ipv6-broken", DEGRADED, also=("path.silent",), others=(f"[{WEB6}]:22",),
        evidence=(WEB6,)),
    Row("a router turns all of IPv6 away", TARGET,
        (DB, opens(SERVER, 5432), prohibited(SERVER6, 5432, ROUTER6), WEB_BOTH, opens(WEB4, 80),
         prohibited(WEB6, 80, ROUTER6)), "path.ipv6-broken", DEGRADED, also=("path.prohibited",),
        others=(f"{WEB}:80",), evidence=(ROUTER6, WEB6)),
    Row("the other target is only pinged", TARGET,
        (DB_OVER_4, WEB_BOTH, pings(WEB4)), "path.ipv6-broken", DEGRADED, also=("path.silent",),
        others=(WEB,), evidence=(WEB6,)),
    Row("the IPv6 gateway is dead", TARGET, (DB_OVER_4, neighbour(GATEWAY6, "FAILED")),
        "path.ipv6-broken", DEGRADED, also=("route.gateway-silent",),
        evidence=(GATEWAY6, SERVER6, f"{SERVER} works")),
    Row("the IPv4 gateway is dead", TARGET, (DB_OVER_6, neighbour(GATEWAY, "FAILED")),
        "path.ipv4-broken", DEGRADED, also=("route.gateway-silent",), evidence=(GATEWAY, SERVER)),
    Row("a configured resolver beyond the gateway is lost as well", TARGET,
        (DB_OVER_4, resolv_conf(RESOLVER, FAR6)), "path.ipv6-broken", DEGRADED,
        also=("path.silent", "dns.spare-resolver-dead"), evidence=(FAR6, SERVER6), rivals=(SOME,)),
    Row("two IPv6 addresses of the name at different sites", TARGET,
        (named(NAME, SERVER6, WEB6, SERVER), opens(SERVER, 5432), silent(SERVER6, 5432),
         silent(WEB6, 5432)), "path.ipv6-broken", DEGRADED, also=("path.silent", "path.silent"),
        evidence=(SERVER6, WEB6), rivals=(SOME,)),
    Row("IPv4 has a second router, and IPv6 ends at the gateway", TARGET,
        (DB_OVER_4, hop_says(SERVER, 2, ROUTER)), "path.ipv6-broken", DEGRADED,
        also=("path.silent",), evidence=(ROUTER, SERVER6, "2001:db8:2::6"), rivals=(SOME,)),
    Row("IPv6 has a second router, and IPv4 ends at the gateway", TARGET,
        (DB_OVER_6, hop_says(SERVER6, 2, ROUTER6)), "path.ipv4-broken", DEGRADED,
        also=("path.silent",), evidence=(ROUTER6, SERVER, "198.51.100.6"), rivals=(SOME,)),
]  # fmt: skip

#: The family as a whole is not to blame, or nobody can tell.
NOT_BROKEN = [
    Row("no second destination", TARGET, (DB_OVER_4,), SOME, DEGRADED, also=("path.silent",),
        rivals=("path.ipv6-broken",)),
    Row("no second destination, the other way round", TARGET, (DB_OVER_6,), SOME, DEGRADED,
        also=("path.silent",), rivals=("path.ipv4-broken",)),
    Row("another target works over IPv6", TARGET, (DB_OVER_4, opens(WEB6, 22)), SOME, DEGRADED,
        also=("path.silent",), others=(f"[{WEB6}]:22",), evidence=(f"{WEB6} ([{WEB6}]:22)",)),
    Row("another target refuses over IPv6: so packets come and go", TARGET,
        (DB_OVER_4, resets(WEB6, 22)), SOME, DEGRADED, also=("path.silent",),
        others=(f"[{WEB6}]:22",), evidence=("over IPv6",)),
    Row("one other fails, one other works", TARGET,
        (DB_OVER_4, silent(FAR6, 80), opens(WEB6, 22)), SOME, DEGRADED, also=("path.silent",),
        others=(f"[{FAR6}]:80", f"[{WEB6}]:22")),
    Row("the other target is down in both families", TARGET, (DB_OVER_4, WEB_BOTH), SOME,
        DEGRADED, also=("path.silent",), others=(f"{WEB}:80",), rivals=("path.ipv6-broken",)),
    Row("the other target is another port of the same host", TARGET,
        (DB_OVER_4, silent(SERVER6, 22)), SOME, DEGRADED, also=("path.silent",),
        others=(f"[{SERVER6}]:22",), rivals=("path.ipv6-broken",)),
    Row("the other target is on our own link and works", TARGET,
        (DB_OVER_4, opens(PRINTER6, 9100)), SOME, DEGRADED, also=("path.silent",),
        others=(f"[{PRINTER6}]:9100",), rivals=("path.ipv6-broken",)),
    Row("the other target is on our own link and dead", TARGET,
        (DB_OVER_4, silent(PRINTER6, 9100), neighbour(PRINTER6, "FAILED")), SOME, DEGRADED,
        also=("path.silent",), others=(f"[{PRINTER6}]:9100",), rivals=("path.ipv6-broken",)),
    Row("the resolver beyond the gateway answers over IPv6", TARGET,
        (DB_OVER_4, resolv_conf(RESOLVER, FAR6), says(FAR6, NAME, SERVER6, SERVER)), SOME,
        DEGRADED, also=("path.silent",), evidence=(FAR6,)),
    Row("the host answers over IPv6 and refuses the port", TARGET,
        (DB, opens(SERVER, 5432), resets(SERVER6, 5432)), SOME, DEGRADED, also=("tcp.refused",),
        never=(asks.UdpAsk,)),
    Row("the host lives over IPv6 and the port is filtered", TARGET,
        (DB_OVER_4, pings(SERVER6), WEB_BOTH, opens(WEB4, 80), silent(WEB6, 80)), SOME, DEGRADED,
        also=("tcp.filtered",), others=(f"{WEB}:80",)),
    Row("two addresses of one site prove no more than one", TARGET,
        (named(NAME, SERVER6, TWIN6, SERVER), opens(SERVER, 5432), silent(SERVER6, 5432),
         silent(TWIN6, 5432)), SOME, DEGRADED, also=("path.silent", "path.silent"),
        rivals=("path.ipv6-broken",)),
    Row("one of two IPv6 addresses works", TARGET,
        (named(NAME, SERVER6, WEB6, SERVER), opens(SERVER, 5432), silent(SERVER6, 5432),
         opens(WEB6, 5432)), SOME, DEGRADED, also=("path.silent",)),
    Row("a router answers over IPv6 past the gateway", TARGET,
        (DB_OVER_4, hop_says(SERVER, 2, ROUTER), hop_says(SERVER6, 2, ROUTER6)), SOME,
        DEGRADED, also=("path.silent",), evidence=(ROUTER6,)),
    Row("only the lost address is dropped: its neighbour's way goes on", TARGET,
        (DB_OVER_4, hop_says(SERVER, 2, ROUTER), hop_says("2001:db8:2::6", 2, ROUTER6)), SOME,
        DEGRADED, also=("path.silent",), evidence=(ROUTER6,)),
    Row("the working host itself is the second hop: nothing to compare", TARGET,
        (DB_OVER_4, hop_says(SERVER, 2, SERVER)), SOME, DEGRADED, also=("path.silent",),
        rivals=("path.ipv6-broken",)),
    Row("the datagrams that should end at the routers cannot be sent", TARGET,
        (DB_OVER_4, hop_says(SERVER, 2, ROUTER),
         Limited(udp_fails(SERVER6, HIGH_UDP_PORT, "EPERM"), 2)), SOME, DEGRADED,
        also=("path.silent",), rivals=("path.ipv6-broken",)),
    Row("the other target is stopped by this machine's own firewall", TARGET,
        (DB_OVER_4, connect_fails(WEB6, 22, "EACCES", icmp("v6 1/1", HERE6))), SOME, DEGRADED,
        also=("path.silent",), others=(f"[{WEB6}]:22",), rivals=("path.ipv6-broken",)),
    Row("a dead gateway that is not the default one", TARGET,
        (DB_OVER_4, Route(ip(SERVER6), None, "eth0", ip(PRINTER6), ip(HERE6)),
         neighbour(PRINTER6, "FAILED")), SOME, DEGRADED, also=("route.gateway-silent",),
        rivals=("path.ipv6-broken",)),
    Row("both families fail: its own cause", TARGET, (DB, WEB_BOTH, opens(WEB4, 80)),
        "path.silent", others=(f"{WEB}:80",)),
    Row("a literal of a dead family keeps its own cause", f"[{SERVER6}]:22",
        (silent(SERVER6, 22), WEB_BOTH, opens(WEB4, 80), silent(WEB6, 80)), "path.silent",
        others=(f"{WEB}:80",)),
]  # fmt: skip

ULA = interface("eth0", f"{HERE}/24", "2001:db8:1::10/64", "fd00:1::10/64", "fe80::10/64")
HEALTHY = [
    Row("both names work over both", TARGET,
        (DB, WEB_BOTH, opens(SERVER, 5432), opens(SERVER6, 5432), opens(WEB4, 80),
         opens(WEB6, 80)), others=(f"{WEB}:80",), never=(asks.UdpAsk,)),
    Row("this machine has no IPv6, and DNS has", TARGET,
        (DB, machine(interface("eth0", f"{HERE}/24"), gateways=BOTH_GATEWAYS[:1]),
         opens(SERVER, 5432), connect_fails(SERVER6, 5432, "ENETUNREACH")), never=(asks.UdpAsk,)),
    Row("this machine has no IPv4, and DNS has", TARGET,
        (looks_up(NAME, SERVER6, SERVER), resolv_conf(PRINTER6),
         says(PRINTER6, NAME, SERVER6, SERVER),
         machine(interface("eth0", "2001:db8:1::10/64"), gateways=BOTH_GATEWAYS[1:]),
         opens(SERVER6, 5432), connect_fails(SERVER, 5432, "ENETUNREACH")), never=(asks.UdpAsk,)),
    Row("ULA and global addresses side by side", TARGET,
        (machine(ULA), named(NAME, "fd00:2::7", SERVER6, SERVER), opens("fd00:2::7", 5432),
         opens(SERVER6, 5432), opens(SERVER, 5432))),
    Row("one of the addresses is slow", TARGET,
        (DB, opens(SERVER, 5432), opens(SERVER6, 5432, resends=1, ms=1100.0)),
        never=(asks.UdpAsk,)),
]  # fmt: skip


ROWS = [*BROKEN, *NOT_BROKEN, *HEALTHY]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_family_is_blamed_only_for_a_second_destination(row: Row) -> None:
    check(row)


def test_what_the_other_target_has_asked_is_not_asked_anew() -> None:
    row = BROKEN[0]
    first, other = together((row.target, *row.others), row.world)
    far = {a for a in first.asked if getattr(a, "address", None) == ip(WEB6)}
    assert far - {asks.RouteAsk(ip(WEB6))} <= set(other.asked)


def test_datagrams_to_an_address_that_nobody_named_end_at_a_router() -> None:
    for row in (*BROKEN, *NOT_BROKEN):
        named_ones = {ip(a) for a in (SERVER, SERVER6, WEB4, WEB6, FAR6, TWIN6, PRINTER6)}
        near = {ip(a) for a in (GATEWAY, GATEWAY6, RESOLVER, FAR_RESOLVER)}
        for found in together((row.target, *row.others), row.world):
            for ask in found.asked:
                where = getattr(ask, "address", None)
                if isinstance(ask, asks.PingAsk | asks.ConnectAsk):
                    assert where in named_ones | near, ask
                if isinstance(ask, asks.UdpAsk) and where not in named_ones | near:
                    assert ask.ttl == 2, ask


def test_an_address_that_has_not_answered_yet_is_not_suspected() -> None:
    """Every name with two families is in this state for a round trip."""
    world = World(*BOTH_WORK)
    target = target_of(TARGET)
    under_way = (asks.ConnectAsk(ip(SERVER6), 5432), asks.PingAsk(ip(SERVER6)))
    facts: dict[asks.Ask[Any], Observation] = {}
    while True:
        found = examine(target, facts)
        asked = (*found.wants, *found.hopes)
        assert not any(isinstance(ask, asks.UdpAsk) for ask in asked)
        news = {ask: seen for ask in asked
                if ask not in facts and ask not in under_way
                and (seen := world.answer(ask)) is not None}  # fmt: skip
        if not news:
            break
        facts |= news
    assert asks.ConnectAsk(ip(SERVER), 5432) in facts
    assert not found.report.complete


def test_how_sure_it_is_depends_on_the_second_destination() -> None:
    def sure(story: str) -> float:
        row = next(r for r in BROKEN if r.story == story)
        found = together((row.target, *row.others), row.world)[0].report.findings[0]
        assert found.cause == "path.ipv6-broken"
        return found.confidence

    order = (
        "the IPv6 gateway is dead",
        "two names, and both fail over IPv6 alone",
        "two names of one site, and both fail over IPv6 alone",
        "IPv4 has a second router, and IPv6 ends at the gateway",
    )
    found = [sure(story) for story in order]
    assert found == sorted(found, reverse=True) and len(set(found)) == len(found)


def test_a_broken_family_is_a_warning_and_so_is_what_comes_with_it() -> None:
    for row in BROKEN:
        findings = together((row.target, *row.others), row.world)[0].report.findings
        broken, *whys = findings
        assert broken.severity is Severity.WARNING
        assert all(w.severity is not Severity.FAILURE for w in whys)


def test_what_cannot_be_seen_in_time_is_not_claimed() -> None:
    row = next(r for r in BROKEN if "second router" in r.story)
    world = type(row.world)(*row.seen, withheld=(asks.UdpAsk,))
    found = examined(row.target, world)
    assert found.report.verdict in (Verdict.UNKNOWN, DEGRADED)
    assert "path.ipv6-broken" not in found.causes
