"""What the configuration says of targets and checks reaches the screen and the engine."""

from __future__ import annotations

import argparse
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.net.servers import eventually
from tests.tui.world import World, refused, screen_lines, screen_text, until, works

from netwhy.commands import dashboard as command
from netwhy.core.config import load_text
from netwhy.core.model import TargetReport
from netwhy.core.target import parse
from netwhy.tui.app import NetwhyApp

pytestmark = pytest.mark.tui

TOML = """
timeout = 0.3
[[targets]]
target = "web.example:80"
label = "shop [front]"
group = "web"
interval = 30
[[targets]]
target = "db.example:5432"
group = "data"
[[targets]]
target = "web.example:81"
group = "web"
[[targets]]
target = "192.0.2.4:22"
"""


def configured() -> World:
    """The targets of the file; the database fails."""
    world = World()
    world.targets = list(load_text(TOML).targets)
    for target in world.targets:
        made = refused if target.port == 5432 else works
        found = made(target.text)
        world.answers[target.text] = TargetReport(
            target, found.verdict, found.addresses, found.findings, layers=found.layers
        )
    return world


def rows(app: NetwhyApp) -> list[str]:
    """The rows of the list, without the cursor, the columns and more than one blank."""
    lines = screen_lines(app)
    first = next(n for n, line in enumerate(lines) if "TARGET" in line) + 1
    return [" ".join(line.strip("▌ ").split()) for line in lines[first : first + 7]]


async def test_labels_groups_and_intervals_are_shown() -> None:
    async with configured().app().run_test(size=(120, 30), notifications=True) as pilot:
        app: NetwhyApp = pilot.app  # type: ignore[assignment]
        await until(pilot, "1 failing", "3 ok")
        begins = (
            "▾ data ✗ 1 failing", "✗ failing db.example:5432", "▾ web ✓ 2 ok", "✓ ok shop [front]",
            "✓ ok web.example:81", "▾ no group ✓ 1 ok", "✓ ok 192.0.2.4:22",
        )  # fmt: skip
        shown = zip(rows(app), begins, strict=True)
        assert [line for line, begin in shown if not line.startswith(begin)] == []
        await pilot.press("down", "enter")
        await until(pilot, "▸ web")
        assert "▸ web ✓ 2 ok" in rows(app), "enter folds the group of a heading"
        await pilot.press("enter")
        await until(pilot, "▾ web")
        await pilot.press("down", "enter")
        text = await until(pilot, "every 30 s at most")
        assert "web.example:80" in text, "the label does not hide what is checked"
        assert any(line.split()[1:3] == ["Group", "web"] for line in text.splitlines())


async def test_there_are_no_headings_of_groups_where_there_are_none() -> None:
    async with (
        World(works("a.example:1")).app().run_test(size=(100, 30), notifications=True) as pilot
    ):
        await until(pilot, "1 ok")
        assert "no group" not in screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.press("o")
        await until(pilot, "No target has a group")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A loopback port whose queue is full: the kernel drops each further SYN."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
            waiting.append(one)
        yield listening.getsockname()[1]
        for one in waiting:
            one.close()


async def test_the_timeout_reaches_the_engine(silent_port: int) -> None:
    app = NetwhyApp([parse(f"127.0.0.1:{silent_port}")], interval_s=30.0, timeout_s=0.4)
    async with app.run_test(size=(120, 40)):
        await eventually(lambda: app.snapshot.rows[0].report is not None)
        report = app.snapshot.rows[0].report
        assert report is not None
        silent = [row.ms for row in report.probes if row.error == "TIMEOUT" and row.probe == "tcp"]
        assert silent and all(ms is not None and 350 < ms < 2500 for ms in silent)


def test_the_command_hands_over_what_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed: dict[str, object] = {}
    monkeypatch.setattr(command, "terminal", lambda _stream: True)
    monkeypatch.setattr(
        "netwhy.tui.start.run_dashboard", lambda targets, **options: handed.update(options) or 0
    )
    (tmp_path / "netwhy.toml").write_text(TOML)
    args = argparse.Namespace(
        config=str(tmp_path / "netwhy.toml"),
        targets=[],
        interval=None,
        theme=None,
        bell=False,
        no_mouse=True,
        ascii=True,
        record=None,
        replay=None,
        speed=None,
    )
    assert command.dashboard(args) == 0
    assert (handed["timeout_s"], handed["interval_s"], handed["mouse"]) == (0.3, 2.0, False)
