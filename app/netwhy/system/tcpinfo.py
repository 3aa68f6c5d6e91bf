"""What the kernel knows of one TCP connection (`TCP_INFO`, linux/tcp.h); None elsewhere."""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

_TCP_INFO = 11
_OFFSETS_END = 104
_OUT_OF_ORDER = 224  # tcpi_rcv_ooopack


@dataclass(frozen=True, slots=True)
class TcpInfo:
    """`rtt_ms` None: no sample.  `timeouts` are expiries of the resend timer, `resends` the
    segments sent again because of them, `resends_out` those that the output path took.

    `unacked` are segments without an acknowledgement, `mss` the bytes that one carries, `path_mtu`
    what the kernel believes the path takes, `out_of_order` what came past a gap (Linux 5.4).
    """

    rtt_ms: float | None
    timeouts: int
    resends: int
    resends_out: int
    mss: int | None = None
    path_mtu: int | None = None
    unacked: int = 0
    out_of_order: int | None = None


def read(sock: socket.socket) -> TcpInfo | None:
    """The figures of a TCP socket in any state; None where the platform has none."""
    if sys.platform != "linux":
        return None
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 232)
    except OSError:
        return None
    if len(raw) < _OFFSETS_END:
        return None
    timeouts = raw[2]
    (resends_out,) = struct.unpack_from("=I", raw, 36)
    (rtt_us,) = struct.unpack_from("=I", raw, 68)
    (resends,) = struct.unpack_from("=I", raw, 100)
    mss, unacked, path_mtu = (struct.unpack_from("=I", raw, at)[0] for at in (16, 24, 60))
    known = len(raw) >= _OUT_OF_ORDER + 4
    return TcpInfo(
        rtt_us / 1000 if rtt_us else None,
        timeouts,
        resends,
        resends_out,
        mss or None,
        path_mtu or None,
        unacked,
        struct.unpack_from("=I", raw, _OUT_OF_ORDER)[0] if known else None,
    )
