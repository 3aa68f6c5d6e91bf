"""What happened at each address of a name: one row per address, one column per layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netwhy.core.model import Mark, Outcome, ProbeRow, TargetReport

#: Probe → title of its column, in the order in which a connection meets them.
_COLUMNS = {
    "ping": "ping",
    "tcp": "connect",
    "udp": "UDP",
    "tls": "TLS",
    "http": "HTTP",
    "exchange": "answer",
}
_MARKS = {
    Outcome.OK: Mark.OK,
    Outcome.DEGRADED: Mark.WARN,
    Outcome.FAILED: Mark.FAILED,
    Outcome.SKIPPED: Mark.UNTESTED,
}


@dataclass(frozen=True, slots=True)
class Cell:
    """How one layer ended at one address.

    `text` is the symbol of an error or an HTTP status; empty: `ms` says all.  UNTESTED: nothing
    was tried, or it could not be told.
    """

    mark: Mark = Mark.UNTESTED
    text: str = ""
    ms: float | None = None


@dataclass(frozen=True, slots=True)
class Matrix:
    """`rows` holds (address, its cells); each has one cell for each of `columns`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def matrix(report: TargetReport) -> Matrix | None:
    """The addresses of the target against what was tried there; None for fewer than two.

    Columns are the layers that were tried at any of them.  A layer that was tried more than once
    at an address shows the first try: the others were made to compare.
    """
    addresses = tuple(dict.fromkeys(report.addresses))
    if len(addresses) < 2:
        return None
    found: dict[tuple[str, str], Cell] = {}
    for row in report.probes:
        for address in addresses:
            if row.probe in _COLUMNS and address in _about(row, report.target.port, addresses):
                key = (address, row.probe)
                if key not in found or found[key].mark is Mark.UNTESTED:
                    found[key] = _cell(row)
    tried = [probe for probe in _COLUMNS if any(key[1] == probe for key in found)]
    rows = ((a, tuple(found.get((a, probe), Cell()) for probe in tried)) for a in addresses)
    return Matrix(tuple(_COLUMNS[probe] for probe in tried), tuple(rows)) if tried else None


def _about(row: ProbeRow, port: int | None, addresses: tuple[str, ...]) -> Iterator[str]:
    """The addresses that a row speaks of, asked at the target's own port or at none."""
    told = row.detail.get("address")
    for address in addresses:
        end = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        if row.subject in ((address,) if port is None else (address, end)) or told == address:
            yield address


def _cell(row: ProbeRow) -> Cell:
    status = row.detail.get("status")
    text = row.error or ("" if status is None else str(status))
    return Cell(_MARKS[row.outcome], text, row.ms)
