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
    Column("state", "", 2),  # the state, and whether it follows from a root cause
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
    Column("owner", "OWNER", 20, grow=44),
    Column("user", "USER", 8, drop=20, grow=14),
    Column("clients", "CONNS", 5, drop=8, right=True),
    Column("since", "SINCE", 6, drop=10, right=True),
    Column("home", "UNIT, CONTAINER", 15, drop=5, grow=40),
)

CONNECTIONS = (
    Column("mark", "", 1),
    Column("proto", "PROTO", 5, drop=25),
    Column("state", "STATE", 10, drop=40),
    Column("address", "ADDRESS", 12, grow=32),
    Column("port", "PORT", 5, right=True),
    Column("remote", "OPEN TO", 18, grow=47),
    Column("owner", "OWNER", 16, grow=44),
    Column("user", "USER", 8, drop=20, grow=14),
    Column("since", "SINCE", 6, drop=10, right=True),
    Column("home", "UNIT, CONTAINER", 15, drop=5, grow=40),
)


def laid(columns: Sequence[Column], width: int, longest: Mapping[str, int] | None = None) -> Laid:
    """The columns that fit into `width` cells, each with its width, in their order.

    What is left is given to the growing columns, first to the first, and to none more than the
    `longest` text of that column needs.  Where several columns went at once and left more than
    that, those that went before come back, the last first.
    """
    longest = longest or {}
    kept = list(columns)
    gone: list[Column] = []
    while _needed(kept) > width:
        droppable = [column.drop for column in kept if column.drop]
        if not droppable:
            break
        gone += [column for column in kept if column.drop == min(droppable)]
        kept = [column for column in kept if column.drop != min(droppable)]
    never = [column for column in kept if not column.drop]
    spare = width - _needed(kept) - sum(_growth(column, longest) for column in never)
    for column in reversed(gone):
        if column.drop != gone[-1].drop and column.width < spare:
            kept.append(column)
            spare -= column.width + 1
    spare = max(0, width - _needed(kept))
    result = []
    for column in sorted(kept, key=columns.index):
        extra = min(spare, _growth(column, longest))
        spare -= extra
        result.append((column, column.width + extra))
    return tuple(result)


def _growth(column: Column, longest: Mapping[str, int]) -> int:
    """By how many cells a column would like to be wider."""
    return max(0, min(column.grow, longest.get(column.name, column.grow)) - column.width)


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.width for column in columns) + max(0, len(columns) - 1)
