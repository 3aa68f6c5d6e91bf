"""Which service or container a process or socket belongs to, by its control group.

A socket's cgroup id is the inode number of a cgroup v2 folder (cgroups(7)), and it is readable by
every user: so another user's socket can still be named.
"""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass

from netwhy.system import files

_MOST_FOLDERS = 20_000
_WALK_AGAIN_S = 5.0  # an id that is not there is not looked for at every refresh
# Patterns, compiled at first use: most checks name no process.
_UNIT = r".+\.(?:service|scope|socket|mount|swap|timer|path)"
_HEX = r"(?P<id>[0-9a-f]{12,64})"
_RUNTIMES = (
    (rf"docker[-/]{_HEX}(?:\.scope)?", "docker"),
    (rf"libpod-(?:conmon-|payload-)?{_HEX}(?:\.scope)?", "podman"),
    (rf"cri-containerd[-:]{_HEX}(?:\.scope)?", "containerd"),
    (rf"crio-(?:conmon-)?{_HEX}(?:\.scope)?", "cri-o"),
    (rf"nerdctl-{_HEX}(?:\.scope)?", "containerd"),
    (r"lxc(?:\.payload\.|/)(?P<id>[\w.\-]+)", "lxc"),
    (r"machine-(?P<id>[\w.\\\-]+)\.scope", "machine"),
)
_BARE_ID = r"[0-9a-f]{64}"
_POD = r"pod(?P<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})"


@dataclass(frozen=True, slots=True)
class Home:
    """Where a process lives: a systemd unit, a container, both or neither."""

    unit: str | None = None
    container: str | None = None


def home_of(path: str) -> Home:
    """The unit and the container of a cgroup path such as `/system.slice/nginx.service`.

    A container is its short id and runtime, `0123456789ab (docker)`.  The unit is the innermost
    one that is not the container's own scope.
    """
    parts = [part for part in path.split("/") if part]
    container: str | None = None
    own = len(parts)  # where the container starts
    for index, part in enumerate(parts):
        found = _container(parts[max(0, index - 1)] if index else "", part, path)
        if found:
            container, own = found, index
            break
    units = [part for part in parts[:own] if re.fullmatch(_UNIT, part)]
    unit = units[-1] if units else None
    if unit == "init.scope" and len(units) > 1:
        unit = units[-2]  # the user's own service manager
    return Home(unit, container)


def _container(parent: str, part: str, path: str) -> str | None:
    for pattern, runtime in _RUNTIMES:
        found = re.fullmatch(pattern, part) or (
            re.fullmatch(pattern, f"{parent}/{part}") if parent in ("docker", "lxc") else None
        )
        if found:
            name = found["id"]
            short = name[:12] if re.fullmatch(r"[0-9a-f]{12,64}", name) else name
            return _named(short, runtime, path)
    if re.fullmatch(_BARE_ID, part):
        return _named(part[:12], "container", path)
    return None


def _named(short: str, runtime: str, path: str) -> str:
    pod = re.search(_POD, path) if "kubepods" in path else None
    if pod:
        return f"{short} (kubernetes pod {pod['uid'].replace('_', '-')})"
    return short if runtime == "container" else f"{short} ({runtime})"


def process_home(pid: int) -> Home:
    """The home of a process by /proc/PID/cgroup, readable by every user."""
    paths = []
    for line in files.read_text(f"/proc/{pid}/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        # The unified hierarchy first, then systemd's own, then the controllers of version 1.
        rank = 0 if number == "0" else 1 if controllers == "name=systemd" else 2
        paths.append((rank, path))
    for _rank, path in sorted(paths):
        found = home_of(path)
        if found != Home():
            return found
    return Home()


def members(path: str) -> tuple[int, ...]:
    """The processes in a cgroup folder itself; empty where it cannot be read."""
    text = files.read_text(_mount() + path + "/cgroup.procs")
    return tuple(int(p) for p in text.split() if p.isdecimal() and p != "0")


def path_of(cgroup: int) -> str | None:
    """The path below the mount of the cgroup with that id; None when it is not to be seen."""
    with _lock:
        if cgroup not in _paths and time.monotonic() - _walked[0] > _WALK_AGAIN_S:
            _walked[0] = time.monotonic()
            _paths.clear()
            _paths.update(_walk(_mount()))
        return _paths.get(cgroup)


def _walk(mount: str) -> dict[int, str]:
    """Every folder by inode number; a folder's own entry tells it, without a stat each."""
    if not mount:
        return {}
    try:
        found = {os.stat(mount).st_ino: "/"}
    except OSError:
        return {}
    waiting = [""]
    while waiting and len(found) < _MOST_FOLDERS:
        path = waiting.pop()
        try:
            with os.scandir(mount + path + "/") as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        below = f"{path}/{entry.name}"
                        found[entry.inode()] = below
                        waiting.append(below)
        except OSError:
            continue
    return found


def _mount() -> str:
    """Where cgroup version 2 is mounted: the usual places first, then the mount table."""
    for usual in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
        if os.path.exists(usual + "/cgroup.procs") and os.path.exists(
            usual + "/cgroup.controllers"
        ):
            return usual
    for line in files.read_text("/proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields = before.split()
        if after.startswith("cgroup2 ") and len(fields) > 4:
            return fields[4]
    return ""


_lock = threading.Lock()
_paths: dict[int, str] = {}
_walked = [-_WALK_AGAIN_S]
