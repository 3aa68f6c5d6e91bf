"""A trace: what counts as a circle, and how far away the sender of an ICMP error is."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.model import IPAddress, Outcome
from netwhy.core.observations import Hop, Icmp, Trace
from netwhy.core.seen.trace import circle

ROUTERS = [ip_address(f"203.0.113.{n}") for n in range(1, 9)]


def way(text: str) -> list[IPAddress | None]:
    """`a` is the first router, `.` a silence."""
    return [None if letter == "." else ROUTERS["abcdefgh".index(letter)] for letter in text]


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ("ababab", "ab"),
        ("cababab", "ab"),
        ("c.ababab", "ab"),
        ("cdabcabcabc", "abc"),
        ("eabcdabcdabcd", "abcd"),
        ("gabcdeabcdeabcde", "abcde"),
        ("a.a.a", "a."),
        ("ca.b.a.b.a.b", "a.b."),
        ("cabab.bab", "ab"),  # one answer is missing
        ("cab", ""),
        ("caba", ""),
        ("cabab", ""),  # two ways of different length could look like this
        ("aaaaaa", ""),  # one machine that answers for every distance
        ("abababc", ""),  # it went on
        ("abcdefgh", ""),
        ("......", ""),
        ("", ""),
        ("a....a", ""),
        ("aabbaabbaabb", ""),  # each packet took one of two ways
    ],
)
def test_a_circle_is_a_way_that_repeats_itself(seen: str, found: str) -> None:
    assert list(circle(way(seen))) == way(found)


@given(st.permutations("abcdefgh"), st.integers(2, 5), st.integers(0, 3), st.integers(3, 6))
def test_every_circle_is_found_behind_any_way_in(
    names: list[str], length: int, before: int, rounds: int
) -> None:
    name = "".join(names)
    seen = name[:before] + name[before : before + length] * rounds
    assert list(circle(way(seen))) == way(name[before : before + length])


@given(st.lists(st.sampled_from("abcdefgh."), max_size=30))
def test_what_is_called_a_circle_was_met_three_times(letters: list[str]) -> None:
    seen = way("".join(letters))
    for router in circle(seen):
        assert router is None or seen.count(router) >= 3


@given(st.permutations("abcdefgh"), st.sets(st.integers(0, 7)))
def test_a_way_that_meets_nobody_twice_is_no_circle(names: list[str], hidden: set[int]) -> None:
    seen = "".join("." if n in hidden else name for n, name in enumerate(names))
    assert circle(way(seen)) == ()


@pytest.mark.parametrize(
    ("hop_limit", "away"),
    [(64, 1), (63, 2), (50, 15), (128, 1), (120, 9), (255, 1), (250, 6), (200, None), (1, None),
     (0, None), (None, None), (300, None)],
)  # fmt: skip
def test_the_distance_of_a_sender_follows_from_its_hop_limit(
    hop_limit: int | None, away: int | None
) -> None:
    assert Icmp(4, 3, 1, ROUTERS[0], False, hop_limit).distance == away
    assert Icmp(4, 3, 1, ROUTERS[0], True, hop_limit).distance is None


def test_a_row_tells_every_hop_and_the_last_router() -> None:
    expired = Icmp(4, 11, 0, ROUTERS[0])
    hops = (Hop(1, ROUTERS[0], 0.4, expired), Hop(2))
    row = Trace(ROUTERS[7], 80, "tcp", hops, error="TIMEOUT").row()
    assert (row.probe, row.outcome, row.error) == ("path", Outcome.FAILED, "TIMEOUT")
    assert row.detail["last_router"] == str(ROUTERS[0])
    assert [hop["address"] for hop in row.detail["hops"]] == [str(ROUTERS[0]), None]
    arrived = Trace(ROUTERS[7], 80, "tcp", (*hops, Hop(3, ROUTERS[7], 0.9)), reached=3).row()
    assert (arrived.outcome, arrived.error) == (Outcome.OK, None)
    waiting = Trace(ROUTERS[7], 80, pending=True).row()
    assert waiting.outcome is Outcome.SKIPPED and waiting.detail["reason"]
