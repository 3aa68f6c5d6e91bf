"""`netwhy ports`: local listeners with their processes."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from datetime import UTC, datetime

from netwhy import __version__
from netwhy.commands import streams


def ports(args: argparse.Namespace) -> int:
    """Print the listeners that fit; 1 when conditions were given and nothing fits them."""
    from netwhy.engine import Engine
    from netwhy.output.ports import Wanted, footnote_lines, ports_document, table_lines

    wanted = Wanted(tuple(args.filters), tuple(args.ports), tuple(args.processes))
    found = [s for s in asyncio.run(Engine().sockets()) if wanted.fits(s)]
    if args.format == "json":
        streams.write(ports_document(found, version=__version__, taken_at=datetime.now(UTC)))
    elif found:
        page = streams.page()
        width = page.width if streams.terminal(sys.stdout) else None
        lines = table_lines(found, color=page.color, width=width, ascii=page.ascii)
        streams.write("\n".join([*lines, ""]))
        for line in footnote_lines(found, command()):
            streams.say(line)
    else:
        streams.say("No listener fits." if wanted else "Nothing listens on this machine.")
    return int(bool(wanted) and not found)


def command() -> str | None:
    """The command that names every holder, None for root; sudo's own path need not know netwhy."""
    if sys.platform == "win32":
        return "netwhy ports, from a terminal that was opened as administrator"
    return 'sudo "$(command -v netwhy)" ports' if os.geteuid() else None
