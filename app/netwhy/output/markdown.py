"""A report as Markdown for a ticket: readable as it stands, and when it is rendered.

Text from outside is made inert first, then escaped so that it can neither become markup nor
HTML, in CommonMark and in the tables of GitHub and GitLab.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from netwhy.core.model import (
    VERDICT_ORDER,
    Finding,
    Fix,
    ProbeRow,
    Report,
    Severity,
    Target,
    TargetReport,
    Verdict,
)
from netwhy.output.inert import inert
from netwhy.output.layout import Page, milliseconds, moment
from netwhy.output.text import (
    healthy,
    open_heading,
    place,
    shared_causes,
    tally,
    told_elsewhere,
)

#: Characters that are markup wherever they stand; `&`, `<` and `>` become entities instead.
_SPECIAL = re.compile(r"[\\`*\[\]~|#$]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: A block marker at the start: a list, a rule, an underline of a heading.
_OPENING = re.compile(r"^(?:[-+=]|\d{1,9}(?=[.)](?:\s|$)))")
#: What GitHub links by itself: an address with a scheme, `www.`, a mention or an e-mail address.
_LINKED = re.compile(r"(?i)(?<=[a-z]):(?=//)|(?<=www)\.|@")


def markdown(report: Report) -> str:
    """The whole report; ends with a line end."""
    blocks = [f"# netwhy: {report.verdict}", _introduction(report), _overview(report)]
    causes = shared_causes(report)
    if causes:
        blocks.append("## Root causes")
        blocks.append(
            "\n".join(
                f"- {escaped(cause.title)} ({code(cause.cause)}) explains "
                + ", ".join(code(text) for text in cause.explains)
                for cause in causes
            )
        )
    elsewhere = told_elsewhere(report)
    for target in sorted(report.targets, key=lambda t: VERDICT_ORDER.index(t.verdict)):
        if target.verdict is not Verdict.OK or target.findings:
            blocks += _target(target, elsewhere.get(target.target.text))
    return "\n\n".join(block for block in blocks if block) + "\n"


def target_markdown(report: TargetReport) -> str:
    """One target's part of a report, as it is copied from the screen."""
    return "\n\n".join(_target(report)) + "\n"


def escaped(text: str) -> str:
    """Text as Markdown that renders as exactly this text, on one line."""
    safe = inert(text).strip()
    safe = re.sub(r"[&<>]", lambda match: _HTML[match[0]], safe)
    safe = _SPECIAL.sub(r"\\\g<0>", safe)
    safe = _LINKED.sub(_spelled, safe)
    return _OPENING.sub(_opened, safe)


def code(text: str) -> str:
    """Text as a code span; as escaped text where a code span could not hold it in a table."""
    safe = inert(text).strip()
    if not safe or "`" in safe or "|" in safe:
        return escaped(safe)
    return f"`{safe}`"


def _spelled(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"


def _opened(match: re.Match[str]) -> str:
    # "1" cannot be escaped, the "." or ")" behind it can be split from it by an entity
    first = match[0]
    return f"&#{ord(first[0])};{first[1:]}" if first[0].isdigit() else f"\\{first}"


def _introduction(report: Report) -> str:
    where = report.vantage
    rights = ", with root's rights" if where.privileged else ""
    told = [
        f"{tally(report.targets)}.",
        f"Seen from {code(where.hostname)} ({where.platform}{rights}) at "
        f"{moment(report.taken_at)[:19]}Z in {milliseconds(report.duration_ms)}, "
        f"netwhy {report.version}.",
    ]
    for name, values in (
        ("Addresses", where.addresses),
        ("Gateways", where.gateways),
        ("Resolvers", where.resolvers),
    ):
        if values:
            told.append(f"{name}: {', '.join(code(value) for value in values)}.")
    return "\n".join(told)


def _overview(report: Report) -> str:
    return _table(
        ("Verdict", "Target", "Addresses", "RTT", "Cause"),
        (
            (
                f"{Page().glyph(target.verdict)} {target.verdict}",
                code(target.target.text),
                ", ".join(code(address) for address in target.addresses) or "–",
                "–" if target.rtt_ms is None else milliseconds(target.rtt_ms),
                _cause(target),
            )
            for target in report.targets
        ),
    )


def _cause(report: TargetReport) -> str:
    if report.verdict is Verdict.OK or report.diagnosis is None:
        return "–"  # a note of a healthy target is no cause of anything
    return code(report.diagnosis.cause)


def _target(report: TargetReport, same_as: str | None = None) -> list[str]:
    """One target; with `same_as` its cause is told in full at that other target."""
    glyph = Page().glyph(report.verdict)
    blocks = [f"## {glyph} {report.verdict}: {escaped(report.target.label)}"]
    if report.target.label != report.target.text:
        blocks.append(f"Target {code(report.target.text)}.")
    if not report.complete:
        blocks.append("Interrupted: this is what was known so far.")
    if report.reason:
        blocks.append(f"Could not be tested here: {escaped(report.reason)}")
    if not report.findings and report.verdict is Verdict.OK:
        blocks.append(escaped(healthy(report)))
    for finding in report.findings:
        if same_as is not None and finding.severity is not Severity.NOTE:
            said = f"{escaped(finding.title)} ({code(finding.cause)}, {finding.certainty})"
            blocks.append(f"{said}: see {code(same_as)}." if finding is report.diagnosis else said)
        else:
            blocks += _finding(finding, report.target)
    if report.probes:
        blocks += ["### What was tried", _probes(report.probes)]
    return [block for block in blocks if block]


def _finding(finding: Finding, target: Target) -> list[str]:
    if finding.severity is Severity.NOTE:
        return [f"Note: {escaped(finding.title)} ({code(finding.cause)})"]
    blocks = [
        f"### {escaped(finding.title)}",
        f"{code(finding.cause)}, {finding.severity}, {finding.certainty} "
        f"({finding.confidence:.2f})",
        escaped(finding.explanation),
    ]
    blocks += _list("How we know", (escaped(text) for text in finding.evidence))
    todo = [fix for fix in finding.fixes if not fix.decides]
    if todo:
        fixes = (_fix(f"{number}. ", fix, target) for number, fix in enumerate(todo, 1))
        blocks += ["**What to do**", "\n".join(fixes)]
    left = [f"- {escaped(rival.why)} ({code(rival.cause)})" for rival in finding.alternatives]
    left += [_fix("- ", fix, target) for fix in finding.fixes if fix.decides]
    if left:
        blocks += [f"**{open_heading(finding)}**", "\n".join(left)]
    return [block for block in blocks if block]


def _list(heading: str, items: Iterable[str]) -> list[str]:
    lines = [f"- {item}" for item in items]
    return [f"**{heading}**", "\n".join(lines)] if lines else []


def _fix(lead: str, fix: Fix, target: Target) -> str:
    where = place(fix, target)
    lines = [lead + escaped(fix.text) + (f" ({escaped(where)})" if where else "")]
    if fix.command:
        command = inert(fix.command)
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", command)), default=0))
        indent = " " * len(lead)
        lines += ["", f"{indent}{fence}sh", indent + command, indent + fence, ""]
    return "\n".join(lines)


def _probes(rows: Sequence[ProbeRow]) -> str:
    return _table(
        ("Probe", "Subject", "Outcome", "Time", "Error", "Detail"),
        (
            (
                row.probe,
                code(row.subject),
                str(row.outcome),
                "–" if row.ms is None else milliseconds(row.ms),
                code(row.error) if row.error else "–",
                _detail(row),
            )
            for row in rows
        ),
    )


def _detail(row: ProbeRow) -> str:
    pairs = (
        f"{key}: {_words(value)}"
        for key, value in row.detail.items()
        if value is not None and value not in ("", [], {}, ())
    )
    return escaped("; ".join(pairs)) or "–"


def _words(value: object) -> str:
    """A detail's value in plain words, without Python's brackets."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return " ".join(_words(item) for item in value.values() if item is not None)
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value)
    return str(value)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
