"""The configuration file while it is in use: looked at again and again, read anew when it changed.

Only its metadata is looked at, in a thread: a file on a server that hangs holds nobody up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from netwhy.core.config import ConfigError, load_text
from netwhy.core.settings import Settings
from netwhy.system import threads

LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Configuration:
    """Where the configuration is, what it said at the start, and what it cannot change.

    `fixed` has the names of settings that the command line has decided.
    """

    path: Path
    settings: Settings
    fixed: frozenset[str] = frozenset()


#: Device, inode, size and time of a file: editors write in place, or put another file there.
Stamp = tuple[int, int, int, int, int]


class Follower:
    """Tells `changed` what the file says whenever it says something else, and `problem` why not.

    `problem` gets None once the file is good again.  A file that is missing from the start is
    no problem; one that vanishes is.
    """

    def __init__(
        self,
        configuration: Configuration,
        changed: Callable[[Settings], None],
        problem: Callable[[str | None], None],
    ) -> None:
        self._path = configuration.path
        self._settings = configuration.settings
        self._changed = changed
        self._problem = problem
        self._seen = False  # was there ever a file?

    async def follow(self) -> None:
        """Look again and again, for ever."""
        done: Stamp | None = (0, 0, 0, 0, 0)  # of no file
        before: Stamp | None = None
        while True:
            stamp = await threads.call(lambda: _stamp(self._path))
            # A file is read when two looks agree: it may be half written, or between two names.
            if stamp != done and stamp == before and await self._take(stamp):
                done = stamp
            before = stamp
            await asyncio.sleep(LOOK_S)

    async def _take(self, stamp: Stamp | None) -> bool:
        """Read the file and tell; False where it changed meanwhile, and nothing is told."""
        if stamp is None:
            gone = f"{self._path}: the configuration is gone; what it said stays"
            self._problem(gone if self._seen else None)
            return True
        self._seen = True
        read, after = await threads.call(self._read)
        if after != stamp:
            return False
        if isinstance(read, ConfigError):
            self._problem(f"{read.line()}; what it said before stays")
        elif isinstance(read, OSError):
            self._problem(f"{self._path}: it cannot be read: {read.strerror}; nothing changes")
        else:
            self._problem(None)
            if read != self._settings:
                self._settings = read
                self._changed(read)
        return True

    def _read(self) -> tuple[Settings | ConfigError | OSError, Stamp | None]:
        """What the file says, or why that cannot be told, and its stamp afterwards."""
        read: Settings | ConfigError | OSError
        try:
            read = load_text(self._path.read_bytes(), self._path)
        except (ConfigError, OSError) as error:
            read = error
        return read, _stamp(self._path)


def _stamp(path: Path) -> Stamp | None:
    """None where there is no file that can be looked at."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    # The time of a change of rights, too: a file may be readable only after one.
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
