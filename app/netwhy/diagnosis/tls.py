"""TLS on an open port: is it TLS, do both sides agree, and is the certificate trusted?

A handshake that fails says little about why: other handshakes are the contrast, with everything
that OpenSSL still knows, without a name, and a plain connection that only listens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netwhy.core.asks import Ask, SniffAsk, TlsAsk
from netwhy.core.model import Finding, IPAddress, Severity
from netwhy.core.observations import CLOSED, TIMEOUT, UNTRUSTED, Sniff, TlsHandshake, endpoint
from netwhy.core.protocols import readable, spoken
from netwhy.diagnosis import certificate, segments
from netwhy.diagnosis.alerts import (
    BROKEN_OFF,
    agreed_on_old,
    contrast,
    finding,
    only_guessed,
    refused,
    where,
)
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.reach import UNDECIDED, Layer, timeout
from netwhy.diagnosis.refusal import unexplained

#: A port that answers plain words has had this long to answer the hello as well.
_LONG_MS = 1900.0


def tls(case: Case, address: IPAddress, port: int) -> Layer:
    """Shake hands with one address and explain what came of it."""
    ask = question(case, address, port)
    seen = case.want(ask)
    if seen is None:
        return UNDECIDED
    if not seen.ok:
        return explained(case, ask, seen)
    works = _works(case, ask, seen)
    hole = segments.black_hole(case, ask, seen)
    if hole is None:
        return UNDECIDED if segments.doubtful(case, ask, seen) else works
    return replace(works, warnings=(hole, *works.warnings))


def question(case: Case, address: IPAddress, port: int) -> TlsAsk:
    """The handshake of the target.  An address nobody said `tls://` to need not be in it."""
    return TlsAsk(
        address,
        port,
        case.target.host or str(address),
        timeout(case),
        check_name=not only_guessed(case),
    )


def _works(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Layer:
    warnings = []
    if only_guessed(case):
        warnings.append(certificate.not_for_address(case, seen))
    if _old_cipher(seen):
        strict = case.want(contrast(ask, offer="strict"))
        if strict is None and case.waiting:
            return UNDECIDED
        if strict is not None and strict.error in ("handshake_failure", "insufficient_security"):
            warnings.append(_old_ciphers_only(case, seen, strict))
    warnings.append(certificate.expires_soon(case, seen))
    return Layer(True, warnings=tuple(w for w in warnings if w is not None))


def explained(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Layer:
    """Why a handshake failed; undecided while the contrast is still to be seen."""
    hole = None if seen.not_tls else segments.black_hole(case, ask, seen)
    if hole is not None:
        return Layer(True, failure=hole)
    found = _explanation(case, ask, seen)
    if found is None:
        return UNDECIDED
    if seen.pending:
        if not _said_enough(seen, found):
            return UNDECIDED
        case.waive(ask)
        shown: Ask[Any] = ask
        case.hope(shown)  # not waited for any more, and still among the rows
    if found.severity is Severity.WARNING:
        return Layer(True, warnings=(found,))
    return Layer(True, failure=found)


def _said_enough(seen: TlsHandshake, found: Finding) -> bool:
    """Is an early word enough?  What is no TLS does not become TLS by waiting."""
    return found.cause == "tls.not-tls" and (seen.not_tls or seen.flow.silent_ms >= _LONG_MS)


def _explanation(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Finding | None:
    if seen.phase == "connect":
        return unexplained(case, endpoint(seen.address, seen.port), "tls", seen.error or "")
    if seen.error == UNTRUSTED:
        return certificate.untrusted(case, seen)
    if seen.not_tls:
        return _not_tls(case, seen, None)
    if seen.pending or seen.error in BROKEN_OFF:
        return _broken_off(case, ask, seen)
    return refused(case, ask, seen)


# --------------------------------------------------------------------------------- not TLS at all


def _not_tls(case: Case, seen: TlsHandshake, sniff: Sniff | None) -> Finding | None:
    """Bytes came that are no TLS."""
    protocol = spoken(seen.head) if seen.not_tls else None
    if protocol is None and sniff is None:
        sniff = case.want(SniffAsk(seen.address, seen.port))
        if sniff is None and case.waiting:
            return None
    evidence = []
    if seen.not_tls:
        evidence.append(say("hello-answered", endpoint=where(seen), said=readable(seen.head)))
    if sniff is not None and sniff.head and sniff.protocol != "TLS":
        protocol = protocol or sniff.protocol
        key = "speaks-first" if sniff.unasked else "speaks-http"
        evidence.append(say(key, endpoint=where(seen), said=readable(sniff.head)))
    return finding(
        case,
        seen,
        "tls.not-tls",
        0.97 if protocol else 0.9,
        evidence,
        variant="" if protocol else "unknown",
        protocol=protocol,
    )


def _plain(sniff: Sniff | None) -> bool:
    """Does the port talk plainly?  A web server on a TLS port answers plain HTTP with 400."""
    if sniff is None or not sniff.head or sniff.protocol == "TLS":
        return False
    return sniff.unasked or not sniff.head.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))


def _broken_off(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Finding | None:
    """Silence, an end or a reset in the middle of the handshake."""
    sniff = None if seen.received else case.want(SniffAsk(seen.address, seen.port))
    silent = seen.pending or seen.error == TIMEOUT
    old = nameless = None
    if not silent:
        old = case.want(contrast(ask, offer="old"))
        nameless = case.want(contrast(ask, name=None)) if seen.name else None
    if case.waiting:
        return None
    if not seen.received and _plain(sniff):
        return _not_tls(case, seen, sniff)
    if old is not None and old.ok:
        return agreed_on_old(case, seen, old)
    if silent:
        return _silent(case, ask, seen, sniff)
    key = "handshake-reset" if seen.error != CLOSED else "handshake-closed"
    evidence = [say(key, endpoint=where(seen), took=ms(seen.ms), received=seen.received)]
    rivals = ["tls.not-tls", "tls.client-certificate-required"]
    if nameless is not None and nameless.ok:
        evidence.append(say("without-name-works", sni=seen.name))
        rivals = ["tls.unrecognized-name"]
    evidence += _quiet(seen, sniff)
    return finding(
        case,
        seen,
        "tls.handshake-reset",
        0.9,
        evidence,
        rivals=rivals,
        variant="closed" if seen.error == CLOSED else "",
    )


def _silent(case: Case, ask: TlsAsk, seen: TlsHandshake, sniff: Sniff | None) -> Finding:
    key = "handshake-stalled" if seen.received else "handshake-silent"
    took = ms(seen.ms)
    evidence = [say(key, endpoint=where(seen), took=took, received=seen.received)]
    rivals = () if seen.received else ("tls.not-tls",)
    evidence += segments.heard(seen)
    evidence += _quiet(seen, sniff)
    evidence += segments.answered_meanwhile(case, ask)
    return finding(case, seen, "tls.handshake-silent", 0.9, evidence, rivals=rivals)


def _quiet(seen: TlsHandshake, sniff: Sniff | None) -> list[str]:
    """The plain connection brought nothing either."""
    if sniff is None or sniff.head:
        return []
    return [say("says-nothing-plainly", endpoint=where(seen))]


# ---------------------------------------------------------------------------------- old but works


def _old_cipher(seen: TlsHandshake) -> bool:
    """Would a client that insists on forward secrecy and modern ciphers refuse this one?"""
    if seen.version != "TLSv1.2" or seen.cipher is None:
        return False
    forward = seen.cipher.startswith(("ECDHE-", "DHE-"))
    modern = any(part in seen.cipher for part in ("GCM", "CHACHA20", "SHA256", "SHA384"))
    return not (forward and modern)


def _old_ciphers_only(case: Case, seen: TlsHandshake, strict: TlsHandshake) -> Finding:
    evidence = [
        say("handshake-works", endpoint=where(seen), version=seen.version, cipher=seen.cipher),
        say("strict-fails", alert=strict.error),
    ]
    return finding(
        case,
        seen,
        "tls.no-common-cipher",
        0.95,
        evidence,
        severity=Severity.WARNING,
        variant="old",
        version=seen.version,
        cipher=seen.cipher,
    )
