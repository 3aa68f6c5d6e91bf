"""The system's own look-up, in namespaces whose resolver we know."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.net.namespaces import inside, ip

from netwhy.core.asks import SystemLookupAsk
from netwhy.core.observations import TIMEOUT, SystemLookup
from netwhy.probes import name


class Hasty(SystemLookupAsk):
    """A look-up that is given up soon: its deadline less 0.2 s."""

    __slots__ = ()
    deadline_s = 0.7


async def look_up(ask: SystemLookupAsk) -> SystemLookup:
    return await name.system_lookup(ask, lambda early: None)


def put_in_place(path: str, text: str) -> None:
    """Another content for a file of the system, in this mount namespace only."""
    with tempfile.NamedTemporaryFile("w", suffix=".netwhy", delete=False) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    subprocess.run(["mount", "--bind", file.name, path], check=True, capture_output=True)
    os.unlink(file.name)


def own_resolver() -> None:
    """Names come from a hosts file of one line, then from a name server at 127.0.0.1."""
    ip("link set lo up")
    put_in_place("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    hosts = "127.0.0.1 localhost\n192.0.2.7 both.example\n2001:db8::7 both.example\n"
    put_in_place("/etc/hosts", hosts)
    if Path("/etc/nsswitch.conf").exists():
        put_in_place("/etc/nsswitch.conf", "hosts: files dns\n")


def from_the_hosts_file() -> list[Any]:
    own_resolver()
    found = []
    for asked, family in (
        ("localhost", 4),
        ("both.example", None),
        ("both.example", 4),
        ("both.example", 6),
    ):
        seen = asyncio.run(look_up(SystemLookupAsk(asked, family)))
        assert seen.name == asked and seen.ms is not None and seen.ms > 0
        found.append([seen.error, sorted(map(str, seen.addresses))])
    return found


def test_the_hosts_file_answers_for_each_family() -> None:
    assert inside(from_the_hosts_file) == [
        [None, ["127.0.0.1"]],
        [None, ["192.0.2.7", "2001:db8::7"]],
        [None, ["192.0.2.7"]],
        [None, ["2001:db8::7"]],
    ]


def unknown() -> list[Any]:
    """No server at 127.0.0.1: its port refuses."""
    own_resolver()
    seen = asyncio.run(look_up(SystemLookupAsk("nobody.example")))
    return [seen.error, list(seen.addresses)]


def test_an_unknown_name_without_a_server_is_try_again() -> None:
    assert inside(unknown) == ["EAI_AGAIN", []]


def given_up() -> dict[str, Any]:
    """A name server that takes every query and says nothing; the C library waits 30 s."""
    own_resolver()
    with socket.socket(type=socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        seen = asyncio.run(look_up(Hasty("nobody.example")))
        left = [t.daemon for t in threading.enumerate() if t is not threading.main_thread()]
    # the process must not wait for the thread: the test measures how long this end takes
    return {"error": seen.error, "ms": seen.ms, "left": left, "ended": time.monotonic()}


def test_a_look_up_that_was_given_up_holds_nothing() -> None:
    seen = inside(given_up)
    after = time.monotonic() - seen["ended"]  # CLOCK_MONOTONIC is the same for every process
    assert seen["error"] == TIMEOUT and seen["ms"] >= 500
    assert seen["left"] == [True], "the thread was still waiting"
    assert after < 6, "the exit waited for the C library"


ODD = ("\u00e4.example", "\udcff", "a" * 300, "a" * 64 + ".example", "", "a b", "192.0.2.999")


def odd_names() -> list[Any]:
    own_resolver()
    seen = [asyncio.run(look_up(SystemLookupAsk(text))) for text in ODD]
    return [[s.error is not None, list(s.addresses)] for s in seen]


def test_no_name_makes_the_probe_raise() -> None:
    assert inside(odd_names) == [[True, []]] * len(ODD)


def literals() -> list[Any]:
    seen = [asyncio.run(look_up(SystemLookupAsk(text))) for text in ("192.0.2.5", "2001:db8::5")]
    return [[s.error, [str(a) for a in s.addresses]] for s in seen]


def test_an_address_literal_needs_no_resolver() -> None:
    assert inside(literals) == [[None, ["192.0.2.5"]], [None, ["2001:db8::5"]]]
