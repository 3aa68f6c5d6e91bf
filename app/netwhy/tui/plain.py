"""NO_COLOR: no colour leaves, neither as text nor as ground.

Bold, underlined and reversed text is no colour, and shows the cursor and the selection.
"""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter


class Plain(LineFilter):
    """Takes every colour away.  The toolkit's own filter sends shades of grey instead."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, None if style is None else plain(style), control)
            for text, style, control in segments
        ]


@lru_cache(4096)
def plain(style: Style) -> Style:
    """The style without colours; what the mouse finds in it stays."""
    bare = style.without_color
    return bare + Style(meta=style.meta) if style.meta else bare
