"""A crowded machine to measure on: many processes that hold many sockets, and a few that listen.

    python scripts/crowd.py [--processes N] [--sockets N] -- COMMAND ...

Runs the command amid the crowd, as root, in network and PID namespaces of its own: no packet
leaves, nothing is seen of it outside, and the kernel ends every process when the command ends.
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import signal
import socket
import subprocess
import sys

LISTENERS = 100
_INSIDE = "NETWHY_CROWD_INSIDE"


def enter(argv: list[str]) -> int:
    """Run this script again in namespaces of its own."""
    wrapped = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    command = [*wrapped, sys.executable, __file__, *argv]
    return subprocess.run(command, env={**os.environ, _INSIDE: "1"}).returncode


def gather(processes: int, sockets: int) -> None:
    """Fork the crowd; each member keeps its share of the sockets until the namespace ends."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    each = sockets // processes
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, each + 64)), hard))
    gc.freeze()
    every = max(1, processes // LISTENERS)
    reading, writing = os.pipe()
    for number in range(processes):
        if os.fork() == 0:
            os.close(reading)
            hold(number, each, listens=number % every == 0)
            os.write(writing, b".")
            os.close(writing)
            signal.pause()
            os._exit(0)
    os.close(writing)
    while os.read(reading, 65536):
        pass


def hold(number: int, count: int, *, listens: bool) -> None:
    """Both ends of `count // 2` connections; a listener's own port is among the first."""
    address = f"127.1.{number // 250}.{number % 250 + 1}"
    server = socket.create_server((address, 0), backlog=64)
    kept = []
    for _ in range(count // 2):
        kept.append(socket.create_connection(server.getsockname()))
        kept.append(server.accept()[0])
    for end in kept:
        end.detach()
    if listens:
        server.detach()
    else:
        server.close()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=1000)
    parser.add_argument("--sockets", type=int, default=50_000)
    parser.add_argument("command", nargs="+")
    args = parser.parse_args(argv)
    if not os.environ.get(_INSIDE):
        return enter(argv)
    gather(args.processes, args.sockets)
    return subprocess.run(args.command).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
