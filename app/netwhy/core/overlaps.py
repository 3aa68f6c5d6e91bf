"""Listeners that get in each other's way: which of two answers is not what one would guess.

Only sockets of different owners are told: one program may well listen several times, and so may
the workers of one master or the processes of one service.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from netwhy.core.observations import Owner, Socket, endpoint

#: DHCP clients, SSDP, WS-Discovery, mDNS, LLMNR: several programs listen there side by side.
_SHARED_UDP = frozenset({68, 546, 1900, 3702, 5353, 5355})


def overlaps(sockets: Sequence[Socket]) -> dict[int, tuple[str, ...]]:
    """Place in the sequence → what is odd about that listener; only those with something odd."""
    ports: dict[tuple[str, int], list[int]] = defaultdict(list)
    for place, socket in enumerate(sockets):
        if socket.listening:
            ports[socket.transport, socket.port].append(place)
    odd: dict[int, list[str]] = defaultdict(list)
    for places in ports.values():
        for place in places:
            for other in places:
                reason = place != other and _reason(sockets[place], sockets[other])
                if reason:
                    odd[place].append(reason)
    return {place: tuple(dict.fromkeys(reasons)) for place, reasons in odd.items()}


def _reason(mine: Socket, other: Socket) -> str | None:
    """What another listener of the same port means for this one; None for nothing."""
    if _holder(mine) == _holder(other) or _apart(mine, other) or meant_to_share(mine):
        return None
    who = f"{owner_label(other)} on {endpoint(other.address, other.port)}"
    if mine.address == other.address:
        if mine.transport == "udp":
            return f"shared with {who}: as a rule the one that came last gets every datagram"
        return f"shared with {who}: the kernel gives each client to one of them"
    wild, other_wild = mine.address.is_unspecified, other.address.is_unspecified
    if wild and not other_wild and _covers(mine, other):
        return f"clients of {other.address} reach {who} instead, which is more specific"
    if other_wild and not wild and _covers(other, mine):
        return f"more specific than {who}, which gets the clients of all other addresses"
    same_kind = wild == other_wild and mine.address.is_loopback == other.address.is_loopback
    both_families = mine.address.version != other.address.version
    if both_families and same_kind and (wild or mine.address.is_loopback):
        return f"clients of IPv{other.address.version} reach {who} instead"
    return None


def _covers(wildcard: Socket, specific: Socket) -> bool:
    """Would the wildcard get what is sent to the specific address, were that not there?"""
    if wildcard.address.version == specific.address.version:
        return True
    return wildcard.address.version == 6 and wildcard.v6only is False


def meant_to_share(socket: Socket) -> bool:
    """Multicast and broadcast reach every socket of such a port."""
    return socket.transport == "udp" and socket.port in _SHARED_UDP


def _apart(mine: Socket, other: Socket) -> bool:
    """Bound to different interfaces: they never meet."""
    return None not in (mine.interface, other.interface) and mine.interface != other.interface


def _holder(socket: Socket) -> tuple[object, ...]:
    """Who holds it, as far as it can be told: service, family, processes, else user."""
    first = _first(socket)
    if first.container or (first.unit or "").endswith(".service"):
        return ("home", first.container, first.unit)
    if first.behind:
        return ("behind", first.name, first.behind)  # docker-proxy: one for each family
    masters = {owner.parents[0] for owner in socket.owners if owner.parents}
    if len(masters) == 1 and {name for _pid, name in masters} == {first.name}:
        # A shell's children have another name than the shell; what a supervisor of the same name
        # starts has another command, where workers differ in numbers at most.
        return ("workers", *masters, numberless(first.command))
    pids = tuple(sorted(owner.pid for owner in socket.owners if owner.pid is not None))
    if pids:
        return ("pid", *pids)
    return ("who", first.unit, first.user, first.uid)


def numberless(command: str | None) -> str:
    """A command line without its numbers (`fd=7`, not `tcp4`): those of two workers are alike."""
    return re.sub(r"\b\d+\b", "", command or "")


def _first(socket: Socket) -> Owner:
    return socket.owners[0] if socket.owners else Owner(uid=socket.uid)


def owner_label(socket: Socket) -> str:
    """The owner in a few words, and how many more there are."""
    more = len(socket.owners) - 1
    return _first(socket).label + (f" and {more} more" if more > 0 else "")


def same_holder(mine: Socket, other: Socket) -> bool:
    """Are both held by one program, service or family of processes?"""
    return _holder(mine) == _holder(other)
