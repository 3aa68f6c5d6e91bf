"""A short series of small probes: how much is lost, how long the way is, how much that varies.

Echo requests where they may be sent and are answered; else SYNs to a closed port, which no service
ever sees.  Times of echoes are the kernel's on arrival.  The time of a reset is ours, so a thread
of its own takes it, and throws it away where the processor was not free (`schedstat`).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from netwhy.core.asks import SeriesAsk
from netwhy.core.errnames import errno_name
from netwhy.core.observations import Series, Shot
from netwhy.system import echo, errqueue, readiness, tcpinfo, threads
from netwhy.system.sockaddr import family, sockaddr

_ECHOES, _ECHO_GAP_S = 20, 0.015
_SYNS, _SYN_GAP_S = 15, 0.02
#: Intervals of a spread series in ms, uneven and without a period, so that a limit on packets a
#: second cannot be mistaken for loss, nor a rule for each n-th packet for a limit.  Thirty probes.
SPREAD_MS = (41, 133, 72, 218, 53, 113, 94, 167, 61, 27, 145, 88, 203, 36, 121,
              79, 58, 182, 101, 47, 66, 154, 109, 31, 190, 84, 43, 126, 97)  # fmt: skip
#: A reset that comes later may be the answer to a SYN that the kernel sent again (after 1 s).
_RESET_S = 0.95
_LATE_S, _LATEST_S = 1.0, 2.5  # how long late echoes are waited for
_LATE_WAKE_S = 0.001  # waited longer for a processor: then the time of a reset is not used


async def series(ask: SeriesAsk, tell: Callable[[Series], None]) -> Series:
    """Send a series and wait for late answers; tells what is there when the usual time is over."""
    if ask.port is None:
        return await _echoes(ask, tell)
    loop = asyncio.get_running_loop()
    given_up = threading.Event()

    def early(seen: Series) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(tell, seen)

    try:
        return await threads.call(lambda: _Syns(ask, given_up, early).run())
    finally:
        given_up.set()


def _moments(ask: SeriesAsk) -> list[float]:
    """When each probe is due, in seconds from the first."""
    if not ask.spread:
        count, gap = (_ECHOES, _ECHO_GAP_S) if ask.port is None else (_SYNS, _SYN_GAP_S)
        return [number * gap for number in range(count)]
    due = [0.0]
    for gap_ms in SPREAD_MS:
        due.append(due[-1] + gap_ms / 1000)
    return due


def _usual_s(shots: list[Shot]) -> float:
    """By when nearly every answer to the last probe is here, seconds after it was sent."""
    times = [shot.rtt_ms for shot in shots if shot.rtt_ms is not None]
    return max(0.06, 1.5 * max(times, default=0.0) / 1000)


# ------------------------------------------------------------------------------------------ echo


async def _echoes(ask: SeriesAsk, tell: Callable[[Series], None]) -> Series:
    try:
        sock, raw = echo.opened(ask.address)
    except echo.Denied as denied:
        return Series(ask.address, error=denied.error)
    with sock:
        errqueue.listen(sock)
        return await _Echoes(ask, sock, raw, tell).run()


@dataclass
class _Echoes:
    ask: SeriesAsk
    sock: socket.socket
    raw: bool
    tell: Callable[[Series], None]
    token: bytes = field(default_factory=lambda: os.urandom(16))
    shots: list[Shot] = field(default_factory=list)
    sent_ns: list[int] = field(default_factory=list)
    error: str | None = None

    async def run(self) -> Series:
        started = time.monotonic()
        for due in _moments(self.ask):
            await self._listen(started + due)
            if self.error is None:
                self._send()
        if self.error is None and any(s.answered for s in self.shots) and not self._complete:
            self.tell(self._seen(pending=True))  # whoever counts on a quicker way waits for it now
        await self._listen(time.monotonic() + _usual_s(self.shots), until_all=True)
        if self.error is None and not self._complete:
            self.tell(self._seen(pending=True))
            for _twice in range(2):  # only what comes late tells how late the rest may come
                late = min(_LATEST_S, max(_LATE_S, 2 * _usual_s(self.shots)))
                await self._listen(self.shots[-1].at_s + late, until_all=True)
        return self._seen()

    @property
    def _complete(self) -> bool:
        return all(shot.answered for shot in self.shots)

    def _seen(self, *, pending: bool = False) -> Series:
        return Series(self.ask.address, shots=tuple(self.shots), pending=pending, error=self.error)

    def _send(self) -> None:
        packet = echo.request(self.ask.address.version, len(self.shots), self.token)
        at_s, sent_ns = time.monotonic(), time.clock_gettime_ns(time.CLOCK_REALTIME)
        try:
            self.sock.sendto(packet, sockaddr(self.ask.address, 0))
        except OSError as error:
            self.error = errno_name(error.errno or errno.EIO)
            return
        self.shots.append(Shot(at_s))
        self.sent_ns.append(sent_ns)

    async def _listen(self, until_s: float, *, until_all: bool = False) -> None:
        """Take what comes until then, or until everything is answered, or an error came."""
        while self.error is None and not (until_all and self._complete):
            left = until_s - time.monotonic()
            if not await readiness.wait(self.sock, write=False, timeout_s=left):
                return
            queued = errqueue.read(self.sock)
            if queued is not None:
                self.error = errno_name(queued[0])
                return
            self._take()

    def _take(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                came = echo.reply(self.sock, self.raw, self.ask.address.version, self.token)
                if came is None:
                    return
                number, received_ns = came
                if number < len(self.shots) and not self.shots[number].answered:
                    rtt_ms = max(0, received_ns - self.sent_ns[number]) / 1e6
                    self.shots[number] = replace(self.shots[number], answered=True, rtt_ms=rtt_ms)


# ------------------------------------------------------------------------------------------- SYN


@dataclass
class _Syns:
    """SYNs to a closed port, in a thread."""

    ask: SeriesAsk
    given_up: threading.Event
    tell: Callable[[Series], None]
    shots: list[Shot] = field(default_factory=list)
    open: dict[int, tuple[int, socket.socket]] = field(default_factory=dict)
    error: str | None = None

    def run(self) -> Series:
        self._poll = select.poll()
        with _schedstat() as self._stat:
            try:
                self._shoot()
            finally:
                for _number, sock in self.open.values():
                    sock.close()
        return self._seen()

    def _shoot(self) -> None:
        started = time.monotonic()
        for due in _moments(self.ask):
            self._listen(started + due)
            if self.error is not None or self.given_up.is_set():
                return
            self._send()
        if self.open and any(shot.answered for shot in self.shots):
            self.tell(self._seen(pending=True))
        self._listen(time.monotonic() + _usual_s(self.shots), until_all=True)
        if self.open and self.error is None:
            self.tell(self._seen(pending=True))
        self._listen(time.monotonic() + _RESET_S, until_all=True)

    def _seen(self, *, pending: bool = False) -> Series:
        shots = tuple(self.shots)
        return Series(self.ask.address, self.ask.port, shots, pending=pending, error=self.error)

    def _send(self) -> None:
        try:
            sock = socket.socket(family(self.ask.address), socket.SOCK_STREAM)
        except OSError as error:
            self.error = errno_name(error.errno or errno.EIO)
            return
        sock.setblocking(False)
        errqueue.listen(sock)
        at_s = time.monotonic()
        code = sock.connect_ex(sockaddr(self.ask.address, self.ask.port or 0))
        if code not in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            sock.close()
            self.error = errno_name(code) if code else "EISCONN"
            return
        self.open[sock.fileno()] = (len(self.shots), sock)
        self.shots.append(Shot(at_s))
        self._poll.register(sock, select.POLLOUT)

    def _listen(self, until_s: float, *, until_all: bool = False) -> None:
        while self.error is None and not self.given_up.is_set():
            # In time for the oldest: kept a moment longer, the kernel would send its SYN again.
            oldest = next((number for number, _sock in self.open.values()), None)
            ends_s = until_s if oldest is None else self.shots[oldest].at_s + _RESET_S
            left_s = min(min(until_s, ends_s) - time.monotonic(), 0.1)
            waits = self._stat()
            ready = self._poll.poll(max(0.0, left_s * 1000))
            now, waited = time.monotonic(), self._stat()
            late_s = 0.0 if waits is None or waited is None else (waited - waits) / 1e9
            for fd, _events in ready:
                self._settle(fd, now, late_s)
            self._drop_late(now)  # only what is still silent, however late we are ourselves
            if now >= until_s or (until_all and not self.open):
                return

    def _drop_late(self, now: float) -> None:
        for fd, (number, _sock) in list(self.open.items()):
            if now - self.shots[number].at_s >= _RESET_S:
                self._close(fd)

    def _close(self, fd: int) -> None:
        self._poll.unregister(fd)
        self.open.pop(fd)[1].close()

    def _settle(self, fd: int, now: float, late_s: float) -> None:
        """One connect is decided: by a reset, as it should be, or otherwise.

        `late_s`: this thread was ready to run, and had to wait so long for a processor.
        """
        number, sock = self.open[fd]
        queued = errqueue.read(sock)
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        shot = self.shots[number]
        if queued is not None:  # a router or a firewall, not the host
            self.error = errno_name(queued[0])
        elif (info := tcpinfo.read(sock)) is not None and info.resends:
            pass  # this is the answer to the second SYN: the first one is lost
        elif code in (0, errno.ECONNREFUSED):
            took_s = now - shot.at_s
            rtt_ms = took_s * 1000 if late_s <= max(_LATE_WAKE_S, took_s / 20) else None
            self.shots[number] = replace(shot, answered=True, rtt_ms=rtt_ms)
        else:
            self.error = errno_name(code)
        self._close(fd)


@contextlib.contextmanager
def _schedstat() -> Iterator[Callable[[], int | None]]:
    """Reads how long this thread has waited for a processor (ns); None where that is not told.

    The second number of schedstat (Linux, Documentation/scheduler/sched-stats).
    """
    try:
        fd = os.open("/proc/thread-self/schedstat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield lambda: None
        return

    def waited() -> int | None:
        try:
            return int(os.pread(fd, 128, 0).split()[1])
        except (OSError, ValueError, IndexError):
            return None

    try:
        yield waited
    finally:
        os.close(fd)
