"""Could a server start here?  Bind and close: never `listen`, never `SO_REUSEPORT`.

Both could catch clients that belong to the running service.  The plain bind and the one with
`SO_REUSEADDR` are asked apart, since their difference tells what is left of an old server.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable

from netwhy.core.asks import BindAsk
from netwhy.core.errnames import errno_name
from netwhy.core.observations import BindTry
from netwhy.system.sockaddr import family, sockaddr


async def bind(ask: BindAsk, tell: Callable[[BindTry], None]) -> BindTry:
    """Bind once.  `::` is tried for IPv6 alone, so that IPv4 is judged by its own try."""
    error: str | None = None
    kind = socket.SOCK_DGRAM if ask.transport == "udp" else socket.SOCK_STREAM
    try:
        with socket.socket(family(ask.address), kind) as sock:
            if ask.address.version == 6 and not ask.dual:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if sys.platform == "win32":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            elif ask.reuse:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(sockaddr(ask.address, ask.port))
    except (OSError, OverflowError) as failure:
        error = errno_name(getattr(failure, "errno", None) or errno.EINVAL)
    return BindTry(ask.address, ask.port, ask.transport, ask.reuse, error, ask.dual)
