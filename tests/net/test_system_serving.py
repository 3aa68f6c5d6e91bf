"""Who really serves a port: the kernel's choice, foretold and found out."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.net.namespaces import NEAR, become_nobody, firewall, inside, ip, sysctl
from tests.net.servers import kept_port, quiet_port

from netwhy.core.clients import serving
from netwhy.core.ports import Served
from netwhy.system import connections, descriptors
from netwhy.system.serving import served
from netwhy.system.sockets import port_table, sockets

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")

PROGRAM = """
import socket, sys
address, port, reuse = sys.argv[1], int(sys.argv[2]), "reuse" in sys.argv
server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
if reuse:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
if ":" in address:
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "v6only" in sys.argv)
server.bind((address, port))
server.listen(64)
print(server.getsockname()[1], flush=True)
kept = []
while "deaf" not in sys.argv:
    kept.append(server.accept()[0])
sys.stdin.read()
"""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _program(stack: ExitStack, address: str, port: int = 0, *words: str) -> tuple[int, int]:
    """A server in a process of its own: its pid and its port."""
    # By another name than this process has: or they would be taken for its workers.
    program = subprocess.Popen(
        ["/usr/bin/python3", "-c", PROGRAM, address, str(port), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def end() -> None:
        program.kill()
        program.communicate()

    stack.callback(end)
    assert program.stdout is not None
    return program.pid, int(program.stdout.readline())


def _answers(found: Sequence[Served]) -> dict[str, tuple[str | None, tuple[str, ...], str]]:
    return {str(s.address): (s.error, s.by, s.how) for s in found}


def _is(pid: int, labels: tuple[str, ...]) -> bool:
    return len(labels) == 1 and f"(pid {pid})" in labels[0]


def test_one_listener_is_known_without_a_connection(stack: ExitStack) -> None:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    server.settimeout(0.3)
    found = _answers(served(server.getsockname()[1]))
    error, by, how = found["127.0.0.1"]
    assert (error, how) == (None, "only") and _is(os.getpid(), by)
    assert found["::1"][0] == "ECONNREFUSED"
    with pytest.raises(TimeoutError):
        server.accept()


def test_two_families_of_one_port_are_two_programs(stack: ExitStack) -> None:
    four, port = _program(stack, "127.0.0.1", quiet_port())
    six, _port = _program(stack, "::1", port)
    found = _answers(served(port))
    assert _is(four, found["127.0.0.1"][1]) and _is(six, found["::1"][1])


def test_a_listener_on_an_address_of_no_interface_is_asked_too(stack: ExitStack) -> None:
    server = stack.enter_context(socket.create_server(("127.0.0.53", 0)))
    found = _answers(served(server.getsockname()[1]))
    assert _is(os.getpid(), found["127.0.0.53"][1]) and found["127.0.0.1"][0] == "ECONNREFUSED"


@pytest.mark.parametrize("words", [(), ("deaf",)])
def test_both_programs_of_a_reuseport_group_are_found(
    stack: ExitStack, words: tuple[str, ...]
) -> None:
    first, port = _program(stack, "127.0.0.1", 0, "reuse", *words)
    second, _port = _program(stack, "127.0.0.1", port, "reuse", *words)
    seen: set[int] = set()
    how = set()
    for _ in range(6):  # each client is given to one by a hash: six tries of six connections
        error, by, how_it_is_known = _answers(served(port))["127.0.0.1"]
        assert error is None
        seen |= {pid for pid in (first, second) if any(f"(pid {pid})" in label for label in by)}
        how.add(how_it_is_known)
        if seen == {first, second}:
            break
    assert seen == {first, second}
    assert how == {"queued" if words else "accepted"}


def test_a_group_on_the_wildcard_is_asked_once_for_all_addresses(stack: ExitStack) -> None:
    first, port = _program(stack, "0.0.0.0", 0, "reuse")
    mine = stack.enter_context(socket.socket())
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    mine.bind(("0.0.0.0", port))
    mine.listen(64)
    mine.setblocking(False)
    found = [s for s in served(port) if s.address.version == 4]
    assert all(not s.error for s in found) and len({s.by for s in found}) == 1
    clients = sum(s.connections or 0 for s in sockets() if s.port == port and s.state == "LISTEN")
    taken = 0
    while _accepts(mine):
        taken += 1
    assert taken <= 6 and clients <= 12, "no service is asked more than a few times"
    assert first


def _with_a_redirect() -> list[object]:
    """Inside a namespace: a rule takes the clients of a port that nobody listens on there."""
    ip("link set lo up")
    ip("link add eth0 type veth peer name far")
    sysctl("ipv6/conf/eth0/accept_dad", 0)
    ip(f"address add {NEAR[0]}/24 dev eth0")
    ip("link set eth0 up")
    firewall(
        "table ip nat {\nchain out {\ntype nat hook output priority -100;\n"
        f"ip daddr {NEAR[0]} tcp dport 8080 redirect to :9090\n}}\n}}\n"
    )
    with ExitStack() as stack:
        stack.enter_context(socket.create_server(("127.0.0.1", 8080)))
        stack.enter_context(socket.create_server(("0.0.0.0", 9090)))
        return [[str(s.address), s.error, s.how] for s in served(8080)]


def test_a_redirect_shadows_the_listener() -> None:
    found = inside(_with_a_redirect)
    assert ["127.0.0.1", None, "only"] in found
    assert [NEAR[0], None, "elsewhere"] in found


@pytest.mark.parametrize(
    ("listeners", "clients"),
    [
        # For each client address the place of the listener that gets it, None for nobody.
        (["127.0.0.1"], {"127.0.0.1": 0, "127.0.0.2": None, "::1": None}),
        (["0.0.0.0"], {"127.0.0.1": 0, "127.0.0.2": 0, "::1": None}),
        ([":: v6only"], {"127.0.0.1": None, "::1": 0}),
        (["::"], {"127.0.0.1": 0, "127.0.0.2": 0, "::1": 0}),
        (["127.0.0.1", "::1"], {"127.0.0.1": 0, "::1": 1}),
        (["0.0.0.0", ":: v6only"], {"127.0.0.1": 0, "::1": 1}),
        (["127.0.0.1", "127.0.0.2"], {"127.0.0.1": 0, "127.0.0.2": 1}),
        (["0.0.0.0 reuse", "127.0.0.1 reuse"], {"127.0.0.1": 1, "127.0.0.2": 0}),
        (["0.0.0.0 reuse", ":: reuse"], {"127.0.0.1": 0, "::1": 1}),
        ([":: reuse", "127.0.0.1 reuse"], {"127.0.0.1": 1, "127.0.0.2": 0, "::1": 0}),
    ],
)
def test_the_kernel_chooses_as_foretold(
    stack: ExitStack, listeners: list[str], clients: dict[str, int | None]
) -> None:
    servers = []
    for words in listeners:
        address, *options = words.split()
        port = servers[0].getsockname()[1] if servers else quiet_port()
        server = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        stack.enter_context(server)
        if "reuse" in options:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if ":" in address:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "v6only" in options)
        server.bind((address, port))
        server.listen()
        server.setblocking(False)
        servers.append(server)
    port = servers[0].getsockname()[1]
    table = [s for s in port_table(port, "tcp").sockets if s.state == "LISTEN"]
    for address, place in clients.items():
        foretold = serving(ip_address(address), port, table)
        with contextlib.ExitStack() as tries:
            if place is None:
                assert foretold == ()
                with pytest.raises(ConnectionRefusedError):
                    tries.enter_context(socket.create_connection((address, port), 2))
                continue
            tries.enter_context(socket.create_connection((address, port), 2))
            got = [i for i, server in enumerate(servers) if _accepts(server)]
        inode = os.fstat(servers[place].fileno()).st_ino
        assert (got, [s.inode for s in foretold]) == ([place], [inode]), address


def _accepts(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_connections_are_counted_for_their_listener(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_REST", 0)  # on a busy machine a count serves for a second
    wild = stack.enter_context(socket.create_server(("0.0.0.0", 0)))
    port = wild.getsockname()[1]
    dual = stack.enter_context(socket.socket(socket.AF_INET6))
    dual.bind(("::", 0))
    dual.listen()
    for address in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
        stack.enter_context(socket.create_connection((address, port)))
    for address in ("127.0.0.1", "::1"):
        stack.enter_context(socket.create_connection((address, dual.getsockname()[1])))
    numbers = {s.port: s.connections for s in sockets() if s.state == "LISTEN"}
    assert (numbers[port], numbers[dual.getsockname()[1]]) == (3, 2)


# ------------------------------------------------------------------------------- descriptors


def _high(sock: socket.socket, stack: ExitStack, number: int) -> int:
    """The same socket at a high descriptor only, as in a program with many files."""
    inode = os.fstat(sock.fileno()).st_ino
    os.dup2(sock.fileno(), number, inheritable=True)
    sock.close()
    stack.callback(os.close, number)
    return inode


def test_a_listener_at_a_high_descriptor_is_found_in_all_that_share_it(stack: ExitStack) -> None:
    inode = _high(socket.create_server(("127.0.0.1", 0)), stack, 345)
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    try:
        found = descriptors.holders([inode])
        assert sorted(found.by_inode[inode]) == sorted([(os.getpid(), "345"), (child, "345")])
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_a_low_and_a_high_descriptor_are_found_together(stack: ExitStack) -> None:
    low = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    inodes = {os.fstat(low.fileno()).st_ino}
    inodes.add(_high(socket.create_server(("127.0.0.1", 0)), stack, 346))
    found = descriptors.holders(inodes).by_inode
    assert {pid for pairs in found.values() for pid, _fd in pairs} == {os.getpid()}
    assert set(found) == inodes


def test_an_inode_that_nobody_holds_is_found_in_nobody() -> None:
    assert descriptors.holders([1]).by_inode == {}


# ------------------------------------------------------------------------ the kernel as holder


def _with_a_tunnel() -> dict[str, object]:
    ip("link set lo up")
    ip("link add vx0 type vxlan id 7 dstport 4790 dev lo")
    ip("link set vx0 up")
    become_nobody()
    (found,) = (s for s in sockets() if s.port == 4790 and s.address.version == 4)
    (owner,) = found.owners
    return {"name": owner.name, "pid": owner.pid, "hidden": owner.hidden}


def test_the_kernel_s_own_port_is_named_by_its_tunnel_to_everybody() -> None:
    found = inside(_with_a_tunnel)
    assert (found["name"], found["pid"]) == ("VXLAN vx0", None)
    assert "the kernel itself" in found["hidden"] and "ip link show vx0" in found["hidden"]


# ----------------------------------------------------------------------- a real server as holder


@pytest.fixture
def redis(stack: ExitStack, tmp_path: Path) -> tuple[int, int]:
    """A real redis-server: its pid and its port."""
    program = shutil.which("redis-server", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        pytest.skip("redis-server is not installed")
    with kept_port() as port:
        server = _redis(stack, program, port, tmp_path)
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return server.pid, port
            time.sleep(0.05)
    raise AssertionError("redis-server never listened")


def _redis(stack: ExitStack, program: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    secret = ["--requirepass", "a-secret-word"]
    server = subprocess.Popen([program, *options, *secret], stdout=subprocess.DEVNULL)

    def end() -> None:
        server.kill()
        server.wait()

    stack.callback(end)
    return server


def test_a_database_is_named_and_ended_by_its_name_only(
    redis: tuple[int, int], tmp_path: Path
) -> None:
    from tests.net.command import netwhy

    pid, port = redis
    document = json.loads(netwhy(tmp_path, "ports", "--port", str(port), "--format", "json").out)
    (found,) = document["sockets"]
    assert (found["owners"][0]["pid"], found["owners"][0]["name"]) == (pid, "redis-server")
    assert "a-secret-word" not in json.dumps(document)
    assert document["served"][0]["address"] == "127.0.0.1"
    assert f"redis-server (pid {pid})" in document["served"][0]["by"][0]
    ended = netwhy(tmp_path, "ports", "--stop", str(port), "--yes")
    assert ended.code == 1 and "--yes redis-server" in ended.err
    ended = netwhy(tmp_path, "ports", "--stop", str(port), "--yes", "redis-server")
    assert ended.code == 0 and "is free." in ended.out


def test_reading_the_sockets_does_not_disturb_who_reads_them_too(stack: ExitStack) -> None:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = server.getsockname()[1]
    found: list[int] = []

    def look() -> None:
        found.extend(s.port for s in sockets() if s.port == port)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [port] * 8
