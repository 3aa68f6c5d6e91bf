"""Where parts meet: a reload while a failure is suspected, a pause, a replay that begins again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.tui.sessions import DB, Recording, an_outage
from tests.tui.world import refused, target, works

from netwhy.core.model import Verdict
from netwhy.core.snapshot import Standstill
from netwhy.core.target_list import listed
from netwhy.session.reading import Session, SessionError
from netwhy.session.replay import Replay
from netwhy.tui.ground import Question, Sieve
from netwhy.tui.news import News


def test_a_suspicion_does_not_outlive_a_pause(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "s")
    monitor = recording.monitor
    recording.watch(target(DB))
    recording.check(works(DB))
    recording.check(refused(DB))
    assert monitor.snapshot().rows[0].confirming
    monitor.pause()
    monitor.resume()
    recording.check(refused(DB), after_s=3600.0)
    assert monitor.snapshot().rows[0].verdict is Verdict.OK, "one failure is not believed"


def test_what_comes_back_has_the_interval_of_now(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "s")
    recording.watch(target(DB))
    recording.monitor.remove(DB)
    recording.monitor.set_interval(30.0)
    recording.monitor.undo()
    assert recording.monitor.snapshot().rows[0].interval_s == 30.0


def test_a_replay_that_begins_again_tells_its_news_again(tmp_path: Path) -> None:
    shown = Replay(an_outage(tmp_path / "s").end())
    news = News()
    told = []
    for _ in range(2):
        news.of(shown.snapshot())
        shown.advance(10_000)
        told.append(news.of(shown.snapshot()))
        shown.again()
    assert told[0] and told[0] == told[1]


def test_what_a_service_is_sent_is_masked_also_where_it_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "s"
    recording = Recording(path)
    about = target(DB)
    about = replace(about, options=replace(about.options, send="AUTH hunter22\r\n"))
    recording.watch(about)
    for said in (r"AUTH hunter22\r\n", "no AUTH hunter22 here"):
        recording.check(replace(works(DB), target=about, reason=said))
    changed = replace(about, options=replace(about.options, send="AUTH opensesame"))
    recording.monitor.change(changed)
    recording.check(replace(works(DB), target=about, reason="late"))
    recording.check(replace(works(DB), target=changed, reason="got AUTH opensesame"))
    recording.end()
    text = path.read_text()
    assert "hunter22" not in text and "opensesame" not in text


@pytest.mark.parametrize("year", [1, 9999])
def test_an_impossible_standstill_is_refused(tmp_path: Path, year: int) -> None:
    path = tmp_path / "s"
    recording = Recording(path)
    recording.watch(target(DB))
    began = datetime(2026, 11, 20, tzinfo=UTC)
    recording.monitor.stood_still(Standstill(1, began, 9.0, asleep=True), 1.0)
    recording.end()
    text = path.read_text().replace('"began":"2026-', f'"began":"{year:04}-')
    path.write_text(text)
    with pytest.raises(SessionError, match="year"):
        Session(path)


def test_what_was_typed_before_the_screen_is_not_lost() -> None:
    question = Question({})
    question._text = "/w\x1b]11;rgb:1e1e/1e1e/1e1e\x07\xc3\xa9"
    assert question.typed == "/wé"
    sieve = Sieve("\x1b]11;rg", lambda light: None)
    sieve._until -= timedelta(hours=1).total_seconds()
    assert sieve.sift("x") == "\x1b]11;rgx", "what was kept back is handed on in the end"


def test_a_sentence_is_no_list_of_targets() -> None:
    found = listed("web1 db1:5432\nnot a target !!\nweb, db\nplain")
    texts = [target.text for target in found.targets]
    assert texts == ["web1", "db1:5432", "web", "db", "plain"]
    assert [line for line, _error in found.faults] == [2]
