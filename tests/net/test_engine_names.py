"""A DNS server as the target, asked by the whole engine over real sockets on loopback."""

from __future__ import annotations

import time

import pytest
from tests.net.checks import checked
from tests.net.nameserver import name_server

from netwhy.core.model import Verdict
from netwhy.core.target import parse
from netwhy.engine import Engine


@pytest.mark.parametrize(
    ("name", "cause", "verdict"),
    [
        ("ok", None, Verdict.OK),
        ("alias", None, Verdict.OK),
        ("tc", None, Verdict.OK),
        ("old", "dns.edns-broken", Verdict.OK),
        ("inspected", "dns.edns-broken", Verdict.DEGRADED),
        ("cut", "dns.truncated-no-tcp", Verdict.FAILING),
        ("sink", "dns.sinkholed", Verdict.FAILING),
        ("filtered", "dns.sinkholed", Verdict.FAILING),
        ("kept", "dns.cached-failure", Verdict.FAILING),
        ("bogus", "dns.dnssec-bogus", Verdict.FAILING),
        ("loop", "dns.cname-loop", Verdict.FAILING),
        ("gone", "dns.cname-dangling", Verdict.FAILING),
        ("nxdomain", "dns.name-not-found", Verdict.FAILING),
        ("nodata", "dns.no-address", Verdict.FAILING),
        ("servfail", "dns.server-failure", Verdict.FAILING),
        ("refused", "dns.refused", Verdict.FAILING),
    ],
)
async def test_a_name_server_is_explained(name: str, cause: str | None, verdict: Verdict) -> None:
    with name_server() as server:
        started, worked = time.perf_counter(), time.process_time()
        report = (await checked(Engine(), parse(f"dns://127.0.0.1:{server.port}/{name}.test")))[-1]
        took, worked = time.perf_counter() - started, time.process_time() - worked
    found = report.diagnosis
    assert (found.cause if found else None, report.verdict) == (cause, verdict)
    slow = name in ("inspected", "cut")  # silence is only known once it has lasted
    assert took < (5.0 if slow else 0.0) + max(1.0, 10 * worked)  # others may be at work, too
    assert len(server.queries) <= 8, [(q.name, q.transport) for q in server.queries]


async def test_a_silent_name_server_within_six_seconds() -> None:
    with name_server() as server:
        started, worked = time.perf_counter(), time.process_time()
        target = parse(f"dns://127.0.0.1:{server.port}/silent.test")
        report = (await checked(Engine(), target))[-1]
        took, worked = time.perf_counter() - started, time.process_time() - worked
    assert report.diagnosis is not None
    # It answers the question for its version, as every name of this server that has no behaviour.
    assert report.diagnosis.cause == "dns.upstream-dead"
    assert took < 5.0 + max(1.0, 10 * worked)
