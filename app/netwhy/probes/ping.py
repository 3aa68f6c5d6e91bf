"""Echo request and reply: by an unprivileged ICMP socket, else by a raw one, else not at all.

`net.ipv4.ping_group_range` decides who may open an ICMP datagram socket (icmp(7)); a closed range
is common in containers, so a ping is only ever one piece of evidence.  The receive time is the
kernel's (`SO_TIMESTAMPNS`) where there is one: a clock read after `await` is late under load.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from netwhy.core.asks import PingAsk
from netwhy.core.errnames import errno_name
from netwhy.core.observations import TIMEOUT, Ping
from netwhy.system import errqueue, readiness
from netwhy.system.sockaddr import family, sockaddr

TRIES = 3
WAIT_S = 1.1  # for each try; a neighbour's silence (3.08 s) ends within three of them
_SO_TIMESTAMPNS = 35
_PROTOCOL = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}


async def ping(ask: PingAsk, tell: Callable[[Ping], None]) -> Ping:
    """Send up to TRIES echo requests, a second apart, until one is answered or refused."""
    opened = _open(ask)
    if isinstance(opened, Ping):
        return opened
    sock, raw = opened
    with sock:
        sock.setblocking(False)
        errqueue.listen(sock)
        if sys.platform == "linux":
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        token = os.urandom(16)
        for sequence in range(1, TRIES + 1):
            seen = await _exchange(ask, sock, raw, token, sequence)
            if seen.error != TIMEOUT:
                return seen
            tell(replace(seen))
        return seen


def _open(ask: PingAsk) -> tuple[socket.socket, bool] | Ping:
    protocol = _PROTOCOL[ask.address.version]
    refused = "EACCES"
    for kind, raw in ((socket.SOCK_DGRAM, False), (socket.SOCK_RAW, True)):
        try:
            return socket.socket(family(ask.address), kind, protocol), raw
        except OSError as error:
            refused = errno_name(error.errno or 0)
            if refused not in ("EACCES", "EPERM", "EPROTONOSUPPORT"):
                break
    reason = "this user may not send ICMP echo (net.ipv4.ping_group_range)"
    if refused not in ("EACCES", "EPERM", "EPROTONOSUPPORT"):
        reason = f"no ICMP socket could be opened ({refused})"
    return Ping(ask.address, error=refused, unavailable=reason)


async def _exchange(
    ask: PingAsk, sock: socket.socket, raw: bool, token: bytes, sequence: int
) -> Ping:
    packet = _request(ask.address.version, sequence, token)
    sent_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    started = time.monotonic()
    try:
        sock.sendto(packet, sockaddr(ask.address, 0))
    except OSError as error:
        queued = errqueue.read(sock)
        name = errno_name(error.errno or 0)
        return Ping(ask.address, error=name, icmp=queued[1] if queued else None)
    while True:
        left = started + WAIT_S - time.monotonic()
        if not await readiness.wait(sock, write=False, timeout_s=left):
            return Ping(ask.address, error=TIMEOUT)
        queued = errqueue.read(sock)
        if queued is not None:
            return Ping(ask.address, error=errno_name(queued[0]), icmp=queued[1])
        received_ns = _reply(sock, raw, ask.address.version, token)
        if received_ns is not None:
            return Ping(ask.address, rtt_ms=max(0, received_ns - sent_ns) / 1e6)


def _request(version: int, sequence: int, token: bytes) -> bytes:
    """An echo request (RFC 792, RFC 4443).  The kernel writes the checksum of ICMPv6."""
    identifier = os.getpid() & 0xFFFF
    head = struct.pack("!BBHHH", _REQUEST[version], 0, 0, identifier, sequence)
    if version == 6:
        return head + token
    checksum = _checksum(head + token)
    return struct.pack("!BBHHH", _REQUEST[version], 0, checksum, identifier, sequence) + token


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of an even number of bytes."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return ~total & 0xFFFF


def _reply(sock: socket.socket, raw: bool, version: int, token: bytes) -> int | None:
    """Wall-clock time (ns) at which our reply came; None when what came was not ours."""
    try:
        data, ancillary, _flags, _sender = sock.recvmsg(1024, 256)
    except OSError:
        return None
    now_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    if raw and version == 4 and data:
        data = data[(data[0] & 0x0F) * 4 :]
    if len(data) < 8 or data[0] != _REPLY[version] or token not in data:
        return None
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(payload) >= 16:
            seconds, nanoseconds = struct.unpack_from("=qq", payload)
            stamp: int = seconds * 1_000_000_000 + nanoseconds
            return stamp
    return now_ns
