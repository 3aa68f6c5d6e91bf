"""The sockets of the ports view: which are listed, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.cells import cell_len

from netwhy.core.listing import Listing
from netwhy.core.observations import Socket
from netwhy.core.overlaps import owner_label
from netwhy.tui.port_lines import home, key

#: So many rows are listed; who looks for one among more filters.
MOST = 5000
#: So many of them decide how wide the columns are.
_MEASURED = 500
_REACH = {"everywhere": 0, "link": 1, "loopback": 2}

#: Name of the order → its key; the first is where the screen starts.  Equal ones stay by port.
SORTS: dict[str, Callable[[Socket], tuple[Any, ...]]] = {
    "port": lambda s: (),
    "owner": lambda s: (not s.owners, owner_label(s).casefold()),
    "exposure": lambda s: (s.remote is not None, _REACH.get(s.exposure, 3)),
    "connections": lambda s: (-(s.connections or 0),),
    "newest": lambda s: (-max((o.started or 0.0 for o in s.owners), default=0.0),),
}
#: The order that a click on a column's heading asks for.
BY_COLUMN = {
    "port": "port",
    "owner": "owner",
    "exposure": "exposure",
    "clients": "connections",
    "since": "newest",
}
#: The orders for which the owners of connections must be known.
BY_OWNER = frozenset({"owner", "newest"})


@dataclass(frozen=True, slots=True)
class Arranged:
    """What of a reading is listed: keys in their order, each with its place in it.

    `found`: how many sockets fit the filter, of which MOST are listed.  `longest`: by column.
    """

    listing: Listing | None = None
    keys: tuple[str, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)
    found: int = 0
    longest: Mapping[str, int] = field(default_factory=dict)

    def socket(self, key: str) -> Socket:
        """The socket of that key.  KeyError when it is not listed."""
        if self.listing is None:
            raise KeyError(key)
        return self.listing.sockets[self.places[key]]

    def oddities(self, key: str) -> tuple[str, ...]:
        """What is odd about it."""
        return () if self.listing is None else self.listing.odd.get(self.places[key], ())


def arranged(listing: Listing, words: Sequence[str], sort: str) -> Arranged:
    """The sockets that fit the filter, in the order of that name."""
    found = listing.places(words, typing=True)
    if sort != next(iter(SORTS)):
        order = SORTS[sort]
        found.sort(key=lambda place: order(listing.sockets[place]))
    places = {key(listing.sockets[place]): place for place in found[:MOST]}
    longest = _longest([listing.sockets[place] for place in found[:_MEASURED]])
    return Arranged(listing, tuple(places), places, len(found), longest)


def _longest(sockets: Sequence[Socket]) -> dict[str, int]:
    """The cells that the texts need; nothing is said of owners that are not known yet."""
    cells = {
        "address": max((len(str(s.address)) for s in sockets), default=0),
        "user": max((cell_len(str(o.user)) for s in sockets for o in s.owners), default=0),
        "home": max((cell_len(home(o)) for s in sockets for o in s.owners[:1]), default=0),
        "remote": max((len(str(s.remote[0])) + 8 for s in sockets if s.remote), default=0),
    }
    if all(s.owners for s in sockets):
        cells["owner"] = max((cell_len(owner_label(s)) for s in sockets), default=0)
    return cells
