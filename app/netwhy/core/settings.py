"""What a configuration says; apart from its reader, since most runs have no configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from netwhy.core.model import Target

#: Theme → what it is, in the order of the theme key.  Help, documentation and tests read this.
THEMES: dict[str, str] = {
    "auto": "dark or light as the terminal is, which is asked",
    "dark": "light text on a dark ground",
    "light": "dark text on a light ground",
    "high-contrast": "white, yellow and more on black, at least 7 to 1",
    "colour-blind": "blue, yellow and orange on dark, told apart with every kind of colour vision",
    "terminal": "the terminal's own sixteen colours, on its dark ground",
    "terminal-light": "the terminal's own sixteen colours, on its light ground",
}

#: Seconds between two checks where nobody says otherwise.
INTERVAL_S = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says.  None means it says nothing of it.

    Times are seconds.  `retries` is in the targets of the file already; a target's own wins.
    """

    targets: tuple[Target, ...] = ()
    interval_s: float | None = None
    timeout_s: float | None = None
    retries: int | None = None
    theme: str | None = None
    bell: bool | None = None
    keys: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
