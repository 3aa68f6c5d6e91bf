"""The kernel asked directly: one small netlink client on the standard library's socket.

Wire format: include/uapi/linux/netlink.h and rtnetlink.h.  Requests are synchronous, bounded in
time and bytes, and every socket lives for one request only.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Iterator

NETLINK_ROUTE = 0
NETLINK_SOCK_DIAG = 4

_NLM_F_REQUEST = 0x1
_NLM_F_DUMP = 0x300
_NLM_F_DUMP_INTR = 0x10
_NLMSG_NOOP, _NLMSG_ERROR, _NLMSG_DONE = 1, 2, 3
ENDS = (_NLMSG_ERROR, _NLMSG_DONE)
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_RECEIVE_BYTES = 1 << 17  # one dump message is at most 32 KiB, a link with many VFs may be more
_MAX_BYTES = 1 << 27
_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER

Message = tuple[int, bytes]


class Refused(OSError):
    """The kernel understood the question and its answer is this errno (NLMSG_ERROR)."""


class Interrupted(OSError):
    """The table changed while it was read (NLM_F_DUMP_INTR)."""


def get(protocol: int, kind: int, body: bytes, *, timeout_s: float = 1.0) -> Message:
    """One question, one answer: (message type, body).

    Raises Refused with the kernel's errno, and OSError where netlink itself is not to be had.
    """
    for message in _exchange(protocol, kind, body, 0, timeout_s):
        return message
    raise TimeoutError("netlink gave no answer")


def dump(protocol: int, kind: int, body: bytes, *, timeout_s: float = 1.0) -> list[Message]:
    """A whole table as (message type, body); read again when it changed meanwhile.

    Raises as `get`.  A table that changes at every try is returned as the last try saw it.
    """
    for _ in range(2):
        found: list[Message] = []
        try:
            found.extend(_exchange(protocol, kind, body, _NLM_F_DUMP, timeout_s))
        except Interrupted:
            continue
        return found
    return partial_dump(protocol, kind, body, timeout_s=timeout_s)


def partial_dump(protocol: int, kind: int, body: bytes, *, timeout_s: float) -> list[Message]:
    """What of a table could be read in that time, without an error when it was not all."""
    found: list[Message] = []
    try:
        for message in _exchange(protocol, kind, body, _NLM_F_DUMP, timeout_s):
            found.append(message)
    except (Interrupted, TimeoutError):
        pass
    return found


def _exchange(
    protocol: int, kind: int, body: bytes, flags: int, timeout_s: float
) -> Iterator[Message]:
    deadline = time.monotonic() + timeout_s
    with _asked(protocol, kind, body, flags, timeout_s) as link:
        yield from _answers(link, deadline, bool(flags & _NLM_F_DUMP))


def datagrams(protocol: int, kind: int, body: bytes, *, timeout_s: float) -> Iterator[bytes]:
    """A table as the datagrams it came in, for who only counts; the last holds NLMSG_DONE.

    Raises OSError where netlink is not to be had or takes too long.
    """
    deadline = time.monotonic() + timeout_s
    with _asked(protocol, kind, body, _NLM_F_DUMP, timeout_s) as link:
        while (left := deadline - time.monotonic()) > 0:
            link.settimeout(left)
            data, sender = link.recvfrom(_RECEIVE_BYTES)
            if sender[0] == 0:
                yield data
    raise TimeoutError("netlink took too long")


def _asked(protocol: int, kind: int, body: bytes, flags: int, timeout_s: float) -> socket.socket:
    """A socket on which that was asked; the caller closes it."""
    family: int | None = getattr(socket, "AF_NETLINK", None)
    if family is None:
        raise OSError("this platform has no netlink")
    link = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, protocol)
    try:
        link.settimeout(timeout_s)
        length = _HEADER.size + len(body)
        link.send(_HEADER.pack(length, kind, _NLM_F_REQUEST | flags, 1, 0) + body)
    except BaseException:
        link.close()
        raise
    return link


def _answers(link: socket.socket, deadline: float, dumping: bool) -> Iterator[Message]:
    """Until the kernel says that it is done; only the kernel (port id 0) is listened to."""
    budget = _MAX_BYTES
    interrupted = False
    while budget > 0:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("netlink took too long")
        link.settimeout(left)
        data, sender = link.recvfrom(_RECEIVE_BYTES)
        budget -= len(data) or _RECEIVE_BYTES
        if sender[0] != 0:
            continue
        for kind, flags, body in split(data):
            interrupted = interrupted or bool(flags & _NLM_F_DUMP_INTR)
            if kind in (_NLMSG_ERROR, _NLMSG_DONE):
                raise_errno(body, kind)
                if interrupted:
                    raise Interrupted("the table changed while it was read")
                return
            if kind != _NLMSG_NOOP:
                yield kind, body
                if not dumping:
                    return
    raise OSError("netlink gave more than can be read")


def raise_errno(body: bytes, kind: int) -> None:
    """An error carries -errno; the end of a dump carries 0 or the dump's own -errno."""
    if len(body) < 4:
        if kind == _NLMSG_ERROR:
            raise OSError("netlink gave an unreadable error")
        return
    (number,) = struct.unpack_from("=i", body)
    if number < 0:
        raise Refused(-number, f"netlink errno {-number}")


def split(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(type, flags, body) of each message in a datagram; a cut-off last message is left out."""
    offset = 0
    while offset + _HEADER.size <= len(data):
        length, kind, flags, _sequence, _port = _HEADER.unpack_from(data, offset)
        if length < _HEADER.size or offset + length > len(data):
            return
        yield kind, flags, data[offset + _HEADER.size : offset + length]
        offset += (length + 3) & ~3


def attributes(data: bytes, offset: int = 0) -> dict[int, bytes]:
    """Attributes by number; of a repeated one the last.  Cut-off or odd input ends the list."""
    return dict(_attributes(data, offset))


def _attributes(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size or offset + length > len(data):
            return
        yield kind & _TYPE_MASK, data[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes, ready to append to a request."""
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def number(value: bytes | None) -> int | None:
    """An attribute of one to eight bytes as an unsigned number in host order."""
    if not value or len(value) > 8:
        return None
    return int.from_bytes(value, sys.byteorder)


def text(value: bytes | None) -> str:
    """A NUL-terminated string attribute."""
    return (value or b"").split(b"\0", 1)[0].decode("utf-8", "replace")
