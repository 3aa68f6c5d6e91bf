"""What else of a host answers: other ports of it, a ping, a closed UDP port."""

from __future__ import annotations

from dataclasses import dataclass

from netwhy.core.asks import ConnectAsk, PingAsk, UdpAsk
from netwhy.core.model import IPAddress
from netwhy.core.observations import Connect, Icmp, Ping, UdpExchange
from netwhy.diagnosis.case import Case, ms, say

#: Ports that hosts commonly answer on, and one that hardly any program listens on: a firewall
#: that lets it pass shows the host's own refusal.
_OTHER_PORTS = (443, 80, 22, 47_808)
#: Where traceroute begins: a closed UDP port there is answered by the host itself.
HIGH_UDP_PORT = 33_434
CONTRAST_S = 2.2  # two SYNs and the round trips of both


@dataclass(frozen=True, slots=True)
class Contrast:
    """What else of the host was tried.  `ping` None: not yet known."""

    ports: tuple[Connect, ...]
    ping: Ping | None
    udp: UdpExchange | None

    def signs_of_life(self) -> list[str]:
        """Sentences for everything that the host itself answered."""
        found = []
        if self.ping is not None and self.ping.answered:
            found.append(say("ping-answered", address=self.ping.address, rtt=ms(self.ping.rtt_ms)))
        for key, seen in (
            ("other-ports-open", [c for c in self.ports if c.open]),
            ("other-ports-refused", [c for c in self.ports if c.alive and not c.open]),
        ):
            if seen:
                ports = ", ".join(str(c.port) for c in seen)
                found.append(say(key, address=seen[0].address, ports=ports))
        return found

    def own_rejections(self) -> list[str]:
        """Sentences for what the host itself turned away with an ICMP error: so it is there."""
        found = []
        rejected = [c for c in self.ports if from_itself(c)]
        if rejected:
            ports = ", ".join(str(c.port) for c in rejected)
            address = rejected[0].address
            found.append(say("other-ports-rejected-itself", address=address, ports=ports))
        if self.ping is not None and from_itself(self.ping):
            found.append(say("ping-rejected-itself", address=self.ping.address))
        if self.udp is not None and from_itself(self.udp):
            found.append(say("udp-port-unreachable", address=self.udp.address))
        return found

    def refused_by(self, icmp: Icmp) -> list[Connect]:
        """The other ports that the same sender refused with an ICMP error too."""
        return [c for c in self.ports if c.icmp is not None and c.icmp.sender == icmp.sender]

    @property
    def ping_refused(self) -> Icmp | None:
        return self.ping.icmp if self.ping is not None else None


def from_itself(seen: Connect | Ping | UdpExchange) -> bool:
    """Did the host itself send the ICMP error?  Then it is there."""
    return seen.icmp is not None and seen.icmp.sender == seen.address and not seen.icmp.own


def other_ports(port: int | None) -> tuple[int, ...]:
    """Other ports of the host to compare with."""
    return tuple(p for p in _OTHER_PORTS if p != port)


def contrast(case: Case, address: IPAddress, port: int | None, *, udp: bool) -> Contrast | None:
    """Other ports and a ping of the same host; None until all of it is known."""
    ping = case.want(PingAsk(address))
    ports = [case.want(ConnectAsk(address, p, CONTRAST_S)) for p in other_ports(port)]
    datagram = case.want(UdpAsk(address, HIGH_UDP_PORT, 1.2)) if udp else None
    if case.waiting:
        return None
    return Contrast(tuple(p for p in ports if p is not None), ping, datagram)


def tried(case: Case, address: IPAddress, port: int | None) -> list[Connect]:
    """The other ports that were tried for comparison, as far as they are known."""
    seen = [case.known(ConnectAsk(address, p, CONTRAST_S)) for p in other_ports(port)]
    return [connect for connect in seen if connect is not None]
