"""What `netwhy bind` looks at to name the holder of a port, on a machine full of open files."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.net.bind_scenes import LO, PORT, child, serving
from tests.net.namespaces import inside, ip

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

PROCESSES, FILES, CLIENTS = 40, 300, 200
_LISTED = re.compile(r"/proc/(?P<pid>\d+)/fd/?")


def looked_at() -> dict[str, Any]:
    """Inside: the answer of the command, the descriptors read and the folders listed for it."""
    ip("link set lo up")
    with contextlib.ExitStack() as stack:
        pid = stack.enter_context(child(_busy_server))  # before we have many pipes to hand on
        for _ in range(PROCESSES):
            stack.enter_context(child(_many_files))
        read: list[str] = []
        listed: list[str] = []
        _watch(read, listed)
        report = Path(stack.enter_context(tempfile.TemporaryDirectory()), "report.json")
        from netwhy.cli import main

        main(["bind", f"{LO}:{PORT}", "--format", "json", "--output", str(report)])
        finding = json.loads(report.read_text())["targets"][0]["findings"][0]
        own = f"/proc/{os.getpid()}/"
        return {
            "named": f"pid {pid}" in finding["title"],
            "cause": finding["cause"],
            "read": len([path for path in read if not path.startswith(own)]),
            "listed": [path for path in listed if not path.startswith(own)],
            "everything": PROCESSES * FILES,
        }


def _many_files(stack: contextlib.ExitStack) -> list[object]:
    return [stack.enter_context(open("/dev/null")) for _ in range(FILES)]


def _busy_server(stack: contextlib.ExitStack) -> list[object]:
    kept: list[object] = [server := stack.enter_context(serving())]
    for _ in range(CLIENTS):
        kept.append(stack.enter_context(socket.create_connection((LO, PORT))))
        kept.append(stack.enter_context(server.accept()[0]))
    return kept


def _watch(read: list[str], listed: list[str]) -> None:
    """Listing a folder is audited, reading a link is not (sys.addaudithook)."""

    def audit(event: str, args: tuple[object, ...]) -> None:
        path = args[0] if args else None
        if event in ("os.listdir", "os.scandir") and _LISTED.fullmatch(str(path)):
            listed.append(str(path))

    real = os.readlink

    def readlink(path: Any, **more: Any) -> Any:
        if "/fd/" in str(path):
            read.append(str(path))
        return real(path, **more)

    sys.addaudithook(audit)
    os.readlink = readlink  # the one of this process, which ends with the test


def test_no_process_is_walked_through() -> None:
    """One number of each process is enough, whatever they have open."""
    seen = inside(looked_at)
    assert (seen["cause"], seen["named"]) == ("bind.in-use", True)
    assert seen["listed"] == []
    # The descriptor is found at one of the first numbers; every process is asked for it.
    others = len([name for name in os.listdir("/proc") if name.isdecimal()]) + PROCESSES * 2
    assert 0 < seen["read"] < 12 * others
    assert seen["read"] < seen["everything"] / 2
