"""Where requests of a target go, and findings about what came of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netwhy.core.model import Finding, IPAddress, Kind
from netwhy.core.observations import HttpExchange, Url, endpoint
from netwhy.diagnosis.case import Case


def first_url(case: Case, address: IPAddress) -> Url:
    """Where the target's own request goes."""
    target = case.target
    scheme = "https" if target.kind is Kind.HTTPS else "http"
    usual = 443 if scheme == "https" else 80
    return Url(scheme, target.host or str(address), target.port or usual, target.path or "/")


def finding(
    case: Case,
    answer: HttpExchange,
    cause: str,
    confidence: float,
    evidence: Sequence[str],
    **more: Any,
) -> Finding:
    """A finding about one request, with what is known of it among its parameters."""
    known: dict[str, Any] = {
        "address": answer.address,
        "port": answer.url.port,
        "endpoint": endpoint(answer.address, answer.url.port),
        "host": answer.url.host,
        "url": str(answer.url),
        "status": answer.status,
        "server": answer.header("server"),
        "sni": answer.url.host,
    }
    subject = str(answer.url)
    return case.finding(cause, confidence, subject, evidence=evidence, **(known | more))
