"""Does the network of this machine change?  The kernel tells who listens (rtnetlink(7))."""

from __future__ import annotations

import contextlib
import socket
import weakref

#: Links, addresses, routes and rules of both families (linux/rtnetlink.h, RTNLGRP_*).
_GROUPS = sum(1 << (group - 1) for group in (1, 5, 7, 8, 9, 11, 19))
_RECEIVE_BYTES = 32_768
#: Read at once at most: more is only more of the same.
_MOST = 64


class Changes:
    """Listens from its making on.  `listening` is False where the platform has nothing to hear."""

    def __init__(self) -> None:
        self._link: socket.socket | None = None
        family: int | None = getattr(socket, "AF_NETLINK", None)
        if family is None:
            return
        with contextlib.suppress(OSError):
            link = socket.socket(family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
            weakref.finalize(self, link.close)
            link.setblocking(False)
            link.bind((0, _GROUPS))
            self._link = link

    @property
    def listening(self) -> bool:
        return self._link is not None

    def any(self) -> bool:
        """Was anything told since this was asked last?  Does not wait."""
        if self._link is None:
            return False
        told = False
        for _ in range(_MOST):
            try:
                self._link.recv(_RECEIVE_BYTES)
            except BlockingIOError:
                return told
            except OSError:  # ENOBUFS: so much that some of it was dropped
                return True
            told = True
        return told
