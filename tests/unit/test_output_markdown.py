"""Markdown for tickets: what is rendered is exactly the text that was meant."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from tests.unit import reports
from tests.unit.test_output_text import SETTLE

from netwhy.output.inert import inert
from netwhy.output.markdown import code, escaped, markdown, target_markdown

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
#: Everything that a report may be made of.
OWN_TAGS = {
    *("h1", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td"),
    *("code", "pre", "strong", "ul", "ol", "li"),
}

NASTY = [
    "<script>alert(1)</script>",
    "[click](https://example.com)",
    "![x](https://example.com/x.png)",
    "a | b | c",
    "`code` ``more``",
    "*bold* _it_ ~~gone~~",
    "# heading",
    "- item",
    "+ item",
    "1. item",
    "1) item",
    "> quote",
    "---",
    "===",
    "&lt;b&gt; &amp; &#60;",
    "\\<b>",
    "line\nbreak",
    "|",
    "\x1b[31m",
    "http://example.com www.example.com a@example.com",
    "$x$",
    "    indented",
]


def rendered(text: str) -> str:
    return str(RENDERER.render(text))


def shown(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", rendered(text))).strip()


@pytest.mark.parametrize("text", NASTY)
def test_escaped_text_renders_as_itself(text: str) -> None:
    assert shown(escaped(text)) == inert(text).strip()
    assert set(re.findall(r"<(\w+)", rendered(escaped(text)))) <= {"p"}


@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_any_text_renders_as_itself(text: str) -> None:
    wanted = " ".join(inert(text).split())
    assert " ".join(shown(escaped(text)).split()) == wanted


@pytest.mark.parametrize("text", NASTY)
def test_a_hostile_report_has_only_our_own_markup(text: str) -> None:
    page = rendered(markdown(reports.report(reports.hostile(text))))
    assert set(re.findall(r"<(\w+)", page)) <= OWN_TAGS
    assert page.count("<h1>") == 1


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_any_report_has_only_our_own_markup(text: str) -> None:
    text = markdown(reports.report(reports.hostile(text)))
    page = rendered(text)
    assert set(re.findall(r"<(\w+)", page)) <= OWN_TAGS
    for line in text.splitlines():
        assert line.isprintable()


def test_a_code_span_cannot_be_left() -> None:
    assert code("a`b") == "a\\`b"
    assert code("plain") == "`plain`"


def test_the_ticket_says_it_all_and_the_worst_first() -> None:
    text = markdown(reports.report())
    assert text.startswith("# netwhy: failing\n\n1 failing, 1 degraded, 1 unknown, 1 ok.")
    assert "| ✗ failing | `db.example.com:5432` | `198.51.100.7` | – | `tcp.refused` |" in text
    assert "198.51.100.7 refused the connection on port 5432 (`tcp.refused`) explains" in text
    headings = re.findall(r"^## (\S+ \w+)", text, re.MULTILINE)
    assert headings == ["Root causes", "✗ failing", "▲ degraded", "? unknown", "✓ ok"]
    assert "```sh\n   systemctl status postgresql\n   ```" in text
    page = rendered(text)
    assert "<ol>" in page and page.count("<table>") == 2


def test_the_overview_is_a_table_with_a_row_for_each_target() -> None:
    page = rendered(markdown(reports.report()))
    overview = page[page.index("<tbody>") : page.index("</tbody>")]
    assert overview.count("<tr>") == 4


def test_the_deciding_test_is_listed_with_what_is_open() -> None:
    finding = replace(reports.REFUSED, fixes=(*reports.REFUSED.fixes, SETTLE))
    told = target_markdown(replace(reports.REFUSING, findings=(finding,)))
    left = told[told.index("**Not excluded**") :]
    assert "- To settle it, look on db.example.com at who listens" in left
    assert "ss -ltnp 'sport = :5432'" in left
    assert "4. To settle it" not in told
