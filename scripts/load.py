"""What the dashboard costs while it works: 200 targets, each checked every second.

    python scripts/load.py [SECONDS [TARGETS]]

Half of the targets accept, a third refuse, and the rest greet as well; all are on loopback.  Both
programs have a real terminal of their own, one after the other: the dashboard, and as the yardstick
an empty Textual application that changes one line four times a second.  Counted are the processor
time of the process (user and system, /proc/PID/stat), the bytes that reach the terminal, the time
from a key to what it changes on the screen, and the resident memory before and after.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PYTHON = sys.executable
SIZE = (36, 120)  # rows, columns
WARM_S = 8.0
KEYS = 100
#: Changes a line four times a second, and shows a number that a key moves on.
YARDSTICK = """
from itertools import count
from textual.app import App
from textual.widgets import Static
class A(App):
    port, ticks = 1000, count()
    BINDINGS = [("j", "move(1)"), ("k", "move(-1)")]
    def compose(self):
        yield Static("first-frame", id="tick")
        yield Static("port 1000", id="port")
    def on_mount(self):
        tick = self.query_one("#tick", Static)
        self.set_interval(0.25, lambda: tick.update(f"{next(self.ticks)}", layout=False))
    def action_move(self, by):
        self.port += by
        self.query_one("#port", Static).update(f"port {self.port}", layout=False)
A().run()
"""
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
#: The selected target is named so by its path line, and nowhere else on the screen.
_SELECTED = re.compile(r"port (\d+)")
#: A control sequence (ECMA-48 §5.4), another escape, or a run of plain text.
_PIECE = re.compile(r"\x1b\[([0-9;?<>=]*)([@-~])|\x1b[^\[]|([^\x1b\r\n\b]+)|([\r\n\b])")


@dataclass(frozen=True)
class Cost:
    """`share` of one core, `rate` in bytes a second, `keys_ms` in order, memory in MB."""

    share: float
    rate: float
    keys_ms: tuple[float, ...]
    before_mb: float
    after_mb: float


class Cells:
    """What a terminal shows, as far as a program that moves the cursor and writes goes."""

    def __init__(self) -> None:
        self._rows = [[" "] * SIZE[1] for _ in range(SIZE[0])]
        self._at = [0, 0]
        self._rest = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def draw(self, data: bytes) -> None:
        text = self._rest + self._decoder.decode(data)
        cut = text.rfind("\x1b") if "\x1b" in text[-24:] else len(text)
        if cut < len(text) and re.match(r"\x1b(\[[0-9;?<>=]*[@-~]|[^\[])", text[cut:]):
            cut = len(text)
        self._rest = text[cut:]
        for numbers, final, plain, control in _PIECE.findall(text[:cut]):
            if plain:
                self._write(plain)
            elif final:
                self._move(numbers, final)
            elif control == "\r":
                self._at[1] = 0
            elif control == "\n":
                self._at[0] += 1

    def _write(self, text: str) -> None:
        row, column = self._at
        if 0 <= row < SIZE[0]:
            self._rows[row][column : column + len(text)] = text
            del self._rows[row][SIZE[1] :]
        self._at[1] = column + len(text)

    def _move(self, numbers: str, final: str) -> None:
        given = [int(number) if number.isdigit() else 1 for number in numbers.split(";")]
        if final in "Hf":
            self._at = [given[0] - 1, (given[1] if len(given) > 1 else 1) - 1]
        elif final in "CD":
            self._at[1] += given[0] if final == "C" else -given[0]
        elif final in "AB":
            self._at[0] += given[0] if final == "B" else -given[0]
        elif final == "G":
            self._at[1] = given[0] - 1
        elif final == "J":
            self._rows = [[" "] * SIZE[1] for _ in range(SIZE[0])]

    @property
    def selected(self) -> str:
        found = _SELECTED.search("\n".join("".join(row) for row in self._rows))
        return found[1] if found else ""


class Screen:
    """A program on a terminal of its own."""

    def __init__(self, command: Sequence[str]) -> None:
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.execvp(command[0], command)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.cells = Cells()
        self.drawn = 0

    def read(self, seconds: float) -> None:
        """Take what comes next, if it does within that time."""
        if select.select([self._terminal], [], [], max(0.0, seconds))[0]:
            data = os.read(self._terminal, 65536)
            self.drawn += len(data)
            self.cells.draw(data)

    def watch(self, seconds: float) -> None:
        """Take all that comes within that time."""
        ends = time.perf_counter() + seconds
        while (left := ends - time.perf_counter()) > 0:
            self.read(left)

    def press(self, key: bytes) -> float:
        """Milliseconds until another target is shown as selected."""
        before, started = self.cells.selected, time.perf_counter()
        os.write(self._terminal, key)
        while self.cells.selected in (before, ""):
            self.read(0.5)
            if time.perf_counter() - started > 5:
                raise SystemExit(f"the key {key!r} was never answered")
        return (time.perf_counter() - started) * 1000

    def spent_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self) -> float:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE / 1e6

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


def closed_ports() -> Iterator[int]:
    """Ports that nobody has, below those that the system gives to anybody."""
    for port in range(20_000, 30_000):
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            yield port


def serve(ports: int) -> None:
    """Listen as the targets do, print the addresses, and serve until standard input ends."""
    with ExitStack() as stack:
        poll = select.epoll()
        sockets: dict[int, tuple[socket.socket, bool]] = {}
        closed = closed_ports()
        for number in range(ports):
            if number % 3 == 0:
                print(f"127.0.0.1:{next(closed)}")
                continue
            held = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            held.setblocking(False)
            sockets[held.fileno()] = (held, number % 6 == 1)
            poll.register(held, select.EPOLLIN)
            print(f"127.0.0.1:{held.getsockname()[1]}")
        sys.stdout.flush()
        poll.register(0, select.EPOLLIN | select.EPOLLHUP)
        while True:
            for number, _event in poll.poll():
                if number == 0:
                    return
                if number not in sockets:
                    _hang_up(poll, number)
                    continue
                client, _peer = sockets[number][0].accept()
                if sockets[number][1]:
                    client.send(b"220 ready\r\n")
                poll.register(client.detach(), select.EPOLLIN | select.EPOLLHUP)


def _hang_up(poll: select.epoll, number: int) -> None:
    """The client has gone."""
    poll.unregister(number)
    os.close(number)


@contextmanager
def served(ports: int) -> Iterator[list[str]]:
    """The addresses of so many targets, served by another process."""
    command = (PYTHON, __file__, "--serve", str(ports))
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as server:
        assert server.stdin is not None and server.stdout is not None
        yield [server.stdout.readline().strip() for _ in range(ports)]
        server.stdin.close()


def cost(command: Sequence[str], seconds: float) -> Cost:
    """What a program costs once it is warm, and then how soon it answers keys."""
    screen = Screen(command)
    try:
        screen.watch(WARM_S)
        before, spent, drawn = screen.memory_mb(), screen.spent_s(), screen.drawn
        started = time.perf_counter()
        screen.watch(seconds)
        took = time.perf_counter() - started
        share, rate = (screen.spent_s() - spent) / took, (screen.drawn - drawn) / took
        after = screen.memory_mb()
        answered = []
        for number in range(KEYS):
            # Never in step with the program's own ticks.
            screen.watch(0.07 + 0.013 * (number % 11))
            answered.append(screen.press(b"j" if number % 20 < 10 else b"k"))
        return Cost(share, rate, tuple(sorted(answered)), before, after)
    finally:
        screen.close()


def main(seconds: float, count: int) -> None:
    with served(count) as targets:
        dashboard = (PYTHON, "-m", "netwhy", "--interval", "1", *targets)
        costs = {
            "an empty application, 4 ticks/s": cost((PYTHON, "-c", YARDSTICK), seconds),
            f"the dashboard, {count} targets/s": cost(dashboard, seconds),
        }
    print(f"\n{'at work':<34} {'one core':>9} {'terminal':>11} {'key p50':>9} {'p99':>9} memory")
    for name, found in costs.items():
        keys = found.keys_ms
        print(
            f"  {name:<32} {found.share * 100:>7.1f} % {found.rate:>7.0f} B/s "
            f"{median(keys):>6.1f} ms {keys[int(len(keys) * 0.99) - 1]:>6.1f} ms "
            f"{found.before_mb:.1f} → {found.after_mb:.1f} MB",
            flush=True,
        )


if __name__ == "__main__":
    if "--serve" in sys.argv:
        serve(int(sys.argv[-1]))
    else:
        numbers = [int(word) for word in sys.argv[1:]]
        main(numbers[0] if numbers else 20, numbers[1] if len(numbers) > 1 else 200)
