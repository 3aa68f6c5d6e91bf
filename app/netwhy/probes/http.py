"""One GET over plain TCP or TLS, with the time of each phase.  Redirects are only reported.

The request holds nothing secret, so a certificate that is not trusted is reported and does not
stop it: what HTTP says, its clock for one, may explain the certificate.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import h11

from netwhy import __version__
from netwhy.core.asks import HttpAsk
from netwhy.core.observations import (
    CLOSED,
    MALFORMED,
    TIMEOUT,
    UNTRUSTED,
    HttpExchange,
    Url,
)
from netwhy.core.protocols import KEPT, readable
from netwhy.system import certificates
from netwhy.system import tls as tls_system
from netwhy.system.stream import Stream, StreamError

CONNECT_S = 3.6
HANDSHAKE_S = 4.2
#: A page that takes longer is as good as none to whoever waits for it.
ANSWER_S = 4.2
#: Still without a connection: whoever must know why may begin to look.
EARLY_WORD_S = 1.0
#: The body is looked at, not downloaded.
BODY_S = 2.0
_BODY = 65_536
_HEAD = 65_536  # bytes of a header that are read
_SAID = 400
_KEEP = frozenset(
    ["server", "via", "location", "date", "retry-after", "content-type", "www-authenticate"]
)
_LONGEST = 200
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(slots=True)
class _Answer:
    """What has come so far."""

    head: bytes = b""
    request_ms: float | None = None
    first_byte_ms: float | None = None
    body_ms: float | None = None
    response: h11.Response | None = None
    body: bytearray = field(default_factory=bytearray)
    rule: str = ""
    whole: bool = True
    ended: bool = True


async def get(ask: HttpAsk, tell: Callable[[HttpExchange], None]) -> HttpExchange:
    """Ask once; every failure is an observation."""
    seen = await _get(ask, tell, trust=True)
    if seen.error == UNTRUSTED:
        untrusted = seen.untrusted
        seen = replace(await _get(ask, tell, trust=False), untrusted=untrusted)
    return seen


async def _get(ask: HttpAsk, tell: Callable[[HttpExchange], None], *, trust: bool) -> HttpExchange:
    started = time.perf_counter()
    seen = HttpExchange(ask.address, ask.url, clock=certificates.now())
    early = replace(seen, phase="connect", pending=True, ended=False)
    word = asyncio.get_running_loop().call_later(EARLY_WORD_S, lambda: tell(early))
    try:
        limit = ask.timeout_s or CONNECT_S
        stream = await Stream.connect(ask.address, ask.url.port, limit, ask.segment)
    except StreamError as error:
        return replace(seen, phase="connect", error=error.error, ms=_ms(started))
    finally:
        word.cancel()
    with stream:
        seen = replace(seen, connect_ms=_ms(started))
        if ask.url.scheme == "https":
            seen = await _secured(ask, stream, seen, trust)
        if seen.error is None:
            seen = await _asked(ask, stream, seen, tell)
        return replace(seen, ms=_ms(started), flow=stream.flow())


async def _secured(ask: HttpAsk, stream: Stream, seen: HttpExchange, trust: bool) -> HttpExchange:
    context = await tls_system.context("common", trust=trust, check_name=True)
    begun = time.perf_counter()
    name = ask.url.host.partition("%")[0]
    try:
        await stream.secure(context, name, ask.timeout_s or HANDSHAKE_S)
    except StreamError as error:
        return replace(seen, phase="handshake", error=error.error)
    except ssl.SSLError as error:
        failed = tls_system.failure(error, stream)
        return replace(seen, phase="handshake", error=failed.error, untrusted=failed.verify)
    return replace(seen, tls_ms=_ms(begun))


async def _asked(
    ask: HttpAsk, stream: Stream, seen: HttpExchange, tell: Callable[[HttpExchange], None]
) -> HttpExchange:
    """The request and its answer."""
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD)
    answer = _Answer()
    phase = "request"
    error: str | None = None
    limit = ask.timeout_s or ANSWER_S
    begun = time.perf_counter()

    def stands_still() -> None:
        silent = replace(_told(seen, answer), phase=phase, pending=True)
        tell(replace(silent, ms=_ms(begun), flow=stream.flow(), ended=False))

    stream.on_silence(stands_still)
    try:
        request = connection.send(_request(ask.url)) or b""
        await stream.send(request + (connection.send(h11.EndOfMessage()) or b""), limit)
        phase = "answer"
        answer.request_ms = _ms(begun)
        await _read(connection, stream, answer, time.perf_counter(), limit)
    except h11.LocalProtocolError:  # a place that a redirect named, and nobody can ask for
        error = MALFORMED
    except h11.RemoteProtocolError as broken:
        error = MALFORMED if answer.head else CLOSED
        answer.rule = readable(str(broken).encode(), _LONGEST)
    except StreamError as failure:
        error = failure.error
        if error == TIMEOUT and answer.response is not None:
            error, answer.ended = None, False  # a stream without an end is an answer too
    if answer.response is not None and error in (MALFORMED, CLOSED):
        error, answer.whole = None, False
    return replace(_told(seen, answer), error=error, phase=phase if error else "done")


async def _read(
    connection: h11.Connection, stream: Stream, answer: _Answer, begun: float, limit: float
) -> None:
    """Read until the answer ends or enough of it is there."""
    ends = body_ends = begun + limit
    while len(answer.body) < _BODY:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = await stream.receive(ends - time.perf_counter())
            if data and answer.first_byte_ms is None:
                answer.first_byte_ms = _ms(begun)
            answer.head += data[: KEPT - len(answer.head)]
            if answer.response is None and not _may_be_http(answer.head):
                raise h11.RemoteProtocolError("no status line")  # or it would be waited for
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            answer.response = event
            body_ends = min(ends, time.perf_counter() + BODY_S)
            if _length(event) is None:
                ends = body_ends
        elif isinstance(event, h11.Data):
            answer.body += event.data
            if time.perf_counter() > body_ends:  # it comes along: enough was seen
                answer.ended = False
                return
        elif not isinstance(event, h11.InformationalResponse):
            if answer.response is None:
                raise StreamError(CLOSED)
            answer.body_ms = _ms(begun) - (answer.first_byte_ms or 0.0)
            return


def _may_be_http(head: bytes) -> bool:
    """Do the first bytes begin a status line (RFC 9112 §4), as far as they go?"""
    start = head.lstrip(b"\r\n")[:5].upper()
    return b"HTTP/".startswith(start)


def _request(url: Url) -> h11.Request:
    host = f"[{url.host.partition('%')[0]}]" if ":" in url.host else url.host
    usual = {"http": 80, "https": 443}[url.scheme]
    return h11.Request(
        method="GET",
        target=url.path,
        headers=[
            ("Host", host if url.port == usual else f"{host}:{url.port}"),
            ("User-Agent", f"netwhy/{__version__}"),
            ("Accept", "*/*"),
            ("Connection", "close"),
        ],
    )


def _told(seen: HttpExchange, answer: _Answer) -> HttpExchange:
    common: dict[str, Any] = {
        "head": answer.head,
        "request_ms": answer.request_ms,
        "first_byte_ms": answer.first_byte_ms,
        "body_ms": answer.body_ms,
        "ended": answer.ended,
        "rule": answer.rule,
    }
    response = answer.response
    if response is None:
        return replace(seen, **common)
    headers = {
        name.decode("latin-1"): value.decode("latin-1")[:_LONGEST]
        for name, value in response.headers
        if name.decode("latin-1") in _KEEP
    }
    location = next((v.decode("latin-1") for n, v in response.headers if n == b"location"), None)
    redirected = location is not None and response.status_code in _REDIRECTS
    return replace(
        seen,
        **common,
        status=response.status_code,
        reason=response.reason.decode("latin-1")[:_LONGEST],
        headers=tuple(headers.items()),
        date=_date(headers.get("date", "")),
        next=onward(seen.url, location) if redirected and location is not None else None,
        says=readable(bytes(answer.body), _SAID),
        body=len(answer.body),
        promised=_length(response),
        whole=answer.whole,
    )


def _length(response: h11.Response) -> int | None:
    """Its Content-Length; h11 has refused what is no number (RFC 9112 §6.3)."""
    length = next((value for name, value in response.headers if name == b"content-length"), b"")
    return int(length) if length.isdigit() else None


def _date(header: str) -> str:
    """A Date header as ISO 8601 in UTC; empty for none that can be read."""
    try:
        return certificates.iso(parsedate_to_datetime(header)) if header else ""
    except (ValueError, OverflowError, TypeError):
        return ""


def onward(url: Url, location: str) -> Url | None:
    """Where a Location header leads from `url` (RFC 9110 §10.2.2); None for nowhere."""
    try:
        parts = urlsplit(urljoin(str(url), location.strip()))
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        return None
    scheme = parts.scheme.lower()
    if scheme not in ("http", "https") or not host or len(host) > 253:
        return None
    query = f"?{parts.query}" if parts.query else ""
    path = quote((parts.path or "/") + query, safe="/?&=%:@!$'()*+,;[]|~")
    return Url(scheme, host, port or {"http": 80, "https": 443}[scheme], path[:4096])


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
