"""The hosts file, read as the C library reads it (hosts(5))."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator

from netwhy.core import spelling
from netwhy.core.model import IPAddress
from netwhy.core.observations import HostsEntry
from netwhy.system import files

_LIMIT = 16 << 20  # block lists make hosts files of several megabytes
_MOST_NAMES = 500  # a list longer than this was not written by hand: nobody mistypes its names


def default_path() -> str:
    """Where this platform keeps its hosts file."""
    if sys.platform == "win32":
        root = os.environ.get("SYSTEMROOT", r"C:\Windows")
        return os.path.join(root, "System32", "drivers", "etc", "hosts")
    return "/etc/hosts"


def hosts_entry(name: str, path: str | None = None) -> HostsEntry:
    """Every line that names the host, with its address.  A missing file has none."""
    path = path or default_path()
    try:
        data = files.read(path, _LIMIT)
    except OSError:
        data = b""
    lines = tuple(parse_hosts(data, name))
    entries = tuple((number, address) for number, address, _names in lines)
    beside = dict.fromkeys(n for _number, _address, names in lines for n in names)
    similar = () if entries else _similar(data, name)
    others = tuple(n for n in beside if n != name.lower())
    return HostsEntry(
        name, path, entries, others, similar, None if entries else _commented(data, name)
    )


def parse_hosts(data: bytes, name: str) -> Iterator[tuple[int, IPAddress, tuple[str, ...]]]:
    """(line number, address, names) of each line with that name, in any case; odd lines skipped."""
    try:
        wanted = name.encode("ascii").lower()
    except UnicodeEncodeError:
        wanted = name.encode("utf-8", "replace").lower()
    if not wanted or wanted not in (lowered := data.lower()):
        return
    for number, line in enumerate(lowered.split(b"\n"), 1):
        if wanted not in line:
            continue
        fields = line.split(b"#", 1)[0].split()
        if wanted in fields[1:] and (address := _address(fields[0])):
            yield number, address, _texts(fields[1:])


def _commented(data: bytes, name: str) -> tuple[int, str] | None:
    """The first line that is an entry for the name behind a comment sign."""
    wanted = name.encode("utf-8", "replace").lower()
    if wanted not in (lowered := data.lower()):
        return None
    for number, line in enumerate(lowered.split(b"\n"), 1):
        if wanted not in line or not line.lstrip().startswith(b"#"):
            continue
        fields = line.lstrip(b"# \t").split(b"#", 1)[0].split()
        if wanted in fields[1:] and _address(fields[0]):
            return number, line.strip()[:200].decode("utf-8", "replace")
    return None


def _similar(data: bytes, name: str) -> tuple[str, ...]:
    """Names of a hand-written file that are spelled almost like this one."""
    names: dict[str, None] = {}
    for line in data[: 1 << 16].lower().split(b"\n"):
        fields = line.split(b"#", 1)[0].split()
        if len(fields) > 1 and _address(fields[0]):
            names |= dict.fromkeys(_texts(fields[1:]))
        if len(names) > _MOST_NAMES:
            return ()
    return spelling.meant(name.lower(), names)


def _texts(fields: list[bytes]) -> tuple[str, ...]:
    return tuple(field.decode("utf-8", "replace") for field in fields)


def _address(raw: bytes) -> IPAddress | None:
    try:
        return ipaddress.ip_address(raw.decode("ascii"))
    except ValueError:
        return None
