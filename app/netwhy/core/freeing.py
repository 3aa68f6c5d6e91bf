"""What happens while a port is freed, as data: what is told on the way, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from netwhy.core.observations import Socket

#: Seconds that a holder has to end before a KILL is offered.
WAIT_S = 10.0


class Deed(StrEnum):
    """What was done, or turned out; the comment says what `Told` carries with it."""

    RUNNING = "running"  # what: a command of the holder's manager
    FAILED = "failed"  # what: that command, about: what it complained of
    SENT = "sent"  # what: a signal, pid
    ENDED = "ended"  # pid: it had ended already
    LET_GO = "let-go"  # pid, or none for all: the port is held no more, nothing is done
    FORBIDDEN = "forbidden"  # pid: of another user
    CHANGED = "changed"  # the port has other holders than the plan
    WOULD_RUN = "would-run"  # what, in a dry run
    WOULD_SEND = "would-send"  # what, pid, in a dry run


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened on the way."""

    deed: Deed
    what: str = ""
    pid: int | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """Who listens on the port afterwards.

    `still`: held by those that were to end.  `again`: by somebody else, started meanwhile.
    `left`: nobody listens, but these sockets of the port linger (TIME_WAIT, connections).
    `plain` and `reuse`: the error of a bind beside those, without and with SO_REUSEADDR.
    """

    port: int
    transport: str
    still: tuple[Socket, ...] = ()
    again: tuple[Socket, ...] = ()
    left: tuple[Socket, ...] = ()
    plain: str | None = None
    reuse: str | None = None

    @property
    def freed(self) -> bool:
        """Nobody listens; what lingers may keep a server away all the same."""
        return not (self.still or self.again)
