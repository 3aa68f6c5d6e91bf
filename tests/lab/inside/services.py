"""Small services that run inside a node: `services.py tcp:22 tcp:127.0.0.1:5000 udp-echo:7`.

Prints "ready" once everything listens, then serves until it is ended.

    tcp:PORT, tcp:ADDRESS:PORT   accepts, says nothing, waits for the client to close
    tcp4:PORT                    0.0.0.0 only
    tcp6:PORT                    [::] without IPv4
    udp-echo:PORT                sends back what came
    udp-deaf:PORT                takes datagrams and never answers
    bound:ADDRESS:PORT           bound, never listened
    connected:N:ADDRESS:PORT     keeps N connections open to a service elsewhere
    timewait:ADDRESS:PORT        leaves a connection of that port in TIME_WAIT, then does nothing
"""

from __future__ import annotations

import selectors
import socket
import sys
import time


def _split(text: str) -> tuple[str | None, int]:
    host, _, port = text.rpartition(":")
    return (host.strip("[]") or None), int(port)


def _socket(kind: int, host: str | None, *, only_v6: bool = False) -> socket.socket:
    v6 = host is None or ":" in host
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind)
    if v6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only_v6)
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return sock


def _tcp(host: str | None, port: int, *, only_v6: bool = False) -> socket.socket:
    sock = _socket(socket.SOCK_STREAM, host, only_v6=only_v6)
    sock.bind((host or "::", port))
    sock.listen(64)
    return sock


def _udp(host: str | None, port: int) -> socket.socket:
    sock = _socket(socket.SOCK_DGRAM, host)
    sock.bind((host or "::", port))
    return sock


def _time_wait(host: str | None, port: int) -> None:
    listener = _tcp(host, port)
    client = socket.create_connection((host or "127.0.0.1", port))
    accepted, _ = listener.accept()
    accepted.close()  # the side that closes first keeps TIME_WAIT
    client.recv(1)
    client.close()
    listener.close()


def main(specs: list[str]) -> None:
    waiting = selectors.DefaultSelector()
    kept = []
    for spec in specs:
        kind, _, rest = spec.partition(":")
        host, port = _split(rest)
        if kind == "connected":
            count, _, host = (host or "").partition(":")
            kept += [socket.create_connection((host, port)) for _ in range(int(count))]
        elif kind == "timewait":
            _time_wait(host, port)
        elif kind == "bound":
            sock = _socket(socket.SOCK_STREAM, host)
            sock.bind((host or "::", port))
            kept.append(sock)
        elif kind == "udp-deaf":
            kept.append(_udp(host, port))
        elif kind == "udp-echo":
            waiting.register(_udp(host, port), selectors.EVENT_READ, "echo")
        else:
            host = "0.0.0.0" if kind == "tcp4" else host
            listener = _tcp(host, port, only_v6=kind == "tcp6")
            waiting.register(listener, selectors.EVENT_READ, "accept")
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
