"""Routes, neighbours and interfaces of network worlds made for one test each."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

APP = str(Path(__file__).resolve().parents[2] / "app")

#: Two ends of one cable in one namespace: nobody answers on it but the kernel itself.
PRELUDE = """
import json, socket, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
def ip(line):
    subprocess.run(["ip", *line.split()], check=True, capture_output=True)
def sysctl(name, value):
    with open("/proc/sys/net/" + name, "w") as file:
        file.write(str(value))
from ipaddress import ip_address as A
from netwhy.system import interfaces, local, portable, routes
ip("link add eth0 type veth peer name far")
"""


@functools.cache
def _entry() -> tuple[str, ...] | None:
    """The command that enters a new network namespace here, as root or by a user namespace."""
    for argv in (("unshare", "--net"), ("unshare", "--user", "--map-root-user", "--net")):
        if shutil.which("unshare") and shutil.which("ip"):
            check = [*argv, "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "far"]
            if subprocess.run(check, capture_output=True).returncode == 0:
                return argv
    return None


def inside(code: str) -> Any:
    """Runs the code in a fresh namespace; what it prints comes back through JSON."""
    entry = _entry()
    if entry is None:
        pytest.skip("no network namespace can be made here (needs root or user namespaces, ip)")
    program = PRELUDE + code
    done = subprocess.run(
        [*entry, sys.executable, "-c", program, APP], capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


UP = """
sysctl("ipv6/conf/eth0/accept_dad", 0)
ip("link set lo up")
ip("address add 192.0.2.10/24 dev eth0")
ip("address add 2001:db8::10/64 dev eth0 nodad")
ip("link set far up")
ip("link set eth0 up")
"""

SPECIAL = """
for kind, last in (("blackhole", 1), ("prohibit", 2), ("unreachable", 3), ("throw", 4)):
    ip(f"route add {kind} 198.51.100.{last}/32")
    ip(f"route add {kind} 2001:db8:1::{last}/128")
targets = [f"198.51.100.{n}" for n in range(1, 6)] + [f"2001:db8:1::{n}" for n in range(1, 6)]
print(json.dumps([routes.route(A(t)).error for t in targets]))
"""


def test_each_refusing_route_has_its_errno_in_both_families() -> None:
    expected = ["EINVAL", "EACCES", "EHOSTUNREACH", "ENETUNREACH", "ENETUNREACH"]
    assert inside(UP + SPECIAL) == expected * 2


def test_the_portable_way_finds_the_same_errnos() -> None:
    code = UP + SPECIAL.replace("routes.route", "portable.route")
    assert inside(code) == ["EINVAL", "EACCES", "EHOSTUNREACH", "ENETUNREACH", "ENETUNREACH"] * 2


def test_routes_of_every_kind() -> None:
    code = (
        UP
        + """
ip("route add default via 192.0.2.1")
ip("route add default via fe80::1 dev eth0")
ip("route add 203.0.113.0/24 via inet6 fe80::2 dev eth0")
def seen(text):
    r = routes.route(A(text))
    return [r.error, r.interface, r.gateway and str(r.gateway), r.source and str(r.source),
            r.local, r.broadcast, r.multicast]
by_number = f"fe80::5%{socket.if_nametoindex('eth0')}"
texts = ["192.0.2.77", "198.51.100.1", "2001:db8:9::1", "203.0.113.9", "192.0.2.10",
         "2001:db8::10", "127.0.0.9", "::1", "192.0.2.255", "224.0.0.251", "fe80::5%eth0",
         "fe80::5%none", "::ffff:198.51.100.1", by_number]
found = {t: seen(t) for t in texts}
found["last"] = found.pop(texts[-1])
print(json.dumps(found))
"""
    )
    found = inside(code)
    v4, v6 = "192.0.2.10", "2001:db8::10"
    link = found.pop("fe80::5%eth0")
    by_number = found.pop("last")
    assert link[:3] == by_number[:3] == [None, "eth0", None]
    assert link[3].startswith("fe80::")
    assert found == {
        "192.0.2.77": [None, "eth0", None, v4, False, False, False],
        "198.51.100.1": [None, "eth0", "192.0.2.1", v4, False, False, False],
        "2001:db8:9::1": [None, "eth0", "fe80::1%eth0", v6, False, False, False],
        "203.0.113.9": [None, "eth0", "fe80::2%eth0", v4, False, False, False],
        v4: [None, "lo", None, v4, True, False, False],
        v6: [None, "lo", None, v6, True, False, False],
        "127.0.0.9": [None, "lo", None, "127.0.0.1", True, False, False],
        "::1": [None, "lo", None, "::1", True, False, False],
        "192.0.2.255": [None, "eth0", None, v4, False, True, False],
        "224.0.0.251": [None, "eth0", None, v4, False, False, True],
        "fe80::5%none": ["ENODEV", None, None, None, False, False, False],
        "::ffff:198.51.100.1": [None, "eth0", "192.0.2.1", v4, False, False, False],
    }


def test_gateways_of_both_families_by_metric() -> None:
    code = (
        UP
        + """
ip("route add default via 192.0.2.1 metric 200")
ip("route add default dev eth0 metric 300")
ip("route add default via 2001:db8::1 metric 100")
ip("-6 route add unreachable default metric 5000")
ip("route add 198.51.100.0/24 via 192.0.2.9")
ip("route add default via 192.0.2.8 table 77")
print(json.dumps([[g.address and str(g.address), g.interface, g.family, g.metric]
                  for g in routes.gateways()]))
"""
    )
    assert inside(code) == [
        ["2001:db8::1", "eth0", 6, 100],
        ["192.0.2.1", "eth0", 4, 200],
        [None, "eth0", 4, 300],
    ]


def test_gateways_that_share_one_route_and_those_of_policy_routing() -> None:
    code = (
        UP
        + """
def gateways():
    return [str(g.address) for g in routes.gateways()]
none = gateways()
ip("route add default via 192.0.2.8 table 77")
policy = gateways()
ip("route add default nexthop via 192.0.2.1 dev eth0 nexthop via 192.0.2.2 dev eth0")
ip("route add default nexthop via fe80::1 dev eth0 nexthop via fe80::2 dev eth0")
print(json.dumps([none, policy, gateways()]))
"""
    )
    none, policy, shared = inside(code)
    assert (none, policy) == ([], ["192.0.2.8"])
    assert shared == ["192.0.2.1", "192.0.2.2", "fe80::1%eth0", "fe80::2%eth0"]


def test_neighbour_states() -> None:
    code = (
        UP
        + """
ip("neighbour add 192.0.2.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent")
ip("neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev eth0 nud stale")
ip("neighbour add 192.0.2.3 lladdr 02:00:00:00:00:03 dev eth0 nud reachable")
ip("neighbour add fe80::1 lladdr 02:00:00:00:00:04 dev eth0 nud permanent")
for target in ("192.0.2.4", "2001:db8::4"):
    family = socket.AF_INET6 if ":" in target else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.sendto(b"x", (target, 9))
def state(text, interface="eth0"):
    return routes.neighbour(A(text), interface).state
found = {t: state(t) for t in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5",
                               "2001:db8::4", "fe80::1%eth0", "fe80::1")}
found["other interface"] = state("192.0.2.1", "lo")
found["no such interface"] = state("192.0.2.1", "none")
anywhere = routes.neighbour(A("192.0.2.1"), None)
found["anywhere"] = [anywhere.state, anywhere.interface]
deadline = time.monotonic() + 6
while time.monotonic() < deadline and state("192.0.2.4") == "INCOMPLETE":
    time.sleep(0.1)
found["at last"] = state("192.0.2.4")
print(json.dumps(found))
"""
    )
    assert inside(code) == {
        "192.0.2.1": "PERMANENT",
        "192.0.2.2": "STALE",
        "192.0.2.3": "REACHABLE",
        "192.0.2.4": "INCOMPLETE",
        "192.0.2.5": "NONE",
        "2001:db8::4": "INCOMPLETE",
        "fe80::1%eth0": "PERMANENT",
        "fe80::1": "PERMANENT",
        "other interface": "NONE",
        "no such interface": "NONE",
        "anywhere": ["PERMANENT", "eth0"],
        "at last": "FAILED",
    }


def test_interfaces_up_down_and_without_a_cable() -> None:
    code = """
ip("link set eth0 mtu 1400")
ip("address add 192.0.2.10/24 dev eth0")
def seen():
    return {i.name: [i.up, i.carrier, i.loopback, i.usable, i.mtu]
            for i in interfaces.interfaces() if i.name in ("lo", "eth0")}
found = [seen()]
ip("link set eth0 up")
found.append(seen())
ip("link set far up")
ip("link set lo up")
found.append(seen())
print(json.dumps(found))
"""
    down, no_cable, good = inside(code)
    assert down == {
        "lo": [False, None, True, False, 65536],
        "eth0": [False, None, False, False, 1400],
    }
    assert no_cable["eth0"] == [True, False, False, False, 1400]
    assert good == {
        "lo": [True, True, True, False, 65536],
        "eth0": [True, True, False, True, 1400],
    }


def test_an_address_that_is_still_checked_for_a_duplicate() -> None:
    code = """
sysctl("ipv6/conf/eth0/accept_dad", 1)
ip("link set far up")
ip("link set eth0 up")
ip("address add 2001:db8::10/64 dev eth0")
ip("address add 2001:db8::11/64 dev eth0 nodad")
ip("address change 2001:db8::12/64 dev eth0 nodad preferred_lft 0 valid_lft 100")
(eth0,) = [i for i in interfaces.interfaces() if i.name == "eth0"]
print(json.dumps({str(a.address): [a.state, a.prefix] for a in eth0.addresses}))
"""
    found = inside(code)
    assert found["2001:db8::10"] == ["tentative", 64]
    assert found["2001:db8::11"] == ["", 64]
    assert found["2001:db8::12"] == ["deprecated", 64]


def test_the_local_state_of_a_bare_namespace() -> None:
    code = """
sysctl("ipv4/ip_local_port_range", "40000 40009")
sysctl("ipv4/ip_unprivileged_port_start", 80)
ip("link set lo up")
before = local.local_state()
sysctl("ipv6/conf/all/disable_ipv6", 1)
after = local.local_state()
print(json.dumps([list(before.ephemeral_range), before.unprivileged_port_start,
                  before.gateways, before.ipv6_disabled, after.ipv6_disabled,
                  before.privileged, before.files_open > 0, before.platform,
                  [str(a) for a in before.addresses], [str(a) for a in after.addresses]]))
"""
    assert inside(code) == [
        [40000, 40009], 80, [], False, True, True, True, "linux", ["127.0.0.1", "::1"],
        ["127.0.0.1"],
    ]  # fmt: skip


def test_the_portable_way_sees_interfaces_and_a_default_route() -> None:
    code = (
        UP
        + """
none = portable.gateways()
ip("route add default via 192.0.2.1")
(eth0,) = [i for i in portable.interfaces() if i.name == "eth0"]
route = portable.route(A("198.51.100.1"))
found = [[str(g.address), g.interface, g.family] for g in portable.gateways()]
print(json.dumps([list(none), found,
                  eth0.up, eth0.usable, [str(route.source), route.interface, route.error]]))
"""
    )
    assert inside(code) == [
        [], [["192.0.2.1", "eth0", 4]], True, True, ["192.0.2.10", "eth0", None]
    ]  # fmt: skip


def test_reserved_ports_are_not_available() -> None:
    code = """
from netwhy.system.sockets import port_use
ip("link set lo up")
sysctl("ipv4/ip_local_port_range", "40000 40009")
sysctl("ipv4/ip_local_reserved_ports", "40001,40005-40007,50000")
server = socket.create_server(("127.0.0.1", 9999))
held = []
try:
    for _ in range(20):
        held.append(socket.create_connection(("127.0.0.1", 9999)))
except OSError as error:
    failed = error.errno
found = port_use(A("127.0.0.1"), 9999)
print(json.dumps([found.used, found.available, len(held)]))
"""
    used, available, held = inside(code)
    assert used == available == held == 6


def test_a_udp_port_is_taken_wherever_its_socket_sends_to() -> None:
    code = """
from netwhy.system.sockets import port_use
ip("link set lo up")
sysctl("ipv4/ip_local_port_range", "40000 40003")
four, six, both = (socket.socket(f, socket.SOCK_DGRAM) for f in
                   (socket.AF_INET, socket.AF_INET6, socket.AF_INET6))
four.bind(("127.0.0.1", 40000))
four.connect(("127.0.0.1", 9))
six.bind(("::1", 40001))
both.bind(("::", 40002))
found = [port_use(A(a), 53, "udp") for a in ("127.0.0.1", "::1")]
print(json.dumps([[f.used, f.available] for f in found]))
"""
    assert inside(code) == [[2, 4], [2, 4]]


def test_a_socket_of_the_kernel_has_no_process() -> None:
    code = """
import os
from netwhy.system.sockets import port_table
ip("link set lo up")
try:
    ip("link add vxlan0 type vxlan id 7 dstport 4789 local 127.0.0.1 dev lo")
    ip("link set vxlan0 up")
except subprocess.CalledProcessError:
    print("null")
    sys.exit()
found = port_table(4789, "udp").sockets
print(json.dumps([[s.state, [[o.pid, o.uid, o.hidden] for o in s.owners]] for s in found]))
"""
    found = inside(code)
    if found is None:
        pytest.skip("this kernel has no VXLAN")
    assert found
    for state, owners in found:
        assert state == "UNCONN"
        ((pid, uid, hidden),) = owners
        assert (pid, uid) == (None, 0)
        # Root of a user namespace may not look into every process, and has to say so instead.
        assert ("kernel" if os.geteuid() == 0 else "not every process could be read") in hidden


def test_the_files_tell_what_netlink_tells() -> None:
    """Interfaces, addresses and next hops, for a sandbox without netlink."""
    seen = inside(
        UP
        + """
from netwhy.system import proctables
ip("address add 2001:db8:1::10/64 dev eth0 nodad")
ip("link set far up")
ip("route add default via 192.0.2.1")
ip("route add 198.51.100.0/24 via 192.0.2.2")
ip("route add default via 2001:db8:1::1")
def told(found):
    return sorted([i.name, i.up, i.loopback, i.mtu,
                   sorted(f"{a.address}/{a.prefix}" for a in i.addresses)] for i in found)
ways = []
for text in ("192.0.2.7", "198.51.100.7", "203.0.113.7", "2001:db8:1::7", "2001:db8:9::7"):
    route = routes.route(A(text))
    name, hop = proctables.next_hop(A(text))
    ways.append([[route.interface, str(route.gateway)], [name, str(hop)]])
print(json.dumps([told(interfaces.interfaces()), told(proctables.interfaces()), ways]))
"""
    )
    by_netlink, by_files, ways = seen
    assert by_netlink == by_files
    assert all(netlink == file for netlink, file in ways), ways


def test_a_rule_for_one_port_is_seen_in_the_route_of_that_flow() -> None:
    seen = inside(
        UP
        + """
ip("link set far up")
ip("route add default via 192.0.2.1")
ip("rule add ipproto tcp dport 22 prohibit")
ip("rule add from 192.0.2.10 ipproto udp dport 53 blackhole")
far = A("203.0.113.7")
asked = [("tcp", 22), ("tcp", 80), ("udp", 22), ("udp", 53)]
print(json.dumps([routes.route(far).error, *(routes.flow(far, *one).error for one in asked)]))
"""
    )
    assert seen == [None, "EACCES", None, None, "EINVAL"]
