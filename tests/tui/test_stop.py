"""The stop dialog in a small window: what is asked is seen, or it is not asked."""

from __future__ import annotations

import pytest
from tests.tui.test_ports import API, at_ports, attempt, trying
from tests.tui.world import listener, screen_lines, screen_text, until
from textual.pilot import Pilot
from textual.widgets import Input

from netwhy.core.freeing import Result

pytestmark = pytest.mark.tui

SMALL = [(40, 12), (60, 14), (80, 14), (80, 24), (120, 36)]


def joined(pilot: Pilot[None]) -> str:
    """The screen as running text: questions are folded in a narrow window."""
    lines = screen_lines(pilot.app)  # type: ignore[arg-type]
    return " ".join(" ".join(line.strip("│┃| ") for line in lines).split())


async def told(pilot: Pilot[None], wanted: str) -> str:
    for _ in range(100):
        await pilot.pause(0.05)
        if wanted in joined(pilot):
            return joined(pilot)
    raise AssertionError(f"{wanted!r} not in\n{screen_text(pilot.app)}")  # type: ignore[arg-type]


async def asked(pilot: Pilot[None]) -> None:
    await at_ports(pilot)
    await pilot.press("G", "x")


@pytest.mark.parametrize("size", SMALL, ids=str)
async def test_question_field_and_result_are_seen_in_a_small_window(
    size: tuple[int, int],
) -> None:
    what = attempt(holding=(77,), result=Result(8080, "tcp", still=(listener(8080, owner=API),)))
    async with trying(what).app().run_test(size=size) as pilot:
        await asked(pilot)
        text = await told(pilot, 'Type "yes" and enter to end it. Enter alone: no.')
        assert "listen 0.0.0.0:8080" in text, "the plan is read from its beginning"
        await pilot.press(*"yes")
        field = pilot.app.screen.query_one(Input)
        assert screen_lines(pilot.app)[field.region.y][field.region.x :].startswith("yes")  # type: ignore[arg-type]
        await pilot.press("enter")
        await told(pilot, 'Type "kill" and enter to KILL it: it cannot save anything then.')
        await pilot.press("n", "enter")
        await told(pilot, '"n" is not it. Type "kill"')
        await pilot.press("enter")
        await told(pilot, "tcp port 8080 is still held by api (pid 77).")


async def test_the_plan_scrolls_while_the_field_has_the_keys() -> None:
    async with trying(attempt()).app().run_test(size=(40, 12)) as pilot:
        await asked(pilot)
        await told(pilot, 'Type "yes"')
        assert "worker (pid 78)" not in joined(pilot)
        for _ in range(30):
            await pilot.press("down")
            if "worker (pid 78)" in joined(pilot):
                break
        assert "worker (pid 78)" in joined(pilot) and 'Type "yes"' in joined(pilot)


async def test_what_cannot_be_seen_is_not_asked_until_there_is_room() -> None:
    what = attempt()
    async with trying(what).app().run_test(size=(26, 7)) as pilot:
        await asked(pilot)
        await told(pilot, "Too small to ask here")
        await pilot.press(*"yes", "enter")
        await pilot.pause()
        assert what.done == []
        await pilot.resize_terminal(80, 24)
        await told(pilot, 'Type "yes"')
        await pilot.press(*"yes", "enter")
        await told(pilot, "tcp port 8080 is free.")


@pytest.mark.parametrize("size", SMALL, ids=str)
async def test_no_toast_lies_over_the_question(size: tuple[int, int]) -> None:
    app = trying(attempt()).app()
    async with app.run_test(size=size, notifications=True) as pilot:
        await asked(pilot)
        await told(pilot, 'Type "yes"')
        for number in range(5):
            app.say(f"Something else happens meanwhile, and it is told at length: {number}")
        await until(pilot, "Something else")
        await pilot.press(*"ye")
        field = app.screen.query_one(Input)
        await told(pilot, 'Type "yes" and enter to end it. Enter alone: no.')
        assert screen_lines(app)[field.region.y][field.region.x :].startswith("ye")


@pytest.mark.parametrize("size", [(40, 12), (80, 24)], ids=str)
async def test_the_keys_at_the_bottom_are_those_of_the_dialog(size: tuple[int, int]) -> None:
    async with trying(attempt()).app().run_test(size=size) as pilot:
        await asked(pilot)
        await told(pilot, 'Type "yes"')
        keys = screen_lines(pilot.app)[-1]  # type: ignore[arg-type]
        assert "esc leave" in keys and "enter answer" in keys
        assert "filter" not in keys and "details" not in keys and "bind?" not in keys
