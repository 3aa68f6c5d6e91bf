"""Texts of /proc and cgroup paths: tables of the real thing, and anything at all."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.system.cgroups import home_of
from netwhy.system.counters import IpCounters, parse_columns, parse_lines
from netwhy.system.processes import parse_stat
from netwhy.system.sockets import parse_proc

ID = "3f2a1b4c5d6e" + "0" * 52


@pytest.mark.parametrize(
    ("path", "unit", "container"),
    [
        ("/", None, None),
        ("", None, None),
        ("/system.slice/nginx.service", "nginx.service", None),
        ("/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", None),
        ("/system.slice/nginx.service/worker", "nginx.service", None),
        ("/init.scope", "init.scope", None),
        ("/user.slice/user-1000.slice/session-3.scope", "session-3.scope", None),
        (
            "/user.slice/user-1000.slice/user@1000.service/app.slice/web.service",
            "web.service",
            None,
        ),
        (
            "/user.slice/user-1000.slice/user@1000.service/init.scope",
            "user@1000.service",
            None,
        ),
        (f"/system.slice/docker-{ID}.scope", None, "3f2a1b4c5d6e (docker)"),
        (f"/docker/{ID}", None, "3f2a1b4c5d6e (docker)"),
        (f"/docker/{ID}/system.slice/inner.service", None, "3f2a1b4c5d6e (docker)"),
        (f"/machine.slice/libpod-{ID}.scope/container", None, "3f2a1b4c5d6e (podman)"),
        (
            f"/system.slice/web.service/libpod-payload-{ID}",
            "web.service",
            "3f2a1b4c5d6e (podman)",
        ),
        (f"/system.slice/containerd.service/cri-containerd-{ID}.scope", None, None),
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod"
            f"01234567_89ab_cdef_0123_456789abcdef.slice/cri-containerd-{ID}.scope",
            None,
            "3f2a1b4c5d6e (kubernetes pod 01234567-89ab-cdef-0123-456789abcdef)",
        ),
        (
            f"/kubepods/besteffort/pod01234567-89ab-cdef-0123-456789abcdef/{ID}",
            None,
            "3f2a1b4c5d6e (kubernetes pod 01234567-89ab-cdef-0123-456789abcdef)",
        ),
        ("/lxc.payload.web", None, "web (lxc)"),
        ("/lxc/web", None, "web (lxc)"),
        ("/docker-compose.service", "docker-compose.service", None),
    ],
)
def test_units_and_containers(path: str, unit: str | None, container: str | None) -> None:
    found = home_of(path)
    if "containerd.service" in path:
        unit, container = "containerd.service", "3f2a1b4c5d6e (containerd)"
    assert (found.unit, found.container) == (unit, container)


@given(st.text(max_size=80))
def test_any_cgroup_path_is_read(path: str) -> None:
    home_of(path)


def test_a_process_name_may_hold_anything() -> None:
    text = "42 (a) b (c) S 7 " + " ".join("0" for _ in range(17)) + " 500 0 0"
    found = parse_stat(text, 1000.0, 100)
    assert found is not None
    assert (found.name, found.parent, found.started) == ("a) b (c", 7, 1005.0)


@given(st.text(max_size=100))
def test_any_stat_line_is_read(text: str) -> None:
    parse_stat(text, None, 100)


TCP = """\
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000080 00:00000000 00000000  1000        0 4711 1
   1: 0100007F:1F90 0200007F:C350 06 00000000:00000000 03:00000BB8 00000000     0        0 0 3
   2: 0000000000000000FFFF00000100007F:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 9
   3: nonsense
   4: 0100007F:1F90 00000000:0000 ZZ 00000000:00000000 00:00000000 00000000  1000        0 1 1
"""


def test_the_tcp_table_of_proc() -> None:
    listener, waiting, mapped = (row.socket for row in parse_proc(TCP.splitlines(), "tcp"))
    assert (listener.state, listener.address, listener.port) == (
        "LISTEN",
        ip_address("127.0.0.1"),
        8080,
    )
    assert (listener.uid, listener.inode, listener.receive_queue) == (1000, 4711, 128)
    # TIME_WAIT belongs to nobody: the table's uid 0 is not root.
    assert (waiting.state, waiting.uid, waiting.inode) == ("TIME_WAIT", None, None)
    assert waiting.remote == (ip_address("127.0.0.2"), 50000)
    assert waiting.expires_ms == 30_000
    assert mapped.address == ip_address("127.0.0.1")


@given(st.lists(st.text("0123456789ABCDEFxyz: \t", max_size=120), max_size=4))
def test_any_socket_table_is_read(lines: list[str]) -> None:
    list(parse_proc(lines, "udp"))


def test_counters_are_read_by_name() -> None:
    text = "Ip: InReceives InDelivers\nIp: 10 7\nTcpExt: TCPRetransFail\nTcpExt: 3\n"
    assert parse_columns(text) == {
        "Ip.InReceives": 10,
        "Ip.InDelivers": 7,
        "TcpExt.TCPRetransFail": 3,
    }
    assert parse_lines("Ip6InReceives   \t 5\nodd\nIp6X y\n") == {"Ip6InReceives": 5}


@given(st.text(max_size=200))
def test_any_counter_text_is_read(text: str) -> None:
    parse_columns(text)
    parse_lines(text)


def test_what_no_counter_explains_was_filtered() -> None:
    counters = IpCounters(
        in_receives=100, in_delivers=60, forwarded=10, in_discards=5, in_header_errors=5,
        reassembly_received=10, reassembly_done=2,
    )  # fmt: skip
    assert counters.unaccounted == 12
