"""Inside a namespace: routers in a chain or a ring behind it, each a namespace of its own.

    here ── router 0 ── router 1 ── … ── the last one, which is the target

Link n is 192.0.2.{4n}/30 and 2001:db8:{n + 1}::/64; the nearer end of it has the lower address.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence

from tests.net.namespaces import firewall, ip, sysctl

_ROUTER = (
    "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/icmp_ratemask;"
    "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding;"
    "echo 0 > /proc/sys/net/ipv6/icmp/ratelimit"
)
_NO_DAD = "echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad"


def near(link: int, version: int = 4) -> str:
    return f"192.0.2.{4 * link + 1}" if version == 4 else f"2001:db8:{link + 1}::1"


def far(link: int, version: int = 4) -> str:
    return f"192.0.2.{4 * link + 2}" if version == 4 else f"2001:db8:{link + 1}::2"


class Machine:
    """A namespace behind this one, held by a process that ends with its standard input."""

    def __init__(self) -> None:
        self.holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo there; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == b"there\n"
        self.sh(f"ip link set lo up; {_NO_DAD}; {_ROUTER}")

    def sh(self, line: str, stdin: str = "") -> None:
        command = ["nsenter", "--target", str(self.holder.pid), "--net", "sh", "-ec", line]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def nft(self, rules: str) -> None:
        self.sh("nft -f -", rules)

    def route(self, *routes: str) -> None:
        self.sh("; ".join(f"ip route add {route}" for route in routes))


@contextlib.contextmanager
def chain(length: int) -> Iterator[list[Machine]]:
    """Machines in a line, with routes both ways."""
    sysctl("ipv6/conf/default/accept_dad", 0)
    ip("link set lo up")
    machines: list[Machine] = []
    try:
        for number in range(length):
            machines.append(Machine())
            cable(machines[number - 1] if number else None, machines[number], number)
        for version in (4, 6):
            ip(f"route add default via {far(0, version)}")
            for number, machine in enumerate(machines):
                if number + 1 < length:
                    machine.route(f"default via {far(number + 1, version)}")
                for link in range(number):
                    net = f"192.0.2.{4 * link}/30" if version == 4 else f"2001:db8:{link + 1}::/64"
                    machine.route(f"{net} via {near(number, version)}")
        yield machines
    finally:
        for machine in machines:
            machine.holder.communicate(timeout=10)


def cable(one: Machine | None, other: Machine, link: int) -> None:
    """A link between two machines (None: here), with addresses."""
    name = f"l{link}"
    line = f"ip link add {name} type veth peer name {name} netns {other.holder.pid}"
    lines = [line, *_addressed(name, near(link), near(link, 6))]
    if one is None:
        for each in lines:
            ip(each.removeprefix("ip "))
    else:
        one.sh("; ".join(lines))
    other.sh("; ".join(_addressed(name, far(link), far(link, 6))))


def _addressed(name: str, four: str, six: str) -> Sequence[str]:
    return (
        f"ip address add {four}/30 dev {name}",
        f"ip address add {six}/64 dev {name} nodad",
        f"ip link set {name} up",
    )


def hides(machine: Machine) -> None:
    """The machine sends no more word of packets whose time is up."""
    machine.nft(
        "table inet h {\nchain o {\ntype filter hook output priority 0;\n"
        "icmp type time-exceeded drop\nicmpv6 type time-exceeded drop\n}\n}\n"
    )


def filters(machine: Machine | None, hook: str, rule: str) -> None:
    """A rule on a machine (None: on this one)."""
    lines = rule.replace("; ", "\n")
    rules = f"table inet f {{\nchain c {{\ntype filter hook {hook} priority 0;\n{lines}\n}}\n}}\n"
    if machine is None:
        firewall(rules)
    else:
        machine.nft(rules)
