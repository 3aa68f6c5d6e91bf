"""Whatever is done to the dashboard: it lives, or it leaves and gives the terminal back."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.terminal import Terminal
from tests.e2e.test_dashboard import assert_restored

pytestmark = pytest.mark.e2e


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    made = Terminal(tmp_path, environment, columns=80, rows=24)
    try:
        yield made
    finally:
        made.close()


def stopped(terminal: Terminal, folder: Path) -> None:
    """ctrl+z, and the shell is there with a terminal that is as before."""
    terminal.press("C-z")
    terminal.wait_for("Stopped")
    assert_restored(terminal, folder)


def test_ctrl_z_and_fg(terminal: Terminal, netwhy: str, tmp_path: Path) -> None:
    terminal.type("netwhy --interval 1 127.0.0.1:9")
    before = terminal.wait_for("tcp.refused")
    for _ in range(2):
        stopped(terminal, tmp_path)
        terminal.type("fg")
        screen = terminal.wait_for("tcp.refused")
        wanted = {line for line in before.split("\n") if "Why 127" in line or "LAST" in line}
        for line in wanted:  # drawn whole, also what has not changed
            terminal.wait_for(line)
        assert len(wanted) == 2, screen
        assert terminal.ask("alternate_on") == "1"
        assert terminal.ask("mouse_any_flag") == "1"
    terminal.press("q")
    assert_restored(terminal, tmp_path)


@pytest.mark.parametrize("number", ["TERM", "HUP", "INT"])
def test_a_stopped_one_can_be_ended(
    terminal: Terminal, netwhy: str, tmp_path: Path, number: str
) -> None:
    terminal.type("netwhy 127.0.0.1:9")
    terminal.wait_for("tcp.refused")
    stopped(terminal, tmp_path)
    terminal.type(f"clear; kill -{number} %1; kill -CONT %1; wait -f %1; jobs; echo jobs-are-told")
    screen = terminal.wait_for("\njobs-are-told")
    assert "Stopped" not in screen and "Running" not in screen
    assert_restored(terminal, tmp_path)


def test_a_stop_that_nobody_can_catch(terminal: Terminal, netwhy: str, tmp_path: Path) -> None:
    terminal.type("sh -c 'echo $$ > pid; exec netwhy --interval 1 127.0.0.1:9'")
    terminal.wait_for("tcp.refused")
    for _ in range(4):
        subprocess.run(["kill", "-STOP", (tmp_path / "pid").read_text().strip()], check=True)
        terminal.wait_for("Stopped")  # the shell writes over the screen
        terminal.type("fg")
        terminal.wait_until_gone("Stopped")
        time.sleep(1.5)  # what is typed while the terminal is taken up again is thrown away
        for key in ("?", "Escape"):  # each key comes once, and to us
            terminal.press(key)
            terminal.wait_for({"?": " Help ", "Escape": "LAST"}[key])
            time.sleep(0.2)
        assert terminal.ask("mouse_any_flag") == "1"
    terminal.press("q")
    assert_restored(terminal, tmp_path)


def test_the_stop_signal_from_elsewhere(terminal: Terminal, netwhy: str, tmp_path: Path) -> None:
    terminal.type("sh -c 'echo $$ > pid; exec netwhy 127.0.0.1:9'")
    terminal.wait_for("tcp.refused")
    subprocess.run(["kill", "-TSTP", (tmp_path / "pid").read_text().strip()], check=True)
    terminal.wait_for("Stopped")
    assert_restored(terminal, tmp_path)
    terminal.type("fg")
    terminal.wait_for("tcp.refused")
    terminal.press("q")
    assert_restored(terminal, tmp_path)


def test_a_storm_of_sizes(terminal: Terminal, netwhy: str, tmp_path: Path) -> None:
    """A hundred sizes in about a second, some too small for anything; the last one is drawn."""
    terminal.type("netwhy --interval 1 127.0.0.1:9 127.0.0.1:10 127.0.0.1:11")
    terminal.wait_for("tcp.refused")
    started = time.monotonic()
    for number in range(100):
        terminal.resize(1 + number * 37 % 200, 1 + number * 13 % 60)
        time.sleep(max(0.0, started + number * 0.01 - time.monotonic()))
    terminal.resize(100, 30)
    end = time.monotonic() + 30.0
    while True:
        lines = terminal.screen().split("\n")[:30]
        if len(lines) == 30 and lines[0].startswith(" netwhy") and "q quit" in lines[29]:
            break
        assert time.monotonic() < end, "\n".join(lines)
        time.sleep(0.1)
    terminal.wait_for("tcp.refused")
    terminal.press("q")
    assert_restored(terminal, tmp_path)


def test_the_window_is_closed(terminal: Terminal, netwhy: str, tmp_path: Path) -> None:
    terminal.type("sh -c 'echo $$ > pid; exec netwhy 127.0.0.1:9'")
    terminal.wait_for("tcp.refused")
    pid = int((tmp_path / "pid").read_text())
    terminal.close()
    end = time.monotonic() + 20.0
    while Path("/proc", str(pid)).exists():
        assert time.monotonic() < end, "it lives on without a terminal"
        time.sleep(0.05)
