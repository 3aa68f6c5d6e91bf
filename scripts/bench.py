"""Speed, as ratios to peers that ran interleaved with it in the same run.

    python scripts/bench.py [REPETITIONS]

The last group runs amid 1,000 processes with 50,000 sockets (scripts/crowd.py); it needs root.

Whole processes are timed, start included: that is what somebody at a prompt waits for.  Only
loopback is used.  A peer that is not installed is left out.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median

PYTHON = sys.executable
NETWHY = str(Path(sys.executable).with_name("netwhy"))
EMPTY_APP = (
    "from textual.app import App\nfrom textual.widgets import Static\n"
    "class A(App):\n    def compose(self): yield Static('first-frame')\nA().run()"
)
SIZE = (36, 120)  # rows, columns


def timed(*command: str) -> Callable[[], float]:
    """Milliseconds until the command ended."""

    def once() -> float:
        started = time.perf_counter()
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        return (time.perf_counter() - started) * 1000

    return once


def until_shown(text: bytes, *command: str) -> Callable[[], float]:
    """Milliseconds until a program on a terminal of its own has drawn the text."""

    def once() -> float:
        started = time.perf_counter()
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execvp(command[0], command)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        try:
            shown = b""
            while text not in shown:
                if not select.select([terminal], [], [], 20)[0]:
                    raise SystemExit(f"{' '.join(command)} never showed {text!r}")
                shown += os.read(terminal, 65536)
            return (time.perf_counter() - started) * 1000
        finally:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(terminal)

    return once


def groups(closed: int, opened: int, free: int) -> dict[str, dict[str, Callable[[], float]]]:
    """The comparisons; in each, the first line is what the others are measured by."""
    result = {
        "one check": {
            "python -c pass": timed(PYTHON, "-c", "pass"),
            "python -c 'import asyncio'": timed(PYTHON, "-c", "import asyncio"),
            "nmap -sT -Pn -n (refused)": timed(
                "nmap", "-sT", "-Pn", "-n", "-p", str(closed), "127.0.0.1"
            ),
            "netwhy check (refused)": timed(NETWHY, "check", f"127.0.0.1:{closed}"),
            "netwhy check (open)": timed(NETWHY, "check", f"127.0.0.1:{opened}"),
            "netwhy check --format json": timed(
                NETWHY, "check", "--format", "json", f"127.0.0.1:{opened}"
            ),
            "netwhy check, 50 ports": timed(
                NETWHY, "check", *(f"127.0.0.1:{port}" for port in range(1, 51))
            ),
            "netwhy bind": timed(NETWHY, "bind", f"127.0.0.1:{free}"),
            "netwhy explain": timed(NETWHY, "explain", "ECONNREFUSED"),
        },
        "who listens": {
            "ss -Htunlp": timed("ss", "-Htunlp"),
            "lsof -nP -i": timed("lsof", "-nP", "-i"),
            "netwhy ports": timed(NETWHY, "ports"),
        },
        "first frame": {
            "an empty Textual application": until_shown(b"first-frame", PYTHON, "-c", EMPTY_APP),
            "the dashboard": until_shown(b"127.0.0.1", NETWHY, f"127.0.0.1:{opened}"),
            "the dashboard, first verdict": until_shown(
                b"1 failing", NETWHY, f"127.0.0.1:{closed}"
            ),
        },
    }
    return {
        group: {n: run for n, run in lines.items() if _installed(n.split()[0])}
        for group, lines in result.items()
    }


def crowded() -> dict[str, dict[str, Callable[[], float]]]:
    """Who listens, on a machine with many processes and connections."""
    connections = "import psutil; [print(c) for c in psutil.net_connections('tcp')]"
    lines = {
        "ss -tlnp": timed("ss", "-tlnp"),
        "lsof -nP -iTCP -sTCP:LISTEN": timed("lsof", "-nP", "-iTCP", "-sTCP:LISTEN"),
        "psutil.net_connections": timed(PYTHON, "-c", connections),
        "netwhy ports": timed(NETWHY, "ports"),
        "netwhy bind (free)": timed(NETWHY, "bind", "127.0.0.1:8080"),
    }
    return {"who listens, in a crowd": {n: r for n, r in lines.items() if _installed(n.split()[0])}}


def _installed(word: str) -> bool:
    return word not in ("nmap", "lsof", "ss") or shutil.which(word) is not None


def measure(lines: dict[str, Callable[[], float]], repetitions: int) -> dict[str, list[float]]:
    """Every line once, then every line again: what disturbs the machine disturbs them all."""
    times: dict[str, list[float]] = {name: [] for name in lines}
    for run in lines.values():
        run()  # what the first run reads from disk is not what is compared
    for _ in range(repetitions):
        for name, run in lines.items():
            times[name].append(run())
    return times


def main(repetitions: int) -> None:
    with ExitStack() as stack:
        ports = []
        for _ in range(3):
            held = stack.enter_context(socket.socket())
            held.bind(("127.0.0.1", 0))
            ports.append(held.getsockname()[1])
            if len(ports) == 2:
                held.listen(64)
            if len(ports) == 3:
                held.close()
        show(groups(*ports), repetitions)
    if os.geteuid() == 0 and shutil.which("unshare"):
        crowd = Path(__file__).with_name("crowd.py")
        command = (PYTHON, str(crowd), "--", PYTHON, __file__, str(repetitions), "--in-crowd")
        subprocess.run(command, check=True)


def show(comparisons: dict[str, dict[str, Callable[[], float]]], repetitions: int) -> None:
    for group, lines in comparisons.items():
        times = measure(lines, repetitions)
        floor = median(next(iter(times.values())))
        print(f"\n{group:<34} {'median':>9} {'fastest':>9} {'slowest':>9} {'ratio':>7}")
        for name, taken in times.items():
            print(
                f"  {name:<32} {median(taken):>6.1f} ms {min(taken):>6.1f} ms "
                f"{max(taken):>6.1f} ms {median(taken) / floor:>6.2f}x",
                flush=True,
            )


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    if "--in-crowd" in sys.argv:
        show(crowded(), wanted)
    else:
        main(wanted)
