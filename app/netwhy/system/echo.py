"""ICMP echo: the socket that this user may have, the request, and the reply with its time.

`net.ipv4.ping_group_range` decides who may open an ICMP datagram socket (icmp(7)); a closed range
is common in containers.  The receive time is the kernel's (`SO_TIMESTAMPNS`) where there is one:
a clock read after `await` is late under load.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time

from netwhy.core.errnames import errno_name
from netwhy.core.model import IPAddress
from netwhy.system.sockaddr import family

_SO_TIMESTAMPNS = 35
_PROTOCOL = {4: socket.IPPROTO_ICMP, 6: socket.IPPROTO_ICMPV6}
_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_DENIED = ("EACCES", "EPERM", "EPROTONOSUPPORT")


class Denied(Exception):
    """No socket: `error` is the symbol, the text says why."""

    def __init__(self, error: str) -> None:
        reason = "this user may not send ICMP echo (net.ipv4.ping_group_range)"
        if error not in _DENIED:
            reason = f"no ICMP socket could be opened ({error})"
        super().__init__(reason)
        self.error = error


def opened(address: IPAddress) -> tuple[socket.socket, bool]:
    """A non-blocking socket and whether it is a raw one.  Raises Denied."""
    protocol = _PROTOCOL[address.version]
    refused = "EACCES"
    for kind, raw in ((socket.SOCK_DGRAM, False), (socket.SOCK_RAW, True)):
        try:
            sock = socket.socket(family(address), kind, protocol)
        except OSError as error:
            refused = errno_name(error.errno or 0)
            if refused not in _DENIED:
                break
        else:
            sock.setblocking(False)
            if sys.platform == "linux":
                sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            return sock, raw
    raise Denied(refused)


def request(version: int, sequence: int, token: bytes) -> bytes:
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


def reply(sock: socket.socket, raw: bool, version: int, token: bytes) -> tuple[int, int] | None:
    """The sequence number of one of our replies and the wall-clock time (ns) at which it came.

    None when what came was not ours; BlockingIOError when nothing is there.
    """
    try:
        data, ancillary, _flags, _sender = sock.recvmsg(1024, 256)
    except BlockingIOError:
        raise
    except OSError:
        return None
    now_ns = time.clock_gettime_ns(time.CLOCK_REALTIME)
    if raw and version == 4 and data:
        data = data[(data[0] & 0x0F) * 4 :]
    if len(data) < 8 or data[0] != _REPLY[version] or token not in data:
        return None
    (sequence,) = struct.unpack_from("!H", data, 6)
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(payload) >= 16:
            seconds, nanoseconds = struct.unpack_from("=qq", payload)
            return sequence, seconds * 1_000_000_000 + nanoseconds
    return sequence, now_ns
