"""The screen over the real engine: real sockets on loopback, nothing scripted."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from tests.tui.world import until

import netwhy
from netwhy.core.target import parse
from netwhy.tui.app import NetwhyApp

APP = str(Path(netwhy.__file__).parents[1])

pytestmark = pytest.mark.tui


@contextmanager
def closed_port() -> Iterator[int]:
    """A loopback port that is bound, so that no one else takes it, and refuses."""
    with held_port() as held:
        yield held.getsockname()[1]


def held_port() -> socket.socket:
    """A socket that holds a port and does not listen yet."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held


@asynccontextmanager
async def server(held: socket.socket | None = None) -> AsyncIterator[int]:
    """A loopback server that accepts and hangs up."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    serving = await asyncio.start_server(hang_up, sock=held or held_port())
    async with serving:
        yield serving.sockets[0].getsockname()[1]


def app_of(*texts: str, interval_s: float = 0.5) -> NetwhyApp:
    return NetwhyApp([parse(text) for text in texts], interval_s=interval_s)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


async def test_a_refused_port_is_explained_next_to_an_open_one() -> None:
    with closed_port() as closed:
        async with server() as opened:
            app = app_of(f"127.0.0.1:{opened}", f"127.0.0.1:{closed}")
            async with app.run_test(size=(120, 36), notifications=True) as pilot:
                text = await until(pilot, "✗ 1 failing", "✓ 1 ok", "tcp.refused · proved")
                assert f"──✗── port {closed}" in text


async def test_a_service_that_comes_back_is_announced_once() -> None:
    held = held_port()
    app = app_of(f"127.0.0.1:{held.getsockname()[1]}", interval_s=0.3)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, "✗ 1 failing")
        async with server(held):
            await until(pilot, "is ok now", "✓ 1 ok")
            assert [c.now for c in app.snapshot.changes] == ["ok"]


async def test_export_of_a_real_report_is_the_document_of_check(tmp_path: Path) -> None:
    with closed_port() as closed:
        app = app_of(f"127.0.0.1:{closed}")
        async with app.run_test(size=(120, 36), notifications=True) as pilot:
            await until(pilot, "✗ 1 failing")
            await pilot.press("e")
            await until(pilot, "Exported to")
    (document,) = exported(tmp_path)
    found = json.loads(document)
    assert found["verdict"] == "failing"
    assert found["targets"][0]["findings"][0]["cause"] == "tcp.refused"


def exported(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.glob("netwhy-*.json")]


async def test_the_ports_view_names_this_process_and_b_explains_who_holds_a_port() -> None:
    async with server() as port:
        app = app_of("127.0.0.1")
        async with app.run_test(size=(120, 40), notifications=True) as pilot:
            await until(pilot, "✓ 1 ok")
            await pilot.press("2")
            await until(pilot, "Local listeners")
            await pilot.press("slash", *str(port), "enter")
            text = await until(pilot, f"pid {os.getpid()}")
            assert "loopback" in text
            await pilot.press("b")
            await until(pilot, "Could I bind?")
            await pilot.press(*f"127.0.0.1:{port}", "enter")
            await until(pilot, "bind.in-use", f"pid {os.getpid()}")


async def test_the_first_frame_needs_no_engine(tmp_path: Path) -> None:
    """In a process of its own: what is imported when the first frame is on the screen."""
    code = """
import sys
from netwhy.core.target import parse
from netwhy.tui.app import NetwhyApp
import asyncio

class Watched(NetwhyApp):
    async def _begin(self):
        heavy = {"netwhy.engine", "dns", "psutil", "msgspec"} & set(sys.modules)
        assert not heavy, heavy
        strips = self.screen._compositor.render_strips()
        text = ["".join(segment.text for segment in strip) for strip in strips]
        assert any("127.0.0.1:9" in line for line in text), text
        print("FRAME WITHOUT ENGINE")
        self.exit()

async def main():
    app = Watched([parse("127.0.0.1:9")])
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(100):
            await pilot.pause(0.1)
            if app._exit:
                break

asyncio.run(main())
"""
    script = tmp_path / "first.py"
    script.write_text(code)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        env={**os.environ, "PYTHONPATH": APP},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert b"FRAME WITHOUT ENGINE" in out, err.decode()
