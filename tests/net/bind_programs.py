"""Programs that hold a port: workers, services, forwarders, a real redis-server."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.net.bind_scenes import LO, PORT, SET_DUMPABLE, Scene, child, serving
from tests.net.namespaces import firewall, ip

from netwhy.system import cgroups

# ------------------------------------------------------------------------ programs of their own


def orphan(uid: int) -> Scene:
    """The parent died; its forked child still listens."""

    @contextmanager
    def scene() -> Iterator[None]:
        program = (
            "import os, socket, sys, time\n"
            f"os.setresgid({uid}, {uid}, {uid}); os.setresuid({uid}, {uid}, {uid})\n"
            f"import ctypes; ctypes.CDLL(None).prctl({SET_DUMPABLE}, 1)\n"
            f"server = socket.create_server(('{LO}', {PORT}))\n"
            "if os.fork():\n    os._exit(0)\n"
            "print(os.getpid(), flush=True)\n"
            "time.sleep(60)\n"
        )
        done = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert done.stdout is not None
        pid = int(done.stdout.readline())
        done.wait()
        try:
            yield
        finally:
            os.kill(pid, signal.SIGKILL)

    return scene


def program(address: str, uid: int, *more: str, share: bool = False) -> Scene:
    """A program started by itself that listens there and never accepts."""

    @contextmanager
    def scene() -> Iterator[None]:
        code = (
            "import sys, time\n"
            "from tests.net.bind_scenes import serving\n"
            f"kept = serving(sys.argv[1], {PORT}, v6only={':' in address or None}, share={share})\n"
            "print('up', flush=True)\n"
            "time.sleep(60)\n"
        )
        line = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", sys.executable]
        done = subprocess.Popen(
            [*line, "-c", code, address, *more], stdout=subprocess.PIPE, text=True
        )
        try:
            assert done.stdout is not None and done.stdout.readline() == "up\n"
            yield
        finally:
            done.kill()
            done.communicate()

    return scene


def workers(uid: int) -> Scene:
    """A master and two workers that share its listener."""

    def work(stack: ExitStack) -> list[object]:
        server = stack.enter_context(serving(LO, PORT))
        return [server, *(stack.enter_context(child(lambda _inner: None)) for _ in range(2))]

    @contextmanager
    def scene() -> Iterator[None]:
        with child(work, uid):
            yield

    return scene


class Missing(Exception):
    """This machine does not let that scene be made."""


def _control_group(name: str) -> Path:
    folder = Path(cgroups._mount(), name)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise Missing(f"no cgroup version 2 folder can be made here: {error}") from None
    return folder


def in_unit(name: str, *argv: str, program: str = "") -> Scene:
    """A listener in a control group of that name, as the service manager makes them."""

    @contextmanager
    def scene() -> Iterator[None]:
        folder = _control_group(name)
        code = (
            "import socket, sys, time\n"
            "open(sys.argv[1] + '/cgroup.procs', 'w').write('0')\n"
            f"server = socket.create_server(('{LO}', {PORT}))\n"
            "print('up', flush=True)\n"
            "time.sleep(60)\n"
        )
        with tempfile.TemporaryDirectory() as place:
            python = Path(sys.executable)
            if program:
                python = Path(place, program)
                python.symlink_to("/usr/bin/python3")
            line = [str(python), "-c", code, str(folder), *argv]
            done = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
            try:
                assert done.stdout is not None and done.stdout.readline() == "up\n"
                yield
            finally:
                done.kill()
                done.communicate()
                folder.rmdir()

    return scene


def redis(uid: int) -> Scene:
    """A real redis-server of another user."""

    @contextmanager
    def scene() -> Iterator[None]:
        if shutil.which("redis-server") is None:
            raise Missing("no redis-server")
        with tempfile.TemporaryDirectory() as folder:
            os.chown(folder, uid, uid)
            line = ["redis-server", "--port", str(PORT), "--bind", LO, "--save", "", "--dir"]
            done = subprocess.Popen(
                ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", *line, folder],
                stdout=subprocess.DEVNULL,
            )
            try:
                for _ in range(400):
                    with socket.socket() as client:
                        if client.connect_ex((LO, PORT)) == 0:
                            break
                    time.sleep(0.05)
                yield
            finally:
                done.terminate()
                done.wait()

    return scene


@contextmanager
def redirected() -> Iterator[None]:
    """What is sent to 192.0.2.10 on the port goes to a service in another network namespace."""
    other = subprocess.Popen(
        ["unshare", "--net", sys.executable, "-c", _ELSEWHERE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdin is not None and other.stdout is not None
    try:
        assert other.stdout.readline() == "there\n"
        for line in (
            "link add eth1 type veth peer name far",
            f"link set far netns {other.pid}",
            "address add 192.0.2.10/24 dev eth1",
            "link set eth1 up",
        ):
            ip(line)
        print("moved", file=other.stdin, flush=True)
        assert other.stdout.readline() == "up\n"
        firewall(
            "table ip nat { chain output { type nat hook output priority -100;"
            f" ip daddr 192.0.2.10 tcp dport {PORT} dnat to 192.0.2.77:{PORT}\n}}\n}}\n"
        )
        yield
    finally:
        other.kill()
        other.communicate()


_ELSEWHERE = f"""
import socket, sys
from tests.net.namespaces import ip
print("there", flush=True)
sys.stdin.readline()
ip("link set lo up")
ip("address add 192.0.2.77/24 dev far")
ip("link set far up")
with socket.create_server(("192.0.2.77", {PORT})):
    print("up", flush=True)
    sys.stdin.read()
"""


_DENIED = f"netwhy-denied-{os.getpid()}"
#: A command that joins the control group before it becomes the one after it.
IN_DENIED_CGROUP = (
    *("sh", "-c", 'for f in "$0"/netwhy-denied-*; do echo 0 > $f/cgroup.procs; done; exec "$@"'),
    cgroups._mount(),
)


@contextmanager
def denied_by_cgroup() -> Iterator[None]:
    """A control group in which IPv4 binds are refused, as systemd does it (bpf(2))."""
    folder = _control_group(_DENIED)
    place = os.open(folder, os.O_RDONLY)
    try:
        code = ctypes.create_string_buffer(
            bytes.fromhex("b7000000000000009500000000000000"),
            16,  # r0 = 0; exit
        )
        licence = ctypes.create_string_buffer(b"GPL")
        program = _bpf(  # BPF_PROG_LOAD of a CGROUP_SOCK_ADDR, to be attached to INET4_BIND
            5,
            struct.pack(
                "=IIQQIIQII16sII", 18, 2, ctypes.addressof(code), ctypes.addressof(licence),
                0, 0, 0, 0, 0, b"", 0, 8,
            ),
        )  # fmt: skip
        _bpf(8, struct.pack("=IIII", place, program, 8, 0))  # BPF_PROG_ATTACH
        os.close(program)
        yield
    finally:
        os.close(place)
        folder.rmdir()


def _bpf(command: int, attributes: bytes) -> int:
    call = ctypes.CDLL(None, use_errno=True).syscall
    held = ctypes.create_string_buffer(attributes, len(attributes))
    result = int(call(321, command, held, len(attributes)))  # __NR_bpf of x86-64
    if result < 0:
        raise Missing(f"bpf: {os.strerror(ctypes.get_errno())}")
    return result
