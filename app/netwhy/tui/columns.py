"""The columns of a list: fixed widths, and the order in which they go when it is narrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column.  `drop`: the lowest goes first, 0 never goes.  `grow`: up to this many cells.

    Columns are one blank apart, which `width` does not count.
    """

    name: str
    title: str
    width: int
    drop: int = 0
    grow: int = 0
    right: bool = False


Laid = tuple[tuple[Column, int], ...]

TARGETS = (
    Column("state", "", 1),
    Column("word", "STATE", 8, drop=30),
    Column("target", "TARGET", 18, grow=44),
    Column("name", "NAME", 4, drop=70),
    Column("route", "ROUTE", 5, drop=70),
    Column("ping", "PING", 4, drop=70),
    Column("port", "PORT", 4, drop=70),
    Column("tls", "TLS", 3, drop=70),
    Column("app", "APP", 3, drop=70),
    Column("rtt", "RTT ms", 6, drop=60, right=True),
    Column("p95", "p95", 6, drop=10, right=True),
    Column("loss", "LOSS", 4, drop=20, right=True),
    Column("since", "SINCE", 6, drop=40, right=True),
    Column("strip", "CHECKS", 10, drop=50, grow=60),
)

PORTS = (
    Column("mark", "", 1),
    Column("proto", "PROTO", 5),
    Column("address", "ADDRESS", 15, grow=32),
    Column("port", "PORT", 5, right=True),
    Column("exposure", "EXPOSURE", 10, drop=30),
    Column("owner", "OWNER", 16, grow=44),
    Column("user", "USER", 8, drop=20, grow=14),
    Column("since", "SINCE", 6, drop=10, right=True),
)


def laid(columns: Sequence[Column], width: int, longest: Mapping[str, int] | None = None) -> Laid:
    """The columns that fit into `width` cells, each with its width, in their order.

    What is left is given to the growing columns, first to the first, and to none more than the
    `longest` text of that column needs.
    """
    longest = longest or {}
    kept = list(columns)
    while _needed(kept) > width:
        droppable = [column.drop for column in kept if column.drop]
        if not droppable:
            break
        kept = [column for column in kept if column.drop != min(droppable)]
    spare = max(0, width - _needed(kept))
    result = []
    for column in kept:
        wanted = min(column.grow, longest.get(column.name, column.grow))
        extra = min(spare, max(0, wanted - column.width))
        spare -= extra
        result.append((column, column.width + extra))
    return tuple(result)


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + max(0, len(columns) - 1)
