"""One bind, taken back at once: never `listen`, never `SO_REUSEPORT`.

Both could catch clients that belong to a running service.
"""

from __future__ import annotations

import errno
import socket
import sys

from netwhy.core.errnames import errno_name
from netwhy.core.model import IPAddress
from netwhy.system.sockaddr import family, sockaddr


def refused(
    address: IPAddress,
    port: int,
    transport: str,
    *,
    reuse: bool = False,
    v6only: bool | None = True,
) -> str | None:
    """The error of a bind; None when it works.

    `reuse` sets SO_REUSEADDR.  `v6only` is for IPv6 addresses; None leaves what the system has.
    """
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    try:
        with socket.socket(family(address), kind) as sock:
            if address.version == 6 and v6only is not None:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
            if sys.platform == "win32":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            elif reuse:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(sockaddr(address, port))
    except (OSError, OverflowError) as failure:
        return errno_name(getattr(failure, "errno", None) or errno.EINVAL)
    return None
