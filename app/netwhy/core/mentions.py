"""The endpoints that an error line or a log mentions, as targets that can be checked.

Each form is one that some program or library prints: URLs, `host:port`, `[v6]:port`,
`host=… port=…`, `('host', port)`, `host port 5432`, `name/address:port`, and names that could
not be looked up.
A place in a source file (`main.go:42`), a time (`12:04:31`) and the short-lived port of a client
are none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from netwhy.core.model import Target
from netwhy.core.target import TargetError, parse, parse_bind

#: More of one line is not read: a minified file is one line.
_LONGEST_LINE = 4000
_MOST_IN_LINE = 20
#: The system gives such ports to clients, on every platform that we know (RFC 6335: from 49152).
_CLIENT_PORTS = 32768

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}"
_V4 = r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
_V6 = r"\[[0-9A-Fa-f:.]{2,45}(?:%[\w.-]{1,15})?\]"
_HOST = rf"(?:{_V6}|{_NAME})"
#: A word without a dot is a host only behind one of these.
_LEAD = r"(?:to|at|host|server|connect|connecting|dial|tcp|reach|upstream|backend|broker|ECONN\w+)"

_URL = re.compile(
    rf"\b([A-Za-z][A-Za-z0-9+.-]{{1,20}}://)(?:[^\s/@\"'<>]{{1,200}}@)?({_HOST})(:\d{{1,5}})?"
)
_PAIR = re.compile(
    rf"\bhost(?:name)?\s?[=:]\s?['\"]?({_HOST})['\"]?[,;]?\s+port\s?[=:]\s?['\"]?(\d{{1,5}})\b"
)
_TUPLE = re.compile(rf"\(\s?['\"]({_HOST}|[0-9A-Fa-f:]{{2,39}})['\"],\s?(\d{{1,5}})\b")
_WORDS = re.compile(
    rf"(?:\b({_LEAD})\s)?['\"]?({_HOST})['\"]?(?:\s\((?:{_V4}|{_V6}|[0-9A-Fa-f:]{{2,39}})\))?,?"
    r"\s(?:on\s)?(?:TCP\s)?port:?\s(\d{1,5})\b",
    re.IGNORECASE,
)
_SLASH = re.compile(rf"({_NAME})?/({_V4}):(\d{{1,5}})\b")
_COLON = re.compile(
    rf"(?:\b({_LEAD})[\s:=]{{1,2}}['\"]?)?(?<![\w.:/@-])({_HOST}):(\d{{1,5}})(?![\w:.-]*\w)",
    re.IGNORECASE,
)
_ANY = re.compile(r"(?<![\w.:])(?:::|\*):(\d{1,5})\b")
_LOOKUP = re.compile(
    r"(?:could(?:n't| not) resolve (?:host(?:name)?|proxy)|ENOTFOUND|EAI_AGAIN|EAI_NONAME"
    r"|unknown host|UnknownHostException|NameResolutionError|\blookup|\bping)"
    rf"[:\s]{{1,2}}['\"]?({_NAME})(?:\son\s({_V4}|{_V6}):53\b)?",
    re.IGNORECASE,
)
_ALONE = re.compile(rf"\b(?:to|reach|host|server)\s({_V4})(?![\w.:])", re.IGNORECASE)

_TAKEN = re.compile(
    r"EADDRINUSE|WSAEADDRINUSE|already in use|only one usage of each socket", re.IGNORECASE
)
_CLIENT = re.compile(
    r"(?:\b(?:from|client|peer|remote|accepted)[:=\s]{1,2}|<-\s?)['\"(]?$", re.IGNORECASE
)
#: Endings that belong to files, not to hosts.  (`.sh`, `.rs` and `.pl` are countries too: a host
#: there is still found in a URL.)
_FILES = re.compile(
    r"py|pyc|go|c|cc|cpp|cxx|h|hpp|js|mjs|ts|tsx|jsx|java|kt|rb|rs|php|lua|conf|cfg|log|sh|cs|json"
    r"|toml|yaml|yml|xml|html|erl|ex|exs|pl|pm|swift|scala|txt|service|so|jar|exe|dll|lock|sql",
    re.IGNORECASE,
)
_ANYWHERE = frozenset({"0.0.0.0", "[::]", "*"})


def mentions(line: str) -> list[Target]:
    """The endpoints in one line, each once, in the order of the forms."""
    line = line[:_LONGEST_LINE]
    found: dict[str, Target] = {}
    # What was read is blotted out, so that no other form reads a part of it again.
    for form, read in _FORMS:
        for match in form.finditer(line):
            for spelling in read(match, line):
                target = _target(spelling)
                if target is not None and len(found) < _MOST_IN_LINE:
                    found.setdefault(target.text, target)
            line = line[: match.start()] + "\0" * len(match[0]) + line[match.end() :]
    named = {target.host for target in found.values() if target.port is not None}
    return [t for t in found.values() if t.port is not None or t.host not in named]


def mentioned(text: str, most: int = 20) -> list[Target]:
    """The endpoints in a text of any length, the most frequent first; at most so many."""
    found: dict[str, Target] = {}
    counts: Counter[str] = Counter()
    for line in text.splitlines():
        for target in mentions(line):
            found.setdefault(target.text, target)
            counts[target.text] += 1
    return [found[name] for name, _count in counts.most_common(most)]


def _target(spelling: str) -> Target | None:
    try:
        read = parse_bind if spelling.startswith("bind ") else parse
        target = read(spelling.removeprefix("bind "))
    except TargetError:
        return None
    return None if target.problem is not None or target.port == 0 else target


# ------------------------------------------------------------------- forms: match → spellings


def _url(match: re.Match[str], line: str) -> Iterator[str]:
    """Without path and query: a check must not set off what a request to them did."""
    yield f"{match[1].lower()}{match[2].rstrip('.')}{match[3] or ''}"


def _host_port(match: re.Match[str], line: str) -> Iterator[str]:
    host = match[1]
    yield f"[{host}]:{match[2]}" if ":" in host and host[0] != "[" else f"{host}:{match[2]}"


def _in_words(match: re.Match[str], line: str) -> Iterator[str]:
    if match[1] or _like_host(match[2]):
        yield f"{match[2]}:{match[3]}"


def _slashed(match: re.Match[str], line: str) -> Iterator[str]:
    if not _is_client(match, match[3], line):
        yield f"{match[1] or match[2]}:{match[3]}"


def _colon(match: re.Match[str], line: str) -> Iterator[str]:
    lead, host, port = match.groups()
    if _TAKEN.search(line) and (host in _ANYWHERE or _like_host(host)):
        yield f"bind {host}:{port}" if host != "*" else f"bind {port}"
    elif host not in _ANYWHERE and (lead or _like_host(host)) and not _is_client(match, port, line):
        yield f"{host}:{port}"


def _any(match: re.Match[str], line: str) -> Iterator[str]:
    if _TAKEN.search(line):
        yield f"bind {match[1]}"


def _name(match: re.Match[str], line: str) -> Iterator[str]:
    name = match[1].rstrip(".")
    yield name
    if match[2]:
        yield f"dns://{match[2]}/{name}"


def _alone(match: re.Match[str], line: str) -> Iterator[str]:
    yield match[1]


def _is_client(match: re.Match[str], port: str, line: str) -> bool:
    """The near end of a connection (`a->b`), or a client with a port that the system chose."""
    if line[match.end() :].lstrip(" )'\"").startswith("->"):
        return True
    return int(port) >= _CLIENT_PORTS and _CLIENT.search(line[: match.start()]) is not None


def _like_host(text: str) -> bool:
    """An address, `localhost`, or a name with a dot that does not end as files do."""
    if text.startswith("[") or re.fullmatch(_V4, text) or text.lower() == "localhost":
        return True
    _rest, dot, ending = text.rstrip(".").rpartition(".")
    camel = re.search(r"[a-z][A-Z]", text)
    return bool(dot and ending.isalpha() and len(ending) > 1 and not camel) and (
        _FILES.fullmatch(ending) is None
    )


_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], Iterator[str]]], ...] = (
    (_URL, _url),
    (_PAIR, _host_port),
    (_TUPLE, _host_port),
    (_LOOKUP, _name),
    (_SLASH, _slashed),
    (_WORDS, _in_words),
    (_COLON, _colon),
    (_ANY, _any),
    (_ALONE, _alone),
)
