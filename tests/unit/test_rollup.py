"""What several targets share is said once, and only that."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.facts import (
    FAR_RESOLVER,
    GATEWAY,
    GATEWAY6,
    NAME,
    PRINTER,
    RESOLVER,
    ROUTER,
    SERVER,
    SERVER6,
    SERVER_B,
    Told,
    World,
    all_ports,
    connect_fails,
    examined,
    icmp,
    interface,
    look_up_fails,
    looks_up,
    machine,
    neighbour,
    opens,
    pings,
    resets,
    resolv_conf,
    says,
    silent,
    together,
    udp_fails,
)

from netwhy.core.model import (
    Finding,
    Kind,
    Outcome,
    ProbeRow,
    Severity,
    Target,
    TargetReport,
    Vantage,
    Verdict,
    Way,
)
from netwhy.diagnosis import shared
from netwhy.diagnosis.rollup import root_causes
from netwhy.diagnosis.shared import Member
from netwhy.engine import assemble

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PROHIBITED = icmp("3/13", ROUTER)
OFFLINE = machine(interface("eth0", "192.0.2.10/24", up=False), gateways=())
OTHER, OTHER6 = "web.example.com", "2001:db8:80::80"
ELSEWHERE, THIRD = "203.0.113.80", "203.0.113.200"
FAR6 = "2001:db8:53::53"


@dataclass(frozen=True)
class Shared:
    """Targets of one world, and the causes that they share: (cause, subject, how many)."""

    story: str
    targets: tuple[str, ...]
    seen: tuple[Told, ...]
    roots: tuple[tuple[str, str, int], ...] = ()

    def __str__(self) -> str:
        return self.story


def prohibited(address: str) -> tuple[Told, ...]:
    return (
        connect_fails(address, 5432, "EHOSTUNREACH", PROHIBITED),
        all_ports(address, "EHOSTUNREACH", PROHIBITED),
    )


def absent(address: str) -> tuple[Told, ...]:
    """The last router heard nothing from the host."""
    said = icmp("3/1", ROUTER)
    return (
        connect_fails(address, 80, "EHOSTUNREACH", said),
        all_ports(address, "EHOSTUNREACH", said),
    )


def rejected(address: str) -> tuple[Told, ...]:
    """One port is refused by a firewall on the way; the host answers on another."""
    return (
        connect_fails(address, 5432, "EHOSTUNREACH", PROHIBITED),
        pings(address),
        resets(address, 80),
    )


#: Two names of different sites that work over IPv4 alone.
DUAL = (
    looks_up(NAME, SERVER6, SERVER),
    says(RESOLVER, NAME, SERVER6, SERVER),
    looks_up(OTHER, OTHER6, ELSEWHERE),
    says(RESOLVER, OTHER, OTHER6, ELSEWHERE),
    opens(SERVER, 5432),
    opens(ELSEWHERE, 80),
)

WORLDS = [
    Shared("offline explains all", (f"{SERVER}:80", f"{SERVER_B}:22", "this machine"),
           (OFFLINE, connect_fails(SERVER, 80, "ENETUNREACH"),
            connect_fails(SERVER_B, 22, "ENETUNREACH")), (("local.offline", "web-03", 3),)),
    Shared("one dead gateway", (f"{SERVER}:80", f"icmp://{SERVER_B}", f"udp://{SERVER}:9999"),
           (neighbour(GATEWAY, "FAILED"),), (("route.gateway-silent", GATEWAY, 3),)),
    Shared("a dead gateway of each family", (f"{SERVER}:80", f"{SERVER_B}:80", f"[{SERVER6}]:80",
           f"[{SERVER6}]:22"), (neighbour(GATEWAY, "FAILED"), neighbour(GATEWAY6, "FAILED")),
           (("route.gateway-silent", GATEWAY, 2), ("route.gateway-silent", GATEWAY6, 2))),
    Shared("no default route", (f"{SERVER}:80", f"{SERVER_B}:80"),
           (machine(gateways=()), connect_fails(SERVER, 80, "ENETUNREACH"),
            connect_fails(SERVER_B, 80, "ENETUNREACH")),
           (("route.none", "the default route of IPv4", 2),)),
    Shared("two names and a dead resolver", (f"{NAME}:5432", f"{OTHER}:443"),
           (look_up_fails(NAME, "EAI_AGAIN", 5003.0), look_up_fails(OTHER, "EAI_AGAIN", 5003.0)),
           (("dns.resolver-silent", RESOLVER, 2),)),
    Shared("one router forbids both hosts", (f"{SERVER}:5432", f"{SERVER_B}:5432"),
           (prohibited(SERVER), prohibited(SERVER_B)), (("path.prohibited", ROUTER, 2),)),
    Shared("an own rule rejects everything", (f"{SERVER}:80", f"udp://{SERVER_B}:9999"),
           (connect_fails(SERVER, 80, "ECONNREFUSED", icmp("3/3", "192.0.2.10")),
            udp_fails(SERVER_B, 9999, "EPERM")), (("local.firewall", "this machine", 2),)),
    Shared("a slow name under two targets: degraded counts", (f"{NAME}:5432", f"{NAME}:22"),
           (looks_up(NAME, SERVER, ms=5003.0), resolv_conf(RESOLVER, "198.51.100.53"),
            says("198.51.100.53", NAME, SERVER), opens(SERVER, 5432), opens(SERVER, 22)),
           (("dns.first-resolver-dead", RESOLVER, 2),)),
    Shared("two silent ports of one host", (f"{SERVER}:5432", f"{SERVER}:9000"),
           (silent(SERVER, 5432), silent(SERVER, 9000)), (("path.silent", SERVER, 2),)),
    # one cause, told in several ways
    Shared("both gateways are dead, and a name needs them both",
           (f"{NAME}:5432", f"{SERVER_B}:80", f"[{OTHER6}]:80"),
           (looks_up(NAME, SERVER6, SERVER), says(RESOLVER, NAME, SERVER6, SERVER),
            neighbour(GATEWAY, "FAILED"), neighbour(GATEWAY6, "FAILED")),
           (("route.gateway-silent", GATEWAY, 3),)),
    Shared("a dead gateway stops names and addresses alike",
           (f"{NAME}:5432", f"{SERVER}:22", f"udp://{SERVER_B}:9999"),
           (neighbour(GATEWAY, "FAILED"), resolv_conf(FAR_RESOLVER),
            look_up_fails(NAME, "EAI_AGAIN")), (("route.gateway-silent", GATEWAY, 3),)),
    Shared("a dead resolver stops names, and is a target itself",
           (f"{NAME}:5432", f"{OTHER}:443", RESOLVER, f"{SERVER}:22"),
           (neighbour(RESOLVER, "FAILED"), look_up_fails(NAME, "EAI_AGAIN"),
            look_up_fails(OTHER, "EAI_AGAIN"), opens(SERVER, 22)),
           (("route.neighbour-silent", RESOLVER, 3),)),
    Shared("a dead first resolver: degraded here, failing there",
           (f"{NAME}:5432", f"dns://{RESOLVER}/{NAME}"),
           (looks_up(NAME, SERVER, ms=5003.0), resolv_conf(RESOLVER, FAR_RESOLVER),
            says(FAR_RESOLVER, NAME, SERVER), opens(SERVER, 5432)),
           (("dns.resolver-silent", RESOLVER, 2),)),
    Shared("one family: names are degraded, literals fail",
           (f"{NAME}:5432", f"{OTHER}:80", f"[{FAR6}]:22", f"{SERVER}:5432"),
           (DUAL, silent(FAR6, 22)), (("path.ipv6-broken", "IPv6", 3),)),
    Shared("one family, and its gateway is known to be dead",
           (f"{NAME}:5432", f"[{FAR6}]:22"),
           (DUAL, neighbour(GATEWAY6, "FAILED")), (("route.gateway-silent", GATEWAY6, 2),)),
    Shared("a dead address of a name, and a target at that very address",
           (f"{NAME}:5432", f"{SERVER_B}:22"),
           (looks_up(NAME, SERVER, SERVER_B), says(RESOLVER, NAME, SERVER, SERVER_B),
            opens(SERVER, 5432)), (("path.silent", SERVER_B, 2),)),
    Shared("two ports of a name with a dead address", (f"{NAME}:5432", f"{NAME}:22"),
           (looks_up(NAME, SERVER, SERVER_B), says(RESOLVER, NAME, SERVER, SERVER_B),
            opens(SERVER, 5432), opens(SERVER, 22)), (("path.silent", SERVER_B, 2),)),
    Shared("a router forbids a host, and one port of another",
           (f"{SERVER}:5432", f"{SERVER_B}:5432"),
           (prohibited(SERVER), connect_fails(SERVER_B, 5432, "EHOSTUNREACH", PROHIBITED),
            pings(SERVER_B), resets(SERVER_B, 80)), (("path.prohibited", ROUTER, 2),)),
    Shared("a firewall rejects one port of two hosts", (f"{SERVER}:5432", f"{SERVER_B}:5432"),
           (rejected(SERVER), rejected(SERVER_B)),
           (("tcp.rejected-by-firewall", ROUTER, 2),)),
    # what only several targets show
    Shared("a router cannot reach two hosts of a network, and nobody there answers",
           (f"{SERVER}:80", f"{SERVER_B}:80"), (absent(SERVER), absent(SERVER_B)),
           (("path.host-unreachable", ROUTER, 2),)),
    Shared("a router cannot reach two hosts beside a third that answers",
           (f"{SERVER}:80", f"{SERVER}:22", f"{SERVER_B}:80", "198.51.100.9:80"),
           (absent(SERVER), absent(SERVER_B), opens("198.51.100.9", 80)),
           (("path.host-unreachable", SERVER, 2),)),
    Shared("a router cannot reach a host, and rejects a port of another",
           (f"{SERVER}:80", f"{SERVER_B}:5432"),
           (absent(SERVER), rejected(SERVER_B))),
    Shared("silence at three sites behind one gateway",
           (f"{SERVER}:80", f"{ELSEWHERE}:80", f"{ELSEWHERE}:22"), (),
           (("path.silent", GATEWAY, 3),)),
    Shared("silence at two sites, and a third answers beyond the gateway",
           (f"{SERVER}:80", f"{ELSEWHERE}:80", f"{THIRD}:22"), (resets(THIRD, 22),)),
    Shared("silence at two sites, of which one has a router that speaks",
           (f"{SERVER}:80", f"{ELSEWHERE}:80", f"{THIRD}:22"),
           (connect_fails(THIRD, 22, "EHOSTUNREACH", icmp("3/1", ROUTER)),
            all_ports(THIRD, "EHOSTUNREACH", icmp("3/1", ROUTER)))),
    Shared("silence at two sites, each in a family of its own",
           (f"{SERVER}:80", f"[{SERVER6}]:80"), ()),
    Shared("three closed ports and no open one: the host", tuple(
           f"{SERVER}:{port}" for port in (80, 22, 25)), tuple(
           resets(SERVER, port) for port in (80, 22, 25)), (("tcp.refused", SERVER, 3),)),
    Shared("three closed ports and an open one: three services", tuple(
           f"{SERVER}:{port}" for port in (80, 22, 25, 443)), (opens(SERVER, 443), *(
           resets(SERVER, port) for port in (80, 22, 25)))),
    Shared("two filtered ports of a host that lives", (f"{SERVER}:5432", f"{SERVER}:9000"),
           (pings(SERVER),), (("tcp.filtered", SERVER, 2),)),
    Shared("a resolver that refuses every name", (f"{NAME}:5432", f"{OTHER}:443"), (
           look_up_fails(NAME, "EAI_AGAIN"), look_up_fails(OTHER, "EAI_AGAIN"),
           says(RESOLVER, NAME, rcode="REFUSED"), says(RESOLVER, OTHER, rcode="REFUSED")),
           (("dns.refused", RESOLVER, 2),)),
    Shared("a resolver that refuses two names and knows a third",
           (f"{NAME}:5432", f"{OTHER}:443", "ok.example.com:80"), (
           look_up_fails(NAME, "EAI_AGAIN"), look_up_fails(OTHER, "EAI_AGAIN"),
           says(RESOLVER, NAME, rcode="REFUSED"), says(RESOLVER, OTHER, rcode="REFUSED"),
           looks_up("ok.example.com", SERVER), says(RESOLVER, "ok.example.com", SERVER),
           opens(SERVER, 80))),
    # several roots, and faults of their own
    Shared("two roots at once, and a fault of its own",
           (f"{NAME}:5432", f"{OTHER}:443", f"{SERVER}:80", f"{ELSEWHERE}:80", f"{PRINTER}:23"),
           (neighbour(GATEWAY, "FAILED"), look_up_fails(NAME, "EAI_AGAIN", ms=10_010.0),
            look_up_fails(OTHER, "EAI_AGAIN", ms=10_010.0), resets(PRINTER, 23)),
           (("dns.resolver-silent", RESOLVER, 2), ("route.gateway-silent", GATEWAY, 2))),
    Shared("a closed port behind a dead first resolver is its own fault",
           (f"{NAME}:5432", f"{NAME}:22", f"{NAME}:80"),
           (looks_up(NAME, SERVER, ms=5003.0), resolv_conf(RESOLVER, FAR_RESOLVER),
            says(FAR_RESOLVER, NAME, SERVER), opens(SERVER, 5432), opens(SERVER, 22),
            resets(SERVER, 80)), (("dns.first-resolver-dead", RESOLVER, 2),)),
    Shared("a router that forbids one host and has no way to another: two decisions",
           (f"{SERVER}:5432", f"{ELSEWHERE}:80"),
           (prohibited(SERVER), connect_fails(ELSEWHERE, 80, "ENETUNREACH", icmp("3/0", ROUTER)),
            all_ports(ELSEWHERE, "ENETUNREACH", icmp("3/0", ROUTER)))),
    # nothing shared
    Shared("one target alone shares nothing", (f"{SERVER}:80",), (neighbour(GATEWAY, "FAILED"),)),
    Shared("two refused ports are two faults", (f"{SERVER}:80", f"{SERVER}:22"),
           (resets(SERVER, 80), resets(SERVER, 22))),
    Shared("two silent hosts may have two reasons", (f"{SERVER}:80", f"{SERVER_B}:80"), ()),
    Shared("a note explains nothing", (f"{NAME}:5432", f"{NAME}:22"),
           (looks_up(NAME, SERVER), resolv_conf(RESOLVER, "198.51.100.53"),
            says(RESOLVER, NAME, SERVER), opens(SERVER, 5432), opens(SERVER, 22))),
    Shared("all is well", (f"{SERVER}:80", f"{SERVER_B}:80"),
           (opens(SERVER, 80), opens(SERVER_B, 80))),
    Shared("nothing was checked", (), ()),
]  # fmt: skip


@pytest.mark.parametrize("row", WORLDS, ids=str)
def test_what_targets_share_is_said_once(row: Shared) -> None:
    world = World(*row.seen)
    reports = [found.report for found in together(row.targets, world)]
    roots = root_causes(reports)
    assert tuple((r.cause, r.subject, len(r.explains)) for r in roots) == row.roots
    assert all(root.title and "{" not in root.title for root in roots)


def test_the_title_of_a_root_is_true_of_all_its_targets() -> None:
    for story, title in (
        ("one router forbids both hosts",
         f"{ROUTER} forbids traffic to {SERVER}, {SERVER_B} by a rule"),
        ("silence at three sites behind one gateway",
         f"Nothing beyond {GATEWAY} answers: {SERVER}, {ELSEWHERE}"),
        ("three closed ports and no open one: the host",
         f"{SERVER} refuses every port that was asked for: 80, 22, 25"),
        ("both gateways are dead, and a name needs them both",
         f"The gateways {GATEWAY} and {GATEWAY6} do not answer"),
        ("two silent ports of one host", f"Nothing comes back from {SERVER}"),
        ("one family: names are degraded, literals fail",
         "IPv6 does not work from here; IPv4 works"),
        ("no default route", f"This machine has no route to {SERVER}, {SERVER_B}: "
         "the default route of IPv4 is missing"),
    ):  # fmt: skip
        row = next(s for s in WORLDS if s.story == story)
        reports = [found.report for found in together(row.targets, World(*row.seen))]
        assert [root.title for root in root_causes(reports)] == [title]


PLACES = ("192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::7", "")


def test_where_traces_end_at_one_router_that_router_is_named() -> None:
    """The last hop that answered is nearer to the fault than the gateway."""
    found = [f.report for f in together((f"{SERVER}:80", f"{ELSEWHERE}:80"), World())]

    def ending(*routers: str) -> list[tuple[str, str]]:
        reports = []
        for report, router in zip(found, routers, strict=True):
            first = report.findings[0]
            first = replace(first, way=replace(first.way, router=router))
            reports.append(replace(report, findings=(first,)))
        return [(root.cause, root.subject) for root in root_causes(reports)]

    assert ending(ROUTER, ROUTER) == [("path.silent", ROUTER)]
    assert ending("", "") == [("path.silent", GATEWAY)]
    assert ending(ROUTER, "192.0.2.200") == []
    assert ending(ROUTER, "") == []


findings = st.builds(
    Finding,
    cause=st.sampled_from(
        ("local.offline", "route.none", "route.gateway-silent", "route.neighbour-silent",
         "path.silent", "path.prohibited", "path.ipv6-broken", "dns.refused",
         "dns.resolver-silent", "dns.first-resolver-dead", "tcp.refused", "tcp.filtered",
         "tcp.some-addresses-fail", "tcp.rejected-by-firewall", "tls.expired")
    ),
    severity=st.sampled_from(Severity),
    confidence=st.just(0.9),
    subject=st.sampled_from(("a", "b", "c:1", "c:2", "c:3")),
    title=st.sampled_from(("title", "other title")),
    explanation=st.just("explanation"),
    root=st.sampled_from(("", "IPv6", *PLACES)),
    way=st.builds(Way, *[st.sampled_from(PLACES)] * 5),
)  # fmt: skip
rows = st.builds(
    ProbeRow,
    probe=st.sampled_from(("route", "tcp", "dns", "ping")),
    subject=st.sampled_from((*PLACES, "198.51.100.7:80", "[2001:db8::7]:80")),
    outcome=st.sampled_from(Outcome),
    error=st.sampled_from((None, "ECONNREFUSED", "TIMEOUT")),
    detail=st.dictionaries(
        st.sampled_from(("gateway", "icmp_from", "by")), st.sampled_from(PLACES), max_size=2
    ),
)
reports = st.builds(
    TargetReport,
    target=st.integers(0, 99).map(lambda n: Target(f"target {n}", Kind.TCP)),
    verdict=st.sampled_from(Verdict),
    findings=st.lists(findings, max_size=3).map(tuple),
    probes=st.lists(rows, max_size=3).map(tuple),
)
several = st.lists(reports, max_size=8, unique_by=lambda report: report.target.text)


@given(several)
def test_a_root_explains_several_targets_each_once(several: list[TargetReport]) -> None:
    roots = root_causes(several)
    explained = [text for root in roots for text in root.explains]
    assert len(set(explained)) == len(explained)
    assert [len(root.explains) for root in roots] == sorted(
        (len(root.explains) for root in roots), reverse=True
    )
    by_text = {report.target.text: report for report in several}
    for root in roots:
        assert len(root.explains) > 1
        assert root.title
        for text in root.explains:
            first = by_text[text].diagnosis
            assert first is not None
            assert first.severity is not Severity.NOTE
            assert by_text[text].verdict in (Verdict.FAILING, Verdict.DEGRADED)
        assert any(
            root.cause in {finding.cause for finding in by_text[text].findings}
            for text in root.explains
        ), "a cause that no target has"


@given(several, st.randoms(use_true_random=False))
def test_the_order_of_the_targets_does_not_matter(
    several: list[TargetReport], random: Random
) -> None:
    shuffled = random.sample(several, len(several))

    def told(reports: list[TargetReport]) -> set[tuple[str, str, frozenset[str]]]:
        return {(r.cause, r.subject, frozenset(r.explains)) for r in root_causes(reports)}

    assert told(several) == told(shuffled)


members = st.builds(Member, st.integers(0, 9).map(str), findings)


@given(st.lists(members, max_size=8), several)
def test_no_member_is_lost_on_the_way(several: list[Member], reports: list[TargetReport]) -> None:
    groups: shared.Groups = {}
    for member in several:
        groups.setdefault(member.key, []).append(member)
    groups = shared.both_gateways(groups)
    for step in (shared.each_host_of_a_living_network, shared.beyond_one_hop,
                 shared.by_one_resolver, shared.on_one_host):  # fmt: skip
        groups = step(groups, reports)
        together = [member for group in groups.values() for member in group]
        assert sorted(map(repr, together)) == sorted(map(repr, several))


def test_a_silent_gateway_that_is_a_target_stays_in_its_group() -> None:
    found = [f.report for f in together((f"{SERVER}:80", f"{ELSEWHERE}:80"), World())]
    first = found[0].findings[0]
    itself = replace(first, root=GATEWAY, way=Way(GATEWAY))
    gateway = replace(found[0], target=Target(GATEWAY, Kind.HOST), findings=(itself,), probes=())
    (root,) = root_causes([*found, gateway])
    assert root.explains == (f"{SERVER}:80", f"{ELSEWHERE}:80", GATEWAY)


@given(several)
def test_no_target_is_lost_from_the_report(several: list[TargetReport]) -> None:
    report = assemble(
        several, vantage=Vantage("web-03", "linux", False), taken_at=NOW, duration_ms=1.0
    )
    assert report.targets == tuple(several)
    failing = [r for r in several if r.verdict is Verdict.FAILING]
    assert (report.verdict is Verdict.FAILING) == bool(failing)


def test_two_hundred_targets_are_cheap() -> None:
    world = World(neighbour(GATEWAY, "FAILED"))
    one = examined(f"{SERVER}:80", world).report
    many = [replace(one, target=Target(f"target {n}", Kind.TCP)) for n in range(200)]
    started = time.thread_time()  # other programs may be busy
    (root,) = root_causes(many)
    assert len(root.explains) == 200
    assert time.thread_time() - started < 0.1
