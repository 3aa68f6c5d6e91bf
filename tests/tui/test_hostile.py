"""Text from outside shows as text: in every widget, whatever it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.net.servers import eventually
from tests.tui.world import World, listener, refused, screen_text, until

from netwhy.core.model import (
    Alternative,
    Kind,
    Mark,
    PathStep,
    ProbeRow,
    Target,
    TargetOptions,
    TargetReport,
    Vantage,
    Verdict,
)
from netwhy.core.observations import Owner
from netwhy.core.snapshot import Change

pytestmark = pytest.mark.tui

NASTY = [
    "[eth0]",
    "[/]",
    "[/",
    "[red]x",
    "\x1b[2J\x1b]0;owned\x07",
    "a\nb\r\tc",
    "\u202egnp.exe",
    "\x9b31m",
    "日本語" * 30,
    "a\u0301\u0301\u0301\u0301",
    "[@click=app.quit]x[/]",
    "\ud800",
    "",
]


def hostile(text: str) -> TargetReport:
    """A failing target in which everything that can be text is this text."""
    found = refused("x:1").findings[0]
    finding = replace(
        found,
        cause=text,
        subject=text,
        title=text,
        explanation=text,
        evidence=(text, text),
        fixes=tuple(replace(fix, text=text, command=text) for fix in found.fixes),
        alternatives=(Alternative(text, text),),
    )
    base = refused("x:1")
    return replace(
        base,
        target=Target(
            "x:1", Kind.TCP, text, 1, options=TargetOptions(label=text, group=text), understood=text
        ),
        addresses=(text,),
        findings=(finding, finding),
        probes=tuple(
            ProbeRow(row.probe, text, row.outcome, 1.0, text, {"reason": text, "list": [text]})
            for row in base.probes
        ),
        path=(PathStep(text, Mark.OK), PathStep(text, Mark.FAILED), PathStep(text, Mark.UNTESTED)),
        reason=text,
    )


def assert_inert(text: str) -> None:
    """Nothing on the screen acts: only printable characters and line ends."""
    bad = {char for char in text if not char.isprintable() and char != "\n"}
    assert not bad, f"{bad!r} on the screen"


async def show_everywhere(text: str) -> None:
    report = hostile(text)
    w = World(report)
    w.targets = [report.target]
    owner = Owner(7, text, text, 7, text, 1.0, ((1, text),), text, text, text)
    w.listeners = (listener(80, owner=owner), listener(80, "192.0.2.1"))
    app = w.app()
    async with app.run_test(size=(110, 50), notifications=True) as pilot:
        await until(pilot, "1 failing")
        snapshot = app.snapshot
        change = Change(1, snapshot.taken_at, report.target, Verdict.OK, Verdict.FAILING, text)
        app.refresh_views(
            replace(
                snapshot,
                vantage=Vantage(text, "linux", False, (text,), (text,), (text,)),
                changes=(change,),
                notice=text or None,
            )
        )
        await pilot.pause()
        assert_inert(screen_text(app))
        await pilot.press("y", "Y", "enter")
        await pilot.pause()
        assert_inert(screen_text(app))
        await pilot.press("escape", "2")
        await until(pilot, "Local listeners 2")
        assert_inert(screen_text(app))
        await pilot.press("enter")
        await pilot.pause()
        assert_inert(screen_text(app))
        assert app.is_running and app._exception is None
        assert_inert(app.clipboard.replace("\n", ""))


@pytest.mark.parametrize("text", NASTY)
async def test_hostile_text_does_nothing(
    text: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    await show_everywhere(text)


async def test_markup_is_shown_as_it_is() -> None:
    report = hostile("[eth0] [/] [red]x")
    w = World(report)
    w.targets = [report.target]
    async with w.app().run_test(size=(110, 50)) as pilot:
        await until(pilot, "1 failing")
        # The header may be drawn before the rest.
        await eventually(lambda: screen_text(pilot.app).count("[eth0] [/] [red]x") >= 6)


@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=st.text(max_size=80))
def test_any_text_is_inert_on_the_screen(
    text: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    asyncio.run(show_everywhere(text))
