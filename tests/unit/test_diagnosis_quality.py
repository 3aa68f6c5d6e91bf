"""It works, but badly: what is a warning, what is only a limit of the host, and what is silence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.facts import (
    GATEWAY,
    HERE,
    ROUTER,
    SERVER,
    SERVER6,
    SHOP,
    Row,
    attempts,
    check,
    examined,
    exchanged,
    hop_says,
    icmp,
    looks_up,
    machine,
    opens,
    ping_fails,
    ping_unavailable,
    pings,
    resets,
    series,
    shake_fails,
    shakes,
    silent,
    stray,
)

from netwhy.core import asks
from netwhy.core.model import Severity, Verdict
from netwhy.core.observations import TIMEOUT, Series

#: Losses of thirty, scattered.
SCATTERED = (1, 4, 5, 11, 17, 18, 24)
SSH = f"{SERVER}:22"
CLOSED = 61_234

OPEN = (opens(SERVER, 22), pings(SERVER))
NO_PING = (opens(SERVER, 22), ping_unavailable(SERVER), stray(SERVER))
LOSSY_PINGS = (
    series(SERVER, lost=(3, 9, 10)),
    series(SERVER, lost=SCATTERED, spread=True),
)
LOSSY_SYNS = (series(SERVER, CLOSED, lost=(0, 7)),
              series(SERVER, CLOSED, lost=SCATTERED[1:], spread=True))  # fmt: skip
RESENT = opens(SERVER, 22, resends=1, ms=1021.0, rtt_ms=20.0)


def limited(port: int | None, burst: int, per_s: float) -> tuple[Series, Series]:
    """What a limit on packets a second leaves of a quick series and of the spread one after it."""
    held, before = float(burst), 0.0
    lost: tuple[list[int], list[int]] = ([], [])
    for spread in (False, True):
        for number, shot in enumerate(series(SERVER, port, spread=spread).shots):
            held = min(burst, held + (shot.at_s - before) * per_s)
            before = shot.at_s
            if held >= 1:
                held -= 1
            else:
                lost[spread].append(number)
    return series(SERVER, port, lost=lost[0]), series(SERVER, port, lost=lost[1], spread=True)


LOSS = [
    Row("pings and SYNs get lost", SSH, (OPEN, stray(SERVER), LOSSY_PINGS, LOSSY_SYNS),
        "path.loss", Verdict.DEGRADED,
        evidence=(f"10 of 50 pings to {SERVER}", f"6 of 30 SYNs to a closed port of {SERVER}",
                  "95 % confidence", "About 20 % of")),
    Row("the first one to the closed port gets lost as well", SSH,
        (OPEN, attempts(stray(SERVER, TIMEOUT), stray(SERVER)), LOSSY_PINGS, LOSSY_SYNS),
        "path.loss", Verdict.DEGRADED),
    Row("who may not ping sees it by SYNs", SSH, (NO_PING, LOSSY_SYNS), "path.loss",
        Verdict.DEGRADED, evidence=(f"8 of 50 SYNs to a closed port of {SERVER}",),
        rivals=("tcp.filtered",), never=(asks.PortTableAsk,)),
    Row("pings get lost, and a handshake needed two SYNs", SSH,
        (RESENT, pings(SERVER), LOSSY_PINGS),
        "path.loss", Verdict.DEGRADED, evidence=("1 of 1 handshakes",),
        rivals=("tcp.backlog-full",)),
    Row("nothing but handshakes tells", SSH,
        (attempts(RESENT, opens(SERVER, 22), RESENT, opens(SERVER, 22)),
         ping_unavailable(SERVER)), "path.loss", Verdict.DEGRADED,
        evidence=("2 of 4 handshakes",), rivals=("tcp.backlog-full", "tcp.filtered")),
    Row("two of eighty: a note", SSH,
        (OPEN, stray(SERVER), series(SERVER, lost=(3,)), series(SERVER, lost=(8,), spread=True),
         series(SERVER, CLOSED, lost=(20,), spread=True)), "path.loss", Verdict.OK),
    Row("TCP alone gets lost, the handshake too", SSH, (RESENT, pings(SERVER), stray(SERVER),
        LOSSY_SYNS), "path.loss", Verdict.DEGRADED, evidence=("6 of 30 SYNs", "1 of 1 handshakes"),
        rivals=("tcp.filtered",)),
    Row("TCP alone gets lost, and the handshake did not: nobody looks for more", SSH,
        (OPEN, stray(SERVER), LOSSY_SYNS)),
    Row("one lost ping is nothing", SSH, (OPEN, stray(SERVER), series(SERVER, lost=(3,)))),
    Row("the host limits its pings", SSH,
        (OPEN, stray(SERVER), limited(None, 5, 4.9))),
    Row("pings get lost at random, and SYNs do not", SSH, (OPEN, stray(SERVER), LOSSY_PINGS)),
    Row("the host limits pings and connections", SSH,
        (OPEN, stray(SERVER), limited(None, 5, 4.9), limited(CLOSED, 3, 4.0)[1])),
    Row("the host limits connections, and nobody may ping", SSH,
        (NO_PING, limited(CLOSED, 8, 6.0))),
    Row("a limit on logins: not hammered", SSH,
        (attempts(RESENT, silent(SERVER, 22), opens(SERVER, 22), opens(SERVER, 22)),
         ping_unavailable(SERVER))),
    Row("a handshake needed two SYNs, pings are fine", SSH, (RESENT, pings(SERVER))),
    Row("pings get lost and nothing else can be tried", SSH, (OPEN, LOSSY_PINGS)),
    Row("a host alone", SERVER, (pings(SERVER), stray(SERVER), LOSSY_PINGS, LOSSY_SYNS),
        "path.loss", Verdict.DEGRADED),
]  # fmt: skip

SILENT = [
    Row("silent once, open the second time", SSH,
        (attempts(silent(SERVER, 22), opens(SERVER, 22)), pings(SERVER), stray(SERVER),
         LOSSY_PINGS, LOSSY_SYNS), "path.loss", Verdict.DEGRADED),
    Row("half of all gets lost, and the port stays silent", SSH,
        (silent(SERVER, 22), pings(SERVER), resets(SERVER, 443),
         series(SERVER, lost=range(0, 20, 2)),
         series(SERVER, lost=(0, 1, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 20, 22, 25, 27, 28, 29),
                spread=True),
         series(SERVER, 443, lost=(1, 2, 3, 5, 8, 9, 10, 13, 14, 15, 18, 19, 22, 23, 25, 26, 29),
                spread=True)),
        "path.loss", evidence=("besides: ",), rivals=("tcp.filtered",)),
    Row("a little gets lost, and the port is filtered all the same", SSH,
        (silent(SERVER, 22, resends=3), pings(SERVER), resets(SERVER, 443), LOSSY_PINGS,
         series(SERVER, 443, lost=(4, 11), spread=True)), "tcp.filtered"),
    Row("the handshake above is one of the losses", f"tls://{SHOP}",
        (looks_up(SHOP, SERVER), opens(SERVER, 443), pings(SERVER), stray(SERVER), LOSSY_PINGS,
         LOSSY_SYNS, shake_fails(SERVER, TIMEOUT, head=b"", received=0)),
        "path.loss", rivals=("tls.handshake-silent",)),
    Row("what answers wrongly is no loss", f"tcp://{SSH}?send=PING&expect=PONG",
        (OPEN, stray(SERVER), LOSSY_PINGS, LOSSY_SYNS,
         exchanged(SERVER, 22, "UNEXPECTED", head=b"NO", received=2)), "exchange.unexpected"),
]  # fmt: skip

LONG = [
    Row("a satellite", SSH, (opens(SERVER, 22, rtt_ms=610.0), pings(SERVER),
                             series(SERVER, rtts_ms=(605.0, 611.0))),
        "path.slow", Verdict.DEGRADED, evidence=("20 round trips", "605.0 ms", "610.0 ms")),
    Row("far, and fine: a note", SSH, (opens(SERVER, 22, rtt_ms=280.0), pings(SERVER),
                                       series(SERVER, rtts_ms=(280.0,))),
        "path.slow", Verdict.OK),
    Row("one handshake alone is a note", SSH,
        (opens(SERVER, 22, rtt_ms=700.0), ping_unavailable(SERVER)), "path.slow", Verdict.OK),
    Row("slow pings, a quick handshake: the host takes its time with pings", SSH,
        (OPEN, series(SERVER, rtts_ms=(700.0,)))),
    Row("200 ms are no news", SSH, (opens(SERVER, 22, rtt_ms=200.0), pings(SERVER),
                                    series(SERVER, rtts_ms=(200.0, 204.0)))),
    Row("it varies", SSH,
        (opens(SERVER, 22), pings(SERVER), stray(SERVER),
         series(SERVER, rtts_ms=(40.0, 120.0, 60.0, 150.0)),
         series(SERVER, rtts_ms=(40.0, 120.0, 60.0, 150.0), spread=True),
         series(SERVER, CLOSED, rtts_ms=(50.0, 140.0, 80.0), spread=True)),
        "path.jitter", Verdict.DEGRADED, evidence=("30 round trips", "on average")),
    Row("pings vary, SYNs do not", SSH,
        (opens(SERVER, 22), pings(SERVER), stray(SERVER),
         series(SERVER, rtts_ms=(40.0, 120.0, 60.0, 150.0)),
         series(SERVER, rtts_ms=(40.0, 120.0, 60.0, 150.0), spread=True),
         series(SERVER, CLOSED, rtts_ms=(40.0,), spread=True))),
    Row("pings vary, nothing else can be tried, and the handshake took as long as they", SSH,
        (opens(SERVER, 22, rtt_ms=110.0), pings(SERVER),
         series(SERVER, rtts_ms=(40.0, 120.0, 60.0, 150.0)),
         series(SERVER, rtts_ms=(40.0, 120.0, 60.0, 150.0), spread=True)),
        "path.jitter", Verdict.DEGRADED),
    Row("pings vary, nothing else can be tried, and the handshake was as quick as the best", SSH,
        (opens(SERVER, 22, rtt_ms=40.0), pings(SERVER),
         series(SERVER, rtts_ms=(40.0, 120.0, 60.0, 150.0)),
         series(SERVER, rtts_ms=(40.0, 120.0, 60.0, 150.0), spread=True))),
    Row("two late ones of thirty", SSH,
        (opens(SERVER, 22), pings(SERVER), stray(SERVER),
         series(SERVER, rtts_ms=(1.0, 1.0, 400.0, 1.0, 1.0, 1.0, 400.0)),
         series(SERVER, rtts_ms=(*[1.0] * 9, 900.0), spread=True),
         series(SERVER, CLOSED, rtts_ms=(1.0,), spread=True))),
]  # fmt: skip

PROXY = (stray(SERVER, None), attempts(stray(SERVER, None), stray(SERVER, None, port=233)))
HOP = (stray(SERVER, None, ttl=1), hop_says(SERVER, 1, GATEWAY))
ACCEPTED = [
    Row("every port is open", SSH, (OPEN, PROXY), "tcp.intercepted", Verdict.DEGRADED,
        evidence=("61234, 233",)),
    Row("every port is open within the first hop", SSH, (OPEN, PROXY, HOP), "tcp.intercepted",
        Verdict.DEGRADED, evidence=(GATEWAY, "whatever the port")),
    Row("a router on the way says that the SYN ended", SSH,
        (OPEN, PROXY, stray(SERVER, "EHOSTUNREACH", icmp=icmp("11/0", ROUTER), ttl=1)),
        "tcp.intercepted", Verdict.DEGRADED),
    Row("the handshake is too quick for the way", SSH,
        (opens(SERVER, 22, rtt_ms=0.4), replace(pings(SERVER), rtt_ms=40.5),
         series(SERVER, rtts_ms=(40.0,)), PROXY),
        "tcp.intercepted", Verdict.DEGRADED, evidence=("40.0 ms away by ping",)),
    Row("the service proves itself behind it", f"tls://{SHOP}",
        (looks_up(SHOP, SERVER), opens(SERVER, 443), PROXY, shakes(SERVER)),
        "tcp.intercepted", Verdict.OK, evidence=("certificate that is trusted",)),
    Row("the others are ended at once, and this one is kept: something accepts, and then asks", SSH,
        (OPEN, attempts(stray(SERVER, None, ended="ECONNRESET"),
                        stray(SERVER, None, port=233, ended="CLOSED"))),
        "tcp.intercepted", Verdict.OK, evidence=("22 is really served",)),
    Row("this one is ended at once as well", SSH,
        (replace(opens(SERVER, 22), ended="ECONNRESET"), pings(SERVER),
         attempts(stray(SERVER, None, ended="ECONNRESET"),
                  stray(SERVER, None, port=233, ended="ECONNRESET"))),
        "tcp.intercepted", Verdict.DEGRADED, also=("exchange.reset",)),
    Row("a range of high ports is served", SSH,
        (OPEN, attempts(stray(SERVER, None), stray(SERVER, port=233)))),
    Row("one random port is open by chance", SSH,
        (OPEN, attempts(stray(SERVER, None), stray(SERVER, port=233)))),
    Row("the second keeps silent", SSH,
        (OPEN, attempts(stray(SERVER, None), stray(SERVER, TIMEOUT, port=233)))),
]  # fmt: skip

NOBODY_SAMPLES = [
    Row("this machine", f"{HERE}:22", (opens(HERE, 22),), never=(asks.SeriesAsk, asks.StrayAsk)),
    Row("loopback", "127.0.0.1:22", (opens("127.0.0.1", 22),),
        never=(asks.SeriesAsk, asks.StrayAsk)),
    Row("hardly a file left", SSH, (OPEN, machine(files_limit=64, files_open=50)),
        never=(asks.SeriesAsk, asks.StrayAsk)),
    Row("a closed port", SSH, (resets(SERVER, 22),), "tcp.refused",
        never=(asks.SeriesAsk, asks.StrayAsk)),
    Row("nobody may ping, and all else is dropped", f"[{SERVER6}]:22",
        (opens(SERVER6, 22), ping_unavailable(SERVER6)), never=(asks.SeriesAsk,)),
    Row("pings are rejected", SSH, (opens(SERVER, 22), ping_fails(SERVER, "EHOSTUNREACH",
                                                                  icmp("3/13", ROUTER))),
        never=(asks.SeriesAsk,)),
]  # fmt: skip

ROWS = [*LOSS, *SILENT, *LONG, *ACCEPTED, *NOBODY_SAMPLES]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_works_badly_is_told_and_what_is_in_order_is_not(row: Row) -> None:
    check(row)


def test_the_targets_port_is_not_hammered() -> None:
    """However bad it looks, a port gets four connects at most, and one where others can tell."""
    for row in ROWS:
        found = examined(row.target, row.world)
        mine = [a for a in found.asked if isinstance(a, asks.ConnectAsk) and a.port == 22]
        known = any(a for a in found.asked if isinstance(a, asks.SeriesAsk))
        assert len(mine) <= (2 if known else 4), row.story


def test_loss_is_looked_for_on_the_own_link_first() -> None:
    found = examined(LOSS[0].target, LOSS[0].world).report.findings[0]
    assert found.fixes[0].command == f"ping -c 50 -i 0.2 {GATEWAY}"


def test_a_note_for_little_and_a_warning_for_much() -> None:
    severities = [
        f.severity for row in LOSS[:6] for f in examined(row.target, row.world).report.findings
    ]
    assert severities == [Severity.WARNING] * 5 + [Severity.NOTE]
