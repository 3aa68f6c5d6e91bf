"""A report as text for a person: the verdict first, then why, how we know, and what to do.

Every string is passed through `inert` here, whoever made it.  Commands are never wrapped, so
that a copied line is the whole command.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netwhy.core.model import (
    VERDICT_ORDER,
    Finding,
    Fix,
    Kind,
    Mark,
    Report,
    RootCause,
    Severity,
    Target,
    TargetReport,
    Verdict,
    Where,
)
from netwhy.output.inert import inert
from netwhy.output.layout import Page, columns, counted, milliseconds

#: Severity → the verdict whose glyph and colour a finding wears.
_WORN = {Severity.FAILURE: Verdict.FAILING, Severity.WARNING: Verdict.DEGRADED}
#: Width of the widest verdict, so that targets stand in one column.
_VERDICT_WIDTH = max(len(verdict) for verdict in Verdict)


def target_lines(
    report: TargetReport,
    *,
    color: bool = False,
    width: int = 80,
    ascii: bool = False,
    pad: int = 0,
    same_as: str | None = None,
) -> list[str]:
    """One target's report as lines without line ends.

    A healthy target is one line, plus one for each note.  `pad` widens the target's column so
    that the lines of several targets stand under each other.  `same_as` is a target whose
    report, shown above, has the same diagnosis: it is then not told again.
    """
    page = Page(width, color, ascii)
    lines = [_head(report, page, pad)]
    if report.target.understood:
        lines += page.wrap(inert(report.target.understood), "  Note: ")
    if not report.complete:
        so_far = "this is what was known so far" if report.findings else "nothing was decided yet"
        lines += page.wrap(f"interrupted: {so_far}", "  ")
    if report.verdict is Verdict.OK:
        return lines + _notes(report.findings, page)
    if report.findings:
        return lines + _diagnosis(report, page, same_as)
    lines += _path(report, page)
    if report.reason and report.complete:
        lines += page.wrap(f"could not be tested here: {inert(report.reason)}", "  ")
    return lines


def summary_lines(
    report: Report, *, color: bool = False, width: int = 80, ascii: bool = False
) -> list[str]:
    """The last words of a run over several targets: counts, and causes that explain many."""
    page = Page(width, color, ascii)
    lines: list[str] = []
    if len(report.targets) > 1:
        lines += page.wrap(f"{counted(len(report.targets), 'target')}: {tally(report.targets)}")
    shared = shared_causes(report)
    if shared:
        explained = len({text for cause in shared for text in cause.explains})
        verb = "explains" if len(shared) == 1 else "explain"
        head = f"{counted(len(shared), 'cause')} {verb} {counted(explained, 'target')}:"
        lines.append(page.paint(head, "heading"))
    for cause in shared:
        glyph = page.glyph(Verdict.FAILING)
        lines += page.wrap(f"{inert(cause.title)} ({inert(cause.cause)})", f"  {glyph} ")
        lines += page.wrap(", ".join(map(inert, cause.explains)), "      ")
    return lines


def shared_causes(report: Report) -> tuple[RootCause, ...]:
    """The root causes that explain more than one target."""
    return tuple(cause for cause in report.root_causes if len(cause.explains) > 1)


def tally(reports: Sequence[TargetReport]) -> str:
    """`2 failing, 1 ok`: how many targets have each verdict, the worst first."""
    verdicts = [report.verdict for report in reports]
    return ", ".join(f"{verdicts.count(v)} {v}" for v in VERDICT_ORDER if v in verdicts)


def named(target: Target) -> str:
    """What people call a target, with its text where that is something else."""
    text, label = inert(target.text), inert(target.label)
    return text if label == text else f"{label} ({text})"


def place(fix: Fix, target: Target) -> str:
    """Where a fix is done; empty where its sentence says so itself ("On the router…")."""
    host = fix.machine or target.host
    first, second, third, *_ = [*fix.text.casefold().split(maxsplit=3), "", "", ""]
    if first == "on" or (second == "on" and host and third.strip(".,:") == host.casefold()):
        return ""
    if fix.where is Where.TARGET:
        return f"on {inert(host)}" if host else "on the target"
    if fix.where is Where.NETWORK:
        return "in the network"
    if fix.command is None:
        return ""
    return "here" if fix.where is Where.HERE else "in the client"


def healthy(report: TargetReport) -> str:
    """What works about a healthy target, in a few words: addresses and round trip."""
    if report.target.kind is Kind.BIND:
        return "free: a server can start here now"
    words = ", ".join(map(inert, report.addresses))
    if words == report.target.host:
        words = ""  # the target is its own address: do not say it twice
    if report.rtt_ms is not None:
        words += ("  " if words else "") + f"rtt {milliseconds(report.rtt_ms)}"
    return words


def _head(report: TargetReport, page: Page, pad: int) -> str:
    glyph = page.glyph(report.verdict)
    verdict = page.paint(f"{glyph} {report.verdict:<{_VERDICT_WIDTH}}", report.verdict)
    name = named(report.target)
    words = healthy(report) if report.verdict is Verdict.OK else ""
    gap = " " * (max(0, pad - columns(name)) + 2)
    return f"{verdict}  {page.paint(name, 'title')}{gap + words if words else ''}"


def _diagnosis(report: TargetReport, page: Page, same_as: str | None) -> list[str]:
    first, *others = report.findings
    lines = _path(report, page)
    lines += ["", *(page.paint(line, "title") for line in page.wrap(inert(first.title), "  "))]
    if same_as is not None:
        lines += page.wrap(f"{_identity(first, page)} {page.dot} as for {inert(same_as)}", "  ")
        return lines + _also(others, report.target, page)
    lines.append("  " + page.paint(_identity(first, page), "quiet"))
    if first.explanation:
        lines += ["", *page.wrap(inert(first.explanation), "  ")]
    if report.reason and report.verdict is Verdict.UNKNOWN:
        lines += page.wrap(f"Could not be tested here: {inert(report.reason)}", "  ")
    lines += _section("How we know", (_item(line, page) for line in first.evidence), page)
    lines += _fixes(first, report.target, page)
    rivals = (f"{rival.why} ({rival.cause})" for rival in first.alternatives)
    lines += _section("Not excluded", (_item(line, page) for line in rivals), page)
    lines += _also(others, report.target, page)
    more = page.paint(f"netwhy explain {inert(first.cause)}", "command")
    return [*lines, "", f"  More: {more}"]


def _identity(finding: Finding, page: Page) -> str:
    return f"{inert(finding.cause)} {page.dot} {finding.certainty}"


def _path(report: TargetReport, page: Page) -> list[str]:
    """The path line: stations joined by the mark of the step that leads to each."""
    if len(report.path) < 2:
        return []
    drawn = inert(report.path[0].label)
    for step in report.path[1:]:
        mark = page.mark(step.mark)
        drawn += f" {page.rule}{mark}{page.rule} {inert(step.label)}"
        if step.mark is Mark.FAILED:
            break  # what lies behind the break was never seen
    return page.wrap(drawn, "  ")


def _section(heading: str, items: Iterable[list[str]], page: Page) -> list[str]:
    lines = [line for item in items for line in item]
    return ["", "  " + page.paint(heading, "heading"), *lines] if lines else []


def _item(text: str, page: Page) -> list[str]:
    return page.wrap(inert(text), f"    {page.bullet} ")


def _fixes(finding: Finding, target: Target, page: Page) -> list[str]:
    items = (
        _fix(fix, f"    {number}. ", target, page) for number, fix in enumerate(finding.fixes, 1)
    )
    return _section("What to do", items, page)


def _fix(fix: Fix, lead: str, target: Target, page: Page) -> list[str]:
    where = place(fix, target)
    lines = page.wrap(inert(fix.text) + (f" [{where}]" if where else ""), lead)
    if fix.command:
        indent = " " * (columns(lead) + 2)
        lines.append(indent + page.paint(inert(fix.command), "command"))
    return lines


def _also(findings: Sequence[Finding], target: Target, page: Page) -> list[str]:
    """The other findings in short: title, explanation, and the first thing to do."""
    lines: list[str] = []
    for finding in findings:
        if finding.severity is Severity.NOTE:
            continue
        glyph = page.glyph(_WORN[finding.severity])
        said = f"{inert(finding.title)} ({_identity(finding, page)})"
        lines += page.wrap(said, f"    {glyph} ")
        if finding.explanation:
            lines += page.wrap(inert(finding.explanation), "      ")
        if finding.fixes:
            lines += _fix(finding.fixes[0], "      ", target, page)
    section = ["", "  " + page.paint("Also", "heading"), *lines] if lines else []
    notes = _notes(findings, page)
    return [*section, *([""] if notes else []), *notes]


def _notes(findings: Sequence[Finding], page: Page) -> list[str]:
    return [
        line
        for finding in findings
        if finding.severity is Severity.NOTE
        for line in page.wrap(f"{inert(finding.title)} ({inert(finding.cause)})", "  Note: ")
    ]
