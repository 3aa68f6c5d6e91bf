"""Text from outside can do nothing but be read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.output.inert import inert

#: Any code point, lone surrogates included, with the dangerous ones more often.
ANYTHING = st.text(
    st.one_of(
        st.characters(exclude_categories=()),
        st.sampled_from(
            "\x1b\x9b\r\n\t\x00\x7f\u202e\u2066\u200b\u2028\ufeff\udc9b\u3164\u0300[]m"
        ),
    )
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, with - punctuation: 1.2.3.4", "plain text, with - punctuation: 1.2.3.4"),
        ("Größe 日本語 ✓", "Größe 日本語 ✓"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("two\nlines\r\nand\ttab", r"two\nlines\r\nand\ttab"),
        ("para\u2029graph\u2028line", r"para\u2029graph\u2028line"),
        ("\x85next\x0bv\x0cf", r"\x85next\x0bv\x0cf"),
        ("safe\u202egpj.exe", r"safe\u202egpj.exe"),
        ("\u2066hidden\u2069", r"\u2066hidden\u2069"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("soft\u00adhyphen", r"soft\xadhyphen"),
        ("filler\u3164", r"filler\u3164"),
        ("select\ufe0f\U000e0101", r"select\ufe0f\U000e0101"),
        ("raw byte \udcff", r"raw byte \udcff"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("", ""),
    ],
)  # fmt: skip
def test_what_acts_or_hides_is_written_as_an_escape(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_marks_cannot_climb_out_of_their_line_nor_onto_other_text() -> None:
    tower = inert("a" + "\u0301" * 40)
    assert tower.startswith("a\u0301") and tower.count("\u0301") == 3
    assert inert("\u0301x") == r"\u0301x"


def test_ordinary_accents_stay() -> None:
    assert inert("Việt Nam e\u0301") == "Việt Nam e\u0301"


@given(ANYTHING)
def test_the_result_is_one_printable_line(text: str) -> None:
    shown = inert(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in shown)
    shown.encode("utf-8")


@given(ANYTHING)
def test_a_second_pass_changes_nothing(text: str) -> None:
    assert inert(inert(text)) == inert(text)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_left_alone(text: str) -> None:
    assert inert(text) is text
