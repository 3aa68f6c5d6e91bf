"""This machine itself: is it on a network, with a way out and somebody to ask for names?"""

from __future__ import annotations

from netwhy.core.asks import LocalAsk, ResolverConfigAsk
from netwhy.core.model import Finding, Severity
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
    if not any(i.usable for i in local.interfaces):
        return [local_layer.offline(case, local), *findings]
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
