"""What changes while it runs: its configuration, many targets at once, news, standstills."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.net.servers import eventually
from tests.tui.test_leaving import Terminal
from tests.tui.world import World, choose, refused, screen_text, until, works
from textual import events
from textual.pilot import Pilot

from netwhy.core.config import load_text
from netwhy.core.model import Target, TargetReport, Verdict
from netwhy.monitor import configuration
from netwhy.monitor.configuration import Configuration
from netwhy.tui.app import NetwhyApp
from netwhy.tui.pasted import Pasted

pytestmark = pytest.mark.tui

DB, WEB, SSH = "db.example:5432", "web.example:80", "192.0.2.4:22"


# -------------------------------------------------------------------------- the configuration

START = f'interval = 0.5\ntargets = ["{WEB}", "{SSH}"]\n'


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(configuration, "LOOK_S", 0.05)
    (tmp_path / "netwhy.toml").write_text(START)
    return tmp_path / "netwhy.toml"


def put(file: Path, text: str) -> None:
    """Another file in its place: one that is half written may be read on a busy machine."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def configured(file: Path, *fixed: str, world: World | None = None) -> NetwhyApp:
    """The dashboard as the file says at its start."""
    settings = load_text(file.read_bytes())
    world = world or World()
    world.targets = world.targets or list(settings.targets)
    return world.app(
        interval_s=settings.interval_s or 2.0,
        configuration=Configuration(file, settings, frozenset(fixed)),
    )


async def test_targets_come_go_and_change_and_keep_their_history(file: Path) -> None:
    app = configured(file)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, "2 ok")
        before = app.snapshot.row(WEB)
        assert before is not None
        put(
            file,
            f'interval = 0.5\n[[targets]]\ntarget = "{WEB}"\nlabel = "the shop"\n'
            f'[[targets]]\ntarget = "{DB}"\n',
        )
        await until(pilot, "the shop")
        await eventually(lambda: len(app._notifications) > 0)
        (said,) = (note.message for note in app._notifications)
        assert said == (
            "netwhy.toml was read anew: 1 target added, 1 target removed, 1 target changed."
        )
        assert [row.target.text for row in app.snapshot.rows] == [WEB, DB]
        after = app.snapshot.row(WEB)
        assert after is not None and after.checks >= before.checks > 0
        assert after.samples[: len(before.samples)] == before.samples
        assert after.since == before.since


async def test_a_fault_is_shown_with_its_place_and_nothing_changes(file: Path) -> None:
    app = configured(file)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, "2 ok")
        put(file, START + "intervall = 9\n")
        text = await until(pilot, "TROUBLE:")
        assert "netwhy.toml:3: unknown key 'intervall'" in " ".join(text.split())
        assert len(app.snapshot.rows) == 2
        put(file, START)
        await until(pilot, "TROUBLE:", gone=True)


async def test_interval_theme_keys_and_bell_follow_the_file(file: Path) -> None:
    app = configured(file)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, "2 ok")
        put(
            file,
            START.replace("0.5", "7")
            + 'theme = "light"\nbell = true\n[keys]\n"app.freeze" = "z"\n',
        )
        await until(pilot, "every 7s")
        await eventually(lambda: app.theme == "light" and app.with_bell)
        assert {row.interval_s for row in app.snapshot.rows} == {7.0}
        await pilot.press("z")
        await until(pilot, "FROZEN")


async def test_what_the_command_line_says_stays(file: Path) -> None:
    app = configured(file, "targets", "interval", "theme", world=World(works(DB)))
    app.theme = "dark"
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, "1 ok")
        put(file, f'interval = 7\ntheme = "light"\ntargets = ["{SSH}"]\nbell = true\n')
        await until(pilot, "with the bell")
        assert [row.target.text for row in app.snapshot.rows] == [DB]
        assert app.theme == "dark" and app.snapshot.interval_s == 0.5


async def test_a_long_rest_ends_when_the_interval_becomes_short(file: Path) -> None:
    put(file, START.replace("0.5", "3600"))
    world = World()
    app = configured(file, world=world)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, "2 ok")
        before = len(world.checked)
        put(file, START)
        await until(pilot, "every 0.5s")
        await eventually(lambda: len(world.checked) >= before + 4)


# -------------------------------------------------------------------------- many at once

MANY = f"# our hosts\n{DB}\n- {SSH}\nbroken:99999\nx.example, y.example\n"


async def paste(pilot: Pilot[None], text: str) -> None:
    pilot.app.post_message(events.Paste(text))
    await pilot.pause()


async def test_many_lines_are_shown_before_they_are_added() -> None:
    async with World(works(WEB)).app().run_test(size=(100, 36), notifications=True) as pilot:
        await until(pilot, "1 ok")
        await paste(pilot, MANY)
        text = await until(pilot, "Add 4 targets?")
        assert "4 targets; 1 that cannot be read is left out" in text
        assert "line 4: 'broken:99999'" in text and "out of range" in text
        assert pilot.app.snapshot.row(DB) is None, "not before enter"
        await pilot.press("enter")
        await until(pilot, "4 targets added.")
        await until(pilot, "5 ok")


async def test_esc_adds_none_and_known_ones_are_counted() -> None:
    async with World(works(WEB)).app().run_test(size=(100, 36), notifications=True) as pilot:
        await until(pilot, "1 ok")
        await paste(pilot, f"{DB}\n{SSH}")
        await until(pilot, "Add 2 targets?")
        await pilot.press("escape")
        await until(pilot, "Add 2 targets?", gone=True)
        assert len(pilot.app.snapshot.rows) == 1
        await paste(pilot, f"{DB}\n{WEB}")
        await until(pilot, "Add 2 targets?")
        await pilot.press("enter")
        await until(pilot, "1 target added, 1 watched already.")


async def test_many_lines_into_the_field_and_one_line_into_the_dashboard() -> None:
    async with World(works(WEB)).app().run_test(size=(100, 36), notifications=True) as pilot:
        await until(pilot, "1 ok")
        await paste(pilot, f"  {DB} ")
        await until(pilot, "Add a target")
        await pilot.press("enter")
        await until(pilot, "2 ok")
        await pilot.press("a")
        await until(pilot, "Add a target")
        await paste(pilot, MANY)
        await until(pilot, "Add 4 targets?")
        assert isinstance(pilot.app.screen, Pasted)
        await pilot.press("escape")
        await until(pilot, "Add 4 targets?", gone=True)
        await pilot.press("a")
        await until(pilot, "Add a target")
        await pilot.press(*"p.example,q.example", "enter")
        await until(pilot, "Add 2 targets?")


async def test_a_paste_of_nothing_readable_adds_nothing() -> None:
    async with World(works(WEB)).app().run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, "1 ok")
        await paste(pilot, "htp://[/red]:\x1b[31m\nfoo:bar:baz\n" * 30)
        await until(pilot, "Add 0 targets?")
        text = screen_text(pilot.app)  # type: ignore[arg-type]
        assert (
            "60 that cannot be read are left out" in text
            and "and 55 more" in text
            and "\x1b" not in text
        )
        await pilot.press("enter")
        await pilot.pause()
        assert len(pilot.app.snapshot.rows) == 1  # type: ignore[attr-defined]


# -------------------------------------------------------------------------- announcements


class Doubted(World):
    """What would confirm a failure waits for `gate`."""

    failures = 0

    async def check(self, target: Target) -> AsyncGenerator[TargetReport, None]:
        async for report in super().check(target):
            self.failures += report.verdict is Verdict.FAILING
            if self.failures == 2:
                await self.gate.wait()
            yield report


@pytest.mark.parametrize("bell", [True, False])
async def test_a_change_is_announced_once_and_rung_for_if_asked(
    bell: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    monkeypatch.setattr(NetwhyApp, "bell", lambda self: rung.append("!"))
    world = Doubted(works(WEB))
    world.gate = gate = asyncio.Event()
    app = world.app(interval_s=0.3, bell=bell)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 ok")
        assert rung == [], "the first state is no change"
        world.answers[WEB] = refused(WEB)
        await until(pilot, "recheck")
        assert "is failing now" not in screen_text(app), "not before it is confirmed"
        gate.set()
        await until(pilot, "is failing now")
        await pilot.pause(1.0)
        assert len(rung) == (1 if bell else 0)
        world.answers[WEB] = works(WEB)
        await until(pilot, "is ok now")
        await pilot.pause(1.0)
        assert len(rung) == (2 if bell else 0)
        assert [change.now for change in app.snapshot.changes] == [Verdict.FAILING, Verdict.OK]


# -------------------------------------------------------------------------- on a real terminal

CODE = """
import sys
from netwhy.cli import main
sys.exit(main({arguments!r}))
"""
COLOR = re.compile(rb"\x1b\[[0-9;:]*m")


def colored(wrote: bytes) -> list[bytes]:
    """The sequences that set a colour: SGR 30 to 49, 90 to 107, and what follows 38 and 48."""
    found = []
    for sequence in COLOR.findall(wrote):
        numbers = [int(n) for n in re.split(rb"[;:]", sequence[2:-1]) if n]
        if any(30 <= n <= 49 or 90 <= n <= 107 for n in numbers):
            found.append(sequence)
    return found


@contextmanager
def running(
    *arguments: str, monkeypatch: pytest.MonkeyPatch, **environment: str
) -> Iterator[Terminal]:
    """The command in a pseudo-terminal, which is its own controlling one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nonexistent")
    for name in ("NO_COLOR", "COLORFGBG", "TMUX", "NETWHY_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    # A session leader gets the terminal that it opens first.
    own = "import os; os.close(os.open(os.ttyname(0), os.O_RDWR))\n"
    own += f"os.environ |= {dict(environment)!r}\n"
    terminal = Terminal(own + CODE.format(arguments=list(arguments)), size=(30, 110))
    try:
        yield terminal
    finally:
        if terminal.process.poll() is None:
            terminal.process.send_signal(signal.SIGCONT)
            terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.main)
        os.close(terminal.side)


def test_no_color_sends_none_and_the_cursor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("127.0.0.1:9", monkeypatch=monkeypatch, NO_COLOR="1") as terminal:
        terminal.read_until(b"tcp.refused")
        os.write(terminal.main, b"?")
        terminal.read_until(b" Help ")
        os.write(terminal.main, b"\x1b")
        time.sleep(1.0)  # else it is one key with the next, with alt
        os.write(terminal.main, b"\x10")
        terminal.read_until(b"Search")
        os.write(terminal.main, b"\x1b")
        time.sleep(1.0)  # else it is one key with the next, with alt
        os.write(terminal.main, b"\x03")
        assert terminal.ended(seconds=20.0) == 0
        assert colored(terminal.wrote) == []
        assert b"\x1b[1;4m" in terminal.wrote, "bold and underlined: the row of the cursor"


def test_with_colour_there_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("127.0.0.1:9", monkeypatch=monkeypatch, NO_COLOR="") as terminal:
        terminal.read_until(b"tcp.refused")
        assert colored(terminal.wrote)


@pytest.mark.parametrize("option", [(), ("--no-mouse",)])
def test_the_mouse_is_left_alone_if_asked(
    option: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with running("127.0.0.1:9", *option, monkeypatch=monkeypatch) as terminal:
        terminal.read_until(b"tcp.refused")
        assert (b"\x1b[?1000h" in terminal.wrote) is not bool(option)


ASKED = b"\x1b]11;?\x07"
LIGHT, DARK = b"\x1b]11;rgb:fafa/fafa/fafa\x1b\\", b"\x1b]11;rgb:1212/1212/1212\x07"
LIGHT_GROUND, DARK_GROUND = b"48;2;250;250;250", b"48;2;18;18;18"


@pytest.mark.parametrize(("answer", "ground"), [(LIGHT, LIGHT_GROUND), (DARK, DARK_GROUND)])
def test_the_terminal_is_asked_for_its_ground(
    answer: bytes, ground: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running("127.0.0.1:9", monkeypatch=monkeypatch, COLORFGBG="0;15") as terminal:
        terminal.read_until(ASKED)
        os.write(terminal.main, answer)
        terminal.read_until(b"tcp.refused")
        assert terminal.wrote.count(ASKED) == 1
        terminal.read_until(ground)  # the answer may have come late
        assert b"rgb:" not in terminal.wrote, "the answer is not echoed"


@pytest.mark.parametrize("pieces", [(LIGHT,), (LIGHT[:1] + LIGHT[1:9], LIGHT[9:])])
def test_a_late_answer_presses_no_key_and_still_counts(
    pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Read as keys it would show the ports (`1`), go to the top (`g`) and export (`e`, `f`)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2] / "app"))
    with running("127.0.0.1:9", monkeypatch=monkeypatch) as terminal:
        terminal.read_until(b"tcp.refused")
        assert LIGHT_GROUND not in terminal.wrote
        for piece in pieces:
            os.write(terminal.main, piece)
            time.sleep(0.05)
        terminal.read_until(LIGHT_GROUND)
        with contextlib.suppress(AssertionError):
            terminal.read_until(b"never", seconds=0.7)
        for news in (b"Checking every target", b"could I bind", b"Exported", b"Removed"):
            assert news not in terminal.wrote
        os.write(terminal.main, b"q")
        assert terminal.ended(seconds=20.0) == 0


def test_no_question_where_it_is_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments, environment in (
        (("--theme", "dark"), {}),
        ((), {"NO_COLOR": "1"}),
        ((), {"TERM": "linux"}),
    ):
        with running("127.0.0.1:9", *arguments, monkeypatch=monkeypatch, **environment) as terminal:
            terminal.read_until(b"tcp.refused")
            assert ASKED not in terminal.wrote


@pytest.fixture
def silent() -> Iterator[int]:
    """A loopback port that accepts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield listening.getsockname()[1]


def test_a_stopped_process_shows_a_gap_and_no_failure(
    silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (f"127.0.0.1:{silent}", "--interval", "0.5")
    with running(*arguments, monkeypatch=monkeypatch) as terminal:
        terminal.read_until(b"1 ok")
        time.sleep(2.0)
        terminal.process.send_signal(signal.SIGSTOP)
        time.sleep(7.0)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.read_until(b"netwhy was stopped")
        with contextlib.suppress(AssertionError):
            terminal.read_until(b"never", seconds=2.0)
        assert b"failing" not in terminal.wrote and b"recheck" not in terminal.wrote


# -------------------------------------------------------------------------- the mouse


async def test_the_wheel_scrolls_the_list_and_the_text() -> None:
    world = World(*(works(f"host{n:02}.example:80") for n in range(60)), refused(DB))
    async with world.app().run_test(size=(80, 24)) as pilot:
        await until(pilot, "60 ok", "1 failing")
        app: NetwhyApp = pilot.app  # type: ignore[assignment]
        for pane in ("#targets", "#why"):
            widget = app.screen.query_one(pane)
            before = widget.scroll_y
            await pilot._post_mouse_events([events.MouseScrollDown], widget=pane, offset=(5, 3))
            await eventually(lambda w=widget, y=before: w.scroll_y > y)  # type: ignore[misc]
            await pilot.pause(1.5)
            assert widget.scroll_y > before, f"{pane} stays when the durations are drawn anew"
        await pilot.press("down")
        assert app.screen.query_one("#targets").scroll_y <= 1, "a key leads back to the cursor"


async def test_the_palette_has_every_action_and_every_theme() -> None:
    async with World(works(WEB)).app(theme="dark").run_test(size=(100, 30)) as pilot:
        await until(pilot, "1 ok")
        await choose(pilot, "high", "Theme high-contrast")
        await eventually(lambda: pilot.app.theme == "high-contrast")
