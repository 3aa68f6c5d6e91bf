"""The table at the end of a lab run: one line a layer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import median
from typing import Any

_COLUMNS = ("layer", "entries", "right", "verdict right", "false alarms", "median", "slowest")


def lines(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The table of what the entries recorded; empty where there is nothing to show."""
    layers: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        layers.setdefault(record["layer"], []).append(record)
    if not layers:
        return []
    every = [record for layer in layers.values() for record in layer]
    rows = [_COLUMNS, *(_row(name, layers[name]) for name in sorted(layers)), _row("all", every)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_COLUMNS))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _row(name: str, records: list[Mapping[str, Any]]) -> tuple[str, ...]:
    times = [record["wall_ms"] for record in records]
    return (
        name,
        str(len(records)),
        str(sum(record["right"] for record in records)),
        str(sum(record["verdict_right"] for record in records)),
        str(sum(record["false_alarm"] for record in records)),
        f"{median(times) / 1000:.2f} s",
        f"{max(times) / 1000:.2f} s",
    )
