"""TLS on an open port: is it TLS, do both sides agree, and is the certificate trusted?

A handshake that fails says little about why: other handshakes are the contrast, with everything
that OpenSSL still knows, without a name, and a plain connection that only listens.
"""

from __future__ import annotations

from typing import Any

from netwhy.core.asks import SniffAsk, TlsAsk
from netwhy.core.model import Finding, IPAddress, Severity, Tls
from netwhy.core.observations import CLOSED, TIMEOUT, UNTRUSTED, Sniff, TlsHandshake, endpoint
from netwhy.core.protocols import readable, spoken
from netwhy.diagnosis import certificate
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.reach import UNDECIDED, Layer, timeout
from netwhy.diagnosis.refusal import unexplained

#: What a server says that misses a client certificate, beside certificate_required.
_ABOUT_CERTIFICATES = (
    *("handshake_failure", "bad_certificate", "certificate_unknown", "access_denied"),
    *("unknown_ca", "no_certificate", "unsupported_certificate", "certificate_required"),
)
_VERSIONS = ("protocol_version", "inappropriate_fallback", "UNSUPPORTED_PROTOCOL")
#: Alerts that servers send for several reasons, one of them a name that they do not serve.
_VAGUE = ("handshake_failure", "insufficient_security", "internal_error", "access_denied")
_BROKEN_OFF = (TIMEOUT, CLOSED, "ECONNRESET", "EPIPE", "ECONNABORTED")
_OLD_VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1")


def tls(case: Case, address: IPAddress, port: int) -> Layer:
    """Shake hands with one address and explain what came of it."""
    ask = question(case, address, port)
    seen = case.want(ask)
    if seen is None:
        return UNDECIDED
    if seen.ok:
        return _works(case, ask, seen)
    return explained(case, ask, seen)


def question(case: Case, address: IPAddress, port: int) -> TlsAsk:
    """The handshake of the target.  An address nobody said `tls://` to need not be in it."""
    return TlsAsk(
        address,
        port,
        case.target.host or str(address),
        timeout(case),
        check_name=not _only_guessed(case),
    )


def _only_guessed(case: Case) -> bool:
    return case.target.tls is Tls.GUESSED and case.target.address is not None


def _works(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Layer:
    warnings = []
    if _only_guessed(case):
        warnings.append(certificate.not_for_address(case, seen))
    if _old_cipher(seen):
        strict = case.want(_contrast(ask, offer="strict"))
        if strict is None and case.waiting:
            return UNDECIDED
        if strict is not None and strict.error in ("handshake_failure", "insufficient_security"):
            warnings.append(_old_ciphers_only(case, seen, strict))
    warnings.append(certificate.expires_soon(case, seen))
    return Layer(True, warnings=tuple(w for w in warnings if w is not None))


def explained(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Layer:
    """Why a handshake failed; undecided while the contrast is still to be seen."""
    finding = _explanation(case, ask, seen)
    if finding is None or seen.pending:
        return UNDECIDED
    if finding.severity is Severity.WARNING:
        return Layer(True, warnings=(finding,))
    return Layer(True, failure=finding)


def _explanation(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Finding | None:
    if seen.phase == "connect":
        return unexplained(case, endpoint(seen.address, seen.port), "tls", seen.error or "")
    if seen.error == UNTRUSTED:
        return certificate.untrusted(case, seen)
    if seen.not_tls:
        return _not_tls(case, seen, None)
    if seen.pending or seen.error in _BROKEN_OFF:
        return _broken_off(case, ask, seen)
    return _refused(case, ask, seen)


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
        evidence.append(say("hello-answered", endpoint=_where(seen), said=readable(seen.head)))
    if sniff is not None and sniff.head and sniff.protocol != "TLS":
        protocol = protocol or sniff.protocol
        key = "speaks-first" if sniff.unasked else "speaks-http"
        evidence.append(say(key, endpoint=_where(seen), said=readable(sniff.head)))
    return _finding(
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
    sniff = case.want(SniffAsk(seen.address, seen.port))
    silent = seen.pending or seen.error == TIMEOUT
    old = nameless = None
    if not silent:
        old = case.want(_contrast(ask, offer="old"))
        nameless = case.want(_contrast(ask, name=None)) if seen.name else None
    if case.waiting:
        return None
    if not seen.received and _plain(sniff):
        return _not_tls(case, seen, sniff)
    if old is not None and old.ok:
        return _agreed_on_old(case, seen, old)
    if silent:
        return _silent(case, seen, sniff)
    key = "handshake-reset" if seen.error != CLOSED else "handshake-closed"
    evidence = [say(key, endpoint=_where(seen), took=ms(seen.ms), received=seen.received)]
    rivals = ["tls.not-tls", "tls.client-certificate-required"]
    if nameless is not None and nameless.ok:
        evidence.append(say("without-name-works", sni=seen.name))
        rivals = ["tls.unrecognized-name"]
    evidence += _quiet(seen, sniff)
    return _finding(
        case,
        seen,
        "tls.handshake-reset",
        0.9,
        evidence,
        rivals=rivals,
        variant="closed" if seen.error == CLOSED else "",
    )


def _silent(case: Case, seen: TlsHandshake, sniff: Sniff | None) -> Finding:
    key = "handshake-stalled" if seen.received else "handshake-silent"
    took = ms(seen.ms)
    evidence = [say(key, endpoint=_where(seen), took=took, received=seen.received)]
    rivals = () if seen.received else ("tls.not-tls",)
    evidence += _quiet(seen, sniff)
    return _finding(case, seen, "tls.handshake-silent", 0.9, evidence, rivals=rivals)


def _quiet(seen: TlsHandshake, sniff: Sniff | None) -> list[str]:
    """The plain connection brought nothing either."""
    if sniff is None or sniff.head:
        return []
    return [say("says-nothing-plainly", endpoint=_where(seen))]


# ------------------------------------------------------------------------------------- a clear no


def _refused(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Finding | None:
    """An alert of the server, or our own OpenSSL's verdict on what it offers."""
    alert = seen.error or ""
    if alert in _ABOUT_CERTIFICATES and (seen.phase == "answer" or seen.asked_certificate):
        return _wants_certificate(case, seen)
    if alert == "unrecognized_name":
        nameless = case.want(_contrast(ask, name=None)) if seen.name else None
        return None if case.waiting else _unknown_name(case, seen, 0.97, nameless)
    if seen.phase == "answer":
        return _alert(case, seen)
    if alert not in (*_VERSIONS, *_VAGUE) and not seen.alert_sent:
        return _alert(case, seen)
    return _by_contrast(case, ask, seen)


def _by_contrast(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Finding | None:
    """Other offers and no name tell what this alert is about."""
    alert = seen.error or ""
    old = case.want(_contrast(ask, offer="old"))
    nameless = case.want(_contrast(ask, name=None)) if seen.name else None
    if case.waiting:
        return None
    if old is not None and old.ok:
        return _agreed_on_old(case, seen, old)
    if alert in _VERSIONS:
        return _finding(
            case, seen, "tls.version-mismatch", 0.9, [_said(seen), say("no-old-version")]
        )
    if nameless is not None and nameless.ok:
        return _unknown_name(case, seen, 0.85, nameless)
    if seen.alert_sent:
        return _alert(case, seen)
    if seen.name is None:
        return _unknown_name(case, seen, 0.6, None)
    if alert not in ("handshake_failure", "insufficient_security"):
        return _alert(case, seen)
    rivals = ("tls.client-certificate-required", "tls.unrecognized-name")
    evidence = [_said(seen), say("old-fails-too")]
    return _finding(case, seen, "tls.no-common-cipher", 0.6, evidence, rivals=rivals)


def _agreed_on_old(case: Case, seen: TlsHandshake, old: TlsHandshake) -> Finding:
    """With everything that OpenSSL still knows it works: what they agreed on is the reason."""
    evidence = [_said(seen), say("old-works", version=old.version, cipher=old.cipher)]
    cause = "tls.version-mismatch" if old.version in _OLD_VERSIONS else "tls.no-common-cipher"
    return _finding(case, seen, cause, 0.96, evidence, version=old.version, cipher=old.cipher)


def _wants_certificate(case: Case, seen: TlsHandshake) -> Finding:
    evidence = [_said(seen)]
    if seen.asked_certificate:
        evidence.append(say("asked-certificate", endpoint=_where(seen)))
    if seen.phase == "answer":
        evidence.append(say("alert-after-handshake", version=seen.version))
    sure = seen.error == "certificate_required" or seen.asked_certificate
    rivals = () if sure else ("tls.alert",)
    confidence = 0.97 if sure else 0.85
    cause = "tls.client-certificate-required"
    return _finding(case, seen, cause, confidence, evidence, rivals=rivals)


def _unknown_name(
    case: Case, seen: TlsHandshake, confidence: float, nameless: TlsHandshake | None
) -> Finding:
    """The server does not serve this name, or wants one where the target has none."""
    evidence = [_said(seen)]
    rivals: tuple[str, ...] = ()
    if nameless is not None and nameless.ok:
        evidence.append(say("without-name-works", sni=seen.name))
        if nameless.leaf is not None:
            evidence.append(certificate.for_names(nameless.leaf))
    if confidence < 0.95:
        rivals = ("tls.no-common-cipher", "tls.client-certificate-required")
    if seen.name is None:
        evidence.append(say("no-name-sent", address=seen.address))
    return _finding(
        case,
        seen,
        "tls.unrecognized-name",
        confidence,
        evidence,
        rivals=rivals,
        variant="address" if seen.name is None else "",
        severity=Severity.WARNING
        if seen.name is None and _only_guessed(case)
        else Severity.FAILURE,
    )


def _alert(case: Case, seen: TlsHandshake) -> Finding:
    variant = "here" if seen.alert_sent else ""
    return _finding(case, seen, "tls.alert", 0.8, [_said(seen)], variant=variant)


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
        say("handshake-works", endpoint=_where(seen), version=seen.version, cipher=seen.cipher),
        say("strict-fails", alert=strict.error),
    ]
    return _finding(
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


# --------------------------------------------------------------------------------------- in common


def _contrast(ask: TlsAsk, **changes: Any) -> TlsAsk:
    """The same handshake offered otherwise; what it brings is read, not trusted."""
    seen: dict[str, Any] = {"name": ask.name, "offer": ask.offer} | changes
    return TlsAsk(ask.address, ask.port, timeout_s=ask.timeout_s, trust=False, **seen)


def _said(seen: TlsHandshake) -> str:
    if seen.error in _BROKEN_OFF:
        return say("handshake-ended", endpoint=_where(seen), error=seen.error, took=ms(seen.ms))
    key = "own-verdict" if seen.alert_sent else "alert-came"
    return say(key, endpoint=_where(seen), alert=seen.error, took=ms(seen.ms))


def _where(seen: TlsHandshake) -> str:
    return endpoint(seen.address, seen.port)


def _finding(
    case: Case,
    seen: TlsHandshake,
    cause: str,
    confidence: float,
    evidence: list[str],
    **more: Any,
) -> Finding:
    return certificate.finding(case, seen, cause, confidence, evidence, **more)
