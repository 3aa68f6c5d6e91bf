"""One connection: its segments, its silences, and what the kernel saw of it."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from ipaddress import ip_address

import pytest
from tests.net import talkers
from tests.net.servers import eventually

from netwhy.system.stream import Stream, StreamError

linux = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux's")


async def opened(port: int, address: str = "127.0.0.1", segment: int | None = None) -> Stream:
    return await Stream.connect(ip_address(address), port, 5, segment)


@linux
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_segments_are_small_both_ways(address: str) -> None:
    sizes: list[int] = []

    def measure(connection: socket.socket) -> None:
        sizes.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))
        talkers.to_the_end(connection)

    with talkers.talker(measure, address) as port:
        for segment in (None, 536):
            with await opened(port, address, segment) as stream:
                await stream.send(b"hello", 5)
                sizes.append(stream.flow().mss or 0)
                await eventually(lambda: len(sizes) % 2 == 0)
    assert max(sizes[2:]) <= 536 < min(sizes[:2])


@linux
async def test_a_connection_cut_before_anybody_looked_was_open() -> None:
    with talkers.talker(talkers.reset) as port:
        asyncio.get_running_loop().call_soon(time.sleep, 0.2)  # a machine that is busy elsewhere
        with await opened(port) as stream:
            for work in (stream.send(b"hello", 5), stream.receive(5)):
                with pytest.raises(StreamError, match="ECONNRESET"):
                    await work


async def test_silence_is_told_once_for_each_limit_and_counted() -> None:
    told: list[float] = []
    with talkers.talker(talkers.silent) as port:
        with await opened(port) as stream:
            stream.on_silence(lambda: told.append(stream.flow().silent_ms), (0.1, 0.2))
            await eventually(lambda: len(told) == 2)
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.2)
    assert len(told) == 2
    assert 100 <= told[0] < told[1] and told[1] >= 200


async def test_a_peer_that_comes_along_is_not_silent() -> None:
    told: list[str] = []
    with talkers.talker(talkers.in_pieces) as port, await opened(port) as stream:
        stream.on_silence(lambda: told.append("silent"), (5.0,))
        await stream.send(b"PING\r\n", 5)
        got = b""
        while not got.endswith(b"\r\n"):
            got += await stream.receive(5)
        flow = stream.flow()
    assert (told, flow.received, flow.sent) == ([], 7, 6)
    assert not flow.stalled and not flow.lossy


@linux
async def test_what_a_hung_program_was_sent_is_acknowledged_all_the_same() -> None:
    with talkers.talker(talkers.silent) as port, await opened(port) as stream:
        await stream.send(b"hello", 5)
        await eventually(lambda: stream.flow().unacked == 0)
        flow = stream.flow()
    assert (flow.unacked, flow.resends, flow.out_of_order, flow.sent) == (0, 0, 0, 5)
    assert not flow.unheard and not flow.holed
