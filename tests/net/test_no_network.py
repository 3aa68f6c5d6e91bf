"""A machine that lacks its network, layer by layer: `check` and the dashboard say which and what.

Each state is made in a namespace of its own, and read there by root and by somebody without any
privilege.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.net.namespaces import become_nobody, inside, ip, sysctl

from netwhy.core.model import Kind
from netwhy.engine import Engine

RESOLV_CONF = "/etc/resolv.conf"
CABLE = "link add eth0 type veth peer name far"


@dataclass(frozen=True)
class Lack:
    """What is missing, and what must be said of it: cause, path, and the next command."""

    name: str
    lines: tuple[str, ...]  # of `ip`; `plug` gives the far end to another namespace, switched on
    resolvers: str | None  # the text of resolv.conf; None: there is no such file
    cause: str
    path: tuple[str, ...]
    command: str
    said: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


ONE = "nameserver 192.0.2.53\n"
HERE = "address add 192.0.2.10/24 dev eth0"
LACKS = [
    Lack(
        "nothing at all, loopback is down",
        (),
        ONE,
        "local.offline",
        ("no interface", "no address", "no gateway", "resolver 192.0.2.53"),
        "ip -br link",
        ("no interface but loopback", "gateway: none", "resolver: 192.0.2.53"),
    ),
    Lack(
        "loopback only",
        ("link set lo up",),
        None,
        "local.offline",
        ("no interface", "no address", "no gateway", "no resolver"),
        "ip -br link",
        ("resolver: none", "/etc/resolv.conf does not exist"),
    ),
    Lack(
        "an interface that is off",
        ("link set lo up", CABLE, "plug"),
        "",
        "local.offline",
        ("no interface up", "no address", "no gateway", "no resolver"),
        "sudo nmcli device connect eth0 || sudo networkctl up eth0",
        ("interface eth0 is switched off", "/etc/resolv.conf names no resolver"),
    ),
    Lack(
        "an interface without a link",
        ("link set lo up", CABLE, "link set far netns self", "link set eth0 up"),
        ONE,
        "local.offline",
        ("no link", "no address", "no gateway", "resolver 192.0.2.53"),
        "ip -br link; ip -br address",
        ("eth0 is switched on and has no link",),
    ),
    Lack(
        "a link without an address",
        ("link set lo up", CABLE, "plug", "link set eth0 up"),
        ONE,
        "local.offline",
        ("eth0", "no address", "no gateway", "resolver 192.0.2.53"),
        "sudo nmcli device connect eth0 || sudo networkctl renew eth0",
        ("eth0 is up and has no address beyond its own link",),
    ),
    Lack(
        "an address without a gateway",
        ("link set lo up", CABLE, "plug", "link set eth0 up", HERE),
        "nameserver 192.0.2.10\n",
        "route.none",
        ("eth0", "192.0.2.10", "no gateway", "resolver 192.0.2.10"),
        "sudo nmcli device connect eth0 || sudo networkctl renew eth0",
        ("no default route for IPv4",),
    ),
    Lack(
        "a gateway without a resolver",
        (
            *("link set lo up", CABLE, "plug", "link set eth0 up", HERE),
            "route add default via 192.0.2.1",
        ),
        "# nobody\n",
        "dns.no-resolver",
        ("eth0", "192.0.2.10", "gateway 192.0.2.1", "no resolver"),
        "ls -l /etc/resolv.conf",
        ("/etc/resolv.conf names no resolver",),
    ),
    Lack(
        "no resolv.conf",
        (
            *("link set lo up", CABLE, "plug", "link set eth0 up", HERE),
            "route add default via 192.0.2.1",
        ),
        None,
        "dns.no-resolver",
        ("eth0", "192.0.2.10", "gateway 192.0.2.1", "no resolver"),
        "ls -l /etc/resolv.conf",
        ("/etc/resolv.conf does not exist",),
    ),
]


@pytest.mark.parametrize("user", ["root", "nobody"])
@pytest.mark.parametrize("lack", LACKS, ids=str)
def test_what_is_missing_is_named_with_the_next_command(
    lack: Lack, user: str, tmp_path: Path
) -> None:
    told = inside(diagnosed, LACKS.index(lack), str(tmp_path), user)
    first = told["findings"][0]
    assert first["cause"] == lack.cause, told
    assert told["path"] == ["this host", *lack.path] or (
        told["path"] == ["this host", "loopback", *lack.path]
    )
    assert first["fixes"][0].startswith(lack.command), first
    words = "\n".join((first["title"], *first["evidence"]))
    assert [part for part in lack.said if part not in words] == [], words


@pytest.mark.parametrize("lack", LACKS, ids=str)
def test_the_dashboard_says_the_same(lack: Lack, tmp_path: Path) -> None:
    told = inside(shown, LACKS.index(lack), str(tmp_path))
    assert "this machine" in told
    for part in (lack.cause, lack.command.partition(" ||")[0], *lack.path[:3]):
        assert part in told, told
    if lack.cause == "local.offline":
        assert "OFFLINE" in told


# ------------------------------------------------------------------------ inside the namespace


def diagnosed(number: int, folder: str, user: str) -> dict[str, Any]:
    with lacking(LACKS[number], Path(folder)):
        if user == "nobody" and _all_users():
            become_nobody()
        return asyncio.run(_diagnosed())


def _all_users() -> bool:
    """False as root of a user namespace that knows nobody else."""
    return int(Path("/proc/self/uid_map").read_text().split()[2]) > 1


async def _diagnosed() -> dict[str, Any]:
    engine = Engine()
    here, *_others = await engine.default_targets()
    assert here.kind is Kind.LOCAL
    reports = [report async for report in engine.check(here)]
    return {
        "path": [step.label for step in reports[-1].path],
        "findings": [
            {
                "cause": finding.cause,
                "title": finding.title,
                "evidence": list(finding.evidence),
                "fixes": [fix.command or fix.text for fix in finding.fixes],
            }
            for finding in reports[-1].findings
        ],
    }


def shown(number: int, folder: str) -> str:
    """What stands on a small screen some moments after the start without arguments."""
    from tests.tui.world import until

    from netwhy.tui.app import NetwhyApp
    from netwhy.tui.widgets.line_list import LineList

    async def look() -> str:
        app = NetwhyApp([], interval_s=30.0)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, "this machine")
            if LACKS[number].cause != "local.offline":  # there it is the first row by itself
                app.screen.query_one(LineList).move_to("this machine")
            lack = LACKS[number]
            await until(pilot, lack.cause, lack.command.partition(" ||")[0], *lack.path[:3])
            offline = ["OFFLINE"] if lack.cause == "local.offline" else []
            return await until(pilot, "this machine", *offline)

    with lacking(LACKS[number], Path(folder)):
        return asyncio.run(asyncio.wait_for(look(), 70))


@contextlib.contextmanager
def lacking(lack: Lack, folder: Path) -> Iterator[None]:
    """Make the state; the far end of the cable hangs in a process of its own."""
    with contextlib.ExitStack() as stack:
        _resolvers(lack.resolvers, folder)
        sysctl("ipv6/conf/default/accept_dad", 0)
        sysctl("ipv6/conf/default/router_solicitations", 0)
        for line in lack.lines:
            if line in ("plug", "link set far netns self"):
                far = stack.enter_context(_elsewhere())
                ip(f"link set far netns {far}")
                if line == "plug":
                    subprocess.run(
                        ["nsenter", "-t", str(far), "-n", "ip", "link", "set", "far", "up"],
                        check=True,
                    )
            else:
                ip(line)
        if {"plug", "link set eth0 up"} <= {*lack.lines}:
            _await_link("eth0")
        yield


def _await_link(name: str) -> None:
    """The kernel tells a moment later, up to a second, that a cable is plugged in at both ends."""
    for _ in range(100):
        if (
            "state UP"
            in subprocess.run(
                ["ip", "-o", "link", "show", "dev", name],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        ):
            return
        time.sleep(0.05)
    raise AssertionError(f"{name} has no link")


@contextlib.contextmanager
def _elsewhere() -> Iterator[int]:
    """Another namespace, while the block lasts: the id of a process in it."""
    command = ["unshare", "--net", "sh", "-c", "echo there; read end"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin is not None and other.stdout is not None
        assert other.stdout.readline() == "there\n"
        yield other.pid
        other.stdin.close()


def _resolvers(text: str | None, folder: Path) -> None:
    """Another resolv.conf, or none at all, for this mount namespace only."""
    if text is not None:
        made = folder / "resolv.conf"
        made.write_text(text)
        made.chmod(0o644)
        subprocess.run(["mount", "--bind", str(made), os.path.realpath(RESOLV_CONF)], check=True)
        return
    for name in os.listdir("/etc"):
        if name != "resolv.conf":
            subprocess.run(["cp", "-a", f"/etc/{name}", str(folder)], check=False)
    folder.chmod(0o755)
    subprocess.run(["mount", "--bind", str(folder), "/etc"], check=True)
