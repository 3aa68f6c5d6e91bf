"""What several targets share is said once, and only that."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.facts import (
    GATEWAY,
    GATEWAY6,
    NAME,
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
    resets,
    resolv_conf,
    says,
    silent,
    udp_fails,
)

from netwhy.core.model import Finding, Kind, Severity, Target, TargetReport, Verdict
from netwhy.diagnosis.rollup import root_causes

PROHIBITED = icmp("3/13", ROUTER)
OFFLINE = machine(interface("eth0", "192.0.2.10/24", up=False), gateways=())
OTHER = "web.example.com"


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
           (look_up_fails(NAME, "EAI_AGAIN"), look_up_fails(OTHER, "EAI_AGAIN")),
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


@pytest.mark.parametrize("shared", WORLDS, ids=str)
def test_what_targets_share_is_said_once(shared: Shared) -> None:
    world = World(*shared.seen)
    reports = [examined(target, world).report for target in shared.targets]
    roots = root_causes(reports)
    assert tuple((r.cause, r.subject, len(r.explains)) for r in roots) == shared.roots
    told = {r.diagnosis.title for r in reports if r.diagnosis}
    assert all(root.title in told for root in roots)


findings = st.builds(
    Finding,
    cause=st.sampled_from(("local.offline", "route.none", "dns.refused", "tcp.refused")),
    severity=st.sampled_from(Severity),
    confidence=st.just(0.9),
    subject=st.sampled_from(("a", "b")),
    title=st.just("title"),
    explanation=st.just("explanation"),
    root=st.sampled_from(("", "x", "y")),
)
reports = st.builds(
    TargetReport,
    target=st.integers().map(lambda n: Target(f"target {n}", Kind.TCP)),
    verdict=st.sampled_from(Verdict),
    findings=st.lists(findings, max_size=2).map(tuple),
)


@given(st.lists(reports, max_size=8, unique_by=lambda report: report.target.text))
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
        for text in root.explains:
            first = by_text[text].diagnosis
            assert first is not None
            assert first.cause == root.cause
            assert first.severity is not Severity.NOTE
            assert by_text[text].verdict in (Verdict.FAILING, Verdict.DEGRADED)
