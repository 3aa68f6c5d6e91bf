"""Files are written beside the screen: a folder that hangs, is gone or refuses is only told."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tests.tui.world import World, refused, screen_text, until

pytestmark = pytest.mark.tui

DB = "db.example:5432"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state folder, which does not exist yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "netwhy"


@pytest.fixture
def hanging(state: Path) -> Path:
    """A file that takes nothing: a pipe without a reader, like a server that hangs."""
    state.mkdir(parents=True)
    os.mkfifo(state / "fix.txt")
    return state / "fix.txt"


def exported(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.glob("netwhy-*"))


async def test_a_file_that_nobody_takes_does_not_hold_the_screen(
    hanging: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netwhy.tui.handover.SLOW_S", 0.3)
    async with World(refused(DB)).app().run_test(size=(100, 40), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("y")
        assert pilot.app.clipboard == "systemctl status postgresql"
        await until(pilot, "Still waiting for")
        await pilot.press("space")
        await until(pilot, "FROZEN")
        assert "Also written" not in screen_text(pilot.app)  # type: ignore[arg-type]
        read = await asyncio.to_thread(hanging.read_text)
        assert read == "systemctl status postgresql\n"
        await until(pilot, "Also written to")


async def test_leaving_does_not_wait_for_such_a_file(hanging: Path) -> None:
    async with asyncio.timeout(30.0):  # it would wait for ever
        async with World(refused(DB)).app().run_test(size=(100, 40)) as pilot:
            await until(pilot, "1 failing")
            await pilot.press("y", "q")


async def test_without_a_current_folder_the_export_goes_to_the_state_folder(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        async with World(refused(DB)).app().run_test(size=(100, 40), notifications=True) as pilot:
            await until(pilot, "1 failing")
            await pilot.press("e")
            await until(pilot, "The current folder takes no files")
            await until(pilot, "Exported to")
    finally:
        os.chdir(tmp_path)
    assert exported(state) == [".json", ".md"]


async def test_an_export_that_cannot_be_written_anywhere_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        async with World(refused(DB)).app().run_test(size=(100, 40), notifications=True) as pilot:
            await until(pilot, "1 failing")
            await pilot.press("e")
            await until(pilot, "The export could not be written")
            await pilot.press("y")
            await until(pilot, "It could not be written to a file")
            assert pilot.app.clipboard == "systemctl status postgresql"
    finally:
        os.chdir(tmp_path)
