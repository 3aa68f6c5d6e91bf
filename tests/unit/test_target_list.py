"""Targets as people paste them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwhy.core.target_list import lines_of, listed

# what was pasted, the targets, the lines that cannot be read
PASTES = [
    ("db.example:5432\nweb.example:80", ["db.example:5432", "web.example:80"], []),
    ("a.example, b.example:80;c.example", ["a.example", "b.example:80", "c.example"], []),
    ("a.example b.example:80", ["a.example", "b.example:80"], []),
    ("db.example 5432", ["db.example:5432"], []),
    ("# hosts\n\na.example # the first\n\n  # b.example", ["a.example"], []),
    ("- a.example\n* b.example\n3. c.example\n4) d.example", None, []),
    ('"a.example",\n"b.example"', ["a.example", "b.example"], []),
    ("a.example\r\nb.example\rc.example", ["a.example", "b.example", "c.example"], []),
    ("a.example\nA.example\n", ["a.example"], []),
    ("a.example\nb.example:99999\n[::1\nc.example", ["a.example", "c.example"], [2, 3]),
    ("https://x.example/a,b?c=d e.example", ["https://x.example/a", "b?c=d", "e.example"], None),
    ("12:00:01 ERROR dial tcp 192.0.2.3:5432: connect: connection refused", ["192.0.2.3:5432"], []),
    ("12:00:00 INFO worker starting job 12\nb.example:80", ["b.example:80"], [1]),
    ("db web cache.example:80", ["db", "web", "cache.example:80"], []),
    ("", [], []),
    ("# nothing\n", [], []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "targets", "faults"), PASTES)
def test_a_paste(text: str, targets: list[str] | None, faults: list[int] | None) -> None:
    found = listed(text)
    wanted = ["a.example", "b.example", "c.example", "d.example"] if targets is None else targets
    if faults is not None:
        assert [target.text for target in found.targets] == wanted
        assert [number for number, _error in found.faults] == faults


def test_a_url_with_a_comma_is_one_target() -> None:
    (only,) = listed("https://x.example/a,b").targets
    assert only.path == "/a,b"


def test_lines_keep_their_numbers() -> None:
    assert list(lines_of("\n a  b # c\n#d\ne#f")) == [(2, "a b"), (4, "e#f")]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_list(text: str) -> None:
    found = listed(text)
    assert len({target.text for target in found.targets}) == len(found.targets)
    assert all(number >= 1 for number, _error in found.faults)
