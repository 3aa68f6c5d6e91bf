"""The filter and what lies beside it: what is not listed is not told, and esc does one thing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.world import World, refused, screen_text, until, works

pytestmark = pytest.mark.tui

DB = "db.example:5432"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.parametrize("size", [(100, 30), (180, 40)], ids=str)
async def test_where_nothing_is_listed_nothing_is_told_or_copied(size: tuple[int, int]) -> None:
    app = World(refused(DB), works("web.example:80")).app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, "Why db.example")
        await pilot.press("slash", *"zzz", "enter")
        text = await until(pilot, "No target is listed")
        assert "refused" not in text and "Why db" not in text
        await pilot.press("y", "Y")
        await until(pilot, "There is no diagnosis to copy")
        assert app.clipboard == ""
        await pilot.press("escape")
        text = await until(pilot, "refused the connection")
        assert "Why db.example" in text


async def test_esc_closes_the_answer_about_a_bind_and_then_drops_the_filter() -> None:
    app = World(works("web.example:80")).app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await until(pilot, "Local listeners 2")
        await pilot.press("slash", *"5432", "enter")
        await until(pilot, "Local listeners 1 of 2")
        await pilot.press("b", *"7500", "enter")
        await until(pilot, "Could I bind :7500?")
        await pilot.press("escape")
        text = await until(pilot, "Could I bind", gone=True)
        assert "Local listeners 1 of 2" in text and "server5432" in text
        await pilot.press("escape")
        await until(pilot, "Local listeners 2 ")


async def test_esc_in_the_filter_drops_it_and_leaves_the_answer() -> None:
    app = World(works("web.example:80")).app()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await until(pilot, "Local listeners 2")
        await pilot.press("b", *"7500", "enter")
        await until(pilot, "Could I bind :7500?")
        await pilot.press("slash", *"2")
        await until(pilot, 'with "2"')
        await pilot.press("escape")
        await until(pilot, 'with "2"', gone=True)
        assert "Could I bind :7500?" in screen_text(app)
