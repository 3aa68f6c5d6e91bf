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

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM


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
        if kind == TCP:
            holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "0.0.0.0", "::"])
async def test_a_free_port_can_be_bound_again_and_again(address: str, transport: str) -> None:
    with held("127.0.0.1", TCP) as port:
        pass
    for reuse in (False, True, False):
        assert await tried(address, port, transport, reuse=reuse) is None


@pytest.mark.parametrize("reuse", [False, True])
@pytest.mark.parametrize(
    ("holder", "kind", "v6only", "address", "error"),
    [
        ("127.0.0.1", TCP, True, "127.0.0.1", "EADDRINUSE"),
        ("127.0.0.1", TCP, True, "0.0.0.0", "EADDRINUSE"),
        ("0.0.0.0", TCP, True, "127.0.0.1", "EADDRINUSE"),
        ("127.0.0.1", TCP, True, "127.0.0.2", None),
        ("0.0.0.0", TCP, True, "::", None),  # `::` is asked for IPv6 alone
        ("::", TCP, True, "0.0.0.0", None),
        ("::", TCP, False, "0.0.0.0", "EADDRINUSE"),
        ("::", TCP, False, "127.0.0.1", "EADDRINUSE"),
        ("::", TCP, False, "::", "EADDRINUSE"),
        ("::1", TCP, True, "::", "EADDRINUSE"),
        ("127.0.0.1", UDP, True, "127.0.0.1", "EADDRINUSE"),
        ("0.0.0.0", UDP, True, "127.0.0.1", "EADDRINUSE"),
        ("0.0.0.0", UDP, True, "::", None),
        ("::", UDP, False, "0.0.0.0", "EADDRINUSE"),
    ],
)
async def test_a_port_in_use(
    holder: str, kind: int, v6only: bool, address: str, error: str | None, reuse: bool
) -> None:
    with held(holder, kind, v6only=v6only) as port:
        transport = "tcp" if kind == TCP else "udp"
        other = "udp" if kind == TCP else "tcp"
        assert await tried(address, port, transport, reuse=reuse) == error
        assert await tried(address, port, other, reuse=reuse) is None, "another number space"


@pytest.mark.parametrize(
    ("old_reuse", "plain", "reusing"),
    [(True, "EADDRINUSE", None), (False, "EADDRINUSE", "EADDRINUSE")],
)
async def test_what_an_old_server_leaves_in_time_wait(
    old_reuse: bool, plain: str, reusing: str | None
) -> None:
    """SO_REUSEADDR helps a new server only when the old one had set it too."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, old_reuse)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first keeps TIME_WAIT
            assert client.recv(1) == b""
    assert await tried("127.0.0.1", port) == plain
    assert await tried("127.0.0.1", port, reuse=True) == reusing


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
