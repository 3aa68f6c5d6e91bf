"""Something is said on an open port, and an answer is expected: a health check."""

from __future__ import annotations

from typing import Any

from netwhy.core.asks import ConnectAsk, ExchangeAsk, TlsAsk
from netwhy.core.model import Finding, IPAddress, Kind, Severity
from netwhy.core.observations import CLOSED, TIMEOUT, Exchange, endpoint
from netwhy.core.protocols import readable, spoken
from netwhy.diagnosis import segments
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.reach import UNDECIDED, Layer, contrast_s, timeout
from netwhy.diagnosis.refusal import unexplained

_RESETS = ("ECONNRESET", "EPIPE", "ECONNABORTED")


def exchange(case: Case, address: IPAddress, port: int) -> Layer:
    """Send what the target names, and see whether the answer is what it expects."""
    target = case.target
    transport = {Kind.UDP: "udp", Kind.TLS: "tls"}.get(target.kind, "tcp")
    ask = ExchangeAsk(
        address,
        port,
        transport,
        target.host if transport == "tls" else None,
        target.options.send,
        target.options.expect,
        timeout(case),
    )
    seen = case.want(ask)
    if seen is None:
        return UNDECIDED
    hole = None if transport == "udp" else segments.black_hole(case, ask, seen)
    if hole is not None and hole.severity is Severity.FAILURE:
        return Layer(True, failure=hole)
    if transport != "udp" and hole is None and segments.doubtful(case, ask, seen):
        return UNDECIDED
    if seen.pending:
        return UNDECIDED
    if seen.matched:
        return Layer(True, warnings=(hole,) if hole is not None else ())
    finding = _failure(case, ask, seen)
    return UNDECIDED if finding is None else Layer(True, failure=finding)


def ended_at_once(case: Case, address: IPAddress, port: int) -> Finding | None:
    """A note where the peer accepted and then ended the connection before anything was said.

    The port is open, which is what was asked; many a healthy service does that with a stranger.
    """
    tries = (ConnectAsk(address, port, timeout(case), attempt=n) for n in (2, 1))
    seen = next((s for s in map(case.known, tries) if s is not None and s.open), None)
    if seen is None or seen.ended is None:
        return None
    where = endpoint(address, port)
    closed = seen.ended == CLOSED
    key = "closed-at-once" if closed else "reset-at-once"
    return case.finding(
        "exchange.closed" if closed else "exchange.reset",
        0.95,
        where,
        severity=Severity.NOTE,
        evidence=[say(key, endpoint=where, took=ms(seen.ended_ms), error=seen.ended)],
        variant="at-once",
        address=address,
        port=port,
        endpoint=where,
        error=seen.ended,
    )


def _wants_tls(case: Case, seen: Exchange) -> bool | None:
    """Does a port that cut a plain connection answer a TLS hello?  None: not known yet."""
    if seen.transport != "tcp":
        return False
    shaken = case.want(
        TlsAsk(seen.address, seen.port, case.target.host, contrast_s(case), trust=False)
    )
    if shaken is None:
        return None if case.waiting else False
    return shaken.ok or spoken(shaken.head) == "TLS"


def _failure(case: Case, ask: ExchangeAsk, seen: Exchange) -> Finding | None:
    where = endpoint(seen.address, seen.port)
    error = seen.error or ""
    if seen.phase in ("connect", "handshake") and error not in _RESETS:
        return unexplained(case, where, "exchange", error)
    evidence = [_sent(seen)]
    if error in _RESETS:
        phase = seen.phase if seen.phase in ("send", "receive") else "connect"
        evidence.append(
            say(
                f"reset-in-{phase}",
                endpoint=where,
                error=error,
                took=ms(seen.ms),
                received=seen.received,
            )
        )
        if seen.head:
            evidence.append(say("first-bytes", said=readable(seen.head)))
        return _cut(case, seen, "exchange.reset", evidence, error)
    if seen.received:
        return _unexpected(case, seen, evidence)
    if error == CLOSED:
        evidence.append(say("closed-without-data", endpoint=where, took=ms(seen.ms)))
        return _cut(case, seen, "exchange.closed", evidence, error)
    if error == TIMEOUT:
        evidence.append(say("silent-after-accept", endpoint=where, took=ms(seen.ms)))
        evidence += [*segments.heard(seen), *segments.answered_meanwhile(case, ask)]
        variant = "line" if _without_line_end(case) else ""
        return _finding(case, seen, "exchange.silent", 0.95, evidence, variant=variant)
    return unexplained(case, where, "exchange", error)


def _cut(case: Case, seen: Exchange, cause: str, evidence: list[str], error: str) -> Finding | None:
    """The connection was ended; a server that wants TLS ends a plain one, too."""
    wants_tls = _wants_tls(case, seen)
    if wants_tls is None:
        return None
    if wants_tls:
        evidence.append(say("tls-answers", endpoint=endpoint(seen.address, seen.port)))
    variant = "tls" if wants_tls else ""
    return _finding(case, seen, cause, 0.95, evidence, variant=variant, error=error)


def _unexpected(case: Case, seen: Exchange, evidence: list[str]) -> Finding:
    """Something came, and it is not what was expected."""
    protocol = spoken(seen.head)
    evidence.append(say("answered-with", said=readable(seen.head), received=seen.received))
    evidence.append(say("expected", expected=readable((case.target.options.expect or "").encode())))
    if protocol:
        evidence.append(say("looks-like", protocol=protocol))
    variant = "tls" if protocol == "TLS" and seen.transport == "tcp" else ""
    return _finding(
        case, seen, "exchange.unexpected", 0.95, evidence, variant=variant, protocol=protocol
    )


def _sent(seen: Exchange) -> str:
    where = endpoint(seen.address, seen.port)
    if not seen.to_send:
        return say("nothing-sent", endpoint=where)
    return say("bytes-sent", endpoint=where, sent=seen.sent, whole=seen.to_send)


def _without_line_end(case: Case) -> bool:
    sent = case.target.options.send
    return sent is not None and not sent.endswith("\n")


def _finding(
    case: Case, seen: Exchange, cause: str, confidence: float, evidence: list[str], **more: Any
) -> Finding:
    where = endpoint(seen.address, seen.port)
    known: dict[str, Any] = {
        "address": seen.address,
        "port": seen.port,
        "endpoint": where,
        "said": readable(seen.head, 40) if seen.head else None,
        "expected": readable((case.target.options.expect or "").encode(), 40),
    }
    return case.finding(cause, confidence, where, evidence=evidence, **(known | more))
