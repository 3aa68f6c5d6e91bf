"""Where the time of a connection went: the name, the connection, TLS, the request, the answer."""

from __future__ import annotations

from netwhy.core.model import Outcome, ProbeRow, Target, TargetReport, Verdict
from netwhy.output.layout import milliseconds

#: What the rows call a phase, and people.
_WORDS = {
    "connect_ms": "connect",
    "tls_ms": "TLS",
    "request_ms": "request",
    "send_ms": "send",
    "first_byte_ms": "first byte",
    "body_ms": "rest",
}
#: Which phase stood still, by the `phase` of a row.
_STOPPED = {
    "connect": "connect",
    "handshake": "TLS",
    "request": "request",
    "send": "send",
    "answer": "first byte",
    "receive": "first byte",
}
#: The deeper ones hold the phases of the others, too.
_DEEPEST = ("http", "exchange", "tls")


def phases(report: TargetReport, *, dot: str = "·") -> str:
    """`name 1.2 ms · connect 0.9 ms · TLS 4.1 ms · first byte 12.0 ms`; empty where nothing speaks.

    A phase in which it ended badly comes last and says how: `TLS 4.2 s (TIMEOUT)`.
    """
    row = _row(report)
    if row is None:
        return ""
    told = [*_name(report), *_each(row)]
    error = row.error if row.outcome is Outcome.FAILED else None
    stopped = _STOPPED.get(str(row.detail.get("phase")))
    if error is not None and stopped is not None:
        told = [part for part in told if part[0] != stopped]
        told.append((stopped, _left(row)))
    words = [f"{name} {milliseconds(ms)}" if ms is not None else name for name, ms in told]
    if error is not None and stopped is not None and words:
        words[-1] += f" ({error})"
    return f" {dot} ".join(words)


def hops(report: TargetReport, *, arrow: str = "→") -> str:
    """`http://a.example/ 301 → https://a.example/ 200`; empty without a redirect."""
    rows = [row for row in report.probes if row.probe == "http" and row.subject]
    sent_on = {row.subject: row for row in rows if row.detail.get("redirect")}
    at = next(iter(sent_on), "")
    told: list[str] = []
    while at in sent_on:
        row = sent_on.pop(at)
        told.append(f"{at} {row.detail.get('status')}")
        at = str(row.detail["redirect"])
    last = next((row for row in rows if row.subject == at), None)
    if told:
        end = last.detail.get("status") or last.error if last is not None else None
        told.append(f"{at} {end}" if end is not None else at)
    return f" {arrow} ".join(told)


def _row(report: TargetReport) -> ProbeRow | None:
    """The row that tells most: the deepest, and of a target that fails one that failed."""
    wanted = Outcome.FAILED if report.verdict is Verdict.FAILING else Outcome.OK
    for probe in _DEEPEST:
        rows = [r for r in report.probes if r.probe == probe and r.outcome is not Outcome.SKIPPED]
        if rows:
            return next((r for r in rows if r.outcome is wanted), rows[0])
    return None


def _name(report: TargetReport) -> list[tuple[str, float | None]]:
    target: Target = report.target
    looked_up = (
        row.ms
        for row in report.probes
        if row.probe == "dns" and row.subject == target.host and row.detail.get("by") == "system"
    )
    took = next((ms for ms in looked_up if ms is not None), None)
    return [] if target.address is not None or took is None else [("name", took)]


def _each(row: ProbeRow) -> list[tuple[str, float | None]]:
    found = ((word, row.detail.get(key)) for key, word in _WORDS.items())
    return [(word, float(ms)) for word, ms in found if isinstance(ms, int | float)]


def _left(row: ProbeRow) -> float | None:
    """The time of the phase that never ended: what the others leave of the whole."""
    if row.ms is None or row.probe == "tls":  # that row's time is the handshake's
        return row.ms
    done = sum(ms for word, ms in _each(row) if ms is not None)
    return max(0.0, row.ms - done)
