"""Real sockets on loopback, as the kernel shows them to their owner and to a stranger."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import pytest
from tests.net.servers import quiet_port
from tests.opened import as_nobody

from netwhy.core.observations import Socket
from netwhy.system import cgroups, descriptors, portable
from netwhy.system import counters as counting
from netwhy.system.sockets import port_table, port_use, sockets

APP = str(Path(__file__).resolve().parents[2] / "app")
LOOPBACK = ip_address("127.0.0.1")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def _listen(stack: ExitStack, host: str = "127.0.0.1", *, v6only: bool = False) -> tuple[str, int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = stack.enter_context(socket.socket(family))
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    server.bind((host, 0))
    server.listen()
    return host, server.getsockname()[1]


def _only(found: tuple[Socket, ...]) -> Socket:
    assert len(found) == 1, found
    return found[0]


def test_a_listener_and_its_owner(stack: ExitStack) -> None:
    _host, port = _listen(stack)
    table = port_table(port, "tcp")
    found = _only(table.sockets)
    assert (found.state, found.address, found.port) == ("LISTEN", LOOPBACK, port)
    assert (found.uid, found.v6only, found.remote) == (os.getuid(), None, None)
    assert found.listening and found.exposure == "loopback"
    (owner,) = found.owners
    assert owner.pid == os.getpid()
    assert owner.uid == os.geteuid() and owner.user
    assert owner.command and Path(sys.executable).name in owner.command
    assert owner.started is not None and 0 <= time.time() - owner.started < 86400
    assert owner.parents[0][0] == os.getppid()
    assert owner.hidden == ""


@pytest.mark.parametrize("v6only", [False, True])
def test_a_wildcard_ipv6_listener_tells_whether_it_takes_ipv4(
    stack: ExitStack, v6only: bool
) -> None:
    _host, port = _listen(stack, "::", v6only=v6only)
    found = _only(port_table(port, "tcp").sockets)
    assert (found.v6only, found.exposure) == (v6only, "everywhere")


def test_a_socket_that_is_bound_and_never_listened(stack: ExitStack) -> None:
    bound = stack.enter_context(socket.socket())
    bound.bind(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    table = port_table(port, "tcp")
    if not table.complete:
        pytest.skip("this kernel is older than 6.8 and does not tell of bound sockets")
    found = _only(table.sockets)
    assert (found.state, found.owners[0].pid) == ("BOUND", os.getpid())
    assert not found.listening
    assert port in {s.port for s in sockets() if s.state == "BOUND"}


def test_udp_is_another_table(stack: ExitStack) -> None:
    datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    datagrams.bind(("127.0.0.1", 0))
    port = datagrams.getsockname()[1]
    found = _only(port_table(port, "udp").sockets)
    assert (found.transport, found.state, found.listening) == ("udp", "UNCONN", True)
    assert port_table(port, "tcp").sockets == ()


def test_what_lingers_after_the_server_is_gone(stack: ExitStack) -> None:
    with ExitStack() as server:
        host, port = _listen(server)
        client = stack.enter_context(socket.create_connection((host, port)))
        # The server closes first, so the waiting is on its side.
        connections = port_table(port, "tcp").sockets
        assert {s.state for s in connections} == {"LISTEN", "ESTAB"}
    deadline = time.monotonic() + 10
    client.close()
    while time.monotonic() < deadline and port_use(LOOPBACK, port).used:
        time.sleep(0.01)
    assert port_table(port, "tcp").sockets == ()  # never accepted: reset, nothing lingers

    with ExitStack() as server:
        listener = server.enter_context(socket.create_server(("127.0.0.1", 0)))
        port = listener.getsockname()[1]
        client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        accepted, _peer = listener.accept()
        accepted.close()
        client.close()
    waiting = _only(port_table(port, "tcp").sockets)
    assert waiting.state == "TIME_WAIT"
    assert waiting.expires_ms is not None and 50_000 < waiting.expires_ms <= 60_000
    assert (waiting.uid, waiting.inode, waiting.owners) == (None, None, ())


def test_an_ipv4_connection_of_a_dual_stack_server_is_shown_as_ipv4(stack: ExitStack) -> None:
    _host, port = _listen(stack, "::")
    stack.enter_context(socket.create_connection(("127.0.0.1", port)))
    remotes = {s.address for s in port_table(port, "tcp").sockets if s.state == "ESTAB"}
    assert remotes == {LOOPBACK}


def test_ports_used_towards_one_destination(stack: ExitStack) -> None:
    host, port = _listen(stack)
    _other, elsewhere = _listen(stack)
    for _ in range(3):
        stack.enter_context(socket.create_connection((host, port)))
    stack.enter_context(socket.create_connection((host, elsewhere)))
    found = port_use(LOOPBACK, port)
    assert (found.used, found.time_wait) == (3, 0)
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert 0 < found.available <= last - first + 1
    assert port_use(ip_address("192.0.2.1"), port).used == 0


def test_every_worker_that_shares_a_listener_is_an_owner(stack: ExitStack) -> None:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = server.getsockname()[1]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()", "--token", "abc123secret"],
            pass_fds=[server.fileno()],
            stdin=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    try:
        # The workers hold it from the moment they exist, but have their command line a bit later.
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            descriptors._remembered.clear()
            owners = _only(port_table(port, "tcp").sockets).owners
            commands = [o.command or "" for o in owners if o.pid != os.getpid()]
            if len(commands) == 2 and all("--token" in c for c in commands):
                break
            time.sleep(0.02)
        assert {o.pid for o in owners} == {os.getpid(), *(w.pid for w in workers)}
        assert all(c.endswith("--token ***") for c in commands)
    finally:
        for worker in workers:
            worker.communicate()


def test_a_holder_that_died_is_not_remembered(stack: ExitStack) -> None:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = server.getsockname()[1]
    worker = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        pass_fds=[server.fileno()],
        stdin=subprocess.PIPE,
    )
    assert {o.pid for o in _only(port_table(port, "tcp").sockets).owners} == {
        os.getpid(),
        worker.pid,
    }
    worker.communicate()
    assert [o.pid for o in _only(port_table(port, "tcp").sockets).owners] == [os.getpid()]


def test_everything_has_the_connections_too(stack: ExitStack) -> None:
    host, port = _listen(stack)
    stack.enter_context(socket.create_connection((host, port)))
    listening = [s for s in sockets() if s.port == port]
    everything = [s for s in sockets(everything=True) if port in (s.port, (s.remote or (0, 0))[1])]
    assert [s.state for s in listening] == ["LISTEN"]
    assert sorted(s.state for s in everything) == ["ESTAB", "ESTAB", "LISTEN"]


def test_proc_and_psutil_agree_with_the_kernel(stack: ExitStack) -> None:
    from netwhy.system.sockets import _from_proc

    _host, port = _listen(stack)
    kernel = _only(port_table(port, "tcp").sockets)
    proc = next(r.socket for r in _from_proc(socket.AF_INET, "tcp") if r.socket.port == port)
    other = next(s for s in portable.sockets() if s.port == port)
    for found in (proc, other):
        assert (found.state, found.address, found.transport) == ("LISTEN", LOOPBACK, "tcp")
    assert (proc.uid, proc.inode) == (kernel.uid, kernel.inode)
    assert other.owners[0].pid == os.getpid()
    assert other.owners[0].command == kernel.owners[0].command


AS_NOBODY = """
import dataclasses, json, sys
sys.path.insert(0, sys.argv[2])
from netwhy.system.sockets import port_table
from netwhy.system.local import local_state
(found,) = port_table(int(sys.argv[1]), "tcp").sockets
(owner,) = found.owners
state = local_state()
print(json.dumps({
    "state": found.state, "uid": found.uid, "privileged": state.privileged,
    "interfaces": len(state.interfaces), **dataclasses.asdict(owner),
}))
"""


def test_another_user_sees_the_user_and_what_sudo_would_add(stack: ExitStack) -> None:
    nobody = _nobody()
    _host, port = _listen(stack)
    done = subprocess.run(
        [*nobody, sys.executable, "-c", AS_NOBODY, str(port), APP], capture_output=True, timeout=20
    )
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(done.stdout)
    assert (seen["state"], seen["uid"], seen["user"]) == ("LISTEN", 0, "root")
    assert seen["pid"] is None and seen["command"] is None
    assert "sudo" in seen["hidden"] and "process id" in seen["hidden"]
    assert seen["privileged"] is False
    assert seen["interfaces"] >= 1


def _nobody() -> tuple[str, ...]:
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("becoming another user needs root and setpriv")
    return as_nobody()


SERVICE = """
import os, socket, sys
with open(sys.argv[1] + "/cgroup.procs", "w") as file:
    file.write("0")
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture
def service() -> Iterator[tuple[str, int]]:
    """A listener in a cgroup of its own, as the service manager would make one."""
    mount = cgroups._mount()
    folder = Path(mount) / f"netwhy-{os.getpid()}.slice" / f"netwhy-{os.getpid()}.service"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        pytest.skip(f"no cgroup version 2 folder can be made here: {error}")
    program = subprocess.Popen(
        [sys.executable, "-c", SERVICE, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        yield folder.name, int(program.stdout.readline())
    finally:
        program.communicate()
        folder.rmdir()
        folder.parent.rmdir()


def test_the_unit_of_a_service_is_known_to_everybody(service: tuple[str, int]) -> None:
    nobody = _nobody()
    unit, port = service
    (owner,) = _only(port_table(port, "tcp").sockets).owners
    assert owner.pid is not None and owner.unit == unit
    done = subprocess.run(
        [*nobody, sys.executable, "-c", AS_NOBODY, str(port), APP],
        capture_output=True,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(done.stdout)
    assert (seen["pid"], seen["user"], seen["unit"]) == (None, "root", unit)
    assert seen["name"] == owner.name  # the service has one program only
    assert "sudo" in seen["hidden"]


PROXY = """
import os, socket, sys
with open(sys.argv[1] + "/cgroup.procs", "w") as file:
    file.write("0")
server = socket.create_server(("127.0.0.1", int(sys.argv[2])))
print("up", flush=True)
sys.stdin.read()
"""


def test_docker_proxy_is_known_to_everybody_by_its_command_line(tmp_path: Path) -> None:
    nobody = _nobody()
    folder = Path(cgroups._mount()) / f"netwhy-{os.getpid()}-docker.service"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup version 2 folder can be made here: {error}")
    port = str(quiet_port())
    proxy = tmp_path / "docker-proxy"  # the kernel names a process by the file that it runs
    proxy.symlink_to("/usr/bin/python3")
    options = ["-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", port]
    program = subprocess.Popen(
        [proxy, "-c", PROXY, folder, port, *options, "-container-ip", "172.17.0.2"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None and program.stdout.readline() == "up\n"
        command = [*nobody, sys.executable, "-c", AS_NOBODY, port, APP]
        done = subprocess.run(command, capture_output=True, timeout=20)
        assert done.returncode == 0, done.stderr.decode()
        seen = json.loads(done.stdout)
        assert (seen["pid"], seen["name"]) == (program.pid, "docker-proxy")
        assert "Docker container" in seen["behind"]
    finally:
        program.communicate()
        folder.rmdir()


OUT_OF_FILES = """
import ipaddress, os, resource, sys
sys.path.insert(0, sys.argv[1])
from netwhy.system import hosts, interfaces, local, resolvers, routes, sockets, counters
from netwhy.system import cgroups, masking, owners, portable, processes
resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))
held = []
try:
    while True:
        held.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
loopback = ipaddress.ip_address("127.0.0.1")
state = local.local_state()
assert state.files_limit == 8
assert routes.route(loopback).error is None
assert routes.neighbour(loopback, "lo").state == "NONE"
assert not counters.counters().available
assert resolvers.resolver_config().state == "unreadable"
assert hosts.hosts_entry("localhost").entries == ()
assert sockets.sockets() == sockets.port_table(1, "tcp").sockets == ()
assert sockets.port_use(loopback, 1).used == 0
"""


def test_nothing_raises_when_no_file_can_be_opened() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OUT_OF_FILES, APP], capture_output=True, timeout=20
    )
    assert done.returncode == 0, done.stderr.decode()


def test_the_counters_see_a_packet() -> None:
    before = counting.counters()
    assert before.available
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        receiver.bind(("127.0.0.1", 0))
        sender.sendto(b"x", receiver.getsockname())
        receiver.settimeout(2)
        receiver.recv(10)
    after = counting.counters()
    assert after.ip.in_receives > before.ip.in_receives
    assert after.udp_in_datagrams > before.udp_in_datagrams


def test_without_proc_there_are_no_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netwhy.system.files.read_text", lambda _path: "")
    assert counting.counters() == counting.Counters(available=False)
