"""A recorded session on the screen: nobody takes it for live, and its keys drive it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.tui.sessions import DB, SSH, WEB, Recording, an_outage, replay
from tests.tui.world import VANTAGE, World, refused, screen_lines, screen_text, until, works

from netwhy import cli
from netwhy.commands import dashboard as command
from netwhy.core.model import TargetReport, Verdict
from netwhy.session.reading import Session
from netwhy.session.recorder import Recorder, opened
from netwhy.session.replay import Replay
from netwhy.tui.app import NetwhyApp
from netwhy.tui.help import actions

pytestmark = pytest.mark.tui

SIZES = [(80, 24), (120, 36), (200, 50)]


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    time.tzset()


def app_of(shown: Replay, **options: object) -> NetwhyApp:
    return NetwhyApp((), replay=shown, **options)  # type: ignore[arg-type]


async def test_it_says_that_it_is_a_replay_and_of_when(tmp_path: Path) -> None:
    shown = replay(tmp_path / "s", at_s=45.0)
    async with app_of(shown).run_test(size=(80, 24)) as pilot:
        text = await until(pilot, "1 failing", "tcp.refused · proved", "web-03")
        assert " REPLAY of 2026-01-01 12:00:45, paused   p: go on" in text
        assert text.splitlines()[0].endswith("12:00:45"), "the clock of the session"
        assert "tcp.refused · proved" in text
        assert "web-03  eth0 192.0.2.2  gw 192.0.2.1" in text
        [row] = [line for line in text.splitlines() if DB in line and "✗" in line and "▌" in line]
        assert " 2s " in row, "as long as it was then"


async def test_it_moves_at_its_speed_and_stays_at_the_end(tmp_path: Path) -> None:
    shown = replay(tmp_path / "s", at_s=50.0, speed=8.0)
    async with app_of(shown).run_test(size=(80, 24)) as pilot:
        await until(pilot, "12:00:50, paused")
        await pilot.press("p")
        await until(pilot, ", 8x")
        text = await until(pilot, "the session ends here", "✓ 3 ok")
        assert "REPLAY of 2026-01-01 12:01:20" in text and "✓ 3 ok" in text
        await pilot.pause(0.5)
        assert screen_text(pilot.app).splitlines() == text.splitlines()  # type: ignore[arg-type]
        await pilot.press(*["less_than_sign"] * 3, "R")  # slowly, so that its begin is seen
        await until(pilot, "12:00:0")


async def test_a_file_that_is_cut_off_says_so_at_its_beginning_and_its_end(tmp_path: Path) -> None:
    whole = an_outage(tmp_path / "s").end().path.read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) * 2 // 3].rstrip(b"}\n"))
    shown = Replay(Session(tmp_path / "cut"), speed=0.01)
    async with app_of(shown).run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, "The file is cut off in its last line")
        shown.advance(1000.0)
        text = await until(pilot, ": the file is cut off here.   R: again   q: quit")
        assert "the session ends" not in text


async def test_its_keys(tmp_path: Path) -> None:
    shown = replay(tmp_path / "s", at_s=10.0, speed=1.0)
    async with app_of(shown).run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "paused")
        await pilot.press("p", "greater_than_sign", "greater_than_sign")
        await until(pilot, ", 4x")
        await pilot.press("less_than_sign")
        await until(pilot, ", 2x")
        await pilot.press("space")
        await until(pilot, "paused")
        before = shown.now_s
        await pilot.press("full_stop")
        assert 0 < shown.now_s - before < 3
        await pilot.press("n")
        text = await until(pilot, "is failing now: db.example refused")
        assert "paused" in text
        await pilot.press("n")
        await until(pilot, "is ok now")
        await pilot.press("n")
        await until(pilot, "No target changes its state from here")
        assert shown.over


async def test_what_has_no_meaning_in_it_is_not_offered(tmp_path: Path) -> None:
    shown = replay(tmp_path / "s", at_s=45.0)
    async with app_of(shown).run_test(size=(100, 30), notifications=True) as pilot:
        await until(pilot, "1 failing")
        offered = {action.action for action in actions(pilot.app.screen)}
        assert offered.isdisjoint({"add", "remove", "undo", "machine", "check_now"})
        assert {"faster", "slower", "step", "next_change", "again", "export"} <= offered
        before = screen_text(pilot.app)  # type: ignore[arg-type]
        for key in ("a", "d", "u", "m", "r"):
            await pilot.press(key)
        await pilot.pause(0.4)
        assert screen_text(pilot.app) == before  # type: ignore[arg-type]
        await pilot.press("2")
        await until(pilot, "holds targets")
        await pilot.press("1", "y")
        await until(pilot, "Copied")
        assert pilot.app.clipboard == "systemctl status postgresql"


async def test_the_help_tells_what_keys_mean_in_it(tmp_path: Path) -> None:
    shown = replay(tmp_path / "s", at_s=45.0)
    async with app_of(shown).run_test(size=(100, 60)) as pilot:
        await until(pilot, "1 failing")
        await pilot.press("question_mark")
        text = await until(pilot, "Again. From the beginning")
        assert "probing goes on" not in text and "No checks until" not in text
        assert text.count("The replay stands still; again, and it goes on") == 2


async def test_a_live_screen_has_no_key_of_a_replay() -> None:
    async with World(works(WEB)).app().run_test(size=(100, 30)) as pilot:
        await until(pilot, "1 ok")
        offered = {action.action for action in actions(pilot.app.screen)}
        assert {"faster", "slower", "step", "next_change", "again"}.isdisjoint(offered)
        assert "add" in offered and "check_now" in offered
        before = screen_text(pilot.app)  # type: ignore[arg-type]
        await pilot.press("greater_than_sign", "n", "R", "full_stop")
        assert "REPLAY" not in before + screen_text(pilot.app)  # type: ignore[arg-type]


async def test_hostile_text_of_a_file_does_nothing(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "s")
    evil = "[/]\x1b[2J[bold]\u202e\x07"
    recording.monitor.see(replace(VANTAGE, hostname=evil, addresses=(evil,), gateways=(evil,)))
    found = refused(DB)
    finding = replace(
        found.findings[0], cause=evil, title=evil, explanation=evil, evidence=(evil,), subject=evil
    )
    recording.watch(found.target)
    recording.monitor.tell("vantage", evil)
    recording.check(replace(found, findings=(finding,)))
    recording.check(works(DB))
    shown = Replay(recording.end(), speed=0.01)
    async with app_of(shown).run_test(size=(100, 30), notifications=True) as pilot:
        await pilot.press("full_stop")
        text = await until(pilot, "TROUBLE then")
        assert "\\x1b[2J" in text and "\x1b" not in text and "\u202e" not in text
        await pilot.press("n")
        await until(pilot, "1 ok")


async def test_what_is_recorded_beside_a_running_screen(tmp_path: Path) -> None:
    world = World(works(WEB), refused(DB))
    recorder = Recorder(opened(tmp_path / "s"), "s", interval_s=0.3)
    async with world.app(interval_s=0.3, recorder=recorder).run_test(size=(100, 30)) as pilot:
        await until(pilot, "1 failing")
        world.answers[WEB] = refused(WEB)
        await until(pilot, "2 failing")
        await pilot.press("d", "u", "p")
        await until(pilot, "PAUSED")
    recorder.close()
    recorder._thread.join(10.0)  # a busy machine takes longer than leaving waits
    shown = Replay(Session(tmp_path / "s"))
    kinds = [type(event).__name__ for event, _ in shown.session.read()]
    assert {"Added", "Seen", "Checked", "Removed", "Returned", "Paused", "Ended"} == {*kinds} - {
        "Stood"
    }
    assert await shown.to_next_change()
    assert [row.verdict for row in shown.snapshot().rows] == [Verdict.FAILING, Verdict.FAILING]


async def test_a_recording_that_fails_is_told_once_and_the_screen_goes_on() -> None:
    recorder = Recorder(opened(Path("/dev/full")), "/dev/full", interval_s=0.3)
    app = World(works(WEB)).app(interval_s=0.3, recorder=recorder)
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, "No space left on device. The recording")
        assert len(app._notifications) == 1
        await until(pilot, "1 ok")


# ------------------------------------------------------------------------------ the pictures


def words_of(svg: str) -> str:
    """What a picture shows, as text."""
    import html

    lines: dict[float, list[tuple[float, str]]] = {}
    for x, y, text in re.findall(r'<text[^>]* x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        lines.setdefault(float(y), []).append((float(x), html.unescape(text)))
    return "\n".join(
        "".join(text for _, text in sorted(pieces)).replace("\xa0", " ").rstrip()
        for _, pieces in sorted(lines.items())
    )


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
@pytest.mark.parametrize("size", SIZES)
async def test_a_picture_of_an_outage(tmp_path: Path, size: tuple[int, int], theme: str) -> None:
    """One moment of a session, drawn twice, is the same picture and holds what counts."""
    shown = replay(tmp_path / "s", at_s=45.0)
    async with app_of(shown, theme=theme).run_test(size=size) as pilot:
        await until(pilot, "1 failing")
        await pilot.pause(1.2)  # a second passes here, and none there
        first = pilot.app.export_screenshot(title="netwhy")
        await pilot.pause(1.2)
        second = pilot.app.export_screenshot(title="netwhy")
        shown_lines = screen_lines(pilot.app)  # type: ignore[arg-type]
    text = words_of(first)
    assert text == words_of(second)
    for wanted in (
        "✗ 1 failing", "✓ 2 ok", "REPLAY of 2026-01-01 12:00:45", DB, WEB, SSH,
        "db.example refused the connection on port 5432", "tcp.refused · proved",
        "this host ──✓── resolver ──✓── 192.0.2.7 ──✗── port 5432",
    ):  # fmt: skip
        assert wanted in text, f"{wanted} in\n{text}"
    assert len(shown_lines) == size[1] and max(map(len, shown_lines)) <= size[0]


# ------------------------------------------------------------------------------ the command


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--replay", "none"], "none: cannot be read: No such file"),
        (["--replay", "bad"], "bad:1: this is no recorded session"),
        (["--replay", "torn"], "torn:3: "),
        (["--replay", "good", "db.example:1"], "leave targets out"),
        (["--replay", "good", "--record", "new"], "leave --record out"),
        (["--speed", "4"], "--speed is for --replay"),
        (["--replay", "good", "--speed", "0"], "no speed"),
        (["--record", "bad"], "something in it"),
        (["--record", "no/folder"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_screen(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    an_outage(tmp_path / "good").end()
    (tmp_path / "bad").write_text("hello\n")
    lines = (tmp_path / "good").read_bytes().splitlines(keepends=True)
    (tmp_path / "torn").write_bytes(b"".join((*lines[:2], lines[2][:-9] + b"\n", *lines[3:])))
    monkeypatch.setattr(command, "terminal", lambda _stream: True)
    assert cli.main(words) == 2
    captured = capsys.readouterr()
    assert said in captured.err and captured.err.count("\n") == 1
    assert "\x1b" not in captured.out + captured.err
    assert not (tmp_path / "new").exists()


def test_untold_reports_are_recorded_too(tmp_path: Path) -> None:
    from netwhy.core.record import untold

    recording = Recording(tmp_path / "s")
    report: TargetReport = untold(works(WEB).target, "the check itself failed: ValueError: x")
    recording.watch(report.target)
    recording.check(report)
    shown = Replay(recording.end())
    shown.advance(10)
    assert shown.snapshot().rows[0].report == report


def test_the_page_tells_each_key_option_and_event() -> None:
    from netwhy.commands.arguments import dashboard as parser
    from netwhy.session import lines
    from netwhy.session.replay import SPEEDS
    from netwhy.tui.replaying import REPLAY_KEYS
    from netwhy.tui.widgets.key_bar import key_name

    page = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text()
    for binding in REPLAY_KEYS:
        told = " ".join(f"`{key_name(key)}`" for key in binding.key.split(","))
        assert f"| {told} | `{binding.id}` |" in page
    for option in ("--record F", "--replay F", "--speed X"):
        assert f"| `{option}` |" in page
        assert option in parser().format_help()
    for event in lines.Event.__subclasses__():
        assert f"`{event.__struct_config__.tag}`" in page
    assert f"to {SPEEDS[-1]:g}x" in page and f"to {SPEEDS[0]:g}x" in page


# ------------------------------------------------------------------------ while it is recorded


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (200, 50)], ids=str)
@pytest.mark.parametrize("ascii_only", [False, True])
async def test_the_screen_says_that_it_is_recorded(
    tmp_path: Path, size: tuple[int, int], ascii_only: bool
) -> None:
    recorder = Recorder(opened(tmp_path / "s"), "s", interval_s=2.0)
    app = World(works(WEB)).app(recorder=recorder, ascii_only=ascii_only)
    async with app.run_test(size=size) as pilot:
        await until(pilot, "1 ok")
        mark = "*" if ascii_only else "●"
        assert screen_lines(app)[0].startswith(f" netwhy  {mark} rec  ")
        await pilot.press("2")
        await until(pilot, "Local listeners")
        assert f"{mark} rec" in screen_lines(app)[0]
    recorder.close()


async def test_a_recording_that_failed_is_not_called_one(tmp_path: Path) -> None:
    recorder = Recorder(os.open(tmp_path, os.O_RDONLY), "s", interval_s=2.0)  # takes no bytes
    app = World(works(WEB)).app(recorder=recorder)
    async with app.run_test(size=(80, 24)) as pilot:
        text = await until(pilot, "✗ rec")
        assert "●" not in text.splitlines()[0]
    recorder.close()


async def test_what_is_not_recorded_does_not_say_so(tmp_path: Path) -> None:
    async with World(works(WEB)).app().run_test(size=(80, 24)) as pilot:
        assert " rec" not in (await until(pilot, "1 ok")).splitlines()[0]
