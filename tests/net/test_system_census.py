"""Sockets read for a screen: owners only of what is looked at."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from netwhy.core.observations import Socket
from netwhy.engine import Engine
from netwhy.system import connections, descriptors
from netwhy.system.census import Census

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sees owners by the Linux kernel")

Pair = tuple[int, int]
UDP_SERVER = """
import socket, sys
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _counted_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a count of connections, also one of another case, serves for a second."""
    monkeypatch.setattr(connections, "_REST", 0)


@pytest.fixture
def pair() -> Iterator[Pair]:
    """The port of a listener, and that of its client."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0],
    ):
        yield server.getsockname()[1], client.getsockname()[1]


def _between(found: Socket, pair: Pair) -> bool:
    """One of our two ends; others linger on a busy machine."""
    return (
        found.inode is not None
        and found.remote is not None
        and {found.port, found.remote[1]} == set(pair)
    )


def test_listeners_are_named_and_connections_when_asked_for(pair: Pair) -> None:
    census = Census()
    listeners = census.read()
    assert listeners.named and listeners.took_s > 0
    (mine,) = [s for s in listeners.sockets if s.port == pair[0]]
    assert mine.owners[0].pid == os.getpid() and mine.connections == 1
    assert not any(s.remote for s in listeners.sockets)

    everything = census.read(everything=True)
    assert not everything.named
    ours = [s for s in everything.sockets if s.inode and (not s.remote or _between(s, pair))]
    assert [(s.state, bool(s.owners)) for s in ours if s.port == pair[0]] == [
        ("LISTEN", True), ("ESTAB", False),
    ]  # fmt: skip
    named = census.named([s for s in ours if s.remote])
    assert len(named) == 2
    assert {s.owners[0].pid for s in named} == {os.getpid()}

    whole = census.read(everything=True, named=True)
    assert whole.named
    assert whole.places([str(os.getpid()), str(pair[1])])


def test_what_this_program_has_open_for_a_check_is_no_listener(pair: Pair) -> None:
    """A datagram socket that waits for an answer, and a bind that is tried, serve nobody."""
    with (
        socket.socket(type=socket.SOCK_DGRAM) as asking,
        socket.socket() as trying,
        subprocess.Popen(
            [sys.executable, "-c", UDP_SERVER], stdout=subprocess.PIPE, stdin=subprocess.PIPE
        ) as other,
    ):
        asking.bind(("0.0.0.0", 0))
        trying.bind(("127.0.0.1", 0))
        assert other.stdout is not None
        served = int(other.stdout.readline())
        mine = {sock.getsockname()[1] for sock in (asking, trying)}
        listed = {s.port for s in Census().read(everything=True).sockets if s.remote is None}
        assert listed & {*mine, served, pair[0]} == {served, pair[0]}


def test_one_look_at_all_processes_serves_the_next_screens(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    census = Census()
    ours = [s for s in census.read(everything=True).sockets if _between(s, pair)]
    assert len(ours) == 2
    looks = 0
    real = descriptors.holders

    def counted(*arguments: object) -> descriptors.Holders:
        nonlocal looks
        looks += 1
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(descriptors, "holders", counted)
    for each in ours:
        assert census.named([each])[0].owners[0].pid == os.getpid()
    assert looks == 1


async def test_the_engine_offers_both_beside_its_loop(pair: Pair) -> None:
    engine = Engine()
    found = await engine.listing(everything=True)
    places = found.places([str(port) for port in pair])
    chosen = [s for s in map(found.sockets.__getitem__, places) if _between(s, pair)]
    assert {s.owners[0].pid for s in await engine.named(chosen)} == {os.getpid()}
