"""The installed command from outside: pipes, missing terminals, interruptions."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e


@pytest.fixture
def silent_service() -> Iterator[int]:
    """A port of this machine whose queue is full: connecting to it gets no answer."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        yield port
        for client in waiting:
            client.close()


def shell(line: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, env=environment, cwd=folder, timeout=60,
    )  # fmt: skip


def test_no_terminal_says_what_to_use(
    netwhy: str, environment: dict[str, str], tmp_path: Path
) -> None:
    done = shell(f"{shlex.quote(netwhy)} </dev/null | cat", environment, tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "check" in done.stderr and done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


def test_a_closed_pipe_ends_quietly(
    netwhy: str, environment: dict[str, str], tmp_path: Path
) -> None:
    targets = " ".join(f"127.0.0.1:{port}" for port in range(1, 60))
    done = shell(
        f"set +o pipefail; {shlex.quote(netwhy)} check {targets} | head -n 1", environment, tmp_path
    )
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_a_pipe_gets_text_without_colour(
    netwhy: str, environment: dict[str, str], tmp_path: Path
) -> None:
    done = shell(f"{shlex.quote(netwhy)} check 127.0.0.1:9 | cat", environment, tmp_path)
    assert "tcp.refused" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


def test_one_impossible_target_does_not_stop_the_others(
    netwhy: str, environment: dict[str, str], tmp_path: Path
) -> None:
    done = shell(f"{shlex.quote(netwhy)} check 'tcp://:::' 127.0.0.1:9", environment, tmp_path)
    assert done.returncode == 2
    assert "tcp.refused" in done.stdout
    assert done.stderr.count("\n") == 1 and "tcp://:::" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_ends_within_a_second(
    netwhy: str,
    environment: dict[str, str],
    silent_service: int,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    command = [netwhy, "check", "--timeout", "12", f"127.0.0.1:{silent_service}", "127.0.0.1:9"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment, cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        first = ""  # what is told of the one that ends at once
        while "tcp.refused" not in first and (line := process.stdout.readline()):
            first += line
        assert process.poll() is None, "the check must still be at work"
        os.kill(process.pid, number)
        sent = time.monotonic()
        stdout, _stderr = process.communicate(timeout=30)
        took = time.monotonic() - sent
    assert took <= 2.0, "a second, and what a busy machine adds"
    assert process.returncode == (130 if number == signal.SIGINT else process.returncode)
    assert process.returncode != 0
    assert "tcp.refused" in first + stdout, "what was learned is written"
