"""Every view of the installed dashboard in a real terminal of 80x24, in each of its states."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.terminal import Terminal
from tests.e2e.test_dashboard import assert_restored
from tests.tui.sessions import an_outage

pytestmark = pytest.mark.e2e


@pytest.fixture
def terminal(tmp_path: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    made = Terminal(tmp_path, {**environment, "TZ": "UTC"}, columns=80, rows=24)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def ports() -> Iterator[tuple[int, int]]:
    """A port that is listened on, and one that nobody can listen on."""
    with socket.socket() as listening, socket.socket() as held:
        for one in (listening, held):
            one.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1], held.getsockname()[1]


def whole(terminal: Terminal, text: str) -> list[str]:
    """Wait until this is on a screen that is drawn from its first line to its last."""
    until = time.monotonic() + 30.0
    while True:
        screen = terminal.screen()
        lines = screen.split("\n")[:24]
        if text in screen and lines[0].startswith(" netwhy") and lines[23].endswith("q quit"):
            assert max(map(len, lines)) <= 80
            return lines
        assert time.monotonic() < until, f"{text!r} on a whole screen:\n{screen}"
        time.sleep(0.05)


def test_the_dashboard(
    terminal: Terminal, netwhy: str, ports: tuple[int, int], tmp_path: Path
) -> None:
    opened, closed = (f"127.0.0.1:{port}" for port in ports)
    terminal.type(f"netwhy --interval 1 {opened} {closed}")
    lines = whole(terminal, "tcp.refused")
    terminal.wait_for("1 ok")
    rows = [line for line in lines if opened in line or closed in line]
    assert closed in rows[0], "what fails is first"

    terminal.press("Space")
    whole(terminal, "FROZEN at")
    terminal.press("Space")
    terminal.press("p")
    whole(terminal, "PAUSED: no checks are made")
    terminal.press("p")

    terminal.type(f"/{ports[0]}")
    lines = whole(terminal, "Targets 1 of 2")
    assert not [line for line in lines if line.startswith((" ✗", "▌✗"))]
    terminal.type("/nothing-like-that")
    terminal.wait_for("Nothing matches the filter")
    terminal.press("Escape")
    terminal.wait_for("━ Targets 2 ")

    terminal.press("Enter")
    terminal.wait_for("esc: back")
    terminal.press("Escape")
    terminal.wait_for("━ Targets 2 ")
    terminal.press("a")
    terminal.wait_for("Add a target")
    terminal.type("fe80::1:::")
    terminal.wait_for("fe80::1:::'")
    for _ in range(12):
        terminal.press("BSpace")
    terminal.type("127.0.0.1:9")
    whole(terminal, "Targets 3")
    terminal.press("d")
    terminal.wait_for("removed. u brings it back")
    terminal.press("u")
    terminal.wait_for("Targets 3")
    terminal.press("q")
    assert_restored(terminal, tmp_path)


def test_the_dashboard_on_a_machine_without_a_network(
    terminal: Terminal, netwhy: str, tmp_path: Path
) -> None:
    alone = next((how for how in ("unshare -n", "unshare -rn") if _works(how)), None)
    if alone is None:
        pytest.skip("this user may not make a network namespace")
    terminal.type(f"{alone} netwhy")
    whole(terminal, "OFFLINE")
    whole(terminal, "local.offline")
    terminal.press("q")
    assert_restored(terminal, tmp_path)


def _works(how: str) -> bool:
    return subprocess.run([*how.split(), "true"], capture_output=True, check=False).returncode == 0


def test_the_ports(terminal: Terminal, netwhy: str, ports: tuple[int, int], tmp_path: Path) -> None:
    opened, _ = ports
    terminal.type(f"netwhy 127.0.0.1:{opened}")
    terminal.wait_for("1 ok")
    terminal.press("2")
    terminal.wait_for("Local listeners")
    terminal.type(f"/{opened}")
    whole(terminal, f'with "{opened}"')
    terminal.wait_for(f"{opened} loopback")
    terminal.wait_for(str(os.getpid()))

    terminal.press("Enter")
    terminal.wait_for("esc: back")
    terminal.press("Escape")
    terminal.wait_for("━ Local listeners 1 ")
    terminal.press("b")
    terminal.wait_for("Could I bind?")
    terminal.type(f"127.0.0.1:{opened}")
    terminal.wait_for("bind.in-use")
    terminal.type("/nothing-like-that")
    terminal.wait_for("Nothing matches the filter")
    terminal.press("Escape")
    terminal.wait_for(f"{opened} loopback")
    terminal.press("1")
    whole(terminal, "Targets 1")
    terminal.press("q")
    assert_restored(terminal, tmp_path)


def test_a_replay(terminal: Terminal, netwhy: str, tmp_path: Path) -> None:
    an_outage(tmp_path / "session").end()
    terminal.type("netwhy --replay session --speed 0.5")
    whole(terminal, "REPLAY of 2026-01-01 12:00:0")
    terminal.press("n")
    whole(terminal, "tcp.refused")
    terminal.press("p")
    whole(terminal, ", paused")
    for _ in range(2):
        terminal.press("n")
    whole(terminal, "the session ends here")
    terminal.press("q")
    assert_restored(terminal, tmp_path)
    terminal.type("echo oops > session; netwhy --replay session; echo exit-$?")
    screen = terminal.wait_for("\nexit-2")
    assert "netwhy: session:1: this is no recorded session" in screen


def test_a_recording(
    terminal: Terminal, netwhy: str, ports: tuple[int, int], tmp_path: Path
) -> None:
    terminal.type(f"netwhy --record session --interval 0.5 127.0.0.1:{ports[1]}")
    terminal.wait_for("tcp.refused")
    terminal.press("q")
    assert_restored(terminal, tmp_path)
    assert (tmp_path / "session").stat().st_mode & 0o777 == 0o600
    terminal.type("netwhy --replay session")
    terminal.wait_for("REPLAY of")
    whole(terminal, "tcp.refused")
    terminal.press("q")
    assert_restored(terminal, tmp_path)
