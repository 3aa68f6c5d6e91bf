"""Reading within bounds, writing whole or not at all; hosts files."""

from __future__ import annotations

import os
import stat
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.system import files
from netwhy.system.hosts import hosts_entry, parse_hosts


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_belongs_to_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    files.write_atomic(path, b"{}")
    assert path.read_bytes() == b"{}"
    assert _mode(path) == 0o600
    assert os.listdir(tmp_path) == ["report.json"]


def test_a_stricter_umask_is_obeyed(tmp_path: Path) -> None:
    before = os.umask(0o277)
    try:
        files.write_atomic(tmp_path / "strict", b"x")
    finally:
        os.umask(before)
    assert _mode(tmp_path / "strict") == 0o400


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    path.write_text("old")
    path.chmod(0o644)
    files.write_atomic(str(path), b"new")
    assert path.read_bytes() == b"new"
    assert _mode(path) == 0o644


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(real)
    files.write_atomic(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new"


def test_a_device_is_written_to_and_not_replaced() -> None:
    files.write_atomic("/dev/null", b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("name", ["", ".", "none/report", "nul\0byte", "long" * 100])
def test_what_cannot_be_written_is_an_oserror_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError):
        files.write_atomic(str(tmp_path) + "/" + name, b"x")
    assert os.listdir(tmp_path) == []


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    with pytest.raises(TypeError):
        files.write_atomic(path, "text is not bytes")  # type: ignore[arg-type]
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["report"]


def test_reading_is_bounded_and_never_waits(tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(b"x" * 1000)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert files.read(str(big), 10) == b"x" * 10
    for bad in (str(pipe), str(tmp_path), str(tmp_path / "none"), "nul\0byte"):
        with pytest.raises(OSError):
            files.read(bad)
        assert files.read_text(bad, "default") == "default"


HOSTS = b"""\
127.0.0.1\tlocalhost
::1 localhost ip6-localhost\r
# 192.0.2.9 db.example.com
192.0.2.7  DB.example.com db # the old one
  192.0.2.8 db.example.com
not-an-address db.example.com
192.0.2.300 db.example.com
2001:db8::7 other db.example.com
192.0.2.10
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("localhost", [(1, "127.0.0.1"), (2, "::1")]),
        ("ip6-localhost", [(2, "::1")]),
        ("db.EXAMPLE.com", [(4, "192.0.2.7"), (5, "192.0.2.8"), (8, "2001:db8::7")]),
        ("db", [(4, "192.0.2.7")]),
        ("old", []),
        ("192.0.2.7", []),
        ("", []),
        ("bücher.example", []),
    ],
)
def test_hosts_lines(name: str, expected: list[tuple[int, str]]) -> None:
    found = [(line, str(address)) for line, address, _ in parse_hosts(HOSTS, name)]
    assert found == expected


@given(st.binary(max_size=200), st.text(max_size=10))
def test_any_hosts_file_is_read(data: bytes, name: str) -> None:
    assert all(line >= 1 for line, _address, _names in parse_hosts(data, name))


@given(st.from_regex(r"[a-z][a-z0-9\-]{0,20}", fullmatch=True), st.integers(0, 5))
def test_a_written_name_is_found(name: str, before: int) -> None:
    data = b"# x\n" * before + f"192.0.2.5 alias {name.upper()}\n".encode()
    names = ("alias", name)
    assert list(parse_hosts(data, name)) == [(before + 1, ip_address("192.0.2.5"), names)]


def test_a_name_that_is_almost_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("192.0.2.7 db.example.com db  # the old one: bd.example.com\n192.0.2.8 web\n")
    assert hosts_entry("bd.example.com", str(path)).similar == ("db.example.com",)
    assert hosts_entry("db.example.com", str(path)).similar == ()
    assert hosts_entry("db.example.com", str(path)).names == ("db",)
    assert hosts_entry("we", str(path)).similar == ()


def test_an_entry_behind_a_comment_sign_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n# db.example.com moved\n #192.0.2.5 DB.example.com db\n")
    assert hosts_entry("db.example.com", str(path)).commented == (3, "#192.0.2.5 db.example.com db")
    assert hosts_entry("web.example.com", str(path)).commented is None
    assert hosts_entry("localhost", str(path)).commented is None


def test_a_missing_hosts_file_has_no_entries(tmp_path: Path) -> None:
    found = hosts_entry("localhost", str(tmp_path / "none"))
    assert found.entries == () and found.name == "localhost"
