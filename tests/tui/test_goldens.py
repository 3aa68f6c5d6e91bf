"""Named states of the screen as text, at three sizes.

`NETWHY_GOLDENS=write pytest tests/tui/test_goldens.py` writes them anew: read them before
keeping them.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.tui.world import VANTAGE, World, offline, refused, until, until_it_is, works

from netwhy.core.model import Mark, RootCause, Target, TargetReport, Verdict
from netwhy.core.snapshot import Row, Snapshot
from netwhy.core.stats import LOST, Sample, answered
from netwhy.tui.app import NetwhyApp

pytestmark = pytest.mark.tui

GOLDENS = Path(__file__).parent / "goldens"
NOW = datetime(2026, 1, 1, 12, 4, 31, tzinfo=UTC)
SIZES = [(80, 24), (120, 36), (200, 50)]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def row(report: TargetReport, ago_s: float, samples: tuple[Sample, ...]) -> Row:
    """A row whose verdict is as old as that."""
    since = NOW - timedelta(seconds=ago_s)
    return Row(
        target=report.target,
        verdict=report.verdict,
        report=report,
        partial=None,
        since=since,
        since_s=10_000.0 - ago_s,
        samples=samples,
        last_ms=report.rtt_ms,
        checks=len(samples),
        confirming=False,
    )


def snapshot(*rows: Row, causes: tuple[RootCause, ...] = (), paused: bool = False) -> Snapshot:
    counts: dict[Verdict | None, int] = {}
    for each in rows:
        counts[each.verdict] = counts.get(each.verdict, 0) + 1
    return Snapshot(7, NOW, 10_000.0, rows, causes, VANTAGE, counts, paused)


def broken() -> Snapshot:
    """Two targets behind one cause, one degraded, two well."""
    steady = tuple(answered(0.4 + n % 3 / 10) for n in range(54))
    slow = tuple(answered(12.0 + n % 7 * 4) for n in range(60))
    shop = works("https://shop.example", 12.4)
    degraded = replace(
        shop,
        verdict=Verdict.DEGRADED,
        layers=(Mark.OK, Mark.OK, Mark.ABSENT, Mark.OK, Mark.WARN, Mark.OK),
    )
    cause = RootCause(
        "tcp.refused",
        "192.0.2.7",
        "192.0.2.7 runs no service",
        ("db.example:5432", "db.example:5433"),
    )
    return snapshot(
        row(works("192.0.2.4:22", 0.4), 18_660, steady),
        row(refused("db.example:5432"), 204, (*steady, *(LOST,) * 6)),
        row(degraded, 7_440, slow),
        row(refused("db.example:5433"), 202, (*steady, *(LOST,) * 5)),
        row(works("[2001:db8::7]:443", 3.0), 100, steady[:9]),
        causes=(cause,),
    )


def alone() -> Snapshot:
    """A machine without a network, and nothing else."""
    return snapshot(row(offline(), 3, (LOST, LOST)))


def nothing() -> Snapshot:
    return snapshot()


def started() -> Snapshot:
    """The first frame: targets that nobody has checked."""
    return NetwhyApp([Target("db.example:5432", refused("db.example:5432").target.kind)]).snapshot


STATES = {"broken": broken, "offline": alone, "empty": nothing, "started": started}
SHOWN = [(name, size, False) for name in ("broken", "offline") for size in SIZES] + [
    ("empty", (80, 24), False),
    ("started", (80, 24), False),
    ("broken", (80, 24), True),
]


@pytest.mark.parametrize(("name", "size", "ascii_only"), SHOWN)
async def test_the_screen(name: str, size: tuple[int, int], ascii_only: bool) -> None:
    state = replace(STATES[name](), taken_at=NOW, uptime_s=10_000.0, version=7)
    app = World().app(ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        await until(pilot, "No targets.")
        app.frozen = True
        app.refresh_views(state)
        await pilot.pause(0.2)
        # Frozen is only how the clock is stopped here.
        app.screen.query_one("Banner").show(state, frozen=False)  # type: ignore[attr-defined]
        path = golden(name, size, ascii_only)
        text = await until_it_is(pilot, path.read_text() if path.exists() else "")
    if os.environ.get("NETWHY_GOLDENS") == "write":
        write(path, text)
    assert not ascii_only or text.isascii(), set(filter(lambda c: not c.isascii(), text))
    assert text == path.read_text()


def golden(name: str, size: tuple[int, int], ascii_only: bool) -> Path:
    return GOLDENS / f"{name}{'-ascii' if ascii_only else ''}-{size[0]}x{size[1]}.txt"


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_no_golden_is_forgotten() -> None:
    assert set(GOLDENS.iterdir()) == {golden(*shown) for shown in SHOWN}
