"""The TLS handshake: does it work, is the certificate trusted, and if not, what was sent?

The first try checks as an ordinary client does.  Where the certificate is not trusted, a second
one reads it without trust.  After a TLS 1.3 handshake the probe looks once more: only then can a
server say that it misses a client certificate (RFC 8446 §4.4.2.4).
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from netwhy.core.asks import SniffAsk, TlsAsk
from netwhy.core.hostname import read_address
from netwhy.core.observations import CLOSED, TIMEOUT, UNTRUSTED, Sniff, TlsHandshake
from netwhy.core.protocols import KEPT
from netwhy.system import certificates, threads
from netwhy.system import tls as tls_system
from netwhy.system.stream import Stream, StreamError

CONNECT_S = 3.6
#: Silence beyond this is a fault to whoever waits: long for a slow server, short for a person.
HANDSHAKE_S = 4.2
#: A session ticket or an alert follows the handshake at once, if at all.
AFTERWARDS_S = 0.3
_SNIFF_S = 0.7


async def handshake(ask: TlsAsk, tell: Callable[[TlsHandshake], None]) -> TlsHandshake:
    """Shake hands once, or twice to read a certificate that is not trusted."""
    seen = await _handshake(ask, tell)
    if seen.error != UNTRUSTED:
        return seen
    read = await _handshake(replace(ask, trust=False), lambda _early: None)
    return replace(
        seen,
        chain=read.chain or seen.chain,
        version=read.version,
        cipher=read.cipher,
        no_trust=tls_system.trusts_nobody(),
    )


async def _handshake(ask: TlsAsk, tell: Callable[[TlsHandshake], None]) -> TlsHandshake:
    context = await tls_system.context(ask.offer, trust=ask.trust, check_name=ask.check_name)
    started = time.perf_counter()
    seen = TlsHandshake(ask.address, ask.port, _sni(ask.name), ask.offer, clock=certificates.now())
    try:
        limit = ask.timeout_s or CONNECT_S
        stream = await Stream.connect(ask.address, ask.port, limit, ask.segment)
    except StreamError as error:
        return replace(seen, phase="connect", error=error.error, ms=_ms(started))
    with stream:
        seen = replace(seen, connect_ms=_ms(started))
        begun = time.perf_counter()

        def stands_still() -> None:
            wire = _wire(stream)
            tell(replace(seen, pending=True, phase="handshake", ms=_ms(begun), **wire))

        stream.on_silence(stands_still)
        return await _shaken(ask, stream, context, seen)


async def _shaken(
    ask: TlsAsk, stream: Stream, context: ssl.SSLContext, seen: TlsHandshake
) -> TlsHandshake:
    """The handshake itself; every failure is an observation."""
    begun = time.perf_counter()
    phase = "handshake"
    name = ask.name.partition("%")[0] if ask.name else None  # a scope is nothing of the name's
    try:
        tls = await stream.secure(context, name, ask.timeout_s or HANDSHAKE_S)
        taken = _ms(begun)
        sent = tls_system.chain(tls)
        cipher = tls.cipher()
        seen = replace(
            seen,
            version=tls.version(),
            cipher=cipher[0] if cipher else None,
            chain=await threads.call(lambda: certificates.read_chain(sent)),
        )
        if tls.version() == "TLSv1.3":
            phase = "answer"
            await stream.glance(AFTERWARDS_S)
        return replace(seen, verified=ask.trust, ms=taken, **_wire(stream))
    except StreamError as failure:
        why = tls_system.Failure(failure.error)
    except ssl.SSLError as refusal:
        why = tls_system.failure(refusal, stream)
    plain = () if seen.chain else tls_system.records(stream.raw).certificates
    if plain:
        seen = replace(seen, chain=await threads.call(lambda: certificates.read_chain(plain)))
    return replace(
        seen,
        phase=phase,
        error=why.error,
        verify=why.verify,
        alert_sent=why.own,
        ms=_ms(begun),
        **_wire(stream),
    )


def _wire(stream: Stream) -> dict[str, Any]:
    """What the bytes themselves show."""
    return {
        "head": stream.head,
        "received": stream.received,
        "flow": stream.flow(),
        "asked_certificate": tls_system.records(stream.raw).asked_certificate,
    }


def _sni(name: str | None) -> str | None:
    """The name that is sent: an address is none (RFC 6066 §3)."""
    return None if name is None or read_address(name) else name


async def sniff(ask: SniffAsk, tell: Callable[[Sniff], None]) -> Sniff:
    """Connect again without TLS and listen; a peer that says nothing is asked over HTTP."""
    started = time.perf_counter()
    try:
        stream = await Stream.connect(ask.address, ask.port, CONNECT_S)
    except StreamError as error:
        return Sniff(ask.address, ask.port, error=error.error, ms=_ms(started))
    with stream:
        for request in (b"", b"GET / HTTP/1.0\r\n\r\n"):
            try:
                if request:
                    await stream.send(request, _SNIFF_S)
                head = await stream.receive(_SNIFF_S)
            except StreamError as failure:
                if failure.error == TIMEOUT:
                    continue
                return Sniff(ask.address, ask.port, error=failure.error, ms=_ms(started))
            ended = None if head else CLOSED
            return Sniff(ask.address, ask.port, head[:KEPT], not request, ended, _ms(started))
    return Sniff(ask.address, ask.port, error=TIMEOUT, ms=_ms(started))


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
