"""The dashboard for a long time: does anything grow that should not?

    python scripts/soak.py [--targets 200] [--interval 1] [--seconds 600] [--warm 60] [--growth 5]

Runs the real dashboard on a pseudo-terminal of 120x36 over loopback targets, three in four of
them open, and looks from outside at its memory, processor time, file descriptors and the bytes
that it writes, and from inside at its tasks and threads.  Every ten seconds one service goes away
or comes back, so that changes of state are part of it.  Exit code 1 when anything has grown
between the end of the warm-up and the end.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import selectors
import signal
import socket
import struct
import sys
import termios
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parents[1]
SIZE = (36, 120)  # rows, columns
FLIP_S = 10.0
#: The budgets of a quiet screen: shown, and judged by `make bench`.
CPU_SHARE, BYTES_S = 0.15, 6000.0

INSIDE = """
import asyncio, os, sys, threading, time
from netwhy.core.target import parse
from netwhy.tui import start
from netwhy.tui.app import NetwhyApp

class Watched(NetwhyApp):
    def on_mount(self):  # beside the one of its parent, which the toolkit calls too
        loop = asyncio.get_running_loop()
        threading.Thread(target=tell, args=(loop,), daemon=True).start()

def tell(loop):
    with os.fdopen(int(sys.argv[1]), "w", buffering=1) as pipe:
        while True:
            print(len(asyncio.all_tasks(loop)), threading.active_count(), file=pipe)
            time.sleep(0.5)

start.NetwhyApp = Watched
targets = [parse(text) for text in sys.argv[3:]]
sys.exit(start.run_dashboard(targets, interval_s=float(sys.argv[2])))
"""


@dataclass(frozen=True)
class Look:
    """What was seen at one moment, `at_s` seconds after the start."""

    at_s: float
    rss_kb: int
    fds: int
    cpu_s: float
    written: int
    tasks: int
    threads: int


class Services:
    """Ports of loopback, three in four open: each client is taken and left at once."""

    def __init__(self, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._held: list[socket.socket] = []
        self._open: list[socket.socket] = []
        for number in range(count):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", 0))
            (self._held if number % 4 == 3 else self._open).append(one)
        self.targets = [f"127.0.0.1:{s.getsockname()[1]}" for s in (*self._open, *self._held)]
        for one in self._open:
            self._listen(one)
        threading.Thread(target=self._serve, daemon=True).start()

    def _listen(self, one: socket.socket) -> None:
        one.listen(64)
        one.setblocking(False)
        self._selector.register(one, selectors.EVENT_READ)

    def _serve(self) -> None:
        while True:
            with self._lock:
                ready = self._selector.select(0.0)
                for key, _ in ready:
                    try:
                        key.fileobj.accept()[0].close()  # type: ignore[union-attr]
                    except OSError:
                        continue
            time.sleep(0.01)

    def flip(self) -> None:
        """Close the first open port, or open it again."""
        with self._lock:
            first = self._open[0]
            if first.fileno() >= 0:
                self._address = first.getsockname()
                self._selector.unregister(first)
                first.close()
                return
            again = socket.socket()
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(self._address)
            self._open[0] = again
            self._listen(again)


class Dashboard:
    """The dashboard under watch, on a terminal that is read at once."""

    def __init__(self, interval_s: float, targets: Sequence[str]) -> None:
        reading, writing = os.pipe()
        os.set_inheritable(writing, True)
        command = [sys.executable, "-c", INSIDE, str(writing), str(interval_s), *targets]
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            path = f"{PROJECT / 'app'}:{os.environ.get('PYTHONPATH', '')}"
            environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": path}
            os.execve(sys.executable, command, environment)
        os.close(writing)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self._pipe = reading
        self._written = 0
        self._told = b"0 0"
        self.tail = b""

    def read(self, seconds: float) -> None:
        """Read what it writes for so long.  SystemExit when it has ended."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for ready in select.select([self._terminal, self._pipe], [], [], left)[0]:
                try:
                    data = os.read(ready, 65536)
                except OSError:
                    data = b""
                if not data:
                    raise SystemExit(f"the dashboard has ended: {self.tail[-800:]!r}")
                if ready == self._terminal:
                    self._written += len(data)
                    self.tail = (self.tail + data)[-4000:]
                else:
                    self._told = data.strip().split(b"\n")[-1]

    def look(self, at_s: float) -> Look:
        process = Path("/proc", str(self.pid))
        pages = int((process / "statm").read_text().split()[1])
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        tasks, threads = (int(number) for number in self._told.split())
        return Look(
            at_s,
            pages * os.sysconf("SC_PAGE_SIZE") // 1024,
            len(os.listdir(process / "fd")),
            ticks / os.sysconf("SC_CLK_TCK"),
            self._written,
            tasks,
            threads,
        )

    def leave(self) -> float:
        """Press q; the seconds until it has ended."""
        started = time.monotonic()
        os.write(self._terminal, b"q")
        try:
            self.read(5.0)
        except SystemExit:
            pass
        else:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return time.monotonic() - started


def soak(args: argparse.Namespace) -> list[Look]:
    services = Services(args.targets)
    dashboard = Dashboard(args.interval, services.targets)
    started = time.monotonic()
    looks: list[Look] = []
    shown = flipped = 0.0
    print(f"{'s':>5} {'MB':>7} {'fds':>5} {'tasks':>6} {'threads':>8} {'cpu %':>6} {'B/s':>7}")
    while (at_s := time.monotonic() - started) < args.seconds:
        dashboard.read(1.0)
        looks.append(dashboard.look(at_s + 1.0))
        if at_s - shown >= 10:
            show(looks, shown)
            shown = at_s
        if at_s - flipped >= FLIP_S:
            services.flip()
            flipped = at_s
    print(f"quitting took {dashboard.leave():.2f} s")
    return looks


def show(looks: Sequence[Look], since_s: float) -> None:
    """One line: what it is like now, and what the time since then cost."""
    now = looks[-1]
    before = next((look for look in looks if look.at_s >= since_s), looks[0])
    span = max(now.at_s - before.at_s, 0.001)
    cpu = (now.cpu_s - before.cpu_s) / span
    rate = (now.written - before.written) / span
    print(
        f"{now.at_s:>5.0f} {now.rss_kb / 1024:>7.1f} {now.fds:>5} {now.tasks:>6} "
        f"{now.threads:>8} {cpu * 100:>6.1f} {rate:>7.0f}",
        flush=True,
    )


def grown(looks: Sequence[Look], warm_s: float, growth: float) -> list[str]:
    """What has grown from the end of the warm-up to the end, in words."""
    window = min(15.0, (looks[-1].at_s - warm_s) / 3)
    first = [look for look in looks if warm_s <= look.at_s <= warm_s + window]
    last = [look for look in looks if look.at_s >= looks[-1].at_s - window]
    found = []
    for name, room in (("rss_kb", growth / 100), ("fds", 0.1), ("tasks", 0.05), ("threads", 0.1)):
        before, after = (median(getattr(look, name) for look in some) for some in (first, last))
        least = 0 if name == "rss_kb" else 3
        print(f"{name:<8} {before:>10.0f} -> {after:>10.0f}  {(after / before - 1) * 100:+.1f} %")
        if after > before + max(least, before * room):
            found.append(f"{name} has grown from {before:.0f} to {after:.0f}")
    span = last[-1].at_s - first[0].at_s
    cpu = (last[-1].cpu_s - first[0].cpu_s) / span
    rate = (last[-1].written - first[0].written) / span
    print(f"after the warm-up: {cpu:.1%} of one core (budget {CPU_SHARE:.0%}), "
          f"{rate:.0f} B/s to the terminal (budget {BYTES_S:.0f})")  # fmt: skip
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--interval", type=float, default=1.0, help="seconds")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--warm", type=float, default=60.0, help="seconds that do not count")
    parser.add_argument("--growth", type=float, default=5.0, help="per cent of memory allowed")
    args = parser.parse_args()
    found = grown(soak(args), args.warm, args.growth)
    for line in found:
        print(f"FAILED: {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
