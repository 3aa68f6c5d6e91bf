"""What to say to a UDP port, so that a service that lives there answers."""

from __future__ import annotations

import os
import struct


def request(port: int, send: str | None) -> tuple[str, bytes]:
    """What to send to a port: (its name, the bytes).  Never empty, never more than a question."""
    if send is not None:
        return "as configured", send.encode()
    if port == 53:
        # ". NS IN", recursion desired (RFC 1035 §4.1)
        return "DNS query", os.urandom(2) + b"\x01\x00\x00\x01" + bytes(6) + b"\x00\x00\x02\x00\x01"
    if port == 123:
        return "NTP client request", b"\x23" + bytes(47)  # version 4, mode 3 (RFC 5905)
    if port == 3478:
        # STUN binding request (RFC 8489): type, length, magic cookie, transaction
        head = struct.pack("!HHI", 1, 0, 0x2112A442)
        return "STUN binding request", head + os.urandom(12)
    return "a short datagram", b"netwhy\n"
