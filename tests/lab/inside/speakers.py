"""Services that speak, for the layers above the port: `speakers.py FOLDER tls:expired:443`.

FOLDER holds the certificates of `tests/net/authority.py`.  Prints "ready" once everything listens
(on both families), then serves until it is ended.

    tls:CERTIFICATE:PORT         HTTPS with that certificate: every page is there
    tls12:, tls11:               the same with this version of TLS at most
    old-ciphers:, odd-cipher:    the same with ciphers that strict clients, or all, refuse
    mutual:, mutual12:           the same, and a client certificate is wanted
    sni:CERTIFICATE:PORT         serves www.example.com only, and refuses other names
    alert:NUMBER:PORT            answers a TLS hello with this alert
    half-hello:0:PORT            begins its answer to a TLS hello and stops
    http:STATUS:PORT             plain HTTP; every page has this status
    moved:0:PORT, loop:0:PORT    plain HTTP that sends on to a page, or round in a circle
    garbage:0:PORT, cut:0:PORT   HTTP that is none, or ends early
    wants-tls:0:PORT             answers plain HTTP with the page of nginx on a TLS port
    ssh:0:PORT, smtp:0:PORT      greets as these do
    pong:0:PORT, pieces:0:PORT   answers PING with PONG, at once or byte by byte
    mute:0:PORT                  accepts and says nothing
    closes:0:PORT, resets:0:PORT reads something, then ends the connection
"""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from tests.net import talkers

V12, V11 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_1
PAGE = talkers.answers(talkers.http("200 OK"))
NGINX = talkers.http("400 Bad Request", b"The plain HTTP request was sent to HTTPS port")
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello"
SSH = b"SSH-2.0-OpenSSH_9.2p1\r\n"


def _context(folder: Path, certificate: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{certificate}.pem")
    return context


def _secured(kind: str, folder: Path, certificate: str) -> talkers.Behaviour:
    context = _context(folder, certificate)
    if kind == "tls11":
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("ALL:@SECLEVEL=0")
    if kind in ("tls12", "mutual12", "old-ciphers", "odd-cipher"):
        context.maximum_version = V12
    if kind == "tls11":
        context.maximum_version = V11
    if kind == "old-ciphers":
        context.set_ciphers("AES128-SHA")
    if kind == "odd-cipher":
        context.set_ciphers("NULL-SHA256:@SECLEVEL=0")
    if kind.startswith("mutual"):
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "self-signed.pem")
    if kind == "sni":
        context.sni_callback = _only_www
    return talkers.over_tls(context, PAGE)


def _only_www(_tls: object, name: str | None, _context: object) -> int | None:
    return None if name in (None, "www.example.com") else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


PLAIN: dict[str, Callable[[str], talkers.Behaviour]] = {
    "alert": lambda number: talkers.alert(int(number)),
    "half-hello": lambda _: talkers.after_hello(talkers.says(b"\x16\x03\x03\x00\x7a\x02\x00")),
    "http": lambda status: talkers.answers(talkers.http(f"{status} So", b"", "Server: nginx")),
    "moved": lambda _: talkers.redirects(("/", "/page")),
    "loop": lambda _: talkers.redirects(("/", "/a"), ("/a", "/b"), ("/b", "/a")),
    "garbage": lambda _: talkers.answers(b"hello there\r\n"),
    "cut": lambda _: talkers.answers(CUT),
    "wants-tls": lambda _: talkers.answers(NGINX),
    "ssh": lambda _: talkers.says(SSH),
    "smtp": lambda _: talkers.says(b"220 mail.example.com ESMTP\r\n"),
    "pong": lambda _: talkers.pong,
    "pieces": lambda _: talkers.in_pieces,
    "mute": lambda _: talkers.silent,
    "closes": lambda _: talkers.after_hello(talkers.close),
    "resets": lambda _: talkers.after_hello(talkers.reset),
}
SECURED = ("tls", "tls12", "tls11", "old-ciphers", "odd-cipher", "mutual", "mutual12", "sni")
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
