"""Ports as an operator plans with them: which are free, and who really serves one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from netwhy.core.model import IPAddress


@dataclass(frozen=True, slots=True)
class FreePort:
    """A port that no socket has now.

    `risk` is "", "privileged" (a server needs a privilege for it) or "ephemeral" (an outgoing
    connection may be given it at any time); `about` says so in words.
    """

    port: int
    transport: str
    risk: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """Who answered a connection to one own address.

    `by` are the owners of the listener that took it, empty when `error` (an errno) says that
    nobody did, or when it could not be told.  `how`: "accepted" (the socket that was accepted
    told it), "queued" (the listener whose queue grew), "only" (there is one listener only),
    "elsewhere" (answered, and by no socket of this machine), "" unknown.
    """

    address: IPAddress
    port: int
    error: str | None = None
    by: tuple[str, ...] = ()
    how: str = ""


@dataclass(frozen=True, slots=True)
class PortRules:
    """What this machine says of port numbers."""

    unprivileged_start: int = 1024
    ephemeral: tuple[int, int] | None = None
    reserved: frozenset[int] = frozenset()
    privileged: bool = False


def free_ports(
    ranges: Iterable[range], transport: str, taken: Collection[int], rules: PortRules
) -> Iterator[FreePort]:
    """The ports of the ranges that no socket has, in order and each once, with their risk."""
    wanted = {port for ports in ranges for port in ports if port}
    for port in sorted(wanted - set(taken)):
        yield FreePort(port, transport, *_risk(port, rules))


def _risk(port: int, rules: PortRules) -> tuple[str, str]:
    if port < rules.unprivileged_start and not rules.privileged:
        return "privileged", f"below {rules.unprivileged_start}: a server needs a privilege for it"
    first, last = rules.ephemeral or (1, 0)
    if not first <= port <= last:
        return "", ""
    if port in rules.reserved:
        return "", "reserved: no outgoing connection is given it"
    return (
        "ephemeral",
        f"in the range of source ports ({first}-{last}): an outgoing connection may take it",
    )
