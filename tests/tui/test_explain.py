"""The explain view: what is typed, pasted, chosen, copied and watched from it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
from tests.net.servers import eventually
from tests.tui.world import (
    World,
    offline,
    refused,
    screen_text,
    until,
    works,
    yardstick_s,
)
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from netwhy.knowledge import entries
from netwhy.knowledge.explain import explain
from netwhy.output.explanation import explanation_lines
from netwhy.tui.app import NetwhyApp
from netwhy.tui.dashboard import Dashboard
from netwhy.tui.explain import Explain
from netwhy.tui.widgets.key_bar import KeyBar
from netwhy.tui.widgets.line_list import LineList
from netwhy.tui.widgets.text_panel import TextPanel

pytestmark = pytest.mark.tui

DB, WEB = "db.example:5432", "web.example:80"
LOG = """\
2026-01-01 12:00:00 INFO starting
2026-01-01 12:00:01 ERROR to "db.example" (192.0.2.7), port 5432 failed: Connection refused
2026-01-01 12:00:02 ERROR to "db.example" (192.0.2.7), port 5432 failed: Connection refused
socket.gaierror: [Errno -3] Temporary failure in name resolution
2026-01-01 12:00:03 ERROR dial tcp [2001:db8::7]:443: i/o timeout
"""


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def world() -> World:
    return World(works(WEB, 12.4), refused(DB))


async def opened(pilot: Pilot[None]) -> Explain:
    """The view, once it has read the knowledge base."""
    await until(pilot, "1 ok", "1 failing")
    await pilot.press("5")
    await until(pilot, "cause     ")
    view = pilot.app.screen
    assert isinstance(view, Explain)
    return view


def paste(pilot: Pilot[None], text: str) -> None:
    """What the terminal sends for a bracketed paste."""
    pilot.app.post_message(events.Paste(text))


async def test_it_opens_with_what_fails_now_and_the_keys_in_the_field() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        view = await opened(pilot)
        text = await until(pilot, "now: 1 target", "The target sent a TCP reset")
        rows = [line for line in text.splitlines() if "cause     " in line]
        assert "tcp.refused" in rows[0] and "now: 1 target" in rows[0]
        assert "local.offline" in rows[1], "then every cause in the order of the layers"
        assert pilot.app.focused is view.field


async def test_each_letter_searches_and_the_page_is_that_of_the_command() -> None:
    async with world().app().run_test(size=(100, 40), notifications=True) as pilot:
        view = await opened(pilot)
        await pilot.press(*"10061")
        told = "ECONNREFUSED: Connection refused", "this is what '10061' means"
        text = await until(pilot, *told)
        page = explain("10061")
        assert page is not None
        shown = " ".join(text.split())
        for line in explanation_lines(page, width=60)[:12]:
            assert " ".join(line.split()[:4]) in shown
        assert "111 on Linux, 61 on macOS" in text
        assert pilot.app.focused is view.field, "the keys stay in the field"
        await pilot.press("down")
        assert view.found.key is not None and pilot.app.focused is view.field


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("econnrefused", "ECONNREFUSED"),
        ("ConnectionResetError", "ECONNRESET"),
        ("EAI_AGAIN", "EAI_AGAIN"),
        ("dns.resolver-silent", "dns.resolver-silent"),
        ("5432", "port 5432"),
        ("gateway silent", "route.gateway-silent"),
        ("503", "HTTP 503"),
    ],
)
async def test_every_spelling_leads_to_its_page(typed: str, first: str) -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        view = await opened(pilot)
        view.field.value = typed
        text = await until(pilot, "Found")
        assert view.chosen is not None and view.chosen.name == first, text


async def test_one_letter_is_little_work() -> None:
    many = World(*(refused(f"host{n}.example:80") for n in range(200)))
    async with many.app().run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, "failing")
        await pilot.press("5")
        await until(pilot, "now: ")
        view = pilot.app.screen
        assert isinstance(view, Explain)
        took = []
        question = "connection refused by the gateway"
        for end in range(1, len(question) + 1):
            event = view.field.Sought(question[:end])
            before = time.thread_time()  # other programs may be busy
            view.on_search_field_sought(event)
            took.append(time.thread_time() - before)
            await pilot.pause()
        assert median(took) < yardstick_s(), took


async def test_nothing_found_says_so_and_what_comes_close() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press(*"tcp.refuzed")
        await until(pilot, "Nothing is known of 'tcp.refuzed'", "Did you mean tcp.refused")


async def test_esc_gives_the_keys_back_then_drops_the_question() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        view = await opened(pilot)
        await pilot.press(*"q1?")
        assert view.field.value == "q1?" and pilot.app.is_running
        await pilot.press("escape")
        assert isinstance(pilot.app.focused, LineList)
        await pilot.press("escape")
        await until(pilot, "Knowledge base")
        assert view.field.value == ""
        await pilot.press("slash")
        assert pilot.app.focused is view.field
        await pilot.press("escape", "1")
        await eventually(lambda: isinstance(pilot.app.screen, Dashboard))


async def test_enter_reads_the_page_and_esc_goes_back_to_the_list() -> None:
    async with world().app().run_test(size=(100, 24), notifications=True) as pilot:
        view = await opened(pilot)
        await pilot.press(*"refused", "enter", "enter")
        assert isinstance(pilot.app.focused, TextPanel)
        await pilot.press("G")
        await eventually(lambda: view.panel.scroll_y > 0)
        await pilot.press("escape")
        assert isinstance(pilot.app.focused, LineList)


async def test_y_copies_the_marked_command_and_shift_y_the_page(tmp_path: Path) -> None:
    async with world().app().run_test(size=(100, 40), notifications=True) as pilot:
        await opened(pilot)
        pilot.app.screen.query_one(Input).value = "port 5432"
        await until(pilot, "netwhy ports --port 5432")
        await pilot.press("enter", "y")
        await until(pilot, "written to")
        assert pilot.app.clipboard == "netwhy ports --port 5432"
        await pilot.press("f", "y")
        assert pilot.app.clipboard == "netwhy bind 5432"
        await pilot.press("Y")
        page = explain("port 5432")
        assert page is not None
        assert pilot.app.clipboard == "\n".join(explanation_lines(page)) + "\n"
        await until(pilot, "▸ 2. Ask whether a server could start on it")


async def test_a_pasted_log_names_errors_and_endpoints_which_can_be_watched() -> None:
    w = world()
    async with w.app().run_test(size=(100, 40), notifications=True) as pilot:
        view = await opened(pilot)
        paste(pilot, LOG)
        # One of them is watched already.
        text = await until(pilot, "Pasted: 5 lines, 3 errors, 2 endpoints", "watched: failing")
        assert view.field.value == "" and isinstance(pilot.app.focused, LineList)
        rows = [line for line in text.splitlines() if "▌" in line or "  2x" in line]
        assert "ECONNREFUSED" in rows[0]
        await pilot.press("G")
        text = await until(pilot, "Named in 1 line, first in:")
        assert "dial tcp [2001:db8::7]:443: i/o timeout" in text
        assert "check it now and keep watching it" in text
        await pilot.press("enter")
        await until(pilot, "1 target added")
        await eventually(lambda: "[2001:db8::7]:443" in w.checked)
        await until(pilot, "watched: ok")
        await pilot.press("escape")
        await until(pilot, "Knowledge base")


async def test_a_watches_every_endpoint_at_once_and_is_offered_only_then() -> None:
    w = world()
    async with w.app().run_test(size=(160, 40), notifications=True) as pilot:
        view = await opened(pilot)
        await pilot.press("escape")
        assert " a watch" not in str(view.query_one(KeyBar).render())
        paste(pilot, "dial tcp 192.0.2.8:80: refused\ndial tcp 192.0.2.9:81: refused\n")
        await until(pilot, "2 endpoints")
        await eventually(lambda: " a watch" in str(view.query_one(KeyBar).render()))
        await pilot.press("a")
        await until(pilot, "2 targets added")
        await pilot.press("1")
        await until(pilot, "Targets 4")
        await eventually(lambda: {"192.0.2.8:80", "192.0.2.9:81"} <= set(w.checked))


async def test_one_pasted_line_is_a_question_with_its_endpoint() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        view = await opened(pilot)
        paste(pilot, "  ssh: connect to host cache.example port 22: No route to host\n")
        await until(pilot, "cache.example:22", "EHOSTUNREACH")
        assert view.field.value.startswith("ssh: connect")


async def test_a_paste_is_taken_whoever_has_the_keys() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await opened(pilot)
        await pilot.press("escape")
        paste(pilot, LOG)
        await until(pilot, "Pasted: 5 lines")


async def test_a_huge_log_does_not_hold_up_the_keys() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        view = await opened(pilot)
        different = (f"dial tcp 192.0.2.7:{n}: connection refused\n" for n in range(1, 20_000))
        paste(pilot, "".join(different))
        await until(pilot, "Reading the log: ")
        view.field.focus()
        waits: list[float] = []
        for letter in "abcdefgh":  # not by the pilot, which waits for an idle processor
            wanted = view.field.value + letter
            before = time.perf_counter()
            pilot.app.post_message(events.Key(letter, letter))
            while view.field.value != wanted:  # noqa: ASYNC110 (the time is what is measured)
                await asyncio.sleep(0.001)
            waits.append(time.perf_counter() - before)
        assert view.netwhy.is_running and min(waits) < 0.5, waits
        view.field.value = ""
        await until(pilot, "ECONNREFUSED")  # what it has told so far
        await pilot.press("escape", "escape")
        await until(pilot, "Knowledge base")


HOSTILE = "\x1b[31m[red]boom[/] [/ \u202eevil"


async def test_hostile_text_is_shown_and_does_nothing() -> None:
    async with world().app().run_test(size=(120, 30), notifications=True) as pilot:
        await opened(pilot)
        paste(pilot, f"{HOSTILE} connect to bad-host:80\nConnection refused {HOSTILE}\n")
        await until(pilot, "1 endpoint")
        await pilot.press("G")
        text = await until(pilot, "Named in 1 line")
        assert "\x1b" not in text and "\\x1b[31m[red]boom[/] [/ \\u202eevil" in text
        await pilot.press("slash", *"[/", "]")
        await until(pilot, "Nothing is known of '[/]'")


async def test_w_on_the_dashboard_explains_the_cause_of_the_chosen_target() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("w")
        await until(pilot, "The target sent a TCP reset")
        view = pilot.app.screen
        assert isinstance(view, Explain)
        await eventually(lambda: view.field.value == "tcp.refused")
        # Nothing is to be typed.
        await eventually(lambda: isinstance(pilot.app.focused, LineList))
        await pilot.press("1")
        await until(pilot, "Targets 2")
        await pilot.press("G", "w")
        await eventually(lambda: isinstance(pilot.app.screen, Explain))  # all the same


@pytest.mark.parametrize(("width", "beside"), [(80, False), (120, True), (200, True)])
async def test_list_and_page_stand_beside_each_other_where_there_is_room(
    width: int, beside: bool
) -> None:
    async with world().app().run_test(size=(width, 24), notifications=True) as pilot:
        view = await opened(pilot)
        assert (view.found.region.y == view.panel.region.y) is beside
        assert view.found.size.height >= 5 and view.panel.size.height >= 8
        assert not [line for line in screen_text(pilot.app).splitlines() if len(line) > width]  # type: ignore[arg-type]


async def test_ascii_draws_nothing_else() -> None:
    async with world().app(ascii_only=True).run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        await pilot.press(*"refused", "enter")
        await pilot.pause(0.2)
        text = screen_text(pilot.app)  # type: ignore[arg-type]
        assert text.isascii(), {char for char in text if not char.isascii()}


# --------------------------------------------------------------------------------- its states


async def test_loading_says_so_and_takes_a_question_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from netwhy.knowledge.search import Catalogue

    reading = Catalogue.reading
    gate = {"open": False}

    def slow(self: Catalogue):  # type: ignore[no-untyped-def]
        while not gate["open"]:
            time.sleep(0.011)  # a pause after each: the screen is drawn meanwhile
            yield
        yield from reading(self)

    monkeypatch.setattr(Catalogue, "reading", slow)
    async with world().app().run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, "ok")
        await pilot.press("5")
        await until(pilot, "Reading the knowledge base.")
        await pilot.press(*"111")
        gate["open"] = True
        await until(pilot, "ECONNREFUSED: Connection refused")


async def test_a_knowledge_base_that_cannot_be_read_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(_layer: str) -> dict[str, str]:
        raise OSError(5, "Input/output error [/]")

    monkeypatch.setattr(entries, "blocks", broken)
    async with world().app().run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, "ok")
        await pilot.press("5")
        text = await until(pilot, "The knowledge base cannot be read: OSError")
        assert "error [/]" in text.replace("\n", " ")
        await pilot.press(*"111")
        await pilot.press("escape", "1")
        await until(pilot, "Targets 2")


async def test_it_works_offline_and_leads_with_that() -> None:
    report = offline()
    w = World(report)
    async with w.app().run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, "OFFLINE")
        await pilot.press("5")
        await until(pilot, "now: 1 target", "OFFLINE", "local.offline")


async def test_frozen_it_still_searches() -> None:
    async with world().app().run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, "ok")
        await pilot.press("space", "5")
        await until(pilot, "FROZEN", "search: an error")
        await pilot.press(*"refused")
        await until(pilot, "Found")


async def test_a_target_that_recovers_is_no_longer_listed_as_now() -> None:
    w = world()
    async with w.app(interval_s=0.3).run_test(size=(100, 30), notifications=True) as pilot:
        await opened(pilot)
        await until(pilot, "now: 1 target")
        w.answers[DB] = replace(works(DB))
        await until(pilot, "now: 1 target", gone=True)


def test_the_field_is_an_input_whose_keys_the_help_lists() -> None:
    from netwhy.tui.help import _field_keys

    keys = " ".join(key for key, _about in _field_keys())
    assert "ctrl+w" in keys and "home" in keys
    assert "ctrl+c" not in keys, "it quits"
    assert len(_field_keys()) >= 10 and Input.BINDINGS


def test_only_the_screen_in_front_is_imported() -> None:
    import subprocess
    import sys

    code = "import sys, netwhy.tui.app; print('netwhy.tui.explain' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert NetwhyApp.DEFAULT_MODE == "dashboard"


async def test_what_cannot_be_copied_is_not_offered(tmp_path: Path) -> None:
    async with world().app().run_test(size=(120, 40), notifications=True) as pilot:
        view = await opened(pilot)
        pilot.app.screen.query_one(Input).value = "port 5432"
        await pilot.press("enter")
        await until(pilot, "y copy step")
        pilot.app.screen.query_one(Input).value = "qqqqqq"
        await until(pilot, "What can be asked")
        await until(pilot, "y copy", gone=True)
        view.field.take(LOG)
        await until(pilot, "Pasted: 5 lines")
        for _ in range(10):
            await pilot.press("j")
            if "it is watched: view 1" in screen_text(pilot.app):  # type: ignore[arg-type]
                break
        text = await until(pilot, "it is watched: view 1")
        assert "[y]" not in text and "y copy" not in text and "▸1" not in text
