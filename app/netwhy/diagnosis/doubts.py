"""A second look at the name, once its addresses have failed: was it the right address at all?

How many connections: one to each of two addresses that another source gives for the name, and
only after the address that the system took has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from netwhy.core.asks import ConnectAsk
from netwhy.core.model import Finding, IPAddress, Mark, Severity, Verdict
from netwhy.core.observations import SystemLookup
from netwhy.diagnosis import filtered
from netwhy.diagnosis.addresses import Combined
from netwhy.diagnosis.case import Case, say
from netwhy.diagnosis.dns import Resolution
from netwhy.diagnosis.reach import Reach

_MOST_ELSEWHERE = 2
#: Faults of this machine that stop every address alike: then the name is beside the point.
_DEEPER = ("local.offline", "local.loopback-down", "local.files-exhausted")


def weigh(
    case: Case,
    resolution: Resolution,
    combined: Combined,
    reach: Callable[[IPAddress], Reach],
) -> Combined:
    """The verdict again, with the name at fault where another address for it works."""
    failing = combined.verdict is Verdict.FAILING
    if failing and any(f.cause in _DEEPER for f in combined.findings[:1]):
        return combined
    if not failing and not (combined.verdict is None and _faltering(case, resolution)):
        return combined
    if resolution.doubt is not None:
        return _elsewhere(case, resolution, resolution.doubt, combined, reach)
    return _made_up(case, resolution, combined) if failing else combined


def _faltering(case: Case, resolution: Resolution) -> bool:
    """Is any connection to the addresses late already?  Then there is no time to lose."""
    port = case.target.port
    known = [
        observation
        for ask, observation in case.facts.items()
        if isinstance(ask, ConnectAsk) and ask.port == port and ask.address in resolution.addresses
    ]
    return any(getattr(o, "pending", False) or getattr(o, "error", None) for o in known)


def _elsewhere(
    case: Case,
    resolution: Resolution,
    doubt: Finding,
    combined: Combined,
    reach: Callable[[IPAddress], Reach],
) -> Combined:
    """Does an address work that another source gives for the name?"""
    reaches = [reach(address) for address in resolution.elsewhere[:_MOST_ELSEWHERE]]
    if combined.verdict is None:
        return combined
    working = [r.address for r in reaches if r.verdict is Verdict.OK]
    if working:
        told = [
            *(say("address-works", address=a) for a in working),
            *_failures(resolution.addresses, combined.findings),
        ]
        return _at_fault(combined, replace(doubt, evidence=(*doubt.evidence, *told)))
    if any(r.verdict is None for r in reaches) and not case.final:
        return replace(combined, verdict=None)
    return combined


def _failures(addresses: Sequence[IPAddress], findings: Sequence[Finding]) -> list[str]:
    return [
        say("address-fails", address=address, title=finding.title, cause=finding.cause)
        for address, finding in zip(addresses[:1], findings[:1], strict=False)
    ]


def _made_up(case: Case, resolution: Resolution, combined: Combined) -> Combined:
    """Is the address one that the resolver gives for names that cannot exist?"""
    if resolution.server is None:
        return combined
    looked_up = SystemLookup(case.target.host, resolution.addresses)
    waiting = case.waiting
    found = filtered.rewritten(
        case, looked_up, resolution.server, case.want, severity=Severity.FAILURE
    )
    if found is not None:
        return _at_fault(combined, found)
    if case.waiting and not waiting and not case.final:
        return replace(combined, verdict=None)
    return combined


def _at_fault(combined: Combined, finding: Finding) -> Combined:
    marks = {**combined.marks, "name": Mark.FAILED}
    return replace(combined, findings=(finding, *combined.findings), marks=marks)
