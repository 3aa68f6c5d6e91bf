"""The wire format: `netwhy.check/1` as one document, or as one line a target, and its schema.

Strings are the same inert text that people see: a control character stands as a visible escape,
so that a value is still harmless after a program has decoded it and printed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from netwhy.core.model import Finding, ProbeRow, Report, TargetReport, Vantage
from netwhy.output.inert import inert
from netwhy.output.layout import moment

_DEEPEST = 8  # levels of a probe's detail; beyond them a value is written as text
_LARGEST = 2**53  # integers from here on lose digits in other JSON readers (RFC 8259 §6)

VerdictName = Annotated[
    Literal["ok", "degraded", "failing", "unknown"],
    Meta(description="What the user of the target would feel; unknown: could not be tested here."),
]
Milliseconds = Annotated[float, Meta(ge=0, description="Milliseconds.")]
Moment = Annotated[
    str, Meta(description="UTC, RFC 3339.", extra_json_schema={"format": "date-time"})
]
Version = Annotated[str, Meta(description="Version of netwhy.")]
CauseId = Annotated[
    str,
    Meta(
        pattern=r"^[a-z0-9]+\.[a-z0-9-]+$",
        description="Id of a cause; `netwhy explain ID` says what it means.",
    ),
]


class VantageDocument(Struct, kw_only=True):
    """From where it was seen: the machine on which netwhy ran."""

    hostname: str
    platform: Annotated[str, Meta(description="linux, macos or windows.")]
    privileged: Annotated[bool, Meta(description="Whether it ran as root or administrator.")]
    addresses: list[str]
    gateways: Annotated[list[str], Meta(description="Default gateways.")]
    resolvers: Annotated[list[str], Meta(description="Configured DNS servers.")]


class RootCauseDocument(Struct, kw_only=True):
    """One cause that explains several failing or degraded targets."""

    cause: CauseId
    subject: str
    title: str
    explains: Annotated[list[str], Meta(description="The targets that it explains.")]


class FixDocument(Struct, kw_only=True):
    """Something to do about a finding."""

    text: str
    command: Annotated[str | None, Meta(description="What to type there, if anything.")]
    where: Annotated[
        Literal["here", "target", "network", "client"],
        Meta(
            description="here: this machine; target: the machine asked; network: something "
            "between; client: the program that connects."
        ),
    ]


class AlternativeDocument(Struct, kw_only=True):
    """A rival cause that the evidence could not exclude."""

    cause: CauseId
    why: str


class FindingDocument(Struct, kw_only=True):
    """One diagnosis."""

    cause: CauseId
    severity: Literal["failure", "warning", "note"]
    confidence: Annotated[
        float,
        Meta(ge=0, le=1, description="From 0.95 on proved, from 0.7 on likely, below possible."),
    ]
    subject: Annotated[str, Meta(description="The party at fault.")]
    title: Annotated[str, Meta(description="What failed, in one line.")]
    explanation: str
    evidence: Annotated[list[str], Meta(description="Observed facts, the most convincing first.")]
    fixes: Annotated[list[FixDocument], Meta(description="The likeliest to help first.")]
    alternatives: list[AlternativeDocument]


class ProbeDocument(Struct, kw_only=True):
    """One thing that was tried."""

    probe: Annotated[
        str, Meta(description="local, dns, route, ping, tcp, udp, tls, http, exchange or bind.")
    ]
    subject: str
    outcome: Annotated[
        Literal["ok", "degraded", "failed", "skipped"],
        Meta(description="skipped: not run or no answer expected; detail.reason says why."),
    ]
    ms: Milliseconds | None
    error: Annotated[
        str | None,
        Meta(
            description="Symbolic errno, EAI_ code, DNS rcode or TLS alert; TIMEOUT, CLOSED, "
            "MALFORMED, CERTIFICATE_VERIFY_FAILED; never a number alone."
        ),
    ]
    detail: Annotated[dict[str, Any], Meta(description="What else this kind of probe saw.")]


Addresses = Annotated[list[str], Meta(description="In the order in which they were tried.")]
Findings = Annotated[list[FindingDocument], Meta(description="The first is the diagnosis.")]
Reason = Annotated[
    str | UnsetType, Meta(description="Why the verdict is unknown; absent where there is none.")
]
Complete = Annotated[
    Literal[False] | UnsetType,
    Meta(description="Present, and false, when the check was interrupted before its end."),
]


class TargetDocument(Struct, kw_only=True):
    """All that is known of one target."""

    target: str
    verdict: VerdictName
    addresses: Addresses
    findings: Findings
    probes: list[ProbeDocument]
    reason: Reason = UNSET
    complete: Complete = UNSET


class Document(Struct, kw_only=True):
    """One run of `netwhy check` over all its targets: `--format json`."""

    schema: Literal["netwhy.check/1"]
    version: Version
    taken_at: Moment
    duration_ms: Milliseconds
    vantage: VantageDocument
    verdict: VerdictName
    root_causes: list[RootCauseDocument]
    targets: list[TargetDocument]


class LineDocument(Struct, kw_only=True):
    """One target on a line of its own, written when it is finished: `--format jsonl`."""

    schema: Literal["netwhy.check-target/1"]
    version: Version
    taken_at: Moment
    duration_ms: Milliseconds
    vantage: VantageDocument
    target: str
    verdict: VerdictName
    addresses: Addresses
    findings: Findings
    probes: list[ProbeDocument]
    reason: Reason = UNSET
    complete: Complete = UNSET


def document(report: Report) -> Document:
    """The report as it goes over the wire."""
    return Document(
        schema="netwhy.check/1",
        version=report.version,
        taken_at=moment(report.taken_at),
        duration_ms=round(report.duration_ms, 1),
        vantage=_vantage(report.vantage),
        verdict=report.verdict.value,
        root_causes=[
            RootCauseDocument(
                cause=cause.cause,
                subject=inert(cause.subject),
                title=inert(cause.title),
                explains=[inert(text) for text in cause.explains],
            )
            for cause in report.root_causes
        ],
        targets=[TargetDocument(**_target(target)) for target in report.targets],
    )


def encode_json(report: Report) -> bytes:
    """The document, indented, with a line end: `--format json`."""
    return msgspec.json.format(msgspec.json.encode(document(report)), indent=2) + b"\n"


def encode_line(
    report: TargetReport, *, version: str, taken_at: datetime, vantage: Vantage
) -> bytes:
    """One finished target as one self-contained line with its line end: `--format jsonl`."""
    line = LineDocument(
        schema="netwhy.check-target/1",
        version=version,
        taken_at=moment(taken_at),
        duration_ms=round(report.duration_ms, 1),
        vantage=_vantage(vantage),
        **_target(report),
    )
    return msgspec.json.encode(line) + b"\n"


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of both forms: the document, and a line of `--format jsonl`."""
    (whole, line), definitions = msgspec.json.schema_components(
        [Document, LineDocument], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "netwhy check",
        "description": (
            "What `netwhy check` and `netwhy bind` write: netwhy.check/1 with --format json, "
            "and netwhy.check-target/1, one a line, with --format jsonl."
        ),
        "oneOf": [whole, line],
        "$defs": definitions,
    }


def plain(value: Any, depth: int = 0) -> Any:
    """A probe's detail as JSON can hold it: inert text, finite short numbers, lists and maps."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < _LARGEST:
        return value
    if isinstance(value, float):
        return round(value, 3) if isfinite(value) else None
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {inert(str(key)): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [plain(item, depth + 1) for item in value]
    return inert(str(value))


def _vantage(vantage: Vantage) -> VantageDocument:
    return VantageDocument(
        hostname=inert(vantage.hostname),
        platform=vantage.platform,
        privileged=vantage.privileged,
        addresses=[inert(text) for text in vantage.addresses],
        gateways=[inert(text) for text in vantage.gateways],
        resolvers=[inert(text) for text in vantage.resolvers],
    )


def _target(report: TargetReport) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "target": inert(report.target.text),
        "verdict": report.verdict.value,
        "addresses": [inert(text) for text in report.addresses],
        "findings": [_finding(finding) for finding in report.findings],
        "probes": [_probe(row) for row in report.probes],
    }
    if report.reason:
        fields["reason"] = inert(report.reason)
    if not report.complete:
        fields["complete"] = False
    return fields


def _finding(finding: Finding) -> FindingDocument:
    return FindingDocument(
        cause=finding.cause,
        severity=finding.severity.value,
        confidence=round(min(1.0, max(0.0, finding.confidence)), 2),
        subject=inert(finding.subject),
        title=inert(finding.title),
        explanation=inert(finding.explanation),
        evidence=[inert(text) for text in finding.evidence],
        fixes=[
            FixDocument(
                text=inert(fix.text),
                command=None if fix.command is None else inert(fix.command),
                where=fix.where.value,
            )
            for fix in finding.fixes
        ],
        alternatives=[
            AlternativeDocument(cause=rival.cause, why=inert(rival.why))
            for rival in finding.alternatives
        ],
    )


def _probe(row: ProbeRow) -> ProbeDocument:
    return ProbeDocument(
        probe=row.probe,
        subject=inert(row.subject),
        outcome=row.outcome.value,
        ms=None if row.ms is None else round(max(0.0, row.ms), 3),
        error=None if row.error is None else inert(row.error),
        detail=plain(row.detail),
    )
