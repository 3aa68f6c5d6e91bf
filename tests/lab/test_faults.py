"""Every entry of `faults/`: the fault is made, proved, and netwhy is asked."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.lab import session
from tests.lab.entries import Entry, load
from tests.lab.worlds import ADDRESSES, World

ENTRIES = load(ADDRESSES)

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("entry", [pytest.param(e, id=f"{e.layer}-{e.id}") for e in ENTRIES])
def test_entry(entry: Entry, world: World, record_property: Callable[[str, object], None]) -> None:
    if entry.needs_root and os.geteuid() != 0:
        pytest.skip("only root can start a service as another user")
    if entry.relayed and not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("a bad line needs /dev/net/tun")
    try:
        session.inject(world, entry)
        session.prove(world, entry)
        answer = session.ask(world, entry)
    finally:
        world.reset(entry.touched)
    record_property(
        "lab",
        {
            "layer": entry.layer,
            "right": answer.cause_right,
            "verdict_right": answer.verdict_right,
            "false_alarm": answer.false_alarm,
            "wall_ms": answer.wall_ms,
        },
    )
    if answer.wrong:
        pytest.fail("\n".join([entry.story, *answer.wrong]), pytrace=False)
