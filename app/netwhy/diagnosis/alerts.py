"""A handshake that ends with a clear no: an alert of the server, or our own OpenSSL's verdict.

An alert says little about why: other handshakes are the contrast, with everything that OpenSSL
still knows, and without a name.
"""

from __future__ import annotations

from typing import Any

from netwhy.core.asks import TlsAsk
from netwhy.core.model import Finding, Severity, Tls
from netwhy.core.observations import CLOSED, TIMEOUT, TlsHandshake, endpoint
from netwhy.diagnosis import certificate
from netwhy.diagnosis.case import Case, ms, say

#: What a server says that misses a client certificate, beside certificate_required.
_ABOUT_CERTIFICATES = (
    *("handshake_failure", "bad_certificate", "certificate_unknown", "access_denied"),
    *("unknown_ca", "no_certificate", "unsupported_certificate", "certificate_required"),
)
_VERSIONS = ("protocol_version", "inappropriate_fallback", "UNSUPPORTED_PROTOCOL")
#: Alerts that servers send for several reasons, one of them a name that they do not serve.
_VAGUE = ("handshake_failure", "insufficient_security", "internal_error", "access_denied")
BROKEN_OFF = (TIMEOUT, CLOSED, "ECONNRESET", "EPIPE", "ECONNABORTED")
_OLD_VERSIONS = ("SSLv3", "TLSv1", "TLSv1.1")


def refused(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Finding | None:
    """An alert of the server, or our own OpenSSL's verdict on what it offers."""
    alert = seen.error or ""
    if alert in _ABOUT_CERTIFICATES and (seen.phase == "answer" or seen.asked_certificate):
        return _wants_certificate(case, seen)
    if alert == "unrecognized_name":
        nameless = case.want(contrast(ask, name=None)) if seen.name else None
        return None if case.waiting else _unknown_name(case, seen, 0.97, nameless)
    if seen.phase == "answer":
        return _alert(case, seen)
    if alert not in (*_VERSIONS, *_VAGUE) and not seen.alert_sent:
        return _alert(case, seen)
    return _by_contrast(case, ask, seen)


def _by_contrast(case: Case, ask: TlsAsk, seen: TlsHandshake) -> Finding | None:
    """Other offers and no name tell what this alert is about."""
    alert = seen.error or ""
    old = case.want(contrast(ask, offer="old"))
    nameless = case.want(contrast(ask, name=None)) if seen.name else None
    if case.waiting:
        return None
    if old is not None and old.ok:
        return agreed_on_old(case, seen, old)
    if alert in _VERSIONS:
        return finding(case, seen, "tls.version-mismatch", 0.9, [said(seen), say("no-old-version")])
    if nameless is not None and nameless.ok:
        return _unknown_name(case, seen, 0.85, nameless)
    if seen.alert_sent:
        return _alert(case, seen)
    if seen.name is None:
        return _unknown_name(case, seen, 0.6, None)
    if alert not in ("handshake_failure", "insufficient_security"):
        return _alert(case, seen)
    rivals = ("tls.client-certificate-required", "tls.unrecognized-name")
    evidence = [said(seen), say("old-fails-too")]
    return finding(case, seen, "tls.no-common-cipher", 0.6, evidence, rivals=rivals)


def agreed_on_old(case: Case, seen: TlsHandshake, old: TlsHandshake) -> Finding:
    """With everything that OpenSSL still knows it works: what they agreed on is the reason."""
    evidence = [said(seen), say("old-works", version=old.version, cipher=old.cipher)]
    cause = "tls.version-mismatch" if old.version in _OLD_VERSIONS else "tls.no-common-cipher"
    return finding(case, seen, cause, 0.96, evidence, version=old.version, cipher=old.cipher)


def _wants_certificate(case: Case, seen: TlsHandshake) -> Finding:
    evidence = [said(seen)]
    if seen.asked_certificate:
        evidence.append(say("asked-certificate", endpoint=where(seen)))
    if seen.phase == "answer":
        evidence.append(say("alert-after-handshake", version=seen.version))
    sure = seen.error == "certificate_required" or seen.asked_certificate
    rivals = () if sure else ("tls.alert",)
    confidence = 0.97 if sure else 0.85
    cause = "tls.client-certificate-required"
    return finding(case, seen, cause, confidence, evidence, rivals=rivals)


def _unknown_name(
    case: Case, seen: TlsHandshake, confidence: float, nameless: TlsHandshake | None
) -> Finding:
    """The server does not serve this name, or wants one where the target has none."""
    evidence = [said(seen)]
    rivals: tuple[str, ...] = ()
    if nameless is not None and nameless.ok:
        evidence.append(say("without-name-works", sni=seen.name))
        if nameless.leaf is not None:
            evidence.append(certificate.for_names(nameless.leaf))
    if confidence < 0.95:
        rivals = ("tls.no-common-cipher", "tls.client-certificate-required")
    if seen.name is None:
        evidence.append(say("no-name-sent", address=seen.address))
    return finding(
        case,
        seen,
        "tls.unrecognized-name",
        confidence,
        evidence,
        rivals=rivals,
        variant="address" if seen.name is None else "",
        severity=Severity.WARNING if seen.name is None and only_guessed(case) else Severity.FAILURE,
    )


def _alert(case: Case, seen: TlsHandshake) -> Finding:
    variant = "here" if seen.alert_sent else ""
    return finding(case, seen, "tls.alert", 0.8, [said(seen)], variant=variant)


def only_guessed(case: Case) -> bool:
    return case.target.tls is Tls.GUESSED and case.target.address is not None


def contrast(ask: TlsAsk, **changes: Any) -> TlsAsk:
    """The same handshake offered otherwise; what it brings is read, not trusted."""
    seen: dict[str, Any] = {"name": ask.name, "offer": ask.offer} | changes
    return TlsAsk(ask.address, ask.port, timeout_s=ask.timeout_s, trust=False, **seen)


def said(seen: TlsHandshake) -> str:
    if seen.error in BROKEN_OFF:
        return say("handshake-ended", endpoint=where(seen), error=seen.error, took=ms(seen.ms))
    key = "own-verdict" if seen.alert_sent else "alert-came"
    return say(key, endpoint=where(seen), alert=seen.error, took=ms(seen.ms))


def where(seen: TlsHandshake) -> str:
    return endpoint(seen.address, seen.port)


def finding(
    case: Case,
    seen: TlsHandshake,
    cause: str,
    confidence: float,
    evidence: list[str],
    **more: Any,
) -> Finding:
    return certificate.finding(case, seen, cause, confidence, evidence, **more)
