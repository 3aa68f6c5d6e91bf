"""Reports made by hand: sample data for whatever shows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

from netwhy.core.model import (
    Alternative,
    Finding,
    Fix,
    Kind,
    Mark,
    Outcome,
    PathStep,
    ProbeRow,
    Report,
    RootCause,
    Severity,
    Target,
    TargetOptions,
    TargetReport,
    Vantage,
    Verdict,
    Where,
)

TAKEN_AT = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
VANTAGE = Vantage(
    hostname="web-03",
    platform="linux",
    privileged=False,
    addresses=("192.0.2.10",),
    gateways=("192.0.2.1",),
    resolvers=("192.0.2.53",),
)

REFUSED = Finding(
    cause="tcp.refused",
    severity=Severity.FAILURE,
    confidence=0.97,
    subject="198.51.100.7:5432",
    title="198.51.100.7 refused the connection on port 5432",
    explanation="The machine is up and reachable. Nothing listens on that port.",
    evidence=(
        "198.51.100.7 answered ping in 0.4 ms",
        "SYN to port 5432 was answered with RST after 0.41 ms; no ICMP error was queued",
    ),
    fixes=(
        Fix("see whether the service runs.", "systemctl status postgresql", Where.TARGET),
        Fix("see on which address it listens.", "ss -ltnp 'sport = :5432'", Where.TARGET),
        Fix("retry with exponential back-off while it starts.", None, Where.CLIENT),
    ),
    alternatives=(
        Alternative("tcp.rejected-by-firewall", "a firewall that answers with RST looks the same"),
    ),
)
WARNING = Finding(
    cause="tcp.some-addresses-fail",
    severity=Severity.WARNING,
    confidence=0.8,
    subject="shop.example.com",
    title="1 of 2 addresses of shop.example.com does not answer on port 443",
    explanation="Clients that try the dead address first wait for it.",
    evidence=("203.0.113.9:443 answered in 12.4 ms", "203.0.113.10:443 was silent for 3.6 s"),
    fixes=(Fix("take 203.0.113.10 out of the name.", None, Where.NETWORK),),
)
NOTE = Finding(
    cause="local.proxy-set",
    severity=Severity.NOTE,
    confidence=1.0,
    subject="web-03",
    title="HTTPS_PROXY is set: programs may go another way than this probe",
    explanation="",
)

REFUSING = TargetReport(
    target=Target(
        "db.example.com:5432",
        Kind.TCP,
        host="db.example.com",
        port=5432,
        understood="db.example.com:5432, without the space",
    ),
    verdict=Verdict.FAILING,
    addresses=("198.51.100.7",),
    findings=(REFUSED, NOTE),
    probes=(
        ProbeRow("ping", "198.51.100.7", Outcome.OK, 0.4, None, {}),
        ProbeRow(
            "tcp",
            "198.51.100.7:5432",
            Outcome.FAILED,
            0.4123456,
            "ECONNREFUSED",
            {"rtt_ms": None, "resent_syns": 0, "source": ip_address("192.0.2.10")},
        ),
    ),
    path=(
        PathStep("this machine", Mark.OK),
        PathStep("gateway 192.0.2.1", Mark.OK),
        PathStep("198.51.100.7", Mark.OK),
        PathStep("port 5432", Mark.FAILED),
        PathStep("application", Mark.UNTESTED),
    ),
    duration_ms=5.25,
)
DEGRADED = TargetReport(
    target=Target(
        "https://shop.example.com",
        Kind.HTTPS,
        host="shop.example.com",
        port=443,
        options=TargetOptions(label="shop"),
    ),
    verdict=Verdict.DEGRADED,
    addresses=("203.0.113.9", "203.0.113.10"),
    findings=(WARNING, REFUSED),
    rtt_ms=12.4,
)
HEALTHY = TargetReport(
    target=Target("ssh.example.com:22", Kind.TCP, host="ssh.example.com", port=22),
    verdict=Verdict.OK,
    addresses=("192.0.2.22", "2001:db8::22"),
    rtt_ms=0.4,
    findings=(NOTE,),
)
UNTESTED = TargetReport(
    target=Target("udp://192.0.2.9:9999", Kind.UDP, host="192.0.2.9", port=9999, transport="udp"),
    verdict=Verdict.UNKNOWN,
    reason="no answer: open or filtered, UDP cannot tell",
)
INTERRUPTED = replace(UNTESTED, reason="interrupted before an answer came", complete=False)


def report(*targets: TargetReport) -> Report:
    """A report over the targets given, by default one of each verdict and a shared cause."""
    chosen = targets or (REFUSING, DEGRADED, HEALTHY, UNTESTED)
    order = (Verdict.FAILING, Verdict.DEGRADED, Verdict.UNKNOWN, Verdict.OK)
    return Report(
        version="0.1.0",
        taken_at=TAKEN_AT,
        duration_ms=412.3456,
        vantage=VANTAGE,
        verdict=min((t.verdict for t in chosen), key=order.index),
        targets=chosen,
        root_causes=(
            RootCause(
                REFUSED.cause,
                REFUSED.subject,
                REFUSED.title,
                tuple(t.target.text for t in chosen if REFUSED in t.findings),
            ),
        ),
    )


def hostile(text: str) -> TargetReport:
    """A report in which every string from outside is `text`."""
    finding = Finding(
        cause="tcp.refused",
        severity=Severity.FAILURE,
        confidence=0.5,
        subject=text,
        title=text,
        explanation=text,
        evidence=(text, text),
        fixes=(Fix(text, text, Where.TARGET), Fix(text, None, Where.HERE)),
        alternatives=(Alternative("tcp.filtered", text),),
    )
    return TargetReport(
        target=Target(
            text,
            Kind.TCP,
            host=text,
            port=80,
            options=TargetOptions(label=text),
            understood=text,
        ),
        verdict=Verdict.FAILING,
        addresses=(text,),
        findings=(finding, replace(finding, severity=Severity.NOTE), finding),
        probes=(ProbeRow("tcp", text, Outcome.FAILED, 1.0, text, {text: [text, {text: text}]}),),
        path=(PathStep(text, Mark.OK), PathStep(text, Mark.FAILED)),
        reason=text,
    )
