"""Large packets that vanish, and what only looks like it."""

from __future__ import annotations

import pytest
from tests.unit.facts import (
    FLOWS,
    HERE,
    SERVER,
    SERVER6,
    SHOP,
    Again,
    Row,
    check,
    exchanged,
    flow,
    ip,
    looks_up,
    opens,
    page,
    page_fails,
    says_first,
    shake_fails,
    shakes,
    socket,
    table,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import TIMEOUT, Exchange

HOLE = "path.mtu-blackhole"
WEB = (looks_up(SHOP, SERVER), opens(SERVER, 80), opens(SERVER, 443), opens(SERVER, 7))
TLS, HTTP = f"tls://{SHOP}", f"http://{SHOP}/"
CHECK = f"tcp://{SERVER}:7?send=PING&expect=PONG"

#: Pieces are missing; none was seen to vanish; the hello is not heard.
HOLED, MUTE = flow(), flow(out_of_order=0)
UNHEARD = flow(sent=1700, out_of_order=0, unacked=2, resends=4)
SHORT_UNHEARD = flow(sent=400, out_of_order=0, unacked=1, resends=4)


def stalled(seen: object = HOLED, **changes: object) -> object:
    return shake_fails(SERVER, TIMEOUT, **({"head": b"", "received": 0, "flow": seen} | changes))


SMALL_SHAKES = Again(shakes(SERVER, flow=FLOWS), small=True)
SMALL_PAGE = Again(page(HTTP, flow=FLOWS), small=True)
ANSWERED = Exchange(ip(SERVER), 7, matched=True, flow=FLOWS)
SMALL_ANSWER = Again(ANSWERED, small=True)


def no_page(seen: object = HOLED) -> object:
    return page_fails(HTTP, TIMEOUT, flow=seen)


ROWS = [
    Row("the certificate does not come", TLS, (WEB, stalled(), SMALL_SHAKES), HOLE,
        evidence=(f"from {SERVER}", "a later piece", "at most 536 bytes", "stood still again")),
    Row("the early word is waited for", TLS,
        (WEB, stalled(flow(silent_ms=1000.0), pending=True), SMALL_SHAKES),
        verdict=Verdict.UNKNOWN),
    Row("the last word before the time is up", TLS,
        (WEB, stalled(flow(silent_ms=3500.0), pending=True), SMALL_SHAKES), HOLE),
    Row("the same over IPv6", f"tls://[{SERVER6}]",
        (opens(SERVER6, 443), shake_fails(SERVER6, TIMEOUT, head=b"", received=0, flow=HOLED),
         Again(shakes(SERVER6, flow=FLOWS), small=True)), HOLE, evidence=(SERVER6,)),
    Row("the hello does not arrive", TLS, (WEB, stalled(UNHEARD), SMALL_SHAKES), HOLE,
        evidence=(f"to {SERVER}", "2 packets", "never acknowledged")),
    Row("no packet was seen to vanish", TLS,
        (WEB, stalled(MUTE), SMALL_SHAKES, Again(shakes(SERVER, flow=FLOWS), True, 2)), HOLE,
        rivals=("tls.handshake-silent",)),
    Row("every second server hangs", TLS,
        (WEB, stalled(MUTE), SMALL_SHAKES, Again(stalled(MUTE), True, 2)), "tls.handshake-silent",
        evidence=("a second connection was answered",)),
    Row("every third server hangs", TLS,
        (WEB, stalled(MUTE), SMALL_SHAKES, Again(shakes(SERVER, flow=FLOWS), True, 2),
         Again(shakes(SERVER, flow=FLOWS), attempt=3)), "tls.handshake-silent"),
    Row("a large packet passes the second time", TLS,
        (WEB, stalled(), SMALL_SHAKES, Again(shakes(SERVER, flow=FLOWS), attempt=2)),
        "tls.handshake-silent"),
    Row("small packets do not help", TLS, (WEB, stalled()), "tls.handshake-silent"),
    Row("small packets vanish as well", TLS, (WEB, stalled(SHORT_UNHEARD), SMALL_SHAKES),
        "tls.handshake-silent", evidence=("never acknowledged",)),
    Row("the hung server has taken the hello", TLS, (WEB, stalled(MUTE)), "tls.handshake-silent",
        evidence=("all 517 bytes sent were acknowledged",)),
    Row("a large packet in plain words is no stall of TLS", TLS,
        (WEB, stalled(MUTE), says_first(SERVER, 443, b"SSH-2.0-x\r\n")), "tls.not-tls"),
    Row("plain words while the hello waits", TLS,
        (WEB, stalled(flow(out_of_order=0, silent_ms=2000.0), pending=True),
         says_first(SERVER, 443, b"HTTP/1.1 200 OK\r\n", unasked=False)), "tls.not-tls"),
    Row("plain words while the hello waits only a moment", TLS,
        (WEB, stalled(flow(out_of_order=0, silent_ms=1000.0), pending=True),
         says_first(SERVER, 443, b"HTTP/1.1 200 OK\r\n", unasked=False)),
        verdict=Verdict.UNKNOWN),
    Row("two bytes that no TLS begins with", TLS,
        (WEB, stalled(flow(received=2, silent_ms=1000.0), pending=True, head=b"\x05\xff",
                      received=2)), "tls.not-tls"),
    Row("the first byte of TLS, and no more", TLS,
        (WEB, stalled(flow(received=1, out_of_order=0), head=b"\x16", received=1)),
        "tls.handshake-silent"),
    Row("it works in the end", TLS,
        (WEB, shakes(SERVER, flow=flow(received=4000, silent_ms=3100.0)),
         SMALL_SHAKES, Again(stalled(), attempt=2)), HOLE, Verdict.DEGRADED,
        evidence=("then went on",)),
    Row("a slow server", TLS,
        (WEB, shakes(SERVER, flow=flow(received=4000, silent_ms=1500.0, out_of_order=0))),
        asks=(asks.TlsAsk(ip(SERVER), 443, SHOP),)),
    Row("a single stall on a lossy path", TLS,
        (WEB, shakes(SERVER, flow=flow(received=4000, silent_ms=1500.0)), SMALL_SHAKES,
         Again(shakes(SERVER, flow=FLOWS), attempt=2))),
    Row("the page does not come", HTTP, (WEB, no_page(), SMALL_PAGE), HOLE),
    Row("the page stops after its head", HTTP,
        (WEB, page(HTTP, ended=False, promised=9000, flow=HOLED), SMALL_PAGE), HOLE),
    Row("a stream without an end", HTTP, (WEB, page(HTTP, ended=False, flow=MUTE)),
        never=(asks.TlsAsk,)),
    Row("a short page cannot be about packet size", HTTP,
        (WEB, no_page(MUTE), Again(page(HTTP, flow=flow(received=200, out_of_order=0,
                                                        silent_ms=1.0)), small=True)),
        "http.silent", evidence=("was answered meanwhile",)),
    Row("a health check with a long answer", CHECK,
        (WEB, exchanged(SERVER, 7, TIMEOUT, flow=HOLED), SMALL_ANSWER), HOLE),
    Row("what is sent does not arrive, and no answer is expected", f"tcp://{SERVER}:7?send=PING",
        (WEB, Exchange(ip(SERVER), 7, matched=True, flow=UNHEARD), SMALL_ANSWER), HOLE),
    Row("a hung service", CHECK, (WEB, exchanged(SERVER, 7, TIMEOUT, flow=MUTE)),
        "exchange.silent", evidence=("they arrived there",)),
    Row("nothing is on the way to this machine itself", f"tcp://{HERE}:7?send=PING&expect=PONG",
        (opens(HERE, 7), table(7, socket(HERE, 7)), exchanged(HERE, 7, TIMEOUT, flow=HOLED),
         Again(Exchange(ip(HERE), 7, matched=True, flow=FLOWS), small=True)), "exchange.silent"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_size_is_the_cause_only_where_it_is(row: Row) -> None:
    check(row)
