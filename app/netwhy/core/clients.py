"""Which listener a client of this machine reaches: the kernel's rule, by addresses alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from netwhy.core.model import IPAddress
from netwhy.core.observations import Socket


def serving(address: IPAddress, port: int, listeners: Sequence[Socket]) -> tuple[Socket, ...]:
    """The TCP listeners that get what is sent to that address: several when they share it.

    The most specific wins: the address itself, the wildcard of its family, a dual-stack `::`
    (compute_score in net/ipv4/inet_hashtables.c).  Sockets of one device are left out.
    """
    here = [s for s in listeners if s.state == "LISTEN" and s.port == port]
    exact = tuple(s for s in here if s.address == address)
    if exact:
        return exact
    wild = [s for s in here if s.address.is_unspecified]
    own = tuple(s for s in wild if s.address.version == address.version)
    if own or address.version == 6:
        return own
    return tuple(s for s in wild if s.address.version == 6 and s.v6only is not True)


def counted(
    sockets: Iterable[Socket], connections: Mapping[tuple[IPAddress, int], int] | None
) -> tuple[Socket, ...]:
    """The same sockets; each TCP listener with the number of connections that it was given.

    `connections` counts them by local endpoint; with None nothing is known.
    """
    every = tuple(sockets)
    if connections is None:
        return every
    by_port: dict[int, list[Socket]] = {}
    for socket in every:
        if socket.state == "LISTEN":
            by_port.setdefault(socket.port, []).append(socket)
    numbers: Counter[tuple[IPAddress, int]] = Counter()
    for (address, port), number in connections.items():
        for server in serving(address, port, by_port.get(port, ()))[:1]:
            numbers[server.address, port] += number
    return tuple(
        replace(s, connections=numbers[s.address, s.port]) if s.state == "LISTEN" else s
        for s in every
    )
