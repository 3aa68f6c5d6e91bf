"""This machine: its interfaces, its gateways, its routes and neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from netwhy.core.model import IPAddress, Outcome, ProbeRow
from netwhy.core.seen.observation import Observation, endpoint


@dataclass(frozen=True, slots=True)
class InterfaceAddress:
    """An address of an interface with its prefix length.

    `state` is "" when usable, else "tentative", "dadfailed" or "deprecated" (IPv6).
    """

    address: IPAddress
    prefix: int
    state: str = ""


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface.  `up` is administrative, `carrier` is the link (None: unknown).

    `kind` is what the kernel calls a virtual one (bridge, veth, wireguard, tun…), "" otherwise.
    """

    name: str
    index: int
    up: bool
    carrier: bool | None
    loopback: bool
    addresses: tuple[InterfaceAddress, ...] = ()
    mtu: int | None = None
    kind: str = ""

    @property
    def usable(self) -> bool:
        """Up, with a link, and with an address beyond loopback and link-local."""
        return (
            self.up
            and self.carrier is not False
            and not self.loopback
            and any(
                not a.address.is_link_local and not a.address.is_loopback for a in self.addresses
            )
        )


@dataclass(frozen=True, slots=True)
class Gateway:
    """A default route: the next hop (None for a point-to-point link), interface and metric."""

    address: IPAddress | None
    interface: str
    family: int  # 4 or 6
    metric: int = 0


@dataclass(frozen=True, slots=True)
class LocalState(Observation):
    """This machine as the kernel describes it, read without sending a packet."""

    probe: ClassVar[str] = "local"
    hostname: str
    platform: str
    privileged: bool
    interfaces: tuple[Interface, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    ephemeral_range: tuple[int, int] | None = None
    reserved_ports: tuple[tuple[int, int], ...] = ()  # ranges that no outgoing connection is given
    unprivileged_port_start: int = 1024
    files_limit: int | None = None  # soft RLIMIT_NOFILE
    files_open: int | None = None
    ipv6_disabled: bool = False
    proxies: tuple[tuple[str, str], ...] = ()  # (variable, value with its password masked)
    wsl: bool = False  # a Linux inside Windows, which may share its ports
    confined: tuple[str, ...] = ()  # what may confine this process: "seccomp", "SELinux (…)"…

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        """Every address of this machine, loopback included."""
        return tuple(a.address for i in self.interfaces for a in i.addresses)

    def owns(self, address: IPAddress) -> bool:
        """Is it an address of this machine (all of 127/8 is, and "no address" means itself)?"""
        return address.is_loopback or address.is_unspecified or address in self.addresses

    def interface(self, name: str) -> Interface | None:
        return next((i for i in self.interfaces if i.name == name), None)

    def row(self) -> ProbeRow:
        usable = [i.name for i in self.interfaces if i.usable]
        detail = {
            "usable_interfaces": usable,
            "down_interfaces": [
                i.name
                for i in self.interfaces
                if not i.loopback and i.addresses and (not i.up or i.carrier is False)
            ],
            "default_gateways": [
                f"{g.address or 'on link'} on {g.interface}" for g in self.gateways
            ],
        }
        outcome = Outcome.OK if usable else Outcome.DEGRADED
        return ProbeRow("local", self.hostname, outcome, None, None, detail)


@dataclass(frozen=True, slots=True)
class Route(Observation):
    """The kernel's answer to "how would you reach this address?".

    `error` is the errno of a route that refuses (`EINVAL` blackhole, `EACCES` prohibit,
    `EHOSTUNREACH` unreachable, `ENETUNREACH` none).  `gateway` None means on link.  With a `port`
    it is the route of that flow alone.
    """

    probe: ClassVar[str] = "route"
    address: IPAddress
    error: str | None = None
    interface: str | None = None
    gateway: IPAddress | None = None
    source: IPAddress | None = None
    local: bool = False  # the address is this machine's own
    broadcast: bool = False
    multicast: bool = False
    transport: str | None = None
    port: int | None = None

    def row(self) -> ProbeRow:
        outcome = Outcome.FAILED if self.error else Outcome.OK
        detail = {
            "interface": self.interface,
            "gateway": None if self.gateway is None else str(self.gateway),
            "source": None if self.source is None else str(self.source),
        }
        subject = str(self.address)
        if self.port is not None:
            subject = f"{self.transport} {endpoint(self.address, self.port)}"
        return ProbeRow("route", subject, outcome, None, self.error, detail)


#: The connect that made us look at its neighbour began about this long before (seconds).
_BEGAN_S = 1.3


@dataclass(frozen=True, slots=True)
class Neighbour(Observation):
    """The kernel's neighbour entry (ARP, ND) of an address on a link.

    `state`: REACHABLE, STALE, DELAY, PROBE, INCOMPLETE, FAILED, PERMANENT, NOARP or NONE.
    `confirmed_s` is how long ago it last proved to be there, `waited_s` how long we looked.
    """

    probe: ClassVar[str] = "route"
    address: IPAddress
    interface: str | None
    state: str
    confirmed_s: float | None = None
    waited_s: float = 0.0

    @property
    def answers(self) -> bool:
        """Has it answered since this check began?

        An older entry, also a REACHABLE one, may outlive its host by half a minute
        (`base_reachable_time`, arp(7)).
        """
        if self.state != "REACHABLE":
            return False
        return self.confirmed_s is not None and self.confirmed_s <= self.waited_s + _BEGAN_S

    @property
    def silent(self) -> bool:
        return self.state in ("INCOMPLETE", "FAILED")

    def row(self) -> ProbeRow:
        outcome = Outcome.FAILED if self.silent else Outcome.OK
        detail = {"neighbour": self.state, "interface": self.interface}
        return ProbeRow("route", f"neighbour {self.address}", outcome, None, None, detail)
