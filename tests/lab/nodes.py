"""Nodes of a world: machines made of namespaces, held by one sleeping process each.

A node has its own network, its own `/sys` and its own `/etc` (hosts, resolv.conf, nsswitch.conf
can be changed freely; all else leads to the real one).  As root the namespaces are made directly;
an ordinary user makes them inside a user namespace, where he is root over nothing else.  Nothing
is left behind: a holder ends with the pipe that it reads, whatever happens to the test run.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.opened import opened

#: Who netwhy is in the lab where root runs it: nobody, without any capability.
_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all",
           "--inh-caps=-all", "--")  # fmt: skip

_TOOLS = ("ip", "nft", "unshare", "nsenter", "setpriv", "prlimit", "dnsmasq", "unbound")

#: Services and firewalls live where ordinary users do not look.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


class LabError(RuntimeError):
    """The lab itself is broken: a command that builds a world failed."""


def missing_tools() -> list[str]:
    return [tool for tool in _TOOLS if shutil.which(tool, path=PATH) is None]


def environment() -> dict[str, str]:
    """What a program in a node gets: no proxies, no colours, no byte code written."""
    env = {
        "PATH": PATH,
        "LANG": "C.UTF-8",
        "HOME": "/nonexistent",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TERM": "dumb",
    }
    if places := os.environ.get("PYTHONPATH"):
        # A node's programs do not start in the folder of the test run.
        env["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in places.split(os.pathsep))
    return env


@dataclass
class Node:
    """One machine.  `enter` is the command prefix that runs something on it as its root."""

    name: str
    folder: Path
    holder: subprocess.Popen[bytes]
    in_user_namespace: bool
    visitor: subprocess.Popen[bytes] | None = None
    services: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def enter(self) -> tuple[str, ...]:
        user = ("--user", "--preserve-credentials") if self.in_user_namespace else ()
        return ("nsenter", "--target", str(self.holder.pid), *user, "--net", "--mount", "--")

    @property
    def enter_unprivileged(self) -> tuple[str, ...]:
        """The same for somebody who has no power over this node at all."""
        if self.visitor is None:
            return (*self.enter, *_NOBODY)
        return (*self.enter, "nsenter", "--target", str(self.visitor.pid), "--user",
                "--preserve-credentials", "--")  # fmt: skip

    @property
    def etc(self) -> Path:
        """The node's /etc, seen from outside."""
        return self.folder / "etc"

    def run(self, *command: str, stdin: str = "", check: bool = True) -> str:
        """Runs a command as the node's root and returns what it printed.  Raises LabError."""
        done = subprocess.run(
            (*self.enter, *command), input=stdin, capture_output=True, text=True, env=environment(),
            timeout=30,
        )  # fmt: skip
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise LabError(f"on {self.name}: {' '.join(command)}: {said}\n{stdin}".strip())
        return done.stdout

    def run_unprivileged(
        self, command: Sequence[str], *, timeout: float, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*self.enter_unprivileged, *command), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, env={**environment(), **(env or {})}, timeout=timeout,
        )  # fmt: skip

    def start(self, *command: str, unprivileged: bool = False) -> subprocess.Popen[bytes]:
        """Starts a service; it ends with the world, or with this process."""
        prefix = self.enter_unprivileged if unprivileged else self.enter
        process = subprocess.Popen(
            (*prefix, "setpriv", "--pdeathsig", "KILL", *command), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
        )  # fmt: skip
        self.services.append(process)
        return process

    def set(self, values: Mapping[str, str]) -> None:
        """Sets kernel settings of this node's network: `{"ipv4/ip_forward": "1"}`."""
        lines = [f"echo '{value}' > /proc/sys/net/{name}" for name, value in values.items()]
        self.run("sh", "-ec", "\n".join(lines))

    def stop_services(self, keep: int = 0) -> None:
        """Ends all services but the first `keep`."""
        for process in self.services[keep:]:
            _end(process)
        del self.services[keep:]

    def remove(self) -> None:
        self.stop_services()
        for process in (self.visitor, self.holder):
            if process is not None:
                if process.stdin is not None:
                    process.stdin.close()
                _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.wait(timeout=10)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _sleeper(make: Sequence[str]) -> subprocess.Popen[bytes]:
    """A process that holds the namespaces made by `make`.  Raises LabError with the reason."""
    process = subprocess.Popen(
        (*make, "sh", "-c", "echo ready; exec cat >/dev/null"), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
    )  # fmt: skip
    assert process.stdout is not None
    said = process.stdout.readline().decode(errors="replace").strip()
    if said != "ready":
        _end(process)
        raise LabError(f"namespaces cannot be made here: {said or 'no reason given'}")
    return process


class Ground:
    """Where nodes are made: this machine as root, or a user namespace of our own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: list[Node] = []
        self.in_user_namespace = os.geteuid() != 0

    def node(self, name: str) -> Node:
        """Makes a node.  Raises LabError where this machine does not permit it."""
        folder = self.folder / name
        folder.mkdir()
        make = ["unshare", "--net", "--mount"]
        if self.in_user_namespace:
            if self.nodes:
                first = str(self.nodes[0].holder.pid)
                make = ["nsenter", "--target", first, "--user", "--preserve-credentials", *make]
            else:
                make += ["--user", "--map-root-user"]
        node = Node(name, folder, _sleeper(make), self.in_user_namespace)
        self.nodes.append(node)
        self._furnish(node)
        if self.in_user_namespace:
            # Who visits from a namespace nested in ours has no rights over our network.
            node.visitor = _sleeper((*node.enter, "unshare", "--user"))
        return node

    def _furnish(self, node: Node) -> None:
        real = node.folder / "real-etc"
        real.mkdir()
        node.etc.mkdir()
        for name in os.listdir("/etc"):
            if name not in ("resolv.conf", "hosts", "nsswitch.conf"):
                (node.etc / name).symlink_to(real / name)
        script = [
            f"mount --rbind /etc '{real}'",
            f"mount --bind '{node.etc}' /etc",
            # A fresh /sys shows this node's interfaces; where that is forbidden, the old one stays.
            "mount -t sysfs sysfs /sys 2>/dev/null || true",
            *opened(node.folder),
        ]
        node.run("sh", "-ec", "\n".join(script))

    def remove(self) -> None:
        for node in reversed(self.nodes):
            node.remove()
        self.nodes.clear()
