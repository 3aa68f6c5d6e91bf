"""The real command against real servers: TLS, HTTP and exchanges, sound and broken."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.net.authority import AIA, Authority
from tests.net.command import netwhy
from tests.net.talkers import (
    Behaviour,
    after_hello,
    alert,
    answers,
    close,
    http,
    in_pieces,
    over_tls,
    path_of,
    pong,
    redirects,
    reset,
    says,
    silent,
    talker,
)

Make = Callable[[Authority], Behaviour]


@dataclass(frozen=True)
class Service:
    """A service, how it is asked for, and what must be said of it."""

    story: str
    target: str
    make: Make
    cause: str | None
    verdict: str = "failing"
    evidence: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.story


def signed(*, server: dict[str, Any] | None = None, **issue: Any) -> Make:
    """A TLS server with a certificate that the intermediate issued, and sends both."""

    def make(ca: Authority) -> Behaviour:
        wanted = {"by": ca.intermediate, "send": (ca.intermediate,)} | issue
        certificate = ca.issue("localhost", **wanted)
        return over_tls(certificate.server(**(server or {})), answers(http("200 OK")))

    return make


def ciphers(names: str, **settings: Any) -> Make:
    """A TLS server with an RSA key that knows only these ciphers."""

    def make(ca: Authority) -> Behaviour:
        certificate = ca.issue("localhost", by=ca.intermediate, send=(ca.intermediate,),
                               rsa_bits=2048)  # fmt: skip
        context = certificate.server(**settings)
        context.set_ciphers(names)
        return over_tls(context)

    return make


def alone(ca: Authority) -> Behaviour:
    return over_tls(ca.issue("localhost").server())


def unknown_authority(ca: Authority) -> Behaviour:
    other = ca.issue("another root", (), authority=True)
    return over_tls(ca.issue("localhost", by=other).server())


def another_root_sent(ca: Authority) -> Behaviour:
    other = ca.issue("another root", (), authority=True)
    return over_tls(ca.issue("localhost", by=other, send=(other,)).server())


def mutual(**settings: Any) -> Make:
    def make(ca: Authority) -> Behaviour:
        certificate = ca.issue("localhost", by=ca.intermediate, send=(ca.intermediate,))
        context = certificate.server(**settings)
        context.load_verify_locations(ca.root_file)
        context.verify_mode = ssl.CERT_REQUIRED
        return over_tls(context)

    return make


def plain(behave: Behaviour) -> Make:
    return lambda _ca: behave


TLS = "tls://127.0.0.1:{port}"
V12 = ssl.TLSVersion.TLSv1_2
V1 = ssl.TLSVersion.MINIMUM_SUPPORTED
WEAK = "ALL:@SECLEVEL=0"

HANDSHAKES = [
    Service("trusted", TLS, signed(), None, "ok"),
    Service("trusted, TLS 1.2", TLS, signed(server={"maximum_version": V12}), None, "ok"),
    Service("expired", TLS, signed(days=(-30, -1)), "tls.expired",
            evidence=("clock says", "ended on")),
    Service("not yet valid", TLS, signed(days=(2, 30)), "tls.not-yet-valid",
            evidence=("clock says", "begins on")),
    Service("another address", TLS, signed(names=("www.example.com", "192.0.2.1")),
            "tls.name-mismatch", evidence=("www.example.com, 192.0.2.1",)),
    Service("self-signed", TLS, alone, "tls.self-signed"),
    Service("an authority nobody knows", TLS, unknown_authority, "tls.untrusted-issuer",
            evidence=("another root",)),
    Service("an authority nobody knows, with its root", TLS, another_root_sent,
            "tls.untrusted-issuer", evidence=("leads to another root",)),
    Service("the intermediate is missing", TLS, signed(send=(), issuer_url=AIA),
            "tls.incomplete-chain", evidence=(AIA, "netwhy test intermediate")),
    Service("not for servers", TLS, signed(purpose=ExtendedKeyUsageOID.CLIENT_AUTH), "tls.alert",
            evidence=("INVALID_PURPOSE",)),
    Service("a key of 1024 bits", TLS, signed(rsa_bits=1024), "tls.alert",
            evidence=("EE_KEY_TOO_SMALL",)),
    Service("expires soon", TLS, signed(days=(-30, 5)), "tls.expires-soon", "degraded"),
    Service("a client certificate is wanted, TLS 1.3", TLS, mutual(),
            "tls.client-certificate-required", evidence=("certificate_required",)),
    Service("a client certificate is wanted, TLS 1.2", TLS, mutual(maximum_version=V12),
            "tls.client-certificate-required", evidence=("asked for a client certificate",)),
    Service("TLS 1.1 at most", TLS,
            ciphers(WEAK, minimum_version=V1, maximum_version=ssl.TLSVersion.TLSv1_1),
            "tls.version-mismatch", evidence=("TLSv1.1",)),
    Service("a cipher that no client offers", TLS,
            ciphers("NULL-SHA256:@SECLEVEL=0", maximum_version=V12), "tls.no-common-cipher",
            evidence=("NULL-SHA256",)),
    Service("old ciphers only", TLS, ciphers("AES128-SHA", maximum_version=V12),
            "tls.no-common-cipher", "degraded", evidence=("AES128-SHA",)),
    Service("a name is wanted", TLS, plain(alert(112)), "tls.unrecognized-name"),
    Service("another alert", TLS, plain(alert(50)), "tls.alert", evidence=("decode_error",)),
    Service("plain HTTP", TLS, plain(answers(http("200 OK"))), "tls.not-tls",
            evidence=("speaks HTTP",)),
    Service("SSH", TLS, plain(says(b"SSH-2.0-OpenSSH_9.2p1\r\n")), "tls.not-tls",
            evidence=("speaks SSH",)),
    Service("SMTP", TLS, plain(says(b"220 mail.example.com ESMTP\r\n")), "tls.not-tls",
            evidence=("speaks SMTP",)),
    Service("MySQL", TLS, plain(says(b"I\0\0\0\x0a8.0.36\0" + bytes(60))), "tls.not-tls",
            evidence=("speaks MySQL",)),
    Service("terminal escapes", TLS, plain(says(b"\x1b[2J\x1b]0;x\x07\r\n")), "tls.not-tls",
            evidence=("\\x1b[2J",)),
    Service("silent", TLS + "?timeout=1", plain(silent), "tls.handshake-silent"),
    Service("reset", TLS, plain(after_hello(reset)), "tls.handshake-reset"),
    Service("closed", TLS, plain(after_hello(close)), "tls.handshake-reset"),
    Service("the first half of a hello", TLS + "?timeout=1",
            plain(after_hello(lambda c: (c.sendall(b"\x16\x03\x03\x00\x7a\x02\x00"), silent(c)))),
            "tls.handshake-silent", evidence=("7 bytes",)),
    Service("SOCKS", TLS, plain(after_hello(says(b"\x05\xff"))), "tls.not-tls",
            evidence=("\\x05",)),
    Service("Redis", TLS, plain(after_hello(says(b"-ERR unknown command\r\n"))), "tls.not-tls",
            evidence=("speaks Redis",)),
]  # fmt: skip

URL = "http://127.0.0.1:{port}/"
SECURE = "https://127.0.0.1:{port}/"


def on_and_on(connection: socket.socket) -> None:
    number = int(path_of(connection).strip("/") or 0) + 1
    connection.sendall(http("302 Found", b"", f"Location: /{number}"))


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

PAGES = [
    Service("a page", URL, plain(answers(http("200 OK"))), None, "ok"),
    Service("a page over TLS", SECURE, signed(), None, "ok"),
    Service("a page in chunks", URL, plain(answers(CHUNKED)), None, "ok"),
    Service("a page without a length", URL, plain(answers(b"HTTP/1.0 200 OK\r\n\r\nhello")), None,
            "ok"),
    Service("no content", URL, plain(answers(b"HTTP/1.1 204 No Content\r\n\r\n")), None, "ok"),
    Service("a redirect to a page", URL, plain(redirects(("/", "page"))), None, "ok"),
    Service("500", URL, plain(answers(http("500 Internal Server Error"))), "http.server-error",
            evidence=("500 Internal Server Error",)),
    Service("502 over TLS", SECURE,
            lambda ca: over_tls(ca.issue("x", by=ca.root).server(),
                                answers(http("502 Bad Gateway", b"", "Server: nginx"))),
            "http.gateway-error", evidence=("nginx",)),
    Service("404", URL, plain(answers(http("404 Not Found"))), "http.client-error", "degraded"),
    Service("a loop", URL, plain(redirects(("/", "/a"), ("/a", "/b"), ("/b", "/a"))),
            "http.redirect-loop", evidence=("/a", "/b")),
    Service("on and on", URL, plain(on_and_on), "http.redirect-loop", "degraded"),
    Service("no HTTP", URL, plain(answers(b"hello there\r\n")), "http.malformed",
            evidence=("hello there",)),
    Service("SSH", URL, plain(says(b"SSH-2.0-OpenSSH_9.2p1\r\n")), "http.malformed",
            evidence=("speaks SSH",)),
    Service("a body that is cut", URL,
            plain(answers(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello")),
            "http.malformed", evidence=("after 5 bytes",)),
    Service("a header that stops", URL, plain(after_hello(says(b"HTTP/1.1 20"))),
            "http.silent", evidence=("begins and then stops",)),
    Service("a body that stops", URL,
            plain(after_hello(says(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhello"))),
            "http.silent", evidence=("5 of 99 bytes",)),
    Service("a stream without an end", URL,
            plain(after_hello(says(b"HTTP/1.1 200 OK\r\n\r\ndata: x\n\n"))), None, "ok"),
    Service("a header that is none", URL,
            plain(answers(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")), "http.malformed",
            evidence=("illegal header line",)),
    Service("a redirect to a port that is closed", URL,
            plain(answers(http("302 Found", b"", "Location: http://127.0.0.1:1/"))),
            "tcp.refused", evidence=("sends on to",)),
    Service("closed without an answer", URL, plain(after_hello(close)), "exchange.closed"),
    Service("reset without an answer", URL, plain(after_hello(reset)), "exchange.reset"),
    Service("plain HTTP to a TLS port", URL, signed(), "http.wants-tls"),
    Service("plain HTTP to a TLS port that says so", URL,
            plain(answers(http("400 Bad Request", b"plain HTTP request was sent to HTTPS port"))),
            "http.wants-tls"),
]  # fmt: skip


CHECK = "tcp://127.0.0.1:{port}?send=PING%0d%0a&expect=PONG&timeout=1"
EXCHANGES = [
    Service("the answer", CHECK, plain(pong), None, "ok"),
    Service("the answer byte by byte", CHECK, plain(in_pieces), None, "ok"),
    Service("the answer over TLS", CHECK.replace("tcp", "tls"),
            lambda ca: over_tls(ca.issue("x", by=ca.root).server(), pong), None, "ok"),
    Service("a greeting", "tcp://127.0.0.1:{port}?expect=SSH-2.0",
            plain(says(b"SSH-2.0-OpenSSH_9.2p1\r\n")), None, "ok"),
    Service("closed", CHECK, plain(after_hello(close)), "exchange.closed"),
    Service("reset", CHECK, plain(after_hello(reset)), "exchange.reset",
            evidence=("while the answer was awaited",)),
    Service("silent", CHECK, plain(silent), "exchange.silent"),
    Service("another answer", CHECK, plain(after_hello(says(b"-NOAUTH Authentication\r\n"))),
            "exchange.unexpected", evidence=("-NOAUTH", "looks like Redis")),
    Service("TLS is wanted", CHECK, signed(), "exchange.reset",
            evidence=("wants TLS", "answers a TLS hello")),
    Service("TLS is wanted, by an alert", CHECK, plain(alert(10)), "exchange.unexpected",
            evidence=("looks like TLS", "wants TLS")),
]  # fmt: skip


@pytest.mark.parametrize("service", [*HANDSHAKES, *PAGES, *EXCHANGES], ids=str)
def test_the_service_is_told(service: Service, authority: Authority, tmp_path: Path) -> None:
    with talker(service.make(authority)) as port:
        done = netwhy(
            tmp_path,
            "check",
            "--format",
            "json",
            service.target.format(port=port),
            SSL_CERT_FILE=str(authority.root_file),
        )
    assert done.err == ""
    (target,) = json.loads(done.out)["targets"]
    findings = target["findings"]
    told = json.dumps(findings, indent=1, ensure_ascii=False)
    assert [f["cause"] for f in findings][:1] == ([service.cause] if service.cause else []), told
    assert target["verdict"] == service.verdict, told
    first = findings[0] if findings else {"title": "", "evidence": []}
    said = "\n".join([first["title"], *first["evidence"]])
    assert [part for part in service.evidence if part not in said] == [], said
    assert done.code == (1 if service.verdict == "failing" else 0)


def test_a_silent_web_server_is_told_with_its_own_patience(
    authority: Authority, tmp_path: Path
) -> None:
    """URLs take no options: the default limit of the first byte decides."""
    with talker(silent) as port:
        done = netwhy(tmp_path, "check", "--format", "json", f"http://127.0.0.1:{port}/")
    (target,) = json.loads(done.out)["targets"]
    assert target["findings"][0]["cause"] == "http.silent", target


def test_two_targets_on_one_port_share_their_connect(authority: Authority, tmp_path: Path) -> None:
    """The second target joins an answer that is there: it still asks its own questions."""
    with talker(signed()(authority)) as port:
        done = netwhy(
            tmp_path,
            *("check", "--format", "json", f"https://127.0.0.1:{port}/", f"tls://127.0.0.1:{port}"),
            SSL_CERT_FILE=str(authority.root_file),
        )
    assert [t["verdict"] for t in json.loads(done.out)["targets"]] == ["ok", "ok"]
