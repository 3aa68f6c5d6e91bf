"""Real sockets in every state in which a port can be found, for `netwhy bind` to explain.

A scene is a context manager; it runs as root in a network namespace of its own, and stands until
it is left.  Programs of other users are forked children.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tests.net.namespaces import ip, sysctl
from tests.net.servers import host_of

from netwhy.system.sockets import port_table

PORT = 8080
LO, LO6 = "127.0.0.1", "::1"
OTHER = 65533  # a user who is neither root nor nobody
_DEVICE = 25  # SO_BINDTODEVICE
SET_DUMPABLE = 4  # PRSET_DUMPABLE: a process that changed its user is closed to that user

Scene = Callable[[], contextlib.AbstractContextManager[None]]


def made(
    address: str = LO,
    port: int = PORT,
    *,
    reuse: bool = False,
    share: bool = False,
    v6only: bool | None = None,
    udp: bool = False,
    device: str | None = None,
) -> socket.socket:
    """A bound socket that does not listen."""
    sock = socket.socket(host_of(address), socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    if reuse:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if share:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if v6only is not None:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if device:
        sock.setsockopt(socket.SOL_SOCKET, _DEVICE, device.encode())
    sock.bind((address, port))
    return sock


def serving(*where: object, **options: object) -> socket.socket:
    sock = made(*where, **options)  # type: ignore[arg-type]
    sock.listen()
    return sock


@contextmanager
def child(work: Callable[[ExitStack], object], uid: int = 0) -> Iterator[int]:
    """A forked process of that user which does the work, and keeps what it opened until the end."""
    up, ready = os.pipe()
    stay, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        code = 1
        with contextlib.suppress(BaseException), ExitStack() as stack:
            if uid:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
                # Its user may look into it, as into a program that he started himself.
                ctypes.CDLL(None).prctl(SET_DUMPABLE, 1)
            kept = work(stack)
            os.write(ready, b"up")
            os.read(stay, 1)
            code = 0 if kept is not stack else 1
        os._exit(code)
    os.close(stay)
    os.close(ready)
    try:
        assert os.read(up, 2) == b"up", "the other program could not do its part"
        yield pid
    finally:
        os.close(go)
        os.close(up)
        os.waitpid(pid, 0)


def held(*sockets: Callable[[], socket.socket], uid: int = 0) -> Scene:
    """Sockets of one program of that user."""

    @contextmanager
    def scene() -> Iterator[None]:
        with child(lambda stack: [stack.enter_context(make()) for make in sockets], uid):
            yield

    return scene


def listener(*where: object, uid: int = 0, **options: object) -> Scene:
    return held(lambda: serving(*where, **options), uid=uid)


def bound(*where: object, uid: int = 0, **options: object) -> Scene:
    return held(lambda: made(*where, **options), uid=uid)  # type: ignore[arg-type]


def together(*scenes: Scene) -> Scene:
    @contextmanager
    def scene() -> Iterator[None]:
        with ExitStack() as stack:
            for each in scenes:
                stack.enter_context(each())
            yield

    return scene


def setting(*values: tuple[str, object]) -> Scene:
    @contextmanager
    def scene() -> Iterator[None]:
        for name, value in values:
            sysctl(name, value)
        yield

    return scene


def links(*lines: str) -> Scene:
    """Commands of `ip`, typed one after the other."""

    @contextmanager
    def scene() -> Iterator[None]:
        for line in lines:
            ip(line)
        yield

    return scene


def nothing() -> contextlib.AbstractContextManager[None]:
    return contextlib.nullcontext()


# ------------------------------------------------------------------------ what a server leaves


def ended(address: str = LO, port: int = PORT, *, reuse: bool) -> Scene:
    """A server that closed its connection first, and is gone: TIME_WAIT is left of it."""

    @contextmanager
    def scene() -> Iterator[None]:
        with (
            serving(address, port, reuse=reuse) as server,
            socket.create_connection((address, port)) as client,
        ):
            accepted, _peer = server.accept()
            accepted.close()
            client.recv(1)
        yield

    return scene


def abandoned(address: str = LO, port: int = PORT, *, reuse: bool) -> Scene:
    """A server that is gone, and a client that has not closed: FIN_WAIT2 is left, of nobody."""

    @contextmanager
    def scene() -> Iterator[None]:
        with (
            serving(address, port, reuse=reuse) as server,
            socket.create_connection((address, port)) as client,
        ):
            server.accept()[0].close()
            client.recv(1)
            server.close()
            yield

    return scene


def left_over(
    state: str, *, reuse: bool, uid: int = 0, server_on: str = LO, client_to: str = LO
) -> Scene:
    """A worker still has a connection of the server, in that state; the server is gone."""

    @contextmanager
    def scene() -> Iterator[None]:
        with ExitStack() as stack:
            up, told = os.pipe()

            def work(inner: ExitStack) -> list[socket.socket]:
                server = serving(server_on, PORT, reuse=reuse)
                os.write(told, b"up")
                accepted, _peer = server.accept()
                server.close()
                if state == "FIN_WAIT2":
                    accepted.shutdown(socket.SHUT_WR)
                return [inner.enter_context(accepted)]

            clients: list[socket.socket] = []
            stack.callback(lambda: [c.close() for c in clients])
            pid = os.fork()
            if pid == 0:  # the client, which must not wait for the server's child
                os.read(up, 2)
                client = socket.create_connection((client_to, PORT))
                if state == "CLOSE_WAIT":
                    client.shutdown(socket.SHUT_WR)
                signal.pause()
            stack.callback(lambda: (os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)))
            stack.enter_context(child(work, uid))
            ends = time.monotonic() + 10
            while state not in {s.state for s in port_table(PORT, "tcp").sockets}:
                assert time.monotonic() < ends, f"it never came to {state}"
                time.sleep(0.02)
            yield

    return scene


def outgoing(port: int = PORT, to: int = 443, *, uid: int = 0, close: bool = False) -> Scene:
    """A connection to a service elsewhere (127.0.0.2) that has the port as its source."""

    @contextmanager
    def scene() -> Iterator[None]:
        with serving("127.0.0.2", to) as server:

            def work(stack: ExitStack) -> socket.socket:
                sock = stack.enter_context(socket.socket())
                sock.bind((LO, port))
                sock.connect(("127.0.0.2", to))
                if close:
                    sock.close()
                return sock

            with child(work, uid if port >= 1024 else 0):
                accepted, _peer = server.accept()
                with accepted:
                    if close:
                        accepted.recv(1)
                        accepted.close()
                        time.sleep(0.05)
                    yield

    return scene


def all_ports_taken() -> contextlib.AbstractContextManager[None]:
    """Two source ports, and both go to the same service already."""

    @contextmanager
    def scene() -> Iterator[None]:
        with serving(LO, PORT) as server, ExitStack() as stack:
            sysctl("ipv4/ip_local_port_range", "40000 40001")
            for _ in range(2):
                stack.enter_context(socket.create_connection((LO, PORT)))
                stack.enter_context(server.accept()[0])
            yield

    return scene()
