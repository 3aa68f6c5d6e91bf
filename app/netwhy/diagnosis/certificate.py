"""The certificate of a server: for whom it is, until when, and why it is not trusted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from netwhy.core.asks import HttpAsk
from netwhy.core.model import Finding, Kind, Severity
from netwhy.core.observations import Certificate, TlsHandshake, Url, endpoint
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.reach import timeout

_SOON = timedelta(days=14)
#: Two clocks that differ by less are right.
_SAME_TIME = timedelta(hours=1)
_WEB_PORTS = (443, 8443)
_MOST_NAMES = 6


def untrusted(case: Case, seen: TlsHandshake) -> Finding | None:
    """Why OpenSSL does not trust the certificate, from what was sent."""
    verify = seen.verify or ""
    if verify == "CERT_HAS_EXPIRED":
        return _out_of_time(case, seen, "tls.expired")
    if verify == "CERT_NOT_YET_VALID":
        return _out_of_time(case, seen, "tls.not-yet-valid")
    if verify in ("HOSTNAME_MISMATCH", "IP_ADDRESS_MISMATCH"):
        return _name_mismatch(case, seen)
    if verify == "DEPTH_ZERO_SELF_SIGNED_CERT":
        evidence = [_not_trusted(seen), *_facts(seen), *_also_wrong(seen)]
        return finding(case, seen, "tls.self-signed", 0.97, evidence)
    if verify == "SELF_SIGNED_CERT_IN_CHAIN" or verify.startswith("UNABLE_TO"):
        return _unknown_issuer(case, seen)
    evidence = [_not_trusted(seen), *_facts(seen)]
    variant = "purpose" if verify == "INVALID_PURPOSE" else "verify"
    return finding(case, seen, "tls.alert", 0.9, evidence, variant=variant, verify=verify)


def expires_soon(case: Case, seen: TlsHandshake) -> Finding | None:
    """It is valid, and not for long: the server's own certificate, or the one that signed it.

    What is sent beyond those is often an old way up to a root that clients trust by itself.
    """
    dated = [c for c in _linked(seen.chain)[:2] if not c.self_signed or c is seen.leaf]
    if not dated or not seen.verified or not seen.clock:
        return None
    first = min(dated, key=lambda c: _moment(c.not_after))
    left = _moment(first.not_after) - _moment(seen.clock)
    if left >= _SOON:
        return None
    return finding(
        case,
        seen,
        "tls.expires-soon",
        0.97 if first is seen.leaf else 0.95,
        [say("valid-until", subject=first.subject, until=first.not_after), _clock(seen)],
        severity=Severity.WARNING,
        variant="" if first is seen.leaf else "issuer",
        left=_days(left),
        until=first.not_after,
        subject_name=first.subject,
    )


def not_for_address(case: Case, seen: TlsHandshake) -> Finding | None:
    """TLS was only guessed, and the certificate is for names and not for this address."""
    leaf = seen.leaf
    if leaf is None or str(seen.address).partition("%")[0] in leaf.names:
        return None
    return finding(
        case,
        seen,
        "tls.name-mismatch",
        0.95,
        [for_names(leaf), say("only-guessed", port=seen.port)],
        severity=Severity.WARNING,
        variant="guessed",
    )


def for_names(leaf: Certificate) -> str:
    """For whom a certificate is."""
    if not leaf.names:
        return say("certificate-without-names", subject=leaf.subject)
    return say("certificate-names", names=_listed(leaf.names))


def _name_mismatch(case: Case, seen: TlsHandshake) -> Finding:
    asked = seen.name or seen.address
    evidence = [say("name-not-in-certificate", name=asked)]
    if seen.leaf is not None:
        evidence += [for_names(seen.leaf), say("issued-by", issuer=seen.leaf.issuer)]
    variant = "" if seen.name else "address"
    return finding(
        case,
        seen,
        "tls.name-mismatch",
        0.97,
        [*evidence, *_also_wrong(seen)],
        variant=variant,
        name=asked,
    )


# ------------------------------------------------------------------------------------------- time


def _out_of_time(case: Case, seen: TlsHandshake, cause: str) -> Finding:
    """Expired or not valid yet, by this machine's clock; which may be wrong itself."""
    depth, wrong = _wrong_by(seen)
    evidence = [_not_trusted(seen)]
    if wrong is None:
        return finding(case, seen, cause, 0.8, [*evidence, _clock(seen)], variant="root")
    key = "ended-on" if cause == "tls.expired" else "begins-on"
    date = wrong.not_after if cause == "tls.expired" else wrong.not_before
    evidence += [say(key, subject=wrong.subject, date=date), _clock(seen)]
    their = _their_clock(case, seen)
    variant = "" if depth == 0 else "issuer"
    if their:
        off = abs(_moment(their) - _moment(seen.clock))
        key = "clocks-agree" if off < _SAME_TIME else "clocks-differ"
        evidence.append(say(key, theirs=their, off=_days(off)))
        if off >= _SAME_TIME and wrong.not_before <= their <= wrong.not_after:
            variant = "clock"
    if seen.leaf is not None:
        evidence.append(say("issued-by", issuer=seen.leaf.issuer))
    until, since = wrong.not_after, wrong.not_before
    return finding(
        case, seen, cause, 0.95, evidence, variant=variant, until=until, since=since,
        subject_name=wrong.subject,
    )  # fmt: skip


def _wrong_by(seen: TlsHandshake) -> tuple[int, Certificate | None]:
    """The certificate of the chain that is out of its time by this machine's clock."""
    for depth, each in enumerate(seen.chain):
        if each.unreadable is None and not each.not_before <= seen.clock <= each.not_after:
            return depth, each
    return 0, None


def _their_clock(case: Case, seen: TlsHandshake) -> str:
    """The server's clock by its Date header, where it is likely to speak HTTP."""
    target = case.target
    if target.kind is not Kind.HTTPS and seen.port not in _WEB_PORTS:
        return ""
    url = Url("https", target.host or str(seen.address), seen.port, target.path or "/")
    answer = case.hope(HttpAsk(seen.address, url, timeout(case)))
    return answer.date if answer is not None else ""


def _clock(seen: TlsHandshake) -> str:
    return say("own-clock", clock=seen.clock or "nothing")


# ------------------------------------------------------------------------------------------ issuer


def _unknown_issuer(case: Case, seen: TlsHandshake) -> Finding:
    """Nobody whom this machine trusts has signed it: a link is missing, or the whole anchor."""
    evidence = [_not_trusted(seen), *_facts(seen)]
    linked = _linked(seen.chain)
    last = linked[-1] if linked else None
    if seen.no_trust:
        evidence.append(say("no-trust-store"))
        return finding(case, seen, "tls.untrusted-issuer", 0.95, evidence, variant="store")
    missing = last is not None and not last.self_signed
    if missing and last is not None and last.issuer_url is not None and len(linked) == 1:
        evidence += [
            say("chain-ends", subject=last.subject, issuer=last.issuer),
            say("issuer-url", url=last.issuer_url),
        ]
        return finding(
            case,
            seen,
            "tls.incomplete-chain",
            0.85,
            evidence,
            rivals=("tls.untrusted-issuer",),
            issuer=last.issuer,
            url=last.issuer_url,
        )
    if last is not None and last.self_signed:
        evidence.append(say("chain-root", issuer=last.subject))
    elif last is not None:
        evidence.append(say("chain-ends", subject=last.subject, issuer=last.issuer))
    evidence += _also_wrong(seen)
    rivals = ("tls.incomplete-chain",) if missing else ()
    confidence = 0.8 if missing else 0.95
    issuer = last.issuer if last is not None else None
    return finding(
        case, seen, "tls.untrusted-issuer", confidence, evidence, rivals=rivals, issuer=issuer
    )


def _linked(chain: Sequence[Certificate]) -> list[Certificate]:
    """The certificates that lead from the server's own one upwards, by their names."""
    found = list(chain[:1])
    while found and not found[-1].self_signed and len(found) <= len(chain):
        up = next((c for c in chain[1:] if c.subject == found[-1].issuer and c not in found), None)
        if up is None:
            break
        found.append(up)
    return [each for each in found if each.unreadable is None]


# --------------------------------------------------------------------------------------- in common


def _not_trusted(seen: TlsHandshake) -> str:
    return say("not-trusted", verify=seen.verify, took=ms(seen.ms))


def _facts(seen: TlsHandshake) -> list[str]:
    """What the server's own certificate says of itself."""
    leaf = seen.leaf
    if leaf is None:
        return [say("no-certificate-read")]
    sent = say("chain-sent", count=len(seen.chain), subject=leaf.subject, issuer=leaf.issuer)
    return [sent, for_names(leaf)]


def _also_wrong(seen: TlsHandshake) -> list[str]:
    """OpenSSL stops at its first objection: time is told beside it."""
    leaf = seen.leaf
    if leaf is None or not seen.clock:
        return []
    if leaf.not_after < seen.clock:
        return [say("ended-on", subject=leaf.subject, date=leaf.not_after), _clock(seen)]
    if leaf.not_before > seen.clock:
        return [say("begins-on", subject=leaf.subject, date=leaf.not_before), _clock(seen)]
    return []


def finding(
    case: Case,
    seen: TlsHandshake,
    cause: str,
    confidence: float,
    evidence: Sequence[str],
    **more: Any,
) -> Finding:
    """A finding about a handshake, with what it showed among its parameters."""
    where = endpoint(seen.address, seen.port)
    leaf = seen.leaf
    known: dict[str, Any] = {
        "address": seen.address,
        "port": seen.port,
        "endpoint": where,
        "sni": seen.name,
        "alert": seen.error,
        "verify": seen.verify,
        "clock": seen.clock,
    }
    if leaf is not None:
        known |= {
            "names": _listed(leaf.names),
            "issuer": leaf.issuer,
            "subject_name": leaf.subject,
            "until": leaf.not_after,
            "since": leaf.not_before,
        }
    return case.finding(cause, confidence, where, evidence=evidence, **(known | more))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _moment(text: str) -> datetime:
    """A time as a probe wrote it; the beginning of time for none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _days(span: timedelta) -> str:
    """A span in the unit that people would choose."""
    if span >= timedelta(days=2):
        return f"{span.days} days"
    hours = int(span.total_seconds() // 3600)
    return f"{hours} hours" if hours >= 2 else f"{int(span.total_seconds() // 60)} minutes"
