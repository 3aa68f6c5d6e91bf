"""The real command in a process of its own, and real sockets on loopback for it to look at."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

APP = Path(__file__).resolve().parents[2] / "app"
NETWHY = (sys.executable, "-m", "netwhy")
LIMIT_S = 60.0


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def environment(home: Path, **more: str) -> dict[str, str]:
    """An environment with nothing of the developer's own settings in it."""
    kept = {k: os.environ[k] for k in ("PATH", "LANG", "SYSTEMROOT") if k in os.environ}
    own = {"PYTHONPATH": str(APP), "PYTHONIOENCODING": "utf-8", "HOME": str(home)}
    return {**kept, **own, **more}


def netwhy(home: Path, *args: str, stdin: str = "", **env: str) -> Ended:
    """Run the command to its end."""
    done = subprocess.run(
        [*NETWHY, *args],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=LIMIT_S,
        env=environment(home, **env),
        cwd=home,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def start(home: Path, args: Sequence[str], **kinds: object) -> subprocess.Popen[str]:
    """Start the command with pipes, in a process group of its own."""
    return subprocess.Popen(
        [*NETWHY, *args],
        stdin=subprocess.DEVNULL,
        stdout=kinds.get("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=environment(home),
        cwd=home,
        start_new_session=True,
    )


def in_terminal(home: Path, *args: str, keys: bytes = b"", **env: str) -> tuple[int, str]:
    """Run the command on a terminal of its own; the exit code and all that it wrote there."""
    pid, master = pty.fork()
    if pid == 0:  # the child: becomes the command
        os.chdir(home)
        os.execve(sys.executable, [*NETWHY, *args], environment(home, TERM="xterm", **env))
    os.write(master, keys)
    seen = b""
    ends = time.monotonic() + LIMIT_S
    while time.monotonic() < ends:
        if not select.select([master], [], [], 0.5)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:  # Linux: the other side is closed
            break
        if not data:
            break
        seen += data
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(master)
    _pid, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status), seen.decode()


@contextlib.contextmanager
def listener(address: str = "127.0.0.1") -> Iterator[int]:
    """A port that accepts connections."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as server:
        server.bind((address, 0))
        server.listen(16)
        yield server.getsockname()[1]


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """A port on which nothing listens, and nothing else can begin to."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port that answers no SYN: its listen queue is full and nobody accepts."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        time.sleep(0.05)
        yield server.getsockname()[1]
