"""The configuration file while it is in use, on a real disk."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from netwhy.core.config import load_text
from netwhy.core.settings import Settings
from netwhy.monitor import configuration
from netwhy.monitor.configuration import Configuration, Follower

FIRST = 'targets = ["a.example:1"]\n'


def put(path: Path, text: str) -> None:
    path.write_text(text)


def swap(path: Path, text: str) -> None:
    path.rename(path.with_suffix(".bak"))
    path.write_text(text)


def close(path: Path) -> None:
    """Nobody can read a folder, not even root."""
    path.unlink()
    path.mkdir()


class Told:
    """A follower of a file, and what it told."""

    def __init__(self, path: Path) -> None:
        self.settings: list[Settings] = []
        self.problems: list[str | None] = []
        start = load_text(path.read_bytes()) if path.exists() else Settings()
        follower = Follower(Configuration(path, start), self.settings.append, self.problems.append)
        self.task = asyncio.create_task(follower.follow())

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(1000):
            if condition():
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"never so: {self.settings} {self.problems}")


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "LOOK_S", 0.05)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    put(tmp_path / "netwhy.toml", FIRST)
    return tmp_path / "netwhy.toml"


def targets(settings: Settings) -> list[str]:
    return [target.text for target in settings.targets]


async def test_what_is_there_at_the_start_is_no_change(path: Path) -> None:
    told = Told(path)
    await told.until(lambda: told.problems == [None])
    os.utime(path)  # touched
    await told.until(lambda: len(told.problems) == 2)
    assert told.settings == []
    told.task.cancel()


@pytest.mark.parametrize("way", ["in place", "replaced", "longer way"])
async def test_a_change_is_told_once(path: Path, way: str) -> None:
    told = Told(path)
    await told.until(lambda: told.problems == [None])
    new = FIRST + "interval = 5\n"
    if way == "in place":
        put(path, new)
    elif way == "replaced":
        other = path.with_suffix(".new")
        other.write_text(new)
        other.replace(path)
    else:  # as some editors do: the old one away, then the new one under its name
        swap(path, new)
    await told.until(lambda: len(told.settings) == 1)
    await asyncio.sleep(0.3)
    assert [(s.interval_s, targets(s)) for s in told.settings] == [(5.0, ["a.example:1"])]
    assert set(told.problems) == {None}
    told.task.cancel()


async def test_a_fault_is_told_with_its_line_until_it_is_right(path: Path) -> None:
    told = Told(path)
    await told.until(lambda: told.problems == [None])
    put(path, FIRST + "\nintervall = 5\n")
    await told.until(lambda: len(told.problems) == 2)
    assert told.problems[1] == (
        f"{path}:3: unknown key 'intervall'; there are interval, timeout, retries, theme, bell, "
        "targets, keys; did you mean 'interval'?; what it said before stays"
    )
    put(path, FIRST + "\ninterval = 5\n")
    await told.until(lambda: len(told.settings) == 1)
    assert told.problems[2] is None
    told.task.cancel()


async def test_a_half_written_file_is_not_read(path: Path) -> None:
    """An editor that empties the file first must not take every target away."""
    told = Told(path)
    await told.until(lambda: told.problems == [None])
    for _ in range(6):
        with path.open("w") as opened:
            await asyncio.sleep(0.03)
            opened.write(FIRST)
    await asyncio.sleep(0.3)
    assert told.settings == []
    told.task.cancel()


async def test_a_file_that_vanishes_is_told_and_one_that_never_was_is_not(tmp_path: Path) -> None:
    path = tmp_path / "later.toml"
    told = Told(path)
    await asyncio.sleep(0.3)
    assert set(told.problems) <= {None} and told.settings == []
    put(path, FIRST)
    await told.until(lambda: len(told.settings) == 1)
    path.unlink()
    await told.until(lambda: told.problems[-1] is not None)
    assert told.problems[-1] == f"{path}: the configuration is gone; what it said stays"
    assert len(told.settings) == 1
    told.task.cancel()


async def test_a_file_that_cannot_be_read_is_told(path: Path) -> None:
    told = Told(path)
    close(path)
    await told.until(lambda: bool(told.problems) and "s a directory" in str(told.problems[-1]))
    told.task.cancel()


async def test_what_changes_while_it_is_read_is_read_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = FIRST + "interval = 7\n"
    read = 0

    def slowly(data: bytes, name: Path) -> Settings:
        nonlocal read
        read += 1
        if read == 1:
            put(path, whole)
        return load_text(data, name)

    told = Told(path)
    await asyncio.sleep(0.2)
    monkeypatch.setattr(configuration, "load_text", slowly)
    put(path, "")
    await told.until(lambda: read >= 2 and bool(told.settings))
    assert [found.interval_s for found in told.settings] == [7.0]
    told.task.cancel()
