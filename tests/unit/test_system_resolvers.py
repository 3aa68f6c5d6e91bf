"""resolv.conf, line by line, as the C library reads it.

tests/net/test_system_glibc.py asks the C library itself the same questions.
"""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.system.resolvers import parse_nsswitch, parse_resolv_conf, resolver_config


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOCALDOMAIN", raising=False)
    monkeypatch.delenv("RES_OPTIONS", raising=False)


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("nameserver 192.0.2.1", "192.0.2.1"),
        ("nameserver\t192.0.2.1", "192.0.2.1"),
        ("nameserver   192.0.2.1   # a remark", "192.0.2.1"),
        ("nameserver 192.0.2.1 is the old one", "192.0.2.1"),
        ("nameserver 2001:db8::53", "2001:db8::53"),
        ("nameserver fe80::1%eth0", "fe80::1%eth0"),
        ("nameserver fe80::1%", "fe80::1"),
        ("nameserver 127.1", "127.0.0.1"),
        ("nameserver 0x7f.1", "127.0.0.1"),
        ("nameserver 010.0.0.1", "8.0.0.1"),
    ],
)
def test_lines_that_are_used(line: str, address: str) -> None:
    parsed = parse_resolv_conf(line.encode() + b"\n")
    assert [(r.address, r.line, r.used) for r in parsed.resolvers] == [
        (ip_address(address), 1, True)
    ]
    assert parsed.ignored == []


@pytest.mark.parametrize(
    ("line", "meant", "why"),
    [
        (b"nameserver 192.0.2.1\r", "192.0.2.1", "carriage return"),
        (b" nameserver 192.0.2.1", "192.0.2.1", "starts with a blank"),
        (b"\tnameserver 192.0.2.1", "192.0.2.1", "starts with a blank"),
        (b"Nameserver 192.0.2.1", "192.0.2.1", "lower case"),
        (b"nameserver 192.0.2.1:53", "192.0.2.1", "a port"),
        (b"nameserver=192.0.2.1", "192.0.2.1", "a blank must follow"),
        (b"Nameserver: 192.0.2.1", "192.0.2.1", "a blank must follow"),
        (b"\xef\xbb\xbfnameserver 192.0.2.1", "192.0.2.1", "byte order mark"),
        (b"nameserver [2001:db8::1]:53", "2001:db8::1", "a port"),
        (b"nameserver [2001:db8::1]", "2001:db8::1", "brackets"),
        (b"nameserver 192.0.2.1/24", None, "prefix length"),
        (b"nameserver dns.example.com", None, "not an IP address"),
        (b"nameserver 192.0.2.", None, "not a complete IP address"),
        (b"nameserver 192.0.2.300", None, "not a complete IP address"),
        (b"nameserver \xff\xfe", None, "not an IP address"),
        (b"nameserver 192.0.2.1,192.0.2.2", None, "not an IP address"),
        (b"nameserver  ", None, "no address"),
    ],
)
def test_servers_that_are_ignored_are_shown_with_the_reason(
    line: bytes, meant: str | None, why: str
) -> None:
    parsed = parse_resolv_conf(b"# written by hand\n" + line + b"\n")
    (found,) = parsed.resolvers
    assert (found.used, found.line) == (False, 2)
    assert found.address == (None if meant is None else ip_address(meant))
    assert found.problem is not None and why in found.problem
    assert [number for number, _text, _why in parsed.ignored] == [2]


def test_only_three_servers_count() -> None:
    data = "".join(f"nameserver 192.0.2.{n}\n" for n in range(1, 6))
    parsed = parse_resolv_conf(data.encode())
    assert [r.used for r in parsed.resolvers] == [True, True, True, False, False]
    assert [number for number, _t, _w in parsed.ignored] == [4, 5]


def test_an_ignored_line_does_not_take_one_of_the_three_places() -> None:
    data = b"nameserver nowhere\n" + b"".join(b"nameserver 192.0.2.%d\n" % n for n in (1, 2, 3))
    used = [str(r.address) for r in parse_resolv_conf(data).resolvers if r.used]
    assert used == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


@pytest.mark.parametrize(
    ("text", "search", "replaced"),
    [
        ("search a.example b.example", ("a.example", "b.example"), []),
        ("domain a.example b.example", ("a.example",), []),
        ("domain a.example\nsearch b.example", ("b.example",), [1]),
        ("search b.example\ndomain a.example", ("a.example",), [1]),
        ("search a.example\nsearch", ("a.example",), [2]),
        ("search a.example\nsearch ", ("a.example",), [2]),
        ("searches a.example", (), [1]),
    ],
)
def test_the_last_search_or_domain_wins(
    text: str, search: tuple[str, ...], replaced: list[int]
) -> None:
    parsed = parse_resolv_conf(text.encode())
    assert parsed.search == search
    assert [number for number, _t, _w in parsed.ignored] == replaced


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", (1, 5, 2)),
        ("ndots:5 timeout:1 attempts:3", (5, 1, 3)),
        ("ndots:99 timeout:99 attempts:99", (15, 30, 5)),
        ("ndots:x timeout: rotate", (0, 0, 2)),
        ("ndots:2nd edns0", (2, 5, 2)),
    ],
)
def test_options(options: str, expected: tuple[int, int, int]) -> None:
    parsed = parse_resolv_conf(f"options {options}\n".encode())
    assert (parsed.ndots, parsed.timeout_s, parsed.attempts) == expected


def test_comments_are_not_reported() -> None:
    parsed = parse_resolv_conf(b"# one\n; two\n   # three\n\n   \n")
    assert parsed.ignored == [] and parsed.resolvers == []


@given(st.binary(max_size=300))
def test_any_bytes_are_read(data: bytes) -> None:
    parsed = parse_resolv_conf(data)
    assert sum(r.used for r in parsed.resolvers) <= 3
    lines = data.count(b"\n") + 1
    assert all(1 <= number <= lines for number, _t, _w in parsed.ignored)


_PIECES = ["nameserver", "search", "options", "domain", " ", "\t", "\r", "\n", "192.0.2.1", "#"]
_PIECES += ["::1", "%lo", ":53", "ndots:", "9", "[", "]", "\0", "é"]


@given(st.lists(st.sampled_from(_PIECES), max_size=20))
def test_odd_but_likely_lines_are_read(pieces: list[str]) -> None:
    parsed = parse_resolv_conf("".join(pieces).encode())
    assert all(r.used == (r.problem is None) for r in parsed.resolvers)
    assert all(r.address is not None for r in parsed.resolvers if r.used)


def test_the_states_of_the_file(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    empty = tmp_path / "empty"
    empty.write_text("# nothing\n")
    spoiled = tmp_path / "spoiled"
    spoiled.write_bytes(b"nameserver 192.0.2.1\r\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    good = tmp_path / "good"
    good.write_text("nameserver 192.0.2.1\n")
    states = {
        path.name: resolver_config(str(path)).state
        for path in (missing, dangling, empty, spoiled, folder, pipe, good)
    }
    assert states == {
        "missing": "missing",
        "dangling": "dangling",
        "empty": "empty",
        "spoiled": "empty",
        "folder": "unreadable",
        "pipe": "unreadable",
        "good": "ok",
    }


def test_the_environment_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 192.0.2.1\nsearch a.example\noptions ndots:2\n")
    monkeypatch.setenv("LOCALDOMAIN", "b.example c.example")
    monkeypatch.setenv("RES_OPTIONS", "ndots:3")
    found = resolver_config(str(path), nsswitch=str(tmp_path / "none"))
    assert (found.search, found.ndots, found.lookups) == (("b.example", "c.example"), 3, "")


@pytest.mark.parametrize(
    ("text", "lookups"),
    [
        ("hosts: files dns\n", "files dns"),
        ("hosts:\tfiles  mdns4_minimal [NOTFOUND=return]  dns # x\n", None),
        ("passwd: files\n", ""),
        ("# hosts: dns\n", ""),
        ("hosts: files\nhosts: dns\n", "dns"),
    ],
)
def test_nsswitch(text: str, lookups: str | None) -> None:
    expected = "files mdns4_minimal [NOTFOUND=return] dns" if lookups is None else lookups
    assert parse_nsswitch(text)[0] == expected


def test_a_second_address_on_a_line_does_not_count() -> None:
    first, second = parse_resolv_conf(b"nameserver 192.0.2.1 192.0.2.2\n").resolvers
    assert (first.used, second.used, second.line) == (True, False, 1)
    assert second.problem is not None and "first address" in second.problem


def test_where_ndots_is_set() -> None:
    parsed = parse_resolv_conf(b"nameserver 192.0.2.1\noptions timeout:1\noptions ndots:5\n")
    assert (parsed.ndots, parsed.ndots_line) == (5, 3)
