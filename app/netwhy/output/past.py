"""What came before a report, in words: what changed when it broke, and the last changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from netwhy.core.differences import Comparison
from netwhy.core.model import Verdict
from netwhy.core.snapshot import Row, Spell
from netwhy.output.layout import Page, counted, duration
from netwhy.output.markdown import code, escaped


def changes(broke: Comparison, *, arrow: str = "→") -> list[str]:
    """`addresses 192.0.2.1 → 192.0.2.7` for each fact that is another now."""
    return [f"{each.what} {each.was} {arrow} {each.now}" for each in broke.changed]


def lengths(spells: tuple[Spell, ...], now_s: float | None) -> Iterator[tuple[Spell, str]]:
    """Each spell, the newest first, with how long it lasted; `now` for the one that lasts.

    With `now_s`, on the clock of the spells, also that one has its length.
    """
    end: float | None = None
    for spell in reversed(spells):
        if end is not None:
            yield spell, duration(end - spell.at_s)
        else:
            yield spell, "now" if now_s is None else f"{duration(now_s - spell.at_s)} so far"
        end = spell.at_s


def time_of(when: datetime, now: datetime | None) -> str:
    """The local time of day, with the date where that is not today's."""
    local = when.astimezone()
    today = local if now is None else now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    year = "" if abs(today - local) < timedelta(days=300) else f" {local:%Y}"
    return f"{local:%d %b}{year} {local:%H:%M}"


def past_markdown(row: Row, now_s: float) -> str:
    """What is known of one target beyond its last report; empty before its first check ended."""
    blocks: list[str] = []
    if row.since is not None and row.verdict is not None:
        blocks.append(_since(row, now_s))
    if row.broke is not None and row.broke.changed:
        told = "\n".join(f"- {escaped(text)}" for text in changes(row.broke))
        blocks += ["### Changed when it broke", told]
    if row.broke is not None and row.broke.same:
        blocks.append(f"Unchanged: {escaped(', '.join(row.broke.same))}.")
    if len(row.spells) > 1:
        lines = (
            f"- {spell.when.astimezone():%Y-%m-%d %H:%M:%S%z} "
            f"{Page().glyph(spell.verdict)} {spell.verdict}"
            + (f" ({code(spell.cause)})" if spell.cause else "")
            + f", {length}"
            for spell, length in lengths(row.spells, now_s)
        )
        blocks += ["### Timeline", "\n".join(lines)]
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _since(row: Row, now_s: float) -> str:
    """`Since 2026-01-01 12:00:00+0000 (4m00s): failing; 120 checks, 3% lost of the last 60.`"""
    assert row.since is not None  # asked before
    lost = "" if row.loss is None else f", {row.loss:.0%} lost of the last {len(row.samples)}"
    return (
        f"Since {row.since.astimezone():%Y-%m-%d %H:%M:%S%z} ({duration(now_s - row.since_s)}): "
        f"{row.verdict}; {counted(row.checks, 'check')}{lost}."
    )


def pasts_markdown(rows: Iterable[Row], now_s: float) -> str:
    """The same for each of several targets, under a heading of its own; of one that has always
    worked there is nothing to tell.
    """
    told = (
        (row.target.label, past_markdown(row, now_s))
        for row in rows
        if row.verdict is not Verdict.OK or len(row.spells) > 1
    )
    return "\n".join(f"## Watched: {escaped(name)}\n\n{past}" for name, past in told if past)
