"""A bind on macOS, Windows, WSL2 and old kernels, by what they report: read, never run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.facts import Row, bind_fails, check, examined, machine, owner, socket, table
from tests.unit.test_diagnosis_bind import IN_USE_LO, NGINX, held

CONTROL_CENTRE = owner("ControlCenter", 412, user="ann")
HTTP_SYS = owner("System", 4)
MAC = machine(platform="macos", ephemeral_range=(49152, 65535))
WINDOWS = machine(platform="windows", unprivileged_port_start=0)

ROWS = [
    Row("macOS: AirPlay has its port", "bind 5000",
        (MAC, *bind_fails("0.0.0.0", 5000, "EADDRINUSE"), *bind_fails("::", 5000, "EADDRINUSE"),
         table(5000, socket("0.0.0.0", 5000, owners=(CONTROL_CENTRE,)),
               socket("::", 5000, owners=(CONTROL_CENTRE,)))),
        "bind.in-use", evidence=("ControlCenter",), also=("bind.in-use",)),
    Row("macOS: AirPlay is in the way of one address", "bind 127.0.0.1:7000",
        (MAC, *bind_fails("127.0.0.1", 7000, "EADDRINUSE"),
         table(7000, socket("0.0.0.0", 7000, owners=(CONTROL_CENTRE,)))),
        "bind.in-use-overlap"),
    Row("macOS: Control Centre on another port is a program as any other", "bind 127.0.0.1:8080",
        (MAC, *IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(CONTROL_CENTRE,)))),
        "bind.in-use"),
    Row("macOS: the port that Apple keeps", "bind 55555",
        (MAC, *bind_fails("0.0.0.0", 55555, "EADDRINUSE"), *bind_fails("::", 55555, "EADDRINUSE")),
        "bind.forbidden", evidence=("macOS keeps TCP port 55555",), rivals=("bind.in-use",)),
    Row("macOS: somebody really has that port", "bind 127.0.0.1:55555",
        (MAC, *bind_fails("127.0.0.1", 55555, "EADDRINUSE"),
         table(55555, socket("127.0.0.1", 55555, owners=(NGINX,)))),
        "bind.in-use", unsaid=("Apple",)),
    Row("another port, and nobody is seen", "bind 127.0.0.1:8080", (MAC, *IN_USE_LO),
        "bind.in-use", rivals=("bind.bound-not-listening", "bind.in-use-by-connection")),
    Row("macOS: one address below 1024", "bind 127.0.0.1:80",
        (MAC, *bind_fails("127.0.0.1", 80, "EACCES")),
        "bind.privileged"),
    Row("macOS: every address below 1024 is free for all", "bind 80", (MAC,)),
    Row("macOS: another loopback address", "bind 127.0.0.2:8080",
        (MAC, *bind_fails("127.0.0.2", 8080, "EADDRNOTAVAIL")),
        "bind.address-not-here"),
    Row("Windows: a reserved range", "bind 127.0.0.1:8080",
        (WINDOWS, *bind_fails("127.0.0.1", 8080, "EACCES")),
        "bind.forbidden", rivals=("bind.in-use",)),
    Row("Windows: a low port is no privileged one", "bind 127.0.0.1:80",
        (WINDOWS, *bind_fails("127.0.0.1", 80, "EACCES")), "bind.forbidden",
        rivals=("bind.in-use",)),
    Row("Windows: the holder shares with nobody", "bind 127.0.0.1:8080",
        (WINDOWS, *bind_fails("127.0.0.1", 8080, "EACCES"),
         held(socket("0.0.0.0", 8080, owners=(NGINX,)))),
        "bind.in-use-overlap", evidence=("nginx (pid 101)",), unsaid=("SO_REUSEADDR works",)),
    *(
        Row(f"Windows: http.sys has it ({error})", "bind 0.0.0.0:80",
            (WINDOWS, *bind_fails("0.0.0.0", 80, error),
             table(80, socket("0.0.0.0", 80, owners=(HTTP_SYS,)))),
            "bind.in-use")
        for error in ("EACCES", "EADDRINUSE")
    ),
    Row("Windows: SO_REUSEADDR means something else", "bind 127.0.0.1:8080",
        (WINDOWS, *bind_fails("127.0.0.1", 8080, "EADDRINUSE"),
         held(socket("127.0.0.1", 8080, "BOUND", owners=(NGINX,)))),
        "bind.bound-not-listening", unsaid=("with SO_REUSEADDR",)),
    Row("WSL2: Windows may have it", "bind 127.0.0.1:8080", (machine(wsl=True), *IN_USE_LO),
        "bind.in-use", evidence=("this is WSL2", "netstat -ano"),
        rivals=("bind.bound-not-listening", "bind.in-use-by-connection")),
    Row("a kernel that lists no bound sockets", "bind 127.0.0.1:8080",
        (*IN_USE_LO, replace(held(), complete=False)),
        "bind.bound-not-listening", evidence=("no socket on TCP port 8080", "6.8"),
        rivals=("bind.in-use-by-connection",)),
]  # fmt: skip

#: The start of a story in that table → what its explanation and its fixes say, and must not say.
ADVISED = [
    ("macOS: AirPlay has", ("AirPlay Receiver", "System Settings"), ("kill 412",)),
    ("macOS: AirPlay is in the way", ("AirPlay Receiver",), ("kill 412",)),
    ("macOS: Control Centre", ("kill 412",), ("AirPlay",)),
    ("macOS: the port that Apple", ("Give the server another port",), ("lsof -ti", "kill")),
    ("macOS: one address", ("needs no privilege there", "launchd"), ("CAP_NET",)),
    ("macOS: another loopback", ("sudo ifconfig lo0 alias 127.0.0.2",), ("FreeBind",)),
    ("Windows: a reserved", ("excludedportrange protocol=tcp", "no privileged"), ("SELinux",)),
    ("Windows: a low port", ("excludedportrange",), ("CAP_NET",)),
    ("Windows: http.sys", ("netsh http show servicestate",), ("-Id 4",)),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_each_system_is_understood(row: Row) -> None:
    check(row)


@pytest.mark.parametrize(("story", "told", "unsaid"), ADVISED)
def test_each_system_is_advised_in_its_own_way(
    story: str, told: tuple[str, ...], unsaid: tuple[str, ...]
) -> None:
    for row in (row for row in ROWS if row.story.startswith(story)):
        first = examined(row.target, row.world).first
        assert first is not None
        texts = [first.explanation, *(f"{fix.text} {fix.command or ''}" for fix in first.fixes)]
        assert [part for part in told if not any(part in text for text in texts)] == []
        assert [part for part in unsaid if any(part in text for text in texts)] == []
