"""This machine itself: is it on a network, with a way out and somebody to ask for names?"""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core.asks import LocalAsk, ResolverConfigAsk
from netwhy.core.model import Finding, Mark, PathStep, Severity
from netwhy.core.observations import Interface, LocalState, ResolverConfig
from netwhy.diagnosis import configuration
from netwhy.diagnosis import local as local_layer
from netwhy.diagnosis.case import Case, say


def examine(case: Case) -> list[Finding] | None:
    """What an operator would want to know of this machine; None until it is known."""
    local = case.want(LocalAsk())
    config = case.want(ResolverConfigAsk())
    if local is None or config is None:
        return None
    findings: list[Finding] = []
    loopback = next((i for i in local.interfaces if i.loopback), None)
    if loopback is not None and not loopback.up:
        findings.append(
            case.finding(
                "local.loopback-down",
                0.98,
                loopback.name,
                evidence=(say("interface-down", interface=loopback.name),),
                interface=loopback.name,
            )
        )
    usable = [i for i in local.interfaces if i.usable]
    if not usable:
        beside = _missing_beside(local, config)
        return [local_layer.offline(case, local, beside), *findings]
    if not local.gateways:
        findings.append(
            case.finding(
                "route.none",
                0.9,
                local.hostname,
                severity=Severity.WARNING,
                evidence=(say("no-default", family="IPv4"), say("no-default", family="IPv6")),
                variant="no-default",
                family="IPv4 and IPv6",
                interface=usable[0].name if len(usable) == 1 else None,
            )
        )
    if not config.used:
        findings.append(configuration.unusable(case, config, None, severity=Severity.WARNING))
    elif (ignored := configuration.ignored_without_harm(case, config)) is not None:
        findings.append(ignored)
    proxy = local_layer.proxy_note(case, local)
    if proxy is not None:
        findings.append(proxy)
    return findings


def _missing_beside(local: LocalState, config: ResolverConfig) -> list[str]:
    """What an offline machine lacks in the layers above its interfaces."""
    gateways = ", ".join(str(g.address or g.interface) for g in local.gateways)
    resolvers = ", ".join(map(str, config.used))
    said = [say("layers-above", gateway=gateways or "none", resolvers=resolvers or "none")]
    if not config.used:
        said.append(say(f"resolver-file-{config.state}", file=config.path))
    return said


def marks(findings: Sequence[Finding]) -> dict[str, Mark]:
    """How the layers of this machine stand."""
    offline = any(f.cause == "local.offline" for f in findings)
    return {
        "name": Mark.UNTESTED if offline else _mark(findings, "dns."),
        "route": _mark(findings, "local.o", "local.l", "route."),
    }


def _mark(findings: Sequence[Finding], *layer: str) -> Mark:
    """The worst of the findings whose causes begin with one of these."""
    severities = {f.severity for f in findings if f.cause.startswith(layer)}
    if Severity.FAILURE in severities:
        return Mark.FAILED
    return Mark.WARN if Severity.WARNING in severities else Mark.OK


def stations(case: Case) -> list[PathStep]:
    """The layers of this machine as stations, as far as they are there.

    A gateway and a resolver stand there only beside one that is missing: whether they answer is
    told by targets of their own.
    """
    local, config = case.known(LocalAsk()), case.known(ResolverConfigAsk())
    if local is None or config is None or not local.interfaces:
        return []
    usable = next((i for i in local.interfaces if i.usable), None)
    steps = [_interface(local, usable), _address(usable)]
    if local.gateways and config.used and usable is not None:
        return steps
    return [*steps, _gateway(local), _resolver(config)]


def _interface(local: LocalState, usable: Interface | None) -> PathStep:
    if usable is not None:
        return PathStep(usable.name, Mark.OK)
    outside = [i for i in local.interfaces if not i.loopback]
    on = [i for i in outside if i.up]
    linked = [i for i in on if i.carrier is not False]
    if linked:
        return PathStep(linked[0].name, Mark.OK)
    lacks = "link" if on else "interface up" if outside else "interface"
    return PathStep(f"no {lacks}", Mark.FAILED)


def _address(usable: Interface | None) -> PathStep:
    if usable is None:
        return PathStep("no address", Mark.FAILED)
    valid = (a.address for a in usable.addresses if not a.address.is_link_local)
    return PathStep(str(next(valid)), Mark.OK)


def _gateway(local: LocalState) -> PathStep:
    if not local.gateways:
        return PathStep("no gateway", Mark.WARN)
    first = local.gateways[0]
    return PathStep(f"gateway {first.address or first.interface}", Mark.UNTESTED)


def _resolver(config: ResolverConfig) -> PathStep:
    if not config.used:
        return PathStep("no resolver", Mark.WARN)
    return PathStep(f"resolver {config.used[0]}", Mark.UNTESTED)
