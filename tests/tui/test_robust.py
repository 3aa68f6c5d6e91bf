"""Faults inside and around the dashboard, made for real on a pseudo-terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.tui.sessions import an_outage
from tests.tui.test_leaving import ENTERED, LEFT, MOUSE_OFF, START, Terminal

from netwhy.session.reading import Session
from netwhy.session.replay import Replay

pytestmark = pytest.mark.tui

PASTE_OFF, CURSOR_ON = b"\x1b[?2004l", b"\x1b[?25h"
ROOT = Path(__file__).parents[2]


@contextmanager
def running(code: str, *, size: tuple[int, int] | None = (36, 120)) -> Iterator[Terminal]:
    terminal = Terminal(code, size=size, keep_side=True)
    try:
        yield terminal
    finally:
        terminal.close()


def assert_given_back(terminal: Terminal) -> None:
    with contextlib.suppress(AssertionError):
        terminal.read_until(b"never", seconds=0.3)  # the rest
    for switch in (LEFT, MOUSE_OFF, PASTE_OFF, CURSOR_ON):
        assert switch in terminal.wrote, switch
    modes = termios.tcgetattr(terminal.side)[3]
    assert modes & termios.ECHO and modes & termios.ICANON


# ----------------------------------------------------------------------------- faults inside

FAULTS = {
    "drawing a line": (
        "from netwhy.tui.widgets.line_list import LineList\n"
        "def fail(self, *_): raise ValueError('boom')\n"
        "LineList.render_line = fail\n"
    ),
    "drawing the header": (
        "from netwhy.tui.widgets.top_line import TopLine\n"
        "def fail(self): raise ValueError('boom')\n"
        "TopLine.render = fail\n"
    ),
    "a key": (
        "from netwhy.tui.app import NetwhyApp\n"
        "async def fail(self): raise ValueError('boom')\n"
        "NetwhyApp.action_help = fail\n"
    ),
}


@pytest.mark.parametrize("where", FAULTS)
def test_a_crash_of_a_widget_gives_the_terminal_back(where: str) -> None:
    with running(FAULTS[where] + START) as terminal:
        if where == "a key":
            terminal.read_until(b"failing")
            os.write(terminal.main, b"?")
        assert terminal.ended(seconds=30.0) == 1
        assert_given_back(terminal)
        after = terminal.wrote.rpartition(LEFT)[2]
        assert b"ValueError" in after and b"boom" in after


SILENT = """
import asyncio, threading
from netwhy.tui.app import NetwhyApp
begin = NetwhyApp._begin
async def fail_later():
    raise KeyError("lost-task")
def fail():
    raise OSError("lost-thread")
async def start(self):
    await begin(self)
    if WHICH == "task":
        asyncio.create_task(fail_later(), name="mine")
        await asyncio.sleep(0.1)
        import gc; gc.collect()
    else:
        threading.Thread(target=fail, name="mine", daemon=True).start()
NetwhyApp._begin = start
"""


@pytest.mark.parametrize("which", ["task", "thread"])
def test_nothing_dies_without_a_word(which: str) -> None:
    with running(f"WHICH = {which!r}\n" + SILENT + START) as terminal:
        terminal.read_until(b"netwhy itself failed in")
        terminal.read_until(f"lost-{which}".encode())
        os.write(terminal.main, b"q")
        assert terminal.ended(seconds=20.0) == 0
        assert_given_back(terminal)


# ----------------------------------------------------------------------------- faults around

RESOLVER = """
import socket
udp, tcp = socket.socket(type=socket.SOCK_DGRAM), socket.socket()
for one in (udp, tcp):
    one.bind(("127.0.0.1", 53))
tcp.listen(8)
"""


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root")
def test_a_resolver_that_blocks_for_minutes_does_not_hold_the_exit(tmp_path: Path) -> None:
    """The C library would wait 150 s for this one."""
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    code = RESOLVER + START.replace("127.0.0.1:9", "silent.example.com:443")
    shell = f'ip link set lo up; mount --bind {conf} /etc/resolv.conf; exec "$@"'
    inside = ["unshare", "-n", "-m", "sh", "-c", shell, "sh", sys.executable, "-c", code]
    with running(f"import os\nos.execvp('unshare', {inside!r})") as terminal:
        terminal.read_until(b"silent.example.com")
        time.sleep(2.0)
        asked = time.monotonic()
        os.write(terminal.main, b"q")
        assert terminal.ended(seconds=30.0) == 0
        assert time.monotonic() - asked < 10.0, "it would wait for minutes"
        assert_given_back(terminal)


EVIL = b"\x1b]0;pwned\x07\x1b[2J\x1b[31mEVIL\x1b[?1049l\x1b[?1000l\x9b31m\r\n"


@contextmanager
def evil_service() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client = listening.accept()[0]
                    with client, contextlib.suppress(OSError):
                        client.sendall(EVIL)
                        client.settimeout(1.0)
                        client.recv(1000)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_banner_of_escape_codes_is_only_text() -> None:
    with evil_service() as port:
        code = START.replace("127.0.0.1:9", f"tcp://127.0.0.1:{port}?send=HI&expect=READY")
        with running(code) as terminal:
            terminal.read_until(ENTERED)
            terminal.read_until(b"EVIL")
            time.sleep(0.5)
            with contextlib.suppress(AssertionError):
                terminal.read_until(b"never", seconds=0.5)
            for harm in (b"\x1b]0;pwned", b"\x1b[31mEVIL", b"EVIL\x1b[?1049l", b"\x9b31m"):
                assert harm not in terminal.wrote, harm
            assert LEFT not in terminal.wrote
            os.write(terminal.main, b"q")
            assert terminal.ended(seconds=20.0) == 0
            assert_given_back(terminal)


def test_a_storm_of_sizes_leaves_it_alive() -> None:
    with running(START) as terminal:
        terminal.read_until(b"failing")
        for number in range(100):
            termios.tcsetwinsize(terminal.main, (1 + number * 13 % 60, 1 + number * 37 % 200))
            terminal.process.send_signal(signal.SIGWINCH)
            with contextlib.suppress(AssertionError):
                terminal.read_until(b"never", seconds=0.01)
        os.write(terminal.main, b"q")
        assert terminal.ended(seconds=20.0) == 0
        assert_given_back(terminal)


# ------------------------------------------------------------------------------- the session

RECORDED = """
import sys
from pathlib import Path
from netwhy.core.target import parse
from netwhy.session.recorder import Recorder, opened
from netwhy.tui.start import run_dashboard
recorder = Recorder(opened(Path(FILE)), FILE, interval_s=0.3)
sys.exit(run_dashboard([parse("127.0.0.1:9")], interval_s=0.3, recorder=recorder))
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_recorded_is_there_after_a_violent_end(
    number: signal.Signals, tmp_path: Path
) -> None:
    file = tmp_path / "session"
    with running(f"FILE = {str(file)!r}\n" + RECORDED) as terminal:
        terminal.read_until(b"failing")
        ends = time.monotonic() + 20.0
        while file.read_bytes().count(b'"event":"checked"') < 4 and time.monotonic() < ends:
            with contextlib.suppress(AssertionError):
                terminal.read_until(b"never", seconds=0.1)
        terminal.process.send_signal(number)
        terminal.ended(seconds=20.0)
    shown = Replay(Session(file))
    shown.advance(1000)
    [row] = shown.snapshot().rows
    assert row.checks >= 3 and row.report is not None
    assert row.report.diagnosis is not None and row.report.diagnosis.cause == "tcp.refused"


#: Whatever has to do with a network ends the process at once, and says what it was.
NO_NETWORK = """
import os, socket, sys
def watch(event, args):
    network = event == "socket.__new__" and args[1] != socket.AF_UNIX
    if network or event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg",
                            "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen"):
        os.write(2, f"NETWORK {event} {args}".encode())
        os._exit(77)
sys.addaudithook(watch)
from pathlib import Path
from netwhy.session.reading import Session
from netwhy.session.replay import Replay
from netwhy.tui.start import run_dashboard
sys.exit(run_dashboard((), interval_s=2.0, replay=Replay(Session(Path(FILE)), speed=16.0)))
"""


def test_a_replay_touches_no_network(tmp_path: Path) -> None:
    file = tmp_path / "session"
    an_outage(file).end()
    with running(f"FILE = {str(file)!r}\n" + NO_NETWORK) as terminal:
        terminal.read_until(b"REPLAY of")
        for key in b"2b1namrdu":
            os.write(terminal.main, bytes([key]))
            time.sleep(0.15)
        os.write(terminal.main, b"\x1b")
        terminal.read_until(b"ends here")
        os.write(terminal.main, b"\x1b")
        time.sleep(1.0)  # else both are one key, with alt
        os.write(terminal.main, b"q")
        assert terminal.ended(seconds=20.0) == 0, terminal.wrote[-300:]
        assert b"NETWORK" not in terminal.wrote
    code = NO_NETWORK.split("from pathlib")[0] + "socket.socket()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 77, "the watch must see what it is there for"


def test_nothing_grows_in_half_a_minute() -> None:
    """The soak in small; `make soak` takes ten minutes."""
    command = [sys.executable, "scripts/soak.py", "--targets", "16", "--interval", "0.5"]
    done = subprocess.run(
        [*command, "--seconds", "28", "--warm", "12", "--growth", "8"],
        cwd=ROOT, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout and "rss_kb" in done.stdout
