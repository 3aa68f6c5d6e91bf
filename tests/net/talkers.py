"""Servers that speak: TLS with one certificate, HTTP with one answer, anything with one fault."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

from tests.net.servers import host_of, reset, to_the_end

Behaviour = Callable[[socket.socket], object]


def serve(server: socket.socket, behave: Behaviour) -> None:
    """Accepts any number of clients at once and treats each one alike, until it is closed."""

    def treat(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            behave(connection)

    with contextlib.suppress(OSError):  # the end of the test closes the listener
        while True:
            connection, _peer = server.accept()
            threading.Thread(target=treat, args=(connection,), daemon=True).start()


@contextlib.contextmanager
def talker(behave: Behaviour, address: str = "127.0.0.1") -> Iterator[int]:
    """A server on a port of its own."""
    server = socket.create_server((address, 0), family=host_of(address))
    thread = threading.Thread(target=serve, args=(server, behave), daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1]
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def over_tls(context: ssl.SSLContext, behave: Behaviour = to_the_end) -> Behaviour:
    """The behaviour inside TLS; a handshake that fails ends the connection."""

    def secured(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            behave(tls)

    return secured


def answers(reply: bytes) -> Behaviour:
    """Reads an HTTP request and sends this."""

    def behave(connection: socket.socket) -> None:
        asked = b""
        while b"\r\n\r\n" not in asked:
            data = connection.recv(4096)
            if not data:
                return
            asked += data
        connection.sendall(reply)

    return behave


def http(status: str, body: bytes = b"hello", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def path_of(connection: socket.socket) -> str:
    """The path that is asked for; empty for a client that asks nothing."""
    words = connection.recv(4096).split(b" ")
    return words[1].decode() if len(words) > 1 else ""


def redirects(*ways: tuple[str, str]) -> Behaviour:
    """Sends on from path to path; a path that leads nowhere is a page."""

    def behave(connection: socket.socket) -> None:
        path = path_of(connection)
        there = dict(ways).get(path)
        found = http("302 Found", b"", f"Location: {there}") if there else http("200 OK")
        connection.sendall(found)

    return behave


def in_pieces(connection: socket.socket) -> None:
    """Answers PING one byte at a time."""
    connection.recv(4096)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in b"+PONG\r\n":
        connection.sendall(bytes([byte]))
    to_the_end(connection)


def pong(connection: socket.socket) -> None:
    """Answers PING with PONG."""
    if connection.recv(4096).startswith(b"PING"):
        connection.sendall(b"+PONG\r\n")
    to_the_end(connection)


def long_pong(size: int) -> Behaviour:
    """Answers PING with so many bytes before PONG."""

    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"+" + b"x" * size + b"PONG\r\n")
        to_the_end(connection)

    return behave


def echo(connection: socket.socket) -> None:
    """Sends back each line, once it is whole."""
    line = b""
    while not line.endswith(b"\n"):
        data = connection.recv(65_536)
        if not data:
            return
        line += data
    connection.sendall(b"echo: " + line)
    to_the_end(connection)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """Each client gets the next one, as from servers behind a balancer."""
    turn = itertools.cycle(behaviours)

    def behave(connection: socket.socket) -> None:
        next(turn)(connection)

    return behave


def late(seconds: float, then: Behaviour) -> Behaviour:
    """Does nothing for a while, then this."""

    def behave(connection: socket.socket) -> None:
        time.sleep(seconds)
        then(connection)

    return behave


def sips(connection: socket.socket) -> None:
    """Takes a line byte by byte through a small window, then answers it byte by byte."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    taken = b""
    while not taken.endswith(b"\n"):
        byte = connection.recv(1)
        if not byte:
            return
        taken += byte
    for byte in b"+PONG\r\n":
        time.sleep(0.05)
        connection.sendall(bytes([byte]))
    to_the_end(connection)


def says(greeting: bytes) -> Behaviour:
    """Speaks first, then listens."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(greeting)
        to_the_end(connection)

    return behave


def after_hello(then: Behaviour) -> Behaviour:
    """Takes the first bytes of the client, then does this."""

    def behave(connection: socket.socket) -> None:
        connection.recv(4096)
        then(connection)

    return behave


def silent(connection: socket.socket) -> None:
    to_the_end(connection)


def close(connection: socket.socket) -> None:
    """Ends it in good order: what came was read."""


def alert(code: int) -> Behaviour:
    """Answers a hello with a fatal TLS alert."""
    return after_hello(lambda c: (c.sendall(bytes((21, 3, 3, 0, 2, 2, code))), to_the_end(c)))


__all__ = [
    "Behaviour", "after_hello", "alert", "answers", "close", "echo", "http", "in_pieces",
    "in_turn", "late", "long_pong", "over_tls", "path_of", "pong", "redirects", "reset", "says",
    "serve", "silent", "sips", "talker", "to_the_end",
]  # fmt: skip
