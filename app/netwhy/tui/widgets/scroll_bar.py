"""Scroll bars for terminals that cannot draw blocks."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender


class AsciiScrollBar(ScrollBarRender):
    """Scroll bars of colour only, without the blocks that not every console has."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "] * 8
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "] * 8


def draw_scroll_bars(*, ascii_only: bool) -> None:
    """Choose how the scroll bars of all widgets are drawn."""
    ScrollBar.renderer = AsciiScrollBar if ascii_only else ScrollBarRender
