"""What is on the screen as one report, for the roll-up and the exports."""

from __future__ import annotations

from dataclasses import replace

from netwhy.core.model import Report, TargetReport, Vantage
from netwhy.core.record import untold
from netwhy.core.snapshot import Row, Snapshot


def report_of(
    snapshot: Snapshot, only: TargetReport | None = None, *, unfinished: bool = False
) -> Report:
    """The snapshot as one report, or `only` this one.

    Targets never wholly checked are left out, or with `unfinished` told as far as they are known.
    """
    from netwhy.engine import assemble

    found = (only,) if only else tuple(row.report for row in snapshot.rows)
    reports = tuple(report for report in found if report is not None)
    if unfinished:
        reports = tuple(row.report or _unfinished(row) for row in snapshot.rows)
    return assemble(
        reports,
        vantage=snapshot.vantage or _nowhere(),
        taken_at=snapshot.taken_at,
        duration_ms=max((r.duration_ms for r in reports), default=0.0),
    )


def _unfinished(row: Row) -> TargetReport:
    known = row.partial or untold(row.target, "no check of it has ended yet")
    return replace(known, complete=False)


def _nowhere() -> Vantage:
    """This machine as far as Python knows it, until the engine has read it."""
    import platform

    names = {"Linux": "linux", "Darwin": "macos", "Windows": "windows"}
    system = platform.system()
    return Vantage(platform.node(), names.get(system, system.lower()), privileged=False)
