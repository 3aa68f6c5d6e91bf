"""`netwhy ports`: local sockets with their processes, free ports, and who serves a port."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from netwhy import __version__
from netwhy.commands import streams
from netwhy.core.observations import Socket
from netwhy.core.ports import FreePort, PortRules, Served, free_ports
from netwhy.output.ports import SUDO, Wanted, footnote_lines, served_lines, table_lines


def ports(args: argparse.Namespace) -> int:
    """Print the sockets that fit; 1 when conditions were given and nothing fits them.

    The sockets are read without an event loop: that is most of what a start would cost.
    """
    if args.stop:
        from netwhy.commands.stop import stop

        return stop(args)
    if args.free:
        return _free(args)
    from netwhy.system import sockets

    wanted = Wanted(tuple(args.filters), tuple(args.ports), tuple(args.processes))
    every = sockets.sockets(everything=args.all)
    found = [s for s in every if wanted.fits(s)]
    served = _served(args, found)
    if args.format == "table":
        _print_table(found, every, served, wanted)
    elif args.format == "json":
        from netwhy.output.port_records import ports_document

        now = datetime.now(UTC)
        streams.write(
            ports_document(found, version=__version__, taken_at=now, among=every, served=served)
        )
    else:
        from netwhy.output.port_records import csv_text

        streams.write(csv_text(found, every).encode())
    return int(bool(wanted) and not found)


def _print_table(
    found: Sequence[Socket], every: Sequence[Socket], served: Sequence[Served], wanted: Wanted
) -> None:
    if not found:
        streams.say("No listener fits." if wanted else "Nothing listens on this machine.")
        # One that is there, but whose process cannot be seen, cannot fit by its name.
        on_ports = [s for s in every if wanted.ports and Wanted(ports=wanted.ports).fits(s)]
        for line in footnote_lines(on_ports, command()):
            streams.say(line)
        return
    page = streams.page()
    width = streams.columns(sys.stdout) if streams.terminal(sys.stdout) else None
    lines = table_lines(found, page, width=width, now=time.time(), among=every)
    streams.write("\n".join([*lines, *served_lines(served), ""]))
    for line in footnote_lines(found, command()):
        streams.say(line)


def _served(args: argparse.Namespace, found: Sequence[Socket]) -> tuple[Served, ...]:
    """Who serves it, when exactly one TCP port is asked for and somebody listens there."""
    single = len(args.ports) == 1 and len(args.ports[0]) == 1 and not args.all
    listeners = [s for s in found if s.state == "LISTEN"]
    if not single or not listeners or sys.platform != "linux":
        return ()
    from netwhy.system.serving import served

    return served(args.ports[0][0])


def _free(args: argparse.Namespace) -> int:
    """The free ports of the ranges; 1 when there is none."""
    from netwhy.system import local, sockets

    rules = PortRules(
        unprivileged_start=local.unprivileged_port_start(),
        ephemeral=local.ephemeral_range(),
        reserved=frozenset(sockets.reserved_ports()),
        privileged=local.binds_any_port(),
    )
    found: list[FreePort] = []
    for transport in ("tcp", "udp"):
        ranges = [ports for ports, wanted in args.free if wanted == transport]
        if ranges:
            found += free_ports(ranges, transport, sockets.ports_taken(transport), rules)
    if args.format == "json":
        from netwhy.output.port_records import free_document

        streams.write(free_document(found, version=__version__, taken_at=datetime.now(UTC)))
    elif args.format == "csv":
        from netwhy.output.port_records import free_csv

        streams.write(free_csv(found).encode())
    elif found:
        streams.write("".join(f"{_free_line(port)}\n" for port in found))
    else:
        streams.say("No port of that range is free.")
    return int(not found)


def _free_line(free: FreePort) -> str:
    name = f"{free.port}/udp" if free.transport == "udp" else str(free.port)
    return f"{name:<6} {free.about}".rstrip()


def command() -> str | None:
    """The command that names every holder, None for root."""
    if sys.platform == "win32":
        return "netwhy ports, from a terminal that was opened as administrator"
    return f"{SUDO} ports" if os.geteuid() else None
