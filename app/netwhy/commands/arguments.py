"""What each command takes: its options, its help and its examples."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

from netwhy.commands.streams import Refusal, write
from netwhy.core.model import Verdict
from netwhy.core.settings import THEMES

LONGEST_TIMEOUT_S = 3600.0

TARGETS = """\
a target: host, host:port, host:service, [v6]:port, an address, or tcp:// udp:// tls:// http://
https:// icmp:// dns:// bind://"""


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a fault as one line."""

    def error(self, message: str) -> NoReturn:
        raise Refusal(f"{self.prog}: {message} (see {self.prog} --help)")

    def print_help(self, file: object = None) -> None:
        write(self.format_help())


def command_parser(
    prog: str,
    usage: str,
    about: str,
    examples: str,
    codes: str = "",
    *,
    parser: type[Parser] = Parser,
) -> Parser:
    shown = "\n".join(f"  {line}" for line in examples.splitlines())
    return parser(
        prog=prog,
        usage=f"{prog} {usage}",
        description=about,
        epilog=f"examples:\n{shown}" + (f"\n\nexit code: {codes}" if codes else ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )


def common(parser: Parser, *, config: bool = True, version: bool = False) -> Parser:
    group = parser.add_argument_group("general")
    if config:
        group.add_argument("--config", metavar="F", help="configuration file (netwhy.toml)")
    group.add_argument("--log-file", metavar="F", help="append a log to this file")
    group.add_argument(
        "--log-level",
        metavar="L",
        choices=("debug", "info", "warning", "error"),
        help="debug, info, warning or error; to standard error without --log-file",
    )
    if version:
        group.add_argument("--version", action="store_true", help="show the version and end")
    group.add_argument("-h", "--help", action="help", help="show this and end")
    return parser


def dashboard() -> Parser:
    parser = command_parser(
        "netwhy",
        "[TARGET ...] [options]",
        "Why can't I connect to X?  Probes every layer between this machine and a service, names\n"
        "the one cause, says how it knows, and gives the next command to type.\n\n"
        "commands (each has its own --help):\n"
        "  netwhy [TARGET ...]         the live dashboard; without a target: this machine\n"
        "  netwhy check [TARGET ...]   one diagnosis, printed\n"
        "  netwhy bind PORT ...        could a server start on this port now?\n"
        "  netwhy ports [FILTER ...]   what listens here, and which process it is\n"
        "  netwhy explain WHAT ...     what an error means and what to do about it",
        "netwhy                                   this machine's own path to the network\n"
        "netwhy db.example.com:5432 https://shop.example.com\n"
        "netwhy check db.example.com:5432\n"
        "netwhy explain ECONNREFUSED",
    )
    group = parser.add_argument_group("dashboard")
    group.add_argument("targets", metavar="TARGET", nargs="*", help=TARGETS)
    group.add_argument(
        "--interval", type=seconds, metavar="S", help="seconds between two checks of a target"
    )
    group.add_argument("--theme", metavar="T", help=f"colours: {', '.join(THEMES)}")
    group.add_argument("--bell", action="store_true", help="ring when a target changes its state")
    group.add_argument(
        "--no-mouse", action="store_true", help="leave the mouse to the terminal's own selection"
    )
    group.add_argument("--ascii", action="store_true", help="draw with ASCII only")
    group.add_argument("--record", metavar="F", help="write the session to this new file")
    group.add_argument(
        "--replay", metavar="F", help="show a recorded session again; nothing is checked"
    )
    group.add_argument(
        "--speed", type=speed, metavar="X", help="of the replay: 4 is four times as fast"
    )
    return common(parser, version=True)


def check() -> Parser:
    parser = command_parser(
        "netwhy check",
        "[TARGET ...] [options]",
        "One diagnosis, printed.  Without a target: those of the configuration, else this\n"
        "machine's own path to the network.",
        "netwhy check db.example.com:5432\n"
        "netwhy check web.example.com:443 192.0.2.7 --format json\n"
        "netwhy check --targets hosts.txt --format jsonl | jq -r .verdict\n"
        "netwhy check https://shop.example.com --format markdown --output ticket.md",
        "0 every target works (or could not be tested), 1 at least one fails,\n"
        "  2 usage or configuration error, 130 interrupted or nobody read the results to the end",
    )
    group = parser.add_argument_group("what is checked")
    group.add_argument("targets", metavar="TARGET", nargs="*", help=TARGETS)
    group.add_argument(
        "--targets",
        dest="from_file",
        metavar="F",
        help="read more targets from a file, one a line, # comments; - is standard input",
    )
    group.add_argument(
        "--family", type=int, choices=(4, 6), metavar="4|6", help="use only IPv4, or only IPv6"
    )
    group.add_argument(
        "--timeout", type=seconds, metavar="S", help="seconds that each connection may take"
    )
    _results(parser)
    return common(parser)


def bind() -> Parser:
    parser = command_parser(
        "netwhy bind",
        "PORT|ADDRESS:PORT ... [options]",
        "Could a server start here now?  Says who holds the port if not.",
        "netwhy bind 8080                every address of this machine\n"
        "netwhy bind 127.0.0.1:5432 '[::1]:5432'\n"
        "netwhy bind 53/udp",
        "0 every port can be bound, 1 at least one cannot, 2 usage error",
    )
    group = parser.add_argument_group("what is asked for")
    group.add_argument(
        "ports", metavar="PORT|ADDRESS:PORT", nargs="*", help="8080, 53/udp or 127.0.0.1:8080"
    )
    _results(parser)
    return common(parser, config=False)


def explain() -> Parser:
    parser = command_parser(
        "netwhy explain",
        "WHAT ... [options]",
        "What an error means, how to tell its causes apart, and what to do.",
        "netwhy explain tcp.refused\n"
        "netwhy explain ECONNREFUSED\n"
        "netwhy explain 10061                 a number, on whichever platform it has a meaning\n"
        "netwhy explain ConnectionResetError\n"
        "netwhy explain EAI_NONAME\n"
        "tail app.log | netwhy explain -      an error line from standard input\n"
        "tail app.log | netwhy explain --check -   and diagnose the endpoints in it now",
        "0, or 1 when nothing is known of it; with --check that of netwhy check",
    )
    group = parser.add_argument_group("what is explained")
    group.add_argument(
        "what",
        metavar="WHAT",
        nargs="+",
        help="an errno (name or number of any platform), an exception, an EAI code, a cause id "
        "or an error line; - is standard input",
    )
    group.add_argument(
        "--check", action="store_true", help="diagnose the endpoints that the text names, now"
    )
    return common(parser, config=False)


def _results(parser: Parser) -> None:
    group = parser.add_argument_group("results")
    group.add_argument(
        "--format",
        choices=("text", "json", "jsonl", "markdown"),
        default="text",
        metavar="F",
        help="text, json, jsonl or markdown",
    )
    group.add_argument("--output", metavar="F", help="write to a file, whole or not at all")
    group.add_argument(
        "--fail-on",
        type=_verdicts,
        default=frozenset(),
        metavar="V",
        help="exit 1 also for: degraded, unknown, or degraded,unknown",
    )
    group.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of json and jsonl, and end"
    )


def seconds(text: str) -> float:
    try:
        value = float(text.removesuffix("s"))
    except ValueError:
        value = -1.0
    if not 0 < value <= LONGEST_TIMEOUT_S:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no time in seconds; write for example 2 or 0.5, at most 3600"
        )
    return value


def speed(text: str) -> float:
    try:
        value = float(text.removesuffix("x"))
    except ValueError:
        value = -1.0
    if not 0.01 <= value <= 1000:
        raise argparse.ArgumentTypeError(
            f"'{text}' is no speed; write for example 4 or 0.5, between 0.01 and 1000"
        )
    return value


def _verdicts(text: str) -> frozenset[Verdict]:
    names = {name.strip() for name in text.split(",")}
    if not names <= {"degraded", "unknown"}:
        raise argparse.ArgumentTypeError(f"'{text}' is not degraded, unknown or degraded,unknown")
    return frozenset(Verdict(name) for name in names)


def ports() -> Parser:
    from netwhy.commands import port_arguments

    return port_arguments.ports()


COMMANDS: dict[str, Callable[[], Parser]] = {
    "check": check,
    "bind": bind,
    "ports": ports,
    "explain": explain,
}

#: Options that take a value and may stand before the command.
_VALUED = (
    *("--config", "--log-file", "--log-level"),
    *("--interval", "--theme", "--record", "--replay", "--speed"),
)


def read(argv: list[str]) -> tuple[str, argparse.Namespace]:
    """The name of the command ("" is the dashboard) and its arguments.

    Raises Refusal for what cannot be understood, and SystemExit after `--help`.
    """
    name, rest = command(argv)
    parser = COMMANDS[name]() if name else dashboard()
    return name, parser.parse_intermixed_args(rest)


def command(argv: list[str]) -> tuple[str, list[str]]:
    """The command is the first word that is no option; the other arguments are its own."""
    skip = False
    for place, word in enumerate(argv):
        if skip:
            skip = False
        elif word == "--":
            break
        elif word in _VALUED:
            skip = True
        elif not word.startswith("-"):
            if word in COMMANDS:
                return word, [*argv[:place], *argv[place + 1 :]]
            _doubt(word)
            break
    return "", argv


def _doubt(word: str) -> None:
    """Raises Refusal for a word that looks like a command with a slip of the finger in it."""
    if not (word.isascii() and word.isalpha()):
        return
    from difflib import get_close_matches

    like = [name for name in COMMANDS if abs(len(name) - len(word)) <= 1]
    if meant := get_close_matches(word.lower(), like, n=1, cutoff=0.8):
        raise Refusal(
            f"netwhy: '{word}' is no command; did you mean netwhy {meant[0]}? "
            f"(a host of that name: netwhy -- {word})"
        )
