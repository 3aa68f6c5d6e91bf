"""A target that fails and names another that would serve instead: does that one work?"""

from __future__ import annotations

from dataclasses import replace

from netwhy.core.model import Fix, TargetReport, Verdict, Where
from netwhy.diagnosis.case import say


def attach(report: TargetReport, fallback: TargetReport) -> TargetReport:
    """The failing report with what became of its fallback: first thing to do, or one hope less."""
    finding = report.diagnosis
    if finding is None:
        return report
    label = fallback.target.label
    if fallback.verdict in (Verdict.OK, Verdict.DEGRADED):
        fix = Fix(say("fallback-use", fallback=label), None, Where.CLIENT)
        finding = replace(
            finding,
            evidence=(*finding.evidence, say("fallback-works", fallback=label)),
            fixes=(fix, *finding.fixes),
        )
    else:
        why = fallback.diagnosis
        told = why.title if why is not None else fallback.reason or str(fallback.verdict)
        line = say("fallback-fails", fallback=label, title=told)
        finding = replace(finding, evidence=(*finding.evidence, line))
    return replace(report, findings=(finding, *report.findings[1:]))
