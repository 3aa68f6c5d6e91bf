"""What is different between the last check that worked and the first that did not.

Only facts that both reports really hold are compared: what one of them did not look at has
neither changed nor stayed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netwhy.core.model import ProbeRow, TargetReport

ADDRESSES = "addresses"
_SHOWN = 4  # values of one fact
#: What of the unchanged is named together; it is named only if all of it is unchanged.
_TOGETHER = {
    "gateway": "route",
    "interface": "route",
    "source address": "route",
    "certificate subject": "certificate",
    "certificate issuer": "certificate",
    "certificate expiry": "certificate",
    "certificate names": "certificate",
    "certificates sent": "certificate",
}

#: What it is and of what (an address, a URL; empty: of the target) → its values.
_Facts = dict[tuple[str, str], tuple[str, ...]]
_Fact = tuple[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact before and after.  Texts from outside may be in it."""

    what: str
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed, and in short what both reports hold and did not change."""

    changed: tuple[Difference, ...] = ()
    same: tuple[str, ...] = ()


def compare(good: TargetReport, bad: TargetReport, *, moving: bool = False) -> Comparison:
    """The facts of two reports of one target, in the order in which a connection meets them.

    `moving`: the addresses of the name change all the time, which is then no news.
    """
    before, after = dict(_facts(good)), dict(_facts(bad))
    changed: dict[Difference, None] = {}
    told: dict[str, bool] = {}
    for key, was in before.items():
        now = after.get(key)
        what = key[0]
        if now is None or (moving and what == ADDRESSES):
            continue
        differs = set(was) != set(now)
        if was or differs:
            name = _TOGETHER.get(what, what)
            told[name] = told.get(name, False) or differs
        if differs:
            changed[Difference(what, _list(was, now), _list(now, was))] = None
    return Comparison(tuple(changed), tuple(name for name, differs in told.items() if not differs))


def _list(values: tuple[str, ...], others: tuple[str, ...]) -> str:
    """The values in words, those that the other side lacks first."""
    ordered = sorted(dict.fromkeys(values), key=lambda value: value in others)
    more = len(ordered) - _SHOWN
    text = ", ".join(ordered[:_SHOWN]) or "none"
    return f"{text} and {more} more" if more > 0 else text


def _facts(report: TargetReport) -> Iterator[_Fact]:
    """The first row that tells a fact counts: what was tried later was tried for another reason."""
    found: _Facts = {}
    readers = (_machine, _name, _route, _way, _tls, _http)
    for reader in readers:
        for key, values in reader(report):
            found.setdefault(key, values)
    yield from found.items()


def _machine(report: TargetReport) -> Iterator[_Fact]:
    for row in _rows(report, "local"):
        for key, what in (
            ("usable_interfaces", "interfaces"),
            ("default_gateways", "default gateways"),
        ):
            if key in row.detail:
                yield (what, ""), _texts(row.detail[key])


def _name(report: TargetReport) -> Iterator[_Fact]:
    """Who was asked, who answered, and the addresses; an address as target has no name."""
    if report.target.address is not None:
        return
    host = report.target.query_name or report.target.host
    for row in _rows(report, "dns"):
        by, detail = row.detail.get("by"), row.detail
        if "resolvers" in detail:
            yield ("configured resolvers", ""), _texts(detail["resolvers"])
        elif "lines" in detail:
            lines = [line.get("address") for line in _maps(detail["lines"])]
            yield ("hosts file", row.subject), _texts(lines) or ("no entry",)
        elif by == "system" and row.subject == host and not row.error and detail.get("addresses"):
            yield (ADDRESSES, ""), _texts(detail["addresses"])
        elif by not in (None, "system") and row.subject == host:
            about = f"{by} {detail.get('type')} {detail.get('transport')}"
            yield (f"resolver {by}", about), (row.error or "answers",)
    if report.addresses:
        yield (ADDRESSES, ""), report.addresses


def _route(report: TargetReport) -> Iterator[_Fact]:
    for row in _rows(report, "route"):
        if "neighbour" in row.detail or "interface" not in row.detail:
            continue
        yield ("route", row.subject), (row.error or "there",)
        if row.error:
            continue
        yield ("gateway", row.subject), (str(row.detail.get("gateway") or "on link"),)
        for key, what in (("interface", "interface"), ("source", "source address")):
            if row.detail.get(key) is not None:
                yield (what, row.subject), (str(row.detail[key]),)


def _way(report: TargetReport) -> Iterator[_Fact]:
    for row in _rows(report, "path"):
        if row.detail.get("reached_after_hops") is not None:
            yield ("hops", row.subject), (str(row.detail["reached_after_hops"]),)


def _tls(report: TargetReport) -> Iterator[_Fact]:
    """The server's own certificate, whichever address showed it."""
    for row in _rows(report, "tls"):
        if row.detail.get("version"):
            yield ("TLS version", ""), (str(row.detail["version"]),)
        chain = list(_maps(row.detail.get("chain")))
        if not chain or "unreadable" in chain[0]:
            continue
        for key, what in (
            ("subject", "certificate subject"),
            ("issuer", "certificate issuer"),
            ("not_after", "certificate expiry"),
            ("names", "certificate names"),
        ):
            if chain[0].get(key):
                yield (what, ""), _texts(chain[0][key])
        yield ("certificates sent", ""), (str(len(chain)),)


def _http(report: TargetReport) -> Iterator[_Fact]:
    for row in _rows(report, "http"):
        for key, what in (
            ("status", "HTTP status"),
            ("redirect", "redirect"),
            ("server", "HTTP server"),
        ):
            if row.detail.get(key) is not None:
                # What follows the question mark of a redirect may be new each time.
                value = str(row.detail[key]).partition("?")[0]
                yield (what, row.subject), (value,)


def _rows(report: TargetReport, probe: str) -> list[ProbeRow]:
    return [row for row in report.probes if row.probe == probe]


def _texts(value: object) -> tuple[str, ...]:
    """One text or several, as a tuple; what is empty is left out."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(str(each) for each in values if each not in (None, ""))


def _maps(value: object) -> Iterable[Mapping[str, Any]]:
    values = value if isinstance(value, list | tuple) else ()
    return (each for each in values if isinstance(each, Mapping))
