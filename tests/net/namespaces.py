"""Functions of a test module, run in a network namespace or a process of their own."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.opened import viewing

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534


@functools.cache
def _entry() -> tuple[str, ...] | None:
    """The command that enters a new network namespace here, as root or by a user namespace."""
    if shutil.which("unshare") and shutil.which("ip"):
        for more in ((), ("--user", "--map-root-user")):
            argv = (*viewing(), "unshare", "--net", "--mount", *more)
            check = [*argv, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far"]
            if subprocess.run(check, capture_output=True).returncode == 0:
                return argv
    return None


def inside(function: Callable[..., Any], *args: object, timeout_s: float = 90) -> Any:
    """Run a function of a test module in a namespace of its own; its result comes as JSON."""
    entry = _entry()
    if entry is None:
        pytest.skip("no network namespace can be made here (needs root or user namespaces, ip)")
    done = subprocess.run(
        [*entry, *_command(function, args)],
        capture_output=True,
        timeout=timeout_s,
        env=_environment(),
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


def in_process(function: Callable[..., Any], *args: object, timeout_s: float = 90) -> Any:
    """Run a function of a test module in a process of its own; its result comes as JSON."""
    done = subprocess.run(
        _command(function, args), capture_output=True, timeout=timeout_s, env=_environment()
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout.splitlines()[-1])


def _command(function: Callable[..., Any], args: tuple[object, ...]) -> list[str]:
    code = "import sys; from tests.net.namespaces import run; run(*sys.argv[1:])"
    return [sys.executable, "-c", code, function.__module__, function.__name__, json.dumps(args)]


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "app"), str(ROOT)))}


def run(module: str, name: str, args: str) -> None:
    """The other end of `inside`."""
    result = getattr(importlib.import_module(module), name)(*json.loads(args))
    print(json.dumps(result, default=str), flush=True)


def become_nobody() -> None:
    """Give up every privilege for good; as root of a user namespace there is no other user."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def ip(line: str) -> None:
    subprocess.run(["ip", *line.split()], check=True, capture_output=True)


def sysctl(name: str, value: object) -> None:
    Path("/proc/sys/net", name).write_text(str(value))


def firewall(rules: str) -> None:
    """Load an nft rule set into this namespace."""
    done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


#: The two ends of the cable between this namespace and the peer's.
NEAR = ("192.0.2.10", "2001:db8::10")
FAR = ("192.0.2.1", "2001:db8::1")


@contextlib.contextmanager
def peer(rules: str = "", routes: Sequence[str] = ()) -> Iterator[None]:
    """Inside: a second namespace at the other end of a cable, with a firewall of its own.

    With `routes` it is a router that has these, and the way to everywhere else.
    """
    ip("link set lo up")
    ip("link add eth0 type veth peer name far")
    command = ["unshare", "--net", *_command(serve_as_peer, (rules, routes))]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin is not None and other.stdout is not None
    with other:
        assert other.stdout.readline() == "there\n"
        ip(f"link set far netns {other.pid}")
        _address("eth0", NEAR)
        if routes:
            ip(f"route add default via {FAR[0]}")
            ip(f"route add default via {FAR[1]}")
        print("moved", file=other.stdin, flush=True)
        assert other.stdout.readline() == "up\n"
        yield
        other.stdin.close()
        other.stdout.read()


def serve_as_peer(rules: str, routes: Sequence[str]) -> None:
    """The far end: answers by its kernel alone, and by TCP port 80."""
    print("there", flush=True)
    sys.stdin.readline()
    ip("link set lo up")
    _address("far", FAR)
    sysctl("ipv4/icmp_ratelimit", 0)
    sysctl("ipv6/icmp/ratelimit", 0)
    if routes:
        sysctl("ipv4/ip_forward", 1)
        sysctl("ipv6/conf/all/forwarding", 1)
    for route in routes:
        ip(f"route add {route}")
    if rules:
        firewall(rules)
    with socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True):
        print("up", flush=True)
        sys.stdin.read()


def _address(interface: str, addresses: tuple[str, str]) -> None:
    sysctl(f"ipv6/conf/{interface}/accept_dad", 0)
    sysctl(f"ipv6/conf/{interface}/router_solicitations", 0)
    ip(f"address add {addresses[0]}/24 dev {interface}")
    ip(f"address add {addresses[1]}/64 dev {interface} nodad")
    ip(f"link set {interface} up")
