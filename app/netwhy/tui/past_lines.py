"""What came before, as lines of a panel: addresses, changes, numbers and charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.cells import cell_len

from netwhy.core.charts import chart
from netwhy.core.histogram import histogram
from netwhy.core.matrix import Cell, Matrix, matrix
from netwhy.core.model import Mark, TargetReport, Verdict
from netwhy.core.snapshot import Row
from netwhy.core.stats import Sample, summary
from netwhy.core.trail import samples
from netwhy.output.inert import inert
from netwhy.output.layout import counted, milliseconds
from netwhy.output.past import changes, lengths, time_of
from netwhy.tui.lines import MARGIN, Lines
from netwhy.tui.look import ROLES, Piece, glyph, word
from netwhy.tui.spans import fitted, share

FEW = 4  # spells in a panel that shows other things, too
#: Lines of a chart: at least, in a panel, and where there is much room; of the histogram.
_LOWEST, _USUAL, _HIGH, _BINS = 4, 6, 10, 8


def changed(out: Lines, row: Row) -> None:
    """What was different when the trouble began; else what was not."""
    if row.broke is None:
        return
    when = "when it broke" if row.verdict is Verdict.FAILING else "when this began"
    told = changes(row.broke, arrow="->" if out.page.ascii else "→")
    if told:
        out.items("Changed", (f"{when}: {told[0]}", *told[1:]))
    elif row.broke.same:
        out.items("Unchanged", (f"{when}: {', '.join(row.broke.same)}",), "muted")


def change_note(row: Row) -> str:
    """What changed, in a few words for the title: the panel may be too low for the rest."""
    if row.broke is None or not row.broke.changed:
        return ""
    names = list(dict.fromkeys(inert(each.what) for each in row.broke.changed))
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return f", changed: {', '.join(names[:2])}{more}"


# ------------------------------------------------------------------------------ the addresses


def matrix_lines(out: Lines, report: TargetReport) -> None:
    """One line per address with what happened there, in columns; two lines where it is narrow."""
    found = matrix(report)
    if found is None:
        return
    out.gap()
    cells = [[_said(out, cell) for cell in row] for _, row in found.rows]
    sizes = [
        max(len(title), *(cell_len(row[at][0]) for row in cells))
        for at, title in enumerate(found.columns)
    ]
    first = max(9, *(cell_len(inert(address)) for address, _ in found.rows))
    if 1 + first + sum(size + 2 for size in sizes) <= out.width:
        _table(out, found, cells, first, sizes)
    else:
        _folded(out, found, cells)


def _table(
    out: Lines, found: Matrix, cells: list[list[Piece]], first: int, sizes: list[int]
) -> None:
    titles = "".join(f"  {title:<{size}}" for title, size in zip(found.columns, sizes, strict=True))
    out.add((f" {'Addresses':<{first}}{titles}".rstrip(), "heading"))
    for (address, _), row in zip(found.rows, cells, strict=True):
        pieces: list[Piece] = [(f" {fitted(inert(address), first)}", "")]
        for (text, role), size in zip(row, sizes, strict=True):
            pieces.append((f"  {text}{' ' * (size - cell_len(text))}", role))
        last, role = pieces.pop()
        out.add(*pieces, (last.rstrip(), role))


def _folded(out: Lines, found: Matrix, cells: list[list[Piece]]) -> None:
    """An address, below it each layer by its name."""
    out.add((" Addresses", "heading"))
    for (address, _), row in zip(found.rows, cells, strict=True):
        out.text(address)
        for title, (text, role) in zip(found.columns, row, strict=True):
            out.text(f"{title} {text}", role, indent=3)


def _said(out: Lines, cell: Cell) -> Piece:
    """`✓ 0.42 ms`, `✗ ECONNREFUSED`, `✓ 200 12.3 ms`; a dot where nothing was tried."""
    told = [glyph(cell.mark, out.page)]
    if cell.text:
        told.append(inert(cell.text))
    if cell.ms is not None and cell.mark in (Mark.OK, Mark.WARN):
        told.append(milliseconds(cell.ms))
    return " ".join(told), ROLES[cell.mark]


# -------------------------------------------------------------------------------- the changes


def timeline(
    out: Lines, row: Row, now: datetime | None, now_s: float | None = None, *, whole: bool = False
) -> None:
    """The last changes, the newest first: when, to what, for how long, and the cause.

    Nothing where nothing ever changed.  `whole`: all that are kept.
    """
    if len(row.spells) < 2:
        return
    told = list(lengths(row.spells, now_s))[: None if whole else FEW]
    times = [time_of(spell.when, now) for spell, _ in told]
    wide, long = max(map(len, times)), max(len(length) for _, length in told)
    label = "Timeline"
    out.gap()
    for (spell, length), time in zip(told, times, strict=True):
        margin = min(MARGIN, out.width // 3)
        state = f"{glyph(spell.verdict, out.page)} {word(spell.verdict):<8}"
        lead: list[Piece] = [
            (f" {label:<{margin}}"[: margin + 1], "heading"),
            (f"{time:>{wide}}  ", "muted"),
            (f"{state}  ", ROLES[spell.verdict]),
            (f"{length:<{long}}", ""),
        ]
        used = sum(cell_len(text) for text, _ in lead)
        cause = inert(spell.cause)
        if used > out.width:
            out.item(label, f"{time} {word(spell.verdict)} {length} {cause}")
        elif not cause or used + 2 + cell_len(cause) > out.width:
            out.add(*lead)
            if cause:
                out.item("", cause, "muted")
        else:
            out.add(*lead, (f"  {cause}", "muted"))
        label = ""


# -------------------------------------------------------------------- the numbers and the charts


def numbers(row: Row) -> str:
    """All checks that are remembered in a few numbers; empty where no time was measured."""
    found = summary(samples(row.trail))
    pairs = (
        ("min", found.least),
        ("median", found.median),
        ("p95", found.p95),
        ("p99", found.p99),
        ("max", found.most),
    )
    parts = [f"{name} {milliseconds(ms)}" for name, ms in pairs if ms is not None]
    made = counted(found.made, "check")
    parts.append(f"of {made}" if found.loss is None else f"{share(found.loss)} lost of {made}")
    return ", ".join(parts) if found.measured else ""


def charted(out: Lines, row: Row, room: int, *, whole: bool = False) -> None:
    """The latency as a chart, and with `whole` how often it was how high.

    In a panel only where all of it fits into `room` lines: below, nobody would see it.
    """
    past = samples(row.trail)
    found = summary(past)
    height = _HIGH if whole or room > 2 * _HIGH else min(_USUAL, room - 2)
    if found.measured < 2 or height < _LOWEST:
        return
    out.gap()
    width = out.width - 2
    drawn = chart(past, width, height, threshold_ms=found.p95, ascii_only=out.page.ascii)
    for line in drawn:
        out.add((" ", ""), *line)
    out.add((_caption(past, width, found.p95, out.page.ascii), "muted"))
    if whole:
        out.gap()
        for line in histogram(past, min(width, 76), _BINS, ascii_only=out.page.ascii):
            out.add((" ", ""), *line)


def _caption(past: Sequence[Sample], width: int, p95: float | None, ascii_only: bool) -> str:
    """What the axis and the dashes mean."""
    dash = "--" if ascii_only else "┄┄"
    left = f" latency of the last {counted(len(past), 'check')}"
    left += f", {dash} p95" if p95 is not None else ""
    right = "now"
    return f"{left}{' ' * max(2, width + 1 - len(left) - len(right))}{right}"[: width + 1]
