"""What each view shows while it has nothing, reads, fails or is offline; and how a view is added.

Nobody explains the screen to the person in front of it: the keys at the bottom, the help and the
palette are made from the bindings, for views that are not written yet too.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tui.world import World, offline, refused, screen_lines, until, works

from netwhy.tui.app import NetwhyApp
from netwhy.tui.help import actions, help_lines
from netwhy.tui.view import View
from netwhy.tui.views import VIEWS

pytestmark = pytest.mark.tui

ROOT = Path(__file__).resolve().parents[2]
DB, WEB = "db.example:5432", "web.example:80"
SMALL = (80, 24)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def world() -> World:
    return World(works(WEB, 12.4), refused(DB))


def last_line(app: NetwhyApp) -> str:
    return screen_lines(app)[-1]


# ------------------------------------------------------------------------------- the dashboard


async def test_before_the_first_answer_the_dashboard_says_that_it_probes() -> None:
    w = world()
    w.delay_s = 30.0
    async with w.app().run_test(size=SMALL, notifications=True) as pilot:
        text = await until(pilot, "2 probing", "Probing: the first check of this target")
        assert DB in text


async def test_a_check_that_breaks_is_told_where_its_diagnosis_would_stand() -> None:
    w = World(works(WEB))
    w.answers[WEB] = OSError(5, "the disk is gone")
    async with w.app().run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, "the disk is gone", "1 unknown")


async def test_this_machine_leads_when_everything_fails_with_it() -> None:
    w = World(refused(DB), offline())
    async with w.app().run_test(size=SMALL, notifications=True) as pilot:
        text = await until(pilot, "2 failing", "ip -br link", "OFFLINE")
        named = [line for line in text.splitlines() if DB in line or "this machine" in line]
        rows = [line for line in named if "✗" in line[:3]]
        assert "this machine" in rows[0], "although the other failed later"
        assert "[y] copy" in text


# ------------------------------------------------------------------------------------ the ports


async def test_ports_that_are_being_read_say_so() -> None:
    w = World(works(WEB))
    w.gate = asyncio.Event()
    async with w.app().run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, "1 ok")
        await pilot.press("2")
        await until(pilot, "Reading the local sockets.")
        w.gate.set()
        await until(pilot, "server22")


async def test_a_machine_on_which_nothing_listens_says_so() -> None:
    w = world()
    w.listeners = ()
    async with w.app().run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, "1 ok")
        await pilot.press("2")
        await until(pilot, "Nothing listens on this machine.")


async def test_ports_are_shown_offline_and_say_that_it_is() -> None:
    async with World(offline()).app().run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, "OFFLINE")
        await pilot.press("2")
        await until(pilot, "server22", "OFFLINE")


# ---------------------------------------------------------------------- what is found unaided


async def test_the_small_screen_says_what_fails_why_since_when_and_what_to_type() -> None:
    async with world().app().run_test(size=SMALL, notifications=True) as pilot:
        text = await until(pilot, "1 failing", "refused the connection", "y copy")
        for part in (DB, "refused the connection on port 5432", "tcp.refused", "SINCE"):
            assert part in text
        assert "systemctl status postgresql   [y] copy" in text
        keys = last_line(pilot.app)
        for part in ("y copy", "e export", "? help", "q quit", "a add", "2 Ports", "5 Explain"):
            assert part in keys, keys


@pytest.mark.parametrize("mode", [view.mode for view in VIEWS])
@pytest.mark.parametrize("width", [80, 120])
async def test_every_view_says_how_to_copy_to_export_to_get_help_and_to_leave(
    mode: str, width: int
) -> None:
    async with world().app().run_test(size=(width, 24), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.app.action_view(mode)
        await pilot.press("escape")  # out of a field, where there is one
        absent = {"dashboard": "1 Dashboard", "ports": "y copy"}  # there is no fix among the ports
        wanted = {"e export", "? help", "q quit", "y copy", "1 Dashboard"} - {absent.get(mode)}
        await until(pilot, *wanted)
        keys = last_line(pilot.app)
        for part in wanted:
            assert part in keys, keys
        assert len(keys) <= width


async def test_in_a_field_the_bar_says_how_to_leave_and_get_help() -> None:
    async with world().app().run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("5")
        await until(pilot, "search: an error", "f1 help")
        keys = last_line(pilot.app)
        assert "f1 help" in keys and "ctrl+c quit" in keys and "q quit" not in keys
        await pilot.press("f1")
        await until(pilot, "In a field")


@pytest.mark.parametrize("mode", [view.mode for view in VIEWS])
async def test_the_help_tells_every_key_of_a_view_each_once(mode: str) -> None:
    async with world().app().run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.app.action_view(mode)
        await pilot.press("escape")
        await pilot.pause(0.3)
        screen = pilot.app.screen
        assert isinstance(screen, View)
        found = actions(screen)
        names = [action.name for action in found]
        assert len(names) == len(set(names)), "the palette tells them apart by name"
        lines = help_lines(found, screen.legend, 76)
        text = "\n".join("".join(piece for piece, _role in line) for line in lines)
        for active in screen.active_bindings.values():
            if active.binding.id is not None and active.enabled:
                name = active.binding.description
                assert name[:1].upper() + name[1:] in text
        titles = {"What to do", "Views", "Everywhere", "In a field", "Mouse"}
        for title in titles - ({"What to do"} if mode == "ports" else set()):  # no cause there
            assert f" {title}\n" in text
        assert max(len(line) for line in text.splitlines()) <= 76


async def test_a_second_may_pass_while_the_views_change() -> None:
    """A view that is opened for the first time is not there yet when the clock ticks."""
    async with world().app().run_test(size=SMALL, notifications=True) as pilot:
        await until(pilot, "1 failing")
        app = pilot.app
        assert isinstance(app, NetwhyApp)
        stack = app._screen_stacks[app.current_mode]
        kept = stack[:]
        stack.clear()
        app._tick()
        app.refresh_views(app.snapshot)
        stack.extend(kept)


# ----------------------------------------------------------------------------- one more view

TINY = """
from textual.binding import Binding
from netwhy.tui.view import View
from netwhy.tui.widgets.line_list import Item, LineList
from netwhy.tui.widgets.why import Why


class Tiny(View):
    BINDINGS = [Binding("z", "zap", "zap", id="tiny.zap", tooltip="Does nothing at all")]

    def compose_body(self):
        yield LineList(id="tiny")
        yield Why(self.page)

    def focus_list(self):
        self.query_one(LineList).focus()

    def update_body(self, snapshot):
        self.query_one(LineList).show((), [Item("one", (("a tiny row", ""),))])

    def action_zap(self):
        self.netwhy.say("zapped")
"""

DRIVER = """
import asyncio
from netwhy.tui import views

tiny = views.Entry("tiny", "3", "Tiny", "As small as it gets", "tiny", "Tiny")
views.VIEWS = (*views.VIEWS, tiny)

from tests.tui.world import World, choose, until, works


async def main():
    app = World(works("web.example:80")).app()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        text = await until(pilot, "1 ok", " 3 Tiny ")
        assert " 3 Tiny " in text.splitlines()[-1], text
        await pilot.press("3")
        text = await until(pilot, "a tiny row", " z zap ", "1 Dashboard")
        assert " z zap " in text.splitlines()[-1] and "1 Dashboard" in text.splitlines()[-1], text
        titles = {command.title for command in app.get_system_commands(app.screen)}
        assert {"Zap", "Dashboard", "Ports", "Explain"} <= titles, titles
        await pilot.press("z")
        await until(pilot, "zapped")
        await pilot.press("question_mark")
        text = await until(pilot, "Does nothing at all")
        assert text.index(" Tiny") < text.index("What to do"), "what is its own comes first"
        await pilot.press("escape", "1")
        await until(pilot, "Targets 1")
        await pilot.press("question_mark")
        text = await until(pilot, "As small as it gets")
        await pilot.press("escape")
        await until(pilot, "As small as it gets", gone=True)
        await choose(pilot, "tiny", "Tiny")
        await until(pilot, "a tiny row")
        print("shown")


asyncio.run(main())
"""


def test_a_view_is_one_row_in_the_list_and_its_own_file(tmp_path: Path) -> None:
    """It appears at the bottom, in the help and in the palette, and its keys work."""
    (tmp_path / "tiny.py").write_text(TINY)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "app", ROOT, tmp_path)))},
    )
    assert done.returncode == 0 and done.stdout.strip() == "shown", done.stdout + done.stderr
