"""A recorded session: what is written, who may read it, and files that are wrong."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.tui.sessions import DB, SSH, WEB, Recording, an_outage
from tests.tui.world import VANTAGE, refused, target, works

from netwhy.core.model import (
    LAYERS,
    Finding,
    Mark,
    ProbeRow,
    Target,
    TargetOptions,
    TargetReport,
    Verdict,
)
from netwhy.core.snapshot import Standstill
from netwhy.core.target import parse, this_machine
from netwhy.session.changes import changed, changes
from netwhy.session.reading import Session, SessionError
from netwhy.session.recorder import Recorder, RecordingError, opened
from netwhy.session.replay import Replay

texts = st.text(max_size=8)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | texts
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)
milliseconds = st.floats(0, 1e6) | st.none()
options = st.builds(TargetOptions, timeout_s=milliseconds, interval_s=milliseconds)
findings = st.builds(Finding, confidence=st.floats(0, 1))
details = st.dictionaries(st.sampled_from(("rcode", "by", "icmp")), st.integers(0, 9) | st.none())
probes = st.builds(ProbeRow, ms=milliseconds, detail=details)
targets = st.builds(Target, options=options)
reports = st.builds(
    TargetReport,
    target=targets,
    findings=st.lists(findings, max_size=2).map(tuple),
    probes=st.lists(probes, max_size=3).map(tuple),
    layers=st.tuples(*(st.sampled_from(Mark) for _ in LAYERS)),
    rtt_ms=milliseconds,
    duration_ms=st.floats(0, 1e6),
    complete=st.just(True),
)


@given(trees, trees)
def test_what_differs_makes_the_one_from_the_other(old: Any, new: Any) -> None:
    before = json.dumps(old)
    assert changed(old, list(changes(old, new))) == new
    assert json.dumps(old) == before, "the old one stays as it was"


@pytest.mark.parametrize("path", [["a", 0], ["b"], [0], ["l", 2], ["l", -1], ["l", "0"]])
def test_a_change_that_leads_nowhere_is_refused(path: list[str | int]) -> None:
    with pytest.raises(ValueError, match="stands at"):
        changed({"a": 1, "l": [1, 2]}, [(tuple(path), 3)])


slow = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)


@slow
@given(found=st.lists(reports, min_size=1, max_size=4))
def test_whatever_a_check_tells_is_read_again(found: list[TargetReport], tmp_path: Path) -> None:
    path = tmp_path / f"{time.monotonic_ns()}.jsonl"
    recording = Recording(path)
    about = found[0].target
    recording.watch(about)
    told = [replace(report, target=about) for report in found]
    for report in told:
        recording.check(report)
    read = [report for _, report in recording.end().read() if isinstance(report, TargetReport)]
    assert [r.target.options.send for r in read] == [None] * len(read)
    secret = replace(about, options=replace(about.options, send=None, expect=None))
    if read[0].target.text == about.text:  # nothing in it looked like a secret
        assert [replace(r, target=secret) for r in told] == read


def test_the_whole_session_is_there_again(tmp_path: Path) -> None:
    recording = an_outage(tmp_path / "s")
    recording.monitor.remove(SSH)
    recording.check(works(WEB))
    recording.monitor.remove(WEB, undoable=False)
    recording.monitor.undo()
    recording.monitor.pause()
    recording.monitor.tell("vantage", "it could not be read")
    recording.monitor.resume()
    recording.watch(this_machine(), parse("[2001:db8::7]:443"))
    live = recording.monitor.snapshot()
    shown = Replay(recording.end())
    shown.advance(10_000)
    now = shown.snapshot()
    assert shown.over
    assert (now.rows, now.changes) == (live.rows, live.changes)
    assert (now.vantage, now.counts, now.notice) == (VANTAGE, live.counts, live.notice)
    assert (now.root_causes, now.taken_at) == (live.root_causes, live.taken_at)
    assert [row.target.text for row in now.rows] == [DB, SSH, "this machine", "[2001:db8::7]:443"]


def test_a_pause_is_a_gap_again(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "s")
    recording.watch(target(WEB))
    recording.check(works(WEB))
    recording.check(works(WEB), after_s=3600.0)
    live = recording.monitor.snapshot().rows[0]
    shown = Replay(recording.end())
    for _ in range(4):  # nothing happened in the hour, and it is left out
        shown.advance(2.1)
    assert len(live.samples) == 60, "an hour of gaps fills the strip"
    assert shown.snapshot().rows[0].samples == live.samples


def test_a_standstill_and_a_new_configuration_are_there_again(tmp_path: Path) -> None:
    recording = an_outage(tmp_path / "s")
    monitor = recording.monitor
    slower = target(SSH)
    monitor.change(replace(slower, options=replace(slower.options, interval_s=9.0, label="jump")))
    monitor.set_interval(5.0)
    monitor.stood_still(
        Standstill(1, datetime(2026, 11, 20, 12, tzinfo=UTC), 7.5, asleep=True), 10.0
    )
    recording.check(works(WEB))
    live = monitor.snapshot()
    shown = Replay(recording.end())
    shown.advance(10_000)
    now = shown.snapshot()
    assert (now.interval_s, now.standstill) == (5.0, live.standstill)
    assert live.standstill is not None
    assert [(row.target.label, row.interval_s) for row in now.rows] == [
        (row.target.label, row.interval_s) for row in live.rows
    ]
    assert ("jump", 9.0) in [(row.target.label, row.interval_s) for row in now.rows]


def test_a_check_that_tells_the_same_takes_little_room(tmp_path: Path) -> None:
    path = tmp_path / "s"
    an_outage(path).end()
    lines = path.read_bytes().splitlines()
    assert len(lines) > 120
    assert sorted(map(len, lines))[len(lines) // 2] < 250


# --------------------------------------------------------------------------------- the file


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        an_outage(tmp_path / "s").end()
        (tmp_path / "empty").touch(0o666)
        an_outage(tmp_path / "empty").end()
    finally:
        os.umask(before)
    assert (tmp_path / "s").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "empty").stat().st_mode & 0o777 == 0o600


def test_nothing_that_exists_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("precious")
    with pytest.raises(RecordingError, match="something in it"):
        opened(tmp_path / "s")
    assert (tmp_path / "s").read_text() == "precious"
    for wrong in (tmp_path, tmp_path / "no" / "folder"):
        with pytest.raises(RecordingError, match="cannot be written"):
            opened(wrong)


def test_secrets_are_not_written(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "s")
    hidden = (
        parse("https://shop.example/x?token=hunter2secret"),
        parse("https://shop.example/x?token=another1secret"),
        parse("tcp://cache.example:6379?send=AUTH%20hunter3secret&expect=OK"),
    )
    recording.watch(*hidden)
    for each in hidden:
        finding = refused("a.example:1").findings[0]
        said = replace(finding, title=f"{each.text} failed after {each.options.send}")
        recording.check(TargetReport(each, Verdict.FAILING, findings=(said,)))
    session = recording.end()
    assert b"secret" not in session.path.read_bytes()
    shown = Replay(session)
    shown.advance(100)
    assert len({row.target.text for row in shown.snapshot().rows}) == 3


def test_bytes_that_are_no_text_are_written_as_escapes(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "s")
    recording.watch(target(WEB))
    recording.check(replace(works(WEB), reason="banner \udc80\x1b[2J"))
    recording.check(works(WEB))
    [first, second] = [r for _, r in recording.end().read() if isinstance(r, TargetReport)]
    assert first.reason == "banner \\udc80\x1b[2J"
    assert second == works(WEB)


def test_a_full_disk_is_told_once_and_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwhy.session.recorder.PATIENCE_S", 30.0)
    recorder = Recorder(opened(Path("/dev/full")), "/dev/full", interval_s=1.0)
    until = time.monotonic() + 20
    while (problem := recorder.problem()) is None:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert "No space left" in problem and "ends here" in problem
    recorder.added(target(WEB))
    assert recorder.problem() is None
    started = time.monotonic()
    recorder.close()
    assert time.monotonic() - started < 3.0, "it waited for the disk"


def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path) -> None:
    """A pipe that nobody empties takes 64 kB and then no more."""
    os.mkfifo(tmp_path / "s")
    with pytest.raises(RecordingError):  # nobody at the other end: not waited for
        opened(tmp_path / "s")
    reading = os.open(tmp_path / "s", os.O_RDONLY | os.O_NONBLOCK)
    try:
        recording = Recording(tmp_path / "s")
        recording.watch(target(WEB))
        took = []
        for number in range(12_000):
            report = replace(works(WEB), reason=f"{number} {'x' * 300}")
            started = time.perf_counter()
            recording.check(report)
            took.append(time.perf_counter() - started)
        assert sorted(took)[-20] < 0.1, "a busy machine may hold up a few, a disk none"
        problem = recording.recorder.problem()
        assert problem is not None and "takes no more" in problem
        assert recording.recorder.problem() is None
        started = time.monotonic()
        recording.recorder.close()
        assert time.monotonic() - started < 5.0, "it would wait for ever"
    finally:
        os.close(reading)
    for thread in threading.enumerate():  # the pipe is broken now: it ends
        if thread.name == "netwhy-record":
            thread.join(20.0)
            assert not thread.is_alive()


def test_half_a_line_is_taken_back_when_the_disk_is_full(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "s")
    recording.watch(target(WEB))
    recording.check(works(WEB))
    until = time.monotonic() + 20
    while (tmp_path / "s").read_bytes().count(b"\n") < 3:  # what it is, the target, the check
        assert time.monotonic() < until
        time.sleep(0.01)
    writer = recording.recorder._writer
    size = (tmp_path / "s").stat().st_size
    real = os.write

    def full(file: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(28, "No space left on device")
        return real(file, data[:10])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netwhy.session.recorder.os.write", full)
        with pytest.raises(OSError, match="No space"):
            writer._append(b"0123456789" * 5)
    assert (tmp_path / "s").stat().st_size == size


# ------------------------------------------------------------------------------- bad files


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    path = tmp_path_factory.mktemp("good") / "s"
    recording = Recording(path)
    recording.monitor.see(VANTAGE)
    recording.watch(target(WEB), target(DB))
    for _ in range(3):
        recording.check(works(WEB), refused(DB))
    recording.monitor.remove(WEB)
    recording.monitor.undo()
    recording.end()
    return path.read_bytes().splitlines(keepends=True)


def test_a_file_cut_anywhere_is_shown_as_far_as_it_goes(good: list[bytes], tmp_path: Path) -> None:
    whole = b"".join(good)
    starts = len(good[0]) + len(good[1])
    for size in range(starts, len(whole), 37):
        (tmp_path / "s").write_bytes(whole[:size])
        shown = Replay(Session(tmp_path / "s"))
        shown.advance(1000)
        assert shown.over


#: What is put in place of a line (its number from 1), and a word of what is said.
WRONG: list[tuple[int, bytes, str]] = [
    (1, b"", "no recorded session"),
    (1, b"hello\n", "no recorded session"),
    (1, b"\x89PNG\r\n\x1a\n", "no recorded session"),
    (1, b'{"schema":"netwhy.session/2","version":"9","interval_s":1}\n', "no recorded session"),
    (1, b'{"schema":"netwhy.session/1","version":"9","interval_s":0}\n', "no recorded session"),
    (3, b"{\n", "truncated"),
    (3, b"[]\n", "Expected `object`"),
    (3, b'{"event":"explode"}\n', "explode"),
    (3, b'{"event":"removed","target":7,"undoable":true,"at":"2026-01-01T12:00:00Z","at_s":1000}\n',
     "no target 7"),
    (3, b'{"event":"paused","paused":true,"at":"2026-01-01T12:00:00Z","at_s":-5}\n', ">= 0"),
    (3, b'{"event":"paused","paused":true,"at":"2026-01-01T12:00:00Z","at_s":1}\n', "before"),
    (3, b'{"event":"paused","paused":true,"at":"2026-01-01T12:00:00","at_s":1000}\n', "timezone"),
    (3, b'{"event":"paused","paused":true,"at":"9999-12-31T23:59:59Z","at_s":1000}\n', "year 9999"),
    (3, b'{"event":"paused","paused":true,"at":"2026-01-01T12:00:00Z","at_s":1e999}\n', ""),
    (3, b'{"event":"added","target":5,"what":{},"at":"2026-01-01T12:00:00Z","at_s":1e3}\n', "text"),
    (3, b"[" * 100_000 + b"\n", ""),
    (3, b"x" * (5 * 1024 * 1024) + b"\n", "too long"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "line", "said"), WRONG)
def test_a_wrong_line_is_told_with_its_number(
    good: list[bytes], tmp_path: Path, number: int, line: bytes, said: str
) -> None:
    lines = [*good[: number - 1], line, *good[number:]]
    (tmp_path / "s").write_bytes(b"".join(lines))
    with pytest.raises(SessionError) as caught:
        Session(tmp_path / "s")
    assert str(caught.value).startswith(f"{tmp_path / 's'}:{number}: ")
    assert said in str(caught.value)


def checked(**wrong: Any) -> bytes:
    report = {
        "verdict": "ok", "addresses": [], "findings": [], "probes": [], "layers": ["ok"] * 6,
        "path": [], "rtt_ms": 1.0, "duration_ms": 1.0, "reason": None, "complete": True,
    }  # fmt: skip
    event = {
        "event": "checked", "target": 0, "began_s": 2000.0, "at": "2026-01-01T13:00:00Z",
        "at_s": 2000.5, "report": {**report, **wrong.pop("report", {})}, **wrong,
    }  # fmt: skip
    return json.dumps(event).encode() + b"\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (checked(report={"layers": ["ok"]}), "1 layers"),
        (checked(report={"layers": ["fine"] * 6}), "fine"),
        (checked(report={"verdict": "great"}), "great"),
        (checked(report={"rtt_ms": -1}), "impossible"),
        (checked(report={"duration_ms": 1e300}), "impossible"),
        (checked(report={"probes": [{"probe": 1}]}), "probes"),
        (checked(began_s=2001), "before it began"),
        (checked(target=9), "no target 9"),
        (checked(changes=[[["verdict", "x"], 1]]), "stands at"),
        (checked(changes=[[[], 5]]), "no report"),
        (checked(changes="no"), "array"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(
    good: list[bytes], tmp_path: Path, line: bytes, said: str
) -> None:
    (tmp_path / "s").write_bytes(b"".join(good[:-1]) + checked() + line)
    with pytest.raises(SessionError, match=said) as caught:
        Session(tmp_path / "s")
    assert f":{len(good) + 1}: " in str(caught.value)


@slow
@given(data=st.data())
def test_no_file_whatever_does_harm(data: st.DataObject, good: list[bytes], tmp_path: Path) -> None:
    """One value of one line is another one: it is refused, or shown to its end."""
    number = data.draw(st.integers(1, len(good) - 1))
    tree = json.loads(good[number])
    place: Any = tree
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.booleans()):
            break
        place = inner
    place[key] = data.draw(trees | st.integers() | st.floats())
    path = tmp_path / f"{time.monotonic_ns()}"
    path.write_bytes(
        b"".join([*good[:number], json.dumps(tree).encode() + b"\n", *good[number + 1 :]])
    )
    try:
        shown = Replay(Session(path))
    except SessionError as error:
        assert str(path) in str(error)
        return
    while not shown.over:
        shown.advance(7.0)
    assert shown.snapshot().replayed is not None


def test_a_session_without_events_and_a_missing_file(good: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "s").write_bytes(good[0])
    with pytest.raises(SessionError, match="nothing was recorded"):
        Session(tmp_path / "s")
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(SessionError, match="cannot be read"):
            Session(path)


# ---------------------------------------------------------------------------- the movement


def test_steps_and_changes(tmp_path: Path) -> None:
    shown = Replay(an_outage(tmp_path / "s").end())
    shown.step()
    shown.step()
    assert [row.checks for row in shown.snapshot().rows] == [1, 1, 0]
    assert shown.paused and shown.snapshot().replayed == replace(
        shown.snapshot().replayed,
        paused=True,  # type: ignore[type-var]
    )
    shown.again()
    assert not shown.paused
    assert [row.checks for row in shown.snapshot().rows] == [0, 0, 0]


async def test_the_next_change_is_found_and_then_none(tmp_path: Path) -> None:
    shown = Replay(an_outage(tmp_path / "s").end())
    assert await shown.to_next_change()
    row = shown.snapshot().row(DB)
    assert row is not None and row.verdict is Verdict.FAILING
    assert await shown.to_next_change()
    row = shown.snapshot().row(DB)
    assert row is not None and row.verdict is Verdict.OK
    assert not await shown.to_next_change()
    assert shown.over


async def test_it_moves_by_itself_at_its_speed(tmp_path: Path) -> None:
    import asyncio

    shown = Replay(an_outage(tmp_path / "s").end(), speed=32.0)
    began_s, began = shown.now_s, time.monotonic()
    shown.start()
    await asyncio.sleep(0.6)
    moved, passed = shown.now_s - began_s, time.monotonic() - began
    assert 32 * 0.2 < moved < 32 * (passed + 0.1)
    shown.pause()
    there = shown.now_s
    await asyncio.sleep(0.3)
    assert shown.now_s == there
    await shown.stop()


def test_speeds_go_up_and_down_to_an_end(tmp_path: Path) -> None:
    shown = Replay(an_outage(tmp_path / "s").end(), speed=3.0)
    shown.faster()
    assert shown.speed == 4.0
    shown.slower()
    assert shown.speed == 2.0
    for _ in range(20):
        shown.slower()
    assert shown.speed == 0.25
    for _ in range(20):
        shown.faster()
    assert shown.speed == 128.0


def test_what_it_is_asked_for_and_cannot_do(tmp_path: Path) -> None:
    shown = Replay(an_outage(tmp_path / "s").end())
    assert not shown.add(target(WEB))
    assert shown.remove(WEB) is None and shown.undo() is None


async def test_two_keys_in_a_row_are_two_changes(tmp_path: Path) -> None:
    import asyncio

    shown = Replay(an_outage(tmp_path / "s").end())
    assert await asyncio.gather(*(shown.to_next_change() for _ in range(3))) == [True, True, False]
    assert shown.over
