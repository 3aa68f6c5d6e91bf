"""Sockets of this machine: which stand in each other's way, and each with its owner in words."""

from __future__ import annotations

from netwhy.core.model import IPAddress
from netwhy.core.observations import Owner, Socket, endpoint
from netwhy.diagnosis.case import say


def overlaps(held: Socket, wanted: IPAddress) -> bool:
    """Would the kernel see a socket on this address as a conflict with `wanted`?

    Same address; either one the wildcard of the same family; a dual-stack `::` against any IPv4
    address, or 0.0.0.0 against an IPv6 connection that a dual-stack server left; and not tied to
    two interfaces, as the scope of a link-local address does (inet_csk_bind_conflict in
    net/ipv4/inet_connection_sock.c).
    """
    scope = getattr(wanted, "scope_id", None)
    if held.interface and scope and held.interface != scope:
        return False
    mine, other = wanted, held.address
    mapped = getattr(other, "ipv4_mapped", None)
    if mapped is not None:
        other = mapped
    if mine.version == other.version:
        same = str(mine).partition("%")[0] == str(other).partition("%")[0]
        return same or mine.is_unspecified or other.is_unspecified
    if other.version == 4:
        return False  # IPv6 is tried for itself
    return (other.is_unspecified or mine.is_unspecified) and _takes_ipv4(held)


def _takes_ipv4(held: Socket) -> bool:
    """Not for sure where it is None: of connections the kernel does not tell it (inet_diag.c).

    One that was bound to an IPv6 address never does; one accepted on `::` still does.
    """
    if held.v6only is None and (held.listening or held.state == "BOUND"):
        return held.address.is_unspecified
    return held.v6only is not True


def shares(held: Socket, *, reuse: bool = False, share: bool = False) -> bool:
    """Does a socket let another one have an address that overlaps with its own (Linux)?

    `reuse`: both set SO_REUSEADDR, and each before its bind.  `share`: both set SO_REUSEPORT, and
    belong to one user, which of a socket in TIME_WAIT is not asked.
    """
    if held.transport == "udp":
        return reuse or share
    return share or (reuse and held.state != "LISTEN")


def row(row: Socket) -> str:
    """One socket of the table, with its owner, as a sentence."""
    where = endpoint(row.address, row.port)
    if row.state == "TIME_WAIT" or row.ownerless:
        text = say("socket-row", endpoint=where, state=row.state, owner="nobody any more")
        return f"{text}, left of a connection with {endpoint(*row.remote)}" if row.remote else text
    owner = row.owners[0] if row.owners else Owner()
    described = _describe(owner)
    if len(row.owners) > 1:
        described = f"{described}; and {len(row.owners) - 1} more"
    text = say("socket-row", endpoint=where, state=row.state, owner=described)
    if row.interface and not row.address.is_link_local:
        text = f"{text}, on interface {row.interface} only"
    if row.remote is not None:
        text = f"{text}, connected with {endpoint(*row.remote)}"
    return text


def _describe(owner: Owner) -> str:
    """Everything known of an owner, in one phrase."""
    parts = [owner.label]
    if owner.user and owner.user not in owner.label:
        parts.append(f"user {owner.user}")
    if owner.command:
        parts.append(f"command: {owner.command}")
    if owner.unit and owner.unit not in owner.label:
        parts.append(f"unit {owner.unit}")
    if owner.container and owner.container not in owner.label:
        parts.append(f"container {owner.container}")
    if owner.behind:
        parts.append(f"it serves {owner.behind}")
    if owner.hidden:
        parts.append(owner.hidden)
    return "; ".join(parts)
