"""The other commands, run for real: ports, explain, help, and the dashboard without a terminal."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.net.command import NETWHY, environment, listener, netwhy
from tests.opened import PROJECT, as_nobody

COMMANDS = ("check", "bind", "ports", "explain")


def test_ports_shows_a_listener_with_its_process(tmp_path: Path) -> None:
    with listener() as port:
        table = netwhy(tmp_path, "ports", "--port", str(port))
        document = json.loads(netwhy(tmp_path, "ports", str(port), "--format", "json").out)
    assert table.code == 0
    header, row, gap, _heading, *served = table.out.splitlines()
    assert gap == "" and served[0].split()[-1] == "127.0.0.1" and str(os.getpid()) in served[0]
    assert header.split()[:3] == ["PROTO", "ADDRESS", "PORT"]
    assert row.split()[:4] == ["tcp", "127.0.0.1", str(port), "loopback"]
    assert str(os.getpid()) in row.split()
    (found,) = document["sockets"]
    assert found["owners"][0]["pid"] == os.getpid()


def test_ports_says_when_nothing_fits(tmp_path: Path) -> None:
    ended = netwhy(tmp_path, "ports", "no such process anywhere")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "No listener fits.\n"


@pytest.mark.parametrize("port", ["0x50", "70000", "9-1", "http", ""])
def test_ports_refuses_what_is_no_port(tmp_path: Path, port: str) -> None:
    ended = netwhy(tmp_path, "ports", "--port", port)
    assert ended.code == 2 and len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["tcp.refused"], "tcp.refused"),
        (["ECONNREFUSED"], "ECONNREFUSED"),
        (["10061"], "ECONNREFUSED"),
        (["ConnectionResetError"], "ECONNRESET"),
        (["EAI_NONAME"], "EAI_NONAME"),
    ],
)
def test_explain_knows(tmp_path: Path, words: list[str], told: str) -> None:
    ended = netwhy(tmp_path, "explain", *words)
    assert ended.code == 0, ended.err
    assert told in ended.out
    assert "\x1b" not in ended.out


def test_explain_reads_standard_input(tmp_path: Path) -> None:
    line = "psql: error: connection refused: [Errno 111] Connection refused\x1b[31m\n"
    ended = netwhy(tmp_path, "explain", "-", stdin=line)
    assert ended.code == 0
    assert "ECONNREFUSED" in ended.out
    assert "\x1b" not in ended.out


def test_explain_names_the_endpoints_in_a_log_and_checks_them(tmp_path: Path) -> None:
    with socket.socket() as held:  # bound and not listening: nobody else can
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        log = f"x\nconnect to 127.0.0.1:{port} failed: Connection refused\nand [::1]:{port} too\n"
        ended = netwhy(tmp_path, "explain", "-", stdin=log)
        assert ended.code == 0 and ended.err == ""
        assert f"Endpoints in it: 127.0.0.1:{port}, [::1]:{port}" in ended.out
        assert f"netwhy check 127.0.0.1:{port} '[::1]:{port}'" in ended.out
        checked = netwhy(tmp_path, "explain", "--check", f"127.0.0.1:{port} refused me")
        assert checked.code == 1
        assert "tcp.refused" in checked.out and "netwhy check" not in checked.out
    none = netwhy(tmp_path, "explain", "--check", "ECONNREFUSED")
    assert none.code == 2 and "no endpoint is named" in none.err


def test_explain_admits_what_it_does_not_know(tmp_path: Path) -> None:
    ended = netwhy(tmp_path, "explain", "ECONREFUSED")
    assert ended.code == 1
    assert "ECONNREFUSED" in ended.out + ended.err


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_shows_an_example_and_only_what_there_is(tmp_path: Path, command: str) -> None:
    words = [command] if command else []
    ended = netwhy(tmp_path, *words, "--help")
    assert ended.code == 0 and ended.err == ""
    assert "examples:" in ended.out
    for later in ("netwhy watch", "netwhy path", "netwhy listen", "netwhy hold", "netwhy serve"):
        assert later not in ended.out


def test_help_of_the_whole_names_every_command(tmp_path: Path) -> None:
    text = netwhy(tmp_path, "--help").out
    assert all(f"netwhy {command}" in text for command in COMMANDS)


def test_version(tmp_path: Path) -> None:
    from netwhy import __version__

    assert netwhy(tmp_path, "--version").out == f"netwhy {__version__}\n"


@pytest.mark.parametrize(
    "args",
    [["check", "--nope"], ["check", "--timeout", "-1"], ["check", "--family", "5"], ["explain"]],
)
def test_a_wrong_option_is_one_line_and_exit_2(tmp_path: Path, args: list[str]) -> None:
    ended = netwhy(tmp_path, *args)
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1 and "--help" in ended.err


@pytest.mark.parametrize("args", [[], ["127.0.0.1:9"], ["--ascii"]])
def test_without_a_terminal_the_dashboard_says_what_to_use(tmp_path: Path, args: list[str]) -> None:
    ended = netwhy(tmp_path, *args)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert "netwhy check" in line and "\x1b" not in line


def test_closed_streams_are_survived(tmp_path: Path) -> None:
    with listener() as port:
        for closing, code in (("<&-", 0), ("2>&-", 0), (">&-", 2)):
            shell = f'exec "$@" {closing}'
            done = subprocess.run(
                ["sh", "-c", shell, "sh", *NETWHY, "check", f"127.0.0.1:{port}"],
                capture_output=True,
                encoding="utf-8",
                env=environment(tmp_path),
                timeout=20,
                check=False,
            )
            assert done.returncode == code, (closing, done)
            assert "Traceback" not in done.stderr


def test_an_option_may_stand_before_the_command(tmp_path: Path) -> None:
    with listener() as port:
        ended = netwhy(tmp_path, "--log-file", "log", "check", f"127.0.0.1:{port}")
    assert ended.code == 0 and (tmp_path / "log").exists()


def test_a_log_that_cannot_be_written_starts_nothing(tmp_path: Path) -> None:
    ended = netwhy(tmp_path, "check", "127.0.0.1:9", "--log-file", "no/such/folder")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1


def test_a_filter_says_what_it_could_not_see(tmp_path: Path) -> None:
    """Another user's server cannot fit by its name: that is not the same as no server."""
    if os.geteuid() != 0:
        pytest.skip("needs two users")
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = str(held.getsockname()[1])
        command = [*as_nobody(), sys.executable, "-m", "netwhy", "ports"]
        env = {"PYTHONPATH": str(PROJECT / "app"), "PATH": os.environ["PATH"], "HOME": "/none"}
        done = subprocess.run(
            [*command, "--port", port, "--process", "py"],
            capture_output=True,
            text=True,
            timeout=30,
            env=env,
        )
    assert done.returncode == 1
    assert "No listener fits." in done.stderr and "may not see" in done.stderr
