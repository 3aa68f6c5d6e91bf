"""ICMP errors as the error queue tells them (RFC 792, RFC 4443)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from netwhy.core.model import IPAddress

_LONGEST_WAY = 32


@dataclass(frozen=True, slots=True)
class Icmp:
    """An ICMP error read from a socket's error queue, with the address that sent it.

    `sender` is None when the kernel kept no address.  `own` is True when the sender is one of
    this machine's addresses.  `hop_limit` is what was left of the error's own hop limit when it
    arrived here, None where that is not known.
    """

    version: int  # 4 or 6
    type: int
    code: int
    sender: IPAddress | None
    own: bool = False
    hop_limit: int | None = field(default=None, compare=False)

    @property
    def distance(self) -> int | None:
        """About how many hops away the sender is, by the way back; None if that is not known.

        Systems begin with a hop limit of 64, 128 or 255, and no way is nearly as long.
        """
        if self.own or not self.hop_limit:
            return None
        began = next((start for start in (64, 128) if self.hop_limit <= start), 255)
        hops = began - self.hop_limit + 1
        return hops if 0 < hops <= _LONGEST_WAY else None

    @property
    def label(self) -> str:
        """The RFC 792 / RFC 4443 name of type and code, for people."""
        names = _ICMP4 if self.version == 4 else _ICMP6
        name = names.get((self.type, self.code))
        number = f"ICMP{'v6' if self.version == 6 else ''} {self.type}/{self.code}"
        return f"{name} ({number})" if name else f"error without a name ({number})"

    @property
    def prohibited(self) -> bool:
        """Administratively prohibited, or an equivalent of ICMPv6."""
        if self.version == 4:
            return self.type == 3 and self.code in (9, 10, 13, 14, 15)
        return self.type == 1 and self.code in (1, 5, 6)

    @property
    def port_unreachable(self) -> bool:
        return (self.type, self.code) == ((3, 3) if self.version == 4 else (1, 4))

    @property
    def protocol_unreachable(self) -> bool:
        return self.version == 4 and (self.type, self.code) == (3, 2)

    @property
    def host_unreachable(self) -> bool:
        return (self.type, self.code) in (
            ((3, 1), (3, 7), (3, 8), (3, 12)) if self.version == 4 else ((1, 3), (1, 2))
        )

    @property
    def beyond_scope(self) -> bool:
        """The source address does not count as far as the destination is (RFC 4443 §3.1)."""
        return self.version == 6 and (self.type, self.code) == (1, 2)

    @property
    def network_unreachable(self) -> bool:
        return (self.type, self.code) in (
            ((3, 0), (3, 6), (3, 11)) if self.version == 4 else ((1, 0),)
        )

    @property
    def time_exceeded(self) -> bool:
        return self.type == (11 if self.version == 4 else 3)


_ICMP4 = {
    (3, 0): "network unreachable",
    (3, 1): "host unreachable",
    (3, 2): "protocol unreachable",
    (3, 3): "port unreachable",
    (3, 4): "fragmentation needed",
    (3, 6): "network unknown",
    (3, 5): "source route failed",
    (3, 7): "host unknown",
    (3, 8): "source host isolated",
    (3, 9): "network administratively prohibited",
    (3, 10): "host administratively prohibited",
    (3, 11): "network unreachable for this type of service",
    (3, 12): "host unreachable for this type of service",
    (3, 14): "host precedence violation",
    (3, 15): "precedence cutoff in effect",
    (3, 13): "communication administratively prohibited",
    (11, 0): "time exceeded",
}
_ICMP6 = {
    (1, 0): "no route to destination",
    (1, 1): "administratively prohibited",
    (1, 2): "beyond scope of source address",
    (1, 3): "address unreachable",
    (1, 4): "port unreachable",
    (1, 5): "source address failed policy",
    (1, 6): "reject route",
    (2, 0): "packet too big",
    (3, 0): "time exceeded",
}


def icmp_detail(icmp: Icmp | None) -> dict[str, Any]:
    """The keys that a probe row shows of an ICMP error; none without one."""
    if icmp is None:
        return {}
    found: dict[str, Any] = {
        "icmp": icmp.label,
        "icmp_from": None if icmp.sender is None else str(icmp.sender),
        "icmp_own": icmp.own,
    }
    if icmp.distance is not None:
        found["icmp_about_hops_away"] = icmp.distance
    return found
