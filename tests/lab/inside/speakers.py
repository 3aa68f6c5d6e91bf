"""Services that speak, for the layers above the port: `speakers.py FOLDER tls:expired:443`.

FOLDER holds the certificates of `tests/net/authority.py`.  Prints "ready" once everything listens
(on both families), then serves until it is ended.

    tls:CERTIFICATE:PORT         HTTPS with that certificate: every page is there
    tls12:, tls11:, tls10:       the same with this version of TLS at most
    old-ciphers:, odd-cipher:    the same with ciphers that strict clients, or all, refuse
    mutual:, mutual12:           the same, and a client certificate is wanted
    sni:CERTIFICATE:PORT         serves www.example.com only, and refuses other names
    sni-vague:CERTIFICATE:PORT   the same, and says no more than handshake_failure
    sni-needed:CERTIFICATE:PORT  refuses clients that send no name
    dated:CERTIFICATE@DAYS:PORT  the page over TLS; its Date header is so many days ahead
    https:STATUS:PORT            every page over TLS has this status
    https-loop:0:PORT            over TLS, sends on to the same page for ever
    tls-mute:CERTIFICATE:PORT    shakes hands and says nothing
    tls-ssh:CERTIFICATE:PORT     shakes hands and greets as SSH does
    card-wanted:CERTIFICATE:PORT the page of nginx for clients without a certificate, over TLS
    alert:NUMBER:PORT            answers a TLS hello with this alert
    half-hello:0:PORT            begins its answer to a TLS hello and stops
    http:STATUS:PORT             plain HTTP; every page has this status
    moved:0:PORT, loop:0:PORT    plain HTTP that sends on to a page, or round in a circle
    self-loop:0:PORT             plain HTTP that sends on to the page that was asked for
    wander:N:PORT                plain HTTP that sends on N times before the page comes
    behind:STATUS:PORT           plain HTTP that sends on to a page with this status
    garbage:0:PORT, cut:0:PORT   HTTP that is none, or ends early
    wants-tls:0:PORT             answers plain HTTP with the page of nginx on a TLS port
    wants-tls:go:PORT            the same in the words of a server written in Go
    ssh:0:PORT, smtp:0:PORT      greets as these do
    pong:0:PORT, pieces:0:PORT   answers PING with PONG, at once or byte by byte
    long-pong:BYTES:PORT         answers PING with so many bytes and PONG
    echo:0:PORT, sips:0:PORT     sends lines back; takes and answers them byte by byte
    page:BYTES:PORT              plain HTTP; every page is there, and has so many bytes
    late:SECONDS:PORT            plain HTTP, after so long
    tls-late:SECONDS:PORT        the page over TLS; the handshake begins after so long
    every-second:BYTES:PORT      such a page, and every second client (the first, too) gets none
    every-third:BYTES:PORT       the same with every third client
    sends-on:HOST@PORT:PORT      plain HTTP that sends on to a page elsewhere
    half-header:0:PORT           begins the header of its answer and stops
    stops:0:PORT                 sends five bytes of a body of 5000 and stops
    hangs-up:0:PORT, slams:0:PORT closes, or resets, as soon as it has accepted
    mute:0:PORT                  accepts and says nothing
    closes:0:PORT, resets:0:PORT reads something, then ends the connection
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
import warnings
from collections.abc import Callable
from email.utils import formatdate
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.net import talkers

V12, V11, V10 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1
PAGE = talkers.answers(talkers.http("200 OK"))
NGINX = talkers.http("400 Bad Request", b"The plain HTTP request was sent to HTTPS port")
GO = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
CARD = talkers.answers(talkers.http("400 Bad Request", b"No required SSL certificate was sent"))
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello"
SSH = b"SSH-2.0-OpenSSH_9.2p1\r\n"


def _context(folder: Path, certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{certificate}.pem")
    return context


def _secured(kind: str, folder: Path, certificate: str) -> talkers.Behaviour:
    if kind == "tls-late":
        late = talkers.over_tls(_context(folder, "rsa"), PAGE)
        return talkers.late(float(certificate), late)
    if kind == "https":
        return talkers.over_tls(_context(folder, "good"), _status(certificate))
    if kind == "https-loop":
        return talkers.over_tls(_context(folder, "good"), talkers.redirects(("/", "/")))
    certificate, _, days = certificate.partition("@")
    context = _context(folder, certificate)
    if kind in ("tls11", "tls10"):
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
    if kind in ("tls12", "mutual12", "old-ciphers", "odd-cipher"):
        context.maximum_version = V12
    if kind in ("tls11", "tls10"):
        context.maximum_version = V11 if kind == "tls11" else V10
    if kind == "old-ciphers":
        context.set_ciphers("AES128-SHA")
    if kind == "odd-cipher":
        context.set_ciphers("NULL-SHA256:@SECLEVEL=0")
    if kind.startswith("mutual"):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "self-signed.pem")
    if kind in NAMED:
        context.sni_callback = NAMED[kind]
    within = {"tls-mute": talkers.silent, "tls-ssh": talkers.says(SSH), "card-wanted": CARD}
    page = within.get(kind, PAGE)
    return talkers.over_tls(context, _dated(float(days)) if days else page)


def _only_www(_tls: object, name: str | None, _context: object) -> int | None:
    return None if name in (None, "www.example.com") else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def _only_www_vaguely(_tls: object, name: str | None, _context: object) -> int | None:
    return None if name in (None, "www.example.com") else ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE


def _some_name(_tls: object, name: str | None, _context: object) -> int | None:
    return None if name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


NAMED = {"sni": _only_www, "sni-vague": _only_www_vaguely, "sni-needed": _some_name}


def _dated(days: float) -> talkers.Behaviour:
    """The page of a server whose clock is so many days ahead of ours."""

    def behave(connection: socket.socket) -> None:
        date = formatdate(time.time() + days * 86400, usegmt=True)
        talkers.answers(talkers.http("200 OK", b"hello", f"Date: {date}"))(connection)

    return behave


def _status(status: str) -> talkers.Behaviour:
    headers = ["Server: nginx", *(["Retry-After: 120"] if status == "429" else [])]
    return talkers.answers(talkers.http(f"{status} So", b"", *headers))


def _wander(hops: int) -> talkers.Behaviour:
    pages = ["/", *(f"/{number}" for number in range(1, hops + 1))]
    return talkers.redirects(*pairwise(pages))


def _behind(status: str) -> talkers.Behaviour:
    def behave(connection: socket.socket) -> None:
        moved = talkers.path_of(connection) != "/page"
        there = talkers.http("302 Found", b"", "Location: /page")
        connection.sendall(there if moved else talkers.http(f"{status} So", b""))

    return behave


def _page(size: str) -> talkers.Behaviour:
    return talkers.answers(talkers.http("200 OK", b"x" * int(size)))


def _sends_on(place: str) -> talkers.Behaviour:
    there = f"Location: http://{place.replace('@', ':')}/"
    return talkers.answers(talkers.http("302 Found", b"", there))


def _stops(begins: bytes) -> talkers.Behaviour:
    return talkers.after_hello(talkers.says(begins))


PLAIN: dict[str, Callable[[str], talkers.Behaviour]] = {
    "alert": lambda number: talkers.alert(int(number)),
    "half-hello": lambda _: talkers.after_hello(talkers.says(b"\x16\x03\x03\x00\x7a\x02\x00")),
    "http": _status,
    "moved": lambda _: talkers.redirects(("/", "/page")),
    "loop": lambda _: talkers.redirects(("/", "/a"), ("/a", "/b"), ("/b", "/a")),
    "self-loop": lambda _: talkers.redirects(("/", "/")),
    "wander": lambda hops: _wander(int(hops)),
    "behind": _behind,
    "garbage": lambda _: talkers.answers(b"hello there\r\n"),
    "cut": lambda _: talkers.answers(CUT),
    "wants-tls": lambda whose: talkers.answers(GO if whose == "go" else NGINX),
    "ssh": lambda _: talkers.says(SSH),
    "smtp": lambda _: talkers.says(b"220 mail.example.com ESMTP\r\n"),
    "pong": lambda _: talkers.pong,
    "pieces": lambda _: talkers.in_pieces,
    "long-pong": lambda size: talkers.long_pong(int(size)),
    "echo": lambda _: talkers.echo,
    "sips": lambda _: talkers.sips,
    "page": lambda size: _page(size),
    "every-second": lambda size: talkers.in_turn(talkers.silent, _page(size)),
    "every-third": lambda size: talkers.in_turn(_page(size), _page(size), talkers.silent),
    "late": lambda seconds: talkers.late(float(seconds), PAGE),
    "sends-on": _sends_on,
    "half-header": lambda _: _stops(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "stops": lambda _: _stops(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhello"),
    "hangs-up": lambda _: talkers.close,
    "slams": lambda _: talkers.reset,
    "mute": lambda _: talkers.silent,
    "closes": lambda _: talkers.after_hello(talkers.close),
    "resets": lambda _: talkers.after_hello(talkers.reset),
}
SECURED = (
    "tls",
    "tls-late",
    "tls12",
    "tls11",
    "tls10",
    "old-ciphers",
    "odd-cipher",
    "mutual",
    "mutual12",
    "dated",
    "https",
    "https-loop",
    "tls-mute",
    "tls-ssh",
    "card-wanted",
    *NAMED,
)
KINDS = (*PLAIN, *SECURED)


def main(folder: Path, specs: list[str]) -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # of old TLS versions: they are meant
    for spec in specs:
        kind, what, port = spec.split(":")
        behave = PLAIN[kind](what) if kind in PLAIN else _secured(kind, folder, what)
        server = socket.create_server(
            ("", int(port)), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64
        )
        threading.Thread(target=talkers.serve, args=(server, behave), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
