"""The page about the dashboard says what the program does, and its keys are fit to be bound."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from scripts.reference import PAGE, filled, tables
from tests.tui.world import World, refused, until

from netwhy.core.config import load_text
from netwhy.tui.keymap import bindings, usable

pytestmark = pytest.mark.tui

README = Path(__file__).parents[2] / "README.md"


def test_the_tables_are_those_of_the_program() -> None:
    text = PAGE.read_text()
    assert text == filled(text), "run: python scripts/reference.py"
    assert all(f"<!-- table: {name} -->" in text for name in tables())


def test_the_example_of_a_configuration_is_one() -> None:
    example = PAGE.read_text().partition("```toml\n")[2].partition("```")[0]
    assert tomllib.loads(example)["keys"]
    good, problems = usable(load_text(example).keys)
    assert problems == [] and len(good) == 2


def test_no_two_default_keys_are_in_each_others_way() -> None:
    """Each action given its own keys once more: nothing to complain of."""
    everything = {name: ",".join(bound.keys) for name, bound in bindings().items()}
    assert usable(everything)[1] == []


# what is configured, what is said of it
FAULTS = [
    ({"app.frezze": "z"}, "[keys] app.frezze: there is no such action; did you mean app.freeze?"),
    (
        {"app.freeze": "foo"},
        "[keys] app.freeze: 'foo' is no key; write for example z, ctrl+x or f5",
    ),
    ({"app.freeze": "crtl+x"}, "[keys] app.freeze: 'crtl+x' is no key"),
    ({"app.freeze": "z,"}, "[keys] app.freeze: '' is no key"),
    ({"app.freeze": "ctrl+m"}, "[keys] app.freeze: terminals send ctrl+m as enter"),
    ({"app.freeze": "ctrl+q"}, "[keys] app.freeze: ctrl+q is 'quit' already; it keeps space"),
    ({"app.freeze": "a"}, "[keys] app.freeze: a is target.add already; it keeps space"),
    ({"target.add": "p"}, "[keys] target.add: p is app.pause already; it keeps a"),
    ({"list.sort": "k"}, "[keys] list.sort: k is list.up already; it keeps s"),
    ({"app.freeze": "z", "app.pause": "z"}, "[keys] app.pause: z is app.freeze already"),
    ({"why.copy": "?"}, "[keys] why.copy: ? is app.help already; it keeps y"),
]


@pytest.mark.parametrize(("wanted", "said"), FAULTS)
def test_a_key_that_cannot_be_had_is_told(wanted: dict[str, str], said: str) -> None:
    good, problems = usable(wanted)
    assert len(problems) == 1 and problems[0].startswith(said), problems
    assert len(good) == len(wanted) - 1


@pytest.mark.parametrize(
    "wanted",
    [
        {"app.freeze": "p", "app.pause": "space"},  # exchanged
        {"app.freeze": "f5, ctrl+x"},
        {"app.freeze": "!"},
        {"app.freeze": "exclamation_mark"},
        {"app.freeze": "ctrl+pageup"},
        {"list.up": "f9", "text.up": "f9"},  # one has the focus
        {"ports.bind": "a"},  # another view
    ],
)
def test_what_is_in_nobodys_way_is_taken(wanted: dict[str, str]) -> None:
    assert usable(wanted)[1] == []


async def test_the_screen_tells_the_faults_and_obeys_the_rest() -> None:
    app = World(refused("db.example:5432")).app(
        keys={"app.freeze": "z", "app.nonsense": "x", "app.pause": "a"}
    )
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        told = ("app.nonsense: there is no such action", "app.pause: a is target.add already")
        await until(pilot, *(f"[keys] {fault}" for fault in told))
        await pilot.press("z")
        await until(pilot, "FROZEN")
        await pilot.press("space")
        await pilot.pause(0.2)
        await until(pilot, "FROZEN")
        await until(pilot, "z: go on")
        await pilot.press("z", "p")
        await until(pilot, "PAUSED: no checks are made. p: go on   r: check once")


def test_the_readme_leads_there() -> None:
    assert "docs/dashboard.md" in README.read_text()
