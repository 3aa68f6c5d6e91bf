"""HTTP on an open port: does it answer, with what, and where does it send on to?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwhy.core.asks import HttpAsk, TlsAsk
from netwhy.core.model import Finding, IPAddress, Severity
from netwhy.core.observations import CLOSED, MALFORMED, TIMEOUT, HttpExchange, endpoint
from netwhy.core.protocols import readable, spoken
from netwhy.diagnosis import redirects, segments
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.reach import UNDECIDED, Layer, contrast_s, timeout
from netwhy.diagnosis.redirects import Trail
from netwhy.diagnosis.refusal import unexplained
from netwhy.diagnosis.urls import finding, first_url

#: A body that stands still this long will not come; it was promised.
_STOPPED_MS = 2000.0
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


def http(case: Case, address: IPAddress) -> Layer:
    """Ask one address, follow what it says, and judge the last answer."""
    url = first_url(case, address)
    trail = Trail()
    place = address
    while True:
        ask = HttpAsk(place, url, timeout(case))
        answer = case.want(ask)
        if answer is None:
            return UNDECIDED
        hole = segments.black_hole(case, ask, answer)
        if hole is not None and hole.severity is Severity.FAILURE:
            return Layer(True, failure=hole)
        if answer.pending and answer.phase == "connect" and trail.seen:
            redirects.unreachable(case, answer, trail)  # asks why, while it is still silent
        if answer.pending or (hole is None and segments.doubtful(case, ask, answer)):
            return UNDECIDED
        if hole is not None:
            trail.warnings.append(hole)
        if answer.next is None or answer.error is not None:
            return _judged(case, answer, address, trail)
        trail.lines.append(
            say("redirects", url=str(url), status=answer.status, next=str(answer.next))
        )
        trail.seen.add(url)
        if answer.next in trail.seen:
            return Layer(True, failure=redirects.loop(case, answer, trail))
        if len(trail.seen) > redirects.MOST_HOPS:
            return Layer(True, warnings=(redirects.long(case, answer, trail),))
        behind = redirects.place(case, answer.next, url, place)
        url = answer.next
        if behind is None and case.waiting:
            return UNDECIDED
        if behind is None:
            return redirects.nowhere(case, url, trail)
        place = behind


# ---------------------------------------------------------------------------------------- judging


def _judged(case: Case, answer: HttpExchange, address: IPAddress, trail: Trail) -> Layer:
    own = first_url(case, address)
    elsewhere = (answer.url.host, answer.url.port) != (own.host, own.port)
    if elsewhere and answer.error is not None:
        if answer.phase in ("connect", "handshake"):
            return redirects.unreachable(case, answer, trail)
        return _failed(case, answer, trail)
    if answer.error is not None:
        return _failed(case, answer, trail)
    if elsewhere and answer.untrusted is not None:
        warning = redirects.untrusted(case, answer, trail)
        if warning is None:
            return UNDECIDED
        trail.warnings.append(warning)
    said = _by_status(case, answer, trail)
    if said is not None and said.severity is Severity.FAILURE:
        return Layer(True, failure=said)
    found = [*([said] if said is not None else []), *trail.warnings]
    return Layer(True, warnings=tuple(found))


def _by_status(case: Case, answer: HttpExchange, trail: Trail) -> Finding | None:
    status = answer.status or 0
    evidence = [*trail.lines, _answered(answer)]
    if status == 400 and answer.url.scheme == "http" and _mentions(answer, _TLS_WANTED):
        evidence.append(say("body-says", said=answer.says[:120]))
        return finding(case, answer, "http.wants-tls", 0.97, evidence)
    if status in (400, 495, 496) and _mentions(answer, _CERTIFICATE_WANTED):
        evidence.append(say("body-says", said=answer.says[:120]))
        return finding(case, answer, "tls.client-certificate-required", 0.97, evidence)
    if status >= 500:
        evidence += _who(answer)
        if status in _GATEWAY:
            if status == 503:  # a server says it of itself as well
                rivals = ("http.server-error",)
                return finding(case, answer, "http.gateway-error", 0.85, evidence,
                               rivals=rivals, variant="unready")  # fmt: skip
            return finding(case, answer, "http.gateway-error", 0.95, evidence)
        variant = "portal" if status == 511 else ""
        return finding(case, answer, "http.server-error", 0.97, evidence, variant=variant)
    if not answer.whole:
        evidence.append(say("body-cut", count=answer.body))
        return finding(case, answer, "http.malformed", 0.9, evidence, variant="cut")
    if answer.cut_short and answer.flow.silent_ms >= _STOPPED_MS:
        evidence.append(
            say(
                "body-stopped",
                count=answer.body,
                whole=answer.promised,
                took=ms(answer.flow.silent_ms),
            )
        )
        return finding(case, answer, "http.silent", 0.85, evidence, variant="begun")
    if status >= 400:
        evidence += _who(answer)
        return finding(case, answer, "http.client-error", 0.97, evidence, severity=Severity.WARNING)
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


def _failed(case: Case, answer: HttpExchange, trail: Trail) -> Layer:
    """No status came: plain HTTP to a TLS port is the first thing to think of."""
    found = _no_answer(case, answer, trail)
    return UNDECIDED if found is None else Layer(True, failure=found)


def _no_answer(case: Case, answer: HttpExchange, trail: Trail) -> Finding | None:
    error = answer.error or ""
    where = endpoint(answer.address, answer.url.port)
    if answer.phase in ("connect", "handshake"):
        return unexplained(case, where, "http", error)
    evidence = list(trail.lines)
    if answer.head:
        evidence.append(say("http-said", endpoint=where, said=readable(answer.head)))
    protocol = spoken(answer.head)
    # A TLS server answers plain text with an alert or an end, never with silence.
    if answer.url.scheme == "http" and error != TIMEOUT and protocol in (None, "TLS"):
        name = answer.url.host
        shaken = case.want(
            TlsAsk(answer.address, answer.url.port, name, contrast_s(case), trust=False)
        )
        if shaken is None and case.waiting:
            return None
        if spoken(answer.head) == "TLS" or (shaken is not None and _speaks_tls(shaken)):
            if shaken is not None and _speaks_tls(shaken):
                evidence.append(say("tls-answers", endpoint=where))
            return finding(case, answer, "http.wants-tls", 0.96, evidence or [_ended(answer)])
    if error == MALFORMED:
        other = protocol if protocol != "HTTP" else None
        variant = "protocol" if other else "rules" if protocol else ""
        if variant == "rules":
            evidence.append(say("http-rule", rule=answer.rule or "the answer cannot be read"))
        return finding(
            case, answer, "http.malformed", 0.95, evidence, variant=variant, protocol=other
        )
    evidence.append(_ended(answer))
    if error == TIMEOUT:
        ask = HttpAsk(answer.address, answer.url, timeout(case))
        evidence += [*segments.heard(answer), *segments.answered_meanwhile(case, ask)]
        variant = "begun" if answer.head else ""
        return finding(case, answer, "http.silent", 0.93, evidence, variant=variant)
    if error == CLOSED:
        return finding(case, answer, "exchange.closed", 0.93, evidence, variant="http")
    if error in ("ECONNRESET", "EPIPE", "ECONNABORTED"):
        return finding(case, answer, "exchange.reset", 0.93, evidence, error=error)
    return unexplained(case, where, "http", error)


def _speaks_tls(shaken: Any) -> bool:
    """Did the port answer a hello with TLS, whatever came of it?"""
    return bool(shaken.ok or spoken(shaken.head) == "TLS")


def _ended(answer: HttpExchange) -> str:
    error = answer.error or ""
    if error == TIMEOUT and answer.head:
        return say("http-stopped", url=str(answer.url), took=ms(answer.ms))
    key = {TIMEOUT: "http-silent", CLOSED: "http-closed"}.get(error, "http-reset")
    return say(key, url=str(answer.url), took=ms(answer.ms), error=error)
