"""`netwhy ports --stop`: real processes that hold real ports, ended for sure or left in peace."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.net.command import Ended, environment, in_terminal, netwhy, start
from tests.net.servers import kept_port, quiet_port
from tests.opened import as_nobody

from netwhy.system import cgroups, stopping

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sees owners by the Linux kernel")

SERVE = """
import os, signal, socket, sys, time
server = socket.create_server(("127.0.0.1", int(os.environ.get("PORT", 0))))
print(server.getsockname()[1], flush=True)
{more}
time.sleep(60)
"""
IGNORES_TERM = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
HAS_WORKERS = """
for _ in range(2):
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
def end(*_):
    import subprocess
    for line in subprocess.run(["ps", "-o", "pid=", "--ppid", str(os.getpid())],
                               capture_output=True, text=True).stdout.split():
        if int(line) != os.getpid():
            try:
                os.kill(int(line), signal.SIGTERM)
            except OSError:
                pass
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
"""
SUPERVISES = """
import os, subprocess, sys, time
def start(port="0"):
    # It waits for a word: a Python alone may take longer to start than it is waited for.
    code = "import os, signal, socket, sys, time; input()\\n" + sys.argv[1]
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True, env={**os.environ, "PORT": port})
child = start()
print(file=child.stdin, flush=True)
port = child.stdout.readline().strip()
spare = start(port)
print(port, flush=True)
while True:
    child.wait()
    time.sleep(0.1)
    print(file=spare.stdin, flush=True)
    child, spare = spare, start(port)
"""


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Server:
    """A process of our own that listens; it is ended with the test whatever happened to it."""

    def __init__(self, stack: ExitStack, more: str = "", *argv: str, **kinds: object) -> None:
        command = [*(argv or (sys.executable, "-c")), SERVE.format(more=more)]
        command += kinds.pop("after", ())  # type: ignore[arg-type]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **kinds,  # type: ignore[call-overload]
        )
        stack.callback(self._end)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.name = Path(f"/proc/{self.process.pid}/comm").read_text().strip()

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    def _end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # its own session: nobody else is in it
        self.process.communicate()


def stubborn(stack: ExitStack) -> Server:
    """A server that ignores TERM, from the moment on that it is returned."""
    server = Server(stack, IGNORES_TERM)
    ends = time.monotonic() + 10
    while time.monotonic() < ends:  # its port is told a moment before
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        ignored = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
        if int(ignored.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
            break
        time.sleep(0.01)
    return server


def with_workers(stack: ExitStack) -> Server:
    """A master with two workers, which exist a moment after the port is told."""
    server = Server(stack, HAS_WORKERS)
    assert server.process.stdout is not None
    assert server.process.stdout.readline() == "ready\n"
    return server


def stop(home: Path, server: Server, *more: str, **env: str) -> Ended:
    return netwhy(home, "ports", "--stop", str(server.port), *more, **env)


def test_it_ends_the_listener_and_says_that_the_port_is_free(
    tmp_path: Path, stack: ExitStack
) -> None:
    server = Server(stack)
    ended = stop(tmp_path, server, "--yes", server.name)
    assert ended.code == 0, ended
    assert f"{server.name} (pid {server.process.pid})" in ended.out
    assert ended.out.splitlines()[-1] == f"tcp port {server.port} is free."
    assert f"Sent TERM to pid {server.process.pid}" in ended.err
    assert server.process.wait(20) == -signal.SIGTERM
    assert _bind(server.port) is None


ACCEPTS = "accepted, _peer = server.accept()"
PLAIN = """
plain = socket.socket()
server.close()
plain.bind(("127.0.0.1", 0))
plain.listen()
print(plain.getsockname()[1], flush=True)
server = plain
"""


def _bind(port: int, *, reuse: bool = False) -> str | None:
    """The error of a server that wants to start there."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError as error:
            return errno.errorcode[error.errno or 0]
    return None


@pytest.mark.parametrize("reuse", [True, False], ids=["SO_REUSEADDR", "without"])
def test_what_a_client_leaves_behind_is_no_free_port(
    tmp_path: Path, stack: ExitStack, reuse: bool
) -> None:
    """The end of the server's connection stays for a minute, and who could start is tried."""
    server = Server(stack, ("" if reuse else PLAIN) + ACCEPTS)
    if not reuse:
        assert server.process.stdout is not None
        server.port = int(server.process.stdout.readline())
    client = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
    ended = stop(tmp_path, server, "--yes", server.name)
    assert ended.code == 0, "nobody listens: that is what was asked for"
    assert "lost:  1 connected client" in ended.out
    assert _bind(server.port) == "EADDRINUSE"
    assert _bind(server.port, reuse=True) == (None if reuse else "EADDRINUSE")
    said = ended.out.splitlines()[-1]
    can = (
        r"A server that sets SO_REUSEADDR can start now; another one must wait about \d\d s\."
        if reuse
        else r"A new server must wait about \d\d s: the old one had not set SO_REUSEADDR\."
    )
    nobody = f"Nobody listens on tcp port {server.port} any more.  "
    assert said.startswith(nobody) and re.fullmatch(can, said.removeprefix(nobody)), said
    assert "left over: fin_wait2 " in ended.err and "nobody any more" in ended.err
    with contextlib.suppress(ConnectionResetError):
        assert client.recv(1) == b""


def test_a_dry_run_does_all_of_it_but_the_signal(tmp_path: Path, stack: ExitStack) -> None:
    server = Server(stack)
    ended = stop(tmp_path, server, "--dry-run")
    assert ended.code == 0
    assert f"Would send TERM to pid {server.process.pid}" in ended.out
    time.sleep(0.2)
    assert server.runs


def test_without_a_terminal_it_wants_to_be_told_yes(tmp_path: Path, stack: ExitStack) -> None:
    server = Server(stack)
    ended = stop(tmp_path, server)
    assert ended.code == 2 and "--yes" in ended.err
    assert server.runs


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a process of root")
def test_what_root_holds_is_ended_only_by_its_name(tmp_path: Path, stack: ExitStack) -> None:
    server = Server(stack)
    for words in (("--yes",), ("--yes", "another")):
        ended = stop(tmp_path, server, *words)
        assert ended.code == 1 and f"--yes {server.name}" in ended.err
    assert server.runs
    code, shown = in_terminal(tmp_path, "ports", "--stop", str(server.port), keys=b"y\n")
    assert code == 1 and f"Type {server.name} to end it" in shown
    assert server.runs
    keys = server.name.encode() + b"\n"
    code, shown = in_terminal(tmp_path, "ports", "--stop", str(server.port), keys=keys)
    assert code == 0 and "is free." in shown
    assert server.process.wait(20) == -signal.SIGTERM


def _as_nobody() -> dict[str, object]:
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    return {"user": 65534, "group": 65534, "extra_groups": []}


def test_a_user_s_own_server_needs_a_yes_only(tmp_path: Path, stack: ExitStack) -> None:
    server = Server(stack, "", "/usr/bin/python3", "-c", **_as_nobody())
    arguments = ("ports", "--stop", str(server.port))
    code, shown = in_terminal(tmp_path, *arguments, keys=b"n\n")
    assert code == 1 and "End it? [y/N]" in shown and server.runs
    code, shown = in_terminal(tmp_path, *arguments, keys=b"y\n")
    assert code == 0 and "is free." in shown


def test_who_ignores_term_is_killed_only_by_force(tmp_path: Path, stack: ExitStack) -> None:
    server = stubborn(stack)
    ended = stop(tmp_path, server, "--yes", server.name, "--wait", "0.5")
    assert ended.code == 1 and "--force" in ended.err
    assert f"is still held by {server.name} (pid {server.process.pid})" in ended.out
    assert server.runs
    ended = stop(tmp_path, server, "--yes", server.name, "--wait", "0.5", "--force")
    assert ended.code == 0 and f"Sent KILL to pid {server.process.pid}" in ended.err
    assert server.process.wait(20) == -signal.SIGKILL


def test_at_a_terminal_a_kill_is_offered(tmp_path: Path, stack: ExitStack) -> None:
    server = stubborn(stack)
    keys = (server.name + "\ny\n").encode() if os.geteuid() == 0 else b"y\ny\n"
    code, shown = in_terminal(
        tmp_path, "ports", "--stop", str(server.port), "--wait", "0.5", keys=keys
    )
    assert code == 0 and "KILL it?" in shown
    assert server.process.wait(20) == -signal.SIGKILL


def test_who_is_started_again_is_named_with_its_supervisor(
    tmp_path: Path, stack: ExitStack
) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISES, SERVE.format(more="")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    stack.callback(supervisor.communicate)
    stack.callback(os.killpg, supervisor.pid, signal.SIGKILL)
    assert supervisor.stdout is not None
    port = supervisor.stdout.readline().strip()
    name = Path(f"/proc/{supervisor.pid}/comm").read_text().strip()
    ended = netwhy(tmp_path, "ports", "--stop", port, "--yes", name)
    assert ended.code == 1, ended
    assert f"tcp port {port} was taken again by {name} (pid" in ended.out
    assert f"{name} (pid {supervisor.pid}) started it again" in ended.err


def test_of_a_master_and_its_workers_the_master_is_ended(tmp_path: Path, stack: ExitStack) -> None:
    server = with_workers(stack)
    ended = stop(tmp_path, server, "--yes", server.name)
    assert ended.code == 0, ended
    assert "lost:  processes below: " in ended.out
    assert [line for line in ended.err.splitlines() if line.startswith("Sent")] == [
        f"Sent TERM to pid {server.process.pid}"
    ]


def test_workers_whose_master_died_are_ended_themselves(tmp_path: Path, stack: ExitStack) -> None:
    server = with_workers(stack)
    server.process.kill()
    server.process.wait()
    ended = stop(tmp_path, server, "--yes", server.name)
    assert ended.code == 0, ended
    assert sum(line.startswith("Sent TERM") for line in ended.err.splitlines()) == 2


def test_other_ports_of_the_same_process_are_told(tmp_path: Path, stack: ExitStack) -> None:
    more = 'other = socket.create_server(("127.0.0.1", 0)); print(other.getsockname()[1])'
    server = Server(stack, more + "\nsys.stdout.flush()")
    assert server.process.stdout is not None
    other = server.process.stdout.readline().strip()
    ended = stop(tmp_path, server, "--dry-run")
    assert f"lost:  other ports of the same processes: tcp 127.0.0.1:{other}" in ended.out


def test_a_client_that_uses_the_port_as_its_own_is_never_touched(
    tmp_path: Path, stack: ExitStack
) -> None:
    far = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    more = f"""
client = socket.create_connection(("127.0.0.1", {far.getsockname()[1]}))
print(client.getsockname()[1], flush=True)
"""
    server = Server(stack, more)
    assert server.process.stdout is not None
    port = server.process.stdout.readline().strip()
    ended = netwhy(tmp_path, "ports", "--stop", port, "--yes", "--force")
    assert ended.code == 1
    assert f"Nothing listens on tcp port {port}, but it is in use" in ended.out
    assert f"(pid {server.process.pid})" in ended.out
    assert server.runs


def test_a_port_that_nobody_has_is_free(tmp_path: Path) -> None:
    port = quiet_port()
    ended = netwhy(tmp_path, "ports", "--stop", str(port), "--yes")
    assert (ended.code, ended.out) == (0, f"Nothing listens on tcp port {port}.\n")


def test_it_refuses_what_is_above_itself(tmp_path: Path, stack: ExitStack) -> None:
    mine = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    port = str(mine.getsockname()[1])
    for more in (("--yes",), ("--dry-run",), ("--yes", "--force")):
        ended = netwhy(tmp_path, "ports", "--stop", port, *more)
        assert ended.code == 1
        assert "is above this very command" in ended.out


def _called(folder: Path, name: str) -> str:
    """A Python of that name: the kernel names a process by the file that was executed."""
    path = folder / name
    path.symlink_to("/usr/bin/python3")
    return str(path)


def test_it_refuses_the_ssh_server_of_this_session(tmp_path: Path, stack: ExitStack) -> None:
    server = Server(stack, "", _called(tmp_path, "sshd"), "-c")
    session = f"192.0.2.7 50000 192.0.2.1 {server.port}"
    ended = stop(tmp_path, server, "--yes", "sshd", SSH_CONNECTION=session)
    assert ended.code == 1 and "SSH server of this session" in ended.out
    assert server.runs
    ended = stop(tmp_path, server, "--yes", "sshd", SSH_CONNECTION="192.0.2.7 50000 192.0.2.1 22")
    assert ended.code == 0


def _tool(folder: Path, name: str, body: str) -> dict[str, str]:
    """A command of that name in front of the path."""
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return {"PATH": f"{path.parent}:{os.environ['PATH']}"}


def _proxy(stack: ExitStack, folder: Path) -> Server:
    """A process with the name and the command line of docker-proxy."""
    with kept_port() as port:
        return _proxy_at(stack, folder, port)


def _proxy_at(stack: ExitStack, folder: Path, port: int) -> Server:
    options = ["-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", str(port)]
    options += ["-container-ip", "172.17.0.2", "-container-port", "80"]
    return Server(
        stack, "", _called(folder, "docker-proxy"), "-c",
        after=options, env={**os.environ, "PORT": str(port)},
    )  # fmt: skip


def test_docker_proxy_is_never_ended_but_its_container_named(
    tmp_path: Path, stack: ExitStack
) -> None:
    server = _proxy(stack, tmp_path)
    none = _tool(tmp_path, "docker", "exit 1")
    ended = stop(tmp_path, server, "--yes", "docker-proxy", "--force", **none)
    assert ended.code == 1
    assert "the Docker container at 172.17.0.2:80" in ended.out
    assert f"docker ps --filter publish={server.port}/tcp" in ended.out
    assert server.runs


def test_the_container_behind_docker_proxy_is_stopped_by_docker(
    tmp_path: Path, stack: ExitStack
) -> None:
    server = _proxy(stack, tmp_path)
    script = f"""
case "$*" in
"ps -q --filter publish={server.port}/tcp") echo 0123456789ab ;;
"stop 0123456789ab") kill {server.process.pid} ;;
*) exit 1 ;;
esac"""
    env = _tool(tmp_path, "docker", script)
    ended = stop(tmp_path, server, "--dry-run", **env)
    assert ended.code == 0 and "Would run: docker stop 0123456789ab" in ended.out
    assert server.runs
    ended = stop(tmp_path, server, "--yes", "docker-proxy", **env)
    assert ended.code == 0, ended
    assert "is free." in ended.out


@pytest.fixture
def folder() -> Iterator[Path]:
    """A cgroup with the name of a service."""
    made = Path(cgroups._mount()) / f"netwhy-test-{os.getpid()}.service"
    try:
        made.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup version 2 folder can be made here: {error}")
    yield made
    ends = time.monotonic() + 5
    while time.monotonic() < ends:
        try:
            made.rmdir()
            return
        except OSError:
            time.sleep(0.05)


def test_a_service_is_stopped_by_its_manager(
    tmp_path: Path, folder: Path, stack: ExitStack
) -> None:
    more = f'open("{folder}/cgroup.procs", "w").write("0"); server.close()\n'
    more += 'server = socket.create_server(("127.0.0.1", 0))\n'
    more += "print(server.getsockname()[1], flush=True)"
    server = Server(stack, more)
    assert server.process.stdout is not None
    server.port = int(server.process.stdout.readline())
    script = """
case "$*" in
*"show -p LoadState,MainPID -- {unit}") echo LoadState=loaded; echo MainPID={pid} ;;
"stop {unit}") kill {real} ;;
*) exit 1 ;;
esac"""
    real = server.process.pid
    env = _tool(tmp_path, "systemctl", script.format(unit=folder.name, pid=real, real=real))
    ended = stop(tmp_path, server, "--dry-run", **env)
    assert f"Would run: systemctl stop {folder.name}" in ended.out
    # A job that merely lives in the service, as under cron, is none of the service's business.
    env = _tool(tmp_path, "systemctl", script.format(unit=folder.name, pid=1, real=real))
    ended = stop(tmp_path, server, "--dry-run", **env)
    assert f"Would send TERM to pid {real}" in ended.out
    env = _tool(tmp_path, "systemctl", script.format(unit=folder.name, pid=real, real=real))
    ended = stop(tmp_path, server, "--yes", server.name, **env)
    assert ended.code == 0, ended
    assert f"Running systemctl stop {folder.name}" in ended.err


def test_another_user_s_server_is_refused_with_what_would_help(
    tmp_path: Path, stack: ExitStack
) -> None:
    _as_nobody()
    app = Path(stopping.__file__).parents[2]
    server = Server(stack)
    done = subprocess.run(
        [
            *as_nobody(),
            sys.executable,
            "-m",
            "netwhy",
            "ports",
            "--stop",
            str(server.port),
            "--yes",
            server.name,
        ],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(app), "PATH": os.environ["PATH"], "HOME": "/nonexistent"},
        timeout=60,
    )
    assert done.returncode == 1, done
    assert "refused: a process of user root: sudo would also show" in done.stdout
    assert done.stderr == (
        f'With more privilege: sudo "$(command -v netwhy)" ports --stop {server.port}\n'
    )
    assert server.runs


def test_a_pid_that_is_another_process_by_now_is_left_alone(stack: ExitStack) -> None:
    server = Server(stack)
    now = stopping.process(server.process.pid)
    assert now is not None and now.alive
    before = stopping.Process(now.pid, now.start - 100)
    assert not before.alive
    with pytest.raises(stopping.Gone):
        before.send(signal.SIGKILL)
    time.sleep(0.1)
    assert server.runs
    now.send(signal.SIGTERM)
    assert server.process.wait(20) == -signal.SIGTERM


def test_a_zombie_has_ended(stack: ExitStack) -> None:
    server = Server(stack)
    was = stopping.process(server.process.pid)
    assert was is not None
    os.kill(server.process.pid, signal.SIGKILL)
    assert stopping.wait([was], 5, lambda left: None) == []
    with pytest.raises(stopping.Gone):
        was.send(signal.SIGTERM)


def test_ctrl_c_ends_the_wait(tmp_path: Path, stack: ExitStack) -> None:
    server = stubborn(stack)
    command = start(
        tmp_path, ["ports", "--stop", str(server.port), "--yes", server.name, "--wait", "30"]
    )
    assert command.stderr is not None
    assert "Sent TERM" in command.stderr.readline()
    time.sleep(0.3)
    began = time.monotonic()
    command.send_signal(signal.SIGINT)
    assert command.wait(20) == 130
    assert time.monotonic() - began < 5, "it would wait for half a minute"
    command.communicate()
    assert server.runs


AS_INIT = """
import json, os, socket, subprocess, sys
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
server = socket.create_server(("127.0.0.1", 0))
port = str(server.getsockname()[1])
def netwhy(*words):
    done = subprocess.run([sys.executable, "-m", "netwhy", "ports", *words, "--dry-run"],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout
found = [netwhy("--stop", port)]
os.environ["PATH"] = sys.argv[2] + ":" + os.environ["PATH"]
found.append(netwhy("--stop", port))
print(json.dumps(found))
"""


def test_socket_activation_is_stopped_by_its_socket_unit_never_by_pid_1(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a PID namespace needs root")
    made = Path(cgroups._mount()) / f"netwhy-test-{os.getpid()}.socket"
    try:
        made.mkdir()
    except OSError as error:
        pytest.skip(f"no cgroup version 2 folder can be made here: {error}")
    script = 'case "$*" in *show*) echo LoadState=loaded ;; *) exit 1 ;; esac'
    _tool(tmp_path, "systemctl", script)
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*unshare, sys.executable, "-c", AS_INIT, str(made), str(tmp_path / "bin")],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        timeout=60,
    )
    made.rmdir()
    assert done.returncode == 0, done.stderr
    (code, alone), (code_with, managed) = json.loads(done.stdout)
    assert code == 1 and "pid 1 holds it: ending that would end this system" in alone
    assert code_with == 0 and f"Would run: systemctl stop {made.name}" in managed


@pytest.mark.parametrize(
    "words",
    [
        ["--stop", "0"],
        ["--stop", "8000-8001"],
        ["--stop", "8080/icmp"],
        ["--stop", "8080", "--port", "8080"],
        ["--stop", "8080", "--format", "json"],
        ["--yes"],
        ["--force"],
        ["--dry-run"],
        ["--free", "9-8"],
        ["--free", "80", "--all"],
    ],
)
def test_what_does_not_belong_together_is_one_line_and_exit_2(
    tmp_path: Path, words: list[str]
) -> None:
    ended = netwhy(tmp_path, "ports", *words)
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1
