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
from netwhy.output.phases import hops, phases

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
    that the lines of several targets stand under each other.  `same_as` is a target, shown
    above, with the same root cause: it is then not told again.
    """
    page = Page(width, color, ascii)
    lines = [_head(report, page, pad)]
    if report.target.understood:
        lines += page.wrap(inert(report.target.understood), "  Note: ")
    if not report.complete:
        so_far = "this is what was known so far" if report.findings else "nothing was decided yet"
        lines += page.wrap(f"interrupted: {so_far}", "  ")
    if report.verdict is Verdict.OK:
        return lines + _timing(report, page) + _notes(report.findings, page)
    if report.findings:
        if same_as is not None:
            return lines + _symptom(report, page, same_as)
        return lines + _diagnosis(report, page)
    lines += _path(report, page) + _timing(report, page)
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
    verdicts = {target.target.text: target.verdict for target in report.targets}
    for cause in shared:
        found = {verdicts.get(text, Verdict.FAILING) for text in cause.explains}
        glyph = page.glyph(next((v for v in VERDICT_ORDER if v in found), Verdict.FAILING))
        lines += page.wrap(f"{inert(cause.title)} ({inert(cause.cause)})", f"  {glyph} ")
        lines += page.wrap(", ".join(map(inert, cause.explains)), "      ")
    return lines


def shared_causes(report: Report) -> tuple[RootCause, ...]:
    """The root causes that explain more than one target."""
    return tuple(cause for cause in report.root_causes if len(cause.explains) > 1)


def told_elsewhere(report: Report) -> dict[str, str]:
    """Which targets need no explanation of their own, and the target where their cause is told."""
    reports = {t.target.text: t for t in report.targets if t.diagnosis is not None}
    found: dict[str, str] = {}
    for root in shared_causes(report):
        known = [reports[text] for text in root.explains if text in reports]
        lead = min(known, key=lambda told: farness(root, told.target, told), default=None)
        if lead is not None and farness(root, lead.target, lead) < ANOTHER:
            found |= {t.target.text: lead.target.text for t in known if t is not lead}
    return found


#: The farness of a target whose own diagnosis is another cause.
ANOTHER = 2


def farness(root: RootCause, target: Target, report: TargetReport | None) -> int:
    """How far what a target tells is from a root cause: 0 where it is the cause, of its own
    subject; 1 where it is the cause; else ANOTHER.
    """
    finding = report.diagnosis if report is not None else None
    if finding is None or finding.cause != root.cause:
        return ANOTHER
    here = target.kind is Kind.LOCAL and root.cause.startswith("local.")
    return 0 if here or root.subject in (target.host, target.text) else 1


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
    said = fix.text.removeprefix("To settle it, ").casefold()
    first, second, third, *_ = [*said.split(maxsplit=3), "", "", ""]
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


def _symptom(report: TargetReport, page: Page, same_as: str) -> list[str]:
    """A target whose root cause was told above: what is wrong with it, and where to read why."""
    first, *others = report.findings
    lines = page.wrap(inert(first.title), "  ")
    lines += page.wrap(f"{_identity(first, page)} {page.dot} as for {inert(same_as)}", "  ")
    for finding in others:
        if finding.severity is not Severity.NOTE:
            glyph = page.glyph(_WORN[finding.severity])
            lines += page.wrap(f"{inert(finding.title)} ({inert(finding.cause)})", f"    {glyph} ")
    return [*lines, *_notes(others, page)]


def _diagnosis(report: TargetReport, page: Page) -> list[str]:
    first, *others = report.findings
    lines = _path(report, page) + _timing(report, page)
    lines += ["", *(page.paint(line, "title") for line in page.wrap(inert(first.title), "  "))]
    lines.append("  " + page.paint(_identity(first, page), "quiet"))
    if first.explanation:
        lines += ["", *page.wrap(inert(first.explanation), "  ")]
    if report.reason and report.verdict is Verdict.UNKNOWN:
        lines += page.wrap(f"Could not be tested here: {inert(report.reason)}", "  ")
    lines += _section("How we know", (_item(line, page) for line in first.evidence), page)
    lines += _fixes(first, report.target, page)
    lines += _open(first, report.target, page)
    lines += _also(others, report.target, page)
    more = page.paint(f"netwhy explain {inert(first.cause)}", "command")
    return [*lines, "", f"  More: {more}"]


def _identity(finding: Finding, page: Page) -> str:
    return f"{inert(finding.cause)} {page.dot} {finding.certainty}"


def _path(report: TargetReport, page: Page) -> list[str]:
    """The path line: stations joined by the mark of the step that leads to each.

    Where it is too long for a line it goes on below, with a whole station.
    """
    if len(report.path) < 2:
        return []
    lines = ["  " + inert(report.path[0].label)]
    for step in report.path[1:]:
        piece = f" {page.rule}{page.mark(step.mark)}{page.rule} {inert(step.label)}"
        if columns(lines[-1] + piece) > page.width:
            lines.append("   ")
        lines[-1] += piece
        if step.mark is Mark.FAILED:
            break  # what lies behind the break was never seen
    return lines


def _timing(report: TargetReport, page: Page) -> list[str]:
    """Where the time went, phase by phase, and where redirects led."""
    lines = []
    for words in (
        phases(report, dot=page.dot),
        hops(report, arrow="->" if page.ascii else "→"),
    ):
        if words:
            lines += [page.paint(line, "quiet") for line in page.wrap(inert(words), "    ")]
    return lines


def _section(heading: str, items: Iterable[list[str]], page: Page) -> list[str]:
    lines = [line for item in items for line in item]
    return ["", "  " + page.paint(heading, "heading"), *lines] if lines else []


def _item(text: str, page: Page) -> list[str]:
    return page.wrap(inert(text), f"    {page.bullet} ")


def _fixes(finding: Finding, target: Target, page: Page) -> list[str]:
    fixes = (fix for fix in finding.fixes if not fix.decides)
    items = (_fix(fix, f"    {number}. ", target, page) for number, fix in enumerate(fixes, 1))
    return _section("What to do", items, page)


def _open(finding: Finding, target: Target, page: Page) -> list[str]:
    """What the evidence left open, and the test that would decide."""
    items = [_item(f"{rival.why} ({rival.cause})", page) for rival in finding.alternatives]
    tests = [fix for fix in finding.fixes if fix.decides]
    items += [_fix(fix, "    ", target, page) for fix in tests]
    return _section(open_heading(finding), items, page)


def open_heading(finding: Finding) -> str:
    """What stands over the rivals and the deciding test."""
    return "Not excluded" if finding.alternatives else "To be sure"


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
