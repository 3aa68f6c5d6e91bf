"""The views, in the order of their keys.  A new view is one row here and its own file."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from netwhy.output.layout import Page
from netwhy.tui.view import View


@dataclass(frozen=True, slots=True)
class Entry:
    """One view: its mode, key and name, and where its class is; imported when first shown."""

    mode: str
    key: str
    name: str
    tooltip: str
    module: str
    screen: str

    def maker(self, page: Page) -> Callable[[], View]:
        """What makes the view's screen."""

        def make() -> View:
            view: View = getattr(importlib.import_module(self.module), self.screen)(page)
            return view

        return make


VIEWS = (
    Entry(
        "dashboard",
        "1",
        "Dashboard",
        "Every target, and why it fails",
        "netwhy.tui.dashboard",
        "Dashboard",
    ),
    Entry(
        "ports",
        "2",
        "Ports",
        "Who listens on which local port",
        "netwhy.tui.ports",
        "Ports",
    ),
    Entry(
        "explain",
        "5",
        "Explain",
        "What an error or a cause means; reads pasted logs",
        "netwhy.tui.explain",
        "Explain",
    ),
)
