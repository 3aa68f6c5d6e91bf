"""The pages of `netwhy explain`: one for each error, exception and cause, put together here."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from netwhy.core import errnames
from netwhy.core.alerts import ALERTS
from netwhy.core.model import Fix, Where
from netwhy.core.services import SERVICES, TLS_PORTS, UDP_SERVICES
from netwhy.knowledge import words
from netwhy.knowledge.spelling import BRACKETED
from netwhy.knowledge.templates import VOCABULARY

#: What a page shows in place of the names that are derived from the holder of a port.
_SHOWN = {
    **dict.fromkeys(("docker", "podman"), "CONTAINER"),
    **dict.fromkeys(("published", "activated"), "PORT"),
    **{name: of.upper() for name, of in BRACKETED.items()},
    "resolver_port": "",
}
#: How people call the platforms, in the order in which their numbers are listed.
PLATFORMS = {"linux": "Linux", "macos": "macOS", "windows": "Windows"}


@dataclass(frozen=True, slots=True)
class CauseHint:
    """A cause that leads to the error, and how to tell that it is this one."""

    cause: str
    how: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known about one thing that was asked.

    `kind`: "cause", "errno", "getaddrinfo", "dns", "timeout", "exception", "alert" (of TLS),
    "certificate" (OpenSSL's verdict), "status" (of HTTP) or "port".  `asked` is the part
    of the question that was recognised.  `numbers` holds (platform, number) as texts; `platforms`
    are those on which a number that was asked for has this meaning.  `fixes` is what to do now,
    `program` what a program should do by itself.  `others` are the further meanings of the same
    number or exception.
    """

    name: str
    kind: str
    title: str
    meaning: str
    asked: str
    numbers: tuple[tuple[str, str], ...] = ()
    platforms: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    causes: tuple[CauseHint, ...] = ()
    fixes: tuple[Fix, ...] = ()
    program: tuple[str, ...] = ()
    others: tuple[Explanation, ...] = ()


@cache
def symbol_pages() -> Mapping[str, Any]:
    """The pages of errors.toml that are about one symbol."""
    pages = words.table("errors.toml")
    return {name: page for name, page in pages.items() if name != "exceptions"}


def exception_pages() -> Mapping[str, Any]:
    exceptions: Mapping[str, Any] = words.table("errors.toml").get("exceptions", {})
    return exceptions


def of_symbol(symbol: str, asked: str) -> Explanation:
    page = symbol_pages().get(symbol)
    if page is None:
        return _without_page(symbol, asked)
    return Explanation(
        name=symbol,
        kind=kind_of(symbol),
        title=page["title"],
        meaning=page["meaning"],
        asked=asked,
        numbers=_numbers(symbol),
        phases=tuple(page.get("phases", ())),
        causes=tuple(CauseHint(cause, how) for cause, how in page.get("causes", {}).items()),
        fixes=tuple(Fix(text, None, Where.HERE) for text in page.get("now", ())),
        program=tuple(fix.text for fix in words.advice(page.get("advice", ()))),
    )


def _without_page(symbol: str, asked: str) -> Explanation:
    """A symbol that network programs hardly ever meet: its number and the system's own words."""
    number = getattr(errno, symbol, None)
    said = os.strerror(number) if isinstance(number, int) else "a code without further words"
    return Explanation(
        name=symbol,
        kind=kind_of(symbol),
        title=f"{symbol}: {said}",
        meaning="Connections hardly ever fail with it, so there is no more about it here.",
        asked=asked,
        numbers=_numbers(symbol),
    )


def kind_of(symbol: str) -> str:
    if symbol == "TIMEOUT":
        return "timeout"
    if symbol in errnames.RCODES.values():
        return "dns"
    return "getaddrinfo" if symbol in errnames.EAI or symbol in errnames.H_ERRNO else "errno"


def _numbers(symbol: str) -> tuple[tuple[str, str], ...]:
    """(platform, number) where the symbol has one; Windows with its Winsock name."""
    found = errnames.numbers_of(symbol)
    if found is None:
        return tuple(("DNS", str(n)) for n, name in errnames.RCODES.items() if name == symbol)
    windows = found.windows if found.windows is not None else found.windows_crt
    winsock = symbol in errnames.ERRNOS and found.windows is not None
    told = {
        "linux": found.linux,
        "macos": found.macos,
        "windows": f"{windows} (WSA{symbol})" if winsock else windows,
    }
    return tuple((PLATFORMS[p], str(number)) for p, number in told.items() if number is not None)


def of_exception(name: str) -> Explanation | None:
    """A Python exception: the one error that it stands for, or its own page with all of them."""
    bare = name.strip().rpartition(".")[2]
    symbols = errnames.exception_symbols(bare)
    page_name = "TimeoutError" if bare.lower() == "timeout" else bare
    page = next((p for n, p in exception_pages().items() if n.lower() == page_name.lower()), None)
    if page is None:
        return of_symbol(symbols[0], name) if symbols else None
    others = tuple(of_symbol(symbol, name) for symbol in symbols)
    return Explanation(
        name=page["title"].partition(":")[0],
        kind="exception",
        title=page["title"],
        meaning=page["meaning"],
        asked=name,
        phases=_merged(other.phases for other in others),
        causes=tuple({hint.cause: hint for o in others for hint in o.causes}.values()),
        program=_merged(other.program for other in others),
        others=others,
    )


def _merged(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


def answer_pages(kind: str) -> Mapping[str, Any]:
    """The pages of answers.toml of one kind: alert, certificate or status."""
    found: Mapping[str, Any] = words.table("answers.toml").get(kind, {})
    return found


def of_answer(kind: str, key: str, asked: str) -> Explanation | None:
    """What a peer answered: a TLS alert, a certificate's fault, an HTTP status."""
    page = answer_pages(kind).get(key)
    if page is None:
        return None
    number = next((str(n) for n, name in ALERTS.items() if name == key), None)
    return Explanation(
        name=f"HTTP {key}" if kind == "status" else key,
        kind=kind,
        title=page["title"],
        meaning=page["meaning"],
        asked=asked,
        numbers=(("TLS", number),) if kind == "alert" and number else (),
        causes=tuple(CauseHint(cause, how) for cause, how in page.get("causes", {}).items()),
        fixes=tuple(Fix(text, None, Where.HERE) for text in page.get("now", ())),
    )


def of_port(port: int, asked: str) -> Explanation:
    """A port: the services that go by it, and what to ask about it."""
    page = words.table("ports.toml")
    services = [name for name, number in SERVICES.items() if number == port]
    udp = any(name in UDP_SERVICES for name in services)
    shown = {"port": str(port), "services": ", ".join(services)}
    shown["bind"] = f"udp://:{port}" if udp else shown["port"]
    shown["check"] = f"{'udp://' if udp else ''}HOST:{port}"
    said = (
        page.get("meaning", ""),
        page.get("tls", "") if port in TLS_PORTS else "",
        page.get("udp", "") if udp else "",
        page.get("low", "") if port < 1024 else "",
    )
    return Explanation(
        name=f"port {port}",
        kind="port",
        title=page.get("title" if services else "unnamed", "").format_map(shown),
        meaning=" ".join(filter(None, said)),
        asked=asked,
        causes=tuple(CauseHint(cause, how) for cause, how in page.get("causes", {}).items()),
        fixes=tuple(
            Fix(fix["text"], fix["command"].format_map(shown), Where(fix.get("where", "here")))
            for fix in page.get("fixes", ())
        ),
    )


def of_cause(cause: str, asked: str, platform: str) -> Explanation:
    """The page of a cause, with the placeholders of its fixes as words in capitals."""
    entry = words.entry(cause)
    shown = {name: name.upper() for name in VOCABULARY} | _SHOWN
    fixes: list[Fix] = []
    for template in entry.base.fixes:
        fix = template.filled(shown, platform)
        if fix is None or any(fix.text == f.text for f in fixes):
            continue
        if template.otherwise and fixes and fixes[-1].command == fix.command:
            continue  # says the same as the one that it stands in for
        fixes.append(fix)
    test = words.deciding(cause, shown, platform)
    if test is not None:
        fixes = [*words.besides(fixes, test), test]
    return Explanation(
        name=cause,
        kind="cause",
        title=entry.summary,
        meaning=entry.about,
        asked=asked,
        causes=tuple(CauseHint(other, words.rival(cause, other, shown)) for other in entry.rivals),
        fixes=tuple(fixes),
        program=tuple(fix.text for fix in words.advice(entry.advice)),
    )
