"""Processes ended for sure and without mistake: one is its pid and its start, never a pid alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from netwhy.core.stopping import Surroundings, Unit
from netwhy.system import cgroups, files, processes

#: Windows has one way only, and it is this hard.
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_TOOLS = ("systemctl", "docker", "podman", "nerdctl")
_ASK_S = 5.0
_RUN_S = 100.0  # systemd itself kills after 90 s
_LOOK_AGAIN_S = 0.05


class Gone(Exception):
    """The process has ended; its pid may be another's by now."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process for as long as it lives: its pid with its exact start."""

    pid: int
    start: int  # as the kernel counts it, or by psutil in hundredths of a second

    @property
    def alive(self) -> bool:
        return _start(self.pid) == self.start

    def send(self, number: int) -> None:
        """Signal it, and nobody else: the kernel's handle is taken first, then it is compared.

        Raises Gone, and PermissionError where that is not allowed.
        """
        opened = getattr(os, "pidfd_open", None)
        try:
            if opened is None:
                self._compare()
                os.kill(self.pid, number)
                return
            handle = opened(self.pid)
            try:
                self._compare()  # the handle is of whoever has that start
                signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)
        except ProcessLookupError:
            raise Gone from None

    def _compare(self) -> None:
        if not self.alive:
            raise Gone


def process(pid: int) -> Process | None:
    """The process that has this pid now; None when nobody has."""
    start = _start(pid)
    return None if start is None else Process(pid, start)


def _start(pid: int) -> int | None:
    """None for one that has ended, though its parent has not noticed (a zombie)."""
    stat = processes.stat_of(pid)
    if stat is not None:
        return None if stat.state in ("Z", "X") else stat.ticks
    if os.path.isdir("/proc/self"):
        return None
    try:
        import psutil

        return round(psutil.Process(pid).create_time() * 100)
    except (ImportError, psutil.Error, OSError):
        return None


def wait(who: Iterable[Process], seconds: float, tell: Callable[[float], None]) -> list[Process]:
    """Wait until they have ended, `tell` the seconds left; those that live on."""
    deadline = time.monotonic() + seconds
    left = [p for p in who if p.alive]
    while left and (rest := deadline - time.monotonic()) > 0:
        tell(rest)
        time.sleep(min(_LOOK_AGAIN_S, rest))
        left = [p for p in left if p.alive]
    return left


def run(command: Sequence[str]) -> str | None:
    """Run one command of the owner's manager; None when it worked, else what it complained of."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_RUN_S, text=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"


def surroundings(port: int, transport: str, units: Iterable[str], proxied: bool) -> Surroundings:
    """What the plan must know beside the sockets; `proxied`: docker-proxy holds the port."""
    tools = frozenset(tool for tool in _TOOLS if shutil.which(tool))
    known = {unit: found for unit in units if (found := _unit(unit, tools))}
    me = os.getpid()
    above = _above(me)
    return Surroundings(
        pid=me,
        ancestors=frozenset((me, *above)),
        ssh_port=_ssh_port(above),
        units=known,
        children=_children(),
        published=_published(port, transport) if proxied and "docker" in tools else None,
        tools=tools,
        home=cgroups.process_home(me).container,
    )


def _above(pid: int) -> list[int]:
    """Every parent, up to pid 1."""
    chain: list[int] = []
    while (stat := processes.stat_of(pid)) is not None and stat.parent > 0:
        pid = stat.parent
        if pid in chain:
            break
        chain.append(pid)
    if chain:
        return chain
    from netwhy.system import portable

    return [os.getppid(), *(above for above, _name in portable.process(pid).parents)]


def _children() -> dict[int, list[tuple[int, str]]]:
    below: dict[int, list[tuple[int, str]]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            stat = processes.stat_of(int(name)) if name.isdecimal() else None
            if stat is not None:
                below.setdefault(stat.parent, []).append((int(name), stat.name))
    return below


def _ssh_port(above: Iterable[int]) -> int | None:
    """The server's port of the SSH session in which this runs (ssh(1), SSH_CONNECTION).

    sudo takes the variable away, so what was started `above` it is asked too, as far as that may
    be read: the shell, tmux.
    """
    texts = [os.environ.get("SSH_CONNECTION", "")]
    texts += (_variable(pid, "SSH_CONNECTION") for pid in above)
    for fields in map(str.split, texts):
        if len(fields) == 4 and fields[3].isdecimal():
            return int(fields[3])
    return None


def _variable(pid: int, name: str) -> str:
    """A variable that the process was started with; empty where it had none, or none to read."""
    for line in files.read_text(f"/proc/{pid}/environ").split("\0"):
        if line.startswith(f"{name}="):
            return line.partition("=")[2]
    return ""


def _unit(unit: str, tools: frozenset[str]) -> Unit | None:
    """The unit as the system's manager knows it, or the user's own; None when neither does."""
    if "systemctl" not in tools:
        return None
    for systemctl in (("systemctl",), ("systemctl", "--user")):
        text = _output([*systemctl, "show", "-p", "LoadState,MainPID", "--", unit])
        facts = dict(line.partition("=")[::2] for line in text.splitlines())
        if facts.get("LoadState") == "loaded":
            main = facts.get("MainPID", "0")
            return Unit(systemctl, int(main) if main.isdecimal() else 0)
    return None


def _published(port: int, transport: str) -> str | None:
    """The id of the one container that publishes the port; None for none or several."""
    found = _output(["docker", "ps", "-q", "--filter", f"publish={port}/{transport}"]).split()
    return found[0] if len(found) == 1 else None


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S, text=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""
