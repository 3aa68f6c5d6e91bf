"""The installed dashboard in a real terminal: a failing target explained, exported, and left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.terminal import Terminal

pytestmark = pytest.mark.e2e


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    made = Terminal(tmp_path, environment)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that nobody can listen on while the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def assert_restored(terminal: Terminal, folder: Path) -> None:
    """The terminal is as before: the shell's own screen, cursor, echo and line mode."""
    terminal.wait_for_prompt()
    assert terminal.ask("alternate_on") == "0"
    assert terminal.ask("cursor_flag") == "1"
    for mode in ("mouse_any_flag", "mouse_sgr_flag", "bracket_paste_flag"):
        # tmux 3.3 has no word for pasting; what it does not know is empty.
        assert terminal.ask(mode) in ("0", ""), mode
    terminal.type("stty -a > modes; echo typed-and-seen")
    terminal.wait_for("\ntyped-and-seen")
    assert "echo typed-and-seen" in terminal.screen(), "what is typed must be seen"
    # bash reads lines by itself, so the modes that it leaves to programs are what counts.
    modes = (folder / "modes").read_text().split()
    assert {"isig", "icanon", "echo", "icrnl", "opost"} <= {m.strip(";") for m in modes}


def test_a_failing_target_is_explained_exported_and_left(
    terminal: Terminal, netwhy: str, closed_port: int, tmp_path: Path
) -> None:
    terminal.type(f"netwhy 127.0.0.1:{closed_port}")
    for part in ("tcp.refused", "How we know", "RST", "1 failing"):  # it is drawn bit by bit
        screen = terminal.wait_for(part)
    assert terminal.ask("alternate_on") == "1"
    assert f"127.0.0.1:{closed_port}" in screen
    assert "How we know" in screen and "RST" in screen
    assert "1 failing" in screen

    terminal.press("e")
    terminal.wait_for("Exported")
    [written] = tmp_path.glob("*.json")
    [markdown] = tmp_path.glob("*.md")
    document = json.loads(written.read_text())
    assert document["schema"] == "netwhy.check/1"
    assert document["targets"][0]["findings"][0]["cause"] == "tcp.refused"
    assert "tcp.refused" in markdown.read_text()

    terminal.press("q")
    assert_restored(terminal, tmp_path)
    terminal.type("echo exit-$?")
    terminal.wait_for("\nexit-0")


def test_ctrl_c_leaves_and_restores_the_terminal(
    terminal: Terminal, netwhy: str, closed_port: int, tmp_path: Path
) -> None:
    terminal.type(f"netwhy 127.0.0.1:{closed_port}")
    terminal.wait_for("tcp.refused")
    terminal.press("C-c")
    assert_restored(terminal, tmp_path)


def test_a_signal_restores_the_terminal(
    terminal: Terminal, netwhy: str, closed_port: int, tmp_path: Path
) -> None:
    terminal.type(f"sh -c 'echo $$ > pid; exec netwhy 127.0.0.1:{closed_port}'")
    terminal.wait_for("tcp.refused")
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)
    assert_restored(terminal, tmp_path)
