"""Many targets, one cause: what several of them share is said once.

Each failing or degraded target brings its own diagnosis, with where on the way it lies.  A deeper
cause on the same way that another target proved explains it; causes that are equal are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netwhy.core.model import Finding, RootCause, Severity, TargetReport, Verdict
from netwhy.diagnosis import shared
from netwhy.diagnosis.shared import Key, Member

#: Layers whose causes can lie under several targets at once, and single causes of other layers.
#: A refused port is its own fault.
_SHARED = ("local.", "route.", "dns.", "path.", "tcp.rejected-by-firewall")
_SOME_FAIL = "tcp.some-addresses-fail"
#: Routers and firewalls that say no.
_REPORTED = ("path.prohibited", "path.network-unreachable", "path.host-unreachable", "path.loop")
#: Nothing comes back: whatever is dead on the way explains it.
_LOST = frozenset(
    {
        "path.silent",
        "path.ipv6-broken",
        "path.ipv4-broken",
        "dns.resolver-silent",
        "dns.resolver-unreachable",
        "dns.first-resolver-dead",
        _SOME_FAIL,
    }
)
_RESOLVER_DEAD = ("dns.resolver-not-listening", "dns.resolver-unreachable", "dns.resolver-silent")


def root_causes(reports: Sequence[TargetReport]) -> tuple[RootCause, ...]:
    """The causes that explain more than one failing or degraded target, widest first."""
    members = [member for report in reports if (member := _member(report)) is not None]
    groups = shared.both_gateways(_grouped(members))
    groups = shared.each_host_of_a_living_network(groups, reports)
    groups = shared.beyond_one_hop(groups, reports)
    groups = shared.by_one_resolver(groups, reports)
    groups = shared.on_one_host(groups, reports)
    found = [
        RootCause(
            cause,
            subject,
            shared.title((cause, subject), group),
            tuple(dict.fromkeys(member.text for member in group)),
        )
        for (cause, subject), group in groups.items()
        if len({member.text for member in group}) > 1 and _shareable(cause, subject, group)
    ]
    return tuple(sorted(found, key=lambda root: -len(root.explains)))


def _member(report: TargetReport) -> Member | None:
    """What a target brings; None for one that works or has nothing to tell."""
    finding = report.diagnosis
    if finding is None or finding.severity is Severity.NOTE:
        return None
    if report.verdict not in (Verdict.FAILING, Verdict.DEGRADED):
        return None
    return Member(report.target.text, _reason(report.findings))


def _reason(findings: Sequence[Finding]) -> Finding:
    """The finding that stands for the target: behind "some addresses fail" is why they do.

    Where they fail for several reasons, no single one explains the target.
    """
    first, *rest = findings
    if first.cause != _SOME_FAIL:
        return first
    whys = [f for f in rest if f.severity is first.severity and not f.cause.startswith("dns.")]
    keys = {Member("", why).key for why in whys}
    return whys[0] if len(keys) == 1 and whys[0].cause.startswith(_SHARED) else first


def _grouped(members: Sequence[Member]) -> dict[Key, list[Member]]:
    """Members by the deepest cause that is known to be there."""
    known = {member.key for member in members}
    groups: dict[Key, list[Member]] = {}
    for member in members:
        deeper = next((k for k in _deeper(member.finding) if k in known), member.key)
        groups.setdefault(deeper, []).append(member)
    return groups


def _deeper(finding: Finding) -> Iterable[Key]:
    """What would explain a finding if it were there, the deepest first.

    Every one lies nearer to this machine than the finding itself, so that none explains another
    in a circle.
    """
    cause, way = finding.cause, finding.way
    lost = cause in _LOST
    by_name = cause.startswith("dns.")
    if lost and way.gateway:
        yield "route.gateway-silent", way.gateway
    if lost and by_name:
        yield "route.neighbour-silent", way.address
    if lost and way.sender:
        yield from ((reported, way.sender) for reported in _REPORTED)
    if cause == "tcp.rejected-by-firewall" and way.sender:
        yield "path.prohibited", way.sender  # the same firewall turns away whole hosts
    if lost and way.gateway:
        family = 6 if ":" in way.address else 4
        yield f"path.ipv{family}-broken", f"IPv{family}"
    if lost and by_name:
        yield "path.silent", way.address
    if cause == "dns.first-resolver-dead":
        yield from ((dead, finding.root) for dead in _RESOLVER_DEAD)


def _shareable(cause: str, subject: str, group: Sequence[Member]) -> bool:
    """May the cause lie under several targets?"""
    if cause.startswith(_SHARED):
        return True
    return shared.one_host(cause, subject, group)
