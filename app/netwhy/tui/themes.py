"""The themes that the theme key goes through, and the one to start with.

Every colour of a text has a contrast of at least 4.5 to 1 to its ground (WCAG 2, level AA), in the
theme of high contrast at least 7 to 1; the tests measure the screen.  It must hold in 256 colours
too, which is all that many a terminal multiplexer and console has: there a ground between two
greys would come out as a light one.
"""

from __future__ import annotations

import os

from textual.theme import Theme

from netwhy.core import settings


def _theme(
    name: str, grounds: tuple[str, str, str, str], states: tuple[str, str, str, str], **more: object
) -> Theme:
    """`grounds`: screen, panes over it, bars, the row of the cursor.

    `states`: failing, degraded, ok, and unknown, which is the colour of titles and keys too.
    """
    background, surface, panel, cursor = grounds
    failing, degraded, well, title = states
    text, muted = str(more["text"]), str(more["muted"])
    return Theme(
        name=name,
        primary=title,
        secondary=title,
        accent=str(more.get("accent", degraded)),
        error=failing,
        warning=degraded,
        success=well,
        foreground=text,
        background=background,
        surface=surface,
        panel=panel,
        dark=bool(more["dark"]),
        variables={
            "text": text,
            "text-muted": muted,
            "text-disabled": muted,
            "text-error": failing,
            "text-warning": degraded,
            "text-success": well,
            "text-primary": title,
            "text-secondary": title,
            "text-accent": title,
            "foreground-muted": muted,
            "primary-muted": cursor,
            "block-cursor-background": cursor,
            "block-cursor-foreground": text,
            "block-cursor-blurred-background": cursor,
            "block-cursor-blurred-foreground": text,
            "block-hover-background": cursor,
            "input-selection-background": cursor,
            "input-selection-foreground": text,
            "screen-selection-background": cursor,
            "screen-selection-foreground": text,
        },
    )


def _terminal(name: str, *, dark: bool, states: tuple[str, str, str, str]) -> Theme:
    """Only colours that are readable in the palettes of xterm and of the PC."""
    failing, degraded, well, title = states
    return Theme(
        name=name,
        ansi=True,
        primary=title,
        secondary=title,
        accent=title,
        error=failing,
        warning=degraded,
        success=well,
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        dark=dark,
        variables={
            "ansi-background": "ansi_black" if dark else "ansi_white",
            "ansi-foreground": "ansi_white" if dark else "ansi_black",
            "border": title,
            "border-blurred": title,
            "foreground-muted": "ansi_default",
            "text-muted": "ansi_default",
            "text-disabled": "ansi_default",
            "block-cursor-foreground": "ansi_black" if dark else "ansi_bright_white",
            "block-cursor-background": "ansi_white" if dark else "ansi_blue",
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "input-selection-background": "ansi_cyan",
            "input-selection-foreground": "ansi_black",
            "screen-selection-background": "ansi_cyan",
            "screen-selection-foreground": "ansi_black",
        },
    )


#: The colour-blind one has the colours of Okabe and Ito ("Color Universal Design", 2008), the red
#: and the purple a little lighter, for the contrast.
OWN = (
    _theme(
        "dark",
        ("#121212", "#1c1c1c", "#262626", "#303030"),
        ("#ff8787", "#ffbf5f", "#74d387", "#87bdff"),
        text="#e4e4e4",
        muted="#a8a8a8",
        dark=True,
    ),
    _theme(
        "light",
        ("#fafafa", "#eeeeee", "#e4e4e4", "#d7d7ff"),
        ("#a3001b", "#6b3f00", "#005700", "#004f87"),
        text="#1c1c1c",
        muted="#444444",
        accent="#9a5b00",
        dark=False,
    ),
    _theme(
        "high-contrast",
        ("#000000", "#000000", "#000000", "#00264d"),
        ("#ffa8a8", "#ffe600", "#5dff8f", "#8fd0ff"),
        text="#ffffff",
        muted="#d6d6d6",
        dark=True,
    ),
    _theme(
        "colour-blind",
        ("#121212", "#1c1c1c", "#262626", "#303030"),
        ("#f5793a", "#f0e442", "#56b4e9", "#d68fb8"),
        text="#e4e4e4",
        muted="#a8a8a8",
        dark=True,
    ),
    _terminal(
        "terminal",
        dark=True,
        states=("ansi_bright_red", "ansi_bright_yellow", "ansi_green", "ansi_cyan"),
    ),
    _terminal(
        "terminal-light",
        dark=False,
        states=("ansi_red", "ansi_magenta", "ansi_default", "ansi_blue"),
    ),
)

#: What the theme key goes through.
THEMES = tuple(theme.name for theme in OWN)
AUTO = next(iter(settings.THEMES))


def first_theme(wanted: str | None, light: bool | None) -> str:
    """The theme to start with; what is not wanted or `auto` follows the terminal.

    `light` is what the terminal said of its ground, None where it said nothing.
    """
    if wanted not in (None, AUTO):
        return str(wanted)
    if light is None:
        return terminal_theme(os.environ.get("COLORFGBG", ""))
    return "light" if light else "dark"


def terminal_theme(colorfgbg: str) -> str:
    """By COLORFGBG, which some terminals set to `foreground;background`; dark where none does.

    Background 7 and 9…15 are the light ones (rxvt's documentation of the variable).
    """
    background = colorfgbg.rpartition(";")[2]
    light = background.isdigit() and (int(background) == 7 or 9 <= int(background) <= 15)
    return "light" if light else "dark"


def next_theme(current: str) -> str:
    """The one after it; a theme that is not in the round leads to its start."""
    place = THEMES.index(current) if current in THEMES else -1
    return THEMES[(place + 1) % len(THEMES)]


def spoken(name: str) -> str:
    """A theme and what it is, for people."""
    about = settings.THEMES.get(name)
    return f"{name}: {about}" if about else name
