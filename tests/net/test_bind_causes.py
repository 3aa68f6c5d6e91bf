"""Each way in which a bind fails on Linux, made for real, and what `netwhy bind` says of it.

Every row is looked at with the installed command, by root and by nobody.  What cannot be made on a
test machine stands at the end, with the reason.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.net import bind_programs as programs
from tests.net import bind_scenes as scenes
from tests.net.bind_scenes import LO, LO6, OTHER, PORT, Scene, bound, held, listener, made, serving
from tests.net.command import NETWHY, environment
from tests.net.namespaces import NOBODY, inside, ip
from tests.opened import opened

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the rules of the Linux kernel"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs two users, so root"),
]

AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


@dataclass(frozen=True)
class Says:
    """The first cause (None: the port is free), its severity, and what its words must have."""

    cause: str | None
    words: tuple[str, ...] = ()
    severity: str = "failure"
    also: str | None = None


def fails(cause: str, *words: str, also: str | None = None) -> Says:
    return Says(cause, words, also=also)


def warns(cause: str, *words: str) -> Says:
    return Says(cause, words, "warning")


def notes(cause: str, *words: str) -> Says:
    return Says(cause, words, "note")


FREE = Says(None)


@dataclass(frozen=True)
class Row:
    number: str
    story: str
    scene: Scene
    target: str
    root: Says
    nobody: Says | None = None  # None: the same
    run: tuple[str, ...] = ("bind",)
    enter: tuple[str, ...] = ()
    without: str = ""  # a cause that must not be told
    last: bool = False  # entered as that user, not before

    def __str__(self) -> str:
        return f"{self.number} {self.story}"


HERE = f"{LO}:{PORT}"
EVERY4, EVERY6 = f"0.0.0.0:{PORT}", f"[::]:{PORT}"
USED, OVERLAP, BUSY = "bind.in-use", "bind.in-use-overlap", "bind.in-use-by-connection"

#: An interface with a link: its other end is here too.
CABLE = ("link add eth1 type veth peer name far", "link set far up")

LISTENERS = [
    Row("1", "a listener of root", listener(), HERE, fails(USED, "pid"), fails(USED, "root")),
    Row("1", "a listener of nobody", listener(uid=NOBODY), HERE, fails(USED, "pid", "nobody")),
    Row("1", "a listener of a third user", listener(uid=OTHER), HERE, fails(USED, "pid"),
        fails(USED, str(OTHER))),
    Row("2", "127.0.0.1 is held, every IPv4 address is wanted", listener(), EVERY4,
        fails(OVERLAP, HERE)),
    Row("2", "every IPv4 address is held, 127.0.0.1 is wanted", listener("0.0.0.0"), HERE,
        fails(OVERLAP, EVERY4)),
    Row("2", "SO_REUSEADDR on both does not help against a listener",
        listener("0.0.0.0", reuse=True), HERE, fails(OVERLAP, EVERY4)),
    Row("2", "127.0.0.1 is held, 127.0.0.2 is wanted", listener(), f"127.0.0.2:{PORT}", FREE),
    Row("3", "a dual-stack listener blocks IPv4", listener("::", v6only=False), EVERY4,
        fails(OVERLAP, EVERY6)),
    Row("3", "a dual-stack listener blocks one IPv4 address", listener("::", v6only=False), HERE,
        fails(OVERLAP, EVERY6)),
    Row("3", "an IPv6-only listener blocks no IPv4", listener("::", v6only=True), EVERY4, FREE),
    Row("3", "one IPv6 address blocks no IPv4", listener(LO6), EVERY4, FREE),
    Row("3", "a listener on IPv4 blocks a dual-stack server", listener("0.0.0.0"), EVERY6,
        warns(OVERLAP, EVERY4, "IPV6_V6ONLY")),
    Row("10", "another program is bound with SO_REUSEADDR and may listen first", bound(reuse=True),
        HERE, fails("bind.bound-not-listening", "BOUND", "SO_REUSEADDR")),
    Row("11", "a group of SO_REUSEPORT of another user",
        held(*[lambda: serving(LO, PORT, share=True)] * 2, uid=OTHER), HERE,
        fails(USED, "SO_REUSEPORT")),
    Row("11", "one listener with SO_REUSEPORT", listener(share=True), HERE, fails(USED)),
    Row("12", "the parent died, its child listens", programs.orphan(NOBODY), HERE,
        fails(USED, "pid", "nobody")),
    Row("12", "a master and two workers", programs.workers(NOBODY), HERE,
        fails(USED, "pid", "and 2 more")),
    Row("13", "a socket unit holds it", programs.in_unit("netwhy-x.socket"), HERE,
        fails(USED, "netwhy-x.socket", "systemctl stop netwhy-x.socket")),
    Row("13", "a service of root", programs.in_unit("netwhy-x.service"), HERE,
        fails(USED, "netwhy-x.service", "systemctl stop netwhy-x.service")),
    Row("14", "docker-proxy", programs.in_unit("netwhy-docker.service", "-proto", "tcp", "-host-ip",
        LO, "-host-port", str(PORT), "-container-ip", "172.17.0.2", "-container-port", "80",
        program="docker-proxy"), HERE, fails(USED, "172.17.0.2:80", "docker ps")),
    Row("15", "systemd-resolved on 127.0.0.53, tied to lo", scenes.together(
        scenes.setting(("ipv4/ip_unprivileged_port_start", 53)),
        listener("127.0.0.53", 53, device="lo")), "0.0.0.0:53",
        fails(OVERLAP, "127.0.0.53:53", "interface lo")),
    Row("15", "a listener tied to another interface", scenes.together(
        scenes.links(*CABLE, "link set eth1 up"),
        listener("0.0.0.0", device="eth1")), EVERY4, fails(USED, "interface eth1")),
    Row("20", "a UDP socket", bound(udp=True), f"udp/{HERE}", fails(USED, HERE)),
    Row("20", "two UDP sockets with SO_REUSEADDR on one port",
        held(*[lambda: made(LO, PORT, udp=True, reuse=True)] * 2), f"udp/{HERE}", fails(USED)),
    Row("21", "TCP of the same number is no conflict", listener(), f"udp/{HERE}", FREE),
    Row("21", "UDP of the same number is no conflict", bound(udp=True), HERE, FREE),
    Row("-", "a real redis-server of another user", programs.redis(OTHER), HERE,
        fails(USED, "redis-server", "pid"), fails(USED, str(OTHER))),
    Row("-", "a real redis-server of the same user", programs.redis(NOBODY), HERE,
        fails(USED, "redis-server", "pid")),
]  # fmt: skip

KERNEL = [
    Row("16", "VXLAN: the kernel itself", scenes.links(
        "link add vxlan0 type vxlan id 7 dstport 4789 local 127.0.0.1 dev lo", "link set vxlan0 up",
        ), "udp/0.0.0.0:4789", fails(USED, "VXLAN vxlan0")),
    Row("17", "the owner lives in another PID namespace", listener(), HERE,
        fails(USED, "outside this PID namespace"), fails(USED, "root"),
        enter=("unshare", "--pid", "--fork", "--mount-proc")),
    Row("17", "/proc hides other users' processes (hidepid)", listener(), HERE,
        fails(USED, "pid"), fails(USED, "root"),
        enter=("unshare", "--mount", "sh", "-c",
               'mount -t proc -o hidepid=2 proc /proc && exec "$@"', "sh")),
]  # fmt: skip

LINGERING = [
    Row("4", "TIME_WAIT, the old server had no SO_REUSEADDR", scenes.ended(reuse=False), HERE,
        fails("bind.time-wait", "ends in", "fails with SO_REUSEADDR")),
    Row("5", "TIME_WAIT, the old server had SO_REUSEADDR", scenes.ended(reuse=True), HERE,
        warns("bind.time-wait", "ends in", "with SO_REUSEADDR works")),
    Row("5", "the same over IPv6", scenes.ended(LO6, reuse=True), f"[{LO6}]:{PORT}",
        warns("bind.time-wait", "with SO_REUSEADDR works")),
    *(Row("6", f"a worker's connection in {state}",
          scenes.left_over(state, reuse=False, uid=NOBODY), HERE,
          fails(BUSY, state, "pid", "fails with SO_REUSEADDR"))
      for state in ("ESTAB", "CLOSE_WAIT", "FIN_WAIT2")),
    Row("6", "a worker's connection, and the old server had SO_REUSEADDR",
        scenes.left_over("ESTAB", reuse=True, uid=NOBODY), HERE,
        fails(BUSY, "ESTAB", "with SO_REUSEADDR works")),
    Row("6", "an IPv6 connection of a dual-stack server blocks every IPv4 address",
        scenes.left_over("ESTAB", reuse=False, uid=NOBODY, server_on="::", client_to=LO6), EVERY4,
        fails(BUSY, f"[{LO6}]:{PORT}", "pid")),
    Row("6", "the server ended, its client did not close", scenes.abandoned(reuse=True), HERE,
        fails(BUSY, "FIN_WAIT2 by nobody", "for about", "no process has",
              "with SO_REUSEADDR works")),
    Row("6", "the same without SO_REUSEADDR", scenes.abandoned(reuse=False), HERE,
        fails(BUSY, "FIN_WAIT2 by nobody", "for about", "fails with SO_REUSEADDR")),
    Row("7", "an outgoing connection", scenes.outgoing(40000, uid=NOBODY), f"{LO}:40000",
        fails(BUSY, "127.0.0.2:443", "32768", "ip_local_reserved_ports")),
    Row("7", "an outgoing connection in TIME_WAIT", scenes.outgoing(40000, uid=NOBODY, close=True),
        f"{LO}:40000", fails("bind.time-wait", "127.0.0.2:443")),
    Row("8", "an NFS client has a port below 1024", scenes.outgoing(800, 2049), f"{LO}:800",
        fails(BUSY, "127.0.0.2:2049", "NFS"),
        fails("bind.privileged", "127.0.0.2:2049")),
    Row("9", "bound, never listened", bound(), HERE,
        fails("bind.bound-not-listening", "BOUND", "pid"),
        fails("bind.bound-not-listening", "BOUND", "root")),
    Row("9", "bound, never listened, by nobody", bound("0.0.0.0", uid=NOBODY), HERE,
        fails("bind.bound-not-listening", "BOUND", "pid")),
    Row("19", "all source ports to one service are taken", scenes.all_ports_taken, f"{LO}:{PORT}",
        fails("local.ports-exhausted"), run=("check",)),
]  # fmt: skip

FORBIDDEN = [
    Row("b", "a privileged port", scenes.nothing, f"{LO}:80", FREE,
        fails("bind.privileged", "1024")),
    Row("b", "a privileged port that a listener has", listener(LO, 80), f"{LO}:80",
        fails(USED, "pid"), fails("bind.privileged", "1024", f"{LO}:80", "LISTEN")),
    Row("b", "a privileged port that is only bound", bound(LO, 80), f"{LO}:80",
        fails("bind.bound-not-listening"), fails("bind.privileged", "BOUND")),
    Row("b", "a privileged port of IPv6, by UDP", scenes.nothing, f"udp/[{LO6}]:53", FREE,
        fails("bind.privileged", "1024")),
    Row("b", "the limit was raised", scenes.setting(("ipv4/ip_unprivileged_port_start", 9000)),
        HERE, FREE, fails("bind.privileged", "9000")),
    Row("b", "root of a user namespace that does not own the network", scenes.nothing, f"{LO}:80",
        fails("bind.privileged"), enter=("unshare", "--user", "--map-root-user"), last=True),
    Row("b", "a BPF program of the control group (SocketBindDeny=)",
        programs.denied_by_cgroup, HERE,
        fails("bind.forbidden", "EPERM", "SocketBindAllow"), enter=programs.IN_DENIED_CGROUP),
    Row("c", "an address of another machine", scenes.links(
        *CABLE, "address add 192.0.2.10/24 dev eth1", "link set eth1 up"),
        f"192.0.2.99:{PORT}", fails("bind.address-not-here", "192.0.2.10")),
    Row("c", "a floating address, and ip_nonlocal_bind allows it",
        scenes.setting(("ipv4/ip_nonlocal_bind", 1)), f"192.0.2.99:{PORT}", FREE),
    Row("c", "an address in duplicate detection", scenes.together(
        scenes.links(*CABLE, "link set eth1 up"),
        scenes.setting(("ipv6/conf/eth1/dad_transmits", 60)),
        scenes.links("address add 2001:db8::77/64 dev eth1")), f"[2001:db8::77]:{PORT}",
        fails("bind.address-tentative", "tentative")),
    Row("c", "the same without duplicate detection", scenes.links(
        *CABLE, "link set eth1 up",
        "address add 2001:db8::77/64 dev eth1 nodad"), f"[2001:db8::77]:{PORT}", FREE),
    Row("c", "IPv6 is switched off, ::1 is wanted",
        scenes.setting(("ipv6/conf/all/disable_ipv6", 1)), f"[{LO6}]:{PORT}",
        fails("bind.family-missing", "EADDRNOTAVAIL")),
    Row("c", "IPv6 is switched off, every address of it is wanted",
        scenes.setting(("ipv6/conf/all/disable_ipv6", 1)), EVERY6, FREE),
    Row("c", "IPv6 is switched off, and the port is wanted",
        scenes.setting(("ipv6/conf/all/disable_ipv6", 1)), f"{PORT}", FREE),
    Row("c", "the interface of an IPv6 address is down", scenes.links(
        *CABLE, "link set eth1 up",
        "address add 2001:db8::77/64 dev eth1 nodad", "link set eth1 down"),
        f"[2001:db8::77]:{PORT}", fails("bind.address-not-here", "eth1")),
    Row("c", "the interface of an IPv4 address is down", scenes.links(
        *CABLE, "address add 192.0.2.10/24 dev eth1"),
        f"192.0.2.10:{PORT}", FREE),
    Row("c", "all of 127/8 is here", scenes.nothing, f"127.1.2.3:{PORT}", FREE),
    Row("c", "link-local with an interface that is none", scenes.nothing,
        f"[fe80::1%eth7]:{PORT}", fails("local.address-unusable", "eth7")),
    Row("c", "link-local without an interface", scenes.nothing, f"[fe80::1]:{PORT}",
        fails("local.address-unusable")),
    Row("-", "free, in the range of source ports", scenes.nothing, f"{LO}:40000",
        notes("bind.ephemeral-risk", "32768")),
    Row("-", "free, in that range, and reserved",
        scenes.setting(("ipv4/ip_local_reserved_ports", "39999-40001")), f"{LO}:40000", FREE),
]  # fmt: skip

SPLIT = [
    Row("f1", "IPv4 and IPv6 belong to two programs", scenes.together(
        programs.program("0.0.0.0", NOBODY), programs.program("::", NOBODY)), f"{PORT}",
        fails(USED, "connections to 127.0.0.1", also="bind.split-families")),
    Row("f1", "127.0.0.1 belongs to one, [::1] to another", scenes.together(
        programs.program(LO, NOBODY), programs.program(LO6, NOBODY)), HERE,
        fails(USED, "connections to 127.0.0.1", also="bind.split-families")),
    Row("f1", "the same, of two users", scenes.together(
        programs.program(LO, 0), programs.program(LO6, OTHER)), HERE,
        fails(USED, "connections to 127.0.0.1", also="bind.split-families")),
    Row("f1", "one program has a socket for each family", held(
        lambda: serving(LO, PORT), lambda: serving(LO6, PORT)), HERE,
        fails(USED), without="bind.split-families"),
    Row("f3", "a redirect takes the clients of an address on which nobody listens",
        scenes.together(listener(), programs.redirected), HERE,
        fails(USED, "a redirect of the packet filter")),
    # A hash chooses who gets a client: of two, one would get all that are tried in 1 of 32 looks.
    Row("f5", "an old program and three new ones share it with SO_REUSEPORT", scenes.together(
        *(programs.program(LO, NOBODY, name, share=True) for name in ("old", "a", "b", "c"))), HERE,
        fails(USED, "SO_REUSEPORT", "by turns by")),
    Row("f6", "a listener on loopback only", scenes.together(scenes.links(
        *CABLE,
        "address add 192.0.2.10/24 dev eth1", "link set eth1 up"), listener()), HERE,
        fails(USED, "connections to 127.0.0.1", "nobody answers at", "192.0.2.10")),
]  # fmt: skip

#: What has no row here, and why.  The numbers are those of the rows; b and c are the other errors.
NOT_HERE = {
    "18": "needs WSL2 with its mirrored network; what can be said without it is in the unit tables",
    "b SELinux, AppArmor": "no such policy can be loaded here; the refusal is like Landlock's",
    "b Landlock, seccomp, address families": "lab: forbidden*, family-hidden-from-this-program",
    "b too few descriptors": "lab: files-exhausted*; unit: EMFILE",
    "c dadfailed": "lab: address-taken-by-another",
    "macOS and Windows": "unit tables on what their systems report",
}

ROWS = [*LISTENERS, *KERNEL, *LINGERING, *FORBIDDEN, *SPLIT]


def look(number: int) -> list[dict[str, Any]] | str:
    """Inside: the scene, and what the command says of it to root and to nobody; or why not."""
    try:
        return _look(number)
    except programs.Missing as missing:
        return str(missing)


def _look(number: int) -> list[dict[str, Any]]:
    row = ROWS[number]
    _kind, _, target = row.target.rpartition("udp/")
    arguments = [*row.run, f"bind+udp://{target}" if "udp/" in row.target else row.target]
    users = ((), AS_NOBODY)
    with _made(row.scene):
        starts = [(*u, *row.enter) if row.last else (*row.enter, *u) for u in users]
        return [_typed(start, *arguments)["targets"][0] for start in starts]


@contextlib.contextmanager
def _made(scene: Scene) -> Iterator[None]:
    """The scene, in a namespace where everybody can read this checkout."""
    ip("link set lo up")
    with tempfile.TemporaryDirectory() as folder, scene():
        subprocess.run(["sh", "-ec", "\n".join(opened(Path(folder)))], check=True)
        yield


def _typed(start: tuple[str, ...], *arguments: str) -> Any:
    """What the command answers, started in that way."""
    line = [*start, *NETWHY, *arguments, "--format", "json"]
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=40, env=environment(Path("/tmp"))
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def text_of(finding: dict[str, Any]) -> str:
    fixes = [f"{f['text']}: {f.get('command') or ''}" for f in finding["fixes"]]
    return "\n".join([finding["title"], finding["explanation"], *finding["evidence"], *fixes])


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[str(row) for row in ROWS])
def test_the_cause_is_named_to_root_and_to_nobody(number: int) -> None:
    row = ROWS[number]
    seen = inside(look, number)
    if isinstance(seen, str):
        pytest.skip(seen)
    for report, expected in zip(seen, (row.root, row.nobody or row.root), strict=True):
        findings = report["findings"]
        first = findings[0] if findings else None
        assert (first["cause"] if first else None) == expected.cause, report
        if first is None:
            assert report["verdict"] == "ok"
            continue
        assert first["severity"] == expected.severity
        for word in expected.words:
            assert word in text_of(first), (word, text_of(first))
        if expected.also:
            assert expected.also in [f["cause"] for f in findings]
        assert row.without not in [f["cause"] for f in findings]


def units() -> list[str | None] | str:
    """Inside: the unit and the process of a service of root, as `ports` names them to nobody."""
    try:
        with _made(programs.in_unit("netwhy-y.service")):
            (found,) = _typed(AS_NOBODY, "ports", "--port", str(PORT))["sockets"]
    except programs.Missing as missing:
        return str(missing)
    (owner,) = found["owners"]
    return [owner["unit"], owner["user"], owner["pid"]]


def test_the_list_of_ports_names_the_unit_of_another_user() -> None:
    seen = inside(units)
    if isinstance(seen, str):
        pytest.skip(seen)
    assert seen == ["netwhy-y.service", "root", None]


def test_no_sub_cause_is_forgotten() -> None:
    known = {row.number for row in ROWS} | {key.split()[0] for key in NOT_HERE}
    assert {str(number) for number in range(1, 22)} - known == set()
