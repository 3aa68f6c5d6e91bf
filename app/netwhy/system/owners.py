"""Who holds a socket: processes where they may be seen, else user, service or container."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from netwhy.core.observations import Owner, Socket
from netwhy.system import cgroups, processes

_INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_SUDO = "sudo would also show its process id, command line and start time"
_KERNEL = (
    "no open file of any process holds it: the kernel itself does, as for WireGuard, VXLAN or an"
    " NFS server, or a program through io_uring"
)
_ELSEWHERE = (
    "no process seen from here holds it: it belongs to the kernel, or to a process outside this"
    " PID namespace"
)
_UNREAD = "not every process could be read"


def owners_of(sockets: Sequence[Socket], cgroup_ids: Mapping[int, int]) -> tuple[Socket, ...]:
    """The same sockets with `owners` filled in; `cgroup_ids` maps inode to cgroup id.

    All holders are listed (workers that share a listener).  Sockets without an inode (TIME_WAIT)
    belong to nobody.  Never raises.
    """
    inodes = {s.inode for s in sockets if s.inode and not s.owners}
    if not inodes:
        return tuple(sockets)
    found = processes.known_holders(inodes, _likely(inodes, cgroup_ids))
    described: dict[int, Owner] = {}
    return tuple(
        replace(s, owners=_owners(s, found, cgroup_ids, described))
        if s.inode and not s.owners
        else s
        for s in sockets
    )


def _likely(inodes: set[int], cgroup_ids: Mapping[int, int]) -> list[int]:
    """The members of the cgroups that made these sockets.

    Only when each of them is a service's or container's own: elsewhere (a login session, the
    root, the service manager that hands sockets on) a holder may live outside it.
    """
    pids: list[int] = []
    for cgroup in {cgroup_ids.get(inode, 0) for inode in inodes}:
        path = cgroups.path_of(cgroup) if cgroup else None
        if path is None or not _is_own(path):
            return []
        pids.extend(cgroups.members(path))
    return pids


def _is_own(path: str) -> bool:
    last = path.rsplit("/", 1)[-1]
    return last.endswith(".service") or cgroups.home_of(path).container is not None


def _owners(
    socket: Socket,
    found: processes.Holders,
    cgroup_ids: Mapping[int, int],
    described: dict[int, Owner],
) -> tuple[Owner, ...]:
    pairs = found.by_inode.get(socket.inode or 0, ())
    for pid, _descriptor in pairs:
        if pid not in described:
            described[pid] = processes.describe(pid)
    if pairs:
        return tuple(described[pid] for pid, _descriptor in pairs)
    return (_unseen(socket, cgroup_ids.get(socket.inode or 0, 0), found.complete),)


def _unseen(socket: Socket, cgroup: int, complete: bool) -> Owner:
    """An owner whose process may not be seen, named by what its socket tells everybody."""
    user = None if socket.uid is None else processes.user_name(socket.uid)
    path = cgroups.path_of(cgroup) if cgroup else None
    home = cgroups.home_of(path) if path else cgroups.Home()
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and complete and socket.uid == 0:
        hidden = _KERNEL if _in_initial_pid_namespace() else _ELSEWHERE
        return Owner(user=user, uid=0, hidden=hidden)
    return Owner(
        name=_common_name(path) if path and _is_own(path) else None,
        user=user,
        uid=socket.uid,
        unit=home.unit,
        container=home.container,
        hidden=(_ELSEWHERE if complete else _UNREAD) if root else _SUDO,
    )


def _common_name(path: str) -> str | None:
    """The name of a service's processes, where all have the same: then the holder has it too."""
    names = {processes.name_of(pid) for pid in cgroups.members(path)[:100]}
    return names.pop() if len(names) == 1 else None


def _in_initial_pid_namespace() -> bool:
    try:
        return os.readlink("/proc/self/ns/pid") == _INITIAL_PID_NAMESPACE
    except OSError:
        return False
