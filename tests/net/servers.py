"""What the probes meet: real servers on ephemeral ports of loopback, each with one behaviour."""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path


def host_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


@contextlib.contextmanager
def watched_listener(
    behave: Callable[[socket.socket], str], address: str = "127.0.0.1"
) -> Iterator[tuple[int, queue.Queue[str]]]:
    """Accepts, lets `behave` treat each connection, and tells what it returns: (port, told)."""
    told: queue.Queue[str] = queue.Queue()
    server = socket.create_server((address, 0), family=host_of(address))

    def serve() -> None:
        with contextlib.suppress(OSError):  # the end of the test closes the listener
            while True:
                connection, _peer = server.accept()
                with connection:
                    connection.settimeout(10)
                    told.put(behave(connection))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], told
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def to_the_end(connection: socket.socket) -> str:
    """Read until the client is done: "eof" for a FIN, "reset" for an RST."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        return "reset"
    return "eof"


def greet(connection: socket.socket) -> str:
    """Say something first, as a mail server does."""
    connection.sendall(b"220 ready\r\n")
    return to_the_end(connection)


def reset(connection: socket.socket) -> str:
    """Accept and reset at once (a close with SO_LINGER 0 sends an RST)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return "reset sent"


@contextlib.contextmanager
def udp_server(
    answer: Callable[[bytes], bytes | None], address: str = "127.0.0.1"
) -> Iterator[tuple[int, queue.Queue[bytes]]]:
    """Answers each datagram with `answer` of it, or not when that is None: (port, what came)."""
    came: queue.Queue[bytes] = queue.Queue()
    with socket.socket(host_of(address), socket.SOCK_DGRAM) as server:
        server.bind((address, 0))
        stop = threading.Event()
        server.settimeout(0.05)

        def serve() -> None:
            while not stop.is_set():
                try:
                    data, sender = server.recvfrom(4096)
                except TimeoutError:
                    continue
                came.put(data)
                reply = answer(data)
                if reply is not None:
                    server.sendto(reply, sender)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1], came
        finally:
            stop.set()
            thread.join(5)


@contextlib.contextmanager
def closed_udp_port(address: str = "127.0.0.1") -> Iterator[int]:
    """A UDP port that refuses, and that nothing else can take: its socket hears one peer only."""
    with socket.socket(host_of(address), socket.SOCK_DGRAM) as holder:
        holder.bind((address, 0))
        holder.connect((address, 1))
        yield holder.getsockname()[1]


def quiet_port() -> int:
    """A port that nobody has in either family, and that the kernel gives to nobody by itself."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    both = socket.has_dualstack_ipv6()
    while True:
        port = random.randrange(10_000, max(first, 20_000))
        with socket.socket(socket.AF_INET6 if both else socket.AF_INET) as tried:
            if both:
                tried.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            with contextlib.suppress(OSError):
                tried.bind(("", port))
                return port


@contextlib.contextmanager
def kept_port() -> Iterator[int]:
    """A port that goes to nobody while it is told to a server that sets SO_REUSEADDR."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def eventually(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    """Wait until something is so; AssertionError when it does not come to be."""
    ends = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends, "it did not come to be"
        await asyncio.sleep(0.005)


def open_sockets() -> list[str]:
    """The sockets this process has open."""
    found = []
    for entry in os.scandir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the directory's own descriptor
            link = os.readlink(entry.path)
            if link.startswith("socket:"):
                found.append(link)
    return sorted(found)
