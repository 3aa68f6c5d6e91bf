"""The filter and what lies beside it: what is not listed is not told, and esc does one thing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.world import World, refused, until, works

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
