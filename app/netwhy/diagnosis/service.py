"""Above an open port: TLS, then HTTP or the answer that is expected, one layer after the other."""

from __future__ import annotations

from dataclasses import replace

from netwhy.core.model import Finding, IPAddress, Kind, Tls, Verdict
from netwhy.diagnosis.case import Case
from netwhy.diagnosis.exchange import ended_at_once, exchange
from netwhy.diagnosis.http import http
from netwhy.diagnosis.pathline import speaks
from netwhy.diagnosis.reach import Layer, Reach, failed, not_again
from netwhy.diagnosis.tls import tls


def service(case: Case, reach: Reach) -> Reach:
    """What speaks at an address whose port works; the reach with those layers added."""
    target, address, port = case.target, reach.address, case.target.port or 0
    warnings: list[Finding] = [] if reach.finding is None else [reach.finding]
    marks = dict(reach.marks)
    for name in _layers(case):
        if name == "tls":
            layer = tls(case, address, port)
        elif target.kind in (Kind.HTTP, Kind.HTTPS):
            layer = http(case, address)
        else:
            layer = exchange(case, address, port)
        if not layer.decided:
            return Reach(address, rtt_ms=reach.rtt_ms, marks=marks)
        layer = _another(case, reach.address, layer)
        marks[name] = layer.mark
        if layer.failure is not None:
            broken = failed(address, layer.failure, marks, name)
            return replace(broken, rtt_ms=reach.rtt_ms)
        warnings += layer.warnings
        if layer.unknown is not None:
            return replace(
                _told(reach, warnings), verdict=Verdict.UNKNOWN, marks=marks, reason=layer.unknown
            )
    if not _layers(case) and target.kind is Kind.TCP:
        note = ended_at_once(case, address, port)
        warnings += [note] if note is not None else []
    return replace(_told(reach, warnings), marks=marks)


def _another(case: Case, address: IPAddress, layer: Layer) -> Layer:
    """The port opened, and a further connection to it did not come about: not a fault of the layer.

    Hosts that limit new connections are in order, so it cannot be said what a client would meet.
    """
    if layer.failure is None or layer.failure.cause != "unexplained":
        return layer
    again = not_again(case, address)
    return Layer(True, unknown=again) if again else layer


def _layers(case: Case) -> list[str]:
    found = ["tls"] if case.target.tls is not Tls.NONE else []
    if case.target.kind in (Kind.HTTP, Kind.HTTPS) or speaks(case.target):
        found.append("app")
    return found


def _told(reach: Reach, warnings: list[Finding]) -> Reach:
    return replace(reach, finding=warnings[0] if warnings else None, also=tuple(warnings[1:]))
