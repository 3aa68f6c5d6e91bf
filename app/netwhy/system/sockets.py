"""The sockets of this machine: who listens, what lingers, what is bound and never listened.

By sock_diag(7), readable by every user; else /proc/net; else psutil.  Only the states that are
asked for are read: listeners cost well under a millisecond, whatever else is open.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.clients import counted
from netwhy.core.model import IPAddress
from netwhy.core.observations import PortTable, PortUse, Socket
from netwhy.system import connections, files, local, netlink

_SOCK_DIAG_BY_FAMILY = 20
_AF_INET, _AF_INET6 = 2, 10
_PROTOCOLS = {"tcp": 6, "udp": 17}
_REQUEST = struct.Struct("=BBBBI")
_PORTS = struct.Struct(">HH")
_MESSAGE = struct.Struct("=BBBB4x16s16sI8xIIIII")  # inet_diag_msg; the ports are big-endian
_TIMER_TIMEWAIT = 3
_MOST_CONNECTIONS = 32  # whose owners are looked for: they come from a few processes
_CLOSE = 7
_ATTR_V6ONLY, _ATTR_CGROUP_ID = 11, 21  # INET_DIAG_SKV6ONLY, INET_DIAG_CGROUP_ID
_STATES = (
    "?",
    "ESTAB",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "SYN_RECV",  # NEW_SYN_RECV
    "BOUND",  # asked for as BOUND_INACTIVE (Linux 6.8 and newer), told as CLOSE
)
_UNCONN = 1 << 7
_LISTENING = 1 << 10 | 1 << 13
_ALL = (1 << 14) - 2


@dataclass(frozen=True, slots=True)
class Row:
    """A socket with the id of the cgroup that made it (0: unknown)."""

    socket: Socket
    cgroup: int = 0


def port_table(port: int, transport: str) -> PortTable:
    """Every socket of both families with that local port, in every state.

    Those that hold it have their owners; where only connections do, the first of these.
    `complete` is False where bound sockets that never listened cannot be seen: before Linux 6.8,
    and without sock_diag.  IPv4-mapped addresses are shown as the IPv4 they stand for.
    """
    rows, direct = _read(transport, _ALL, port=port)
    holding = [r for r in rows if r.socket.listening or r.socket.state == "BOUND"]
    # The connections of a server are its own; without one they are what is left to name.
    wanted = holding or [r for r in rows if r.socket.inode][:_MOST_CONNECTIONS]
    known = {s.inode: s for s in _with_owners(wanted)}
    found = tuple(known.get(r.socket.inode, r.socket) if r.socket.inode else r.socket for r in rows)
    return PortTable(port, transport, found, complete=direct and _shows_bound(transport))


def sockets(everything: bool = False) -> tuple[Socket, ...]:
    """Listeners, bound TCP sockets and unconnected UDP, with owners; or every socket there is.

    TCP listeners are told with the number of their connections.
    """
    return counted(_with_owners(rows(everything)), connections.per_endpoint())


def rows(everything: bool = False) -> list[Row]:
    """As `sockets`, without owners and numbers."""
    found: list[Row] = []
    for transport, listening in (("tcp", _LISTENING), ("udp", _UNCONN)):
        found.extend(_read(transport, _ALL if everything else listening)[0])
    return found


def rows_of(port: int, transport: str = "tcp") -> list[Row]:
    """The sockets of one local port in every state, without looking for their owners."""
    return _read(transport, _ALL, port=port)[0]


def ports_taken(transport: str) -> frozenset[int]:
    """Every local port that a socket has: listening, bound, or as its source port."""
    return frozenset(row.socket.port for row in _read(transport, _ALL)[0])


def port_use(address: IPAddress, port: int, transport: str = "tcp") -> PortUse:
    """Sockets with a source port of the ephemeral range: TCP ones that go to that destination.

    A UDP port belongs to one socket, wherever that sends to, so with UDP all of them count.
    `available` counts the range without its reserved ports; 0 when the range is unknown.
    """
    first, last = local.ephemeral_range() or (1, 0)
    if transport == "udp":
        rows, _direct = _read("udp", _ALL)
        used = [r.socket for r in rows if _in_the_way(r.socket, address.version)]
    else:
        there = (_plain(address), port)
        rows, _direct = _read("tcp", _ALL, remote_port=port)
        used = [r.socket for r in rows if r.socket.remote == there]
    used = [s for s in used if first <= s.port <= last]
    waiting = sum(s.state == "TIME_WAIT" for s in used)
    reserved = sum(first <= p <= last for p in reserved_ports())
    ports = len({s.port for s in used})
    available = max(0, last - first + 1 - reserved)
    return PortUse(address, port, ports, available, waiting, transport)


def _in_the_way(held: Socket, version: int) -> bool:
    """Does a UDP socket take its port from others of that family?"""
    both = held.address.is_unspecified and held.v6only is not True
    return held.address.version == version or (held.address.version == 6 and both)


def _with_owners(rows: list[Row]) -> tuple[Socket, ...]:
    from netwhy.system.owners import owners_of

    cgroups = {r.socket.inode: r.cgroup for r in rows if r.socket.inode and r.cgroup}
    return owners_of([r.socket for r in rows], cgroups)


def _read(
    transport: str, states: int, *, port: int = 0, remote_port: int = 0
) -> tuple[list[Row], bool]:
    """Rows of both families, and whether the kernel itself was asked.  0 means any port."""
    rows: list[Row] = []
    direct = True
    for family in (_AF_INET, _AF_INET6):
        try:
            rows.extend(_dump(family, transport, states, port, remote_port))
        except OSError:
            direct = False
            other = _from_proc(family, transport)
            rows.extend(r for r in other if _wanted(r.socket, states, port, remote_port))
    if not direct and not rows and not os.path.exists("/proc/net/tcp"):
        from netwhy.system import portable

        rows = [
            Row(s)
            for s in portable.sockets()
            if s.transport == transport and _wanted(s, states, port, remote_port)
        ]
    return rows, direct


def _wanted(found: Socket, states: int, port: int, remote_port: int) -> bool:
    state = _STATES.index(found.state) if found.state in _STATES else _CLOSE
    return (
        bool(states & 1 << state)
        and port in (0, found.port)
        and (not remote_port or (found.remote is not None and found.remote[1] == remote_port))
    )


def _dump(family: int, transport: str, states: int, port: int, remote_port: int) -> Iterator[Row]:
    """One family by sock_diag.  The kernel compares the ports, so that little is copied."""
    body = _REQUEST.pack(family, _PROTOCOLS[transport], 0, 0, states)
    body += _PORTS.pack(port, remote_port) + bytes(44)
    for kind, message in netlink.dump(
        netlink.NETLINK_SOCK_DIAG, _SOCK_DIAG_BY_FAMILY, body, timeout_s=3.0
    ):
        row = parse_row(message, transport) if kind == _SOCK_DIAG_BY_FAMILY else None
        if row is not None and _wanted(row.socket, states, port, remote_port):
            yield row


def parse_row(message: bytes, transport: str) -> Row | None:
    """One `inet_diag_msg` with its attributes; None when it cannot be read."""
    if len(message) < _MESSAGE.size:
        return None
    family, state, timer, _retrans, source, target, index, expires, *rest = _MESSAGE.unpack_from(
        message
    )
    receive, send, uid, inode = rest
    if family not in (_AF_INET, _AF_INET6):
        return None
    port, remote_port = _PORTS.unpack_from(message, 4)
    found = netlink.attributes(message, _MESSAGE.size)
    v6only = netlink.number(found.get(_ATTR_V6ONLY))
    remote = _address(family, target)
    held = inode != 0  # TIME_WAIT and half-open ones belong to nobody: their uid 0 is not root
    return Row(
        Socket(
            transport=transport,
            address=_address(family, source),
            port=port,
            state=_state(state, transport),
            remote=(remote, remote_port) if remote_port else None,
            uid=uid if held else None,
            inode=inode if held else None,
            v6only=None if family == _AF_INET or v6only is None else bool(v6only),
            interface=_interface(index),
            expires_ms=expires if timer == _TIMER_TIMEWAIT else None,
            receive_queue=receive,
            send_queue=send,
        ),
        netlink.number(found.get(_ATTR_CGROUP_ID)) or 0,
    )


def _state(number: int, transport: str) -> str:
    """The state's name.  A closed TCP socket has a port only when it is bound."""
    if number == _CLOSE:
        return "UNCONN" if transport == "udp" else "BOUND"
    return _STATES[number] if 0 <= number < len(_STATES) else "?"


@lru_cache(maxsize=4096)
def _address(family: int, raw: bytes) -> IPAddress:
    if family == _AF_INET:
        return IPv4Address(raw[:4])
    return _plain(IPv6Address(raw))


def _plain(address: IPAddress) -> IPAddress:
    """Without scope; an IPv4-mapped address as the IPv4 address it stands for."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or IPv6Address(address.packed)
    return address


def _interface(index: int) -> str | None:
    """The device a socket is bound to (SO_BINDTODEVICE, or the scope of a link-local address)."""
    if not index:
        return None
    try:
        return socket.if_indextoname(index)
    except OSError:
        return f"if{index}"


def _shows_bound(transport: str) -> bool:
    """Linux 6.8 tells of TCP sockets that are bound and do not listen; UDP has none of them."""
    if transport == "udp":
        return True
    try:
        major, minor = os.uname().release.split(".")[:2]
        return (int(major), int("".join(c for c in minor if c.isdigit()))) >= (6, 8)
    except (AttributeError, ValueError):
        return False


def reserved_ports() -> Iterator[int]:
    """What no outgoing connection is given, port by port."""
    for first, last in local.reserved_ports():
        yield from range(first, last + 1)


def _from_proc(family: int, transport: str) -> list[Row]:
    """/proc/net/{tcp,tcp6,udp,udp6}: no cgroup, no v6only, no bound-only sockets."""
    suffix = "6" if family == _AF_INET6 else ""
    try:
        data = files.read(f"/proc/net/{transport}{suffix}", 1 << 26)
    except OSError:
        return []
    return list(parse_proc(data.decode("ascii", "replace").splitlines()[1:], transport))


def parse_proc(lines: Iterable[str], transport: str) -> Iterator[Row]:
    """The rows of a /proc/net table without its heading; odd lines are skipped (proc(5))."""
    for line in lines:
        fields = line.split()
        try:
            address, port = _proc_endpoint(fields[1])
            remote, remote_port = _proc_endpoint(fields[2])
            state = _state(int(fields[3], 16), transport)
            send, receive = (int(part, 16) for part in fields[4].split(":"))
            timer, expires = (int(part, 16) for part in fields[5].split(":"))
            uid, inode = int(fields[7]), int(fields[9])
        except (IndexError, ValueError):
            continue
        ticks = _ticks_per_second()
        yield Row(
            Socket(
                transport=transport,
                address=address,
                port=port,
                state=state,
                remote=(remote, remote_port) if remote_port else None,
                uid=uid if inode else None,
                inode=inode or None,
                expires_ms=expires * 1000 // ticks if timer == _TIMER_TIMEWAIT else None,
                receive_queue=receive,
                send_queue=send,
            )
        )


def _proc_endpoint(text: str) -> tuple[IPAddress, int]:
    """`0100007F:1F90`: each group of four bytes is written as a number in host order."""
    host, port = text.split(":")
    words = (int(host[i : i + 8], 16) for i in range(0, len(host), 8))
    raw = b"".join(struct.pack("=I", word) for word in words)
    if len(raw) == 4:
        return IPv4Address(raw), int(port, 16)
    return _plain(IPv6Address(raw)), int(port, 16)


@lru_cache(maxsize=1)
def _ticks_per_second() -> int:
    try:
        return os.sysconf("SC_CLK_TCK") or 100
    except (AttributeError, OSError, ValueError):
        return 100
