"""The kernel's rule for two sockets on one port: every pair that matters, bound for real.

What the diagnosis says of SO_REUSEADDR and of addresses that overlap must be what bind does.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from tests.net.bind_scenes import PORT, made
from tests.net.namespaces import inside, ip

from netwhy.core.observations import Socket
from netwhy.diagnosis.sockets import overlaps, shares
from netwhy.system.sockets import rows_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the rules of the Linux kernel")

STATES = (
    "BOUND",
    "LISTEN",
    "ESTAB",
    "CLOSE_WAIT",
    "FIN_WAIT2",
    "TIME_WAIT",
    "outgoing",
    "gone",
    "UDP",
)
SERVICE = PORT - 1  # what the outgoing connection goes to
PLACES = (
    ("127.0.0.1", "127.0.0.1"),
    ("127.0.0.1", "0.0.0.0"),
    ("0.0.0.0", "127.0.0.1"),
    ("127.0.0.1", "127.0.0.2"),
    ("::", "127.0.0.1"),
    ("::", "0.0.0.0"),
    ("::", "::"),
    ("::1", "::"),
    ("::1", "127.0.0.1"),
    ("::1", "0.0.0.0"),
    ("0.0.0.0", "::"),
)
#: (SO_REUSEADDR, SO_REUSEPORT) of the first and of the second socket.
OPTIONS = tuple(itertools.product(((0, 0), (1, 0), (0, 1), (1, 1)), repeat=2))
USERS = (0, 65534)


@contextlib.contextmanager
def first(state: str, address: str, port: int, reuse: int, share: int) -> Iterator[None]:
    """A socket of root in that state, and nothing else on its port."""
    there = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    v6only = False if ":" in address else None
    options: dict[str, Any] = {"reuse": bool(reuse), "share": bool(share), "v6only": v6only}
    options["udp"] = state == "UDP"
    with contextlib.ExitStack() as stack:
        mine = stack.enter_context(made(address, port, **options))
        if state == "outgoing":
            server = stack.enter_context(made(there, SERVICE, reuse=True))
            server.listen()
            mine.connect((there, SERVICE))
        elif state not in ("BOUND", "UDP"):
            mine.listen()
        if state not in ("BOUND", "UDP", "LISTEN", "outgoing"):
            client = stack.enter_context(socket.create_connection((there, port)))
            accepted = stack.enter_context(mine.accept()[0])
            mine.close()
            _bring(state, client, accepted)
        yield


def _bring(state: str, client: socket.socket, accepted: socket.socket) -> None:
    """The accepted end to that state."""
    if state in ("CLOSE_WAIT", "gone"):
        client.shutdown(socket.SHUT_WR)
        assert accepted.recv(1) == b""
    if state == "FIN_WAIT2":
        accepted.shutdown(socket.SHUT_WR)
        assert client.recv(1) == b""
    if state == "TIME_WAIT":
        accepted.close()
        assert client.recv(1) == b""
        client.close()
    if state == "gone":  # the client keeps TIME_WAIT, the server nothing
        accepted.close()
        assert client.recv(1) == b""


def second(address: str, port: int, reuse: int, share: int, uid: int, udp: bool) -> bool:
    """Could that user bind a second socket?  `::` as the probe tries it: for IPv6 alone."""
    v6only = True if ":" in address else None
    os.seteuid(uid)
    try:
        made(address, port, reuse=bool(reuse), share=bool(share), v6only=v6only, udp=udp).close()
    except OSError:
        return False
    finally:
        os.seteuid(0)
    return True


def rule(rows: list[Socket], address: str, options: tuple[Any, ...], uid: int) -> bool:
    """What our rule says, from the table of sockets and from what both had set."""
    (old_reuse, old_share), (new_reuse, new_share) = options
    for held in rows:
        if not overlaps(held, ip_address(address)):
            continue
        same_user = held.state == "TIME_WAIT" or held.uid == uid
        share = bool(old_share and new_share and same_user)
        if not shares(held, reuse=bool(old_reuse and new_reuse), share=share):
            return False
    return True


def differences(state: str) -> list[str]:
    """Where the rule and the kernel disagree; and a word that there was something to compare."""
    ip("link set lo up")
    found, compared = [], 0
    # Each on a port of its own: some leave a connection in TIME_WAIT.
    for port, ((mine, theirs), options) in enumerate(
        itertools.product(PLACES, OPTIONS), start=PORT
    ):
        with first(state, mine, port, *options[0]):
            rows = [r.socket for r in rows_of(port, "udp" if state == "UDP" else "tcp")]
            # The kernel does not tell it of connections: there the rule assumes the worse.
            rows = [replace(s, v6only=mine != "::") if s.v6only is None else s for s in rows]
            for uid in USERS:
                said = rule(rows, theirs, options, uid)
                done = second(theirs, port, *options[1], uid, state == "UDP")
                compared += 1
                if said != done:
                    states = ", ".join(sorted({s.state for s in rows}))
                    found.append(f"{mine} then {theirs}, {options}, uid {uid}: {done} ({states})")
    return [*found, f"compared {compared}"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs two users, so root")
@pytest.mark.parametrize("state", STATES)
def test_the_rule_is_the_kernels(state: str) -> None:
    assert inside(differences, state, timeout_s=120) == [
        f"compared {len(PLACES) * len(OPTIONS) * len(USERS)}"
    ]
