"""What only several targets together show: a dead stretch of the way, a host without services."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from netwhy.core.model import Finding, Outcome, ProbeRow, TargetReport
from netwhy.diagnosis.case import say
from netwhy.diagnosis.destinations import apart

Key = tuple[str, str]  # cause and root


@dataclass(frozen=True, slots=True)
class Member:
    """A failing or degraded target, and the finding that stands for it."""

    text: str
    finding: Finding

    @property
    def key(self) -> Key:
        return self.finding.cause, self.finding.root or self.finding.subject


Groups = dict[Key, list[Member]]

_GATEWAY = "route.gateway-silent"
_SILENT = ("path.silent", "dns.resolver-silent")
#: How many ports of one host must fail alike before the host is named and not each of them.
_PORTS = {"tcp.refused": 3, "tcp.filtered": 2}
#: How a resolver turns names away that it cannot or will not look up.
_TURNED_AWAY = frozenset(
    {"dns.refused", "dns.not-a-resolver", "dns.server-failure", "dns.dnssec-bogus"}
)
_SHOWN = 3


# -------------------------------------------------------------------------- the same router


def both_gateways(groups: Groups) -> Groups:
    """The gateways of both families are dead, as a target that needs them shows: one router."""
    dead = sorted(key for key in groups if key[0] == _GATEWAY)
    twins = {key: {m.finding.way.twin for m in groups[key]} for key in dead}
    roots = {root for _cause, root in dead}
    linked = [
        key
        for key in dead
        if twins[key] & roots - {key[1]} or any(key[1] in twins[other] for other in dead)
    ]
    return _joined(groups, linked, linked[0]) if len(linked) > 1 else groups


# ------------------------------------------------------------------------------ the same hop


def beyond_one_hop(groups: Groups, reports: Sequence[TargetReport]) -> Groups:
    """Silent hosts at several sites behind one gateway, and nothing at all that answers there.

    Where traces end at the same router, that router is named.  One machine that answers from
    beyond, if only to refuse, leaves each its own cause.
    """
    by_hop: dict[tuple[str, str], list[Key]] = {}
    for key, members in groups.items():
        ways = [member.finding.way for member in members]
        routers = {way.router for way in ways} - {""}
        if key[0] in _SILENT and len({way.gateway for way in ways}) == 1 and len(routers) < 2:
            gateway = ways[0].gateway
            by_hop.setdefault((gateway, next(iter(routers), gateway)), []).append(key)
    known = {hop for hops in by_hop for hop in hops}
    for (gateway, hop), keys in by_hop.items():
        addresses = {m.finding.way.address for key in keys for m in groups[key]}
        if gateway and _several_sites(addresses) and not _life_beyond(gateway, known, reports):
            groups = _joined(groups, keys, ("path.silent", hop))
    return groups


def _several_sites(addresses: set[str]) -> bool:
    parsed = [ip_address(address) for address in sorted(addresses) if address]
    return any(
        apart(parsed[0], other) for other in parsed[1:] if other.version == parsed[0].version
    )


def _life_beyond(gateway: str, known: set[str], reports: Sequence[TargetReport]) -> bool:
    """Did anything beyond the gateway answer, whatever it said, but the hops already known?"""
    for report in reports:
        beyond = {
            row.subject
            for row in report.probes
            if row.probe == "route" and row.detail.get("gateway") == gateway
        }
        if beyond and any(_answered(row, known) & beyond for row in report.probes):
            return True
    return False


def _answered(row: ProbeRow, known: set[str]) -> set[str]:
    """The address of a row, if a machine answered for it that is neither this one nor known."""
    if row.probe in ("route", "local", "bind", "path"):
        return set()
    sender = row.detail.get("icmp_from")
    spoke = sender is not None and sender not in known and not row.detail.get("icmp_own")
    refused = row.error == "ECONNREFUSED" and sender is None
    if not (row.outcome is Outcome.OK or spoke or refused):
        return set()
    return {_host(str(row.detail.get("by", row.subject)))}


def _host(subject: str) -> str:
    """The address of `10.0.0.1:80`, `[2001:db8::1]:80` or a bare address."""
    if subject.startswith("["):
        return subject[1:].partition("]")[0]
    return subject.partition(":")[0] if subject.count(":") == 1 else subject


# -------------------------------------------------------------------------- the same network


def each_host_of_a_living_network(groups: Groups, reports: Sequence[TargetReport]) -> Groups:
    """A router cannot reach several hosts: one cause, unless others beside them answer.

    Then its way to their network is fine, and each of the hosts is down for itself.
    """
    for key in [key for key in groups if key[0] == "path.host-unreachable"]:
        members = groups[key]
        hosts = dict.fromkeys(m.finding.way.address for m in members)
        if len(hosts) < 2 or "" in hosts or not _beside(hosts, _alive(reports)):
            continue
        apart_now: Groups = {k: v for k, v in groups.items() if k != key}
        for member in members:
            own = (key[0], member.finding.way.address) if member.key == key else member.key
            apart_now.setdefault(own, []).append(member)
        groups = apart_now
    return groups


def _beside(hosts: Iterable[str], alive: set[str]) -> bool:
    """Is anybody alive at the site of the hosts?"""
    living = [ip_address(address) for address in sorted(alive)]
    dead = [ip_address(address) for address in hosts]
    return any(a.version == d.version and not apart(d, a) for d in dead for a in living)


def _alive(reports: Sequence[TargetReport]) -> set[str]:
    """Every address that answered for itself."""
    found = set()
    for report in reports:
        for row in report.probes:
            host = _host(str(row.detail.get("by", row.subject)))
            if host in _answered(row, set()) and row.detail.get("icmp_from") in (None, host):
                found.add(host)
    return {host for host in found if _is_address(host)}


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


# ----------------------------------------------------------------------------- the same host


def on_one_host(groups: Groups, reports: Sequence[TargetReport]) -> Groups:
    """Several ports of one host that fail alike, where none that was asked for is open."""
    by_host: dict[Key, list[Key]] = {}
    for key, members in groups.items():
        address = members[0].finding.way.address
        if key[0] in _PORTS and address:
            by_host.setdefault((key[0], address), []).append(key)
    for (cause, address), keys in by_host.items():
        if len(keys) >= _PORTS[cause] and not (cause == "tcp.refused" and _open(address, reports)):
            groups = _joined(groups, keys, (cause, address))
    return groups


def one_host(cause: str, subject: str, group: Sequence[Member]) -> bool:
    """Was the group made by `on_one_host`?"""
    return cause in _PORTS and all(m.finding.way.address == subject for m in group)


def _open(address: str, reports: Sequence[TargetReport]) -> bool:
    return any(
        row.probe == "tcp" and row.outcome is not Outcome.FAILED and _host(row.subject) == address
        for report in reports
        for row in report.probes
    )


# ------------------------------------------------------------------------- the same resolver


def by_one_resolver(groups: Groups, reports: Sequence[TargetReport]) -> Groups:
    """Several names that one resolver turns away alike, where it gave an address for none."""
    by_resolver: dict[Key, list[Key]] = {}
    for key, members in groups.items():
        resolver = members[0].finding.way.address
        if key[0] in _TURNED_AWAY and resolver:
            by_resolver.setdefault((key[0], resolver), []).append(key)
    for (cause, resolver), keys in by_resolver.items():
        if len(keys) > 1 and not _resolves(resolver, reports):
            groups = _joined(groups, keys, (cause, resolver))
    return groups


def _resolves(resolver: str, reports: Sequence[TargetReport]) -> bool:
    return any(
        row.probe == "dns" and row.detail.get("by") == resolver and row.detail.get("addresses")
        for report in reports
        for row in report.probes
    )


def _joined(groups: Groups, keys: Sequence[Key], into: Key) -> Groups:
    """The groups with those of `keys`, and `into` itself, as one."""
    taken = [*keys, *([into] if into in groups and into not in keys else [])]
    joined: Groups = {into: [member for key in taken for member in groups[key]]}
    return joined | {key: members for key, members in groups.items() if key not in taken}


# ------------------------------------------------------------------------------------- words

#: A sentence that is true of all targets of a cause, where the titles of the findings differ.
_TITLES = {
    "local.firewall": "root-own-firewall",
    "local.interface-down": "root-interface-down",
    "local.loopback-down": "root-loopback-down",
    "route.none": "root-no-route",
    _GATEWAY: "root-gateways",
    "path.prohibited": "root-prohibited",
    "path.network-unreachable": "root-network-unreachable",
    "path.host-unreachable": "root-host-unreachable",
    "path.silent": "root-beyond-hop",
    "path.ipv6-broken": "root-ipv6-broken",
    "path.ipv4-broken": "root-ipv4-broken",
    "dns.refused": "root-resolver-refuses",
    "dns.not-a-resolver": "root-not-a-resolver",
    "dns.server-failure": "root-server-failure",
    "dns.dnssec-bogus": "root-bogus",
    "tcp.refused": "root-refused",
    "tcp.filtered": "root-filtered",
    "tcp.rejected-by-firewall": "root-rejected",
}


def title(key: Key, members: Sequence[Member]) -> str:
    """One line that is true of every target of the group."""
    cause, root = key
    own = [member for member in members if member.key == key or member.key[0] == _GATEWAY]
    titles = {m.finding.title for m in own or members}
    if len(titles) == 1 or cause not in _TITLES:
        return min(titles)
    addresses = [m.finding.way.address for m in members if m.finding.way.address]
    ports = [m.finding.subject.rpartition(":")[2] for m in members]
    gateways = [m.finding.way.gateway for m in own if m.finding.way.gateway]
    told = {
        "addresses": ", ".join(_few(addresses)),
        "ports": ", ".join(_few(ports)),
        "gateways": " and ".join(_few(gateways)),
    }
    return say(_TITLES[cause], root=root, **told)


def _few(values: Sequence[str]) -> Iterator[str]:
    """The first few different values, and how many are left."""
    distinct = [*dict.fromkeys(values)]
    yield from distinct[:_SHOWN]
    if len(distinct) > _SHOWN:
        yield f"{len(distinct) - _SHOWN} more"
