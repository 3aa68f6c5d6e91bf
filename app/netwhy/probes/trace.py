"""The way to a host, router by router, without privileges.

Each packet may pass one router more than the one before (IP_TTL, IPV6_UNICAST_HOPS); the router at
which it ends says so with "time exceeded", which Linux keeps in the socket's error queue, for TCP
since 5.11 also while the handshake is under way (commit 45af29ca761c).

Packets leave at once for the next few distances, for more as soon as routers answer, and for a
few more at two moments when all keeps silent.  Those moments lie where `probes.local` does not
count packets: what the own firewall drops of the answers must not look like answers of the target.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
import time
from collections.abc import Callable

from netwhy.core.asks import TraceAsk
from netwhy.core.errnames import errno_name
from netwhy.core.observations import TIMEOUT, Hop, Icmp, Skipped, Trace
from netwhy.system import errqueue, limits, tcpinfo
from netwhy.system.sockaddr import family, sockaddr

MOST_HOPS = 30
#: When more distances are tried although nothing new has answered, and silent ones again: TCP
#: sends again by itself after 1.0 s.
_AGAIN_S = 0.9
#: When a way is given up whose end is known but for a silent hop before it; one that goes silent;
#: and one of which answers still come.
_KNOWN_S, _SILENT_S, _LONGEST_S = 1.25, 1.4, 1.9
_FRESH_S = 0.4
#: Traces at once.  A router answers one sender a few times at once and then once a second (Linux:
#: six, icmp(7)): with more, those that come later would meet silence that means nothing.
_MOST_AT_ONCE = 3
#: The file descriptors that have to be left for other probes.
_SPARE_FILES = 64
_under_way = 0


async def trace(ask: TraceAsk, tell: Callable[[Trace], None]) -> Trace | Skipped:
    """Follow the way; whatever happens on it is an observation.  Skipped: it cannot be done."""
    if sys.platform != "linux":
        return _skipped(ask, "only Linux tells an ordinary program which router answered")
    global _under_way
    while _under_way >= _MOST_AT_ONCE:  # noqa: ASYNC110 - of any event loop
        await asyncio.sleep(0.05)
    _under_way += 1
    try:
        tell(Trace(ask.address, ask.port, ask.transport, pending=True))
        way = _Way(ask)
        with way.sockets:
            await way.follow()
    finally:
        _under_way -= 1
    return way.seen() if way.packets else _skipped(ask, way.refusal)


def _skipped(ask: TraceAsk, reason: str) -> Skipped:
    return Skipped(ask.probe, f"the way to {ask.address} ({ask.transport})", reason)


class _Packet:
    """One distance: its socket, and what came of it."""

    def __init__(self, ttl: int, sock: socket.socket) -> None:
        self.ttl = ttl
        self.sock = sock
        self.started = time.perf_counter()
        self.again = False  # sent twice: which of the two was answered is not known
        self.hop: Hop | None = None
        self.arrived = False  # the target itself answered
        self.error: str | None = None


class _Way:
    """A trace under way.  `packets` are in the order of their distances, without a gap."""

    def __init__(self, ask: TraceAsk) -> None:
        self.ask = ask
        self.sockets = contextlib.ExitStack()
        self.packets: list[_Packet] = []
        self.refusal = "no packet could be sent"
        self._started = time.perf_counter()
        self._news = asyncio.Event()
        self._blocked = False
        self._tries = 1

    async def follow(self) -> None:
        """Send and listen until the way is known or the time is over."""
        try:
            while not self._blocked or any(p.hop is None for p in self.packets):
                self._advance()
                left = self._until() - self._elapsed()
                if left <= 0:
                    if not self._carry_on():
                        return
                    continue
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._news.wait()
        finally:
            loop = asyncio.get_running_loop()
            for packet in self.packets:
                self._forget(loop, packet)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._started

    @property
    def _answered(self) -> int:
        """The farthest distance that anything answered."""
        return max((p.ttl for p in self.packets if p.hop is not None), default=0)

    @property
    def _end(self) -> _Packet | None:
        """Where the way ends: at the target, or where somebody refused to pass packets on."""
        return next((p for p in self.packets if p.arrived or p.error is not None), None)

    def _until(self) -> float:
        """The moment (s since the start) at which to stop, or to try more."""
        end = self._end
        if (end is not None and not self._hidden(end)) or self.seen().circle:
            return 0.0
        if self._tries == 1:
            return _AGAIN_S
        if self._tries > 2:
            return _LONGEST_S
        return _KNOWN_S if end is not None else _SILENT_S

    def _carry_on(self) -> bool:
        """Nothing new for a while: try more distances, and the silent ones again."""
        end = self._end
        if self.seen().circle or (end is not None and (self._tries > 1 or not self._hidden(end))):
            return False
        if self._tries > 2 or (self._tries == 2 and not self._going_on()):
            return False
        self._tries += 1
        for packet in self.packets if self._tries == 2 and self.ask.transport != "tcp" else ():
            if packet.hop is None:
                packet.again = True
                self._send(packet)
        return True

    def _hidden(self, end: _Packet | None) -> bool:
        """Is a distance before the end still silent?"""
        return any(p.hop is None for p in self.packets if end is None or p.ttl < end.ttl)

    def _going_on(self) -> bool:
        """Did packets leave a moment ago because others were answered, so that more may come?"""
        return any(p.hop is None and time.perf_counter() - p.started < _FRESH_S
                   for p in self.packets)  # fmt: skip

    def _advance(self) -> None:
        """Send to the distances that are due."""
        ahead = self.ask.ahead * min(self._tries, 2)
        wanted = min(MOST_HOPS, self._answered + ahead)
        while not self._blocked and self._end is None and len(self.packets) < wanted:
            self._launch(len(self.packets) + 1)

    # ---------------------------------------------------------------------------------- packets

    def _launch(self, ttl: int) -> None:
        if limits.free_files() < _SPARE_FILES:
            self._blocked, self.refusal = True, "hardly any file descriptors are left"
            return
        try:
            sock = self.sockets.enter_context(_opened(self.ask, ttl))
        except (OSError, OverflowError) as error:
            self._blocked = True
            name = errno_name(getattr(error, "errno", None) or 0)
            self.refusal = f"no {self.ask.transport.upper()} packet could be sent ({name})"
            return
        packet = _Packet(ttl, sock)
        self.packets.append(packet)
        self._send(packet)
        if packet.hop is not None:
            return
        loop = asyncio.get_running_loop()
        add = loop.add_writer if self.ask.transport == "tcp" else loop.add_reader
        add(sock, self._heard, packet)

    def _send(self, packet: _Packet) -> None:
        try:
            packet.sock.connect(sockaddr(self.ask.address, self.ask.port or 0))
            if self.ask.transport != "tcp":
                packet.sock.send(_payload(self.ask))
        except BlockingIOError:
            return
        except OSError as error:
            self._settle(packet, error.errno or 0)
            return
        if self.ask.transport == "tcp":
            self._settle(packet, 0)

    def _heard(self, packet: _Packet) -> None:
        """A socket is ready: an answer, or an error in its queue."""
        number = packet.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if self.ask.transport != "tcp" and number == 0:
            try:
                packet.sock.recv(4096)
            except BlockingIOError:
                pass  # only the error queue has something
            except OSError as error:
                number = error.errno or 0
        self._settle(packet, number)

    def _settle(self, packet: _Packet, number: int) -> None:
        """A packet has come to its end: note who answered and how."""
        rtt_ms = self._rtt_ms(packet)
        queued = errqueue.read(packet.sock)
        icmp = queued[1] if queued is not None else None
        if queued is not None and not number:
            number = queued[0]
        self._judge(packet, rtt_ms, icmp, number)
        self._forget(asyncio.get_running_loop(), packet)
        self._news.set()

    def _rtt_ms(self, packet: _Packet) -> float | None:
        """The round trip; None where it is not known which of two packets was answered."""
        info = tcpinfo.read(packet.sock) if self.ask.transport == "tcp" else None
        if packet.again or (info is not None and info.resends):
            return None
        return (time.perf_counter() - packet.started) * 1000

    def _judge(self, packet: _Packet, rtt_ms: float | None, icmp: Icmp | None, number: int) -> None:
        name = errno_name(number) if number else None
        sender = icmp.sender if icmp is not None else None
        by_target = name in (None, "ECONNREFUSED", "ECONNRESET")
        if icmp is None:
            packet.arrived = by_target
            sender = self.ask.address if by_target else None
        elif sender == self.ask.address:
            packet.arrived = True
        if not packet.arrived and (icmp is None or not icmp.time_exceeded):
            packet.error = name
        packet.hop = Hop(packet.ttl, sender, rtt_ms, icmp)

    def _forget(self, loop: asyncio.AbstractEventLoop, packet: _Packet) -> None:
        """Close a socket; a connection that came about ends by a reset and holds no port."""
        if packet.sock.fileno() < 0:
            return
        loop.remove_writer(packet.sock)
        loop.remove_reader(packet.sock)
        packet.sock.close()

    # ---------------------------------------------------------------------------------- outcome

    def seen(self) -> Trace:
        """What is known so far.  Distances behind the end are left out."""
        end = self._end
        packets = [p for p in self.packets if end is None or p.ttl <= end.ttl]
        return Trace(
            self.ask.address,
            self.ask.port,
            self.ask.transport,
            tuple(p.hop or Hop(p.ttl) for p in packets),
            reached=end.ttl if end is not None and end.arrived else None,
            error=end.error if end is not None else TIMEOUT,
            ms=self._elapsed() * 1000,
        )


def _opened(ask: TraceAsk, ttl: int) -> socket.socket:
    """A socket whose packets pass `ttl` - 1 routers.  Raises OSError."""
    version = ask.address.version
    kinds = {
        "tcp": (socket.SOCK_STREAM, 0),
        "udp": (socket.SOCK_DGRAM, 0),
        "icmp": (
            socket.SOCK_DGRAM,
            socket.IPPROTO_ICMPV6 if version == 6 else socket.IPPROTO_ICMP,
        ),
    }
    sock = socket.socket(family(ask.address), *kinds[ask.transport])
    try:
        sock.setblocking(False)
        errqueue.listen(sock)
        if version == 6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        if ask.transport == "tcp":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        sock.close()
        raise
    return sock


def _payload(ask: TraceAsk) -> bytes:
    """An echo request (its checksum is the kernel's), or a short datagram."""
    if ask.transport == "icmp":
        kind = 128 if ask.address.version == 6 else 8
        return struct.pack("!BBHHH", kind, 0, 0, 0, 1) + os.urandom(8)
    return b"netwhy\n"
