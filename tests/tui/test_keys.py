"""Every key of the dashboard and of the ports view, pressed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.net.servers import eventually
from tests.tui.world import (
    World,
    choose,
    listener,
    offline,
    refused,
    screen_text,
    target,
    until,
    works,
)
from textual import events
from textual.widgets import Input

from netwhy.core.model import Verdict
from netwhy.core.observations import Owner
from netwhy.tui.app import NetwhyApp
from netwhy.tui.dashboard import Dashboard
from netwhy.tui.ports import Ports
from netwhy.tui.widgets.line_list import LineList
from netwhy.tui.widgets.why import Why

pytestmark = pytest.mark.tui

DB, WEB, SSH = "db.example:5432", "web.example:80", "192.0.2.4:22"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports and copies go to a folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def world() -> World:
    return World(works(WEB, 12.4), refused(DB), works(SSH))


def exported(folder: Path, ending: str) -> list[Path]:
    return sorted(folder.glob(f"netwhy-*.{ending}"))


def at(app: NetwhyApp) -> str | None:
    """The target of the cursor."""
    return app.screen.query_one("#targets", LineList).key


async def test_failing_is_first_and_chosen_and_explained() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        text = await until(pilot, "refused the connection on port 5432", "2 ok", "web-03")
        assert at(pilot.app) == DB
        rows = [line for line in text.splitlines() if ".example:" in line or SSH in line]
        assert DB in rows[0]
        assert "this host ──✓── resolver ──✓── 192.0.2.7 ──✗── port 5432" in text
        assert "tcp.refused · proved" in text
        assert "systemctl status postgresql" in text
        assert "a firewall can send the same RST" in text
        assert "✗ 1 failing" in text and "✓ 2 ok" in text
        assert "web-03  eth0 192.0.2.2  gw 192.0.2.1" in text


async def test_arrows_and_letters_move_the_cursor() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing", "2 ok")
        seen = []
        for key in ("down", "j", "j", "up", "k", "G", "g", "end", "home"):
            await pilot.press(key)
            seen.append(at(pilot.app))
        assert seen == [WEB, SSH, SSH, WEB, DB, SSH, DB, SSH, DB]


async def test_the_cursor_stays_on_its_target_when_the_order_changes() -> None:
    w = world()
    async with w.app(interval_s=0.3).run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing", "2 ok")
        await pilot.press("G")
        assert at(pilot.app) == SSH
        w.answers[SSH] = refused(SSH)
        await until(pilot, "2 failing")
        assert at(pilot.app) == SSH
        rows = [line for line in screen_text(pilot.app).splitlines() if SSH in line or DB in line]
        assert SSH in rows[0], "the newest failure is first"


async def test_tab_moves_between_panes_and_esc_goes_back() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        assert isinstance(pilot.app.focused, LineList)
        await pilot.press("tab")
        assert isinstance(pilot.app.focused, Why)
        await pilot.press("escape")
        assert isinstance(pilot.app.focused, LineList)


async def test_y_copies_the_chosen_fix_and_says_where_it_was_written(tmp_path: Path) -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("y")
        await until(pilot, "written to")
        assert pilot.app.clipboard == "systemctl status postgresql"
        await pilot.press("f", "y")
        assert pilot.app.clipboard == "ss -ltnp 'sport = :5432'"
        kept = tmp_path / "state" / "netwhy" / "fix.txt"
        # What is said of the first copy is on the screen already.
        await eventually(lambda: kept.read_text() == "ss -ltnp 'sport = :5432'\n")
        await until(pilot, "Copied (for use")


async def test_shift_y_copies_the_diagnosis_as_markdown(tmp_path: Path) -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("Y")
        await until(pilot, "written to")
        assert pilot.app.clipboard.startswith("# netwhy")
        assert "tcp.refused" in pilot.app.clipboard
        assert WEB not in pilot.app.clipboard, "only the chosen target"
        assert (tmp_path / "state" / "netwhy" / "diagnosis.md").is_file()


async def test_e_exports_markdown_and_json_to_the_current_folder(tmp_path: Path) -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing", "2 ok")
        await pilot.press("e")
        await until(pilot, "Exported to")
        await pilot.press("e")
        await eventually(lambda: len(exported(tmp_path, "json")) > 1)
    (document, *more) = exported(tmp_path, "json")
    assert more, "a second export does not overwrite the first"
    found = json.loads(document.read_text())
    assert found["schema"] == "netwhy.check/1"
    assert {t["target"] for t in found["targets"]} == {DB, WEB, SSH}
    assert len(exported(tmp_path, "md")) == 2


async def test_an_export_tells_of_targets_that_no_check_has_ended_for(tmp_path: Path) -> None:
    w = world()
    w.targets.append(target("slow:1"))
    w.held.add("slow:1")
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "2 ok")
        await pilot.press("e")
        await until(pilot, "Exported to")
    (file,) = exported(tmp_path, "json")
    told = json.loads(file.read_text())["targets"]
    states = {t["target"]: t.get("complete", True) for t in told}
    assert states == {DB: True, WEB: True, SSH: True, "slow:1": False}


async def test_r_checks_at_once() -> None:
    w = world()
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        assert w.checked.count(WEB) == 1
        await pilot.press("r")
        await eventually(lambda: w.checked.count(WEB) == 2)


async def test_space_freezes_the_view_while_probing_goes_on() -> None:
    w = world()
    async with w.app(interval_s=0.3).run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing", "2 ok")
        await pilot.press("space")
        await until(pilot, "FROZEN")
        w.answers[WEB] = refused(WEB)
        before = w.checked.count(WEB)
        await eventually(lambda: w.checked.count(WEB) > before + 2)  # the failure is confirmed
        await pilot.pause(0.5)
        assert "1 failing" in screen_text(pilot.app)
        await pilot.press("space")
        await until(pilot, "2 failing")
        assert "FROZEN" not in screen_text(pilot.app)


async def test_p_pauses_probing() -> None:
    w = world()
    async with w.app(interval_s=0.3).run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("p")
        await until(pilot, "PAUSED")
        await pilot.pause(0.4)
        before = len(w.checked)
        await pilot.pause(1.0)
        assert len(w.checked) == before
        await pilot.press("p")
        await until(pilot, "PAUSED", gone=True)
        await eventually(lambda: len(w.checked) > before)


async def test_slash_filters_as_it_is_typed_and_esc_drops_it() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("slash", *"web")
        text = await until(pilot, "Targets 1 of 3")
        assert DB not in text.split("Why")[0]
        await pilot.press("enter")
        assert isinstance(pilot.app.focused, LineList)
        assert "Targets 1 of 3" in screen_text(pilot.app)
        await pilot.press("escape")
        await until(pilot, "Targets 3")
        await pilot.press("slash", *"zzz")
        await until(pilot, "Nothing matches the filter.")


async def test_s_goes_through_the_orders() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("s")
        text = await until(pilot, "by name")
        places = [text.index(name) for name in (SSH, DB, WEB)]
        assert places == sorted(places)
        await pilot.press("s")
        await until(pilot, "by slowest")


async def test_t_changes_the_theme() -> None:
    async with world().app(theme="dark").run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("t")
        assert pilot.app.theme == "light"
        await until(pilot, "Theme light: dark text on a light ground")


async def test_a_adds_and_a_typing_error_is_explained_under_the_field() -> None:
    w = world()
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("a")
        await until(pilot, "Add a target")
        await pilot.press(*"a:99999", "enter")
        text = await until(pilot, "out of range")
        assert "99999" in text and "Add a target" in text
        await pilot.press("end", *(["backspace"] * 3), "enter")
        await until(pilot, "Targets 4")
        assert at(pilot.app) == "a:99"
        await eventually(lambda: "a:99" in w.checked)


async def test_d_removes_and_u_brings_back_with_its_history() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("d")
        await until(pilot, "u brings it back")
        assert pilot.app.snapshot.row(DB) is None
        await pilot.press("u")
        await until(pilot, "is watched again")
        row = pilot.app.snapshot.row(DB)
        assert row is not None and row.verdict is Verdict.FAILING and row.checks >= 1
        await pilot.press("u")
        await until(pilot, "nothing to undo")


async def test_enter_shows_everything_and_esc_goes_back() -> None:
    async with world().app().run_test(size=(100, 40), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("enter")
        text = await until(pilot, "Probes")
        assert "ECONNREFUSED" in text and "failing since" in text
        await pilot.press("escape")
        await until(pilot, "Targets 3")


async def test_question_mark_lists_the_keys_of_this_view() -> None:
    async with world().app().run_test(size=(100, 60), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("question_mark")
        text = await until(pilot, "What to do")
        words = ("Export", "Check now", "Freeze", "Remove", "Undo", "Quit", "Ports", "ctrl+p")
        assert [word for word in words if word not in text] == []
        await pilot.press("escape")
        await pilot.press("2")
        await until(pilot, "Local listeners")
        await pilot.press("question_mark")
        assert "Bind? Could a server start here?" in await until(pilot, "  Ports")


async def test_the_palette_holds_every_action_that_has_a_key() -> None:
    from netwhy.tui.help import actions

    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        app = pilot.app
        offered = {command.title for command in app.get_system_commands(app.screen)}
        assert {action.name for action in actions(app.screen)} <= offered
        await choose(pilot, "freeze", "Freeze")
        await until(pilot, "FROZEN")


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_q_and_ctrl_c_quit(key: str) -> None:
    app = world().app()
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press(key)
        await eventually(lambda: not app.is_running or app._exit)
    assert app.return_code == 0


async def test_q_typed_into_a_field_is_text() -> None:
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("a")
        await until(pilot, "Add a target")
        await pilot.press(*"q2")
        await pilot.pause()
        assert pilot.app.is_running
        assert pilot.app.screen.query_one("Input").value == "q2"  # type: ignore[attr-defined]


async def test_keys_can_be_bound_anew() -> None:
    async with (
        world().app(keys={"app.freeze": "z"}).run_test(size=(100, 30), notifications=True) as pilot
    ):
        await until(pilot, "1 failing")
        await pilot.press("z")
        await until(pilot, "FROZEN")


async def test_two_shows_the_listeners_and_one_goes_back() -> None:
    w = world()
    w.listeners = (listener(8080, "127.0.0.1"), listener(22))
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("2")
        text = await until(pilot, "server8080 (pid 8080)")
        assert "loopback" in text and "everywhere" in text and "alice" in text
        assert isinstance(pilot.app.screen, Ports)
        await pilot.press("1")
        await until(pilot, "Targets 3")
        assert isinstance(pilot.app.screen, Dashboard)


async def test_ports_enter_shows_the_owner_with_parents_and_slash_filters() -> None:
    w = world()
    owner = Owner(77, "nginx", "www", 33, "nginx -g x", 1.0, ((1, "systemd"),), "nginx.service")
    w.listeners = (listener(8080, owner=owner), listener(22))
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("2")
        await until(pilot, "nginx (pid 77)")
        await pilot.press("slash", *"nginx", "enter")
        await until(pilot, "1 of 2")
        await pilot.press("enter")
        text = await until(pilot, "systemd (pid 1)", "waiting to be accepted")
        assert "nginx.service" in text


async def test_ports_overlaps_are_marked_with_their_reason() -> None:
    w = world()
    w.listeners = (listener(80), listener(80, "192.0.2.2", Owner(9, "other", "bob", 1001)))
    async with w.app().run_test(size=(110, 30), notifications=True) as pilot:
        await pilot.press("2")
        text = await until(pilot, "2 overlaps", "which is more specific")
        assert "▲" in text
        assert "other (pid 9)" in text


async def test_b_asks_whether_a_port_can_be_bound() -> None:
    w = world()
    taken = refused("bind://:8080")
    w.answers["bind://:8080"] = replace(taken, target=target("bind://:8080"))
    async with w.app().run_test(size=(100, 40), notifications=True) as pilot:
        await pilot.press("2")
        await until(pilot, "server5432")
        await pilot.press("b")
        await until(pilot, "Could I bind?")
        await pilot.press(*"8080", "enter")
        await until(pilot, "Could I bind :8080?", "refused the connection")
        await pilot.press("y")
        assert pilot.app.clipboard == "systemctl status postgresql"
        await pilot.press("escape")
        await until(pilot, "─ Owner")
        await until(pilot, "refused the connection", gone=True)


async def test_ports_that_cannot_be_read_say_why() -> None:
    w = world()
    w.listeners = PermissionError("netlink is forbidden here")
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("2")
        await until(pilot, "netlink is forbidden here")


async def test_without_targets_this_machine_is_watched() -> None:
    w = World()
    report = offline()
    w.defaults = (report.target,)
    w.answers[report.target.text] = report
    async with w.app().run_test(size=(80, 24), notifications=True) as pilot:
        text = await until(pilot, "OFFLINE", "ip -br link")
        assert "This machine has no network" in text


async def test_with_nothing_to_watch_the_screen_says_what_to_do() -> None:
    async with World().app().run_test(size=(80, 24), notifications=True) as pilot:
        text = await until(pilot, "No targets.")
        assert "add a target" in text and "check this machine" in text
        pilot.app.engine.defaults = (target(SSH),)
        await pilot.press("m")
        await until(pilot, "Targets 1")


async def test_a_check_that_raises_is_told_and_the_rest_goes_on() -> None:
    w = world()
    w.answers[DB] = RuntimeError("boom [/] [red]")
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "RuntimeError: boom [/] [red]", "? 1 unknown", "✓ 2 ok")


async def test_the_mouse_chooses_rows_fixes_and_keys() -> None:
    async with world().app().run_test(size=(100, 34), notifications=True) as pilot:
        await until(pilot, "1 failing", "2 ok")
        await pilot.click("#targets", offset=(8, 4))  # border, heading, first row, second, third
        assert at(pilot.app) == SSH
        await pilot.click("#targets", offset=(8, 2))
        assert at(pilot.app) == DB
        lines = (await until(pilot, "2 on db.example")).splitlines()
        place = next(n for n, line in enumerate(lines) if "2 on db.example" in line)
        await pilot.click(offset=(30, place))
        keys = (await until(pilot, "▸2 on db.example")).splitlines()[-1]
        await pilot.click(offset=(keys.index("? help") + 3, len(lines) - 1))
        await until(pilot, "What to do")


async def test_one_changed_row_draws_one_row() -> None:
    w = World(*(works(f"host{n:02}.example:80", 1.0) for n in range(40)))
    async with w.app().run_test(size=(120, 60), notifications=True) as pilot:
        await until(pilot, "✓ 40 ok")
        await pilot.press("space")  # durations stand still
        await until(pilot, "FROZEN")
        app, rows = pilot.app, pilot.app.screen.query_one("#targets", LineList)
        for changed in (7, 7, 21):
            rows.painted = 0
            slower = replace(app.snapshot.rows[changed], last_ms=99.0 + rows.painted + changed)
            listed = list(app.snapshot.rows)
            listed[changed] = replace(slower, checks=slower.checks + 1)
            app.refresh_views(replace(app.snapshot, rows=tuple(listed)))
            await pilot.pause(0.2)
            assert rows.painted <= 1, "only the row that looks different is drawn"
        await eventually(lambda: rows.painted == 1)


async def test_keys_that_come_in_one_burst_with_the_filter_are_its_text() -> None:
    """A slow line brings `/`, `d` and the rest at once: nothing is removed, nothing is lost."""
    async with world().app().run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        for key, character in (("slash", "/"), ("d", "d"), ("b", "b"), ("full_stop", ".")):
            pilot.app.post_message(events.Key(key, character))
        await until(pilot, 'Targets 1 of 3, with "db."')
        await pilot.press("enter", "slash", "w")
        await until(pilot, 'Targets 1 of 3, with "w"')


async def test_the_keys_at_the_bottom_are_those_of_the_dialog_over_it() -> None:
    async with world().app().run_test(size=(100, 30)) as pilot:

        def keys() -> str:
            return screen_text(pilot.app).splitlines()[-1]  # type: ignore[arg-type]

        await until(pilot, "1 failing")
        before = keys()
        await pilot.press("a")
        await until(pilot, "Add a target")
        assert keys().split() == ["enter", "go", "esc", "leave"]
        await pilot.press("escape")
        pilot.app.screen.post_message(events.Paste("a.example:1\nb.example:2"))
        await until(pilot, "Add 2 targets?")
        assert keys().split()[:4] == ["enter", "add", "them", "all"] and "filter" not in keys()
        await pilot.press("escape", "2")
        await until(pilot, "server5432")
        await pilot.press("b")
        await until(pilot, "Could I bind?")
        assert keys().startswith(" enter go  esc leave")
        await pilot.press("escape", "1")
        await until(pilot, "Targets 3")
        assert keys() == before


async def test_a_free_port_offers_no_fix_to_copy() -> None:
    w = world()
    w.answers["bind://:8080"] = replace(refused("bind://:8080"), target=target("bind://:8080"))
    async with w.app().run_test(size=(120, 40)) as pilot:
        await pilot.press("2")
        await until(pilot, "server5432")
        await pilot.press("b", *"8080", "enter")
        await until(pilot, "y copy fix")
        await pilot.press("b", *"7500", "enter")
        await until(pilot, "Could I bind :7500")
        await until(pilot, "y copy fix", gone=True)


@pytest.mark.parametrize(
    ("opens", "shown"), [("a", "Add a target"), ("slash", "filter:"), ("5", "Knowledge")]
)
async def test_keys_of_one_burst_are_taken_in_their_order(opens: str, shown: str) -> None:
    """As a slow line brings them: nothing is drawn, and nothing waited for, between two of them."""
    async with world().app().run_test(size=(100, 30)) as pilot:
        await until(pilot, "1 failing", "2 ok")
        await pilot.press(opens)
        await until(pilot, shown)
        field = pilot.app.screen.query_one(Input)
        assert field.has_focus
        for key in ("x", "backspace", "a", "b", "c", "left", "left", "d"):
            pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
        for _ in range(100):
            await pilot.pause(0.05)
            if len(field.value) > 3:
                break
        assert field.value == "adbc"
