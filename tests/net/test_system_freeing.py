"""The steps that free a port, and somebody else in the holder's place when they are done."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.net.command import environment
from tests.net.servers import quiet_port

from netwhy.core.freeing import Deed, Told
from netwhy.system import stopping
from netwhy.system.freeing import Freeing, FreeingBeside

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sees owners by the Linux kernel")

SERVE = """
import os, signal, socket, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
master = os.getpid()
if "workers" in sys.argv:
    os.fork() and os.fork()
if os.getpid() == master:
    print(server.getsockname()[1], flush=True)
time.sleep(60)
"""


class Servers:
    """Processes of our own, ended with the test."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()

    def start(self, port: int = 0, *more: str) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(port), *more], stdout=subprocess.PIPE, text=True
        )
        self._stack.callback(process.communicate)
        self._stack.callback(process.kill)
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    made.close()


def deeds(told: list[Told]) -> list[tuple[Deed, int | None]]:
    return [(t.deed, t.pid) for t in told]


def test_who_holds_the_port_by_then_is_left_alone(servers: Servers) -> None:
    shown, port = servers.start(quiet_port())  # no client takes it in between
    freeing = Freeing(port, "tcp")
    assert freeing.plan.pids == {shown.pid}
    shown.kill()
    shown.wait()
    other, _port = servers.start(port)
    told: list[Told] = []
    assert freeing.act(told.append) is False
    assert deeds(told) == [(Deed.CHANGED, None)]
    time.sleep(0.1)
    assert other.poll() is None


def test_a_holder_that_ended_by_itself_leaves_nothing_to_do(servers: Servers) -> None:
    shown, port = servers.start(quiet_port())
    freeing = Freeing(port, "tcp")
    shown.kill()
    shown.wait()
    told: list[Told] = []
    assert freeing.act(told.append) is True
    assert deeds(told) == [(Deed.LET_GO, None)]
    assert freeing.wait(1, lambda left: None, told.append) == ()
    assert freeing.verify().freed


def test_who_gave_up_the_port_and_lives_on_is_not_killed(servers: Servers) -> None:
    """Between the wait and the KILL lies a question: the port decides again."""
    process, port = servers.start(0, "stubborn")
    freeing = Freeing(port, "tcp")
    told: list[Told] = []
    assert freeing.act(told.append)
    assert freeing.wait(0.3, lambda left: None, told.append) == (process.pid,)
    freeing._who[process.pid] = stopping.Process(process.pid, 1)  # the pid is another's by now
    freeing.kill((process.pid,), told.append)
    assert deeds(told) == [(Deed.SENT, process.pid), (Deed.ENDED, process.pid)]
    assert process.poll() is None
    again = Freeing(port, "tcp")
    again.kill((process.pid,), told.append)
    assert process.wait(5) == -signal.SIGKILL
    assert again.verify().freed


def test_workers_that_outlive_their_master_are_told_to_end_too(servers: Servers) -> None:
    master, port = servers.start(0, "workers")
    freeing = Freeing(port, "tcp")
    workers = sorted(freeing.plan.pids - {master.pid})
    assert len(workers) == 2
    told: list[Told] = []
    assert freeing.act(told.append)
    assert deeds(told) == [(Deed.SENT, master.pid)]
    master.wait(5)  # seen to end by its parent, as a shell would
    assert freeing.wait(8, lambda left: None, told.append) == ()
    assert deeds(told)[1:] == [(Deed.SENT, pid) for pid in workers]
    assert freeing.verify().freed


REUSE = """
import json, os, signal, subprocess, sys, time
from netwhy.system.freeing import Freeing
def start(*words):
    made = subprocess.Popen([sys.executable, "-c", sys.argv[1], *words],
                            stdout=subprocess.PIPE, text=True)
    return made, int(made.stdout.readline())
first, port = start("0")
freeing = Freeing(port, "tcp")
first.kill(); first.wait()
for _ in range(50):
    open("/proc/sys/kernel/ns_last_pid", "w").write(str(first.pid - 1))
    second, _port = start(str(port))
    if second.pid == first.pid:
        break
    second.kill(); second.wait()
told = []
acted = freeing.act(told.append)
freeing._changed = lambda: False          # and without that check: pid and start decide
acted_again = freeing.act(told.append)
freeing.kill((second.pid,), told.append)
time.sleep(0.2)
print(json.dumps([first.pid == second.pid, acted, acted_again, second.poll(),
                  [[t.deed, t.pid == first.pid] for t in told]]))
second.kill(); second.wait()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="a PID namespace needs root")
def test_a_pid_that_the_kernel_gave_to_another_is_left_alone(tmp_path: Path) -> None:
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run(
        [*unshare, sys.executable, "-c", REUSE, SERVE],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    same, acted, acted_again, alive, told = json.loads(done.stdout)
    if not same:
        pytest.skip("this kernel does not let a pid be chosen")
    assert (acted, acted_again, alive) == (False, True, None)
    assert told == [["changed", False], ["ended", True], ["ended", True]]


async def test_beside_a_loop_nothing_blocks_and_all_is_heard_in_it(servers: Servers) -> None:
    process, port = servers.start(0, "stubborn")
    freeing = await FreeingBeside.begin(port, "tcp")
    told: list[Told] = []
    left: list[float] = []
    assert await freeing.act(told.append)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert await freeing.wait(0.5, left.append, told.append) == (process.pid,)
    await freeing.kill((process.pid,), told.append)
    result = await freeing.verify()
    ticking.cancel()
    assert ticks > 8, "the loop ran on meanwhile"
    assert left and left[0] > left[-1]
    assert result.freed
    assert deeds(told) == [(Deed.SENT, process.pid), (Deed.SENT, process.pid)]


def test_the_ssh_server_is_known_though_sudo_took_the_variable_away(
    tmp_path: Path, servers: Servers
) -> None:
    process, port = servers.start()
    session = f"192.0.2.7 50000 192.0.2.1 {port}"
    env = shutil.which("env") or "/usr/bin/env"
    inner = (
        f"{env} -u SSH_CONNECTION {sys.executable} -m netwhy ports --stop {port} --dry-run; true"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", inner],
        capture_output=True,
        text=True,
        env={**environment(tmp_path), "SSH_CONNECTION": session},
        timeout=30,
    )
    assert "is the SSH server of this session" in done.stdout, done
    assert process.poll() is None


def test_a_udp_holder_is_freed_like_any_other() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.bind(("127.0.0.1", 0))
        freeing = Freeing(mine.getsockname()[1], "udp")
        assert freeing.plan.refusals and freeing.plan.spelled.endswith("/udp")
