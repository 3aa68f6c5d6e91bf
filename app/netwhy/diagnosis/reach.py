"""One address of a target: what is known of it, layer by layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from netwhy.core.asks import (
    ExchangeAsk,
    HttpAsk,
    LocalAsk,
    PingAsk,
    RouteAsk,
    TlsAsk,
)
from netwhy.core.model import Finding, IPAddress, Mark, Verdict
from netwhy.core.observations import (
    TIMEOUT,
    Exchange,
    HttpExchange,
    LocalState,
    Ping,
    Route,
    TlsHandshake,
    endpoint,
)
from netwhy.diagnosis.case import Case, say


@dataclass(frozen=True, slots=True)
class Reach:
    """What is known of one address.  `verdict` None: not decided yet.

    `skipped` says why the address was not tried at all: then it counts neither way.  `also` are
    further findings; `reason` says why the verdict is UNKNOWN.
    """

    address: IPAddress
    verdict: Verdict | None = None
    finding: Finding | None = None
    rtt_ms: float | None = None
    marks: dict[str, Mark] = field(default_factory=dict)
    skipped: str | None = None
    also: tuple[Finding, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer above the port came to.  `decided` False: not known yet.

    Without a failure it works, as far as `warnings` and `unknown` (why that cannot be said) go.
    """

    decided: bool = False
    failure: Finding | None = None
    warnings: tuple[Finding, ...] = ()
    unknown: str | None = None

    @property
    def mark(self) -> Mark:
        if self.failure is not None:
            return Mark.FAILED
        if self.unknown is not None:
            return Mark.UNTESTED
        return Mark.WARN if self.warnings else Mark.OK


UNDECIDED = Layer()


def surroundings(
    case: Case, address: IPAddress
) -> tuple[LocalState | None, Route | None, Ping | None]:
    local = case.want(LocalAsk())
    route = case.want(RouteAsk(address))
    own = address.is_loopback or (route is not None and route.local)
    ping = None if own or (route is not None and route.error) else case.hope(PingAsk(address))
    return local, route, ping


def layer_marks(route: Route | None, ping: Ping | None) -> dict[str, Mark]:
    marks: dict[str, Mark] = {}
    if route is not None:
        marks["route"] = Mark.FAILED if route.error else Mark.OK
    if ping is not None:
        failed = ping.icmp is not None
        marks["ping"] = Mark.OK if ping.answered else Mark.FAILED if failed else Mark.UNTESTED
    return marks


def failed(
    address: IPAddress, finding: Finding | None, marks: dict[str, Mark], layer: str
) -> Reach:
    if finding is None:
        return Reach(address, marks=marks)
    first_hop = finding.cause.split(".")[0] == "route" or finding.cause in (
        "local.offline",
        "local.interface-down",
        "local.loopback-down",
    )
    broken = "route" if first_hop else layer
    marks[broken] = Mark.FAILED
    if broken == "route":
        for later in ("ping", "port"):
            if marks.get(later) in (Mark.FAILED, None):
                marks[later] = Mark.UNTESTED
    return Reach(address, Verdict.FAILING, finding, marks=marks)


#: What a limit on new connections makes of one too many.
_NOT_AGAIN = (TIMEOUT, "ETIMEDOUT", "ECONNREFUSED")


def not_again(case: Case, address: IPAddress) -> str:
    """What became of a further connection to a port that opened a moment before; empty: nothing."""
    for ask in case.facts:
        if not isinstance(ask, (TlsAsk, HttpAsk, ExchangeAsk)) or ask.address != address:
            continue
        if ask.segment is not None or ask.attempt > 1 or ask not in case.wants:
            continue
        told = case.facts[ask]
        if not isinstance(told, (TlsHandshake, HttpExchange, Exchange)):
            continue
        if told.phase == "connect" and told.error in _NOT_AGAIN:
            port = case.target.port
            return say("not-connected-again", endpoint=endpoint(address, port), error=told.error)
    return ""


#: How long a handshake or an answer may take that is only a contrast.
_CONTRAST_S = 2.0


def timeout(case: Case) -> float | None:
    return case.target.options.timeout_s or case.timeout_s


def contrast_s(case: Case) -> float:
    """The time limit of a contrast: it is to decide soon, not to succeed at any price."""
    return min(timeout(case) or _CONTRAST_S, _CONTRAST_S)
