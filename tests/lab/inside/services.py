"""Small services that run inside a node: `services.py tcp:22 tcp:127.0.0.1:5000 udp-echo:7`.

Prints "ready" once everything listens, then serves until it is ended.

    tcp:PORT, tcp:ADDRESS:PORT   accepts, says nothing, waits for the client to close
    tcp4:PORT                    0.0.0.0 only
    tcp6:PORT                    [::] without IPv4
    udp-echo:PORT                sends back what came
    udp-deaf:PORT                takes datagrams and never answers
    udp4-deaf:, udp6-deaf:PORT   the same on 0.0.0.0 only, on [::] without IPv4
    bound:ADDRESS:PORT           bound, never listened
    connected:N:ADDRESS:PORT     keeps N connections open to a service elsewhere
    spent:N:ADDRESS:PORT         opens and closes so many: its own ends stay in TIME_WAIT
    reset:PORT                   accepts, and resets at once
    full:ADDRESS:PORT            listens, with a queue that is full: further clients get no answer
    noise:N:ADDRESS:PORT         sends N datagrams a second there, answered or not
    knocking:N:ADDRESS:PORT      tries N new connections a second there, answered or not
    busy:N                       takes all the time of N processors
    timewait:ADDRESS:PORT        leaves a connection of that port in TIME_WAIT, then does nothing
    timewait-old:ADDRESS:PORT    the same of a server that does not set SO_REUSEADDR
    orphan:ADDRESS:PORT          such a server listens no more, and a client is still connected
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import selectors
import socket
import struct
import sys
import threading
import time
from contextlib import suppress

_NO_GOODBYE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s: closing sends RST


def _split(text: str) -> tuple[str | None, int]:
    host, _, port = text.rpartition(":")
    return (host.strip("[]") or None), int(port)


def _socket(
    kind: int, host: str | None, *, only_v6: bool = False, reuse: bool = True
) -> socket.socket:
    v6 = host is None or ":" in host
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind)
    if v6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_v6)
    if kind == socket.SOCK_STREAM and reuse:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def _tcp(
    host: str | None, port: int, *, only_v6: bool = False, reuse: bool = True
) -> socket.socket:
    sock = _socket(socket.SOCK_STREAM, host, only_v6=only_v6, reuse=reuse)
    sock.bind((host or "::", port))
    sock.listen(64)
    return sock


def _udp(host: str | None, port: int, *, only_v6: bool = False) -> socket.socket:
    sock = _socket(socket.SOCK_DGRAM, host, only_v6=only_v6)
    sock.bind((host or "::", port))
    return sock


def _time_wait(host: str | None, port: int, *, reuse: bool) -> None:
    listener = _tcp(host, port, reuse=reuse)
    client = socket.create_connection((host or "127.0.0.1", port))
    accepted, _ = listener.accept()
    accepted.close()  # the side that closes first keeps TIME_WAIT
    client.recv(1)
    client.close()
    listener.close()


def _orphan(host: str | None, port: int) -> list[socket.socket]:
    listener = _tcp(host, port, reuse=False)
    client = socket.create_connection((host or "127.0.0.1", port))
    accepted, _ = listener.accept()
    listener.close()
    return [client, accepted]


def _full(host: str, port: int) -> list[socket.socket]:
    listener = _socket(socket.SOCK_STREAM, host)
    listener.bind((host, port))
    listener.listen(0)
    clients = [listener]
    for _ in range(4):
        client = socket.socket(listener.family)
        client.setblocking(False)
        client.connect_ex((host, port))
        clients.append(client)
    return clients


def _knock(kind: str, rate: int, host: str, port: int) -> None:
    """Sends or connects for ever; at most 50 connections are open at a time."""
    opened: list[socket.socket] = []
    while True:
        time.sleep(1 / rate)
        sock = socket.socket(type=socket.SOCK_DGRAM if kind == "noise" else socket.SOCK_STREAM)
        sock.setblocking(False)
        with suppress(OSError):
            sock.connect_ex((host, port))
            if kind == "noise":
                sock.send(b"noise")
        opened.append(sock)
        if len(opened) > 50:
            opened.pop(0).close()


def _connected(host: str, port: int, count: int) -> list[socket.socket]:
    """So many connections, or as many as there are source ports for: an earlier entry may have
    left some of them in TIME_WAIT."""
    kept: list[socket.socket] = []
    for _ in range(count):
        try:
            kept.append(socket.create_connection((host, port)))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            break
    return kept


def _spend(host: str, port: int, count: int) -> None:
    """Fills the source ports to one service with connections that are over."""
    for one in _connected(host, port, count):
        one.shutdown(socket.SHUT_WR)  # who closes first keeps TIME_WAIT
        one.recv(1)
        one.close()


def _spin() -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # ends with the service, however that ends
        sum(range(50_000))


def main(specs: list[str]) -> None:
    waiting = selectors.DefaultSelector()
    kept = []
    for spec in specs:
        kind, _, rest = spec.partition(":")
        host, port = _split(rest)
        if kind == "busy":
            for _ in range(port):
                multiprocessing.Process(target=_spin, daemon=True).start()
        elif kind == "connected":
            count, _, host = (host or "").partition(":")
            kept += _connected(host.strip("[]"), port, int(count))
        elif kind == "spent":
            count, _, host = (host or "").partition(":")
            _spend(host.strip("[]"), port, int(count))
        elif kind in ("timewait", "timewait-old"):
            _time_wait(host, port, reuse=kind == "timewait")
        elif kind == "orphan":
            kept += _orphan(host, port)
        elif kind == "full":
            kept += _full(host or "127.0.0.1", port)
        elif kind in ("noise", "knocking"):
            count, _, host = (host or "").partition(":")
            threading.Thread(
                target=_knock, args=(kind, int(count), host, port), daemon=True
            ).start()
        elif kind == "bound":
            sock = _socket(socket.SOCK_STREAM, host)
            sock.bind((host or "::", port))
            kept.append(sock)
        elif kind in ("udp-deaf", "udp4-deaf", "udp6-deaf"):
            host = "0.0.0.0" if kind == "udp4-deaf" else host
            kept.append(_udp(host, port, only_v6=kind == "udp6-deaf"))
        elif kind == "udp-echo":
            waiting.register(_udp(host, port), selectors.EVENT_READ, "echo")
        else:
            host = "0.0.0.0" if kind == "tcp4" else host
            listener = _tcp(host, port, only_v6=kind == "tcp6")
            verb = "reset" if kind == "reset" else "accept"
            waiting.register(listener, selectors.EVENT_READ, verb)
    print("ready", flush=True)
    if not waiting.get_map():
        while True:
            time.sleep(3600)
    _serve(waiting)


def _serve(waiting: selectors.BaseSelector) -> None:
    while True:
        for key, _ in waiting.select():
            sock = key.fileobj
            assert isinstance(sock, socket.socket)
            try:
                if key.data == "echo":
                    data, sender = sock.recvfrom(4096)
                    sock.sendto(data, sender)
                elif key.data == "reset":
                    connection, _ = sock.accept()
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_GOODBYE)
                    connection.close()
                elif key.data == "accept":
                    connection, _ = sock.accept()
                    waiting.register(connection, selectors.EVENT_READ, "client")
                elif not sock.recv(4096):
                    waiting.unregister(sock)
                    sock.close()
            except OSError:
                if key.data == "client":
                    waiting.unregister(sock)
                    sock.close()


if __name__ == "__main__":
    main(sys.argv[1:])
