"""Names of errors: our tables against this platform's own, and exceptions to symbols."""

from __future__ import annotations

import errno
import socket
import sys

import pytest

from netwhy.core import errnames
from netwhy.core.errnames import (
    EAI,
    ERRNOS,
    EXCEPTIONS,
    H_ERRNO,
    RCODES,
    eai_name,
    ede_name,
    errno_name,
    error_name,
    exception_symbols,
    numbers_of,
    rcode_name,
    symbols_of,
)

HERE = {"linux": 0, "darwin": 1, "win32": 2}[sys.platform]


@pytest.mark.parametrize("symbol", sorted(ERRNOS))
def test_the_errno_table_agrees_with_this_platform(symbol: str) -> None:
    ours = ERRNOS[symbol][HERE]
    if ours is not None:
        assert getattr(errno, symbol) == ours
    elif sys.platform != "win32":
        assert not hasattr(errno, symbol)


@pytest.mark.parametrize("symbol", sorted(EAI))
def test_the_getaddrinfo_table_agrees_with_this_platform(symbol: str) -> None:
    if hasattr(socket, symbol):  # Python has no constants for glibc's asynchronous ones
        assert getattr(socket, symbol) == EAI[symbol][HERE]


def test_every_getaddrinfo_error_of_this_platform_is_in_the_table() -> None:
    here = {n for n in dir(socket) if n.startswith("EAI_")} - {"EAI_MAX"}
    assert here <= set(EAI)
    for name in here:
        assert eai_name(getattr(socket, name)) == name


def test_the_famous_numbers_of_the_other_platforms() -> None:
    assert ERRNOS["ECONNREFUSED"] == (111, 61, 10061, 107)
    assert ERRNOS["ETIMEDOUT"] == (110, 60, 10060, 138)
    assert ERRNOS["EHOSTUNREACH"] == (113, 65, 10065, 110)
    assert ERRNOS["ENETUNREACH"] == (101, 51, 10051, 118)
    assert ERRNOS["EADDRINUSE"] == (98, 48, 10048, 100)
    assert ERRNOS["EACCES"] == (13, 13, 10013, 13)
    assert EAI["EAI_NONAME"] == (-2, 8, 11001, None)
    assert H_ERRNO["TRY_AGAIN"][2] == 11002


@pytest.mark.parametrize("column", range(4))
def test_a_number_means_one_symbol_but_for_the_known_twins(column: int) -> None:
    twins = [{"EAGAIN", "EWOULDBLOCK"}, {"EOPNOTSUPP", "ENOTSUP"}]
    seen: dict[int, set[str]] = {}
    for symbol, numbers in ERRNOS.items():
        if (number := numbers[column]) is not None:
            seen.setdefault(number, set()).add(symbol)
    assert all(len(names) == 1 or names in twins for names in seen.values())


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (errno.ECONNREFUSED, "ECONNREFUSED"),
        (errno.EAGAIN, "EAGAIN"),
        (errno.EOPNOTSUPP, "EOPNOTSUPP"),
        (errno.EDEADLK, "EDEADLK"),
        (99999, "errno 99999"),
        (0, "errno 0"),
        (-5, "errno -5"),
    ],
)
def test_numbers_of_this_platform_have_names(number: int, name: str) -> None:
    assert errno_name(number) == name


class _WindowsError(ConnectionRefusedError):
    """What asyncio's proactor raises on Windows: a Win32 code beside the errno."""

    winerror = 1225


@pytest.mark.parametrize(
    ("exc", "symbol"),
    [
        (OSError(errno.EHOSTUNREACH, "x"), "EHOSTUNREACH"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "ECONNREFUSED"),
        (PermissionError(errno.EPERM, "x"), "EPERM"),
        (PermissionError(errno.EACCES, "x"), "EACCES"),
        (TimeoutError(), "TIMEOUT"),
        (TimeoutError("timed out"), "TIMEOUT"),
        (TimeoutError(errno.ETIMEDOUT, "x"), "ETIMEDOUT"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "EAI_NONAME"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "EAI_AGAIN"),
        (socket.gaierror(-999, "x"), "EAI -999"),
        (socket.gaierror(), "EAI_FAIL"),
        (socket.herror(1, "x"), "HOST_NOT_FOUND"),
        (socket.herror(), "h_errno None"),
        (UnicodeError("label empty or too long"), "EAI_NONAME"),
        (UnicodeEncodeError("idna", "x", 0, 1, "y"), "EAI_NONAME"),
        (ConnectionResetError("closed"), "ECONNRESET"),
        (BrokenPipeError(), "EPIPE"),
        (OSError("Multiple exceptions"), "OSError"),
        (OSError(), "OSError"),
        (_WindowsError(99999, "x"), "ECONNREFUSED"),
        (ValueError("x"), "ValueError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_what_was_raised_has_a_symbol(exc: BaseException, symbol: str) -> None:
    assert error_name(exc) == symbol


def test_a_real_name_that_cannot_be_encoded() -> None:
    with pytest.raises(UnicodeError) as raised:
        socket.getaddrinfo("a..b", 80)  # refused by Python: no packet
    assert error_name(raised.value) == "EAI_NONAME"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (111, {("linux", "ECONNREFUSED")}),
        (61, {("linux", "ENODATA"), ("macos", "ECONNREFUSED")}),
        (10061, {("windows", "ECONNREFUSED")}),
        (1225, {("windows", "ECONNREFUSED")}),
        (11001, {("windows", "EAI_NONAME"), ("windows", "HOST_NOT_FOUND")}),
        (-2, {("linux", "EAI_NONAME")}),
        (107, {("linux", "ENOTCONN"), ("windows-crt", "ECONNREFUSED")}),
        (987654, set()),
    ],
)
def test_what_a_number_means_on_each_platform(number: int, expected: set[tuple[str, str]]) -> None:
    assert set(symbols_of(number)) == expected


@pytest.mark.parametrize("symbol", ["ECONNREFUSED", "econnrefused", "WSAECONNREFUSED", " EPIPE "])
def test_symbols_in_any_spelling(symbol: str) -> None:
    assert numbers_of(symbol) in (ERRNOS["ECONNREFUSED"], ERRNOS["EPIPE"])


def test_symbols_of_the_other_tables() -> None:
    assert numbers_of("eai_again") == EAI["EAI_AGAIN"]
    assert numbers_of("WSAHOST_NOT_FOUND") == H_ERRNO["HOST_NOT_FOUND"]
    assert numbers_of("ENOSUCHTHING") is None


@pytest.mark.parametrize("name", sorted(EXCEPTIONS))
def test_exceptions_stand_for_symbols_that_exist(name: str) -> None:
    symbols = exception_symbols(name)
    assert symbols
    assert all(s == "TIMEOUT" or numbers_of(s) for s in symbols)
    assert exception_symbols(f"builtins.{name.upper()}") == symbols


def test_an_exception_of_another_kind_stands_for_nothing() -> None:
    assert exception_symbols("KeyError") == ()


def test_python_raises_the_exceptions_that_the_table_says() -> None:
    """PEP 3151: OSError picks its subclass by the errno, so the table can be tried."""
    for name, symbols in EXCEPTIONS.items():
        for symbol in symbols:
            number = getattr(errno, symbol, None)
            if number is not None and name not in ("ConnectionError", "socket.timeout"):
                assert type(OSError(number, "")).__name__ == name


def test_codes_of_the_dns() -> None:
    assert [rcode_name(n) for n in (0, 2, 3, 5, 12)] == [
        "NOERROR",
        "SERVFAIL",
        "NXDOMAIN",
        "REFUSED",
        "RCODE 12",
    ]
    assert [ede_name(n) for n in (6, 7, 10, 22, 999)] == [
        "DNSSEC Bogus",
        "Signature Expired",
        "RRSIGs Missing",
        "No Reachable Authority",
        "EDE 999",
    ]


def test_codes_of_the_dns_agree_with_dnspython() -> None:
    import dns.edns
    import dns.rcode

    for rcode in dns.rcode.Rcode:
        assert RCODES[int(rcode)] == rcode.name
    for code in dns.edns.EDECode:
        assert ede_name(int(code)).upper().replace(" ", "_") == code.name


def test_the_platform_is_this_one() -> None:
    assert ("linux", "macos", "windows").index(errnames.PLATFORM) == HERE
