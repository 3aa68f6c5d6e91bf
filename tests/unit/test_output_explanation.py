"""Pages of the knowledge base as text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwhy.core.model import Fix, Where
from netwhy.knowledge.explain import CauseHint, Explanation, explain
from netwhy.knowledge.words import cause_ids
from netwhy.output.explanation import explanation_lines, unknown_line
from netwhy.output.layout import columns

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

PAGE = Explanation(
    name="ECONNREFUSED",
    kind="errno",
    title="Connection refused",
    meaning="An answer came,\nand it was no.\n\nThe host is up.",
    asked="111",
    numbers=(("Linux", "111"), ("macOS", "61")),
    platforms=("Linux",),
    phases=("connect",),
    causes=(CauseHint("tcp.refused", "nothing listens"),),
    fixes=(Fix("Look at the listeners", "ss -ltnp", Where.TARGET), Fix("Wait", None, Where.HERE)),
    program=("In the program: try again",),
    others=(Explanation("EOTHER", "errno", "Something else", "…", "111", platforms=("Windows",)),),
)


def test_the_page_says_what_it_is_what_is_behind_it_and_what_to_do() -> None:
    assert explanation_lines(PAGE) == [
        "ECONNREFUSED: Connection refused",
        "  this is what '111' means on Linux",
        "  111 on Linux, 61 on macOS",
        "  comes in: connect",
        "",
        "  An answer came, and it was no.",
        "",
        "  The host is up.",
        "",
        "  What can be behind it, and how to tell",
        "    • nothing listens (tcp.refused)",
        "",
        "  What to do",
        "    1. Look at the listeners [on the target]",
        "         ss -ltnp",
        "    2. Wait",
        "",
        "  In programs",
        "    • Try again",
        "",
        "  Other meanings of 111",
        "    • EOTHER: Something else (on Windows)",
        "",
        "  More: netwhy explain tcp.refused",
    ]


def test_colour_changes_no_word() -> None:
    painted = explanation_lines(PAGE, color=True)
    assert [ESCAPE.sub("", line) for line in painted] == explanation_lines(PAGE)


@pytest.mark.parametrize("cause", cause_ids())
def test_every_cause_makes_a_page_that_fits(cause: str) -> None:
    found = explain(cause)
    assert found is not None
    lines = explanation_lines(found, width=80)
    commands = {fix.command for fix in found.fixes}
    assert all(columns(line) <= 80 or line.strip() in commands for line in lines)
    assert lines[0].startswith(f"{cause}: ")


def test_what_is_not_known_is_said_with_what_comes_close() -> None:
    line = unknown_line("ECONREFUSED\x1b", ("ECONNREFUSED", "ECONNRESET"))
    assert line == (
        r"netwhy: nothing is known of 'ECONREFUSED\x1b'; did you mean ECONNREFUSED or ECONNRESET?"
    )
    assert "cause ids" in unknown_line("x" * 500, ())
    assert len(unknown_line("x" * 500, ())) < 200


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_nothing_from_outside_escapes_its_line(text: str) -> None:
    other = Explanation(text, "errno", text, text, text)
    hostile = Explanation(
        name=text,
        kind="exception",
        title=text,
        meaning=text,
        asked=text,
        phases=(text,),
        causes=(CauseHint(text, text),),
        fixes=(Fix(text, text, Where.HERE),),
        program=(text,),
        others=(other,),
    )
    assert all(line.isprintable() for line in explanation_lines(hostile))
    assert unknown_line(text, (text,)).isprintable()
