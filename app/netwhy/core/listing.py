"""Sockets as one reading found them: in order, with what is odd, and ready to be searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netwhy.core.observations import Owner, Socket
from netwhy.core.overlaps import overlaps

_NUMBER, _NAMES = "\0", "\1"  # what encloses each number, and what the names stand behind


class NoListing(Exception):
    """A source does not hold what was asked for, as a recorded session; the text is for people."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One reading.  `odd` and `texts` are by the place in `sockets`.

    `named`: the owners of connections are known too, not only those of listeners.  `took_s` is the
    processor time of the reading: who reads again and again leaves a pause that is a multiple.
    `unseen`: sockets whose process more privilege would show.
    """

    sockets: tuple[Socket, ...]
    odd: Mapping[int, tuple[str, ...]]
    texts: tuple[str, ...]
    named: bool = True
    took_s: float = 0.0
    unseen: int = 0

    def places(self, words: Sequence[str], *, typing: bool = False) -> list[int]:
        """The places of the sockets in which all words occur.

        A number is a whole port or pid, or part of a name or command: 80 does not find port 8080.
        While `typing`, a number that is no port here stands for those that begin with it.
        """
        found: Sequence[int] = range(len(self.texts))
        for word in (word.casefold() for word in words):
            begun = self._begun(word) if typing and word.isdecimal() else frozenset()
            found = [p for p in found if p in begun or _occurs(word, self.texts[p])]
        return list(found)

    def _begun(self, number: str) -> frozenset[int]:
        """The sockets with a port that begins with that number; none where it is one itself."""
        ports = [
            (str(s.port), str(s.remote[1]) if s.remote is not None else "") for s in self.sockets
        ]
        if any(number in pair for pair in ports):
            return frozenset()
        return frozenset(
            place for place, pair in enumerate(ports) if any(p.startswith(number) for p in pair)
        )

    def others(self, socket: Socket) -> list[Socket]:
        """More listeners of the processes that hold this one."""
        pids = {o.pid for o in socket.owners if o.pid is not None}
        listeners = (s for s in self.sockets if s.listening and s != socket)
        return [s for s in listeners if pids & {o.pid for o in s.owners}]


def listing(sockets: Sequence[Socket], *, named: bool = True) -> Listing:
    """The sockets by port, listeners first, then by protocol and address."""
    ordered = tuple(sorted(sockets, key=_order))
    texts = tuple(map(_text, ordered))
    unseen = sum(any(o.hidden.startswith("sudo") for o in s.owners) for s in ordered)
    return Listing(ordered, overlaps(ordered), texts, named, unseen=unseen)


def _order(s: Socket) -> tuple[int, bool, str, int, int, int]:
    own = s.address
    return s.port, s.remote is not None, s.transport, own.version, int(own), s.inode or 0


def _text(socket: Socket) -> str:
    """All that a filter may look for: the numbers, then names and commands, then the rest."""
    numbers = [str(socket.port)]
    rest = [socket.transport, socket.state, str(socket.address), socket.interface or ""]
    if socket.remote is not None:
        numbers.append(str(socket.remote[1]))
        rest.append(str(socket.remote[0]))
    else:
        rest.append("this link" if socket.exposure == "link" else socket.exposure)
    names = []
    for owner in socket.owners or (Owner(uid=socket.uid),):
        if owner.pid is not None:
            numbers.append(str(owner.pid))
        names += [owner.name, owner.command, owner.unit, owner.container, owner.behind]
        rest.append(owner.user or str(owner.uid))
    exact = _NUMBER.join(("", *numbers, ""))
    return f"{exact}{_NAMES}{' '.join(filter(None, names))}{_NAMES}{' '.join(rest)}".casefold()


def _occurs(word: str, text: str) -> bool:
    if not word.isdecimal():
        return word in text
    names = text.index(_NAMES)
    return f"{_NUMBER}{word}{_NUMBER}" in text[: names + 1] or (
        text.find(word, names, text.rindex(_NAMES)) >= 0
    )
