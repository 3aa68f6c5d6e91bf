"""Waiting for a socket without blocking the event loop."""

from __future__ import annotations

import asyncio
import socket


async def wait(sock: socket.socket, *, write: bool, timeout_s: float) -> bool:
    """True once the socket is writable (or readable) or has an error; False after `timeout_s`.

    A queued ICMP error counts as readiness in both directions (EPOLLERR).
    """
    if timeout_s <= 0:
        return False
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def settle() -> None:
        if not ready.done():
            ready.set_result(None)

    add, remove = (
        (loop.add_writer, loop.remove_writer) if write else (loop.add_reader, loop.remove_reader)
    )
    number = sock.fileno()  # of a socket itself asyncio writes out the name, for an error unseen
    add(number, settle)
    timer = loop.call_later(timeout_s, lambda: ready.cancel() if not ready.done() else None)
    try:
        await ready
        return True
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return False
    finally:
        timer.cancel()
        remove(number)
