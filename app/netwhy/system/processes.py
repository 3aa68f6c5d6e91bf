"""Processes as /proc shows them to this user: which sockets they hold, who they are."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from netwhy.core.observations import Owner
from netwhy.system import files
from netwhy.system.cgroups import process_home

_MOST_PARENTS = 8
_SCAN_LIMIT_S = 2.0
_KEEP_S = 10.0  # how long a known holder is believed before all processes are looked at again
_COMMAND_BYTES = 8192


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds each inode: (pid, descriptor) pairs.  `complete`: every process was readable."""

    by_inode: dict[int, tuple[tuple[int, str], ...]]
    complete: bool


def holders(inodes: Collection[int], first: Iterable[int] = ()) -> Holders:
    """The processes that hold these socket inodes, as far as this user may see.

    `first` are the likely ones.  When they hold everything nobody else is looked at.
    """
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[int, list[tuple[int, str]]] = {}
    if not wanted:
        return Holders({}, True)
    for pid in first:
        _scan(pid, wanted, found)
    if len(found) < len(wanted):
        found.clear()
        complete = _scan_all(wanted, found)
    else:
        complete = True
    return Holders({inode: tuple(sorted(pairs)) for inode, pairs in found.items()}, complete)


def known_holders(inodes: Collection[int], first: Iterable[int] = ()) -> Holders:
    """As `holders`, but those found a moment ago are only asked whether they still hold it.

    One that let go, or an inode not met before, makes all processes be looked at again; so does
    time, since a holder may have been joined by others.
    """
    fresh_after = time.monotonic() - _KEEP_S
    kept: dict[int, tuple[tuple[int, str], ...]] = {}
    complete = True
    for inode in inodes:
        with _lock:
            at, pairs, whole = _remembered.get(inode, (-_KEEP_S, (), False))
        if at < fresh_after or _still(inode, pairs) != pairs:
            break
        kept[inode] = pairs
        complete = complete and whole
    else:
        return Holders(kept, complete)
    found = holders(inodes, first)
    with _lock:
        for inode in [i for i, (at, _p, _c) in _remembered.items() if at < fresh_after]:
            del _remembered[inode]
        now = time.monotonic()
        for inode in inodes:
            _remembered[inode] = (now, found.by_inode.get(inode, ()), found.complete)
    return found


def _still(inode: int, pairs: tuple[tuple[int, str], ...]) -> tuple[tuple[int, str], ...]:
    link = f"socket:[{inode}]"
    return tuple((p, fd) for p, fd in pairs if _readlink(f"/proc/{p}/fd/{fd}") == link)


def _readlink(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def _scan_all(wanted: dict[str, int], found: dict[int, list[tuple[int, str]]]) -> bool:
    """Every process; False when one could not be read, or the time was up."""
    deadline = time.monotonic() + _SCAN_LIMIT_S
    complete = True
    try:
        names = os.listdir("/proc")
    except OSError:
        return False
    for name in names:
        if name.isdecimal():
            complete = _scan(int(name), wanted, found) and complete
            if time.monotonic() > deadline:
                return False
    return complete


def _scan(pid: int, wanted: dict[str, int], found: dict[int, list[tuple[int, str]]]) -> bool:
    """One process's descriptors; False when they are not ours to see."""
    folder = f"/proc/{pid}/fd"
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, ProcessLookupError):
        return True
    except OSError:
        return False
    for name in names:
        inode = wanted.get(_readlink(f"{folder}/{name}"))
        if inode is not None:
            pairs = found.setdefault(inode, [])
            if not pairs or pairs[-1][0] != pid:  # one descriptor of each process is enough
                pairs.append((pid, name))
    return True


def describe(pid: int) -> Owner:
    """All that may be known of one process: most of it is readable by every user."""
    stat = _stat(pid)
    if stat is None:
        from netwhy.system import portable

        return portable.process(pid) if not os.path.isdir("/proc/self") else Owner(pid=pid)
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
    """What /proc/PID/stat tells: name, parent, start as a Unix time."""

    name: str
    parent: int
    started: float | None


def _stat(pid: int) -> Stat | None:
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
    return Stat(text[opening + 1 : closing], int(fields[1]), started)


def _parents(pid: int) -> tuple[tuple[int, str], ...]:
    """The chain of parents, nearest first."""
    chain: list[tuple[int, str]] = []
    while pid > 0 and len(chain) < _MOST_PARENTS and pid not in (p for p, _ in chain):
        stat = _stat(pid)
        if stat is None:
            break
        chain.append((pid, stat.name))
        pid = stat.parent
    return tuple(chain)


def name_of(pid: int) -> str | None:
    """The short name of a process, readable by every user."""
    stat = _stat(pid)
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


_lock = threading.Lock()
#: inode → when it was looked for, who held it, whether every process could be read.
_remembered: dict[int, tuple[float, tuple[tuple[int, str], ...], bool]] = {}
