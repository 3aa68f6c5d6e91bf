"""The path line: the stations between this process and the service, broken where the fault is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netwhy.core.asks import ConnectAsk, HostsAsk, PingAsk, ResolverConfigAsk, RouteAsk, UdpAsk
from netwhy.core.model import (
    Finding,
    IPAddress,
    Kind,
    Mark,
    PathStep,
    Severity,
    Target,
    Tls,
    Verdict,
)
from netwhy.core.observations import Icmp
from netwhy.diagnosis import way
from netwhy.diagnosis.case import Case


def draw(
    case: Case,
    verdict: Verdict,
    addresses: Sequence[IPAddress],
    findings: Sequence[Finding],
    marks: Mapping[str, Mark],
    default: Mark,
) -> tuple[PathStep, ...]:
    """The stations in order; `default` marks one of which nothing is known.

    Behind the first failed one nothing was tested.
    """
    target = case.target
    failure = next((f for f in findings if f.severity is Severity.FAILURE), None)
    cause = failure.cause if failure is not None else ""
    steps = [PathStep("this host", Mark.OK)]
    if target.kind is Kind.BIND:
        port = f"port {target.port}"
        return (*steps, PathStep(port, marks.get("port", default)))
    if target.kind is Kind.LOCAL:
        from netwhy.diagnosis import machine

        loopback = cause == "local.loopback-down"
        broken = [PathStep(_inside(failure), Mark.FAILED)] if failure and loopback else []
        return _broken_once([*steps, *broken, *machine.stations(case)])
    if failure is not None and cause.startswith("local."):
        steps.append(PathStep(_inside(failure), Mark.FAILED))
    if not addresses and failure is not None and cause.startswith("route."):
        hop = "gateway" if cause == "route.gateway-silent" else "route to"
        steps.append(PathStep(f"{hop} {failure.subject}", Mark.FAILED))
    if target.address is None:
        steps.append(PathStep(_resolver(case), marks.get("name", default)))
    if addresses:
        steps += _stations(case, addresses[0], cause, marks, verdict, default)
    else:
        steps.append(PathStep(target.host, Mark.UNTESTED))
    if target.port is not None and target.kind not in (Kind.HOST, Kind.ICMP):
        steps.append(PathStep(f"port {target.port}", marks.get("port", default)))
    if target.tls is not Tls.NONE:
        steps.append(PathStep("TLS", marks.get("tls", default)))
    if target.kind in (Kind.HTTP, Kind.HTTPS):
        steps.append(PathStep("HTTP", marks.get("app", default)))
    elif speaks(target):
        steps.append(PathStep("answer", marks.get("app", default)))
    return _broken_once(steps)


def speaks(target: Target) -> bool:
    """Is something to be said or heard after the connection, beyond what its kind says?"""
    options = target.options
    if target.kind is Kind.UDP:
        return options.expect is not None
    return target.kind in (Kind.TCP, Kind.TLS) and (options.send or options.expect) is not None


def _inside(failure: Finding) -> str:
    """The part of this machine at which the way ends."""
    if failure.cause == "local.interface-down":
        return f"interface {failure.subject}"
    return {
        "local.firewall": "own firewall",
        "local.policy": "security policy",
        "local.offline": "network",
        "local.loopback-down": "loopback",
        "local.ports-exhausted": "source ports",
        "local.files-exhausted": "open files",
    }.get(failure.cause, "address")


def _resolver(case: Case) -> str:
    in_hosts = case.known(HostsAsk(case.target.host))
    if in_hosts is not None and in_hosts.entries:
        return "hosts file"
    config = case.known(ResolverConfigAsk())
    if config is None or not config.used:
        return "resolver"
    return f"resolver {config.used[0]}"


def _stations(
    case: Case,
    address: IPAddress,
    cause: str,
    marks: Mapping[str, Mark],
    verdict: Verdict,
    default: Mark,
) -> list[PathStep]:
    """Gateway, a router that said no, and the address itself."""
    works = verdict in (Verdict.OK, Verdict.DEGRADED) or marks.get("port") is Mark.OK
    route = case.known(RouteAsk(address))
    steps: list[PathStep] = []
    if route is not None and route.error is not None:
        return [PathStep("route", Mark.FAILED), PathStep(str(address), Mark.UNTESTED)]
    said_no = None if works else _sender(case, address)
    gateway = route.gateway if route is not None else None
    if gateway is not None:
        looping = cause == "path.loop" and _circles(case, address)
        dead = cause == "route.gateway-silent" or (said_no == gateway and not looping)
        steps.append(PathStep(f"gateway {gateway}", Mark.FAILED if dead else Mark.OK))
    followed = None if works else _followed(case, address, cause, beyond=gateway is not None)
    if followed is not None:
        steps.append(followed)
    elif said_no is not None and said_no not in (gateway, address):
        steps.append(PathStep(f"router {said_no}", Mark.FAILED))
    silent = cause in ("path.silent", "route.neighbour-silent") or cause.startswith("path.")
    alive = works or cause.startswith(("tcp.", "udp.", "tls.", "http.", "exchange."))
    mark = Mark.OK if alive else Mark.FAILED if silent else default
    if verdict is Verdict.UNKNOWN and not works:
        mark = marks.get("ping", default)
    steps.append(PathStep(str(address), mark))
    return steps


def _circles(case: Case, address: IPAddress) -> bool:
    trace = way.known(case, address, case.target.port)
    return trace is not None and bool(trace.circle)


def _followed(case: Case, address: IPAddress, cause: str, *, beyond: bool) -> PathStep | None:
    """Where a trace says that the way ends: in a circle, or after the last router that answered."""
    trace = way.known(case, address, case.target.port)
    if trace is None or trace.last is None:
        return None
    if cause == "path.loop" and trace.circle:
        return PathStep(f"loop at {next(filter(None, trace.circle))}", Mark.FAILED)
    if cause != "path.silent" or (beyond and trace.last.ttl == 1):
        return None
    between = "… " if trace.last.ttl > 1 + beyond else ""
    return PathStep(f"{between}router {trace.last.address}", Mark.OK)


def _sender(case: Case, address: IPAddress) -> IPAddress | None:
    """The foreign machine whose ICMP error stopped the target's own probe."""
    target = case.target
    icmp: Icmp | None = None
    for ask, observation in case.facts.items():
        if isinstance(ask, (ConnectAsk, UdpAsk)) and ask.port != target.port:
            continue
        if isinstance(ask, PingAsk) and target.port is not None:
            continue
        if isinstance(ask, (ConnectAsk, UdpAsk, PingAsk)) and ask.address == address:
            icmp = icmp or getattr(observation, "icmp", None)
    if icmp is None or icmp.own or icmp.sender == address:
        return None
    return icmp.sender


def _broken_once(steps: Sequence[PathStep]) -> tuple[PathStep, ...]:
    drawn: list[PathStep] = []
    broken = False
    for step in steps:
        drawn.append(PathStep(step.label, Mark.UNTESTED) if broken else step)
        broken = broken or step.mark is Mark.FAILED
    return tuple(drawn)
