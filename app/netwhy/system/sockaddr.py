"""Socket families and socket addresses for `ipaddress` objects."""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import IPv6Address
from typing import Any

from netwhy.core.model import IPAddress


def family(address: IPAddress) -> socket.AddressFamily:
    return socket.AF_INET6 if address.version == 6 else socket.AF_INET


def sockaddr(address: IPAddress, port: int) -> tuple[Any, ...]:
    """The tuple that `connect` and `bind` take.

    The scope of `fe80::1%eth0` becomes an index; OSError (ENODEV) when there is no such interface.
    """
    if isinstance(address, IPv6Address):
        scope = 0
        if address.scope_id:
            scope = _index(address.scope_id)
        return (str(address).partition("%")[0], port, 0, scope)
    return (str(address), port)


def _index(scope: str) -> int:
    if scope.isdigit():
        return int(scope)
    try:
        return socket.if_nametoindex(scope)
    except OSError as error:  # Python gives it no errno
        raise OSError(errno.ENODEV, os.strerror(errno.ENODEV)) from error
