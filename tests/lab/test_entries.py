"""The entries themselves: what they name exists, and no cause is left without a fault."""

from __future__ import annotations

from collections import Counter

import pytest

from netwhy.knowledge.words import cause_ids
from tests.lab.entries import Entry, load
from tests.lab.worlds import ADDRESSES

ENTRIES = load(ADDRESSES)

#: Causes that no entry can make, and where they are proved instead.
NOT_HERE = {
    "unexplained": "what no rule explains; tables in tests/unit",
}


def named(entry: Entry) -> set[str]:
    expect = entry.expect
    first = {expect.cause} if expect.cause else set()
    each = {cause for cause in expect.each.values() if cause != "ok"}
    return first | each | {*expect.also, *expect.told, *(expect.roots or ())}


def with_evidence(entry: Entry) -> set[str]:
    """The causes of which the entry says what must be told as evidence."""
    expect = entry.expect
    first = {expect.cause} if expect.cause and expect.evidence else set()
    return first | {cause for cause, words in expect.told.items() if words}


@pytest.mark.parametrize("entry", [pytest.param(e, id=f"{e.layer}-{e.id}") for e in ENTRIES])
def test_an_entry_names_causes_that_exist(entry: Entry) -> None:
    expect = entry.expect
    every = named(entry) | {*expect.others, *expect.rivals, *expect.or_rival_of, *expect.allowed}
    assert every <= {*cause_ids(), "path.ipv6-broken"}
    assert entry.targets and entry.story.endswith((".", "?"))


def test_every_cause_has_a_fault_or_a_reason() -> None:
    proved = set().union(*map(named, ENTRIES))
    assert set(cause_ids()) - proved <= set(NOT_HERE)
    assert not proved & set(NOT_HERE), "what is proved needs no excuse"


def test_every_cause_has_its_evidence_asserted() -> None:
    shown = set().union(*map(with_evidence, ENTRIES))
    assert set(cause_ids()) - shown <= set(NOT_HERE)


def test_every_cause_shows_itself_in_more_than_one_way() -> None:
    counted = Counter(cause for entry in ENTRIES for cause in named(entry))
    assert {cause for cause in cause_ids() if counted[cause] < 2} <= set(NOT_HERE)


def test_enough_healthy_networks() -> None:
    assert sum(entry.healthy for entry in ENTRIES) >= 30
