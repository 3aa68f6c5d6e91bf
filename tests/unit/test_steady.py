"""What a pulse repeats of a whole check, and when it came to the same."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.asks import (
    Ask,
    ConnectAsk,
    DnsAsk,
    ExchangeAsk,
    HttpAsk,
    LocalAsk,
    PingAsk,
    RouteAsk,
    SystemLookupAsk,
    TlsAsk,
)
from netwhy.core.model import Finding, Severity, TargetReport, Verdict
from netwhy.core.observations import (
    CLOSED,
    TIMEOUT,
    Connect,
    DnsAnswer,
    Exchange,
    Flow,
    Gateway,
    HttpExchange,
    Icmp,
    Interface,
    LocalState,
    Observation,
    Ping,
    Route,
    Skipped,
    SystemLookup,
    TlsHandshake,
    Url,
)
from netwhy.core.record import same_news
from netwhy.core.target import parse
from netwhy.diagnosis.likeness import alike, unusual
from netwhy.diagnosis.steady import renewed, same_ground, steady

A, B = ip_address("192.0.2.7"), ip_address("2001:db8::7")
ROUTER = ip_address("192.0.2.1")
OPEN, REFUSED = Connect(A, 80, rtt_ms=2.0, ms=2.1), Connect(A, 80, error="ECONNREFUSED", ms=1.9)
SILENT = Connect(A, 80, error=TIMEOUT, ms=3600.0, resends=2)
URL = Url("http", "192.0.2.7", 80, "/")
HTTPS = Url("https", "www.example.com", 443, "/")
PAGE = HttpExchange(A, URL, status=200, first_byte_ms=3.0, ms=5.0, flow=Flow(rtt_ms=1.5))

Facts = dict[Ask[Any], Observation]


def told(text: str, verdict: Verdict, facts: Facts, *addresses: str, **more: Any) -> TargetReport:
    rows = tuple(seen.row() for seen in facts.values())
    at = addresses or (str(A),)
    return TargetReport(parse(text), verdict, at, probes=rows, **more)


def repeated(text: str, verdict: Verdict, facts: Facts, *addresses: str) -> list[Ask[Any]] | None:
    known = steady(told(text, verdict, facts, *addresses), facts)
    return None if known is None else [ask for ask, _was, _place in known.exchanges]


CONNECT = ConnectAsk(A, 80)
RESOLVED = SystemLookupAsk("www.example.com"), SystemLookup("www.example.com", (A, B))
TLS = TlsAsk(A, 443, "www.example.com")
SHAKEN = TlsHandshake(A, 443, "www.example.com", verified=True, ms=9.0)
UP, DOWN = Verdict.OK, Verdict.FAILING


@pytest.mark.parametrize(
    ("text", "verdict", "facts", "expected"),
    [
        ("192.0.2.7:80", UP, {CONNECT: OPEN}, [CONNECT]),
        ("192.0.2.7:80", DOWN, {CONNECT: REFUSED}, [CONNECT]),
        # Another port beside it, and a second try, are contrasts.
        ("192.0.2.7:80", DOWN, {ConnectAsk(A, 443): OPEN, CONNECT: REFUSED}, [CONNECT]),
        ("192.0.2.7:80", UP, {CONNECT: OPEN, ConnectAsk(A, 80, attempt=2): OPEN}, [CONNECT]),
        # What works by a second try alone is not shown to work by the first.
        ("192.0.2.7:80", UP, {CONNECT: SILENT, ConnectAsk(A, 80, attempt=2): OPEN}, None),
        # What fails though it was open fails for another reason.
        ("192.0.2.7:80", DOWN, {CONNECT: OPEN}, None),
        ("192.0.2.7:80", Verdict.UNKNOWN, {CONNECT: SILENT}, None),
        ("192.0.2.7:80", UP, {}, None),
        ("192.0.2.7:80", DOWN, {CONNECT: Skipped("tcp", "x", "no descriptors")}, None),
        # The last layer contains those below it.
        (
            "http://192.0.2.7/",
            UP,
            {CONNECT: OPEN, HttpAsk(A, URL): PAGE},
            [HttpAsk(A, URL)],
        ),
        (
            "http://192.0.2.7/",
            UP,
            {HttpAsk(A, URL): PAGE, HttpAsk(A, HTTPS): PAGE, HttpAsk(A, URL, segment=500): PAGE},
            [HttpAsk(A, URL), HttpAsk(A, HTTPS)],
        ),
        ("http://192.0.2.7/", DOWN, {CONNECT: REFUSED}, [CONNECT]),
        (
            "tcp://192.0.2.7:80?send=PING",
            UP,
            {CONNECT: OPEN, ExchangeAsk(A, 80, send="PING"): Exchange(A, 80, matched=True)},
            [ExchangeAsk(A, 80, send="PING")],
        ),
        # A host is repeated by what it answers; that it is silent decides nothing.
        ("192.0.2.7", UP, {PingAsk(A): Ping(A, 1.0)}, [PingAsk(A)]),
        ("192.0.2.7", UP, {PingAsk(A): Ping(A, error=TIMEOUT), CONNECT: REFUSED}, [CONNECT]),
        ("192.0.2.7", DOWN, {PingAsk(A): Ping(A, error=TIMEOUT), CONNECT: SILENT}, None),
        ("192.0.2.7", UP, {PingAsk(A): Ping(A, unavailable="no right")}, None),
        (
            "192.0.2.7",
            DOWN,
            {PingAsk(A): Ping(A, error="EHOSTUNREACH", icmp=Icmp(4, 3, 1, ROUTER))},
            [PingAsk(A)],
        ),
        (
            "dns://192.0.2.7/example.com",
            UP,
            {
                DnsAsk(A, "example.com", "A"): DnsAnswer(
                    A, 53, "example.com", "A", rcode="NOERROR"
                ),
                DnsAsk(A, "version.bind", "TXT", rrclass="CH"): OPEN,
            },
            [DnsAsk(A, "example.com", "A")],
        ),
        ("bind://192.0.2.7:80", UP, {CONNECT: OPEN}, None),
    ],
)
def test_what_decided_is_repeated(
    text: str, verdict: Verdict, facts: Facts, expected: list[Ask[Any]] | None
) -> None:
    assert repeated(text, verdict, facts) == expected


def test_each_address_by_the_last_layer_that_it_met() -> None:
    facts: Facts = {
        RESOLVED[0]: RESOLVED[1],
        ConnectAsk(A, 443): replace(OPEN, port=443),
        ConnectAsk(B, 443): Connect(B, 443, error="ECONNREFUSED"),
        TLS: SHAKEN,
        replace(TLS, trust=False): SHAKEN,
    }
    both = repeated("https://www.example.com/", Verdict.DEGRADED, facts, str(A), str(B))
    assert both == [TLS, ConnectAsk(B, 443)]


def test_a_name_is_looked_up_and_without_its_look_up_nothing_is_repeated() -> None:
    facts: Facts = {
        RESOLVED[0]: RESOLVED[1],
        CONNECT: OPEN,
        DnsAsk(ROUTER, "www.example.com", "A"): DnsAnswer(
            ROUTER, 53, "www.example.com", "A", "NOERROR", addresses=(A,), ttl=3
        ),
    }
    report = told("www.example.com:80", UP, facts)
    known = steady(report, facts)
    assert known is not None and known.lookup == RESOLVED and known.ttl_s == 3
    del facts[RESOLVED[0]]
    assert steady(report, facts) is None


def test_a_name_that_cannot_be_resolved_is_only_looked_up() -> None:
    gone = SystemLookup("www.example.com", (), "EAI_NONAME")
    facts: Facts = {RESOLVED[0]: gone}
    known = steady(TargetReport(parse("www.example.com:80"), DOWN), facts)
    assert known is not None and known.exchanges == () and known.lookup == (RESOLVED[0], gone)


def test_a_target_whose_fallback_counts_is_checked_wholly() -> None:
    facts: Facts = {CONNECT: REFUSED}
    report = told("192.0.2.7:80", DOWN, facts)
    options = replace(report.target.options, fallback="192.0.2.8:80")
    assert steady(replace(report, target=replace(report.target, options=options)), facts) is None


# ---------------------------------------------------------------------------------- the same


@pytest.mark.parametrize(
    ("was", "now", "same"),
    [
        (OPEN, replace(OPEN, ms=9.0, rtt_ms=8.0, source=(ROUTER, 4711)), True),
        (OPEN, replace(OPEN, greeting=b"220 it is another second"), True),
        (OPEN, REFUSED, False),
        (OPEN, SILENT, False),
        (OPEN, replace(OPEN, resends=1), False),
        (OPEN, replace(OPEN, ended=CLOSED, ended_ms=1.0), False),
        (OPEN, replace(OPEN, pending=True), False),
        (REFUSED, replace(REFUSED, ms=3.0), True),
        (REFUSED, replace(REFUSED, error="EHOSTUNREACH"), False),
        (REFUSED, replace(REFUSED, icmp=Icmp(4, 3, 3, ROUTER)), False),
        (
            replace(REFUSED, icmp=Icmp(4, 3, 13, ROUTER)),
            replace(REFUSED, icmp=Icmp(4, 3, 13, A)),
            False,
        ),
        (OPEN, Skipped("tcp", "192.0.2.7:80", "no free descriptor", "EMFILE"), False),
        (OPEN, Ping(A, 1.0), False),
        (Ping(A, 1.0), Ping(A, 5.0), True),
        (Ping(A, 1.0), Ping(A, error=TIMEOUT), False),
        (SystemLookup("a", (A, B)), SystemLookup("a", (B, A)), True),
        (SystemLookup("a", (A, B)), SystemLookup("a", (A,)), False),
        (SystemLookup("a", (A,)), SystemLookup("a", (), "EAI_AGAIN"), False),
        (PAGE, replace(PAGE, date="2026-01-01T00:00:00Z"), False),
        (
            replace(PAGE, date="2026-01-01T00:00:00Z", says="12:00:01"),
            replace(PAGE, date="2026-01-01T00:00:01Z", says="12:00:02"),
            True,
        ),
        (PAGE, replace(PAGE, status=503), False),
        (PAGE, replace(PAGE, whole=False), False),
        (PAGE, replace(PAGE, error=TIMEOUT, phase="answer"), False),
        (PAGE, replace(PAGE, flow=Flow(silent_ms=1500.0)), False),
        (
            replace(PAGE, status=302, next=replace(URL, path="/login?state=1")),
            replace(PAGE, status=302, next=replace(URL, path="/login?state=2")),
            True,
        ),
        (
            replace(PAGE, status=302, next=replace(URL, path="/login")),
            replace(PAGE, status=302, next=replace(URL, path="/down")),
            False,
        ),
        (SHAKEN, replace(SHAKEN, ms=20.0, clock="2026-01-01T00:00:01Z"), True),
        (SHAKEN, replace(SHAKEN, error="CERTIFICATE_VERIFY_FAILED", verify="expired"), False),
        (SHAKEN, replace(SHAKEN, version="TLSv1.2"), False),
        (Exchange(A, 80, matched=True), Exchange(A, 80, error=CLOSED, phase="receive"), False),
    ],
)
def test_whether_the_same_happened(was: Observation, now: Observation, same: bool) -> None:
    assert alike(was, was)
    assert alike(was, now) is same
    assert alike(now, was) is same


@pytest.mark.parametrize(
    ("was", "now", "warned", "far"),
    [
        (OPEN, replace(OPEN, rtt_ms=40.0), False, False),
        (OPEN, replace(OPEN, rtt_ms=60.0), False, True),
        (replace(OPEN, rtt_ms=300.0), replace(OPEN, rtt_ms=700.0), False, False),
        (replace(OPEN, rtt_ms=300.0), replace(OPEN, rtt_ms=20.0), False, False),
        (replace(OPEN, rtt_ms=300.0), replace(OPEN, rtt_ms=20.0), True, True),
        (replace(OPEN, rtt_ms=None), replace(OPEN, rtt_ms=500.0), True, False),
        (PAGE, replace(PAGE, first_byte_ms=150.0), False, False),
        (PAGE, replace(PAGE, first_byte_ms=250.0), False, True),
        (PAGE, replace(PAGE, flow=Flow(rtt_ms=90.0)), False, True),
    ],
)
def test_whether_it_took_far_longer(
    was: Observation, now: Observation, warned: bool, far: bool
) -> None:
    assert unusual(was, now, warned=warned) is far


_ERRORS = st.sampled_from((None, "ECONNREFUSED", TIMEOUT, "EHOSTUNREACH", "ECONNRESET", "EMFILE"))
_CONNECTS = st.builds(
    Connect,
    st.just(A),
    st.just(80),
    error=_ERRORS,
    ms=st.floats(0, 4000),
    rtt_ms=st.none() | st.floats(0, 4000),
    resends=st.integers(0, 2),
    pending=st.booleans(),
    ended=st.sampled_from((None, CLOSED, "ECONNRESET")),
    icmp=st.none() | st.just(Icmp(4, 3, 1, ROUTER)),
    self_connected=st.booleans(),
)


@given(was=_CONNECTS, now=_CONNECTS, verdict=st.sampled_from(Verdict))
def test_no_pulse_tells_that_it_works_when_the_connect_failed(
    was: Connect, now: Connect, verdict: Verdict
) -> None:
    """Whatever the check before believed, and however it came to believe it."""
    facts: Facts = {CONNECT: was}
    known = steady(told("192.0.2.7:80", verdict, facts), facts)
    if known is None or not alike(was, now):
        return
    report = renewed(known, (now,))
    assert now.open is (report.verdict in (Verdict.OK, Verdict.DEGRADED))
    (row,) = report.probes
    if now.open:
        assert row == now.row() and report.rtt_ms == (now.rtt_ms or now.ms)
    else:
        assert report is known.report, "a failure keeps its words and its numbers"


# -------------------------------------------------------------------------- this machine, and news

LINK = Interface("eth0", 2, True, True, False)
HERE = LocalState("web", "linux", False, (LINK,), (Gateway(ROUTER, "eth0", 4),), files_open=9)
WAY = Route(A, interface="eth0", gateway=ROUTER)
GROUND: Facts = {LocalAsk(): HERE, RouteAsk(A): WAY}


@pytest.mark.parametrize(
    ("now", "works", "fails"),
    [
        (replace(HERE, files_open=400), True, True),
        (replace(HERE, interfaces=(LINK, Interface("veth7", 9, True, True, False))), True, False),
        (replace(HERE, interfaces=(replace(LINK, carrier=False),)), False, False),
        (replace(HERE, gateways=()), False, False),
        (replace(HERE, ipv6_disabled=True), False, False),
        (replace(HERE, proxies=(("http_proxy", "http://192.0.2.9:3128"),)), False, False),
        (Skipped("local", "LocalAsk()", "netwhy itself failed"), False, False),
        (None, False, False),
    ],
)
def test_what_of_this_machine_concerns_a_target(
    now: Observation | None, works: bool, fails: bool
) -> None:
    for verdict, seen, same in ((UP, OPEN, works), (DOWN, REFUSED, fails)):
        facts = {**GROUND, CONNECT: seen}
        known = steady(told("192.0.2.7:80", verdict, facts), facts)
        assert known is not None and dict(known.ground) == GROUND
        assert same_ground(HERE, now, known) is same
        assert not same_ground(WAY, replace(WAY, gateway=None), known)


def test_only_another_gist_is_news() -> None:
    finding = Finding("tcp.refused", Severity.FAILURE, 0.95, "a", "a refused", "…", ("in 1 ms",))
    report = told("192.0.2.7:80", DOWN, {CONNECT: REFUSED}, findings=(finding,))
    again = replace(report, findings=(replace(finding, evidence=("in 2 ms",)),), duration_ms=7.0)
    assert same_news(report, report) and same_news(report, again)
    assert not same_news(None, report)
    assert not same_news(report, replace(report, verdict=UP))
    assert not same_news(report, replace(report, findings=(replace(finding, root="b"),)))
    assert not same_news(report, replace(again, probes=(OPEN.row(),)))
