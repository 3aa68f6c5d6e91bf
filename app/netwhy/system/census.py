"""The sockets of this machine, read again and again: owners only of those that are looked at."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace

from netwhy.core.clients import counted
from netwhy.core.listing import Listing, listing
from netwhy.core.observations import Socket
from netwhy.system import connections, sockets
from netwhy.system.owners import owners_of


class Census:
    """Reads for a screen.  Both methods block: amid 50,000 sockets for about a second."""

    def __init__(self) -> None:
        self._cgroups: dict[int, int] = {}  # inode → id of the cgroup, of the last reading
        self._inodes: frozenset[int] = frozenset()

    def read(self, *, everything: bool = False, named: bool = False) -> Listing:
        """Listeners with owners; with `everything` connections too, if `named` with theirs."""
        began = time.thread_time()
        rows = sockets.rows(everything=everything)
        self._cgroups = {r.socket.inode: r.cgroup for r in rows if r.socket.inode and r.cgroup}
        self._inodes = frozenset(r.socket.inode for r in rows if r.socket.inode)
        asked = [r.socket for r in rows if named or r.socket.remote is None]
        others = () if named else tuple(r.socket for r in rows if r.socket.remote is not None)
        me = os.getpid()
        held = owners_of(asked, self._cgroups)
        found = (*(s for s in held if not _is_probe(s, me)), *others)
        made = listing(counted(found, connections.per_endpoint()), named=named or not everything)
        return replace(made, took_s=time.thread_time() - began)

    def named(self, chosen: Sequence[Socket]) -> tuple[Socket, ...]:
        """These sockets of the last reading with their owners.

        When all processes must be looked at, they are for everybody: the next ones cost nothing.
        """
        return owners_of(chosen, self._cgroups, beside=self._inodes)


def _is_probe(held: Socket, me: int) -> bool:
    """A socket that this very program has open for a check: it serves nobody."""
    waits = held.remote is None and held.state != "LISTEN"
    return waits and {o.pid for o in held.owners} == {me}
