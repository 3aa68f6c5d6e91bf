"""It works, but badly: packets get lost, the way is long, or its length varies.

Beside a target that works these are warnings or notes.  Where the target is silent, and its host
loses so many packets that the silence is one of the losses, the loss is the diagnosis.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from netwhy.core import stats
from netwhy.core.asks import ConnectAsk, PingAsk, RouteAsk
from netwhy.core.model import Finding, IPAddress, Kind, Mark, Severity, Verdict
from netwhy.core.observations import Connect, endpoint
from netwhy.diagnosis import contrast
from netwhy.diagnosis.case import Case, ms, say
from netwhy.diagnosis.intercepted import intercepted
from netwhy.diagnosis.losses import Loss, late_beside, loss
from netwhy.diagnosis.reach import Reach, not_again, timeout
from netwhy.diagnosis.sampling import SPREAD_SAMPLES, Way, remote, sample

#: A user feels half a second on every step of a conversation; a satellite has 600 ms.
_SLOW_MS, _SLOWISH_MS = 500.0, 250.0
_SLOW_SAMPLES = 5
#: Calls suffer from 30 ms between one packet and the next; a long way varies more by itself.  Even
#: times spread evenly between nothing and twice the median differ by no more than half of it.
_JITTER_MS, _JITTER_SHARE = 30.0, 0.2
_JITTER_AGREES = 0.6  # what the other kind of packet must show of it
_JITTER_SAMPLES = 15
_BEST_SHARE = 0.4  # of the way from the best ping to the usual one
#: With 95 % confidence at least so much is lost before it is a warning.
_LOST_SURELY = 0.02
#: A silence that so many losses in a row would explain with this chance is explained by them.
_CHANCE = 0.02
#: Silences of a conversation that loss alone can cause.
_SILENCES = ("tls.handshake-silent", "http.silent", "exchange.silent")
_SILENCES_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Quality:
    """What is amiss with the way to an address that works, and its loss as far as it is proved.

    `open` while a suspicion is still looked into.
    """

    findings: tuple[Finding, ...] = ()
    loss: Loss | None = None
    open: bool = False


def beside(case: Case, reach: Reach, served: Reach) -> Quality:
    """What an operator would want to know of an address that works; asks for what it needs.

    `served` is the reach with the layers above: a silence there is worth waiting for what explains
    it.
    """
    address = reach.address
    if reach.verdict is not Verdict.OK or not remote(case, address):
        return Quality()
    seen = _connected(case, address)
    if seen is None:
        ping = case.known(PingAsk(address))
        if case.target.kind not in (Kind.HOST, Kind.ICMP) or ping is None or not ping.answered:
            return Quality()
    made, port = ((seen,), seen.port) if seen is not None else ((), None)
    before = {*case.wants}
    silent = served.finding is not None and served.finding.cause in _SILENCES
    doubt = silent or bool(served.verdict is Verdict.UNKNOWN and not_again(case, address))
    way = sample(case, address, handshakes=made, port=port, doubt=doubt)
    lost = loss(case, way)
    found = [_lossy(case, lost, address, port), _slow(case, way, seen), _jittery(case, way)]
    if seen is not None:
        found.append(intercepted(case, seen, way))
    suspicion = any(ask not in case.facts for ask in case.wants if ask not in before)
    told = tuple(finding for finding in found if finding is not None)
    return Quality(told, lost, suspicion and not case.final)


def added(case: Case, reach: Reach, quality: Quality) -> Reach:
    """The reach of the target with what is amiss beside it."""
    found = quality.findings
    if reach.verdict is Verdict.FAILING and reach.finding is not None:
        lost = quality.loss
        if reach.finding.cause in _SILENCES and quality.open:
            return replace(reach, verdict=None)
        if reach.finding.cause in _SILENCES and lost is not None and lost.share >= _SILENCES_SHARE:
            return replace(reach, finding=_instead(case, reach.finding, lost, reach.address))
        return replace(reach, also=tuple(f for f in found if f.cause == "tcp.intercepted"))
    lost = quality.loss
    again = "" if reach.verdict is not Verdict.UNKNOWN else not_again(case, reach.address)
    if again and lost is not None and lost.share >= _SILENCES_SHARE:
        finding = _loss_failing(case, lost, reach.address, again, "tcp.filtered")
        return replace(reach, verdict=Verdict.FAILING, finding=finding, reason=None)
    if quality.open:  # nothing is claimed that would have to be taken back
        return replace(reach, verdict=None)
    if not found:
        return reach
    marks = dict(reach.marks)
    for finding in found:
        if finding.severity is Severity.WARNING:
            marks["port" if finding.cause.startswith("tcp.") else "route"] = Mark.WARN
    every = (*((reach.finding,) if reach.finding is not None else ()), *reach.also, *found)
    return replace(reach, finding=every[0], also=every[1:], marks=marks)


def _connected(case: Case, address: IPAddress) -> Connect | None:
    """The connect to the target's port that worked: the first, or the one that was tried again."""
    port = case.target.port
    if port is None or case.target.kind in (Kind.UDP, Kind.DNS, Kind.ICMP):
        return None
    for attempt in (1, 2):
        seen = case.known(ConnectAsk(address, port, timeout(case), attempt=attempt))
        if seen is not None and seen.open:
            return seen
    return None


# ------------------------------------------------------------------------------------------ loss


def again(case: Case, seen: Connect) -> Connect | None:
    """The same port once more, where packets to its host get lost: the silence may be one of those.

    So may it be where other targets there were late: many at once meet a limit on connections.
    None where the host loses nothing, and while that is not known.
    """
    lost = _around(case, seen)
    if lost is None and (seen.pending or not late_beside(case, seen.address)):
        return None
    return case.want(ConnectAsk(seen.address, seen.port, timeout(case), attempt=2))


def or_loss(case: Case, seen: Connect, finding: Finding | None) -> Finding | None:
    """The diagnosis of a silent port, or the loss that explains it."""
    if finding is None or finding.cause not in ("tcp.filtered", "path.silent"):
        return finding
    lost = _around(case, seen)
    if lost is None:
        return finding
    share = lost.syns[0] / lost.syns[1] if lost.syns[1] else lost.share
    second = case.known(ConnectAsk(seen.address, seen.port, timeout(case), attempt=2))
    sent = seen.resends + 1 + (second.resends + 1 if second is not None else 0)
    if share**sent < _CHANCE:
        return finding
    return _instead(case, finding, lost, seen.address)


def own_crowd(case: Case, seen: Connect, finding: Finding | None) -> str:
    """Why nothing can be said of a silent port: this run itself meets a limit; else empty."""
    if finding is None or finding.cause not in ("tcp.filtered", "path.silent"):
        return ""
    if not late_beside(case, seen.address):
        return ""
    where = endpoint(seen.address, seen.port)
    return say("limit-met-by-this-run", endpoint=where, address=seen.address)


def _around(case: Case, seen: Connect) -> Loss | None:
    """The loss on the way to a host of which one port is silent."""
    if not remote(case, seen.address):
        return None
    tried = contrast.tried(case, seen.address, seen.port)
    closed = next((c.port for c in tried if c.refused_by_reset), None)
    alive = tuple(c for c in tried if c.alive)
    ping = case.known(PingAsk(seen.address))
    if not alive and (ping is None or not ping.answered):
        return None
    way = sample(case, seen.address, handshakes=alive, closed=closed)
    return loss(case, way)


def _instead(case: Case, silence: Finding, lost: Loss, address: IPAddress) -> Finding:
    above = say("silent-above", title=silence.title)
    return _loss_failing(case, lost, address, above, silence.cause)


def _loss_failing(case: Case, lost: Loss, address: IPAddress, line: str, rival: str) -> Finding:
    told = [*_lost_evidence(lost, address), line]
    return _loss_finding(
        case, lost, address, Severity.FAILURE, told, min(lost.confidence, 0.8), (rival,)
    )


def _lossy(case: Case, lost: Loss | None, address: IPAddress, port: int | None) -> Finding | None:
    if lost is None:
        return None
    grave = lost.interval[0] >= _LOST_SURELY
    severity = Severity.WARNING if grave else Severity.NOTE
    rivals: tuple[str, ...] = ("tcp.filtered",) if lost.confidence < 0.95 else ()
    if not lost.syns[1] and port is not None and lost.confidence < 0.95:
        rivals = ("tcp.backlog-full", *rivals)
    told = _lost_evidence(lost, address)
    return _loss_finding(case, lost, address, severity, told, lost.confidence, rivals)


def _loss_finding(
    case: Case,
    lost: Loss,
    address: IPAddress,
    severity: Severity,
    evidence: list[str],
    confidence: float,
    rivals: tuple[str, ...],
) -> Finding:
    return case.finding(
        "path.loss",
        confidence,
        str(address),
        severity=severity,
        evidence=evidence,
        rivals=rivals,
        variant="failing" if severity is Severity.FAILURE else "",
        root=address,
        address=address,
        gateway=_gateway(case, address),
        share=_percent(lost.share),
    )


def _gateway(case: Case, address: IPAddress) -> IPAddress | None:
    route = case.known(RouteAsk(address))
    return route.gateway if route is not None else None


def _lost_evidence(lost: Loss, address: IPAddress) -> list[str]:
    told = []
    if lost.pings[1]:
        told.append(say("pings-lost", address=address, lost=lost.pings[0], sent=lost.pings[1]))
    if lost.syns[1]:
        told.append(say("syns-lost", address=address, lost=lost.syns[0], sent=lost.syns[1]))
    if lost.resent[0]:
        told.append(
            say("handshakes-resent", address=address, lost=lost.resent[0], sent=lost.resent[1])
        )
    low, high = lost.interval
    told.append(say("loss-interval", low=_percent(low), high=_percent(high)))
    return told


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %" if share >= 0.0995 else f"{share * 100:.1f} %"


# ------------------------------------------------------------------------------- length, jitter


def _slow(case: Case, way: Way, seen: Connect | None) -> Finding | None:
    """The way is long: the series and the handshake agree in it, where there are both."""
    rtts = way.rtts_ms
    shaken = seen.rtt_ms if seen is not None and not seen.resends else None
    figures = [figure for figure in (stats.percentile(rtts, 0.5), shaken) if figure is not None]
    figure = min(figures, default=0.0)
    if figure < _SLOWISH_MS:
        return None
    grave = figure >= _SLOW_MS and len(rtts) >= _SLOW_SAMPLES
    told = []
    if rtts:
        told.append(_timed("round-trips", way, rtts))
    if shaken is not None and seen is not None:
        where = endpoint(seen.address, seen.port)
        told.append(say("handshake-took", endpoint=where, rtt=ms(shaken)))
    return case.finding(
        "path.slow",
        0.95 if len(rtts) >= _SLOW_SAMPLES else 0.8,
        str(way.address),
        severity=Severity.WARNING if grave else Severity.NOTE,
        evidence=told,
        root=way.address,
        address=way.address,
        ms=ms(figure),
    )


def _jittery(case: Case, way: Way) -> Finding | None:
    """Round trips that differ from one to the next, seen at intervals as a program sends them."""
    if not way.settled:
        return None
    spread = [s for s in (*way.pings, *way.syns) if s.sent >= SPREAD_SAMPLES]
    kinds = [_steps(series.rtts_ms) for series in spread]
    measured = [kind for kind in kinds if kind is not None]
    if not measured or measured[0][0] <= measured[0][1]:
        return None
    if any(jitter < _JITTER_AGREES * limit for jitter, limit in measured):
        return None
    jitter = measured[0][0]
    rtts = spread[0].rtts_ms
    if len(measured) == 1 and way.pings and _at_best(way, rtts):
        return None
    return case.finding(
        "path.jitter",
        0.95 if len(measured) > 1 else 0.8,
        str(way.address),
        severity=Severity.WARNING,
        evidence=[
            _timed("round-trips", way, rtts),
            say("steps-mean", count=len(rtts), jitter=ms(jitter)),
        ],
        root=way.address,
        address=way.address,
        gateway=_gateway(case, way.address),
        jitter=ms(jitter),
        ms=ms(stats.percentile(rtts, 0.5)),
    )


def _at_best(way: Way, pings_ms: list[float]) -> bool:
    """Did the handshakes take no more than the best pings?  Then it may be the host, or a router,
    that takes its time with pings alone."""
    ordered = sorted(pings_ms)
    best, usual = ordered[0], ordered[len(ordered) // 2]
    shaken = [c.rtt_ms for c in way.handshakes if c.rtt_ms is not None and not c.resends]
    return bool(shaken) and max(shaken) < best + _BEST_SHARE * (usual - best)


def _steps(rtts: list[float]) -> tuple[float, float] | None:
    """The mean step and what it may be; no step where one or two outliers alone make it."""
    jitter, median = stats.jitter(rtts), stats.percentile(rtts, 0.5)
    if len(rtts) < _JITTER_SAMPLES or jitter is None or median is None:
        return None
    usual = stats.percentile(stats.steps(rtts), 0.5) or 0.0
    limit = max(_JITTER_MS, _JITTER_SHARE * median)
    return (jitter if usual > limit / 4 else 0.0), limit


def _timed(key: str, way: Way, rtts: list[float]) -> str:
    ordered = sorted(rtts)
    return say(
        key,
        address=way.address,
        count=len(rtts),
        median=ms(stats.percentile(rtts, 0.5)),
        least=ms(ordered[0]),
        most=ms(ordered[-1]),
    )
