"""What is not known yet: it is asked for, nothing is claimed early, and time may run out."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.unit import (
    test_diagnosis_addresses,
    test_diagnosis_bind,
    test_diagnosis_bind_served,
    test_diagnosis_bind_systems,
    test_diagnosis_dns,
    test_diagnosis_families,
    test_diagnosis_local,
    test_diagnosis_names,
    test_diagnosis_path,
    test_diagnosis_quality,
    test_diagnosis_refusals,
    test_diagnosis_segments,
    test_diagnosis_service,
    test_diagnosis_tls,
)
from tests.unit.facts import (
    GATEWAY,
    HERE,
    HIGH_UDP_PORT,
    NAME,
    OTHER_PORTS,
    PRINTER,
    RESOLVER,
    ROUTER,
    SERVER,
    AskOf,
    Row,
    Told,
    World,
    answer,
    connect_fails,
    examined,
    icmp,
    ip,
    look_up_fails,
    looks_up,
    neighbour,
    ping_fails,
    resets,
    says,
    silent,
    target_of,
    udp_fails,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import DnsAnswer, Observation
from netwhy.diagnosis.examine import examine

EVERY_ROW: list[Row] = [
    row
    for module in (
        test_diagnosis_refusals,
        test_diagnosis_path,
        test_diagnosis_local,
        test_diagnosis_dns,
        test_diagnosis_names,
        test_diagnosis_bind,
        test_diagnosis_bind_served,
        test_diagnosis_bind_systems,
        test_diagnosis_addresses,
        test_diagnosis_families,
        test_diagnosis_tls,
        test_diagnosis_segments,
        test_diagnosis_service,
        test_diagnosis_quality,
    )
    for row in module.ROWS
]

THERE = ip(SERVER)
PROHIBITED = icmp("3/13", ROUTER)
CONTRAST = (asks.PingAsk(THERE), *(asks.ConnectAsk(THERE, port, 2.2) for port in OTHER_PORTS))
REFUSED_QUERY = says(RESOLVER, NAME, error="EHOSTUNREACH")


@dataclass(frozen=True)
class Open:
    """Facts of the `withheld` kinds never come: these asks stay open, and nothing is claimed.

    `reason` is part of what is said when time is up.
    """

    story: str
    target: str
    seen: tuple[Told, ...]
    withheld: tuple[type[AskOf], ...]
    asks: tuple[AskOf, ...]
    reason: str

    def __str__(self) -> str:
        return self.story


OPEN = [
    Open("nothing is known at all", f"{SERVER}:5432", (), (asks.Ask,),
         (asks.ConnectAsk(THERE, 5432), asks.LocalAsk(), asks.RouteAsk(THERE)), "tcp"),
    Open("the connect is still under way", f"{SERVER}:5432", (), (asks.ConnectAsk,),
         (asks.ConnectAsk(THERE, 5432),), "tcp"),
    Open("the route is not known", f"{SERVER}:5432", (), (asks.RouteAsk,),
         (asks.RouteAsk(THERE),), "route"),
    Open("this machine is not known", f"{SERVER}:5432", (resets(SERVER, 5432),), (asks.LocalAsk,),
         (asks.LocalAsk(),), "local"),
    Open("a datagram is still under way", f"udp://{SERVER}:9999", (), (asks.UdpAsk,),
         (asks.UdpAsk(THERE, 9999),), "udp"),
    Open("a ping is still under way", f"icmp://{SERVER}", (), (asks.PingAsk,),
         (asks.PingAsk(THERE),), "ping"),
    Open("nothing is known of the name", f"{NAME}:5432", (), (asks.Ask,),
         (asks.SystemLookupAsk(NAME), asks.ResolverConfigAsk(), asks.HostsAsk(NAME)), "dns"),
    Open("a server is still to be heard", f"dns://{RESOLVER}/{NAME}", (), (asks.DnsAsk,),
         (asks.DnsAsk(ip(RESOLVER), NAME, "A"),), "dns"),
    Open("nothing is known of this machine", "this machine", (), (asks.Ask,),
         (asks.LocalAsk(), asks.ResolverConfigAsk()), "local"),
    Open("the table of sockets is not known", "bind 8080", (), (asks.PortTableAsk,),
         (asks.PortTableAsk(8080, "tcp"),), "local"),
    Open("the bind was not tried", "bind 8080", (), (asks.BindAsk,),
         (asks.BindAsk(ip("0.0.0.0"), 8080),), "bind"),
]  # fmt: skip

#: The question is clear, the contrast is not seen: nothing may be said before it is.
CONTRASTS = [
    Open("the system's look-up failed, the resolver is still to be heard", f"{NAME}:5432",
         (look_up_fails(NAME, "EAI_AGAIN"),), (asks.DnsAsk,),
         (asks.DnsAsk(ip(RESOLVER), NAME, "A"), asks.DnsAsk(ip(RESOLVER), NAME, "AAAA")), ""),
    Open("a silent port: the early word", f"{SERVER}:5432",
         (silent(SERVER, 5432, error=None, pending=True),), (asks.PingAsk,),
         (*CONTRAST, asks.UdpAsk(THERE, HIGH_UDP_PORT, 1.2), asks.LocalDropsAsk(THERE, 5432)), ""),
    Open("a silent port: ping is open", f"{SERVER}:5432", (silent(SERVER, 5432),),
         (asks.PingAsk,), CONTRAST, ""),
    Open("a silent port: the counters are open", f"{SERVER}:5432", (silent(SERVER, 5432),),
         (asks.LocalDropsAsk,), (asks.LocalDropsAsk(THERE, 5432),), ""),
    Open("a silent port: the neighbour is open", f"{SERVER}:5432", (silent(SERVER, 5432),),
         (asks.NeighbourAsk,), (asks.NeighbourAsk(ip(GATEWAY), "eth0"),), ""),
    Open("a router's refusal: how much is refused", f"{SERVER}:5432",
         (connect_fails(SERVER, 5432, "EHOSTUNREACH", PROHIBITED),), (asks.PingAsk,), CONTRAST,
         ""),
    Open("a refused datagram: how much is refused", f"udp://{SERVER}:9999",
         (udp_fails(SERVER, 9999, "EHOSTUNREACH", PROHIBITED),), (asks.ConnectAsk,),
         CONTRAST, ""),
    Open("a refused ping: how much is refused", f"icmp://{SERVER}",
         (ping_fails(SERVER, "EHOSTUNREACH", PROHIBITED),), (asks.ConnectAsk,), CONTRAST, ""),
    Open("a silent ping", f"icmp://{SERVER}", (), (asks.ConnectAsk,), CONTRAST, ""),
    Open("EHOSTUNREACH: is the neighbour gone", f"{PRINTER}:5432",
         (connect_fails(PRINTER, 5432, "EHOSTUNREACH"),), (asks.NeighbourAsk,),
         (asks.NeighbourAsk(ip(PRINTER), "eth0"),), ""),
    Open("our own host unreachable: is the gateway gone", f"{SERVER}:5432",
         (connect_fails(SERVER, 5432, "EHOSTUNREACH", icmp("3/1", HERE)),), (asks.NeighbourAsk,),
         (asks.NeighbourAsk(ip(GATEWAY), "eth0"),), ""),
    Open("EADDRNOTAVAIL: are the ports used up", f"{SERVER}:5432",
         (connect_fails(SERVER, 5432, "EADDRNOTAVAIL"),), (asks.PortUseAsk,),
         (asks.PortUseAsk(THERE, 5432),), ""),
    Open("EAGAIN of a datagram: are the ports used up", f"udp://{SERVER}:9999",
         (udp_fails(SERVER, 9999, "EAGAIN"),), (asks.PortUseAsk,),
         (asks.PortUseAsk(THERE, 9999, "udp"),), ""),
    Open("an own port resets: who listens", f"{HERE}:5432", (resets(HERE, 5432),),
         (asks.PortTableAsk,), (asks.PortTableAsk(5432, "tcp"),), ""),
    Open("an own port is silent: who listens", f"{HERE}:5432", (silent(HERE, 5432),),
         (asks.PortTableAsk,), (asks.PortTableAsk(5432, "tcp"),), ""),
    Open("an own UDP port refuses: who has it", "udp://127.0.0.1:9999",
         (udp_fails("127.0.0.1", 9999, "ECONNREFUSED", icmp("3/3", "127.0.0.1")),),
         (asks.PortTableAsk,), (asks.PortTableAsk(9999, "udp"),), ""),
    Open("silence of a datagram: is the gateway gone", f"udp://{SERVER}:9999", (),
         (asks.NeighbourAsk,), (asks.NeighbourAsk(ip(GATEWAY), "eth0"),), ""),
    Open("a failed query: is the resolver gone", f"{NAME}:5432",
         (look_up_fails(NAME, "EAI_AGAIN"), REFUSED_QUERY), (asks.NeighbourAsk,),
         (asks.NeighbourAsk(ip(RESOLVER), "eth0"),), ""),
]  # fmt: skip


@pytest.mark.parametrize("case", [*OPEN, *CONTRASTS], ids=str)
def test_what_is_missing_is_asked_for_and_nothing_is_claimed(case: Open) -> None:
    found = examined(case.target, World(*case.seen, withheld=case.withheld))
    assert set(case.asks) <= set(found.asked)
    assert any(isinstance(ask, case.withheld) for ask in found.open)
    assert found.before.findings == ()
    assert found.before.verdict is Verdict.UNKNOWN
    assert not found.before.complete


@pytest.mark.parametrize(
    ("said", "second"),
    [
        (
            answer(RESOLVER, NAME, "A", rcode="SERVFAIL"),
            asks.DnsAsk(ip(RESOLVER), NAME, "A", checking_disabled=True),
        ),
        (answer(RESOLVER, NAME, "A"), asks.DnsAsk(ip(RESOLVER), NAME, "MX")),
        (
            answer(RESOLVER, NAME, "A", error="TIMEOUT"),
            asks.DnsAsk(ip(RESOLVER), "version.bind", "TXT", rrclass="CH", within_s=2.8),
        ),
    ],
    ids=["SERVFAIL: and unchecked", "NODATA: what else is there", "silent: does it live"],
)
def test_a_second_question_is_waited_for(said: DnsAnswer, second: AskOf) -> None:
    target = target_of(f"dns://{RESOLVER}/{NAME}")
    world = World(said)
    facts: dict[AskOf, Observation] = {asks.DnsAsk(ip(RESOLVER), NAME, "A"): said}
    for ask in examine(target, facts).wants:
        if not isinstance(ask, asks.DnsAsk) and (seen := world.answer(ask)) is not None:
            facts[ask] = seen
    found = examine(target, facts)
    assert second in found.wants
    assert found.report.findings == ()
    assert not found.report.complete


def test_a_resolver_that_was_never_asked_is_not_called_silent() -> None:
    """No DNS probe could run: the system's own error is all that is known."""
    world = World(look_up_fails(NAME, "EAI_AGAIN"), skipped=(asks.DnsAsk,))
    report = examined(f"{NAME}:5432", world).report
    told = [line for finding in report.findings for line in finding.evidence]
    assert not [line for line in told if "answers neither" in line or "gave no answer" in line]
    assert [f.cause for f in report.findings] != ["dns.resolver-silent"]


@pytest.mark.parametrize("case", OPEN, ids=str)
def test_when_time_is_up_the_open_question_is_the_reason(case: Open) -> None:
    report = examined(case.target, World(*case.seen, withheld=case.withheld)).report
    assert report.verdict is Verdict.UNKNOWN
    assert report.findings == ()
    assert case.reason in (report.reason or ""), report.reason
    assert report.reason


@pytest.mark.parametrize("case", [*OPEN, *CONTRASTS], ids=str)
def test_a_probe_that_could_not_run_is_no_fact(case: Open) -> None:
    """Skipped probes end the waiting; the verdict is unknown with a reason, or rests on others."""
    found = examined(case.target, World(*case.seen, skipped=case.withheld or (asks.DnsAsk,)))
    assert found.open == ()
    if found.report.verdict is Verdict.UNKNOWN:
        assert found.report.reason
    else:
        assert found.first is not None


# ------------------------------------------------------------------------ answers come in any order


def _one_by_one(row: Row, *, newest_first: bool) -> list[str]:
    """What was claimed on the way while something wanted was still open, and differs at the end."""
    target, world = target_of(row.target), row.world
    facts: dict[AskOf, Observation] = {}
    early: list[tuple[str, str | None]] = []
    for _step in range(200):
        found = examine(target, facts)
        missing = [ask for ask in found.wants if ask not in facts]
        if missing and found.report.complete and found.report.verdict is not Verdict.UNKNOWN:
            first = found.report.diagnosis
            early.append((str(missing[0]), first.cause if first else None))
        ready = [
            (ask, seen)
            for ask in (*found.wants, *found.hopes)
            if ask not in facts and (seen := world.answer(ask)) is not None
        ]
        if not ready:
            break
        ask, seen = ready[-1] if newest_first else ready[0]
        facts[ask] = seen
    last = examine(target, facts, final=True).report.diagnosis
    cause = last.cause if last else None
    return [f"{said} while open: {ask}" for ask, said in early if said != cause]


@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("row", EVERY_ROW, ids=str)
def test_an_early_claim_is_the_last_word(row: Row, newest_first: bool) -> None:
    """A dashboard shows each report: one that is taken back was a guess."""
    assert _one_by_one(row, newest_first=newest_first) == []


def test_hopes_are_not_waited_for() -> None:
    """A working port is a verdict, whether the ping was answered or not."""
    world = World(withheld=(asks.PingAsk,))
    target = f"{SERVER}:22"
    found = examined(
        target, World(connect_fails(SERVER, 22, "ECONNREFUSED"), withheld=(asks.PingAsk,))
    )
    assert found.open == ()
    assert found.before.verdict is Verdict.FAILING
    assert examined(target, world).open  # silence does need it


def test_the_resolvers_are_a_hope_while_the_system_may_still_know() -> None:
    world = World(looks_up(NAME, HERE), neighbour(GATEWAY, "REACHABLE"), withheld=(asks.DnsAsk,))
    assert not [ask for ask in examined(f"{NAME}:80", world).open if isinstance(ask, asks.DnsAsk)]
