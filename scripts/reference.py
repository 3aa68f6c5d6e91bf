"""Writes the tables of docs/dashboard.md from the program itself: options, themes, settings, keys.

    .venv/bin/python scripts/reference.py

A test compares the two, so that each is said once and is true.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from netwhy.commands import arguments
from netwhy.core.config import TARGET_KEYS, TOP_KEYS
from netwhy.core.settings import THEMES
from netwhy.tui.keymap import bindings
from netwhy.tui.widgets.key_bar import key_name

PAGE = Path(__file__).resolve().parents[1] / "docs" / "dashboard.md"
_PLACE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    safe = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in safe)


def options() -> str:
    """The options of the dashboard; those of every command are in `--help`."""
    rows = []
    for group in arguments.dashboard()._action_groups:
        if group.title != "dashboard":
            continue
        for action in group._group_actions:
            if action.option_strings and action.help != argparse.SUPPRESS:
                name = " ".join(filter(None, (action.option_strings[0], str(action.metavar or ""))))
                rows.append((f"`{name}`", str(action.help)))
    return table(("option", "meaning"), rows)


def keys() -> str:
    """Every action that has a key, with its name in `[keys]`."""
    rows = []
    for name, bound in bindings().items():
        shown = " ".join(f"`{key_name(key)}`" for key in bound.keys)
        about = bound.binding.description[:1].upper() + bound.binding.description[1:]
        if bound.binding.tooltip:
            about += f": {bound.binding.tooltip[:1].lower()}{bound.binding.tooltip[1:]}"
        rows.append((f"`{name}`", shown, about))
    return table(("action", "keys", "does"), rows)


def settings(names: dict[str, tuple[str, str]]) -> str:
    return table(("key", "type", "meaning"), ((f"`{n}`", k, m) for n, (k, m) in names.items()))


def tables() -> dict[str, str]:
    """The name of each table → its text."""
    return {
        "options": options(),
        "themes": table(("theme", "is"), ((f"`{n}`", about) for n, about in THEMES.items())),
        "settings": settings(TOP_KEYS),
        "targets": settings(TARGET_KEYS),
        "keys": keys(),
    }


def filled(text: str) -> str:
    """The page with its tables written anew; KeyError for a table that there is not."""
    made = tables()
    return _PLACE.sub(lambda place: place[1] + made[place[2]] + place[3], text)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text()))
