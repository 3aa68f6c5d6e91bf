"""`netwhy explain`: what an error, a number, an exception, a cause or an error line means.

Pure look-up: the words are in errors.toml and in the files of the causes, the numbers in
core/errnames.py.  Nothing is checked and nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from netwhy.core import errnames
from netwhy.core.alerts import ALERTS
from netwhy.core.services import SERVICES
from netwhy.knowledge import pages, words
from netwhy.knowledge.pages import CauseHint, Explanation

__all__ = ["CauseHint", "Explanation", "explain", "explain_line", "suggest"]

#: Longer input is cut: the first error decides, and a log may be endless.
_LONGEST = 1_000_000
_EXACT_NUMBER = re.compile(
    r"\[?(?:(errno|winerror|os error|error|eai|gai|h_errno|rcode)\b[\s:=]*)?(-?\d{1,6})\]?", re.I
)
_STATUS = re.compile(r"\b(?:HTTP(?:/\d(?:\.\d)?)?|status(?: code)?)[\s:=]+([1-5]\d\d)\b", re.I)
_ALERT_NUMBER = re.compile(r"\balert(?: number)?[\s:=]+(\d{1,3})\b", re.I)
#: OpenSSL's names (`SSLV3_ALERT_HANDSHAKE_FAILURE`) and its sentences (`tlsv1 alert …`).
_ALERT_NAME = re.compile(r"\b(?:sslv3|tlsv1|tlsv13)?[_ ]?alert[_ ]([a-z_ ]+)", re.I)
_NUMBER = re.compile(r"\b(errno|winerror|os error|h_errno|rcode)\b[\s:=]*(-?\d{1,6})\b", re.I)
#: `port 5432`, `:5432`, `5432/tcp`, `tcp/5432`.
_PORT = re.compile(
    r"(?:(?:tcp |udp )?port[\s:=]+|:|(?:tcp|udp)/)(\d{1,5})|(\d{1,5})/(?:tcp|udp)", re.I
)
_CAUSE = re.compile(r"\b[a-z]+\.[a-z0-9-]+\b")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
#: Two names of one thing: where both fit a number, the first is explained.
_SAME = {"EWOULDBLOCK": "EAGAIN", "ENOTSUP": "EOPNOTSUPP"}


def explain(what: str, platform: str = errnames.PLATFORM) -> Explanation | None:
    """What `what` means: a name or number of any platform, a cause id, or a line with an error.

    None when nothing in it is known.  `platform` decides which meaning of a number comes first.
    """
    text = what.strip()[:_LONGEST]
    found = _exactly(text, platform)
    if found is not None or not text:
        return found
    vague: Explanation | None = None
    for line in text.splitlines():
        candidate, clear = explain_line(line, platform)
        if candidate is not None and clear:
            return candidate
        vague = vague or candidate
    return vague


def explain_line(line: str, platform: str = errnames.PLATFORM) -> tuple[Explanation | None, bool]:
    """The most telling thing that one line of a log names, and whether it stands for one error.

    (None, False) when nothing in it is known.
    """
    for rank, candidate in _in_line(line, platform):
        return candidate, rank < _VAGUE
    return None, False


def suggest(what: str) -> tuple[str, ...]:
    """Up to three known names that resemble what was asked."""
    import difflib

    known = {
        name.lower(): name
        for name in (
            *words.cause_ids(),
            *pages.symbol_pages(),
            *pages.exception_pages(),
            *pages.answer_pages("alert"),
            *pages.answer_pages("certificate"),
        )
    }
    known = _phrase_symbols() | _answer_phrase_keys() | known
    wanted = what.strip().lower()[:100]
    close = difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
    return tuple(dict.fromkeys(known[name] for name in close))


# ------------------------------------------------------------------------------------ recognising


def _exactly(text: str, platform: str) -> Explanation | None:
    """The whole question is one name or number, in any case."""
    if text.lower() in words.cause_ids():
        return pages.of_cause(text.lower(), text, platform)
    symbol = _symbol(text)
    if symbol is not None:
        return pages.of_symbol(symbol, text)
    found = pages.of_exception(text)
    if found is not None:
        return found
    found = _of_answer(text)
    if found is not None:
        return found
    number = _EXACT_NUMBER.fullmatch(text)
    if number is None:
        return _of_port(text)
    status = None if number[1] else pages.of_answer("status", number[2], text)
    meant = _of_number(number, text, platform)
    if status is None or meant is None:
        return status or meant or _of_port(text)
    return replace(meant, others=(*meant.others, status))


def _of_port(text: str) -> Explanation | None:
    """`port 8080` in any spelling; a bare number or name only where a service goes by it."""
    if (spelled := _PORT.fullmatch(text)) is not None:
        port = int(spelled[1] or spelled[2])
        return pages.of_port(port, text) if 0 < port < 65536 else None
    known = SERVICES.get(text.lower())
    if text.isascii() and text.isdigit() and int(text) in SERVICES.values():
        known = int(text)
    return None if known is None else pages.of_port(known, text)


def _of_answer(text: str) -> Explanation | None:
    """The name of an alert or of a certificate's fault, in any case and in OpenSSL's spelling."""
    name = text.strip().replace(" ", "_")
    bare = re.sub(r"^(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?", "", name, flags=re.I).lower()
    found = pages.of_answer("alert", bare, text)
    return found or pages.of_answer("certificate", name.upper().removeprefix("X509_V_ERR_"), text)


def _answers_in(line: str) -> Iterator[Explanation]:
    """Statuses, alerts and certificate faults that a line names."""
    told = [(kind, match[1]) for kind, pattern in (("status", _STATUS),)
            for match in pattern.finditer(line)]  # fmt: skip
    told += [("alert", ALERTS.get(int(m[1]), "")) for m in _ALERT_NUMBER.finditer(line)]
    for match in _ALERT_NAME.finditer(line):
        parts = re.split(r"[_ ]+", match[1].strip().lower())[:5]
        told += [("alert", "_".join(parts[:n])) for n in range(len(parts), 0, -1)]
    told += [("certificate", match[0]) for match in re.finditer(r"[A-Z][A-Z_]{8,}", line)]
    for kind, key in told:
        found = pages.of_answer(kind, key, key)
        if found is not None:
            yield found


_VAGUE = 3  # an exception that stands for many errors is used only if nothing else is known


def _in_line(line: str, platform: str) -> Iterator[tuple[int, Explanation]]:
    """What the line names, the most telling first: symbol, phrase, number, vague exception."""
    named: list[Explanation] = []
    vague: list[Explanation] = []
    for match in _NAME.finditer(line):
        name = match[0].strip(".")
        symbol = _symbol(name) if name.isupper() else None
        if symbol is not None:
            named.append(pages.of_symbol(symbol, name))
            continue
        found = pages.of_exception(name)
        if found is not None:
            (vague if found.kind == "exception" else named).append(found)
    for match in _CAUSE.finditer(line):
        if match[0] in words.cause_ids():
            named.append(pages.of_cause(match[0], match[0], platform))
    yield from ((0, found) for found in named)
    for match in _answer_phrases().finditer(line.lower()):
        said = pages.of_answer("certificate", _answer_phrase_keys()[match[0]], match[0])
        if said is not None:
            yield 0, said
    yield from ((1, found) for found in _answers_in(line))
    for match in _phrases().finditer(line.lower()):
        yield 1, pages.of_symbol(_phrase_symbols()[match[0]], line[match.start() : match.end()])
    for match in _NUMBER.finditer(line):
        found = _of_number(match, match[0], platform, names="gaierror" in line)
        if found is not None:
            yield 2, found
    yield from ((_VAGUE, found) for found in vague)


def _symbol(text: str) -> str | None:
    """The symbol that a text names, whatever its case and its WSA prefix."""
    name = text.strip().upper()
    for spelling in (name, name.removeprefix("WSA")):
        if spelling in pages.symbol_pages() or errnames.numbers_of(spelling) is not None:
            return spelling if spelling in pages.symbol_pages() else spelling.removeprefix("WSA")
        if spelling in errnames.RCODES.values():
            return spelling
    return None


@cache
def _phrase_symbols() -> dict[str, str]:
    return {
        phrase: name
        for name, page in pages.symbol_pages().items()
        for phrase in page.get("phrases", ())
    }


@cache
def _answer_phrase_keys() -> dict[str, str]:
    faults = pages.answer_pages("certificate").items()
    return {phrase: key for key, page in faults for phrase in page.get("phrases", ())}


@cache
def _answer_phrases() -> re.Pattern[str]:
    """How programs print that they do not trust a certificate; the general words come last."""
    vague = "certificate verify failed"
    longest_first = sorted(_answer_phrase_keys(), key=lambda p: (p == vague, -len(p)))
    ordered = [rf"(?:{re.escape(p)})" for p in longest_first if p != vague]
    return re.compile("|".join(ordered))


@cache
def _phrases() -> re.Pattern[str]:
    """Every known phrase; at one place the longest wins."""
    longest_first = sorted(_phrase_symbols(), key=len, reverse=True)
    return re.compile(r"\b(?:" + "|".join(map(re.escape, longest_first)) + r")\b")


def _of_number(
    match: re.Match[str], asked: str, platform: str, *, names: bool = False
) -> Explanation | None:
    """What a number means, this platform's meaning first; `names`: it is a look-up's number."""
    label, number = (match[1] or "").lower(), int(match[2])
    if label == "rcode":
        rcode = errnames.RCODES.get(number)
        return pages.of_symbol(rcode, asked) if rcode else None
    if label == "h_errno":
        meanings = [
            (p, symbol)
            for symbol, numbers in errnames.H_ERRNO.items()
            for p in pages.PLATFORMS
            if getattr(numbers, p) == number
        ]
    else:
        meanings = _meanings(number)
        if names or label in ("eai", "gai"):
            meanings = [
                (p, s) for p, s in meanings if pages.kind_of(s) == "getaddrinfo"
            ] or meanings
        if label == "winerror":
            meanings = [(p, s) for p, s in meanings if p == "windows"] or meanings
    return _ambiguous(meanings, asked, platform)


def _meanings(number: int) -> list[tuple[str, str]]:
    """(platform, symbol) pairs; a negative errno, as kernels and libuv print it, is understood."""
    found = errnames.symbols_of(number) or errnames.symbols_of(abs(number))
    return [(platform.removesuffix("-crt"), _SAME.get(name, name)) for platform, name in found]


def _ambiguous(
    meanings: Sequence[tuple[str, str]], asked: str, platform: str
) -> Explanation | None:
    """One explanation for each symbol; the one of this platform leads, with the others inside."""
    on: dict[str, list[str]] = {}
    for where, symbol in sorted(meanings, key=lambda meaning: meaning[0] != platform):
        places = on.setdefault(symbol, [])
        if pages.PLATFORMS[where] not in places:
            places.append(pages.PLATFORMS[where])
    told = [replace(pages.of_symbol(s, asked), platforms=tuple(where)) for s, where in on.items()]
    return replace(told[0], others=tuple(told[1:])) if told else None
