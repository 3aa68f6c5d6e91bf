"""A TCP connection that the event loop drives: connect, send and receive, each with a time limit.

`secure` puts TLS on it, through memory buffers: OpenSSL never touches the socket, so nothing
blocks, and the bytes of the peer can be read whatever OpenSSL thinks of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from netwhy.core.errnames import errno_name
from netwhy.core.model import IPAddress
from netwhy.core.observations import CLOSED, TIMEOUT, Flow
from netwhy.core.protocols import KEPT
from netwhy.system import readiness, tcpinfo
from netwhy.system.sockaddr import family, sockaddr

if TYPE_CHECKING:  # a check without TLS need not load it
    import ssl

#: What a connect that was answered ends with when the connection is cut before anybody has looked.
#: An RST to the SYN itself would be ECONNREFUSED (tcp_reset in Linux' net/ipv4/tcp_input.c).
CUT = (errno.ECONNRESET, errno.EPIPE)
CHUNK = 16_384
_WANT_ALL = 65_536  # bytes of a handshake that are kept, to look into its records
#: Silences after which `on_silence` gives a word: one that is suspect when the kernel has seen
#: packets vanish, one that is suspect in itself, and one that outlasts the time in which Linux
#: finds a smaller size for what vanishes (tcp_mtu_probing; 3.1 s for a short answer, measured).
SILENCES_S = (1.0, 2.0, 3.5)


class StreamError(Exception):
    """The connection ended otherwise than hoped.

    `error` is TIMEOUT, CLOSED, an errno name, or what OpenSSL said (see `system.tls`).
    """

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class Stream:
    """One connection.  Time limits are seconds; every failure is a StreamError.

    `received` counts the bytes that came over the wire, `head` holds the first of them.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tls: ssl.SSLObject | None = None
        self._incoming: ssl.MemoryBIO | None = None
        self._outgoing: ssl.MemoryBIO | None = None
        self._lost: StreamError | None = None
        self._cut: StreamError | None = None
        self.received = 0
        self.head = b""
        self.raw = b""
        self.sent = 0
        self._pushed = 0
        self._moved = time.perf_counter()
        self._silent_s = 0.0
        self._watch: asyncio.TimerHandle | None = None
        info = tcpinfo.read(sock)  # now: later it is the time of answers, too
        self.rtt_ms = info.rtt_ms if info is not None else None

    @classmethod
    async def connect(
        cls, address: IPAddress, port: int, timeout_s: float, segment: int | None = None
    ) -> Stream:
        """Open a connection to an address; packets carry `segment` bytes at most, both ways."""
        try:
            sock = socket.socket(family(address), socket.SOCK_STREAM)
        except OSError as error:
            raise _error(error) from error
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if segment is not None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
            code = sock.connect_ex(sockaddr(address, port))
            if code in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN):
                if not await readiness.wait(sock, write=True, timeout_s=timeout_s):
                    raise StreamError(TIMEOUT)
                code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code and code not in CUT:
                raise StreamError(errno_name(code))
        except OSError as error:
            sock.close()
            raise _error(error) from error
        except BaseException:
            sock.close()
            raise
        stream = cls(sock)
        stream._cut = StreamError(errno_name(code)) if code else None
        return stream

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_exc: object) -> None:
        """Say goodbye as far as it can be said at once, and close."""
        if self._watch is not None:
            self._watch.cancel()
        with contextlib.suppress(Exception):  # whatever is wrong now, it was told already
            if self._tls is not None and self._outgoing is not None:
                with contextlib.suppress(OSError):  # the peer's own goodbye is not awaited
                    self._tls.unwrap()
                self._sock.send(self._outgoing.read())
            self._sock.shutdown(socket.SHUT_WR)
        self._sock.close()

    # ---------------------------------------------------------------------------------- progress

    def flow(self) -> Flow:
        """What the connection carried so far."""
        silent = max(self._silent_s, time.perf_counter() - self._moved)
        info = tcpinfo.read(self._sock)
        if info is None:
            return Flow(self.received, self._pushed, silent * 1000)
        return Flow(
            self.received,
            self._pushed,
            silent * 1000,
            info.unacked,
            info.resends,
            info.out_of_order,
            info.mss,
            info.path_mtu,
            self.rtt_ms,
        )

    def on_silence(self, tell: Callable[[], None], after: Sequence[float] = SILENCES_S) -> None:
        """Call `tell` once for each of these silences in seconds, the shortest first."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            silent = time.perf_counter() - self._moved
            if silent >= after[0]:
                tell()
                if len(after) > 1:
                    self.on_silence(tell, after[1:])
            else:
                self._watch = loop.call_later(after[0] - silent + 0.001, look)

        self._watch = loop.call_later(max(0.0, after[0] - time.perf_counter() + self._moved), look)

    def _progress(self) -> None:
        now = time.perf_counter()
        self._silent_s = max(self._silent_s, now - self._moved)
        self._moved = now

    # ------------------------------------------------------------------------------ plain or TLS

    async def send(self, data: bytes, timeout_s: float) -> None:
        """Send all of it, however few bytes the system takes at a time.  `sent` counts them."""
        ends = time.perf_counter() + timeout_s
        if self._tls is None:
            await self._push(data, ends)
            return
        done = 0
        while done < len(data):
            done += self._tls.write(data[done : done + CHUNK])
            await self._flush(ends)
            self.sent = done

    async def receive(self, timeout_s: float) -> bytes:
        """Some bytes; empty at the end of the stream."""
        ends = time.perf_counter() + timeout_s
        if self._tls is None:
            return await self._pull(ends)
        while True:
            data = self._read()
            if data is not None:
                return data
            await self._flush(ends)
            await self._fill(ends)

    # ----------------------------------------------------------------------------------- TLS only

    async def secure(
        self, context: ssl.SSLContext, name: str | None, timeout_s: float
    ) -> ssl.SSLObject:
        """Put TLS on the connection; raises ssl.SSLError, or StreamError."""
        import ssl

        ends = time.perf_counter() + timeout_s
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush(ends)
                await self._fill(ends)
                continue
            except ssl.SSLError:
                with contextlib.suppress(StreamError):  # our alert; the peer may be gone
                    await self._flush(time.perf_counter() + 0.1)
                raise
            await self._flush(ends)
            self._tls = tls
            return tls

    async def glance(self, timeout_s: float) -> None:
        """Look once whether something comes after the handshake; raises ssl.SSLError for an alert.

        Returns as soon as anything came, which may be a session ticket and no data.
        """
        if self._tls is None or self._read(keep=True) is not None:
            return
        with contextlib.suppress(StreamError):  # silence and an end are no alerts
            await self._fill(time.perf_counter() + timeout_s)
        self._read(keep=True)

    def _read(self, *, keep: bool = False) -> bytes | None:
        """What TLS has for us; None when more must come first, empty at the end.

        With `keep` a failure of TLS is raised as it is, else as a StreamError.
        """
        import ssl

        assert self._tls is not None
        try:
            return self._tls.read(CHUNK)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        except ssl.SSLError as error:
            if keep:
                raise
            raise StreamError(error.reason or "TLS_ERROR") from error

    async def _flush(self, ends: float) -> None:
        """Send what OpenSSL wants to send; a peer that is gone may still have said why."""
        assert self._outgoing is not None
        data = self._outgoing.read()
        if data:
            try:
                await self._push(data, ends)
            except StreamError as error:
                if error.error == TIMEOUT:
                    raise
                self._lost = error

    async def _fill(self, ends: float) -> None:
        assert self._incoming is not None
        try:
            data = await self._pull(ends)
        except StreamError as error:
            raise self._lost or error from None
        if data:
            self.raw += data[: _WANT_ALL - len(self.raw)]
            self._incoming.write(data)
        elif self._lost is not None:
            raise self._lost
        elif self._tls is None:
            raise StreamError(CLOSED)
        else:
            self._incoming.write_eof()

    # --------------------------------------------------------------------------------- the socket

    async def _push(self, data: bytes, ends: float) -> None:
        if self._cut is not None:
            raise self._cut
        left = memoryview(data)
        while left:
            try:
                count = self._sock.send(left)
            except BlockingIOError:
                wait = ends - time.perf_counter()
                if not await readiness.wait(self._sock, write=True, timeout_s=wait):
                    raise StreamError(TIMEOUT) from None
                continue
            except OSError as error:
                raise _error(error) from error
            left = left[count:]
            self._pushed += count
            self._progress()
            if self._tls is None:
                self.sent += count

    async def _pull(self, ends: float) -> bytes:
        if self._cut is not None:
            raise self._cut
        while True:
            try:
                data = self._sock.recv(CHUNK)
                break
            except BlockingIOError:
                wait = ends - time.perf_counter()
                if not await readiness.wait(self._sock, write=False, timeout_s=wait):
                    raise StreamError(TIMEOUT) from None
            except OSError as error:
                raise _error(error) from error
        self.received += len(data)
        self._progress()
        if len(self.head) < KEPT:
            self.head += data[: KEPT - len(self.head)]
        return data


def _error(error: OSError) -> StreamError:
    return StreamError(errno_name(error.errno or errno.EIO))
