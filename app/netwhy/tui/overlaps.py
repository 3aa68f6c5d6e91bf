"""Listeners that get in each other's way: which of two answers is not what one would guess.

Only sockets of different owners are told: one program may well listen several times.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from netwhy.core.observations import Owner, Socket, endpoint


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
    if _holder(mine) == _holder(other) or _apart(mine, other):
        return None
    who = f"{owner_label(other)} on {endpoint(other.address, other.port)}"
    if mine.address == other.address:
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


def _apart(mine: Socket, other: Socket) -> bool:
    """Bound to different interfaces: they never meet."""
    return None not in (mine.interface, other.interface) and mine.interface != other.interface


def _holder(socket: Socket) -> tuple[object, ...]:
    """Who holds it, as far as it can be told: processes, else unit or container, else user."""
    pids = tuple(sorted(owner.pid for owner in socket.owners if owner.pid is not None))
    if pids:
        return ("pid", *pids)
    owner = _first(socket)
    return ("who", owner.container, owner.unit, owner.user, owner.uid)


def _first(socket: Socket) -> Owner:
    return socket.owners[0] if socket.owners else Owner(uid=socket.uid)


def owner_label(socket: Socket) -> str:
    """The owner in a few words, and how many more there are."""
    more = len(socket.owners) - 1
    return _first(socket).label + (f" and {more} more" if more > 0 else "")
