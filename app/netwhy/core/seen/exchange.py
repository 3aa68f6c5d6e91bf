"""After the connection: the TLS handshake, HTTP, and what was said and answered.

`phase` is where it ended: connect, handshake, request, answer, send or receive; "done" when all
went well.  `error` is TIMEOUT, CLOSED (the peer ended the connection, RFC 9293), an errno name, the
name of a TLS alert (`handshake_failure`, RFC 8446 §6), CERTIFICATE_VERIFY_FAILED, or MALFORMED.
Bytes and texts of the peer are kept as they came; whoever shows them makes them inert.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from netwhy.core.model import IPAddress, Outcome, ProbeRow
from netwhy.core.protocols import readable, spoken
from netwhy.core.seen.flow import NOTHING_MOVED, Flow
from netwhy.core.seen.observation import TIMEOUT, Observation, endpoint

CLOSED = "CLOSED"
UNTRUSTED = "CERTIFICATE_VERIFY_FAILED"
MALFORMED = "MALFORMED"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate as it was sent.  Times are ISO 8601 in UTC; `names` are its DNS names and
    addresses (RFC 6125); `issuer_url` is where its issuer's certificate can be had (RFC 5280
    §4.2.2.1).  `unreadable` says why nothing else is known."""

    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    not_before: str = ""
    not_after: str = ""
    self_signed: bool = False
    issuer_url: str | None = None
    unreadable: str | None = None

    def detail(self) -> dict[str, Any]:
        """What a probe row shows of it."""
        if self.unreadable is not None:
            return {"unreadable": self.unreadable}
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "names": list(self.names),
            "not_before": self.not_before,
            "not_after": self.not_after,
            "self_signed": self.self_signed,
            "issuer_url": self.issuer_url,
        }


@dataclass(frozen=True, slots=True)
class TlsHandshake(Observation):
    """One try of a TLS handshake.

    `offer` is what this side offered (see `TlsAsk`), `name` the name it asked for (SNI), None for
    none.  `verify` is OpenSSL's name of why the certificate is not trusted.  `chain` is the chain
    as sent, the server's own certificate first, also where it is not trusted.  `head` are the first
    bytes that came.  `asked_certificate`: the server asked for a client certificate (True is seen;
    with TLS 1.3 it cannot be seen).  `clock` is this machine's time then.  `no_trust`: this machine
    has no certificate authority to trust.  `pending` marks the early word of one still silent.
    """

    probe: ClassVar[str] = "tls"
    address: IPAddress
    port: int
    name: str | None = None
    offer: str = "common"
    verified: bool = False  # trust was tested, and holds
    error: str | None = None
    phase: str = "done"
    verify: str | None = None
    version: str | None = None
    cipher: str | None = None
    chain: tuple[Certificate, ...] = ()
    head: bytes = b""
    received: int = 0
    alert_sent: bool = False  # the error is this side's own verdict, not the server's
    asked_certificate: bool = False
    clock: str = ""
    no_trust: bool = False
    connect_ms: float | None = None
    ms: float | None = None
    pending: bool = False
    flow: Flow = NOTHING_MOVED

    @property
    def ok(self) -> bool:
        return self.error is None and not self.pending

    @property
    def leaf(self) -> Certificate | None:
        """The server's own certificate; None when none was sent or it cannot be read."""
        first = self.chain[0] if self.chain else None
        return first if first is not None and first.unreadable is None else None

    @property
    def not_tls(self) -> bool:
        """Did the peer answer with something that cannot become a TLS record (RFC 8446 §5.1)?"""
        begins = self.head[:1] in (b"\x14", b"\x15", b"\x16", b"\x17")
        may_be = begins and self.head[1:2] in (b"", b"\x03")
        return bool(self.head) and not may_be

    def row(self) -> ProbeRow:
        detail: dict[str, Any] = {
            "phase": self.phase,
            "offer": self.offer,
            "server_name": self.name,
            "version": self.version,
            "cipher": self.cipher,
            "connect_ms": self.connect_ms,
            "tls_ms": self.ms if self.connect_ms is not None else None,
            **self.flow.detail(),
        }
        if self.verify is not None:
            detail["verify"] = self.verify
        if self.asked_certificate:
            detail["asked_for_client_certificate"] = True
        if self.chain:
            detail["chain"] = [certificate.detail() for certificate in self.chain]
        if self.head and self.error is not None and self.not_tls:
            detail["first_bytes"] = readable(self.head)
        subject = endpoint(self.address, self.port)
        outcome = Outcome.OK if self.ok else Outcome.FAILED
        error = TIMEOUT if self.pending else self.error
        return ProbeRow("tls", subject, outcome, self.ms, error, detail)


@dataclass(frozen=True, slots=True)
class Sniff(Observation):
    """What a peer says by itself, or else to a short HTTP request, over plain TCP.

    `unasked`: it spoke first.
    """

    probe: ClassVar[str] = "tcp"
    address: IPAddress
    port: int
    head: bytes = b""
    unasked: bool = True
    error: str | None = None
    ms: float | None = None

    @property
    def protocol(self) -> str | None:
        return spoken(self.head)

    def row(self) -> ProbeRow:
        detail: dict[str, Any] = {"first_bytes": readable(self.head), "spoke_first": self.unasked}
        if self.protocol:
            detail["protocol"] = self.protocol
        if not self.head:
            detail = {"reason": "the peer says nothing over plain TCP"}
        subject = f"first words of {endpoint(self.address, self.port)}"
        outcome = Outcome.OK if self.head else Outcome.SKIPPED
        return ProbeRow("tcp", subject, outcome, self.ms, self.error, detail)


@dataclass(frozen=True, slots=True)
class Url:
    """Where an HTTP request goes.  `host` has no brackets."""

    scheme: str
    host: str
    port: int
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}.get(self.scheme)
        port = "" if self.port == usual else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


@dataclass(frozen=True, slots=True)
class HttpExchange(Observation):
    """One GET and its answer.

    `next` is where the answer sends on to (None: nowhere, or nowhere that can be followed).
    `untrusted` is why the certificate was not trusted where the exchange went on without.
    `says` is the beginning of the body as text.  `request_ms` is the time to hand the request over,
    `first_byte_ms` from then to the first byte, `body_ms` from there to the end.
    """

    probe: ClassVar[str] = "http"
    address: IPAddress
    url: Url
    status: int | None = None
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()  # Server, Via, Location, Date, Retry-After…
    next: Url | None = None
    error: str | None = None
    phase: str = "done"
    head: bytes = b""
    rule: str = ""  # of HTTP that the answer broke
    says: str = ""
    body: int = 0
    whole: bool = True  # the body ended where it should
    promised: int | None = None  # Content-Length
    ended: bool = True  # False: the time was up before the end of the body, or enough of it
    untrusted: str | None = None
    clock: str = ""
    date: str = ""  # the server's clock, as `clock`
    connect_ms: float | None = None
    tls_ms: float | None = None
    request_ms: float | None = None
    first_byte_ms: float | None = None
    body_ms: float | None = None
    ms: float | None = None
    pending: bool = False
    flow: Flow = NOTHING_MOVED

    @property
    def silent(self) -> bool:
        """Did it stand still before the answer was whole?  A stream has no end to wait for."""
        if self.pending or self.error == TIMEOUT:
            return self.status is None or self.flow.lossy or self.cut_short
        return self.error is None and not self.ended and (self.flow.lossy or self.cut_short)

    @property
    def cut_short(self) -> bool:
        """Was more of the body promised than came in time?"""
        return not self.ended and self.promised is not None and self.body < self.promised

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def row(self) -> ProbeRow:
        detail: dict[str, Any] = {
            "address": str(self.address),
            "phase": self.phase,
            "status": self.status,
            "reason": self.reason,
            "connect_ms": self.connect_ms,
            "tls_ms": self.tls_ms,
            "request_ms": self.request_ms,
            "first_byte_ms": self.first_byte_ms,
            "body_ms": self.body_ms,
            "body_bytes": self.body,
            **self.flow.detail(),
            **{name.replace("-", "_"): value for name, value in self.headers},
        }
        if self.next is not None:
            detail["redirect"] = str(self.next)
        if self.untrusted is not None:
            detail["untrusted"] = self.untrusted
        if self.error is not None and self.head:
            detail["first_bytes"] = readable(self.head)
        if self.rule:
            detail["broken_rule"] = self.rule
        outcome = Outcome.OK
        if self.error is not None or self.pending or (self.status or 0) >= 500:
            outcome = Outcome.FAILED
        elif (self.status or 0) >= 400:
            outcome = Outcome.DEGRADED
        error = TIMEOUT if self.pending else self.error
        return ProbeRow("http", str(self.url), outcome, self.ms, error, detail)


@dataclass(frozen=True, slots=True)
class Exchange(Observation):
    """What was sent, and what came back.  `matched`: it contains what was expected.

    `send_ms` is the time until the system had taken all, `first_byte_ms` from then to the first
    byte of an answer.  `pending` marks the early word of one that stands still.
    """

    probe: ClassVar[str] = "exchange"
    address: IPAddress
    port: int
    transport: str = "tcp"  # tcp, tls or udp
    matched: bool = False
    error: str | None = None
    phase: str = "done"
    sent: int = 0
    to_send: int = 0
    received: int = 0
    head: bytes = field(default=b"", repr=False)
    connect_ms: float | None = None
    tls_ms: float | None = None
    send_ms: float | None = None
    first_byte_ms: float | None = None
    ms: float | None = None
    pending: bool = False
    flow: Flow = NOTHING_MOVED

    def row(self) -> ProbeRow:
        detail: dict[str, Any] = {
            "transport": self.transport,
            "phase": self.phase,
            "bytes_sent": self.sent,
            "bytes_to_send": self.to_send,
            "bytes_received": self.received,
            "connect_ms": self.connect_ms,
            "tls_ms": self.tls_ms,
            "send_ms": self.send_ms,
            "first_byte_ms": self.first_byte_ms,
            **self.flow.detail(),
        }
        if self.head:
            detail["first_bytes"] = readable(self.head)
        outcome = Outcome.OK if self.matched else Outcome.FAILED
        subject = endpoint(self.address, self.port)
        error = TIMEOUT if self.pending else self.error
        return ProbeRow("exchange", subject, outcome, self.ms, error, detail)
