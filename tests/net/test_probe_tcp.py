"""The TCP connect, against real listeners."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import time
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

import pytest
from tests.net import talkers
from tests.net.command import closed_port, listener, silent_port
from tests.net.namespaces import in_process, inside, ip, sysctl
from tests.net.servers import (
    eventually,
    greet,
    host_of,
    open_sockets,
    reset,
    to_the_end,
    watched_listener,
)

from netwhy.core.asks import ConnectAsk
from netwhy.core.observations import CLOSED, TIMEOUT, Connect
from netwhy.probes import tcp

BOTH = pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
#: The probe looks at once, and again when the event loop tells it to: both must see the same.
BOTH_LOOKS = pytest.mark.parametrize("at_once", [True, False])


async def connect(
    port: int, address: str = "127.0.0.1", timeout_s: float | None = None
) -> tuple[Connect, list[Connect]]:
    early: list[Connect] = []
    ask = ConnectAsk(ip_address(address), port, timeout_s)
    return await tcp.connect(ask, early.append), early


def look_late(monkeypatch: pytest.MonkeyPatch, at_once: bool) -> None:
    if not at_once:
        monkeypatch.setattr(tcp, "_settled", lambda sock: False)


@BOTH
@BOTH_LOOKS
async def test_an_open_port_is_timed_by_the_kernel(
    address: str, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_late(monkeypatch, at_once)
    with listener(address) as port:
        seen, early = await connect(port, address)
    assert seen.open and seen.alive and not seen.silent
    assert seen.rtt_ms is not None and 0 < seen.rtt_ms < 1000
    assert seen.ms is not None and seen.ms > 0
    assert seen.source is not None and seen.source[0] == ip_address(address)
    assert (seen.resends, seen.resends_left, seen.queued) == (0, None, False)
    assert (early, seen.ended, seen.greeting) == ([seen], None, b""), "told before it was kept"


@BOTH
@BOTH_LOOKS
async def test_a_closed_port_is_refused_by_a_reset(
    address: str, at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_late(monkeypatch, at_once)
    with socket.socket(host_of(address)) as holder:
        holder.bind((address, 0))
        seen, early = await connect(holder.getsockname()[1], address)
    assert seen.refused_by_reset and seen.alive and not seen.open
    assert (seen.icmp, seen.rtt_ms, seen.self_connected, early) == (None, None, False, [])


@pytest.mark.parametrize("behave", [to_the_end, greet])
async def test_the_listener_sees_a_clean_end(behave: Any) -> None:
    with watched_listener(behave) as (port, told):
        seen, _ = await connect(port)
        assert seen.open
        assert await asyncio.to_thread(told.get, timeout=10) == "eof"


@BOTH_LOOKS
async def test_a_port_that_opens_and_resets_is_not_called_refused(
    at_once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reset is made to arrive before the probe looks, as it may on a busy machine."""
    with watched_listener(reset) as (port, told):

        def look_after_the_reset(sock: socket.socket) -> bool:
            assert told.get(timeout=10) == "reset sent"
            return at_once

        monkeypatch.setattr(tcp, "_settled", look_after_the_reset)
        seen, _ = await connect(port)
    assert (seen.error, seen.ended) == (None, "ECONNRESET")
    assert seen.open and seen.alive and not seen.refused_by_reset and not seen.silent


async def test_a_greeting_is_heard_and_an_end_is_seen() -> None:
    with talkers.talker(talkers.says(b"220 mail.example.com ESMTP\r\n")) as port:
        greets, _ = await connect(port)
    with talkers.talker(talkers.close) as port:
        closes, _ = await connect(port)
    assert (greets.greeting[:4], greets.ended) == (b"220 ", None)
    assert greets.row().detail["greeting_looks_like"] == "SMTP"
    assert (closes.open, closes.ended, closes.greeting) == (True, CLOSED, b"")
    assert closes.ended_ms is not None and closes.ended_ms < 1000


async def test_a_quiet_service_is_kept_for_a_moment_only() -> None:
    with listener() as port:
        began = time.perf_counter()
        await connect(port)
    assert time.perf_counter() - began < 2, "two round trips and 30 ms"


async def test_a_full_accept_queue_is_silence_with_an_early_word() -> None:
    with silent_port() as port:
        seen, early = await connect(port, timeout_s=2.2)
    assert seen.error == TIMEOUT and seen.silent and not seen.pending and not seen.alive
    assert seen.ms is not None and seen.ms >= 2200
    assert seen.resends >= 1 and seen.resends_left is True and not seen.queued
    (word,) = early
    assert word.pending and word.silent and word.error is None and not word.open
    assert word.ms is not None and 1150 <= word.ms < 2200, "well before the deadline"


async def test_the_deadline_is_kept() -> None:
    with silent_port() as port:
        async with asyncio.timeout(10):
            seen, _ = await connect(port, timeout_s=0.2)
    assert seen.error == TIMEOUT
    assert seen.ms is not None and 200 <= seen.ms < 2000  # the default would be 3600


async def test_cancelling_closes_the_socket_at_once() -> None:
    with silent_port() as port:
        before = open_sockets()
        task = asyncio.create_task(connect(port, timeout_s=60))
        await eventually(lambda: len(open_sockets()) > len(before))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            async with asyncio.timeout(10):
                await task
        assert task.cancelled()
        assert open_sockets() == before


@pytest.mark.parametrize(
    ("address", "port", "error"),
    [
        ("fe80::1%no-such-if", 80, "ENODEV"),
        ("127.0.0.1", 70000, "EINVAL"),
        ("fe80::1", 80, "EINVAL"),
    ],
)
async def test_what_cannot_even_be_tried_is_an_observation(
    address: str, port: int, error: str
) -> None:
    before = open_sockets()
    seen, _ = await connect(port, address)
    assert (seen.error, seen.silent, seen.alive) == (error, False, False)
    assert open_sockets() == before


def out_of_descriptors() -> list[dict[str, Any]]:
    async def both() -> list[Connect]:
        with listener() as port:
            open_now = len(os.listdir("/proc/self/fd")) - 1
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_now, hard))
            without, _ = await connect(port)
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 8, hard))
            return [without, (await connect(port))[0]]

    return [asdict(seen) for seen in asyncio.run(both())]


def test_no_descriptor_left_is_said_and_passes() -> None:
    without, afterwards = in_process(out_of_descriptors)
    assert without["error"] == "EMFILE"
    assert afterwards["error"] is None


def many_descriptors() -> dict[str, Any]:
    """A socket with a number beyond what select(2) can take."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
    with listener() as port:
        seen, _ = asyncio.run(connect(port))
    return asdict(seen) | {"held": len(held)}


def test_a_high_descriptor_number_makes_no_difference() -> None:
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2048:
        pytest.skip("this user may not open 1100 files")
    seen = in_process(many_descriptors)
    assert seen["error"] is None and seen["rtt_ms"] is not None


def met_itself() -> dict[str, Any]:
    """With one ephemeral port only, a connect to that port can but meet itself."""
    ip("link set lo up")
    sysctl("ipv4/ip_local_port_range", "40000 40000")
    return asdict(asyncio.run(connect(40000))[0])


def test_a_connect_that_met_itself_is_not_called_open() -> None:
    seen = inside(met_itself)
    assert seen["self_connected"] is True
    assert (seen["error"], seen["rtt_ms"]) == ("ECONNREFUSED", None)


def left_by_meeting_itself() -> int:
    """Could the service of that port start now?  (0: yes; else the errno of its bind.)"""
    ip("link set lo up")
    sysctl("ipv4/ip_local_port_range", "40000 40000")
    asyncio.run(connect(40000))
    with socket.socket() as server:
        try:
            server.bind(("127.0.0.1", 40000))
        except OSError as error:
            return error.errno or -1
    return 0


def test_a_connect_that_met_itself_does_not_take_the_port_away() -> None:
    assert inside(left_by_meeting_itself) == 0, "it left the port in TIME_WAIT"


def source_ports_used_up() -> dict[str, Any]:
    ip("link set lo up")
    with listener() as port:
        sysctl("ipv4/ip_local_port_range", "40000 40000")
        with socket.create_connection(("127.0.0.1", port)):
            return asdict(asyncio.run(connect(port))[0])


def test_no_source_port_left_is_said_at_once() -> None:
    assert inside(source_ports_used_up)["error"] == "EADDRNOTAVAIL"


def held_back_for_a_neighbour() -> list[dict[str, Any]]:
    """A host that is not there, on a cable that is: the SYN waits for its address."""
    ip("link set lo up")  # the kernel tells itself by ICMP, over loopback
    ip("link add eth0 type veth peer name far")
    ip("address add 192.0.2.10/24 dev eth0")
    ip("link set far up")
    ip("link set eth0 up")
    seen, early = asyncio.run(connect(80, "192.0.2.99"))
    return [asdict(seen), asdict(early[0])]


def test_a_host_that_is_not_on_the_cable_is_named_before_the_deadline() -> None:
    seen, early = inside(held_back_for_a_neighbour)
    assert seen["error"] == "EHOSTUNREACH"
    assert (seen["icmp"]["type"], seen["icmp"]["code"]) == (3, 1)
    assert (seen["icmp"]["sender"], seen["icmp"]["own"]) == ("192.0.2.10", True)
    assert early["pending"] and early["queued"], "the first SYN has not left"


async def test_many_at_once_do_not_disturb_each_other() -> None:
    with (
        watched_listener(to_the_end) as (opened, _),
        closed_port() as closed,
        silent_port() as silent,
    ):
        ports = [opened, closed, silent] * 20
        all_seen = await asyncio.gather(*(connect(port, timeout_s=0.5) for port in ports))
    errors = [seen.error for seen, _ in all_seen]
    assert errors == [None, "ECONNREFUSED", TIMEOUT] * 20
