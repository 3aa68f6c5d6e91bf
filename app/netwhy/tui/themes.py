"""The themes that the theme key goes through, and the one to start with."""

from __future__ import annotations

import os

#: Dark, light, then the terminal's own sixteen colours on a dark and a light ground.
THEMES = ("textual-dark", "textual-light", "ansi-dark", "ansi-light")

#: Short names that `--theme` takes beside the full ones.
NAMES = {
    "dark": "textual-dark",
    "light": "textual-light",
    "terminal": "ansi-dark",
    "terminal-light": "ansi-light",
}


def first_theme(wanted: str | None, known: frozenset[str]) -> str:
    """The theme to start with; what is not known, and `auto`, follow the terminal."""
    name = NAMES.get(wanted or "", wanted or "")
    return name if name in known else terminal_theme(os.environ.get("COLORFGBG", ""))


def terminal_theme(colorfgbg: str) -> str:
    """By COLORFGBG, which some terminals set to `foreground;background`; dark where none does.

    Background 7 and 9…15 are the light ones (rxvt's documentation of the variable).
    """
    background = colorfgbg.rpartition(";")[2]
    light = background.isdigit() and (int(background) == 7 or 9 <= int(background) <= 15)
    return "textual-light" if light else "textual-dark"


def next_theme(current: str) -> str:
    """The one after it; a theme that is not in the round leads to its start."""
    place = THEMES.index(current) if current in THEMES else -1
    return THEMES[(place + 1) % len(THEMES)]
