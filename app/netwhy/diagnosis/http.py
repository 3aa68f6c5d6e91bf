"""HTTP on an open port: does it answer, with what, and where does it send on to?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from netwhy.core.asks import HttpAsk, SystemLookupAsk, TlsAsk
from netwhy.core.model import Finding, IPAddress, Kind, Severity
from netwhy.core.observations import CLOSED, MALFORMED, TIMEOUT, HttpExchange, Url, endpoint
from netwhy.core.protocols import readable, spoken
from netwhy.diagnosis import tls as tls_layer
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.reach import UNDECIDED, Layer, timeout
from netwhy.diagnosis.refusal import unexplained

#: Redirects that are followed; a browser gives up after about twenty.
_MOST_HOPS = 5
#: A proxy in front answers with these when what is behind it does not (RFC 9110 §15.6; Cloudflare).
_GATEWAY = (502, 503, 504, *range(520, 528), 530)
#: What web servers say to plain HTTP on a TLS port: nginx, Apache, Go, Tomcat and Jetty.
_TLS_WANTED = (
    "plain HTTP request was sent to HTTPS port",
    "speaking plain HTTP to an SSL-enabled server port",
    "HTTP request to an HTTPS server",
    "requires TLS",
)
#: What they say to a client that came without a certificate (nginx).
_CERTIFICATE_WANTED = ("No required SSL certificate was sent", "SSL certificate error")


@dataclass(slots=True)
class _Trail:
    """The redirects so far, as evidence, and the places that were seen."""

    lines: list[str] = field(default_factory=list)
    seen: set[Url] = field(default_factory=set)
    warnings: list[Finding] = field(default_factory=list)


def first_url(case: Case, address: IPAddress) -> Url:
    """Where the target's own request goes."""
    target = case.target
    scheme = "https" if target.kind is Kind.HTTPS else "http"
    usual = 443 if scheme == "https" else 80
    return Url(scheme, target.host or str(address), target.port or usual, target.path or "/")


def http(case: Case, address: IPAddress) -> Layer:
    """Ask one address, follow what it says, and judge the last answer."""
    url = first_url(case, address)
    trail = _Trail()
    place = address
    while True:
        answer = case.want(HttpAsk(place, url, timeout(case)))
        if answer is None:
            return UNDECIDED
        if answer.next is None or answer.error is not None:
            return _judged(case, answer, address, trail)
        trail.lines.append(
            say("redirects", url=str(url), status=answer.status, next=str(answer.next))
        )
        trail.seen.add(url)
        if answer.next in trail.seen:
            return Layer(True, failure=_loop(case, answer, trail))
        if len(trail.seen) > _MOST_HOPS:
            return Layer(True, warnings=(_long(case, answer, trail),))
        behind = _place(case, answer.next, url, place)
        url = answer.next
        if behind is None and case.waiting:
            return UNDECIDED
        if behind is None:
            return Layer(True, unknown=f"it sends on to {url}, whose name does not resolve")
        place = behind


def _place(case: Case, url: Url, before: Url, at: IPAddress) -> IPAddress | None:
    """The address behind the next hop; None while it is looked up, or when there is none."""
    if url.host == before.host:
        return at
    try:
        return ip_address(url.host)
    except ValueError:
        pass
    found = case.want(SystemLookupAsk(url.host, case.target.options.family))
    return found.addresses[0] if found is not None and found.addresses else None


# ---------------------------------------------------------------------------------------- judging


def _judged(case: Case, answer: HttpExchange, address: IPAddress, trail: _Trail) -> Layer:
    own = first_url(case, address)
    elsewhere = (answer.url.host, answer.url.port) != (own.host, own.port)
    if elsewhere and answer.error is not None:
        return Layer(True, unknown=f"it sends on to {answer.url}, which gave {answer.error}")
    if answer.error is not None:
        return _failed(case, answer, trail)
    if elsewhere and answer.untrusted is not None:
        warning = _untrusted_hop(case, answer, trail)
        if warning is None:
            return UNDECIDED
        trail.warnings.append(warning)
    finding = _by_status(case, answer, trail)
    if finding is not None and finding.severity is Severity.FAILURE:
        return Layer(True, failure=finding)
    found = [*([finding] if finding is not None else []), *trail.warnings]
    return Layer(True, warnings=tuple(found))


def _untrusted_hop(case: Case, answer: HttpExchange, trail: _Trail) -> Finding | None:
    """A redirect to a place whose certificate is not trusted: what browsers stop at."""
    url = answer.url
    ask = TlsAsk(answer.address, url.port, url.host, timeout(case))
    shaken = case.want(ask)
    if shaken is None:
        return None
    layer = tls_layer.explained(case, ask, shaken) if not shaken.ok else UNDECIDED
    if layer.failure is None:
        return None
    return case.finding(
        layer.failure.cause,
        layer.failure.confidence,
        layer.failure.subject,
        severity=Severity.WARNING,
        evidence=[*trail.lines, *layer.failure.evidence],
        endpoint=layer.failure.subject,
        sni=url.host,
        name=url.host,
        verify=shaken.verify,
        alert=shaken.error,
        clock=shaken.clock,
    )


def _by_status(case: Case, answer: HttpExchange, trail: _Trail) -> Finding | None:
    status = answer.status or 0
    evidence = [*trail.lines, _answered(answer)]
    if status == 400 and answer.url.scheme == "http" and _mentions(answer, _TLS_WANTED):
        evidence.append(say("body-says", said=answer.says[:120]))
        return _finding(case, answer, "http.wants-tls", 0.97, evidence)
    if status in (400, 495, 496) and _mentions(answer, _CERTIFICATE_WANTED):
        evidence.append(say("body-says", said=answer.says[:120]))
        return _finding(case, answer, "tls.client-certificate-required", 0.97, evidence)
    if status >= 500:
        evidence += _who(answer)
        if status in _GATEWAY:
            return _finding(case, answer, "http.gateway-error", 0.95, evidence)
        variant = "portal" if status == 511 else ""
        return _finding(case, answer, "http.server-error", 0.97, evidence, variant=variant)
    if not answer.whole:
        evidence.append(say("body-cut", count=answer.body))
        return _finding(case, answer, "http.malformed", 0.9, evidence, variant="cut")
    if status >= 400:
        evidence += _who(answer)
        return _finding(
            case, answer, "http.client-error", 0.97, evidence, severity=Severity.WARNING
        )
    return None


def _mentions(answer: HttpExchange, phrases: Sequence[str]) -> bool:
    said = answer.says.lower()
    return any(phrase.lower() in said for phrase in phrases)


def _answered(answer: HttpExchange) -> str:
    status = f"{answer.status} {answer.reason}".strip()
    return say("http-answered", url=str(answer.url), status=status, took=ms(answer.first_byte_ms))


def _who(answer: HttpExchange) -> list[str]:
    """Who answered, as far as the answer says: the proxy in front, mostly."""
    said = [
        say(f"header-{name}", value=value)
        for name in ("server", "via", "retry-after")
        if (value := answer.header(name))
    ]
    return said + ([say("body-says", said=answer.says[:120])] if answer.says else [])


# ----------------------------------------------------------------------------------- no answer


def _failed(case: Case, answer: HttpExchange, trail: _Trail) -> Layer:
    """No status came: plain HTTP to a TLS port is the first thing to think of."""
    finding = _no_answer(case, answer, trail)
    return UNDECIDED if finding is None else Layer(True, failure=finding)


def _no_answer(case: Case, answer: HttpExchange, trail: _Trail) -> Finding | None:
    error = answer.error or ""
    where = endpoint(answer.address, answer.url.port)
    if answer.phase in ("connect", "handshake"):
        return unexplained(case, where, "http", error)
    evidence = list(trail.lines)
    if answer.head:
        evidence.append(say("http-said", endpoint=where, said=readable(answer.head)))
    # A TLS server answers plain text with an alert or an end, never with silence.
    if answer.url.scheme == "http" and error != TIMEOUT:
        name = answer.url.host
        shaken = case.want(
            TlsAsk(answer.address, answer.url.port, name, timeout(case), trust=False)
        )
        if shaken is None and case.waiting:
            return None
        if spoken(answer.head) == "TLS" or (shaken is not None and _speaks_tls(shaken)):
            if shaken is not None and _speaks_tls(shaken):
                evidence.append(say("tls-answers", endpoint=where))
            return _finding(case, answer, "http.wants-tls", 0.96, evidence or [_ended(answer)])
    if error == MALFORMED:
        protocol = spoken(answer.head)
        other = protocol if protocol != "HTTP" else None
        variant = "protocol" if other else ""
        return _finding(
            case, answer, "http.malformed", 0.95, evidence, variant=variant, protocol=other
        )
    evidence.append(_ended(answer))
    if error == TIMEOUT:
        return _finding(case, answer, "http.silent", 0.93, evidence)
    if error == CLOSED:
        return _finding(case, answer, "exchange.closed", 0.93, evidence, variant="http")
    if error in ("ECONNRESET", "EPIPE", "ECONNABORTED"):
        return _finding(case, answer, "exchange.reset", 0.93, evidence, error=error)
    return unexplained(case, where, "http", error)


def _speaks_tls(shaken: Any) -> bool:
    """Did the port answer a hello with TLS, whatever came of it?"""
    return bool(shaken.ok or spoken(shaken.head) == "TLS")


def _ended(answer: HttpExchange) -> str:
    error = answer.error or ""
    key = {TIMEOUT: "http-silent", CLOSED: "http-closed"}.get(error, "http-reset")
    return say(key, url=str(answer.url), took=ms(answer.ms), error=error)


# -------------------------------------------------------------------------------------- redirects


def _loop(case: Case, answer: HttpExchange, trail: _Trail) -> Finding:
    return _finding(case, answer, "http.redirect-loop", 0.95, trail.lines)


def _long(case: Case, answer: HttpExchange, trail: _Trail) -> Finding:
    """It goes on and on, and no place came twice: it may still end."""
    return _finding(
        case,
        answer,
        "http.redirect-loop",
        0.6,
        trail.lines,
        severity=Severity.WARNING,
        variant="long",
    )


def _finding(
    case: Case,
    answer: HttpExchange,
    cause: str,
    confidence: float,
    evidence: Sequence[str],
    **more: Any,
) -> Finding:
    known: dict[str, Any] = {
        "address": answer.address,
        "port": answer.url.port,
        "endpoint": endpoint(answer.address, answer.url.port),
        "url": str(answer.url),
        "status": answer.status,
        "server": answer.header("server"),
        "sni": answer.url.host,
    }
    subject = str(answer.url)
    return case.finding(cause, confidence, subject, evidence=evidence, **(known | more))
