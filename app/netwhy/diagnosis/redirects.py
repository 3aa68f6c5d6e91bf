"""Redirects: where they lead, and what is wrong there.

Whoever asks for the page feels what is wrong behind a redirect as a fault of the page.  So the
place that it leads to is examined like a target of its own, by the same layers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from netwhy.core.asks import SystemLookupAsk, TlsAsk
from netwhy.core.model import Finding, IPAddress, Severity, Verdict, Where
from netwhy.core.observations import HttpExchange, Url
from netwhy.core.target import TargetError, parse
from netwhy.diagnosis import dns as dns_layer
from netwhy.diagnosis import tls as tls_layer
from netwhy.diagnosis.case import Case
from netwhy.diagnosis.reach import UNDECIDED, Layer, timeout
from netwhy.diagnosis.tcp import tcp
from netwhy.diagnosis.urls import finding

#: Redirects that are followed; a browser gives up after about twenty.
MOST_HOPS = 5


@dataclass(slots=True)
class Trail:
    """The redirects so far, as evidence, and the places that were seen."""

    lines: list[str] = field(default_factory=list)
    seen: set[Url] = field(default_factory=set)
    warnings: list[Finding] = field(default_factory=list)


def place(case: Case, url: Url, before: Url, at: IPAddress) -> IPAddress | None:
    """The address behind the next hop; None while it is looked up, or when there is none."""
    if url.host == before.host:
        return at
    try:
        return ip_address(url.host)
    except ValueError:
        pass
    found = case.want(SystemLookupAsk(url.host, case.target.options.family))
    return found.addresses[0] if found is not None and found.addresses else None


def nowhere(case: Case, url: Url, trail: Trail) -> Layer:
    """The name that a redirect leads to gives no address: why?"""
    there = _there(case, url)
    if there is not None:
        failure = dns_layer.resolve(there, url.host, case.target.options.family).failure
        if failure is not None:
            return Layer(True, failure=_told(failure, trail, url))
        if case.waiting:
            return UNDECIDED
    return Layer(True, unknown=f"it sends on to {url}, whose name does not resolve")


def unreachable(case: Case, answer: HttpExchange, trail: Trail) -> Layer:
    """The place that a redirect leads to takes no connection, or no handshake: why?"""
    there = _there(case, answer.url)
    found = None
    if there is not None:
        found = _broken(there, answer)
        if found is not None:
            return Layer(True, failure=_told(found, trail, answer.url))
        if case.waiting and not case.final:
            return UNDECIDED
    return Layer(True, unknown=f"it sends on to {answer.url}, which gave {answer.error}")


def _broken(there: Case, answer: HttpExchange) -> Finding | None:
    address, port = answer.address, answer.url.port
    reach = tcp(there, address, port)
    if reach.verdict is not Verdict.OK or answer.phase == "connect":
        return reach.finding if reach.verdict is Verdict.FAILING else None
    return tls_layer.tls(there, address, port).failure


def _there(case: Case, url: Url) -> Case | None:
    """The case of the other place; what it asks for counts for this one."""
    try:
        return replace(case, target=parse(str(url)))
    except TargetError:
        return None


def _told(found: Finding, trail: Trail, url: Url) -> Finding:
    """The finding with the way that led there; its far side is the host of that place."""
    fixes = tuple(
        replace(fix, machine=url.host) if fix.where is Where.TARGET and not fix.machine else fix
        for fix in found.fixes
    )
    return replace(found, evidence=(*trail.lines, *found.evidence), fixes=fixes)


def untrusted(case: Case, answer: HttpExchange, trail: Trail) -> Finding | None:
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


def loop(case: Case, answer: HttpExchange, trail: Trail) -> Finding:
    """A place came twice."""
    return finding(case, answer, "http.redirect-loop", 0.95, trail.lines)


def long(case: Case, answer: HttpExchange, trail: Trail) -> Finding:
    """It goes on and on, and no place came twice: it may still end."""
    return finding(
        case,
        answer,
        "http.redirect-loop",
        0.6,
        trail.lines,
        severity=Severity.WARNING,
        variant="long",
    )
