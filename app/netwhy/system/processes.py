"""Processes as /proc shows them to every user: who they are, since when, and whose children."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from functools import lru_cache

from netwhy.core.observations import Owner
from netwhy.system import files
from netwhy.system.cgroups import process_home

_MOST_PARENTS = 8
_COMMAND_BYTES = 8192
_KEEP_S = 10.0
_MOST_KEPT = 4096


def describe(pid: int) -> Owner:
    """All that may be known of one process: most of it is readable by every user.

    What was read a moment ago is told again while the process is the same one: a pid with its
    start.  A command line may be rewritten and a parent may die, so not for long.
    """
    stat = stat_of(pid)
    if stat is None:
        from netwhy.system import portable

        return portable.process(pid) if not os.path.isdir("/proc/self") else Owner(pid=pid)
    at, ticks, owner = _described.get(pid, (0.0, -1, Owner()))
    if ticks != stat.ticks or time.monotonic() - at > _KEEP_S:
        owner = _describe(pid, stat)
        if len(_described) > _MOST_KEPT:
            _described.clear()
        _described[pid] = (time.monotonic(), stat.ticks, owner)
    return owner


def _describe(pid: int, stat: Stat) -> Owner:
    home = process_home(pid)
    uid = _uid(pid)
    return Owner(
        pid=pid,
        name=stat.name,
        user=None if uid is None else user_name(uid),
        uid=uid,
        command=_command(pid) or None,
        started=stat.started,
        parents=_parents(stat.parent),
        unit=home.unit,
        container=home.container,
    )


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc/PID/stat tells: name, parent, start as a Unix time.

    `ticks` is the start as the kernel counts it, exact: with the pid it names one process.
    """

    name: str
    parent: int
    started: float | None
    ticks: int = -1
    state: str = ""


def stat_of(pid: int) -> Stat | None:
    """One process; None when it is gone, or where there is no /proc."""
    return parse_stat(files.read_text(f"/proc/{pid}/stat"), _boot_time(), _ticks())


def parse_stat(text: str, boot: float | None, ticks: int) -> Stat | None:
    """One line of /proc/PID/stat; the name may hold blanks and brackets (proc_pid_stat(5))."""
    opening, closing = text.find("("), text.rfind(")")
    if opening < 0 or closing < opening:
        return None
    fields = text[closing + 1 :].split()
    if len(fields) < 20 or not (fields[1].isdecimal() and fields[19].isdecimal()):
        return None
    started = None if boot is None else boot + int(fields[19]) / ticks
    return Stat(text[opening + 1 : closing], int(fields[1]), started, int(fields[19]), fields[0])


def _parents(pid: int) -> tuple[tuple[int, str], ...]:
    """The chain of parents, nearest first."""
    chain: list[tuple[int, str]] = []
    while pid > 0 and len(chain) < _MOST_PARENTS and pid not in (p for p, _ in chain):
        stat = stat_of(pid)
        if stat is None:
            break
        chain.append((pid, stat.name))
        pid = stat.parent
    return tuple(chain)


def name_of(pid: int) -> str | None:
    """The short name of a process, readable by every user."""
    stat = stat_of(pid)
    return stat.name if stat else None


def _uid(pid: int) -> int | None:
    """The effective user, since that is whose permissions it has."""
    found = re.search(r"^Uid:\s+\d+\s+(\d+)", files.read_text(f"/proc/{pid}/status"), re.M)
    return int(found[1]) if found else None


def _command(pid: int) -> str:
    from netwhy.system.masking import command_line

    try:
        data = files.read(f"/proc/{pid}/cmdline", _COMMAND_BYTES)
    except OSError:
        return ""
    # A program that rewrote its title leaves NULs behind it.
    parts = data.decode("utf-8", "replace").rstrip("\0").split("\0")
    return command_line(parts).strip()


@lru_cache(maxsize=256)
def user_name(uid: int) -> str:
    """The user's name; its number where it has none."""
    for line in files.read_text("/etc/passwd").splitlines():
        fields = line.split(":")
        if len(fields) > 2 and fields[2] == str(uid):
            return fields[0]
    # Only for users of a directory service: that look-up may leave this machine.
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError, OSError, OverflowError):
        return str(uid)


@lru_cache(maxsize=1)
def _boot_time() -> float | None:
    found = re.search(r"^btime (\d+)", files.read_text("/proc/stat"), re.M)
    return float(found[1]) if found else None


@lru_cache(maxsize=1)
def _ticks() -> int:
    try:
        return os.sysconf("SC_CLK_TCK") or 100
    except (AttributeError, OSError, ValueError):
        return 100


#: pid → when it was described, its exact start, what was told.
_described: dict[int, tuple[float, int, Owner]] = {}
