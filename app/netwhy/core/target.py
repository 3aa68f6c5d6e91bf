"""The grammar of targets: text in, a Target out, or a TargetError that points at the fault.

One grammar for the command line, the configuration and the dashboard.  Sloppy spellings are
understood (`Target.understood` says how) or answered with what was probably meant.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NoReturn

from netwhy.core.endpoint import Endpoint, read_endpoint, read_port
from netwhy.core.hostname import read_address
from netwhy.core.model import Kind, Target, TargetOptions, Tls
from netwhy.core.options import OPTIONS, option_names
from netwhy.core.schemes import (
    SCHEMES,
    Reader,
    Reading,
    bind_reader,
    is_port,
    reached,
    without_user,
)
from netwhy.core.services import CONNECTION_STRINGS, SERVICES, TLS_PORTS, nearest
from netwhy.core.typed import Misread, Part, TargetError, cleaned, masked, shown

__all__ = ["TargetError", "parse", "parse_bind", "this_machine"]

_SCHEME = re.compile(r"(?:jdbc:)?([A-Za-z][A-Za-z0-9+.-]*)://")
_BROKEN_SCHEME = re.compile(
    r"(https?|tcp|udp|tls|icmp|dns|bind(?:\+udp)?)(?:[:;]?//|[:;]/|:?\\\\|:(?=\[))/*", re.IGNORECASE
)
_FORMS = "write host, host:port, [v6]:port or a URL such as https://host"


def parse(text: str, *, options: TargetOptions | None = None) -> Target:
    """The target that a text names; raises TargetError and nothing else.

    `options` are those of the configuration; options in the text win over them.
    """
    return _read(text, _target, options or TargetOptions())


def parse_bind(text: str) -> Target:
    """The target of `bind PORT` or `bind ADDRESS:PORT`: Kind.BIND; raises TargetError."""
    return _read(text, _bind_word, TargetOptions())


def this_machine() -> Target:
    """The target that is this machine's own path to the network; it has no spelling."""
    return Target("this machine", Kind.LOCAL)


def _read(text: str, reader: Reader, options: TargetOptions) -> Target:
    reading = Reading(options)
    try:
        whole = _joined(cleaned(text, reading.notes), reading)
        target = _checked(reader(whole, reading))
    except Misread as fault:
        suggestion = _verified(fault.candidate(text), reader)
        raise TargetError(text, fault.part.span(text), fault.problem, suggestion) from None
    return replace(target, understood="; ".join(dict.fromkeys(reading.notes)) or None)


def _verified(candidate: str | None, reader: Reader) -> str | None:
    """A suggestion, unless it would itself be wrong."""
    if candidate is None or not candidate.isprintable():
        return None
    try:
        reading = Reading(TargetOptions())
        target = _checked(reader(_joined(cleaned(candidate, []), reading), reading))
    except Misread:
        return None
    return None if target.problem else candidate


def _checked(target: Target) -> Target:
    """The family and the fallback of a target must fit it, wherever they were given."""
    options = target.options
    whole = Part(target.text, ())
    if options.family and target.address and target.address.version != options.family:
        whole.fail(f"family {options.family} does not fit an IPv{target.address.version} address")
    if options.fallback is None:
        return target
    reading = Reading(TargetOptions())
    try:
        fallback = _target(_joined(cleaned(options.fallback, []), reading), reading)
    except Misread as fault:
        whole.fail(
            f"the fallback '{shown(masked(options.fallback), 60)}' is no target: {fault.problem}"
        )
    if fallback.options.fallback:
        whole.fail("a fallback has no fallback of its own")
    return target


# ------------------------------------------------------------------------------------ whole texts


def _target(whole: Part, reading: Reading) -> Target:
    if not whole:
        whole.fail(f"there is no target; {_FORMS}")
    match = _SCHEME.match(whole.text)
    if not match:
        return _bare(whole, reading)
    scheme, rest = match[1].lower(), whole.cut(match.end())
    if reader := SCHEMES.get(scheme):
        return reader(rest, reading)
    if scheme in CONNECTION_STRINGS:
        return _connection_string(scheme, rest, reading)
    _unknown_scheme(whole.cut(*match.span(1)), rest)


def _unknown_scheme(scheme: Part, rest: Part) -> NoReturn:
    close = nearest(scheme.text, SCHEMES)
    host, _path = rest.before("/?#")
    known = ", ".join(f"{s}://" for s in ("tcp", "udp", "tls", "http", "https", "icmp", "dns"))
    scheme.fail(f"unknown scheme; there are {known} and bind://", host.text, instead=close)


def _connection_string(scheme: str, rest: Part, reading: Reading) -> Target:
    """`postgresql://user@db/orders` is read as the endpoint that the client would connect to."""
    meant, default = CONNECTION_STRINGS[scheme]
    if meant in ("http", "https"):
        return replace(SCHEMES[meant](rest, reading))
    authority, _path = without_user(rest, reading).before("/?#")
    if default and authority and read_endpoint(authority, []).port is None:
        authority += authority.as_typed(f":{default}")
    target = SCHEMES[meant](authority, reading)
    reading.note(f"{scheme}:// was read as {target.text}")
    return target


def _bare(whole: Part, reading: Reading) -> Target:
    """A text without a scheme: host, host:port, an address, or a URL that lost its beginning."""
    if broken := _BROKEN_SCHEME.match(whole.text):
        rest = whole.text[broken.end() :].replace("\\", "/")
        whole.cut(*broken.span()).fail(
            "a scheme is followed by ://", f"{broken[1].lower()}://{rest}"
        )
    head, tail = without_user(whole, reading).before("/?#\\")
    if not head:
        whole.fail(f"there is no host before '{tail.text[:1]}'; {_FORMS}")
    end = read_endpoint(head, reading.notes)
    transport = "tcp"
    if tail.text.strip("/"):
        end, transport = _bare_tail(whole, end, tail, reading)
    if end.port is None and re.fullmatch(r"[0-9]{1,5}", end.host.text):
        head.fail("a number alone is a port, and the host is missing", f"localhost:{head.text}")
    if end.port is None:
        return reached(Kind.HOST, end, end.host.text, reading)
    text = f"{end.bracketed}:{end.port}"
    if transport == "udp":
        return reached(Kind.UDP, end, f"udp://{text}", reading)
    guessed = Tls.GUESSED if end.port in TLS_PORTS else Tls.NONE
    return replace(reached(Kind.TCP, end, text, reading), tls=guessed)


def _bare_tail(whole: Part, end: Endpoint, tail: Part, reading: Reading) -> tuple[Endpoint, str]:
    """What follows the host in a text without a scheme: `/port`, `/udp`, or part of a URL."""
    word = tail.cut(1)
    while word.text.endswith("/"):
        word = word.cut(0, len(word) - 1)
    if tail.text[0] == "/" and word.text.isascii() and word.text.isdigit() and end.port is None:
        _no_prefix(end, word)
        end = replace(end, port=read_port(word))
        reading.note(f"read as {end.bracketed}:{end.port}")
        return end, "tcp"
    if tail.text[0] == "/" and end.port is not None and word.text.lower() in ("tcp", "udp"):
        return end, word.text.lower()
    if tail.text[0] == "?" and option_names(word) & set(OPTIONS):
        tail.fail("options go with a scheme: tcp://host:port?timeout=2", f"tcp://{whole.text}")
    reading.note(f"'{shown(tail.text, 40)}' was left out: only http:// and https:// have a path")
    return end, "tcp"


def _no_prefix(end: Endpoint, word: Part) -> None:
    """`10.0.0.0/24` is a network, not port 24 of a host."""
    address = end.host.address
    if address is None or len(word) > 3 or int(word.text) > address.max_prefixlen:
        return
    port = int(word.text)
    meant = f"{end.bracketed}:{port}" if port in SERVICES.values() else end.host.text
    word.fail(f"'/{port}' after an address is a network prefix; a port is written :{port}", meant)


def _joined(whole: Part, reading: Reading) -> Part:
    """`host port` as `host:port`; other blanks inside a target are a fault."""
    words = whole.words()
    if len(words) < 2:
        return whole
    first, last = words[0], words[-1]
    port = last.cut(1) if last.text.startswith(":") else last
    if len(words) == 2 and not _SCHEME.match(whole.text) and is_port(port.text):
        host = first.cut(0, len(first) - 1) if first.text.endswith((":", ",")) else first
        if ":" in host.text and read_address(host.text):
            host = host.as_typed(f"[{host.text}]")
        joined = host + first.as_typed(":") + port
        reading.note(f"read as {shown(masked(joined.text), 80)}")
        return joined
    if _SCHEME.match(whole.text):
        whole.fail("a target has no blanks; in a URL write %20", "%20".join(w.text for w in words))
    likely = next((w.text for w in words if any(c in w.text.strip(":") for c in ".:/[")), None)
    if len(words) <= 3 and ":" in "".join(w.text[0] + w.text[-1] for w in words):
        likely = "".join(w.text for w in words)
    whole.fail("a target has no blanks; several targets are several arguments", likely)


def _bind_word(whole: Part, reading: Reading) -> Target:
    """What `bind` takes: an endpoint of this machine, with or without bind://."""
    if not whole:
        whole.fail("there is no port; write 8080, 127.0.0.1:8080 or [::1]:8080")
    if match := _SCHEME.match(whole.text):
        scheme = match[1].lower()
        spelled = {"tcp": "bind", "udp": "bind+udp"}.get(scheme, scheme)
        if not spelled.startswith("bind") or spelled not in SCHEMES:
            whole.cut(*match.span(1)).fail("bind takes a port or an address and a port")
        return SCHEMES[spelled](whole.cut(match.end()), reading)
    for transport in ("tcp", "udp"):
        if whole.text.lower().endswith(f"/{transport}"):
            return bind_reader(transport)(whole.cut(0, len(whole) - 4), reading)
        if whole.text.lower().startswith((f"{transport}/", f"{transport}:")):
            return bind_reader(transport)(whole.cut(4), reading)
    return bind_reader("tcp")(whole, reading)
