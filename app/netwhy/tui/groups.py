"""Rows under the headings of their groups, which can be folded; what a heading says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from rich.cells import cell_len

from netwhy.core.model import VERDICT_ORDER, Verdict
from netwhy.core.snapshot import Row
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.tui.look import ROLES, Line, Piece, glyph, word
from netwhy.tui.order import Order, arranged
from netwhy.tui.spans import fitted
from netwhy.tui.why_lines import Lines

NO_GROUP = "no group"
_LONGEST = 40  # cells of a group's name
#: Begins the key of a heading; no target holds it.
_HEADING = "\0"


def heading_key(row: Row) -> str:
    """The key of the heading over a row."""
    return _HEADING + (row.target.options.group or "")


def is_heading(key: str | None) -> bool:
    return key is not None and key.startswith(_HEADING)


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one group that match the filter, in their order."""

    key: str
    rows: tuple[Row, ...]
    folded: bool

    @property
    def name(self) -> str:
        return inert(self.key.removeprefix(_HEADING)) or NO_GROUP

    @property
    def counts(self) -> Counter[Verdict | None]:
        return Counter(row.verdict for row in self.rows)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The list as it stands: keys from top to bottom, and what is behind each.

    `instead` names the heading for each row that is folded away; `start` is where the cursor
    stands before it is moved: on the first target, not on the heading over it.
    """

    keys: list[str] = field(default_factory=list)
    rows: dict[str, Row] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    instead: dict[str, str] = field(default_factory=dict)
    start: int = 0


def has_groups(rows: Sequence[Row]) -> bool:
    return any(row.target.options.group for row in rows)


def arrange(
    rows: Sequence[Row],
    order: Order,
    wanted: str = "",
    *,
    symptoms: Set[str] = frozenset(),
    grouped: bool = False,
    folded: Set[str] = frozenset(),
) -> Arrangement:
    """The rows in order, under headings where they are wanted.

    A group stands where its first row would stand (by state, the one with the newest failure is
    on top), but by name they go by their own.  Nothing is folded while there is a filter: what
    matches is seen.
    """
    chosen = arranged(rows, order, wanted, symptoms)
    by_key = {row.target.text: row for row in chosen}
    if not grouped:
        return Arrangement(list(by_key), by_key)
    members: dict[str, list[Row]] = {}
    for row in chosen:
        members.setdefault(heading_key(row), []).append(row)
    found = Arrangement(rows=by_key)
    order_of = list(members)
    if order.name == "name":
        order_of.sort(key=str.casefold, reverse=order.backwards)
    for key in order_of:
        inside = members[key]
        shut = key in folded and not wanted.strip()
        found.groups[key] = Group(key, tuple(inside), shut)
        found.keys.append(key)
        texts = [row.target.text for row in inside]
        if shut:
            found.instead.update(dict.fromkeys(texts, key))
        else:
            found.keys.extend(texts)
    start = next((at for at, key in enumerate(found.keys) if not is_heading(key)), 0)
    return Arrangement(found.keys, by_key, found.groups, found.instead, start)


def group_line(group: Group, page: Page) -> Line:
    """The heading: folded or not, the name, and how many are in which state, the worst first."""
    shut, opened = (">", "v") if page.ascii else ("▸", "▾")  # + is "ok" in ASCII
    name = group.name
    if cell_len(name) > _LONGEST:
        name = fitted(name, _LONGEST, ellipsis="~" if page.ascii else "…")
    return ((f"{shut if group.folded else opened} {name}", "title"), *_counts(group, page))


def _counts(group: Group, page: Page) -> tuple[Piece, ...]:
    counts = group.counts
    states = [state for state in (*VERDICT_ORDER, None) if counts[state]]
    return tuple(
        (f"  {glyph(state, page)} {counts[state]} {word(state)}", ROLES[state]) for state in states
    )


def about_group(group: Group, width: int, page: Page) -> list[Line]:
    """What is wrong in a group: each cause once, with its targets."""
    out = Lines(max(20, width), page)
    out.add((f" {counted(len(group.rows), 'target')}", "title"), *_counts(group, page))
    told: dict[tuple[Verdict, str], list[str]] = {}
    for row in group.rows:
        if row.verdict in (None, Verdict.OK):
            continue
        finding = row.report.diagnosis if row.report else None
        title = finding.title if finding else (row.report.reason if row.report else None)
        assert row.verdict is not None
        told.setdefault((row.verdict, title or word(row.verdict)), []).append(row.target.label)
    for (verdict, title), labels in told.items():
        out.gap()
        out.text(f"{glyph(verdict, page)} {title}", ROLES[verdict])
        out.text(", ".join(labels), indent=3)
    if not told:
        out.gap()
        out.text("Nothing in this group needs a look.", "muted")
    return out.lines
