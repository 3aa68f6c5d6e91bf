"""A report as the lines of the Why panel: path, finding, evidence, fixes, what is left open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len

from netwhy.core.model import Finding, Fix, Kind, Mark, Outcome, ProbeRow, TargetReport, Verdict
from netwhy.core.snapshot import Row
from netwhy.output.inert import inert
from netwhy.output.layout import Page, milliseconds
from netwhy.output.phases import hops, phases
from netwhy.output.text import healthy, place
from netwhy.tui.lines import MARGIN
from netwhy.tui.lines import Lines as Lines
from netwhy.tui.look import ROLES, Piece, glyph, word
from netwhy.tui.past_lines import changed, charted, matrix_lines, numbers, timeline
from netwhy.tui.spans import folded, squeezed

#: How the words of a deciding test begin; here they stand in the margin.
SETTLES = "To settle it"


def why_lines(
    report: TargetReport | None,
    width: int,
    page: Page,
    *,
    chosen_fix: int = 0,
    whole: bool = False,
    row: Row | None = None,
    now: datetime | None = None,
    now_s: float | None = None,
    height: int = 0,
    lead: str = "",
    copy_key: str = "y",
) -> Lines:
    """The panel of one report.  `whole` adds every other finding in full and each probe.

    With its `row` it also tells what came before: `now` decides whether a date is needed, `now_s`
    is for the length of what still lasts.  A chart is drawn where all of it can be seen in a panel
    of that `height`, or with `whole`.  `copy_key` is what copies the chosen fix.
    """
    out = Lines(max(20, width), page, copy_key=copy_key)
    if lead:
        out.text(lead, "title")
        out.gap()
    if report is None:
        out.text("Probing: the first check of this target has not told anything yet.", "muted")
        return out
    _head(out, report)
    _told(out, report, chosen_fix, whole)
    if row is not None and report.verdict is not Verdict.OK:
        changed(out, row)
    _others(out, report, whole)
    matrix_lines(out, report)
    if row is not None:
        timeline(out, row, now, now_s, whole=whole)
        works = report.verdict in (Verdict.OK, Verdict.DEGRADED)
        if works and not whole and (told := numbers(row)):
            out.items("Latency", (told,))
        if works or whole:
            charted(out, row, height - len(out.lines), whole=whole)
    if whole or report.verdict is Verdict.OK:
        _probes(out, report.probes, detailed=whole)
    return out


def _head(out: Lines, report: TargetReport) -> None:
    """The path, where the time went, and how the target was read."""
    _path(out, report)
    for words in (
        phases(report, dot=out.page.dot),
        hops(report, arrow="->" if out.page.ascii else "→"),
    ):
        if words:
            out.text(words, "muted", indent=3)
    if report.target.understood:
        out.text(f"Note: {report.target.understood}", "muted")
    out.gap()


def _told(out: Lines, report: TargetReport, chosen_fix: int, whole: bool) -> None:
    """The diagnosis, or that there is none to tell."""
    first = report.diagnosis
    if first is None or (report.verdict is Verdict.OK and not whole):
        _plain(out, report)
    elif report.verdict is Verdict.OK:
        _plain(out, report)
        out.gap()
        _finding(out, first, report, chosen_fix)
    else:
        _finding(out, first, report, chosen_fix)


def _path(out: Lines, report: TargetReport) -> None:
    """The stations; it breaks where the fault is, what lies behind is only dotted."""
    width = out.width - 2
    line: list[Piece] = [(" ", "")]
    used = 0
    broken = False
    for index, step in enumerate(report.path):
        label = inert(step.label)
        role = "muted" if broken else ("failing" if step.mark is Mark.FAILED else "")
        link: list[Piece] = []
        if index:
            rule = "muted" if broken else ROLES[step.mark]
            link = [(f" {out.page.rule}{glyph(step.mark, out.page)}{out.page.rule} ", rule)]
        size = sum(cell_len(text) for text, _ in link) + cell_len(label)
        if used and used + size > width:
            out.add(*line)
            line, used = [("   ", "")], 2
        room = max(1, width - used - size + cell_len(label))
        if cell_len(label) > room:
            label = squeezed(label, room, ellipsis="..." if out.page.ascii else "…").rstrip()
        line += [*link, (label, role)]
        used += size
        broken = broken or step.mark is Mark.FAILED
    if report.path:
        out.add(*line)


def _plain(out: Lines, report: TargetReport) -> None:
    """A report whose verdict needs no diagnosis, or has none."""
    state = None if not report.complete else report.verdict
    head = f"{glyph(state, out.page)} {word(state)}"
    said = {
        Verdict.OK: "works",
        Verdict.UNKNOWN: "could not be told from here",
        Verdict.FAILING: "does not work; no cause was found",
        Verdict.DEGRADED: "works, with something to look at",
    }
    name = inert(report.target.label)
    about = "is being checked" if state is None else said[state]
    if report.target.kind is Kind.BIND and state is Verdict.OK:
        name = name.partition("://")[2] or name
        about = "is free: a server can start here now"
    role = ROLES[state]
    for number, line in enumerate(folded(f"{name} {about}", out.width - len(head) - 3)):
        out.add((" ", ""), ((head if not number else " " * len(head)) + "  ", role), (line, role))
    bind = report.target.kind is Kind.BIND
    if state is Verdict.OK and not bind and (words := healthy(report)):
        out.text(words)
    if report.reason:
        out.text(report.reason)


def _finding(out: Lines, finding: Finding, report: TargetReport, chosen_fix: int) -> None:
    _title(out, finding, report.verdict)
    out.text(finding.explanation)
    if report.reason and report.verdict is Verdict.UNKNOWN:
        out.items("Unknown", (report.reason,))
    out.items("How we know", finding.evidence)
    _todo(out, finding, report, chosen_fix)


def _todo(out: Lines, finding: Finding, report: TargetReport, chosen_fix: int | None) -> None:
    """The fixes, then what the evidence left open with the test that decides, which comes last."""
    todo = [fix for fix in finding.fixes if not fix.decides]
    if todo:
        out.gap()
    for number, fix in enumerate(todo):
        _fix(out, number, fix, report, chosen=number == chosen_fix)
    out.items(
        "Not excluded",
        (f"{rival.why} ({rival.cause})" for rival in finding.alternatives),
        "muted",
    )
    for number, fix in enumerate(finding.fixes[len(todo) :], len(todo)):
        if not finding.alternatives:
            out.gap()
        _fix(out, number, fix, report, chosen=number == chosen_fix)


def _title(out: Lines, finding: Finding, verdict: Verdict) -> None:
    """The title, with cause and certainty at the right end of the line, or below."""
    lead = f" {glyph(verdict, out.page)} "
    identity = f"{inert(finding.cause)} {out.page.dot} {finding.certainty}"
    title = inert(finding.title)
    free = out.width - len(lead) - cell_len(title) - cell_len(identity) - 1
    if free >= 2:
        role = ROLES[verdict]
        out.add((lead, role), (title, role), (" " * free, ""), (identity, "muted"))
        return
    for number, line in enumerate(folded(title, out.width - len(lead) - 1)):
        out.add((lead if not number else " " * len(lead), ROLES[verdict]), (line, ROLES[verdict]))
    out.text(identity, "muted", indent=3)


def _fix(out: Lines, number: int, fix: Fix, report: TargetReport, *, chosen: bool) -> None:
    """Where and what to do, then the command; the chosen one says how to copy it."""
    margin = min(MARGIN, out.width // 3)
    out.fix_at.append(len(out.lines))
    mark = (">" if out.page.ascii else "▸") if chosen else " "
    label = SETTLES if fix.decides else "" if number else "Fix"
    where = place(fix, report.target)
    lead = f"{mark}{number + 1} "
    first = True
    text = inert(fix.text)
    if fix.decides:
        text = text.removeprefix(f"{SETTLES}, ")
    said = f"{where}: {text}" if where else text
    for line in folded(said, out.width - margin - len(lead) - 1):
        head = f" {label:<{margin - 1}}" if first else " " * margin
        out.add((head, "heading"), (lead if first else " " * len(lead), "key"), (line, ""))
        first = False
    if fix.command:
        hint = f"   [{out.copy_key}] copy" if chosen else ""
        indent = " " * (margin + len(lead))
        room = out.width - len(indent) - 1
        command = folded(inert(fix.command), room)
        for line in command[:-1]:
            out.add((indent, ""), (line, "command"))
        last = command[-1]
        if cell_len(last) + len(hint) > room:
            hint = ""
        out.add((indent, ""), (last, "command"), (hint, "key"))


def _others(out: Lines, report: TargetReport, whole: bool) -> None:
    """The findings behind the first: their titles, or all of them in full."""
    skip = 0 if report.verdict is Verdict.OK and not whole else 1
    others = report.findings[skip:]
    if not whole:
        out.items("Also", (f"{f.title} ({f.cause}, {f.severity})" for f in others))
        return
    worn = {"failure": Verdict.FAILING, "warning": Verdict.DEGRADED, "note": Verdict.UNKNOWN}
    for finding in others:
        out.gap()
        _title(out, finding, worn[finding.severity])
        out.text(finding.explanation)
        out.items("How we know", finding.evidence)
        _todo(out, finding, report, None)


_OUTCOMES = {
    Outcome.OK: Mark.OK,
    Outcome.DEGRADED: Mark.WARN,
    Outcome.FAILED: Mark.FAILED,
    Outcome.SKIPPED: Mark.UNTESTED,
}


def _probes(out: Lines, probes: Sequence[ProbeRow], *, detailed: bool) -> None:
    """Each observation: what was tried, how it ended, how long it took, what it told."""
    if not probes:
        return
    out.gap()
    out.add((" Probes" if detailed else " What was tried", "heading"))
    for row in probes:
        mark = _OUTCOMES[row.outcome]
        parts = [row.probe, row.subject]
        if row.ms is not None:
            parts.append(milliseconds(row.ms))
        if row.error:
            parts.append(row.error)
        lead = f" {glyph(mark, out.page)} "
        for number, line in enumerate(folded(inert("  ".join(parts)), out.width - len(lead))):
            out.add((lead if not number else " " * len(lead), ROLES[mark]), (line, ""))
        if detailed and (told := _detail(row)):
            out.text(told, "muted", indent=len(lead) + 2)


def _detail(row: ProbeRow) -> str:
    """The detail as `key value` pairs; what is empty says nothing."""
    shown = ((k.replace("_", " "), v) for k, v in row.detail.items() if v not in (None, "", [], {}))
    return ", ".join(f"{key} {_plainly(value)}" for key, value in shown)


def _plainly(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{k} {_plainly(v)}" for k, v in value.items() if v not in (None, ""))
    if isinstance(value, list | tuple):
        return "; ".join(_plainly(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
