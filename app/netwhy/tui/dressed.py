"""How the application looks and which keys it has: themes, NO_COLOR and `[keys]`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from textual.app import App
from textual.filter import Monochrome, NoColor

from netwhy.output.inert import inert
from netwhy.tui.plain import Plain
from netwhy.tui.themes import AUTO, OWN, THEMES, first_theme, next_theme, spoken
from netwhy.tui.widgets.key_bar import key_name

#: How long it is shown what is wrong with the keys: there may be several lines.
PROBLEMS_S = 12.0


class Dressed(App[None]):
    """An application in one of our themes."""

    def __init__(self, theme: str | None, ground: bool | None) -> None:
        super().__init__()
        self._drop_colors()
        for own in OWN:
            self.register_theme(own)
        self.ground = ground
        self._wanted_theme = theme
        self._follows_ground = True
        self.theme = first_theme(theme if theme in self.available_themes else None, ground)

    def say(
        self, text: str, severity: Literal["information", "warning", "error"] = "information"
    ) -> None:
        """A short message."""
        raise NotImplementedError

    def dress(self, keys: Mapping[str, str]) -> None:
        """Begin: tell what is wrong with the theme and the keys that are wanted."""
        self.wear(self._wanted_theme)
        self.bind_keys(keys)

    def _drop_colors(self) -> None:
        """NO_COLOR, where it is not empty (no-color.org), means none at all."""
        self.no_color = bool(os.environ.get("NO_COLOR"))
        kept = [f for f in self._filters if not isinstance(f, (Monochrome, NoColor))]
        self._filters = [*kept, Plain()] if self.no_color else kept

    def wear(self, theme: str | None) -> None:
        """Put on a theme; none and `auto` follow the terminal.  What is not known is told."""
        if theme not in (None, AUTO, *self.available_themes):
            told = ", ".join((AUTO, *THEMES))
            self.say(f"There is no theme '{theme}'; there are {told}.", "warning")
            theme = AUTO
        self._follows_ground = theme in (None, AUTO)
        self.theme = first_theme(theme, self.ground)

    def found_ground(self, light: bool | None) -> None:
        """The terminal says late what its ground is.  In any thread."""
        self.call_later(self._take_ground, light)

    def _take_ground(self, light: bool | None) -> None:
        self.ground = light
        if self._follows_ground:
            self.wear(AUTO)

    def key_of(self, action: str, default: str) -> str:
        """The key that an action has now, as people write it; `default` is what it came with."""
        return key_name(self._keymap.get(action, default).partition(",")[0])

    def bind_keys(self, keys: Mapping[str, str]) -> None:
        """Bind actions to the keys of the configuration, and tell which cannot be."""
        from netwhy.tui.keymap import usable

        good, problems = usable(keys)
        self.set_keymap(good)
        if problems:
            text = "\n".join(inert(problem) for problem in problems)
            self.notify(text, severity="warning", markup=False, timeout=PROBLEMS_S)

    def action_theme(self) -> None:
        if self.no_color:
            self.say("NO_COLOR is set: every theme is without colours.", "warning")
            return
        self._follows_ground = False
        self.theme = next_theme(self.theme)
        self.say(f"Theme {spoken(self.theme)}")

    def action_theme_by_name(self, name: str) -> None:
        self.wear(name)
        self.say(f"Theme {spoken(self.theme)}")
