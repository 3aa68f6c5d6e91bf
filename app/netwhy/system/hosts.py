"""The hosts file, read as the C library reads it (hosts(5))."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator

from netwhy.core.model import IPAddress
from netwhy.core.observations import HostsEntry
from netwhy.system import files

_LIMIT = 16 << 20  # block lists make hosts files of several megabytes


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
    return HostsEntry(name, path, tuple(parse_hosts(data, name)))


def parse_hosts(data: bytes, name: str) -> Iterator[tuple[int, IPAddress]]:
    """(line number, address) for each line with that name, in any case; odd lines are skipped."""
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
            yield number, address


def _address(raw: bytes) -> IPAddress | None:
    try:
        return ipaddress.ip_address(raw.decode("ascii"))
    except ValueError:
        return None
