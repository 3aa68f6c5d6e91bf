"""The Why panel and the details: what came before, each address, the chart; live and inert.

`NETWHY_GOLDENS=write pytest tests/tui/test_why.py` writes the panels anew: read them before
keeping them.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.net.servers import eventually
from tests.tui.test_hostile import NASTY, assert_inert
from tests.tui.world import World, refused, screen_lines, screen_text, until, works

from netwhy.core.model import Kind, Outcome, ProbeRow, Target, TargetReport, Verdict
from netwhy.core.record import Moment, Record
from netwhy.core.snapshot import Row
from netwhy.output.layout import Page
from netwhy.output.past import lengths, past_markdown, time_of
from netwhy.tui.details import TargetDetails
from netwhy.tui.why_lines import why_lines
from netwhy.tui.widgets.text_panel import Text, TextPanel
from netwhy.tui.widgets.why import Why

pytestmark = pytest.mark.tui

DB = "db.example:5432"
TARGET = Target(DB, Kind.TCP, "db.example", 5432)
START = datetime(2026, 1, 1, 12, tzinfo=UTC)
PANELS = Path(__file__).parent / "panels"


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    time.tzset()


def seen(base: TargetReport, *addresses: str, rtt_ms: float | None = None) -> TargetReport:
    """A report of db.example at these addresses, of which every second one keeps silent."""
    works_there = base.verdict is Verdict.OK
    told = {"by": "system", "addresses": [*addresses]}
    rows = [ProbeRow("dns", "db.example", Outcome.OK, 1.2, None, told)]
    for number, address in enumerate(addresses):
        end = f"[{address}]:5432" if ":" in address else f"{address}:5432"
        if works_there:
            rows.append(ProbeRow("tcp", end, Outcome.OK, 0.42))
        else:
            error, ms = ("TIMEOUT", 1000.0) if number % 2 else ("ECONNREFUSED", 0.4)
            rows.append(ProbeRow("tcp", end, Outcome.FAILED, ms, error))
    return replace(base, target=TARGET, addresses=addresses, probes=tuple(rows), rtt_ms=rtt_ms)


def good(n: int = 0) -> TargetReport:
    return seen(works(DB), "192.0.2.1", "2001:db8::7", rtt_ms=12.0 + n % 7 / 2)


BAD = seen(refused(DB), "192.0.2.7", "2001:db8::7")


def kept(*reports: TargetReport) -> Row:
    """The row after these checks, one every two seconds."""
    record = Record(TARGET, interval_s=2.0)
    for number, report in enumerate(reports):
        record.settle(report, Moment(START + timedelta(seconds=2 * number), 2.0 * number))
    return record.row()


HEALTHY = kept(*map(good, range(100)))
BROKEN = kept(*map(good, range(100)), *[BAD] * 5)
DEGRADED = kept(
    *map(good, range(60)), *[replace(good(n), verdict=Verdict.DEGRADED) for n in range(40)]
)


def panel(
    row: Row, width: int, height: int = 0, *, whole: bool = False, ascii_only: bool = False
) -> list[str]:
    page = Page(ascii=ascii_only)
    now_s = 300.0 if whole else None
    written = why_lines(
        row.shown, width, page, row=row, now=START, now_s=now_s, height=height, whole=whole
    )
    return ["".join(text for text, _ in line).rstrip() for line in written.lines]


# ----------------------------------------------------------------------------------- the panel

GOLDENS = [
    ("broken", BROKEN, 78, 11, False, False),
    ("broken", BROKEN, 38, 40, False, False),
    ("broken-whole", BROKEN, 118, 0, True, False),
    ("broken-ascii", BROKEN, 78, 11, False, True),
    ("healthy", HEALTHY, 78, 13, False, False),
    ("healthy", HEALTHY, 78, 40, False, False),
    ("healthy-ascii", HEALTHY, 78, 40, False, True),
    ("degraded", DEGRADED, 118, 22, False, False),
]


@pytest.mark.parametrize(("name", "row", "width", "height", "whole", "ascii_only"), GOLDENS)
def test_the_panel(
    name: str, row: Row, width: int, height: int, whole: bool, ascii_only: bool
) -> None:
    text = "\n".join(panel(row, width, height, whole=whole, ascii_only=ascii_only)) + "\n"
    path = PANELS / f"{name}-{width}x{height}.txt"
    if os.environ.get("NETWHY_GOLDENS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text()


def test_what_was_read_into_a_target_is_a_note() -> None:
    report = replace(BAD, target=replace(TARGET, understood="the user name was left out"))
    assert "Note: the user name was left out" in [line.strip() for line in panel(kept(report), 78)]


def test_no_panel_is_forgotten() -> None:
    assert {path.name for path in PANELS.iterdir()} == {
        f"{g[0]}-{g[2]}x{g[3]}.txt" for g in GOLDENS
    }


def test_what_matters_most_comes_first() -> None:
    heads = [
        " ✗ db.example",
        " How we know",
        " Fix",
        " Not excluded",
        " Changed",
        " Addresses",
        " Timeline",
    ]
    lines = panel(BROKEN, 78)
    at = [next(n for n, line in enumerate(lines) if line.startswith(head)) for head in heads]
    assert at == sorted(at)
    assert at[2] < 9, "the first fix is seen in a panel of ten lines"


def test_what_is_the_same_is_told_only_where_nothing_changed() -> None:
    same = kept(good(), *[seen(refused(DB), "192.0.2.1", "2001:db8::7")] * 2)
    assert " Unchanged     when it broke: addresses" in panel(same, 78)
    assert not any(line.startswith(" Unchanged") for line in panel(BROKEN, 78))
    assert not any("when it broke" in line for line in panel(HEALTHY, 78))


def test_a_chart_only_where_all_of_it_is_seen() -> None:
    for height in range(8, 60):
        lines = panel(HEALTHY, 78, height)
        ends = [n for n, line in enumerate(lines) if line.endswith(" now")]
        assert all(end < height for end in ends)
        assert bool(ends) is (height >= 17), height
    assert not any(line.endswith(" now") for line in panel(BROKEN, 78, 60)), (
        "it has a fault to show"
    )


@pytest.mark.parametrize("row", [HEALTHY, BROKEN, DEGRADED])
@given(
    width=st.integers(20, 130),
    height=st.integers(0, 60),
    whole=st.booleans(),
    ascii_only=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_no_line_leaves_the_panel(
    row: Row, width: int, height: int, whole: bool, ascii_only: bool
) -> None:
    for line in panel(row, width, height, whole=whole, ascii_only=ascii_only):
        assert cell_len(line) <= width, line
        assert not ascii_only or line.isascii(), line


@pytest.mark.parametrize("text", NASTY)
def test_hostile_text_is_inert_in_all_of_it(text: str) -> None:
    finding = replace(refused(DB).findings[0], cause=text or "x")
    before = seen(works(DB), text, "192.0.2.1", rtt_ms=1.0)
    after = replace(
        seen(refused(DB), text + "2", "192.0.2.1"),
        findings=(finding,),
        addresses=(text, "192.0.2.1"),
    )
    row = kept(before, before, after, after)
    for width in (30, 78):
        for line in panel(row, width, 40) + panel(row, width, whole=True):
            assert_inert(line)
            assert cell_len(line) <= width
    assert_inert(past_markdown(row, 10.0))


# ------------------------------------------------------------------------------------ the words


def test_a_date_is_told_where_it_is_not_today() -> None:
    now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    assert time_of(now - timedelta(minutes=3), now) == "00:57:00"
    assert time_of(now - timedelta(hours=2), now) == "01 Mar 23:00"
    assert time_of(now - timedelta(days=400), now) == "26 Jan 2025 01:00"
    assert time_of(now, None) == "01:00:00"


def test_lengths_of_the_spells() -> None:
    assert [told for _, told in lengths(BROKEN.spells, None)] == ["now", "3m20s"]
    assert [told for _, told in lengths(BROKEN.spells, 260.0)] == ["1m00s so far", "3m20s"]
    assert [told for _, told in lengths((), 1.0)] == []


def test_the_markdown_of_the_past() -> None:
    assert past_markdown(replace(HEALTHY, since=None), 300.0) == ""
    assert past_markdown(HEALTHY, 300.0) == (
        "Since 2026-01-01 12:00:00+0000 (5m00s): ok; 100 checks, 0% lost of the last 60.\n"
    )
    told = past_markdown(BROKEN, 260.0)
    assert told.startswith("Since 2026-01-01 12:03:20+0000 (1m00s): failing; ")
    assert told.endswith(
        ".\n\n### Changed when it broke\n\n"
        "- addresses 192.0.2.1, 2001:db8::7 → 192.0.2.7, 2001:db8::7\n\n"
        "### Timeline\n\n"
        "- 2026-01-01 12:03:20+0000 ✗ failing (`tcp.refused`), 1m00s so far\n"
        "- 2026-01-01 12:00:00+0000 ✓ ok, 3m20s\n"
    )


# --------------------------------------------------------------------------------- on the screen


def living(*reports: TargetReport) -> World:
    """A world of db.example; `answers` change what its checks tell."""
    world = World(*reports)
    world.targets = [report.target for report in reports]
    return world


async def test_a_target_that_breaks_tells_what_changed_and_then_its_recovery() -> None:
    world = living(good())
    async with world.app(interval_s=0.25).run_test(size=(120, 50)) as pilot:
        await until(pilot, "1 ok")
        assert "Timeline" not in screen_text(pilot.app)
        world.answers[DB] = BAD
        text = await until(pilot, "when it broke")
        assert "Changed       when it broke: addresses 192.0.2.1" in text
        assert "2001:db8::7  ✗ TIMEOUT" in text
        assert "✗ failing   now" in text
        assert "Why db.example:5432, changed: addresses ─" in text, "also where the panel is low"
        world.answers[DB] = good()
        await until(pilot, "when it broke", gone=True)
        text = await until(pilot, "1 ok")
        assert text.count("✓ ok   ") >= 2 and "✗ failing" in text, "the past stays"


async def test_y_for_all_copies_the_past_too() -> None:
    world = living(good())
    async with world.app(interval_s=0.25).run_test(size=(120, 50), notifications=True) as pilot:
        await until(pilot, "1 ok")
        world.answers[DB] = BAD
        await until(pilot, "when it broke")
        await pilot.press("Y")
        await until(pilot, "written to")
        assert "### Changed when it broke\n\n- addresses 192.0.2.1" in pilot.app.clipboard
        assert "### Timeline" in pilot.app.clipboard


def exported(folder: Path) -> str:
    (path,) = folder.glob("netwhy-*.md")
    return path.read_text()


async def test_the_export_has_the_past_of_each_target_that_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    world = living(good(), works("web:443"))
    async with world.app(interval_s=0.25).run_test(size=(120, 50), notifications=True) as pilot:
        await until(pilot, "2 ok")
        world.answers[DB] = BAD
        await until(pilot, "when it broke")
        await pilot.press("e")
        await until(pilot, "Exported to")
    text = exported(tmp_path)
    (told,) = text.split("## Watched: ")[1:]
    assert told.startswith("db.example:5432\n\nSince 20") and ": failing; " in told
    assert "### Changed when it broke\n\n- addresses" in told
    assert text.startswith("# netwhy")


async def test_a_healthy_target_shows_its_chart_where_there_is_room() -> None:
    app = living(good()).app()
    async with app.run_test(size=(120, 50)) as pilot:
        await until(pilot, "1 ok")
        app.frozen = True
        app.refresh_views(replace(app.snapshot, rows=(HEALTHY,)))
        text = await until(pilot, "latency of the last 100 checks")
        assert "median" in text and "20 ms ┤" in text
        await pilot.resize_terminal(80, 20)
        await until(pilot, "latency of the last", gone=True)
        assert "median" in screen_text(app), "the numbers stay"


async def test_details_are_live_while_they_are_open() -> None:
    world = living(good())
    async with world.app(interval_s=0.25).run_test(size=(100, 60)) as pilot:
        await until(pilot, "1 ok")
        await pilot.press("enter")
        text = await until(pilot, "latency of the last")
        assert "Probes" in text and "20 ms ┤" in text
        caption = re.search(r"latency of the last \d+ checks", text)
        assert caption is not None
        await until(pilot, caption[0], gone=True)
        world.answers[DB] = BAD
        await until(pilot, "Changed       when it broke")
        assert isinstance(pilot.app.screen, TargetDetails)


async def test_a_screen_whose_panes_are_gone_gets_no_snapshot() -> None:
    app = living(good()).app()
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, "1 ok")
        await pilot.press("enter")
        await until(pilot, "Checks")
        await app.screen.remove_children()
        app.refresh_views(replace(app.snapshot, rows=(BROKEN,)))
        await pilot.press("escape")
        await until(pilot, "1 ok")


async def test_an_unchanged_row_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = Why._write

    def spy(self: Why, width: int) -> object:
        written.append(width)
        return write(self, width)

    app = living(good()).app()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, "1 ok")
        app.frozen = True
        app.refresh_views(replace(app.snapshot, rows=(HEALTHY,)))
        await until(pilot, "100 checks")
        monkeypatch.setattr(Why, "_write", spy)
        app.refresh_views(replace(app.snapshot, paused=True))
        await pilot.pause(0.1)
        assert written == []
        app.refresh_views(replace(app.snapshot, rows=(BROKEN,)))
        await until(pilot, "when it broke")
        await pilot.resize_terminal(100, 40)
        # For the row, and for the width.
        await eventually(lambda: len(written) >= 2 and len({*written}) == 2)


async def test_only_the_lines_that_changed_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    render = Text.render_line

    def spy(self: Text, y: int) -> object:
        if self.parent is not None and self.parent.id == "why":
            drawn.append(y)
        return render(self, y)

    app = living(good()).app()
    async with app.run_test(size=(100, 40)) as pilot:
        await until(pilot, "1 ok")
        app.frozen = True
        panel = app.screen.query_one("#why", TextPanel)
        lines = [((f"line {n}", ""),) for n in range(9)]
        panel.write(lambda width: lines)
        await until(pilot, "line 8")
        monkeypatch.setattr(Text, "render_line", spy)
        changed = [*lines[:4], (("another", "title"),), *lines[5:]]
        panel.write(lambda width: changed)
        text = await until(pilot, "another")
        assert "line 4" not in text and "line 5" in text
        assert set(drawn) == {4}
        drawn.clear()
        panel.write(lambda width: changed)
        await pilot.pause(0.1)
        assert drawn == [], "the same lines cost nothing"
        panel.write(lambda width: changed[:3])
        await until(pilot, "line 8", gone=True)
        shown = [line.strip() for line in screen_lines(app) if "line" in line]
        assert shown == ["line 0", "line 1", "line 2"]
