"""Could a server start: the bind, beside real servers and what they leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from tests.net.namespaces import become_nobody, inside, ip
from tests.net.servers import host_of, open_sockets

from netwhy.core.asks import BindAsk
from netwhy.probes import bind

KINDS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


async def tried(
    address: str, port: int, transport: str = "tcp", *, reuse: bool = False
) -> str | None:
    before = open_sockets()
    ask = BindAsk(ip_address(address), port, transport, reuse)
    seen = await bind.bind(ask, lambda early: None)
    assert (seen.address, seen.port, seen.transport, seen.reuse) == (
        ask.address,
        port,
        transport,
        reuse,
    )
    assert open_sockets() == before, "the probe holds no port"
    return seen.error


@contextlib.contextmanager
def held(address: str, kind: int, *, v6only: bool = True) -> Iterator[int]:
    """A port that somebody has; TCP listens."""
    with socket.socket(host_of(address), kind) as holder:
        if ":" in address:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
        holder.bind((address, 0))
        if kind == socket.SOCK_STREAM:
            holder.listen()
        yield holder.getsockname()[1]


# Numbers of ports are shared by all that runs on a machine: a world of our own has them all free.


def free_again_and_again() -> list[str | None]:
    ip("link set lo up")
    return [
        asyncio.run(tried(address, 8080, transport, reuse=reuse))
        for address in ("127.0.0.1", "::1", "0.0.0.0", "::")
        for transport in ("tcp", "udp")
        for reuse in (False, True, False)
    ]


def test_a_free_port_can_be_bound_again_and_again() -> None:
    assert inside(free_again_and_again) == [None] * 24


#: Who has the port (address, kind, v6only), what is tried, and what comes of it.
IN_USE = [
    ("127.0.0.1", "tcp", True, "127.0.0.1", "EADDRINUSE"),
    ("127.0.0.1", "tcp", True, "0.0.0.0", "EADDRINUSE"),
    ("0.0.0.0", "tcp", True, "127.0.0.1", "EADDRINUSE"),
    ("127.0.0.1", "tcp", True, "127.0.0.2", None),
    ("0.0.0.0", "tcp", True, "::", None),  # `::` is asked for IPv6 alone
    ("::", "tcp", True, "0.0.0.0", None),
    ("::", "tcp", False, "0.0.0.0", "EADDRINUSE"),
    ("::", "tcp", False, "127.0.0.1", "EADDRINUSE"),
    ("::", "tcp", False, "::", "EADDRINUSE"),
    ("::1", "tcp", True, "::", "EADDRINUSE"),
    ("127.0.0.1", "udp", True, "127.0.0.1", "EADDRINUSE"),
    ("0.0.0.0", "udp", True, "127.0.0.1", "EADDRINUSE"),
    ("0.0.0.0", "udp", True, "::", None),
    ("::", "udp", False, "0.0.0.0", "EADDRINUSE"),
]


def in_use() -> list[list[str | None]]:
    """Each row without and with SO_REUSEADDR, then in the number space of the other transport."""
    ip("link set lo up")
    found = []
    for holder, transport, v6only, address, _error in IN_USE:
        with held(holder, KINDS[transport], v6only=v6only) as port:
            other = "udp" if transport == "tcp" else "tcp"
            tries = [(transport, False), (transport, True), (other, False)]
            found.append([asyncio.run(tried(address, port, t, reuse=r)) for t, r in tries])
    return found


def test_a_port_in_use() -> None:
    assert inside(in_use) == [[error, error, None] for *_who, error in IN_USE]


def after_an_old_server(old_reuse: bool) -> list[str | None]:
    ip("link set lo up")
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, old_reuse)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first keeps TIME_WAIT
            assert client.recv(1) == b""
    return [asyncio.run(tried("127.0.0.1", port, reuse=reuse)) for reuse in (False, True)]


@pytest.mark.parametrize(
    ("old_reuse", "found"),
    [(True, ["EADDRINUSE", None]), (False, ["EADDRINUSE", "EADDRINUSE"])],
)
def test_what_an_old_server_leaves_in_time_wait(old_reuse: bool, found: list[str | None]) -> None:
    """SO_REUSEADDR helps a new server only when the old one had set it too."""
    assert inside(after_an_old_server, old_reuse) == found


@pytest.mark.parametrize(
    ("address", "port", "error"),
    [
        ("192.0.2.1", 8080, "EADDRNOTAVAIL"),
        ("2001:db8::1", 8080, "EADDRNOTAVAIL"),
        ("fe80::1", 8080, "EINVAL"),
        ("fe80::1%no-such-if", 8080, "ENODEV"),
        ("127.0.0.1", 70000, "EINVAL"),
    ],
)
async def test_an_address_that_cannot_be_bound(address: str, port: int, error: str) -> None:
    assert await tried(address, port) == error


def without_privilege() -> list[str | None]:
    ip("link set lo up")
    become_nobody()
    return [
        asyncio.run(tried(address, port, transport))
        for port in (80, 1023, 1024)
        for address, transport in (("127.0.0.1", "tcp"), ("::1", "udp"))
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_low_port_is_refused_to_an_unprivileged_user() -> None:
    assert inside(without_privilege) == ["EACCES"] * 4 + [None] * 2
