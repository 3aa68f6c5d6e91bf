"""The resolver configuration as the C library reads it, line by line.

The rules are those of glibc's resolv/res_init.c (resolv.conf(5) is looser than the code): a
keyword starts in column one and is followed by a blank, the first three servers count, what is
not an address is passed over without a word.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import sys
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

from netwhy.core.model import IPAddress
from netwhy.core.observations import ConfiguredResolver, ResolverConfig
from netwhy.system import files

_MOST_SERVERS = 3  # MAXNS
_MOST_NDOTS, _MOST_TIMEOUT_S, _MOST_ATTEMPTS = 15, 30, 5
_KEYWORDS = ("nameserver", "domain", "search", "options", "sortlist")
_BLANKS = " \t"
#: What was meant to be a server line: behind a byte order mark, or with another sign than a blank.
_NEARLY = re.compile(r"(?:\ufeff\s*nameserver\s+|nameserver\s*[=:]\s*)(\S+)", re.IGNORECASE)


@dataclass(slots=True)
class ParsedResolvConf:
    """What the lines of one file say."""

    resolvers: list[ConfiguredResolver] = field(default_factory=list)
    search: tuple[str, ...] = ()
    search_line: tuple[int, str] | None = None
    ndots: int = 1
    timeout_s: int = 5
    attempts: int = 2
    ignored: list[tuple[int, str, str]] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    ndots_line: int = 0

    def ignore(self, number: int, text: str, why: str) -> None:
        self.ignored.append((number, text, why))


def resolver_config(
    path: str = "/etc/resolv.conf", nsswitch: str = "/etc/nsswitch.conf"
) -> ResolverConfig:
    """The configuration with its state; never raises.

    Without a `search` or `domain` line the search list is the domain of the host name, and
    `LOCALDOMAIN` and `RES_OPTIONS` of the environment are obeyed, as glibc does.
    """
    if sys.platform == "win32":
        return _portable("the registry")
    state, data = _read(path)
    parsed = parse_resolv_conf(data)
    if local := os.environ.get("LOCALDOMAIN"):
        parsed.search = tuple(local.split())
    elif parsed.search_line is None:
        parsed.search = _host_domain()
    _options(parsed, os.environ.get("RES_OPTIONS", ""))
    if state == "ok" and not any(r.used for r in parsed.resolvers):
        state = "empty"
    services, services_line = parse_nsswitch(files.read_text(nsswitch))
    return ResolverConfig(
        path=path,
        state=state,
        resolvers=tuple(parsed.resolvers),
        search=parsed.search,
        ndots=parsed.ndots,
        timeout_s=parsed.timeout_s,
        attempts=parsed.attempts,
        ignored=tuple(sorted(parsed.ignored)),
        lookups=services,
        lookups_line=services_line,
        options=tuple(dict.fromkeys(parsed.options)),
        search_line=parsed.search_line[0] if parsed.search_line else 0,
        ndots_line=parsed.ndots_line,
    )


def _read(path: str) -> tuple[str, bytes]:
    try:
        return "ok", files.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return ("dangling" if os.path.islink(path) else "missing"), b""
    except OSError:
        return "unreadable", b""


def _host_domain() -> tuple[str, ...]:
    try:
        domain = socket.gethostname().partition(".")[2]
    except OSError:
        return ()
    return (domain,) if domain else ()


def _portable(where: str) -> ResolverConfig:
    """The platform's own list of servers, where there is no file to read."""
    from netwhy.system import portable

    found = []
    for text in portable.resolvers():
        address = _server_address(text)
        problem = None if address else "not an IP address"
        found.append(ConfiguredResolver(address, text, 0, address is not None, problem))
    state = "ok" if any(r.used for r in found) else "empty"
    return ResolverConfig(where, state, tuple(found))


def parse_resolv_conf(data: bytes) -> ParsedResolvConf:
    """Every line of a resolv.conf: used, or ignored and why.  Accepts any bytes."""
    parsed = ParsedResolvConf()
    for number, raw in enumerate(data.split(b"\n"), 1):
        line = raw.split(b"\0", 1)[0].decode("utf-8", "replace")
        if line.strip() == "" or line[0] in "#;":
            continue
        keyword, value = _keyword(line)
        if keyword is None:
            _ignored_line(parsed, number, line)
        elif keyword == "nameserver":
            _nameserver(parsed, number, line, value)
        elif keyword in ("domain", "search"):
            _search(parsed, number, line, keyword, value)
        elif keyword == "options":
            _options(parsed, value, number)
    return parsed


def _keyword(line: str) -> tuple[str | None, str]:
    """(keyword, the rest without its leading blanks); None when no keyword starts the line."""
    for keyword in _KEYWORDS:
        if line.startswith(keyword) and line[len(keyword) : len(keyword) + 1] in (" ", "\t"):
            return keyword, line[len(keyword) :].lstrip(_BLANKS)
    return None, ""


def _ignored_line(parsed: ParsedResolvConf, number: int, line: str) -> None:
    """A line that starts with no keyword; a server in it is still shown, as not used."""
    text = line.strip()
    if meant := _NEARLY.match(text):
        return _nearly(parsed, number, text, meant)
    words = text.split()
    known = words[0].lower() in _KEYWORDS
    if text.startswith(("#", ";")):
        return  # an indented comment: ignored, and meant to be
    if known and line[0].isspace():
        why = "the line starts with a blank"
    elif known and words[0] not in _KEYWORDS:
        why = "the keyword is not in lower case"
    elif known:
        why = "nothing follows the keyword"
    else:
        why = "not a keyword of resolv.conf"
    parsed.ignore(number, text, why)
    if words[0].lower() == "nameserver" and len(words) > 1:
        address, port = _meant(words[1])
        parsed.resolvers.append(ConfiguredResolver(address, words[1], number, False, why, port))


def _nearly(parsed: ParsedResolvConf, number: int, text: str, meant: re.Match[str]) -> None:
    """A server line whose keyword is not read as one: something stands before or behind it."""
    mark = text.startswith("\ufeff")
    why = "the file begins with a byte order mark" if mark else "a blank must follow the keyword"
    parsed.ignore(number, text, why)
    address, port = _meant(meant[1])
    parsed.resolvers.append(ConfiguredResolver(address, meant[1], number, False, why, port))


def _nameserver(parsed: ParsedResolvConf, number: int, line: str, value: str) -> None:
    text = re.split(r"[ \t]", value, maxsplit=1)[0]
    address = _server_address(text)
    problem, port = None, 53
    if address is None:
        problem = _server_problem(text)
        address, port = _meant(text.strip())  # a carriage return may spoil it
    elif sum(r.used for r in parsed.resolvers) >= _MOST_SERVERS:
        problem = "only the first three nameservers are used"
    if problem:
        parsed.ignore(number, line.strip(), problem)
    used = problem is None
    parsed.resolvers.append(ConfiguredResolver(address, text.strip(), number, used, problem, port))
    more = re.split(r"[ \t]+", value.strip())[1:2] if used else []
    if more and (second := _server_address(more[0])):
        why = "only the first address of a line counts"
        parsed.ignore(number, line.strip(), why)
        parsed.resolvers.append(ConfiguredResolver(second, more[0], number, False, why))


def _meant(text: str) -> tuple[IPAddress | None, int]:
    """The server that an ignored line stands for, with its port; None where that is not plain."""
    address = _server_address(text)
    if address is not None:
        return address, 53
    host, colon, port = text.rpartition(":")
    if colon and port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536:
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        return (_server_address(bare) if bare != host or "." in host else None), int(port)
    return (_server_address(text[1:-1]) if text[:1] + text[-1:] == "[]" else None), 53


def _server_address(text: str) -> IPAddress | None:
    """As inet_aton (which takes `127.1` and `0x7f.1`), else inet_pton for IPv6 with a scope."""
    if not text.isascii() or any(c.isspace() for c in text):
        return None
    if text[:1].isdigit() and ":" not in text:
        try:
            return IPv4Address(socket.inet_aton(text))
        except (OSError, ValueError):
            return None
    bare, percent, scope = text.partition("%")
    try:
        address = IPv6Address(bare)
    except ValueError:
        return None
    try:
        return IPv6Address(f"{address}%{scope}") if percent else address
    except ValueError:
        return address  # an unusable scope is dropped, the server is kept


def _server_problem(text: str) -> str:
    """Why a nameserver line is passed over."""
    if text.strip() == "":
        return "no address follows the keyword"
    if text.endswith("\r") or "\r" in text:
        return "the line ends with a carriage return (Windows line ending)"
    host, _, port = text.rpartition(":")
    bracketed = text.startswith("[")
    if port.isdigit() and _server_address(host.strip("[]")) and (bracketed or "." in host):
        return "a port may not be given here"
    if bracketed:
        return "an IPv6 address is written without brackets here"
    try:
        ipaddress.ip_network(text, strict=False)
        return "an address is written without a prefix length here"
    except ValueError:
        pass
    if re.fullmatch(r"[\d.]+", text):
        return "not a complete IP address"
    return "not an IP address"


def _search(parsed: ParsedResolvConf, number: int, line: str, keyword: str, value: str) -> None:
    """The last `search` or `domain` line counts; one without a value does not."""
    names = [name for name in re.split(r"[ \t]+", value) if name]
    if not names:
        parsed.ignore(number, line.strip(), "nothing follows the keyword")
        return
    if parsed.search_line is not None:
        earlier, text = parsed.search_line
        parsed.ignore(earlier, text, f"replaced by line {number}")
    parsed.search_line = (number, line.strip())
    parsed.search = tuple(names if keyword == "search" else names[:1])


def _options(parsed: ParsedResolvConf, value: str, line: int = 0) -> None:
    """Unknown options are passed over; numbers are read as atoi does and cut to their maximum."""
    for option in value.split():
        name, colon, text = option.partition(":")
        parsed.options.append(name)
        if not colon:
            continue
        found = re.match(r"[+-]?\d{1,9}", text, re.ASCII)
        number = max(0, int(found[0])) if found else 0
        if name == "ndots":
            parsed.ndots = min(number, _MOST_NDOTS)
            parsed.ndots_line = line
        elif name == "timeout":
            parsed.timeout_s = min(number, _MOST_TIMEOUT_S)
        elif name == "attempts":
            parsed.attempts = min(number, _MOST_ATTEMPTS)


def parse_nsswitch(text: str) -> tuple[str, int]:
    """The services of the last `hosts:` line, and its number; ("", 0) without one."""
    found = ("", 0)
    for number, line in enumerate(text.splitlines(), 1):
        name, colon, services = line.split("#", 1)[0].partition(":")
        if colon and name.strip() == "hosts":
            found = (" ".join(services.split()), number)
    return found
