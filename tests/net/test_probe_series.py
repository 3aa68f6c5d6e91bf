"""A series of small probes, and the port at random, in networks of our own."""

from __future__ import annotations

import asyncio
import time
from ipaddress import ip_address
from typing import Any

import pytest
from tests.net.namespaces import FAR, firewall, inside, ip, peer, sysctl
from tests.net.test_probe_errqueue import chain

from netwhy.core.asks import SeriesAsk, StrayAsk
from netwhy.core.observations import TIMEOUT, Series
from netwhy.probes.series import series
from netwhy.probes.stray import stray

CLOSED = 61_999
THIRD = "numgen inc mod 3 == 1 drop"


async def _series(ask: SeriesAsk) -> tuple[Series, list[Series]]:
    early: list[Series] = []
    seen = await series(ask, early.append)
    await asyncio.sleep(0)  # an early word comes from a thread
    return seen, early


def _shown(address: str, port: int | None, spread: bool = False) -> dict[str, Any]:
    started = time.monotonic()
    seen, early = asyncio.run(_series(SeriesAsk(ip_address(address), port, spread)))
    return {
        "counts": [seen.sent, seen.lost],
        "rtts": seen.rtts_ms,
        "error": seen.error,
        "early": [e.lost for e in early if e.pending],
        "took": time.monotonic() - started,
    }


def sampled(far: str, near: str, *which: list[Any]) -> list[dict[str, Any]]:
    """Series with the peer, under a rule there and one here."""
    sysctl("ipv4/ping_group_range", "0 0")
    with peer(chain("input", far) if far else ""):
        if near:
            firewall(chain("output", near))
        return [_shown(*each) for each in which]


@pytest.mark.parametrize("port", [None, CLOSED])
def test_a_good_way_loses_nothing_and_takes_no_time(port: int | None) -> None:
    for seen in inside(sampled, "", "", *([address, port] for address in FAR)):
        assert seen["counts"] == [20 if port is None else 15, 0] and seen["error"] is None
        assert seen["took"] < 6.0 and 0 < min(seen["rtts"]) < 20


@pytest.mark.parametrize(
    ("rule", "port", "sent"),
    [(f"icmp type echo-request {THIRD}", None, 20), (f"tcp dport {CLOSED} {THIRD}", CLOSED, 15)],
)
def test_what_is_lost_is_counted_and_told_early(rule: str, port: int | None, sent: int) -> None:
    [seen] = inside(sampled, rule, "", [FAR[0], port])
    assert seen["counts"] == [sent, pytest.approx(sent / 3, abs=1)]
    assert seen["early"] and min(seen["early"]) >= seen["counts"][1]  # what is late comes yet
    assert seen["took"] < 6.0
    assert len(seen["rtts"]) <= sent - seen["counts"][1]


def test_a_spread_series_takes_three_seconds() -> None:
    [seen] = inside(sampled, "", "", [FAR[0], None, True])
    assert seen["counts"] == [30, 0] and 2.9 < seen["took"] < 8.0


@pytest.mark.parametrize(
    ("far", "near", "port"),
    [
        ("", "icmp type echo-request drop", None),  # nothing can be sent: no loss of the way
        ("reject with icmp type admin-prohibited", "", None),
        ("reject with icmp type admin-prohibited", "", CLOSED),
    ],
)
def test_a_refusal_is_no_loss(far: str, near: str, port: int | None) -> None:
    [seen] = inside(sampled, far, near, [FAR[0], port])
    assert seen["error"] in ("EPERM", "EHOSTUNREACH") and seen["took"] < 6.0


def strays(far: str) -> list[Any]:
    with peer(chain("input", far) if far else ""):
        found = []
        for address in FAR:
            seen = asyncio.run(stray(StrayAsk(ip_address(address)), lambda _: None))
            found.append([seen.error, seen.closed, 61_000 < seen.port < 65_000, seen.resends])
        return found


def test_a_port_at_random_is_closed() -> None:
    for seen in inside(strays, ""):
        assert seen[:3] == ["ECONNREFUSED", True, True]


def test_a_rejected_port_at_random_is_not_closed_by_the_host_itself() -> None:
    [seen, _] = inside(strays, "meta l4proto tcp reject")
    assert seen[:2] == ["ECONNREFUSED", False]


def test_a_silent_port_at_random_is_tried_three_times() -> None:
    assert inside(strays, "meta l4proto tcp drop") == [[TIMEOUT, False, True, 2]] * 2


def unplugged() -> list[Any]:
    ip("link set lo up")
    gone = ip_address("198.51.100.1")
    seen = asyncio.run(stray(StrayAsk(gone), lambda _: None))
    return [seen.error, _shown(str(gone), CLOSED)["error"]]


def test_no_way_at_all_is_an_error() -> None:
    assert inside(unplugged) == ["ENETUNREACH", "ENETUNREACH"]
