"""Echo and reply: by the unprivileged socket, by the raw one, and by none."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.net.namespaces import FAR, become_nobody, firewall, inside, ip, peer, sysctl
from tests.net.test_probe_errqueue import chain

from netwhy.core.asks import PingAsk
from netwhy.core.observations import TIMEOUT, Ping
from netwhy.probes import ping
from netwhy.system import echo as echo_socket
from netwhy.system.echo import request

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
OPEN, OPEN_TO_ROOT, CLOSED = "0 2147483647", "0 0", "1 0"


async def echo(address: str) -> tuple[Ping, list[Ping]]:
    early: list[Ping] = []
    return await ping.ping(PingAsk(ip_address(address)), early.append), early


def pings(*addresses: str) -> list[dict[str, Any]]:
    return [asdict(asyncio.run(echo(address))[0]) for address in addresses]


def on_loopback(group_range: str, nobody: bool) -> list[dict[str, Any]]:
    ip("link set lo up")
    sysctl("ipv4/ping_group_range", group_range)
    if nobody:
        become_nobody()
    return pings("127.0.0.1", "::1")


@only_root
@pytest.mark.parametrize(("group_range", "nobody"), [(OPEN, True), (OPEN, False), (CLOSED, False)])
def test_loopback_answers_in_both_families(group_range: str, nobody: bool) -> None:
    for seen in inside(on_loopback, group_range, nobody):
        assert (seen["error"], seen["unavailable"]) == (None, None)
        assert 0 < seen["rtt_ms"] < 1000


@only_root
def test_who_may_not_ping_gets_no_verdict() -> None:
    for seen in inside(on_loopback, CLOSED, True):
        assert seen["error"] in ("EPERM", "EACCES")
        assert "ping_group_range" in seen["unavailable"] and seen["rtt_ms"] is None
        assert not Ping(**seen).answered


def stamped() -> list[float]:
    """What the probe says of a reply that it reads 0.4 s after it came."""
    ip("link set lo up")
    sysctl("ipv4/ping_group_range", OPEN_TO_ROOT)

    async def late(sock: socket.socket, **kinds: Any) -> bool:
        await asyncio.sleep(0.4)
        return True

    ping.readiness.wait = late  # type: ignore[assignment]
    stamps = _stamping()
    found = [asyncio.run(echo(address))[0].rtt_ms for address in ("127.0.0.1", "::1")]
    stamps.close()
    return [-1.0 if rtt is None else rtt for rtt in found]


def _stamping() -> socket.socket:
    """A socket that keeps the kernel stamping: it begins a moment after the first one that asks,
    and what came before that is stamped when it is read.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.SOL_SOCKET, echo_socket._SO_TIMESTAMPNS, 1)
    for _ in range(200):
        sock.sendto(b"?", sock.getsockname())
        time.sleep(0.02)
        (_level, _kind, payload), *_ = sock.recvmsg(16, 64)[1]
        seconds, nanoseconds = struct.unpack("qq", payload[:16])
        if time.time() - (seconds + nanoseconds / 1e9) > 0.015:
            return sock
    raise AssertionError("the kernel stamps nothing when it comes")


def test_the_time_is_the_kernels_not_that_of_the_late_reader() -> None:
    for rtt in inside(stamped):
        assert 0 < rtt < 390


def silent() -> list[Any]:
    sysctl("ipv4/ping_group_range", OPEN_TO_ROOT)
    with peer(chain("input", "icmp type echo-request drop")):
        seen, early = asyncio.run(echo(FAR[0]))
    return [seen.error, seen.unavailable, [word.error for word in early]]


def test_silence_is_tried_again_with_a_word_after_each_try() -> None:
    assert inside(silent) == [TIMEOUT, None, [TIMEOUT] * ping.TRIES]


def filtered_and_unrouted() -> list[Any]:
    sysctl("ipv4/ping_group_range", OPEN_TO_ROOT)
    with peer():
        firewall(chain("output", "icmp type echo-request drop"))
        return [asyncio.run(echo(to))[0].error for to in (FAR[0], "198.51.100.1", "2001:db8:9::1")]


def test_what_cannot_be_sent_is_an_error_not_silence() -> None:
    assert inside(filtered_and_unrouted) == ["EPERM", "ENETUNREACH", "ENETUNREACH"]


def no_such_interface() -> str | None:
    sysctl("ipv4/ping_group_range", OPEN_TO_ROOT)
    return asyncio.run(echo("fe80::1%no-such-if"))[0].error


def test_a_scope_that_is_no_interface_is_named() -> None:
    assert inside(no_such_interface) == "ENODEV"


@given(st.binary(min_size=16, max_size=16), st.integers(0, 65535))
def test_the_checksum_of_a_request_is_that_of_rfc_1071(token: bytes, sequence: int) -> None:
    packet = request(4, sequence, token)
    assert (packet[0], packet[1], packet[8:]) == (8, 0, token)
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF  # a right checksum makes the whole sum all ones
