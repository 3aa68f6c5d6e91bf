"""Named states of the ports view as text, at three sizes.

`NETWHY_GOLDENS=write pytest tests/tui/test_ports_goldens.py` writes them anew: read them before
keeping them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.net.servers import eventually
from tests.tui.test_ports import attempt
from tests.tui.world import VANTAGE, World, listener, until, until_it_is

from netwhy.core.observations import Owner, Socket
from netwhy.core.snapshot import Snapshot
from netwhy.tui.ports import Ports

pytestmark = pytest.mark.tui

GOLDENS = Path(__file__).parent / "ports-goldens"
NOW = datetime(2026, 1, 1, 12, 4, 31, tzinfo=UTC)
SNAPSHOT = Snapshot(7, NOW, 10_000.0, (), (), VANTAGE, {}, False)
SIZES = [(80, 24), (120, 36), (200, 50)]
#: Keys, and what is on the screen after them.
LISTENERS = (("2",), "Local listeners 5")
STATES = {
    "listeners": [LISTENERS],
    "connections": [LISTENERS, (("c",), "Local sockets 9"), (("j",), "")],
    "stop": [LISTENERS, (("G", "k"), ""), (("x",), "Type")],
}
SHOWN = [(name, size, False) for name in STATES for size in SIZES] + [
    ("connections", (80, 24), True),
    ("stop", (80, 24), True),
]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    monkeypatch.setattr(Ports, "_now", lambda self: NOW.timestamp())
    yield
    monkeypatch.undo()
    time.tzset()


def owner(pid: int, name: str, user: str, ago_s: float, **more: str) -> Owner:
    parents = ((1, "systemd"),)
    began = NOW.timestamp() - ago_s
    return Owner(pid, name, user, 100 + pid, f"/usr/sbin/{name} --run", began, parents, **more)  # type: ignore[arg-type]


def a_server() -> World:
    """A web server with clients, a database of another user, a container, two in conflict."""
    web = owner(811, "nginx", "www-data", 18_000, unit="nginx.service")
    unseen = Owner(
        name="postgres", user="postgres", uid=111, unit="postgresql.service",
        hidden="sudo would also show its process id, command line and start time",
    )  # fmt: skip
    shop = owner(
        920, "docker-proxy", "root", 90_000, behind="the Docker container at 172.17.0.2:80"
    )
    avahi = owner(640, "avahi-daemon", "avahi", 90_000)
    api = owner(4711, "node", "ada", 204)
    w = World()
    w.listeners = (
        replace(listener(443, "::", web), connections=3, v6only=False, inode=1),
        replace(listener(5432, "127.0.0.1", unseen), connections=12, inode=2),
        replace(listener(8080, "0.0.0.0", shop), connections=0, inode=3),
        replace(listener(8080, "127.0.0.1", api), connections=1, inode=4),
        replace(listener(5353, "0.0.0.0", avahi, "udp"), inode=5),
    )  # fmt: skip
    here = ip_address("192.0.2.2")
    w.connections = tuple(
        Socket(
            "tcp", here, 443, state, (ip_address(f"198.51.100.{n}"), 40_000 + n),
            inode=100 + n if state == "ESTAB" else None,
            owners=(web,) if state == "ESTAB" else (),
            expires_ms=None if state == "ESTAB" else 42_000,
        )
        for n, state in enumerate(("ESTAB", "ESTAB", "ESTAB", "TIME_WAIT"))
    )  # fmt: skip
    w.attempt = attempt()
    return w


@pytest.mark.parametrize(("name", "size", "ascii_only"), SHOWN)
async def test_the_ports_view(name: str, size: tuple[int, int], ascii_only: bool) -> None:
    w = a_server()
    app = w.app(ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        await until(pilot, "No targets.")
        for keys, wanted in STATES[name]:
            await pilot.press(*keys)
            await until(pilot, wanted)
        if name == "connections":
            await eventually(lambda: len(w.named_ports) == 3)
        await pilot.pause(0.2)
        app.frozen = True
        app.refresh_views(SNAPSHOT)
        await pilot.pause(0.2)
        # Frozen is only how the clock is stopped here.
        for screen in app.screen_stack:
            for banner in screen.query("Banner"):
                banner.show(SNAPSHOT, frozen=False)  # type: ignore[attr-defined]
        path = golden(name, size, ascii_only)
        text = await until_it_is(pilot, path.read_text() if path.exists() else "")
    if os.environ.get("NETWHY_GOLDENS") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert not ascii_only or text.isascii(), set(filter(lambda c: not c.isascii(), text))
    assert text == path.read_text()


def golden(name: str, size: tuple[int, int], ascii_only: bool) -> Path:
    return GOLDENS / f"{name}{'-ascii' if ascii_only else ''}-{size[0]}x{size[1]}.txt"


def test_no_golden_is_forgotten() -> None:
    assert set(GOLDENS.iterdir()) == {golden(*shown) for shown in SHOWN}
