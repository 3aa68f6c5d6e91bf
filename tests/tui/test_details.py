"""The details of one target: what its Why offers can be done there too."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.tui.world import World, refused, screen_text, until, works

from netwhy.tui.app import NetwhyApp
from netwhy.tui.dashboard import Dashboard
from netwhy.tui.details import TargetDetails

pytestmark = pytest.mark.tui

DB = "db.example:5432"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def app(**options: object) -> NetwhyApp:
    return World(refused(DB), works("web.example:80")).app(**options)


@pytest.mark.parametrize("size", [(100, 40), (40, 12)], ids=str)
async def test_y_copies_the_marked_fix_and_f_marks_the_next(size: tuple[int, int]) -> None:
    async with app().run_test(size=size) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("enter")
        await until(pilot, "refused the connection" if size[0] > 60 else "refused the")
        await pilot.press("y")
        assert pilot.app.clipboard == "systemctl status postgresql"
        await pilot.press("f")
        await until(pilot, "▸2 ")
        await pilot.press("y")
        assert pilot.app.clipboard == "ss -ltnp 'sport = :5432'"
        await pilot.press("Y")
        assert pilot.app.clipboard.startswith("#")
        assert isinstance(pilot.app.screen, TargetDetails)


async def test_a_rebound_key_copies_there_and_is_what_the_label_says() -> None:
    async with app(keys={"why.copy": "z", "app.help": "f2"}).run_test(size=(100, 40)) as pilot:
        assert "[z] copy" in await until(pilot, "1 failing")
        await pilot.press("enter")
        text = await until(pilot, "Probes")
        assert "[z] copy" in text and "[y]" not in text and "f2: keys" in text
        await pilot.press("y")
        assert pilot.app.clipboard == ""
        await pilot.press("z")
        assert pilot.app.clipboard == "systemctl status postgresql"


async def test_w_leads_to_the_page_and_1_back_to_the_list() -> None:
    async with app().run_test(size=(100, 40)) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("enter")
        await until(pilot, "Probes")
        await pilot.press("w")
        await until(pilot, "tcp.refused")
        await until(pilot, "Found")
        await pilot.press("1")
        await until(pilot, "Targets 2")
        assert isinstance(pilot.app.screen, Dashboard)


async def test_question_mark_lists_its_keys_and_goes_back_to_it() -> None:
    async with app().run_test(size=(100, 40)) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("enter")
        await until(pilot, "Probes")
        await pilot.press("question_mark")
        text = await until(pilot, "Copy fix.")
        assert "Copy diagnosis." in text and "Remove." not in text
        await pilot.press("question_mark")
        await until(pilot, "Probes")
        assert isinstance(pilot.app.screen, TargetDetails)


async def test_a_target_that_is_gone_has_nothing_to_copy() -> None:
    async with app().run_test(size=(100, 40)) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("enter")
        await until(pilot, "Probes")
        pilot.app.remove_target(DB)  # type: ignore[attr-defined]
        await until(pilot, "no longer watched")
        await pilot.press("y")
        assert pilot.app.clipboard == "", screen_text(pilot.app)  # type: ignore[arg-type]
