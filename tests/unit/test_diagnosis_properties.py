"""Whatever is seen, in whatever order, and however much of it is missing."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.facts import (
    CLOCK,
    ETH0,
    FAR_RESOLVER,
    GATEWAY,
    GATEWAY6,
    HEALTHY,
    HERE,
    HERE6,
    NAME,
    PRINTER,
    RESOLVER,
    ROUTER,
    ROUTER6,
    SERVER,
    SERVER6,
    AskOf,
    Owner,
    cert,
    interface,
    ip,
    machine,
    reset_origin,
    series,
    socket,
    target_of,
    url,
)
from tests.unit.test_diagnosis_words import unsaid

from netwhy.core import asks
from netwhy.core.model import Severity, TargetReport, Verdict
from netwhy.core.observations import (
    TIMEOUT,
    BindTry,
    ConfiguredResolver,
    Connect,
    DnsAnswer,
    Exchange,
    Hop,
    HostsEntry,
    HttpExchange,
    Icmp,
    LocalDrops,
    Neighbour,
    Observation,
    Ping,
    PortTable,
    PortUse,
    ResolverConfig,
    Route,
    Skipped,
    Sniff,
    Stray,
    SystemLookup,
    TlsHandshake,
    Trace,
    UdpExchange,
)
from netwhy.diagnosis.examine import examine

TARGETS = (
    f"{SERVER}:5432",
    f"[{SERVER6}]:443",
    f"{HERE}:22",
    "127.0.0.1:80",
    "localhost:80",
    f"{PRINTER}:9100",
    f"udp://{SERVER}:53",
    f"udp://[{SERVER6}]:9999",
    "udp://127.0.0.1:123",
    SERVER,
    f"icmp://{SERVER6}",
    f"{NAME}:5432",
    f"tcp://{NAME}:5432?family=6&expect=PONG",
    "db",
    f"https://{NAME}/",
    f"http://{SERVER}/",
    f"tls://{NAME}?send=PING&expect=PONG",
    f"udp://{SERVER}:9999?expect=PONG",
    f"dns://{RESOLVER}/www.example.com?type=MX",
    f"dns://[{SERVER6}]:5353",
    f"dns://{NAME}/example.com",
    "bind 8080",
    f"bind [{HERE6}]:80",
    "bind+udp://127.0.0.1:5353",
    f"bind {SERVER}:8080",
    "this machine",
    f"{SERVER}:0",
    "fe80::1",
)
ERRORS = (
    *("ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", TIMEOUT, "EPERM"),
    *("EACCES", "EINVAL", "EADDRNOTAVAIL", "EADDRINUSE", "EMFILE", "ENFILE", "EAGAIN", "ENETDOWN"),
    *("EAFNOSUPPORT", "ENOPROTOOPT", "EPIPE", "errno 999"),
)
SENDERS = (None, HERE, HERE6, GATEWAY, GATEWAY6, ROUTER, ROUTER6, SERVER, SERVER6, RESOLVER)
#: (IP version, type, code), some of which no kernel reports.
KINDS = (
    *((4, 3, code) for code in range(16)),
    *((6, 1, code) for code in range(8)),
    *((4, 11, 0), (4, 5, 1), (4, 12, 0), (6, 2, 0), (6, 3, 0), (6, 4, 1)),
)
RCODES = ("NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR")
STATES = ("REACHABLE", "STALE", "DELAY", "PROBE", "INCOMPLETE", "FAILED", "PERMANENT", "NOARP",
          "NONE")  # fmt: skip
MACHINES = (
    HEALTHY,
    machine(gateways=()),
    machine(gateways=HEALTHY.gateways[:1], ipv6_disabled=True, ephemeral_range=None),
    machine(interface("eth0", f"{HERE}/24", up=False), gateways=()),
    machine(interface("eth0", f"{HERE}/24", carrier=False), interface("eth1", "203.0.113.9/24")),
    machine(interfaces=()),
    machine(interfaces=(interface("lo", "127.0.0.1/8", up=False), ETH0), platform="windows"),
    machine(proxies=(("http_proxy", "http://proxy.example.com"),), platform="macos", hostname=""),
    machine(interface("eth0", f"{HERE6}/64 tentative", "169.254.1.1/16"), files_limit=None),
)
CONFIGS = (
    ((RESOLVER,), "ok", "files dns"),
    ((RESOLVER, FAR_RESOLVER, SERVER6), "ok", ""),
    ((), "empty", "files"),
    ((), "missing", "files mdns4 dns"),
    (("127.0.0.53",), "ok", "files myhostname"),
)

error = st.sampled_from(ERRORS)
flag = st.booleans()
milliseconds = st.sampled_from((None, 0.02, 3.0, 950.0, 5003.0))
some = st.integers(0, 9)


@st.composite
def icmps(draw: st.DrawFn) -> Icmp | None:
    if draw(flag):
        return None
    version, type_, code = draw(st.sampled_from(KINDS))
    sender = draw(st.sampled_from(SENDERS))
    own = sender in (HERE, HERE6)
    return Icmp(version, type_, code, None if sender is None else ip(sender), own)


@cache
def _sockets(port: int) -> tuple[Any, ...]:
    mine = Owner(1, "systemd", "root", unit="web.socket", container="abc (docker)")
    hidden = Owner(uid=5, hidden="more with sudo")
    return tuple(
        socket(address, port, state, v6only=v6only, owners=owners, expires_ms=expires,
               receive_queue=queue, send_queue=5,
               remote=None if state in ("LISTEN", "BOUND", "UNCONN") else (ip(SERVER), 443))
        for address, v6only in (("0.0.0.0", None), ("::", True), ("::", None), (HERE, None),
                                ("::ffff:127.0.0.1", False), ("127.0.0.1", None))
        for state in ("LISTEN", "BOUND", "ESTAB", "TIME_WAIT", "UNCONN")
        for owners, expires, queue in (((mine,), 900, 0), ((hidden,), None, 6), ((), None, 0))
    )  # fmt: skip


def _addresses(draw: st.DrawFn) -> tuple[Any, ...]:
    every = [ip(a) for a in (SERVER, SERVER6, PRINTER, HERE, "127.0.0.1", "::1", "0.0.0.0")]
    return tuple(draw(st.lists(st.sampled_from(every), max_size=3, unique=True)))


@st.composite
def observations(draw: st.DrawFn, ask: AskOf) -> Observation:
    """Anything that the probe of an ask could bring, and some things that it could not."""
    failed = draw(error) if draw(flag) else None
    match ask:
        case asks.LocalAsk():
            return draw(st.sampled_from(MACHINES))
        case asks.RouteAsk():
            refused = failed if draw(st.integers(0, 3)) == 0 else None
            device = draw(st.sampled_from(("eth0", "eth1", "lo", "gone", None)))
            gateway = draw(st.sampled_from((None, GATEWAY, GATEWAY6)))
            hop = None if gateway is None else ip(gateway)
            kind = draw(st.sampled_from(("", "", "local", "broadcast", "multicast")))
            return Route(
                ask.address, refused, device, hop, ip(HERE), **({kind: True} if kind else {})
            )
        case asks.NeighbourAsk():
            age = draw(st.sampled_from((None, 0.1, 40.0)))
            return Neighbour(ask.address, ask.interface, draw(st.sampled_from(STATES)), age)
        case asks.PingAsk():
            why = "not permitted" if draw(st.integers(0, 4)) == 0 else None
            return Ping(
                ask.address, draw(milliseconds), failed, draw(icmps()) if failed else None, why
            )
        case asks.ConnectAsk():
            return Connect(
                ask.address, ask.port, failed, draw(milliseconds), draw(milliseconds),
                draw(icmps()) if failed else None, None, draw(some),
                draw(st.sampled_from((None, True, False))), draw(flag), draw(flag), draw(flag),
            )  # fmt: skip
        case asks.UdpAsk():
            replied = failed is None
            return UdpExchange(ask.address, ask.port, "a datagram", replied, failed,
                               draw(icmps()), draw(milliseconds), draw(flag))  # fmt: skip
        case asks.TraceAsk():
            hops = [
                Hop(ttl, None if seen is None else seen.sender, draw(milliseconds), seen)
                for ttl, seen in enumerate(draw(st.lists(icmps(), max_size=9)), start=1)
            ]
            reached = draw(st.sampled_from((None, None, 1, len(hops) + 1)))
            return Trace(ask.address, ask.port, ask.transport, tuple(hops), reached, failed,
                         draw(milliseconds), draw(flag))  # fmt: skip
        case asks.DnsAsk():
            return _dns_answer(draw, ask, failed)
        case asks.TlsAsk() | asks.SniffAsk() | asks.HttpAsk() | asks.ExchangeAsk():
            return _above_the_port(draw, ask, failed)
        case asks.SeriesAsk():
            gone = draw(st.lists(st.integers(0, 29), max_size=12))
            times = draw(st.lists(milliseconds, min_size=1, max_size=4))
            seen = series(str(ask.address), ask.port, spread=ask.spread, lost=gone, rtts_ms=times)
            return replace(seen, pending=draw(flag), error=failed)
        case asks.StrayAsk():
            port = draw(st.sampled_from((61_234, 62_345)))
            return Stray(ask.address, port, failed, draw(milliseconds), draw(some), ask.ttl,
                         draw(icmps()) if failed else None)  # fmt: skip
        case asks.SystemLookupAsk():
            bad = draw(st.sampled_from((None, "EAI_AGAIN", "EAI_NONAME", TIMEOUT, "errno 999")))
            found = () if bad else _addresses(draw)
            return SystemLookup(ask.name, found, bad, draw(milliseconds))
        case _:
            return _local_observation(draw, ask, failed)


def _dns_answer(draw: st.DrawFn, ask: asks.DnsAsk, failed: str | None) -> DnsAnswer:
    seen: dict[str, Any] = {"error": failed, "icmp": draw(icmps()), "pending": draw(flag)}
    if failed is None:
        found = _addresses(draw)
        seen = {
            "rcode": draw(
                st.sampled_from(("NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR"))
            ),
            "addresses": found,
            "records": len(found),
            "recursion_available": draw(flag),
            "authoritative": draw(flag),
            "truncated": draw(flag),
            "soa": draw(st.sampled_from((None, ("example.com", 0), (".", 300)))),
            "ede": draw(
                st.sampled_from(((), ((6, ""),), ((999, "odd"), (22, "no")))),
            ),
        }
    return DnsAnswer(ask.server, ask.port, ask.name, ask.rrtype, ask.transport,
                     ask.checking_disabled, ms=draw(milliseconds), **seen)  # fmt: skip


HEADS = (b"", b"\x16\x03\x03", b"\x15\x03\x03", b"SSH-2.0-x\r\n", b"\x1b[2J\xff", b"HTTP/1.1 400 ")
TLS_ERRORS = (
    *("CERTIFICATE_VERIFY_FAILED", "handshake_failure", "protocol_version", "certificate_required"),
    *("unrecognized_name", "internal_error", "WRONG_VERSION_NUMBER", "alert 250", "CLOSED"),
)
VERIFY = (None, "CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "HOSTNAME_MISMATCH", "INVALID_CA",
          "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "SELF_SIGNED_CERT_IN_CHAIN", "verify code 999",
          "DEPTH_ZERO_SELF_SIGNED_CERT")  # fmt: skip
CERTIFICATES = (
    cert(),
    cert(not_after="2026-03-02T00:00:00Z", issuer_url="http://ca.example.com/ca.crt"),
    cert(not_before="2027-01-01T00:00:00Z", names=()),
    cert(subject="Example Issuing CA 1", issuer="Example Issuing CA 1", self_signed=True),
    cert(unreadable="ValueError"),
)
WAYS = (None, None, "http://www.example.com/", "https://198.51.100.8:8443/x", f"https://{NAME}/")


def _above_the_port(draw: st.DrawFn, ask: AskOf, failed: str | None) -> Observation:
    head = draw(st.sampled_from(HEADS))
    match ask:
        case asks.TlsAsk():
            problem = draw(st.sampled_from(TLS_ERRORS)) if failed is None and draw(flag) else failed
            chain = tuple(draw(st.lists(st.sampled_from(CERTIFICATES), max_size=3)))
            return TlsHandshake(
                ask.address, ask.port, ask.name, ask.offer, problem is None and ask.trust, problem,
                draw(st.sampled_from(("connect", "handshake", "answer"))) if problem else "done",
                draw(st.sampled_from(VERIFY)), draw(st.sampled_from((None, "TLSv1", "TLSv1.2"))),
                draw(st.sampled_from((None, "AES128-SHA"))), chain, head, draw(some), draw(flag),
                draw(flag), CLOCK, draw(flag), pending=problem is not None and draw(flag),
            )  # fmt: skip
        case asks.SniffAsk():
            return Sniff(ask.address, ask.port, head, draw(flag), failed, draw(milliseconds))
        case asks.HttpAsk():
            way = draw(st.sampled_from(WAYS))
            status = draw(st.sampled_from((200, 204, 301, 400, 404, 500, 502, 511, 999)))
            return HttpExchange(
                ask.address, ask.url, None if failed else status, "", (("server", "x"),),
                url(way) if way and not failed else None, failed,
                draw(st.sampled_from(("connect", "handshake", "request", "answer"))), head,
                whole=draw(flag), untrusted=draw(st.sampled_from(VERIFY)), clock=CLOCK,
                date=draw(st.sampled_from(("", "2025-01-01T00:00:00Z"))), ms=draw(milliseconds),
            )  # fmt: skip
        case asks.ExchangeAsk():
            return Exchange(
                ask.address, ask.port, ask.transport, failed is None, failed,
                draw(st.sampled_from(("connect", "handshake", "send", "receive"))), draw(some),
                draw(some), draw(some), head, ms=draw(milliseconds),
            )  # fmt: skip
    raise AssertionError(f"no observation for {ask}")


def _local_observation(draw: st.DrawFn, ask: AskOf, failed: str | None) -> Observation:
    match ask:
        case asks.ResolverConfigAsk():
            servers, state, lookups = draw(st.sampled_from(CONFIGS))
            listed = tuple(ConfiguredResolver(ip(s), s, 1) for s in servers)
            search = draw(st.sampled_from(((), ("example.com", "."))))
            ignored = draw(st.sampled_from(((), ((3, "nameserver x", "no address"),))))
            return ResolverConfig("/etc/resolv.conf", state, listed, search, draw(some),
                                  ignored=ignored, lookups=lookups)  # fmt: skip
        case asks.HostsAsk():
            return HostsEntry(ask.name, "/etc/hosts", ((7, ip(SERVER)),) if draw(flag) else ())
        case asks.LocalDropsAsk():
            counts = tuple(draw(st.lists(st.integers(-5, 9), max_size=3)))
            return LocalDrops(ask.address, ask.port, counts, counts)
        case asks.ResetOriginAsk():
            pairs = draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=2))
            return reset_origin(str(ask.address), ask.port, *pairs)
        case asks.PortUseAsk():
            return PortUse(ask.address, ask.port, draw(some), draw(some), draw(some))
        case asks.PortTableAsk():
            rows = draw(st.lists(st.sampled_from(_sockets(ask.port)), max_size=3))
            return PortTable(ask.port, ask.transport, tuple(rows))
        case asks.BindAsk():
            return BindTry(ask.address, ask.port, ask.transport, ask.reuse, failed)
    raise AssertionError(f"no observation for {ask}")


def agrees_with_itself(report: TargetReport) -> None:
    """What must hold of each report, also of one on the way."""
    severities = [finding.severity for finding in report.findings]
    if report.verdict is Verdict.FAILING:
        assert Severity.FAILURE in severities
    if report.verdict is Verdict.OK:
        assert severities.count(Severity.NOTE) == len(severities)
    if report.verdict is Verdict.DEGRADED:
        assert Severity.WARNING in severities
        assert Severity.FAILURE not in severities
    for finding in report.findings:
        assert finding.evidence
        assert 0 < finding.confidence <= 1
        assert finding.title and finding.explanation
        assert finding.cause not in {rival.cause for rival in finding.alternatives}
        left_open = bool(finding.alternatives) or finding.certainty != "proved"
        assert [fix.decides for fix in finding.fixes].count(True) == left_open, finding.cause
    assert severities == sorted(severities, key=list(Severity).index)


def _play(data: st.DataObject, text: str) -> TargetReport:
    """The engine's loop, with answers that come in any order, early words, and some never."""
    target = target_of(text)
    facts: dict[AskOf, Observation] = {}
    never: set[AskOf] = set()
    for _round in range(60):
        found = examine(target, facts)
        again = examine(target, dict(facts))
        assert again == found
        agrees_with_itself(found.report)
        assert len(set(found.wants)) == len(found.wants)
        missing = [a for a in (*found.wants, *found.hopes) if a not in facts and a not in never]
        if not missing:
            report = examine(target, facts, final=True).report
            agrees_with_itself(report)
            return report
        for ask in missing[: data.draw(st.integers(1, len(missing)))]:
            fate = data.draw(st.integers(0, 11))
            if fate == 0:
                never.add(ask)
            elif fate == 1:
                facts[ask] = Skipped(ask.probe, "x", "could not be run")
            else:
                facts[ask] = data.draw(observations(ask))
    pytest.fail("after 60 rounds there are still new questions")


RANDOM = settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


@pytest.mark.parametrize("text", TARGETS)
@RANDOM
@given(data=st.data())
def test_any_facts_give_a_report_that_agrees_with_itself(text: str, data: st.DataObject) -> None:
    report = _play(data, text)
    if report.verdict is Verdict.UNKNOWN:
        assert report.reason
    assert report.complete


@pytest.mark.parametrize("text", TARGETS)
@RANDOM
@given(data=st.data())
def test_any_finding_is_told_in_whole_sentences(text: str, data: st.DataObject) -> None:
    for finding in _play(data, text).findings:
        assert unsaid(finding) == [], finding.cause
