"""Who holds a socket: processes where they may be seen, else user, service or container."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from netwhy.core.observations import Owner, Socket
from netwhy.system import cgroups, descriptors, forwarders, local, processes, tunnels

_INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO, include/linux/proc_ns.h
_SUDO = "sudo would also show its process id, command line and start time"
_SUDO_INSIDE = (
    _SUDO + ", unless it belongs to the kernel or to a process outside this PID namespace"
)
_KERNEL = (
    "no open file of any process holds it: the kernel itself does, as for WireGuard, VXLAN or an"
    " NFS server, or a program through io_uring"
)
_ELSEWHERE = (
    "no process seen from here holds it: it belongs to the kernel, or to a process outside this"
    " PID namespace"
)
_WSL = (
    "no process of this distribution holds it: it belongs to another WSL distribution or to the"
    " kernel, and more privilege would not show it"
)
_UNREAD = "not every process could be read"


def owners_of(
    sockets: Sequence[Socket],
    cgroup_ids: Mapping[int, int],
    beside: Collection[int] = (),
) -> tuple[Socket, ...]:
    """The same sockets with `owners` filled in; `cgroup_ids` maps inode to cgroup id.

    All holders are listed (workers that share a listener).  Sockets without an inode (TIME_WAIT)
    belong to nobody.  `beside` are inodes that will be asked for soon: see `known_holders`.  Never
    raises.
    """
    inodes = {s.inode for s in sockets if s.inode and not s.owners}
    if not inodes:
        return tuple(sockets)
    uids = {s.uid for s in sockets if s.uid is not None}
    found = descriptors.known_holders(inodes, _likely(inodes, cgroup_ids), uids, beside)
    return tuple(
        replace(s, owners=_owners(s, found, cgroup_ids)) if s.inode and not s.owners else s
        for s in sockets
    )


def _likely(inodes: set[int], cgroup_ids: Mapping[int, int]) -> list[int]:
    """The members of the cgroups that made these sockets, where those are of one service each.

    Elsewhere (a login session, the root, the service manager that hands sockets on) a holder may
    live outside it, and there may be too many.
    """
    paths = {_path(cgroup_ids.get(inode, 0)) for inode in inodes}
    return [pid for path in paths if path and _is_own(path) for pid in cgroups.members(path)]


def _path(cgroup: int) -> str | None:
    return cgroups.path_of(cgroup) if cgroup else None


def _is_own(path: str) -> bool:
    last = path.rsplit("/", 1)[-1]
    return last.endswith(".service") or cgroups.home_of(path).container is not None


def _owners(
    socket: Socket, found: descriptors.Holders, cgroup_ids: Mapping[int, int]
) -> tuple[Owner, ...]:
    path = _path(cgroup_ids.get(socket.inode or 0, 0))
    pids = [pid for pid, _descriptor in found.by_inode.get(socket.inode or 0, ())]
    if not pids:
        return (
            _forwarder(socket, path) or _tunnel(socket) or _unseen(socket, path, found.complete),
        )
    activated = _socket_unit(path)
    return tuple(
        # What the service manager holds for others is the socket unit's, not its own.
        replace(owner, unit=activated)
        if activated and (owner.pid == 1 or owner.name == "systemd")
        else owner
        for owner in map(forwarders.described, map(processes.describe, pids))
    )


def _socket_unit(path: str | None) -> str | None:
    last = path.rsplit("/", 1)[-1] if path else ""
    return last if last.endswith(".socket") else None


def _forwarder(socket: Socket, path: str | None) -> Owner | None:
    """A port of docker-proxy is told by its command line, which everybody may read."""
    if path is None or not _is_own(path) or socket.state not in ("LISTEN", "UNCONN"):
        return None
    for pid in cgroups.members(path):
        owner = forwarders.described(processes.describe(pid))
        if forwarders.publishes(owner.command or "", socket.transport, socket.port):
            return owner
    return None


def _tunnel(socket: Socket) -> Owner | None:
    """The kernel itself, for a tunnel interface."""
    if socket.transport != "udp" or socket.uid != 0 or not socket.address.is_unspecified:
        return None
    found = tunnels.tunnel_of(socket.port)
    if found is None:
        return None
    kind, name = found
    hidden = f"the kernel itself holds it for the {kind} interface {name}: ip link show {name}"
    return Owner(name=f"{kind} {name}", user="root", uid=0, hidden=hidden)


def _unseen(socket: Socket, path: str | None, complete: bool) -> Owner:
    """An owner whose process may not be seen, named by what its socket tells everybody."""
    user = None if socket.uid is None else processes.user_name(socket.uid)
    home = cgroups.home_of(path) if path else cgroups.Home()
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if root and complete and socket.uid == 0 and not home.container:
        return Owner(user=user, uid=0, hidden=_nowhere() + _perhaps(socket))
    return Owner(
        name=_common_name(path) if path and _is_own(path) else None,
        user=user,
        uid=socket.uid,
        unit=_socket_unit(path) or home.unit,
        container=home.container,
        hidden=(_nowhere() if complete else _UNREAD) if root else _more_privilege(),
    )


def _perhaps(socket: Socket) -> str:
    """The tunnels that could have a port which no process has."""
    if socket.transport != "udp":
        return ""
    found = [f"{kind} {name}" for kind, name in tunnels.without_a_port()]
    return "; perhaps " + " or ".join(found[:3]) if found else ""


def _nowhere() -> str:
    """Why root sees no process."""
    if local.wsl():
        return _WSL
    return _KERNEL if _in_initial_pid_namespace() else _ELSEWHERE


def _more_privilege() -> str:
    return _SUDO if _in_initial_pid_namespace() else _SUDO_INSIDE


def _common_name(path: str) -> str | None:
    """The name of a service's processes, where all have the same: then the holder has it too."""
    names = {processes.name_of(pid) for pid in cgroups.members(path)[:100]}
    return names.pop() if len(names) == 1 else None


def _in_initial_pid_namespace() -> bool:
    try:
        return os.readlink("/proc/self/ns/pid") == _INITIAL_PID_NAMESPACE
    except OSError:
        return False
