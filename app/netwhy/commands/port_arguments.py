"""What `netwhy ports` takes."""

from __future__ import annotations

import argparse
import re

from netwhy.commands.arguments import Parser, command_parser, common, seconds
from netwhy.commands.streams import Refusal
from netwhy.core.freeing import WAIT_S


class _Ports(Parser):
    """What was asked for in one breath must belong together."""

    def parse_intermixed_args(  # type: ignore[override]
        self, args: list[str] | None = None, namespace: None = None
    ) -> argparse.Namespace:
        found: argparse.Namespace = super().parse_intermixed_args(args, namespace)
        listing = found.filters or found.ports or found.processes or found.all
        if found.stop and (listing or found.free or found.format != "table"):
            raise Refusal("netwhy ports: --stop PORT takes no filter and no format")
        if found.free and listing:
            raise Refusal("netwhy ports: --free RANGE takes no filter")
        if not found.stop and (found.yes is not None or found.force or found.dry_run):
            raise Refusal("netwhy ports: --yes, --force and --dry-run belong to --stop PORT")
        return found


def ports() -> Parser:
    made = command_parser(
        "netwhy ports",
        "[FILTER ...] [options]",
        "What listens on this machine, who could reach it, and which process it is.",
        "netwhy ports\n"
        "netwhy ports postgres\n"
        "netwhy ports --port 8000-8100 --process python\n"
        "netwhy ports --port 8080             and who serves each of my addresses there\n"
        "netwhy ports --free 8000-8100        ports that nothing has\n"
        "netwhy ports --stop 8080 --dry-run   what would be ended, and what would be lost\n"
        "netwhy ports --stop 8080             end it, after a question\n"
        "netwhy ports --format json",
        "0; 1 when filters were given and nothing fits them, or no port of a range is free,\n"
        "  or --stop was refused or did not free the port; 2 usage error, 130 interrupted",
        parser=_Ports,
    )
    _filters(made)
    _stopping(made)
    group = made.add_argument_group("results")
    group.add_argument(
        "--format",
        choices=("table", "json", "csv"),
        default="table",
        metavar="F",
        help="table, json or csv",
    )
    return common(made, config=False)


def _filters(parser: Parser) -> None:
    group = parser.add_argument_group("what is shown")
    group.add_argument(
        "filters",
        metavar="FILTER",
        nargs="*",
        help="text in any column; a number is a whole port or pid; all must fit",
    )
    group.add_argument(
        "--port", dest="ports", type=_range, action="append", default=[], metavar="N|N-M",
        help="only this port, or these; for a single one also who serves it",
    )  # fmt: skip
    group.add_argument(
        "--process", dest="processes", action="append", default=[], metavar="NAME",
        help="only processes with this in their name or command line",
    )  # fmt: skip
    group.add_argument(
        "--all", action="store_true", help="connections and what lingers too, not only listeners"
    )
    group.add_argument(
        "--free", type=_range_of, action="append", default=[], metavar="RANGE",
        help="ports that no socket has, with what may still go wrong: 8000-8100, 5000-5100/udp",
    )  # fmt: skip


def _stopping(parser: Parser) -> None:
    group = parser.add_argument_group("ending what holds a port")
    group.add_argument(
        "--stop", type=_stoppable, metavar="PORT",
        help="end the unit, container or process that listens there: 8080, 53/udp",
    )  # fmt: skip
    group.add_argument(
        "--yes", nargs="?", const="", metavar="NAME",
        help="do not ask; what root or a database holds needs its process name too",
    )  # fmt: skip
    group.add_argument(
        "--force", action="store_true", help="KILL what has not ended after the wait"
    )
    group.add_argument(
        "--wait", type=seconds, default=WAIT_S, metavar="S",
        help=f"seconds that it has to end, {WAIT_S:g} if not given",
    )  # fmt: skip
    group.add_argument("--dry-run", action="store_true", help="all of it, but end nothing")


def _range(text: str) -> range:
    match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", text, re.ASCII)
    if match:
        first, last = int(match[1]), int(match[2] or match[1])
        if first <= last <= 65535:
            return range(first, last + 1)
        if last < first <= 65535:
            hint = f"'{text}' runs downwards; write {last}-{first}"
            raise argparse.ArgumentTypeError(hint)
    raise argparse.ArgumentTypeError(f"'{text}' is no port; write for example 8080 or 8000-8100")


def _range_of(text: str) -> tuple[range, str]:
    ports, _, transport = text.partition("/")
    if transport not in ("", "tcp", "udp"):
        raise argparse.ArgumentTypeError(f"'{text}' ends in neither /tcp nor /udp")
    return _range(ports), transport or "tcp"


def _stoppable(text: str) -> tuple[int, str]:
    ports, transport = _range_of(text)
    if len(ports) != 1 or not ports[0]:
        raise argparse.ArgumentTypeError(f"'{text}' is not one port; write 8080 or 53/udp")
    return ports[0], transport
