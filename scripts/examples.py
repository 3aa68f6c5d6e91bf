"""Fills the examples of the README with what netwhy really says in a world of the lab.

    python scripts/examples.py

An example is the text between `<!-- example: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from tests.lab.entries import Step  # noqa: E402
from tests.lab.nodes import PATH  # noqa: E402
from tests.lab.session import netwhy_command, run_step  # noqa: E402
from tests.lab.worlds import World, new_folder  # noqa: E402

README = PROJECT / "README.md"
_PLACE = re.compile(
    r"(?P<begin><!-- example: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)

_TODO = re.compile(r"(^  What to do\n)(?:    .*\n)+", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """What is prepared, and the words after `netwhy`.  `short` leaves out what to do."""

    words: str
    prepare: Callable[[World], None] = lambda world: None
    short: bool = False


def _forbid_the_port(world: World) -> None:
    rule = "firewall forward tcp dport 5432 reject with icmp type admin-prohibited"
    run_step(world, Step("router2", rule))


def _break_the_gateway(world: World) -> None:
    run_step(world, Step("client", "ip route replace default via 10.20.1.99"))


def _start_a_server(world: World) -> None:
    server = ("/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1", "8080")
    world.client.start(*server, unprivileged=True)
    time.sleep(1.0)


def _swallow_everything(world: World) -> None:
    run_step(world, Step("router2", "firewall forward ip daddr 10.20.3.11 drop"))


def _lose_packets(world: World) -> None:
    world.allow_ping()
    run_step(world, Step("router1", "relay delay=5ms loss=15%"))


EXAMPLES = {
    "check": Example("check db.example.com:5432", _forbid_the_port),
    "several": Example(
        "check 10.20.3.10:22 10.20.3.11:80 printer.example.com:9100", _break_the_gateway
    ),
    "silent": Example("check 10.20.3.11:22", _swallow_everything, short=True),
    "badly": Example("check 10.20.3.10:22", _lose_packets, short=True),
    "bind": Example("bind 8080", _start_a_server),
    "ports": Example("ports --port 8080", _start_a_server),
    "stop": Example("ports --stop 8080 --dry-run", _start_a_server),
    "explain": Example("explain ECONNREFUSED"),
}


def told(world: World, example: Example) -> str:
    """The command as typed, and what it printed."""
    example.prepare(world)
    done = world.client.run_unprivileged(
        [*netwhy_command(), *example.words.split()], timeout=60, env={"COLUMNS": "96"}
    )
    world.reset({"router1", "router2"})
    if done.stderr:
        raise SystemExit(f"netwhy {example.words}: {done.stderr}")
    said = _TODO.sub(r"\1    …\n", done.stdout) if example.short else done.stdout
    return f"$ netwhy {example.words}\n{said.rstrip()}\n"


def main() -> None:
    os.environ["PATH"] = PATH
    text = README.read_text()
    world = World(new_folder())
    try:
        world.build()

        def filled(place: re.Match[str]) -> str:
            said = told(world, EXAMPLES[place["name"]])
            return f"{place['begin']}```console\n{said}```\n{place['end']}"

        README.write_text(_PLACE.sub(filled, text))
    finally:
        world.remove()


if __name__ == "__main__":
    main()
