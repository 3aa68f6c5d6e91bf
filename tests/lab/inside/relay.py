"""A bad line inside a router: `relay.py lan wan delay=40ms jitter=30ms loss=15% direction=both`.

What the router forwards from the first interface to anywhere ("out"), and from the second ("back"),
passes through this program, a TUN device for each direction; the router's own packets do not.
Prints "ready" once the way leads through it.  The devices and their rules end with the program and
with the next `ip rule flush`.

    delay=40ms       added in each direction
    jitter=30ms      up to so much more, drawn anew for each packet; their order stays
    loss=15%         lost: spread at random, but 3 of every 20 packets, neither more nor fewer
    reorder=5%       held back so long that later packets overtake them (see `held`)
    duplicate=5%     delivered twice
    held=12ms        how long a reordered packet is held back beyond the delay
    mtu=1300         larger packets vanish; with `tell` the router says so instead (ICMP)
    direction=out    which way all this happens: out, back or both (the default)
    only=tcp         only packets of this protocol are treated so: tcp, udp or icmp
    family=6         only packets of this version of IP
    host=10.20.3.11  only packets to or from this address
    seed=7           another sequence of the same randomness

Here and not in the kernel, since the queueing disciplines that do this (netem) are often not built.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import ipaddress
import os
import random
import select
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_BLOCK = 20  # packets among which a share is exact
_MOST_HELD = 5000  # packets under way in one direction
_PROTOCOLS = {"tcp": (6,), "udp": (17,), "icmp": (1, 58)}


@dataclass(frozen=True)
class Line:
    """What happens to the packets of one direction.  Seconds, shares of 1, bytes."""

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    held: float = 0.012
    mtu: int | None = None
    tell: bool = False
    only: tuple[int, ...] = ()
    family: int | None = None
    host: bytes = b""
    seed: int = 1

    def treats(self, packet: bytes) -> bool:
        """Is this one of the packets that the line is bad for?"""
        version = packet[0] >> 4
        ends = packet[8:40] if version == 6 else packet[12:20]
        size = len(ends) // 2
        return (
            (not self.only or protocol(packet) in self.only)
            and self.family in (None, version)
            and (not self.host or self.host in (ends[:size], ends[size:]))
        )


class Share:
    """Says of each packet whether it is one of a share: exact in each block, random within."""

    def __init__(self, share: float, seed: str) -> None:
        self._wanted = share * _BLOCK
        self._random = random.Random(seed)
        self._owed = 0.0
        self._block: list[bool] = []

    def __call__(self) -> bool:
        if not self._block:
            self._owed += self._wanted
            hits = int(self._owed + 1e-9)
            self._owed -= hits
            self._block = [number < hits for number in range(_BLOCK)]
            self._random.shuffle(self._block)
        return self._block.pop()


@dataclass
class Way:
    """One direction: its device, and the packets that are still under way."""

    device: str
    line: Line
    fd: int = -1
    last: float = 0.0
    waiting: list[tuple[float, int, bytes]] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        seed = f"{self.device} {self.line.seed}"
        self._random = random.Random(seed)
        self._lost = Share(self.line.loss, f"loss {seed}")
        self._held = Share(self.line.reorder, f"reorder {seed}")
        self._twice = Share(self.line.duplicate, f"duplicate {seed}")

    def take(self, packet: bytes, now: float) -> None:
        """One packet comes: when will it go on, if at all?"""
        line = self.line
        if not line.treats(packet):
            return self._queue(now, packet)
        if line.mtu is not None and not line.tell and len(packet) > line.mtu:
            return None
        if self._lost() or len(self.waiting) > _MOST_HELD:
            return None
        due = now + line.delay + self._random.random() * line.jitter
        if self._held():
            return self._queue(due + line.held, packet)
        self.last = due = max(due, self.last)
        self._queue(due, packet)
        if self._twice():
            self._queue(due, packet)
        return None

    def _queue(self, due: float, packet: bytes) -> None:
        self.count += 1  # equal times keep their order
        heapq.heappush(self.waiting, (due, self.count, one_hop_back(packet)))

    def deliver(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            packet = heapq.heappop(self.waiting)[2]
            with contextlib.suppress(OSError):
                os.write(self.fd, packet)


def protocol(packet: bytes) -> int:
    """The protocol number of a packet; extension headers of IPv6 are not looked through."""
    return packet[6] if packet[0] >> 4 == 6 else packet[9]


def one_hop_back(packet: bytes) -> bytes:
    """Gives the packet back the hop that it paid to come here: the router forwards it twice."""
    raised = bytearray(packet)
    if packet[0] >> 4 == 6:
        raised[7] = min(255, packet[7] + 1)
        return bytes(raised)
    raised[8] = min(255, packet[8] + 1)
    raised[10:12] = b"\0\0"
    head = raised[: (packet[0] & 15) * 4]
    total = sum(struct.unpack(f"!{len(head) // 2}H", head))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    raised[10:12] = struct.pack("!H", ~total & 0xFFFF)
    return bytes(raised)


def parse(words: Sequence[str]) -> tuple[Line, str]:
    """The line that `delay=40ms loss=15%`… describes, and its direction.  Raises ValueError."""
    line: dict[str, object] = {}
    direction = "both"
    for word in words:
        key, _, value = word.partition("=")
        if key == "direction" and value in ("out", "back", "both"):
            direction = value
        elif key in ("delay", "jitter", "held") and value.endswith("ms"):
            line[key] = float(value.removesuffix("ms")) / 1000
        elif key in ("loss", "reorder", "duplicate") and value.endswith("%"):
            line[key] = float(value.removesuffix("%")) / 100
        elif key == "host":
            line[key] = ipaddress.ip_address(value).packed
        elif key in ("mtu", "seed", "family"):
            line[key] = int(value)
        elif key == "only":
            line[key] = _PROTOCOLS[value]
        elif word == "tell":
            line[key] = True
        else:
            raise ValueError(f"relay: cannot read {word}")
    return Line(**line), direction  # type: ignore[arg-type]


def _ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


def _open(device: str, interface: str, table: int, mtu: int | None) -> int:
    """Makes the device and leads what comes in by `interface` through it.  Raises OSError."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH", device.encode(), _IFF_TUN | _IFF_NO_PI))
    _ip("link", "set", device, "up", "mtu", str(mtu or 1500), "txqueuelen", "5000")
    for family in ("-4", "-6"):
        _ip(family, "route", "replace", "default", "dev", device, "table", str(table))
        # Before "main", after "local": what is meant for the router itself never comes here.
        _ip(family, "rule", "add", "iif", interface, "lookup", str(table), "priority", "1000")
    return fd


def run(ways: Sequence[Way]) -> None:
    """Relays for ever."""
    by_fd = {way.fd: way for way in ways}
    while True:
        now = time.monotonic()
        next_due = min((way.waiting[0][0] for way in ways if way.waiting), default=now + 60)
        ready, _, _ = select.select(list(by_fd), [], [], max(0.0, next_due - now))
        now = time.monotonic()
        for fd in ready:
            with contextlib.suppress(BlockingIOError):
                for _ in range(64):
                    by_fd[fd].take(os.read(fd, 65_536), now)
        for way in ways:
            way.deliver(time.monotonic())


def main(words: Sequence[str]) -> None:
    near, far, *rest = words
    line, direction = parse(rest)
    with contextlib.suppress(OSError):  # an ordinary user's lab has to share the processor
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    ways = [
        Way("relay-out", line if direction in ("out", "both") else Line()),
        Way("relay-back", line if direction in ("back", "both") else Line()),
    ]
    for way, interface, table in zip(ways, (near, far), (201, 202), strict=True):
        way.fd = _open(way.device, interface, table, way.line.mtu if way.line.tell else None)
    print("ready", flush=True)
    run(ways)


if __name__ == "__main__":
    main(sys.argv[1:])
