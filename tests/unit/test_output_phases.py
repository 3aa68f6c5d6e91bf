"""Where the time went, in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netwhy.core.model import Kind, Outcome, ProbeRow, Target, TargetReport, Verdict
from netwhy.output.phases import hops, phases
from netwhy.output.text import target_lines

URL = "https://shop.example.com/"
LOOK_UP = ProbeRow("dns", "shop.example.com", Outcome.OK, 1.2, None, {"by": "system"})
ASKED = ProbeRow("dns", "shop.example.com", Outcome.OK, 9.0, None, {"by": "192.0.2.53"})


def http(outcome: Outcome = Outcome.OK, url: str = URL, **detail: Any) -> ProbeRow:
    error = detail.pop("error", None)
    return ProbeRow("http", url, outcome, detail.pop("ms", 40.0), error, detail)


def report(*rows: ProbeRow) -> TargetReport:
    target = Target(URL, Kind.HTTPS, host="shop.example.com", port=443)
    return TargetReport(target, Verdict.OK, probes=rows)


WHOLE = http(connect_ms=0.9, tls_ms=4.1, request_ms=0.1, first_byte_ms=12.0, body_ms=0.3)


@pytest.mark.parametrize(
    ("story", "rows", "told"),
    [
        ("nothing speaks", (LOOK_UP,), ""),
        ("all phases", (ASKED, LOOK_UP, WHOLE),
         "name 1.20 ms · connect 0.90 ms · TLS 4.10 ms · request 0.10 ms · first byte 12.0 ms · "
         "rest 0.30 ms"),
        ("no answer", (http(Outcome.FAILED, error="TIMEOUT", phase="answer", connect_ms=1.0,
                            tls_ms=4.0, request_ms=1.0, first_byte_ms=None, ms=4206.0),),
         "connect 1.00 ms · TLS 4.00 ms · request 1.00 ms · first byte 4.20 s (TIMEOUT)"),
        ("the handshake hangs",
         (ProbeRow("tls", "192.0.2.7:443", Outcome.FAILED, 4200.0, "TIMEOUT",
                   {"phase": "handshake", "connect_ms": 1.0, "tls_ms": 4200.0}),),
         "connect 1.00 ms · TLS 4.20 s (TIMEOUT)"),
        ("no connection", (http(Outcome.FAILED, error="ECONNREFUSED", phase="connect", ms=1.0),),
         "connect 1.00 ms (ECONNREFUSED)"),
        ("one address of two works", (http(Outcome.FAILED, error="TIMEOUT", phase="answer"), WHOLE),
         "connect 0.90 ms · TLS 4.10 ms · request 0.10 ms · first byte 12.0 ms · rest 0.30 ms"),
        ("what was not tried", (ProbeRow("http", URL, Outcome.SKIPPED),), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_each_phase_has_its_time(story: str, rows: tuple[ProbeRow, ...], told: str) -> None:
    assert phases(report(*rows)) == told, story


def test_a_failure_has_the_times_of_what_failed_and_not_of_what_was_compared_with_it() -> None:
    stalled = http(Outcome.FAILED, error="TIMEOUT", phase="answer", connect_ms=1.0, ms=4201.0)
    failing = replace(report(stalled, WHOLE), verdict=Verdict.FAILING)
    assert phases(failing) == "connect 1.00 ms · first byte 4.20 s (TIMEOUT)"


def test_redirects_are_shown_hop_by_hop() -> None:
    first = http(url="http://a.example/", status=301, redirect="https://a.example/")
    assert hops(report(first, http(url="https://a.example/", status=200))) == (
        "http://a.example/ 301 → https://a.example/ 200"
    )
    dead = http(Outcome.FAILED, url="https://a.example/", error="ECONNREFUSED")
    assert hops(report(first, dead)).endswith("→ https://a.example/ ECONNREFUSED")
    assert hops(report(WHOLE)) == ""


def test_a_circle_of_redirects_ends() -> None:
    there = http(url="http://a.example/", status=302, redirect="http://b.example/")
    back = http(url="http://b.example/", status=302, redirect="http://a.example/")
    assert hops(report(there, back)).count("→") == 2


def test_what_comes_from_outside_is_shown_inert() -> None:
    row = http(url="http://a.example/", status=302, redirect="http://a.example/\x1b[2J")
    assert "\x1b" not in "".join(target_lines(report(row)))
