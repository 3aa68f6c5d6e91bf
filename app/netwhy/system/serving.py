"""Who really serves a port: real connections to own addresses, and the socket that took each.

"Bound" is not "served": IPv4 and IPv6 may belong to two programs, a second reuseport group may
take a share of the clients, a redirect rule may take them all.  A connection is made only where
the table of sockets leaves it open: one listener without a rival is known without asking it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.clients import serving
from netwhy.core.errnames import errno_name
from netwhy.core.model import IPAddress
from netwhy.core.observations import Socket
from netwhy.core.overlaps import owner_label, same_holder
from netwhy.core.ports import Served
from netwhy.system import descriptors, interfaces, processes
from netwhy.system.sockaddr import family, sockaddr
from netwhy.system.sockets import Row, port_table, rows_of

_MOST_ADDRESSES = 12
_MOST_CONNECTS = 16  # for one question: a service is asked politely, or not at all
_CONNECT_S = 1.0
_ACCEPT_S = 0.25
_QUEUED_S = 0.04  # a server that waits for clients has accepted by then
_LOOK_AGAIN_S = 0.01
_LOOPBACK: tuple[IPAddress, ...] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


def served(port: int) -> tuple[Served, ...]:
    """For each own address (and 127.0.0.1 and ::1) who answers on that TCP port.

    Sends nothing but the handshake, to addresses of this machine only.  Never raises.
    """
    listeners = [s for s in port_table(port, "tcp").sockets if s.state == "LISTEN"]
    left = _MOST_CONNECTS
    result: list[Served] = []
    shared: dict[frozenset[int | None], Served] = {}
    special = [s.address for s in listeners if not s.address.is_unspecified]
    for address in _own_addresses(special):
        group = serving(address, port, listeners)
        if len(group) == 1 or (group and all(same_holder(s, group[0]) for s in group)):
            result.append(Served(address, port, None, (owner_label(group[0]),), "only"))
            continue
        members = frozenset(s.inode for s in group)
        if group and members in shared:  # one wildcard group has all of these addresses
            result.append(replace(shared[members], address=address))
            continue
        tries = min(left, 2 * len(group) + 2 if group else 1)
        left -= tries
        shared[members] = _asked(address, port, group, tries)
        result.append(shared[members])
    return tuple(result)


def _own_addresses(more: Collection[IPAddress]) -> Iterator[IPAddress]:
    """Loopback first; link-local ones need an interface to be named and are left out.

    `more` are listened on, though no interface may have them (127.0.0.53).
    """
    own = [a.address for i in interfaces.interfaces() if i.up for a in i.addresses]
    loopback = [a for a in _LOOPBACK if a in own]
    others = [a for a in dict.fromkeys((*more, *own)) if a not in loopback and not a.is_link_local]
    yield from (*loopback, *others[: _MOST_ADDRESSES - len(loopback)])


def _asked(address: IPAddress, port: int, group: Sequence[Socket], tries: int) -> Served:
    """Connect a few times: of several listeners each client gets one."""
    labels: list[str] = []
    how = ""
    for _ in range(tries):
        answer = _once(address, port, group)
        if answer.error:
            return answer
        how = how or answer.how
        labels += [label for label in answer.by if label not in labels]
        if answer.how == "elsewhere" or len(labels) >= len(group):
            break
    return Served(address, port, None, tuple(labels), how)


def _once(address: IPAddress, port: int, group: Sequence[Socket]) -> Served:
    before = {r.socket.inode: r.socket.receive_queue for r in _listening(port)}
    try:
        with socket.socket(family(address), socket.SOCK_STREAM) as client:
            client.settimeout(_CONNECT_S)
            client.connect(sockaddr(address, port))
            source = client.getsockname()[1]
            label, how = _taken_by(address, port, source, group, before)
    except OSError as error:
        name = "ETIMEDOUT" if isinstance(error, TimeoutError) else errno_name(error.errno or 0)
        return Served(address, port, name)
    return Served(address, port, None, (label,) if label else (), how)


def _taken_by(
    address: IPAddress,
    port: int,
    source: int,
    group: Sequence[Socket],
    before: dict[int | None, int],
) -> tuple[str, str]:
    """The owner of the socket at the other end, waiting a moment for it to be accepted."""
    started = time.monotonic()
    seen = False
    queued: list[Socket] = []
    while True:
        rows = rows_of(port)
        end = next((r for r in rows if r.socket.remote and r.socket.remote[1] == source), None)
        seen = seen or end is not None
        if end is not None and end.socket.inode:
            return _owner_of(end, rows, group), "accepted"
        waited = time.monotonic() - started
        if waited > _QUEUED_S:
            grown = _grown(rows, before)
            queued = [s for s in group if s.inode in grown]
        if waited > _ACCEPT_S or len(queued) == 1:
            break
        time.sleep(_LOOK_AGAIN_S)
    if not seen:
        return "", "elsewhere" if not group else ""
    return (owner_label(queued[0]), "queued") if len(queued) == 1 else ("", "")


def _grown(rows: Sequence[Row], before: dict[int | None, int]) -> set[int | None]:
    """The listeners that have more clients in their queue than before."""
    listening = (r.socket for r in rows if r.socket.state == "LISTEN")
    return {s.inode for s in listening if s.receive_queue > before.get(s.inode, 0)}


def _listening(port: int) -> list[Row]:
    return [r for r in rows_of(port) if r.socket.state == "LISTEN"]


def _owner_of(end: Row, rows: Sequence[Row], group: Sequence[Socket]) -> str:
    """By its process; where that may not be seen, by cgroup and user, which a listener hands on."""
    inode = end.socket.inode or 0
    likely = [o.pid for s in group for o in s.owners if o.pid is not None]
    pids = {pid for pid, _fd in descriptors.holders([inode], likely).by_inode.get(inode, ())}
    for listener in group:
        if pids & {o.pid for o in listener.owners}:
            return owner_label(listener)
    if pids:
        return processes.describe(min(pids)).label
    marks = {r.socket.inode: (r.cgroup, r.socket.uid) for r in rows}
    alike = [s for s in group if marks.get(s.inode) == (end.cgroup, end.socket.uid)]
    return owner_label(alike[0]) if len(alike) == 1 else ""
