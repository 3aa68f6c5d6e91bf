"""Checks by the engine, seen from outside: what they yield, run, and hold."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.net.servers import eventually

from netwhy.core.asks import Ask, ConnectAsk
from netwhy.core.model import (
    Target,
    TargetReport,
)
from netwhy.core.target import parse
from netwhy.engine import Engine
from netwhy.probes import tcp as tcp_probe


async def checked(engine: Engine, target: Target) -> list[TargetReport]:
    return [report async for report in engine.check(target)]


def at(port: int, more: str = "") -> Target:
    return parse(f"tcp://127.0.0.1:{port}{more}")


def counted(monkeypatch: pytest.MonkeyPatch) -> list[ConnectAsk]:
    """Every connect that the engine really runs."""
    asked: list[ConnectAsk] = []
    real = tcp_probe.connect

    async def connect(ask: ConnectAsk, tell: Callable[[Any], None]) -> Any:
        asked.append(ask)
        return await real(ask, tell)

    monkeypatch.setattr(tcp_probe, "connect", connect)
    return asked


class Footprint:
    """What this process holds: tasks, descriptors and threads."""

    def __init__(self) -> None:
        self.tasks = asyncio.all_tasks()
        self.fds = self._fds()
        self.threads = set(threading.enumerate())

    @staticmethod
    def _fds() -> dict[str, str]:
        found = {}
        for entry in os.scandir("/proc/self/fd"):
            with contextlib.suppress(FileNotFoundError):  # the directory's own descriptor
                found[entry.name] = os.readlink(entry.path)
        return found

    def unchanged(self) -> bool:
        return (
            asyncio.all_tasks() <= self.tasks
            and self._fds() == self.fds
            and set(threading.enumerate()) <= self.threads
        )


async def under_way(engine: Engine) -> None:
    """Wait until a connect that will stay silent runs."""

    def waits() -> bool:
        return any(isinstance(run.ask, ConnectAsk) for run in engine._runs)

    await eventually(waits)
    await asyncio.sleep(0.05)


def crash(ask: Ask[Any], tell: Callable[[Any], None]) -> Awaitable[Any]:
    raise ZeroDivisionError("one by none")
