"""Reads the sockets for the ports view: one reading at a time, and never too often."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from netwhy.core.listing import Listing, NoListing
from netwhy.core.observations import Owner, Socket
from netwhy.tui.port_lines import key
from netwhy.tui.source import Source

#: Reading takes at most one part in so many of one processor, however many sockets there are.
PAUSE = 25
#: Connections whose owners are kept; a screen shows a hundred at most.
MOST_NAMED = 1000

#: Connections too?  And whose they are, which takes longest.
Depth = tuple[bool, bool]
Launch = Callable[[Coroutine[Any, Any, None]], None]


class PortReader:
    """The last reading, and the owners that were looked for.

    `changed` is called in the event loop when there is something new; `wanted` tells the depth
    that is wanted now.  `listing` is None before the first reading.
    """

    def __init__(
        self, launch: Launch, wanted: Callable[[], Depth], changed: Callable[[], None]
    ) -> None:
        self.listing: Listing | None = None
        self.problem = ""
        self._launch = launch
        self._wanted = wanted
        self._changed = changed
        self._named: dict[str, Socket] = {}  # connections with their owners, by key
        self._depth: Depth = (False, False)  # of the listing
        self._loading = False
        self._naming = False
        self._read_at = 0.0

    @property
    def behind(self) -> bool:
        """Is something read that takes longer than what is there?"""
        return self._loading and self.listing is not None and self._depth != self._wanted()

    @property
    def due(self) -> bool:
        """Has the last reading been paid for?"""
        took = self.listing.took_s if self.listing is not None else 0.0
        return time.monotonic() - self._read_at >= took * PAUSE

    def read(self, source: Source | None) -> None:
        """Read now, unless that is under way."""
        if not self._loading and source is not None:
            self._loading = True
            self._launch(self._load(source))

    def read_deeper(self, source: Source | None) -> None:
        """Read now where the last reading left out whose the connections are, and that matters."""
        if self.listing is not None and self._wanted()[1] and not self.listing.named:
            self.read(source)

    async def _load(self, source: Source) -> None:
        depth = self._wanted()
        try:
            self.listing = await source.listing(everything=depth[0], named=depth[1])
            self._depth = depth
            self.problem = ""
        except NoListing as error:  # a source that has none, such as a recorded session
            self.problem = str(error)
        except Exception as error:  # told in the view itself
            self.problem = f"The local sockets could not be read: {type(error).__name__}: {error}"
        finally:
            self._loading = False
            self._read_at = time.monotonic()
        if depth != self._wanted():
            self.read(source)  # a key was pressed meanwhile
        self._changed()

    def known(self, socket: Socket) -> Socket:
        """The socket with its owners, as far as they were looked for."""
        return socket if socket.owners else self._named.get(key(socket), socket)

    def name(self, source: Source | None, seen: Sequence[Socket]) -> None:
        """Look for the owners of these connections, unless another search is under way."""
        wanted = [s for s in seen if s.inode and not self.known(s).owners]
        if wanted and not self._naming and source is not None:
            self._naming = True
            self._launch(self._look_for(source, wanted))

    async def _look_for(self, source: Source, wanted: Sequence[Socket]) -> None:
        # Where nobody is found the user is known at least, and it is not asked for again.
        found = [replace(s, owners=(Owner(uid=s.uid),)) for s in wanted]
        try:
            found += [s for s in await source.named(wanted) if s.owners]
        except Exception as error:  # told in the view itself
            self.problem = f"Processes could not be read: {type(error).__name__}: {error}"
        finally:
            self._naming = False
        if len(self._named) > MOST_NAMED:
            self._named.clear()  # most of them are gone; what is seen is looked for again
        self._named |= {key(s): s for s in found}
        self._changed()
