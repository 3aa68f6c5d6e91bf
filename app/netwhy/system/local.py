"""The state of this machine, read without sending a packet."""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Mapping

from netwhy.core.observations import LocalState
from netwhy.system import files
from netwhy.system.interfaces import interfaces
from netwhy.system.routes import gateways

_CAP_NET_BIND_SERVICE = 10
_CAP_NET_ADMIN, _CAP_NET_RAW = 12, 13
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def local_state() -> LocalState:
    """All of it at once, in a few milliseconds.  What cannot be read keeps its default."""
    return LocalState(
        hostname=_hostname(),
        platform=platform_name(),
        privileged=privileged(),
        interfaces=interfaces(),
        gateways=gateways(),
        ephemeral_range=ephemeral_range(),
        reserved_ports=reserved_ports(),
        unprivileged_port_start=unprivileged_port_start(),
        files_limit=_files_limit(),
        files_open=_files_open(),
        ipv6_disabled=_ipv6_disabled(),
        proxies=proxies(os.environ),
        wsl=wsl(),
        confined=_confined(),
    )


def platform_name() -> str:
    """linux, macos or windows; another system by its own name."""
    return {"darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)


def privileged() -> bool:
    """Root, or a process that may use raw sockets or administer the network (capabilities(7))."""
    if sys.platform == "win32":
        return _windows_administrator()
    if os.geteuid() == 0:
        return True
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", files.read_text("/proc/self/status"), re.M)
    wanted = 1 << _CAP_NET_ADMIN | 1 << _CAP_NET_RAW
    return bool(found and int(found[1], 16) & wanted)


def binds_any_port() -> bool:
    """May this process take ports below the unprivileged ones (CAP_NET_BIND_SERVICE)?"""
    if sys.platform == "win32":
        return True
    found = re.search(r"^CapEff:\s*([0-9a-f]+)", files.read_text("/proc/self/status"), re.M)
    return bool(int(found[1], 16) & 1 << _CAP_NET_BIND_SERVICE) if found else os.geteuid() == 0


def _windows_administrator() -> bool:
    import ctypes

    try:
        return bool(ctypes.windll.shell32.IsUserAnAdmin())  # type: ignore[attr-defined,unused-ignore]
    except (AttributeError, OSError):
        return False


def ephemeral_range() -> tuple[int, int] | None:
    """First and last port that the kernel gives to outgoing connections; None when unknown."""
    found = numbers("/proc/sys/net/ipv4/ip_local_port_range")
    return (found[0], found[1]) if len(found) == 2 else None


def reserved_ports() -> tuple[tuple[int, int], ...]:
    """First and last of each range in ip_local_reserved_ports, written `8080,9000-9010`."""
    found = []
    for part in files.read_text("/proc/sys/net/ipv4/ip_local_reserved_ports").strip().split(","):
        first, _, last = part.partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            found.append((int(first), min(int(last or first), 65535)))
    return tuple(found)


def unprivileged_port_start() -> int:
    """The lowest port that needs no privilege; it governs IPv6 too.  Windows has no such rule."""
    if sys.platform == "win32":
        return 0
    found = numbers("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return found[0] if found else 1024


def numbers(path: str) -> list[int]:
    """The unsigned numbers of a small file; empty where it cannot be read."""
    return [int(part) for part in files.read_text(path).split() if part.isdecimal()]


def _hostname() -> str:
    try:
        return socket.gethostname() or "localhost"
    except OSError:
        return "localhost"


def _files_limit() -> int | None:
    try:
        import resource
    except ImportError:
        return None
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _files_open() -> int | None:
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return len(os.listdir(folder)) - 1  # without the one that lists
        except OSError:
            continue
    return None


def _ipv6_disabled() -> bool:
    """By sysctl, or absent from the kernel (`ipv6.disable=1`)."""
    if not sys.platform.startswith("linux"):
        return not socket.has_ipv6
    if numbers("/proc/sys/net/ipv6/conf/all/disable_ipv6") == [1]:
        return True
    return os.path.isdir("/proc/net") and not os.path.exists("/proc/net/if_inet6")


def wsl() -> bool:
    """Is this the Windows Subsystem for Linux?  Its kernel says so."""
    return "microsoft" in files.read_text("/proc/version").lower()


def _confined() -> tuple[str, ...]:
    """What confines this process, as far as it may know: Landlock leaves no trace (proc(5))."""
    if not sys.platform.startswith("linux"):
        return ()
    found = []
    if re.search(r"^Seccomp:\s*2", files.read_text("/proc/self/status"), re.M):
        found.append("a seccomp filter")
    label = files.read_text("/proc/self/attr/current").strip("\0\n ")
    if label.endswith("(enforce)"):
        found.append(f"AppArmor profile {label.removesuffix('(enforce)').strip()}")
    elif label.count(":") >= 3 and ":unconfined_t:" not in label:
        found.append(f"SELinux domain {label}")
    return tuple(found)


def proxies(environment: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The proxy variables that programs obey, passwords masked; lower case before upper case."""
    names = (n for low in _PROXY_VARIABLES for n in (low, low.upper()))
    found = [(name, environment[name]) for name in names if environment.get(name)]
    if not found:
        return ()  # the usual case, and the masks cost milliseconds to load
    from netwhy.system.masking import mask

    return tuple((name, mask(value)) for name, value in found)
