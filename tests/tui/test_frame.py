"""What is sent to the terminal: only what looks different, and always enough."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from netwhy.tui.frame import Frame

pytestmark = pytest.mark.tui

WIDTH, HEIGHT = 24, 4
STYLES = (None, Style.parse("red"), Style.parse("bold white on blue"), Style.parse("red reverse"))
Row = tuple[tuple[str, Style | None], ...]

#: Pieces of lines: what the screen is drawn with, and now and then a character of two cells.
pieces = st.lists(
    st.tuples(
        st.text(alphabet="ab01 ▁▃✗─é", max_size=9) | st.sampled_from(("服务", "e\u0301")),
        st.sampled_from(STYLES),
    ),
    max_size=6,
)


def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")


def strip(row: Sequence[tuple[str, Style | None]]) -> Strip:
    return Strip([Segment(text, style) for text, style in row]).adjust_cell_length(WIDTH)


def whole(strips: Sequence[Strip]) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in strips], Region(0, 0, WIDTH, len(strips)))


def part(strips: Sequence[Strip], spans: list[tuple[int, int, int]]) -> ChopsUpdate:
    return ChopsUpdate([{0: line} for line in strips], spans, [[WIDTH]] * len(strips))


class Screen:
    """A terminal of a few words: moves of the cursor, colours and text."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], tuple[str, str]] = {}

    def feed(self, sent: str) -> None:
        x = y = 0
        pen = ""
        for move, colour, char in re.findall(r"\x1b\[(\d+;\d+)H|\x1b\[([\d;]*)m|([^\x1b])", sent):
            if move:
                y, x = (int(n) - 1 for n in move.split(";"))
            elif colour:
                pen = "" if colour == "0" else colour
            elif char != "\n":
                wide = Segment(char).cell_length
                if wide == 0:
                    char = self.cells[x - 1, y][0] + char
                    x -= 1
                self.cells[x, y] = (char, pen)
                for beyond in range(1, wide):
                    self.cells[x + beyond, y] = ("", pen)
                x += max(1, wide)


@given(st.lists(st.lists(pieces, min_size=HEIGHT, max_size=HEIGHT), min_size=2, max_size=5))
def test_the_terminal_shows_what_it_would_show_if_everything_were_sent(
    screens: list[list[Row]],
) -> None:
    frame, spared = Frame(), Screen()
    for number, rows in enumerate(screens):
        strips = [strip(row) for row in rows]
        update = part(strips, [(y, 0, WIDTH) for y in range(HEIGHT)]) if number else whole(strips)
        spared.feed(frame.text(update, console()))
        plain = Screen()
        plain.feed(Frame().text(whole(strips), console()))
        assert spared.cells == plain.cells


@given(st.lists(pieces, min_size=2, max_size=2), st.integers(0, WIDTH), st.integers(0, WIDTH))
def test_what_is_not_dirty_is_not_sent(rows: list[Row], one: int, other: int) -> None:
    first, last = sorted((one, other))
    old, new = (strip([(text, style) for text, style in row if text.isascii()]) for row in rows)
    frame, screen = Frame(), Screen()
    screen.feed(frame.text(whole([old]), console()))
    sent = frame.text(part([new], [(0, first, last)]), console())
    screen.feed(sent)
    shown = "".join(screen.cells[x, 0][0] for x in range(WIDTH))
    assert shown == old.text[:first] + new.text[first:last] + old.text[last:]


def test_one_changed_number_costs_a_few_bytes_wherever_it_stands() -> None:
    red, plain = STYLES[1], STYLES[2]
    before = [strip((("db.example", red), (" 0.41  ", plain), ("▁▁▁▁", red))) for _ in range(9)]
    after = [strip((("db.example", red), (" 0.42  ", plain), ("▁▁▁▁", red))) for _ in range(9)]
    frame, dirty = Frame(), [(y, 0, WIDTH) for y in range(9)]
    toolkit = len(part(after, dirty).render_segments(console()))
    frame.text(whole(before), console())
    sent = frame.text(part(after, dirty), console())
    assert sent.count("2") >= 9
    # A move and a figure each, and the colour once for all nine.
    assert len(sent) <= 9 * len("\x1b[9;15H2") + 40 < toolkit / 4
    assert frame.text(part(after, dirty), console()) == "", "what is there already is not sent"


def test_a_whole_screen_is_sent_whole_because_the_terminal_may_show_anything() -> None:
    lines = [strip((("abc", None),))]
    frame = Frame()
    first = frame.text(whole(lines), console())
    assert frame.text(whole(lines), console()) == first
    frame.sparing("something else that is written")
    assert "abc" in frame.text(part(lines, [(0, 0, WIDTH)]), console())
