"""What this machine brings to a TLS handshake, and what OpenSSL says when one fails."""

from __future__ import annotations

import os
import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

from netwhy.core.alerts import ALERTS, VERIFY_CODES
from netwhy.core.observations import CLOSED, UNTRUSTED
from netwhy.system import threads
from netwhy.system.stream import Stream

#: A changed trust store is seen after this long.
_KEPT_S = 60.0
_PREFIX = re.compile(r"(?:SSLV3_ALERT_|TLSV1_ALERT_|TLSV13_ALERT_|TLSV1_|SSLV3_)")
#: What clients accept that insist on forward secrecy (Python's own list, Modules/_ssl.c).
_STRICT = "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:DHE+AES:!aNULL:!eNULL:!aDSS:!SHA1:!AESCCM"
_LEGACY_SERVER = 0x4  # SSL_OP_LEGACY_SERVER_CONNECT (openssl/ssl.h)

_kept: dict[tuple[str, bool, bool], tuple[float, ssl.SSLContext]] = {}


async def context(offer: str, *, trust: bool, check_name: bool) -> ssl.SSLContext:
    """The settings for one kind of handshake (see `TlsAsk`); reading the trust store takes time."""
    key = (offer, trust, check_name)
    made = _kept.get(key)
    if made is None or time.monotonic() - made[0] > _KEPT_S:
        new = await threads.call(lambda: _context(offer, trust=trust, check_name=check_name))
        made = _kept[key] = (time.monotonic(), new)
    return made[1]


def _context(offer: str, *, trust: bool, check_name: bool) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = trust and check_name
    if trust:
        made.load_default_certs()
        # Python 3.13 adds checks that other programs of this machine do not make.
        made.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    else:
        made.verify_mode = ssl.CERT_NONE
    if offer == "old":
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        made.options |= _LEGACY_SERVER
        made.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    else:
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        # Python's own list is stricter than that of most clients.
        made.set_ciphers("DEFAULT" if offer == "common" else _STRICT)
    return made


def trusts_nobody() -> bool:
    """Has this machine no certificate authority at all to trust?"""
    paths = ssl.get_default_verify_paths()
    if paths.cafile and _holds(paths.cafile):
        return False
    try:
        return not (paths.capath and os.listdir(paths.capath))
    except OSError:
        return True


def _holds(file: str) -> bool:
    try:
        return os.path.getsize(file) > 0
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a handshake failed.  `own`: it is this side's verdict, not the peer's."""

    error: str
    verify: str | None = None
    own: bool = False


def failure(error: ssl.SSLError, stream: Stream) -> Failure:
    """What an error of OpenSSL means: an alert by its name, or our own verdict on the peer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code = error.verify_code
        return Failure(UNTRUSTED, VERIFY_CODES.get(code, f"verify code {code}"), own=True)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Failure(CLOSED)
    reason = error.reason or ""
    alert = _PREFIX.sub("", reason, count=1).lower()
    if _PREFIX.match(reason) and alert in ALERTS.values():
        return Failure(alert)
    number = records(stream.raw).alert
    if number is not None:
        return Failure(ALERTS.get(number, f"alert {number}"))
    return Failure(reason or type(error).__name__, own=True)


@dataclass(frozen=True, slots=True)
class Records:
    """What can be read in a handshake without its keys."""

    alert: int | None = None
    asked_certificate: bool = False
    certificates: tuple[bytes, ...] = ()  # TLS 1.3 sends them encrypted


def records(raw: bytes) -> Records:
    """Read the peer's plain records (RFC 5246 §6.2.1): a fatal alert, a CertificateRequest.

    They end at ChangeCipherSpec or the first encrypted record.  Never raises.
    """
    alert: int | None = None
    messages = b""
    at = 0
    while at + 5 <= len(raw):
        kind, length = raw[at], int.from_bytes(raw[at + 3 : at + 5])
        body = raw[at + 5 : at + 5 + length]
        at += 5 + length
        if kind == 21 and length == 2 and len(body) == 2 and body[0] == 2:
            alert = body[1]
        elif kind == 22:
            messages += body
        elif kind != 21:
            break
    bodies = dict(_messages(messages))
    return Records(alert, _ASKED in bodies, _certificates(bodies.get(_CERTIFICATE, b"")))


_CERTIFICATE, _ASKED = 11, 13


def _messages(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """(type, body) of the handshake messages in a row (RFC 5246 §7.4)."""
    at = 0
    while at + 4 <= len(raw):
        length = int.from_bytes(raw[at + 1 : at + 4])
        yield raw[at], raw[at + 4 : at + 4 + length]
        at += 4 + length


def _certificates(body: bytes) -> tuple[bytes, ...]:
    """The certificates (DER) in a Certificate message (RFC 5246 §7.4.2)."""
    found = []
    at = 3
    while at + 3 <= len(body):
        length = int.from_bytes(body[at : at + 3])
        found.append(body[at + 3 : at + 3 + length])
        at += 3 + length
    return tuple(found)


def chain(tls: ssl.SSLObject) -> list[bytes]:
    """The certificates as the peer sent them (DER), trusted or not.

    Before Python 3.13 the whole chain is only to be had from the object inside; without it the
    peer's own certificate is all there is.
    """
    inner = getattr(tls, "_sslobj", None)
    for holder in (tls, inner):
        ask = getattr(holder, "get_unverified_chain", None)
        if ask is not None:
            sent = ask() or ()
            return [c if isinstance(c, bytes) else _der(c) for c in sent]
    leaf = tls.getpeercert(binary_form=True)
    return [leaf] if leaf else []


def _der(certificate: object) -> bytes:
    binary = 2  # _ssl.ENCODING_DER
    public_bytes = getattr(certificate, "public_bytes")  # noqa: B009 - not in the type stubs
    return bytes(public_bytes(binary))
