"""HTTP and expected answers on an open port."""

from __future__ import annotations

import pytest
from tests.unit.facts import (
    RESOLVER,
    SERVER,
    SHOP,
    Offered,
    Row,
    check,
    exchanged,
    flow,
    ip,
    look_up_fails,
    looks_up,
    opens,
    page,
    page_fails,
    resets,
    says,
    shake_fails,
    shakes,
    untrusted,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import CLOSED, MALFORMED, TIMEOUT

WEB = (looks_up(SHOP, SERVER), opens(SERVER, 80), opens(SERVER, 443))
HTTP = f"http://{SHOP}/"
HTTPS = f"https://{SHOP}/"
NO_TLS = Offered("read", shake_fails(SERVER, "WRONG_VERSION_NUMBER", 80, head=b"HTTP/1.1 400"))
PLAIN = (WEB, NO_TLS)
NGINX_400 = "<html>400 The plain HTTP request was sent to HTTPS port</html>"

WEB_ROWS = [
    Row("a page", HTTP, (WEB,), never=(asks.TlsAsk,)),
    Row("a page over TLS", HTTPS, (WEB,)),
    Row("a redirect to a page", HTTP, (WEB, page(HTTP, 301, HTTPS))),
    Row("a redirect to another name", HTTP,
        (WEB, page(HTTP, 302, "http://www.example.com/"), looks_up("www.example.com", SERVER))),
    Row("500", HTTP, (WEB, page(HTTP, 500, reason="Internal Server Error")),
        "http.server-error", evidence=("500 Internal Server Error",)),
    Row("511: a portal", HTTP, (WEB, page(HTTP, 511)), "http.server-error",
        evidence=("login",)),
    *(Row(f"{status}: the proxy lives", HTTPS,
          (WEB, page(HTTPS, status, headers=(("server", "nginx"), ("via", "1.1 edge")))),
          "http.gateway-error", evidence=(str(status), "nginx", "1.1 edge"))
      for status in (502, 503, 504, 522)),
    *(Row(f"{status}: the network is fine", HTTP, (WEB, page(HTTP, status)),
          "http.client-error", Verdict.DEGRADED, evidence=(str(status), "network is fine"))
      for status in (400, 401, 403, 404, 429)),
    Row("a redirect to a page that is missing", HTTP,
        (WEB, page(HTTP, 301, HTTPS), page(HTTPS, 404)), "http.client-error", Verdict.DEGRADED,
        evidence=(f"{HTTP} answered 301 and sends on to {HTTPS}",)),
    Row("a redirect to itself", HTTP, (WEB, page(HTTP, 302, HTTP)), "http.redirect-loop",
        evidence=(f"sends on to {HTTP}",)),
    Row("to HTTPS and back", HTTP, (WEB, page(HTTP, 301, HTTPS), page(HTTPS, 302, HTTP)),
        "http.redirect-loop", evidence=("301", "302")),
    Row("redirects without an end", HTTP,
        (WEB, *(page(f"http://{SHOP}/{n or ''}", 302, f"http://{SHOP}/{n + 1}")
                for n in range(9))), "http.redirect-loop", Verdict.DEGRADED),
    Row("a redirect to a name that is unknown", HTTP,
        (WEB, page(HTTP, 302, "http://gone.example.com/"),
         says(RESOLVER, "gone.example.com", rcode="NXDOMAIN"),
         look_up_fails("gone.example.com", "EAI_NONAME")), "dns.name-not-found",
        evidence=("sends on to http://gone.example.com/",)),
    Row("a redirect to a port that is dead", HTTP,
        (WEB, page(HTTP, 302, f"http://{SHOP}:8080/"),
         page_fails(f"http://{SHOP}:8080/", "ECONNREFUSED", phase="connect"),
         resets(SERVER, 8080)), "tcp.refused", evidence=("sends on to", f"{SERVER}:8080")),
    Row("a redirect to a port that came up meanwhile", HTTP,
        (WEB, page(HTTP, 302, f"http://{SHOP}:8080/"), opens(SERVER, 8080),
         page_fails(f"http://{SHOP}:8080/", "ECONNREFUSED", phase="connect")),
        verdict=Verdict.UNKNOWN, reason="ECONNREFUSED"),
    Row("a redirect to a handshake that fails", HTTP,
        (WEB, page(HTTP, 301, HTTPS), shake_fails(SERVER, "internal_error"),
         page_fails(HTTPS, "internal_error", phase="handshake")), "tls.alert",
        evidence=("sends on to", "internal_error")),
    Row("a redirect to a page that hangs", HTTP,
        (WEB, page(HTTP, 301, HTTPS), page_fails(HTTPS, TIMEOUT)), "http.silent",
        evidence=("sends on to", HTTPS)),
    Row("a header that stops", HTTP, (WEB, page_fails(HTTP, TIMEOUT, b"HTTP/1.1 200 OK\r\nCon")),
        "http.silent", evidence=("begins and then stops",)),
    Row("a header against the rules", HTTP,
        (WEB, page_fails(HTTP, MALFORMED, b"HTTP/1.1 200 OK\r\nx", rule="illegal header line")),
        "http.malformed", evidence=("illegal header line",), never=(asks.TlsAsk,)),
    Row("a body that stops", HTTP,
        (WEB, page(HTTP, body=5, promised=90, ended=False, flow=flow(out_of_order=0))),
        "http.silent", evidence=("5 of 90 bytes",)),
    Row("a body that comes slowly", HTTP,
        (WEB, page(HTTP, body=5, promised=90, ended=False,
                   flow=flow(out_of_order=0, silent_ms=300.0)))),
    Row("a redirect to a certificate that has expired", HTTP,
        (WEB, page(HTTP, 301, HTTPS), page(HTTPS, untrusted="CERT_HAS_EXPIRED"),
         untrusted(SERVER, "CERT_HAS_EXPIRED")), "tls.expired", Verdict.DEGRADED,
        evidence=("sends on to",)),
    Row("no HTTP", HTTP, (PLAIN, page_fails(HTTP, MALFORMED, b"hello\n")), "http.malformed",
        evidence=("hello",)),
    Row("SSH on the port", HTTP, (PLAIN, page_fails(HTTP, MALFORMED, b"SSH-2.0-x\r\n")),
        "http.malformed", evidence=("speaks SSH",)),
    Row("a body that ends early", HTTP, (WEB, page(HTTP, 200, whole=False, body=10)),
        "http.malformed", evidence=("after 10 bytes",)),
    Row("no answer", HTTP, (PLAIN, page_fails(HTTP, TIMEOUT)), "http.silent"),
    Row("no answer over TLS", HTTPS, (WEB, page_fails(HTTPS, TIMEOUT)), "http.silent"),
    Row("closed without an answer", HTTP, (PLAIN, page_fails(HTTP, CLOSED)), "exchange.closed",
        evidence=("without an answer",)),
    Row("reset without an answer", HTTPS, (WEB, page_fails(HTTPS, "ECONNRESET")),
        "exchange.reset", evidence=("ECONNRESET",)),
    Row("TLS is wanted: closed", HTTP, (WEB, page_fails(HTTP, CLOSED)), "http.wants-tls",
        evidence=("answers a TLS hello with TLS",)),
    Row("TLS is wanted: an alert", HTTP, (PLAIN, page_fails(HTTP, MALFORMED, b"\x15\x03\x01")),
        "http.wants-tls"),
    Row("TLS is wanted: a page says so", HTTP, (WEB, page(HTTP, 400, says=NGINX_400)),
        "http.wants-tls", evidence=("plain HTTP request was sent to HTTPS port",)),
    Row("a client certificate is wanted: a page says so", HTTPS,
        (WEB, page(HTTPS, 400, says="No required SSL certificate was sent")),
        "tls.client-certificate-required"),
    Row("TLS fails first", HTTPS, (WEB, shake_fails(SERVER, "internal_error"),
                                   page(HTTPS, 502)), "tls.alert", never=(asks.HttpAsk,)),
    Row("HTTP's own connection fails", HTTPS,
        (WEB, page_fails(HTTPS, "ECONNREFUSED", phase="connect")), None, Verdict.UNKNOWN,
        reason="may limit new connections"),
]  # fmt: skip

CHECK = f"tcp://{SERVER}:7?send=PING&expect=PONG"
SPEAKS_TLS = Offered("read", shakes(SERVER, 7))
OPEN = (
    opens(SERVER, 7),
    Offered("read", shake_fails(SERVER, "WRONG_VERSION_NUMBER", 7, head=b"")),
)
EXCHANGES = [
    Row("the answer comes", CHECK, (OPEN,),
        asks=(asks.ExchangeAsk(ip(SERVER), 7, "tcp", None, "PING", "PONG"),)),
    Row("the answer comes over TLS", f"tls://{SHOP}:7?send=PING&expect=PONG",
        (looks_up(SHOP, SERVER), OPEN, shakes(SERVER, 7)),
        asks=(asks.ExchangeAsk(ip(SERVER), 7, "tls", SHOP, "PING", "PONG"),)),
    Row("closed without a byte", CHECK, (OPEN, exchanged(SERVER, 7, CLOSED)), "exchange.closed",
        evidence=("4 of 4 bytes",)),
    Row("reset while sending", CHECK,
        (OPEN, exchanged(SERVER, 7, "EPIPE", phase="send", sent=2)), "exchange.reset",
        evidence=("while the request was sent", "2 of 4 bytes")),
    Row("reset while waiting", CHECK, (OPEN, exchanged(SERVER, 7, "ECONNRESET")),
        "exchange.reset", evidence=("while the answer was awaited",)),
    Row("reset after some words", CHECK,
        (OPEN, exchanged(SERVER, 7, "ECONNRESET", head=b"BUSY", received=4)), "exchange.reset",
        evidence=("BUSY",)),
    Row("reset before anything", CHECK,
        (OPEN, exchanged(SERVER, 7, "ECONNRESET", phase="connect", sent=0)), "exchange.reset"),
    Row("silence", CHECK, (OPEN, exchanged(SERVER, 7, TIMEOUT)), "exchange.silent",
        evidence=("answered nothing",)),
    Row("another answer", CHECK, (OPEN, exchanged(SERVER, 7, TIMEOUT, head=b"NO\r\n", received=4)),
        "exchange.unexpected", evidence=("NO\\r\\n", "PONG")),
    Row("another service", CHECK,
        (OPEN, exchanged(SERVER, 7, CLOSED, head=b"SSH-2.0-x\r\n", received=11)),
        "exchange.unexpected", evidence=("looks like SSH",)),
    Row("it wants TLS", CHECK,
        (OPEN, exchanged(SERVER, 7, CLOSED, head=b"\x15\x03\x03\x00", received=7)),
        "exchange.unexpected", evidence=("wants TLS",)),
    Row("it wants TLS, and closes", CHECK, (opens(SERVER, 7), SPEAKS_TLS,
        exchanged(SERVER, 7, CLOSED)), "exchange.closed", evidence=("wants TLS",)),
    Row("it wants TLS, and resets", CHECK, (opens(SERVER, 7), SPEAKS_TLS,
        exchanged(SERVER, 7, "ECONNRESET")), "exchange.reset", evidence=("wants TLS",)),
    Row("refused the second time", CHECK,
        (OPEN, exchanged(SERVER, 7, "ECONNREFUSED", phase="connect")), None, Verdict.UNKNOWN,
        reason="may limit new connections"),
]  # fmt: skip

PLAIN_PORT = f"{SERVER}:9000"
AT_ONCE = [
    Row("closed at once, nothing to say", PLAIN_PORT,
        (opens(SERVER, 9000, ended=CLOSED, ended_ms=1.0),), "exchange.closed", Verdict.OK,
        evidence=("1.00 ms after it stood",)),
    Row("reset at once, nothing to say", PLAIN_PORT,
        (opens(SERVER, 9000, ended="ECONNRESET", ended_ms=1.0),), "exchange.reset", Verdict.OK),
    Row("a greeting", PLAIN_PORT, (opens(SERVER, 9000, greeting=b"220 x\r\n"),)),
    Row("closed at once, and an answer all the same", CHECK,
        (OPEN[1:], opens(SERVER, 7, ended=CLOSED, ended_ms=1.0))),
    Row("closed at once, and TLS works", f"{SHOP}:443",
        (looks_up(SHOP, SERVER), opens(SERVER, 443, ended=CLOSED, ended_ms=1.0))),
]  # fmt: skip

ROWS = [*WEB_ROWS, *EXCHANGES, *AT_ONCE]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_what_speaks_on_the_port_is_explained(row: Row) -> None:
    check(row)
