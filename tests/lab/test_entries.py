"""The entries themselves: what they name exists, and no cause is left without a fault."""

from __future__ import annotations

import pytest

from netwhy.knowledge.words import cause_ids
from tests.lab.entries import Entry, load
from tests.lab.worlds import ADDRESSES

ENTRIES = load(ADDRESSES)

#: Causes that no entry can make, and where they are proved instead.
NOT_HERE = {
    "bind.forbidden": "needs SELinux or a cgroup program; tables in tests/unit",
    "bind.split-families": "stands beside another finding; tables in tests/unit",
    "local.files-exhausted": "netwhy works with the few files there are; tables in tests/unit",
    "local.policy": "needs SELinux or a cgroup program; tables in tests/unit",
    "local.proxy-set": "a note about programs that heed it; tables in tests/unit",
    "unexplained": "what no rule explains; tables in tests/unit",
}


def named(entry: Entry) -> set[str]:
    expect = entry.expect
    first = {expect.cause} if expect.cause else set()
    each = {cause for cause in expect.each.values() if cause != "ok"}
    return first | each | {*expect.also, *(expect.roots or ())}


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


def test_enough_healthy_networks() -> None:
    assert sum(entry.healthy for entry in ENTRIES) >= 30
