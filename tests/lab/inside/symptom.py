"""Proves with bare sockets that a fault is really there, before netwhy is asked.

    symptom.py "tcp 10.20.3.10:22 = open" "dns 10.20.1.53 db.example.com A = NOERROR" ...

Nothing of netwhy is used here.  Each check is a question, an equals sign and the answer expected;
all are asked at once.  Exit 1 and one line for each that differs.

    tcp ADDRESS:PORT        open | silent | RST | ERRNO | ERRNO from ADDRESS (of the ICMP error)
    udp ADDRESS:PORT        answers | silent | ERRNO | ERRNO from ADDRESS | ERRNO on send
    ping ADDRESS            answers | silent | forbidden | ERRNO | ERRNO from ADDRESS
    route ADDRESS           ERRNO | on INTERFACE | via GATEWAY
    neighbour ADDRESS       answers | silent
    link INTERFACE          up | down | no carrier
    name NAME               ADDRESS, ADDRESS… | EAI_NAME
    resolves NAME           yes | no (whatever the error: a module may not be installed)
    dns SERVER NAME TYPE    RCODE | RCODE with N answers | truncated | silent | ERRNO
    edns SERVER NAME TYPE   the same with EDNS in the question
    bind ADDRESS:PORT       free | ERRNO
    tls ADDRESS:PORT NAME   trusted | what OpenSSL says | silent | closed | ERRNO
    http ADDRESS:PORT       STATUS | silent | closed | ERRNO | what else came
    hears ADDRESS:PORT      the first word that comes unasked | silent | closed | ERRNO
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import re
import select
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

SILENCE = 1.0  # seconds without any answer: longer than any path of the lab by far
_SOL = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}  # IP_RECVERR, IPV6_RECVERR
_ERRQUEUE = 0x2000


def endpoint(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def opened(host: str, kind: int, protocol: int = 0) -> socket.socket:
    """A socket that keeps ICMP errors with their senders (ip(7), IP_RECVERR)."""
    version = 6 if ":" in host else 4
    sock = socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET, kind, protocol)
    sock.setsockopt(*_SOL[version], 1)
    sock.setblocking(False)
    return sock


def name_of(number: int) -> str:
    return errno.errorcode.get(number, str(number))


def queued(sock: socket.socket) -> str | None:
    """The ICMP error in the queue: "EHOSTUNREACH from 10.0.0.1"."""
    try:
        _data, ancillary, _flags, _address = sock.recvmsg(512, 512, _ERRQUEUE)
    except OSError:
        return None
    for level, kind, data in ancillary:
        if (level, kind) in _SOL.values():
            number, origin = struct.unpack_from("=IB", data)
            family = struct.unpack_from("=H", data, 16)[0]
            if origin not in (2, 3):  # not an ICMP error
                return name_of(number)
            raw = data[20:24] if family == socket.AF_INET else data[24:40]
            return f"{name_of(number)} from {ipaddress.ip_address(raw)}"
    return None


def wait(sock: socket.socket, events: int) -> bool:
    poll = select.poll()
    poll.register(sock, events)
    return bool(poll.poll(SILENCE * 1000))


def tcp(where: str) -> str:
    host, port = endpoint(where)
    with opened(host, socket.SOCK_STREAM) as sock:
        number = sock.connect_ex((host, port))
        if number == errno.EINPROGRESS:
            if not wait(sock, select.POLLOUT):
                return "silent"
            if (said := queued(sock)) is not None:
                return said
            number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number == errno.ECONNREFUSED:
            return "RST"
        return name_of(number) if number else "open"


def exchange(sock: socket.socket, host: str, port: int, payload: bytes) -> str | bytes:
    """Sends and waits; the answer as bytes, or what happened instead."""
    try:
        sock.connect((host, port))
        sock.send(payload)
    except OSError as failure:
        said = queued(sock)
        return said if said else f"{name_of(failure.errno or 0)} on send"
    if not wait(sock, select.POLLIN):
        return "silent"
    try:
        return sock.recv(4096)
    except OSError as failure:
        return queued(sock) or name_of(failure.errno or 0)


def udp(where: str) -> str:
    host, port = endpoint(where)
    with opened(host, socket.SOCK_DGRAM) as sock:
        said = exchange(sock, host, port, b"are you there?")
    return "answers" if isinstance(said, bytes) else said


def ping(host: str) -> str:
    v6 = ":" in host
    protocol = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    try:
        sock = opened(host, socket.SOCK_DGRAM, protocol)
    except PermissionError:
        return "forbidden"
    with sock:
        said = exchange(sock, host, 0, struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 1, 1) + b"lab")
    return "answers" if isinstance(said, bytes) else said


def route(host: str) -> str:
    done = subprocess.run(["ip", "route", "get", host], capture_output=True, text=True)
    if done.returncode:
        text = done.stderr.rpartition(":")[2].strip()
        return next((n for i, n in errno.errorcode.items() if os.strerror(i) == text), text)
    via = re.search(r" via (\S+)", done.stdout)
    on = re.search(r" dev (\S+)", done.stdout)
    return f"via {via[1]}" if via else f"on {on[1] if on else '?'}"


def neighbour(host: str) -> str:
    with opened(host, socket.SOCK_DGRAM) as sock:
        sock.connect((host, 9))
        sock.send(b"")
        time.sleep(0.2)
    done = subprocess.run(["ip", "neigh", "show", host], capture_output=True, text=True)
    return "silent" if re.search("INCOMPLETE|FAILED", done.stdout) else "answers"


def link(name: str) -> str:
    done = subprocess.run(["ip", "link", "show", name], capture_output=True, text=True)
    flags = set(re.findall(r"[A-Z_-]+", done.stdout.partition(">")[0]))
    if "UP" not in flags:
        return "down"
    return "up" if "LOWER_UP" in flags else "no carrier"


def name(host: str) -> str:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as failure:
        known = {getattr(socket, n): n for n in dir(socket) if n.startswith("EAI_")}
        return known.get(failure.errno or 0, str(failure.errno))
    return ", ".join(sorted({str(f[4][0]) for f in found}))


def resolves(host: str) -> str:
    try:
        socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return "no"
    return "yes"


def dns(server: str, host: str, rrtype: str, more: bytes = b"") -> str:
    kinds = {"A": 1, "CNAME": 5, "AAAA": 28, "MX": 15, "SOA": 6}
    labels = b"".join(bytes([len(part)]) + part.encode() for part in host.split("."))
    query = (
        struct.pack("!6H", 7, 0x100, 1, 0, 0, 1 if more else 0)
        + labels
        + struct.pack("!BHH", 0, kinds[rrtype], 1)
        + more
    )
    with opened(server, socket.SOCK_DGRAM) as sock:
        said = exchange(sock, server, 53, query)
    if isinstance(said, str):
        return said
    rcodes = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
    _id, flags, _questions, answers = struct.unpack_from("!4H", said)
    if flags & 0x200:
        return "truncated"
    return f"{rcodes.get(flags & 15, flags & 15)} with {answers} answers"


def edns(server: str, host: str, rrtype: str) -> str:
    return dns(server, host, rrtype, struct.pack("!BHHIH", 0, 41, 1232, 0, 0))


def bind(where: str) -> str:
    host, port = endpoint(where)
    try:
        with opened(host, socket.SOCK_STREAM) as sock:
            sock.bind((host, port))
    except OSError as failure:
        return name_of(failure.errno or 0)
    return "free"


def said(sock: socket.socket) -> str:
    """The first word that comes."""
    try:
        data = sock.recv(4096)
    except TimeoutError:
        return "silent"
    except ConnectionError as failure:
        return name_of(failure.errno or 0)
    return data.decode("latin-1").split("\r\n")[0] if data else "closed"


def tls(where: str, host: str) -> str:
    context = ssl.create_default_context()
    with socket.create_connection(endpoint(where), SILENCE) as sock:
        try:
            with context.wrap_socket(sock, server_hostname=host) as secured:
                if secured.version() == "TLSv1.3":
                    secured.settimeout(0.2)
                    with contextlib.suppress(TimeoutError):
                        secured.recv(1)
                return "trusted"
        except ssl.SSLCertVerificationError as failure:
            return failure.verify_message.partition(",")[0]
        except ssl.SSLEOFError:
            return "closed"
        except ssl.SSLError as failure:
            return failure.reason or "closed"
        except TimeoutError:
            return "silent"
        except ConnectionError as failure:
            return name_of(failure.errno or 0)


def http(where: str) -> str:
    with socket.create_connection(endpoint(where), SILENCE) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n")
        words = said(sock).split()
        return words[1] if words[0].startswith("HTTP/") else " ".join(words)


def hears(where: str) -> str:
    with socket.create_connection(endpoint(where), SILENCE) as sock:
        return said(sock)


_EACH = (tcp, udp, ping, route, neighbour, link, name, resolves, dns, edns, bind, tls, http, hears)
CHECKS = {f.__name__: f for f in _EACH}


def same(expected: str, said: str) -> bool:
    """Does the answer agree?  What is not asked for ("from …", "with …") is not compared."""
    return said == expected or said.startswith((f"{expected} from ", f"{expected} with "))


def main(lines: list[str]) -> int:
    answers: dict[str, str] = {}

    def ask(line: str) -> None:
        kind, *rest = line.partition(" = ")[0].split()
        try:
            answers[line] = CHECKS[kind](*rest)
        except OSError as failure:
            answers[line] = f"{name_of(failure.errno or 0)} ({failure})"

    threads = [threading.Thread(target=ask, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wrong = {k: v for k, v in answers.items() if not same(k.partition(" = ")[2], v)}
    for line, said in wrong.items():
        print(f"{line.partition(' = ')[0]} is {said}, not {line.partition(' = ')[2]}")
    return 1 if wrong or len(answers) != len(lines) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
