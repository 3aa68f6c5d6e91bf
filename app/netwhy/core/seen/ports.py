"""Local ports: sockets, their owners, and whether a server could bind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from netwhy.core.model import IPAddress, Outcome, ProbeRow
from netwhy.core.ports import Served
from netwhy.core.seen.observation import Observation, endpoint

#: What a connection goes through after its program has closed it.
_CLOSING = frozenset({"FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK", "TIME_WAIT"})


@dataclass(frozen=True, slots=True)
class Owner:
    """Who holds a socket, as far as this user may see.

    `pid` None: not visible; then `user`, `unit` and `container` may still name it, and `hidden`
    says what more privilege would add ("" when nothing is hidden).  `started` is a Unix time.
    `command` has its secrets masked.  `behind` is whom a forwarder (docker-proxy) serves.
    """

    pid: int | None = None
    name: str | None = None
    user: str | None = None
    uid: int | None = None
    command: str | None = None
    started: float | None = None
    parents: tuple[tuple[int, str], ...] = ()
    unit: str | None = None
    container: str | None = None
    hidden: str = ""
    behind: str | None = None

    @property
    def label(self) -> str:
        """The owner in a few words: never empty."""
        if self.name and self.pid is not None:
            return f"{self.name} (pid {self.pid})"
        if self.name:
            return self.name
        for what, name in (("container", self.container), ("unit", self.unit)):
            if name:
                return f"{what} {name}"
        if self.user:
            return f"a process of user {self.user}"
        return "a process this user may not see"


@dataclass(frozen=True, slots=True)
class Socket:
    """One local socket.

    `state` is the kernel's name: LISTEN, ESTAB, TIME_WAIT, CLOSE_WAIT…, UNCONN (UDP),
    BOUND (bound, never listened).  `expires_ms` is set for TIME_WAIT, and for FIN_WAIT2 without a
    process, where the kernel tells.
    `v6only` is None for IPv4 and where it cannot be read.  `connections` is how many clients a
    TCP listener has, None where that was not counted; those that share an endpoint share them.
    """

    transport: str  # tcp or udp
    address: IPAddress
    port: int
    state: str
    remote: tuple[IPAddress, int] | None = None
    uid: int | None = None
    inode: int | None = None
    v6only: bool | None = None
    interface: str | None = None
    expires_ms: int | None = None
    receive_queue: int = 0
    send_queue: int = 0
    owners: tuple[Owner, ...] = ()
    connections: int | None = None

    @property
    def listening(self) -> bool:
        return self.state == "LISTEN" or (self.transport == "udp" and self.state == "UNCONN")

    @property
    def ownerless(self) -> bool:
        """Closed by its program or left by one that ended: the kernel alone finishes it."""
        return self.state in _CLOSING and self.inode is None and not self.owners

    @property
    def exposure(self) -> str:
        """Who could reach it: "loopback", "link" (link-local) or "everywhere"."""
        if self.address.is_loopback:
            return "loopback"
        return "link" if self.address.is_link_local else "everywhere"


def last_ends_s(left: Sequence[Socket]) -> int | None:
    """In so many seconds the last of these is gone; None where one of them has no known end."""
    ends = [s.expires_ms for s in left if s.expires_ms is not None]
    return max(1, round(max(ends) / 1000)) if ends and len(ends) == len(left) else None


@dataclass(frozen=True, slots=True)
class PortTable(Observation):
    """The local sockets of one port (or all, with port None).  `complete` False: states hidden."""

    probe: ClassVar[str] = "local"
    port: int | None
    transport: str
    sockets: tuple[Socket, ...] = ()
    complete: bool = True

    def row(self) -> ProbeRow:
        detail = {
            "sockets": [
                {
                    "address": str(s.address),
                    "port": s.port,
                    "state": s.state,
                    "owner": s.owners[0].label if s.owners else None,
                }
                for s in self.sockets[:20]
            ]
        }
        where = "all ports" if self.port is None else f"port {self.port}"
        return ProbeRow("local", f"{self.transport} {where}", Outcome.OK, None, None, detail)


@dataclass(frozen=True, slots=True)
class PortServed(Observation):
    """Who answered on one TCP port, for each own address that was looked at."""

    probe: ClassVar[str] = "local"
    port: int
    answers: tuple[Served, ...] = ()

    def row(self) -> ProbeRow:
        detail = {
            "served": [
                {"address": str(a.address), "error": a.error, "by": list(a.by), "how": a.how}
                for a in self.answers
            ]
        }
        return ProbeRow("local", f"who serves port {self.port}", Outcome.OK, None, None, detail)


@dataclass(frozen=True, slots=True)
class BindTry(Observation):
    """One bind without listening.  `reuse` set SO_REUSEADDR.  `error` None: it could be bound.

    `dual`: `::` was tried as the system's default has it, with IPv4 as a rule.
    """

    probe: ClassVar[str] = "bind"
    address: IPAddress
    port: int
    transport: str
    reuse: bool
    error: str | None = None
    dual: bool = False

    def row(self) -> ProbeRow:
        outcome = Outcome.FAILED if self.error else Outcome.OK
        subject = endpoint(self.address, self.port)
        detail: dict[str, object] = {"transport": self.transport, "reuse_address": self.reuse}
        if self.dual:
            detail["ipv6_only"] = "system default"
        return ProbeRow("bind", subject, outcome, None, self.error, detail)
