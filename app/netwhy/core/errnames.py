"""Errors by name: errno, `EAI_*` and exceptions to the symbols that netwhy speaks in."""

from __future__ import annotations

import errno
import sys

from netwhy.core.errnumbers import (
    EAI,
    EDE,
    ERRNOS,
    EXCEPTIONS,
    H_ERRNO,
    RCODES,
    WIN32,
    Numbers,
)
from netwhy.core.observations import TIMEOUT

__all__ = [
    "EAI",
    "EDE",
    "ERRNOS",
    "EXCEPTIONS",
    "H_ERRNO",
    "RCODES",
    "eai_name",
    "ede_name",
    "errno_name",
    "error_name",
    "exception_symbols",
    "numbers_of",
    "rcode_name",
    "symbols_of",
]

#: The platform whose numbers this process sees.
PLATFORM = {"darwin": "macos", "win32": "windows"}.get(sys.platform, "linux")

# Where one number has two names, the one that network programs print.
_PREFERRED = {"ENOTSUP": "EOPNOTSUPP", "EDEADLOCK": "EDEADLK", "EWOULDBLOCK": "EAGAIN"}


def errno_name(number: int) -> str:
    """This platform's name of an errno (`ECONNREFUSED`); `errno 999` for a number without one."""
    name = errno.errorcode.get(number)
    if name is None:
        name = (WIN32.get(number) if PLATFORM == "windows" else None) or f"errno {number}"
    elif name.startswith("WSAE"):
        name = name[3:]  # Windows has both spellings; the other platforms only the short one
    if name == "ENOTSUP" and PLATFORM == "macos":
        return name  # there EOPNOTSUPP is another number
    return _PREFERRED.get(name, name)


def eai_name(number: int, platform: str = PLATFORM) -> str:
    """The name of a getaddrinfo error on a platform; `EAI 999` for an unknown one."""
    return _EAI_NAMES[platform].get(number, f"EAI {number}")


def error_name(exc: BaseException) -> str:
    """The symbol of what a network call raised; never raises, never empty.

    `TIMEOUT` is our own deadline (a TimeoutError without a number), `ETIMEDOUT` the kernel's.
    An exception that is not of the network gives its class name.
    """
    number = getattr(exc, "errno", None)
    kinds = {c.__name__ for c in type(exc).__mro__}
    if "gaierror" in kinds:
        return eai_name(number) if isinstance(number, int) else "EAI_FAIL"
    if "herror" in kinds:
        return _H_NAMES.get(number or 0, f"h_errno {number}")
    if isinstance(number, int):
        winerror = getattr(exc, "winerror", None) or 0  # Windows only
        return WIN32.get(winerror) or errno_name(winerror if winerror >= 10000 else number)
    if isinstance(exc, TimeoutError):
        return TIMEOUT
    if isinstance(exc, UnicodeError):
        return "EAI_NONAME"  # Python refuses the name before the system sees it
    name = type(exc).__name__
    symbols = EXCEPTIONS.get(name)
    return symbols[0] if symbols and name != "ConnectionError" else name


def rcode_name(number: int) -> str:
    """The name of a DNS response code; `RCODE 12` for one without a name."""
    return RCODES.get(number, f"RCODE {number}")


def ede_name(code: int) -> str:
    """The name of an extended DNS error; `EDE 99` for one without a name."""
    return EDE.get(code, f"EDE {code}")


def numbers_of(symbol: str) -> Numbers | None:
    """The numbers of a symbol on each platform, whatever its case or its `WSA` prefix."""
    name = symbol.strip().upper()
    for table in (ERRNOS, EAI, H_ERRNO):
        for spelling in (name, name.removeprefix("WSA")):
            if spelling in table:
                return table[spelling]
    return None


def symbols_of(number: int) -> tuple[tuple[str, str], ...]:
    """What a number means: (platform, symbol) pairs, errno before getaddrinfo.

    Platforms are linux, macos, windows, and windows-crt for the C runtime's own numbers.
    """
    found: list[tuple[str, str]] = []
    for table in (ERRNOS, EAI, H_ERRNO):
        if table is H_ERRNO and number < 1000:
            continue  # 1 to 4 are h_errno only where somebody says so
        for symbol, numbers in table.items():
            named = zip(_PLATFORMS, numbers, strict=True)
            found.extend((platform, symbol) for platform, n in named if n == number)
    if number in WIN32:
        found.append(("windows", WIN32[number]))
    return tuple(found)


def exception_symbols(name: str) -> tuple[str, ...]:
    """The symbols that a Python exception stands for; empty for one not of the network.

    The module may be missing or in front (`socket.gaierror`, `gaierror`, `builtins.OSError`).
    """
    return _EXCEPTION_NAMES.get(name.strip().rpartition(".")[2].lower(), ())


_PLATFORMS = ("linux", "macos", "windows", "windows-crt")


def _by_number(table: dict[str, Numbers], platform: str) -> dict[int, str]:
    return {
        number: symbol
        for symbol, numbers in table.items()
        if (number := getattr(numbers, platform)) is not None
    }


_EAI_NAMES = {platform: _by_number(EAI, platform) for platform in ("linux", "macos", "windows")}
_H_NAMES = _by_number(H_ERRNO, PLATFORM)
_EXCEPTION_NAMES = {
    name.rpartition(".")[2].lower(): symbols for name, symbols in EXCEPTIONS.items()
}
