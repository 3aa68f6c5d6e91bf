"""Which processes hold a socket: the descriptors in /proc, looked at as little as will do.

Looking at every descriptor of every process is what makes other tools slow.  Here the likely
processes come first (those of the cgroup that made the socket), then the low descriptors of
everybody, where servers keep their listeners: the same number of all processes before the next,
since one number is enough as a rule.  Only for what is missing then the rest is looked at.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

_LIMIT_S = 2.0
_KEEP_S = 10.0  # how long a known holder is believed before all processes are looked at again
#: Descriptors of every process that are asked for one by one: a server opens its listeners early.
_LOW = tuple(str(number) for number in (*range(3, 12), 0, 1, 2, *range(12, 32)))
_ASKED = frozenset(_LOW)
_FEW = 8  # so many high descriptors are asked for in every process

Pairs = tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds each inode: (pid, descriptor) pairs.  `complete`: every process was readable."""

    by_inode: dict[int, Pairs]
    complete: bool


@dataclass(slots=True)
class _Search:
    """What is looked for, and what was found of it."""

    wanted: dict[str, int]
    found: dict[int, dict[int, str]] = field(default_factory=dict)  # inode → pid → descriptor
    complete: bool = True

    @property
    def done(self) -> bool:
        return len(self.found) == len(self.wanted)

    def look(self, pid: int, descriptors: Iterable[str]) -> None:
        """Those descriptors of one process; one of each socket is enough."""
        folder = f"/proc/{pid}/fd/"
        for descriptor in descriptors:
            try:
                inode = self.wanted.get(os.readlink(folder + descriptor))
            except OSError:
                continue
            if inode is not None:
                self.found.setdefault(inode, {}).setdefault(pid, descriptor)

    def look_at_all(self, pid: int, but: frozenset[str] = frozenset()) -> None:
        """All descriptors of one process `but` those, when they are ours to see."""
        try:
            self.look(pid, set(os.listdir(f"/proc/{pid}/fd")) - but)
        except (FileNotFoundError, ProcessLookupError):
            return
        except OSError:
            self.complete = False


def holders(
    inodes: Collection[int], first: Iterable[int] = (), uids: Collection[int] = ()
) -> Holders:
    """The processes that hold these socket inodes, as far as this user may see.

    `first` are the likely ones: when they hold everything nobody else is looked at.  Then those
    of the users `uids`.  Of several holders those are found that have the socket at a low
    descriptor, or where another has it: children keep the numbers of their parent.
    """
    search = _Search({f"socket:[{inode}]": inode for inode in inodes})
    likely = list(first) if search.wanted else []
    for pid in likely:
        search.look_at_all(pid)
    search.complete = True  # nothing is missing, or everybody is asked again
    if not search.done:
        _everybody(search, likely, uids)
    return Holders(
        {inode: tuple(sorted(pairs.items())) for inode, pairs in search.found.items()},
        search.complete,
    )


def _everybody(search: _Search, likely: list[int], uids: Collection[int]) -> None:
    """Low descriptors first; the rest of each process only while something is missing."""
    deadline = time.monotonic() + _LIMIT_S
    readable = _look_low(search, deadline)
    early = set(search.found)
    if search.done:
        return
    readable.sort(key=lambda pid: _uid(pid) not in uids)
    # Who has one of them may well have the others: a server its connections.
    known = {pid for pairs in search.found.values() for pid in pairs}
    seen = set(likely)
    for pid in sorted((p for p in readable if p not in seen), key=lambda p: p not in known):
        if search.done:
            break
        if time.monotonic() > deadline:
            search.complete = False
            return
        search.look_at_all(pid, but=_ASKED)
    numbers = {fd for i in search.found if i not in early for fd in search.found[i].values()}
    for pid in readable if 0 < len(numbers) <= _FEW else ():
        search.look(pid, numbers)


def _look_low(search: _Search, deadline: float) -> list[int]:
    """Number after number, until nothing is missing; the processes that may be looked into."""
    readable = _readable(search, list(_pids(search)))
    numbers = {fd for pairs in search.found.values() for fd in pairs.values()}
    for number in _LOW[1:]:
        if search.done or time.monotonic() > deadline:
            break
        numbers.discard(number)
        for pid in readable:
            search.look(pid, (number,))
    for pid in readable if numbers else ():  # those at which a likely process has one
        search.look(pid, numbers)
    return readable


def _readable(search: _Search, pids: Collection[int]) -> list[int]:
    """Looks at the first number of all, which tells too whether this user may look at all."""
    found = []
    for pid in pids:
        try:
            inode = search.wanted.get(os.readlink(f"/proc/{pid}/fd/{_LOW[0]}"))
        except PermissionError:
            search.complete = False  # one that has ended is none that is hidden
            continue
        except OSError:
            inode = None
        found.append(pid)
        if inode is not None:
            search.found.setdefault(inode, {}).setdefault(pid, _LOW[0])
    return found


def _uid(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return -1


def _pids(search: _Search) -> Iterator[int]:
    try:
        names = os.listdir("/proc")
    except OSError:
        search.complete = False
        return
    yield from (int(name) for name in names if name.isdecimal())


def known_holders(
    inodes: Collection[int],
    first: Iterable[int] = (),
    uids: Collection[int] = (),
    beside: Collection[int] = (),
) -> Holders:
    """As `holders`, but those found a moment ago are only asked whether they still hold it.

    One that let go, or an inode not met before, makes all processes be looked at again; so does
    time, since a holder may have been joined by others.  They are looked at then for the inodes
    `beside` too, which costs little more and saves the next ones their search.
    """
    fresh_after = time.monotonic() - _KEEP_S
    kept: dict[int, Pairs] = {}
    complete = True
    for inode in inodes:
        with _lock:
            at, pairs, whole = _remembered.get(inode, (-_KEEP_S, (), False))
        if at < fresh_after or not all(holds(pid, inode, fd) for pid, fd in pairs):
            break
        kept[inode] = pairs
        complete = complete and whole
    else:
        return Holders(kept, complete)
    every = frozenset((*inodes, *beside)) if beside else inodes
    found = holders(every, first, uids)
    with _lock:
        for inode in [i for i, (at, _p, _c) in _remembered.items() if at < fresh_after]:
            del _remembered[inode]
        now = time.monotonic()
        for inode in every:
            _remembered[inode] = (now, found.by_inode.get(inode, ()), found.complete)
    return found


def holds(pid: int, inode: int, descriptor: str) -> bool:
    """Is that socket at that descriptor of the process?"""
    try:
        return os.readlink(f"/proc/{pid}/fd/{descriptor}") == f"socket:[{inode}]"
    except OSError:
        return False


_lock = threading.Lock()
#: inode → when it was looked for, who held it, whether every process could be read.
_remembered: dict[int, tuple[float, Pairs, bool]] = {}
