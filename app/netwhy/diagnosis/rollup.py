"""Many targets, one cause: what several of them share is said once."""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core.model import Finding, RootCause, Severity, TargetReport, Verdict

#: Layers whose causes can lie under several targets at once.  A refused port is its own fault.
_SHARED_LAYERS = ("local.", "route.", "dns.", "path.")


def root_causes(reports: Sequence[TargetReport]) -> tuple[RootCause, ...]:
    """The causes that explain more than one failing or degraded target, widest first."""
    groups: dict[tuple[str, str], list[tuple[TargetReport, Finding]]] = {}
    for report in reports:
        finding = report.diagnosis
        if finding is None or finding.severity is Severity.NOTE:
            continue
        if report.verdict not in (Verdict.FAILING, Verdict.DEGRADED):
            continue
        groups.setdefault((finding.cause, finding.root or finding.subject), []).append(
            (report, finding)
        )
    found = [
        RootCause(
            cause,
            subject,
            members[0][1].title,
            tuple(report.target.text for report, _finding in members),
        )
        for (cause, subject), members in groups.items()
        if len(members) > 1 and _shareable(cause)
    ]
    return tuple(sorted(found, key=lambda root: -len(root.explains)))


def _shareable(cause: str) -> bool:
    return cause.startswith(_SHARED_LAYERS)
