"""Could a server start here: who holds the port, or which rule forbids it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.facts import (
    ETH0,
    HERE,
    HERE6,
    PRINTER,
    SERVER,
    Row,
    World,
    bind_fails,
    check,
    examined,
    interface,
    ip,
    machine,
    owner,
    socket,
    table,
)

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import Owner, PortTable, Socket
from netwhy.diagnosis.sockets import overlaps

NGINX = owner("nginx", 101, command="nginx: master process", unit="nginx.service")
POSTGRES = owner("postgres", 812)
HIDDEN = Owner(user="bob", uid=1001, hidden="run it with sudo to see the process")
IN_USE4 = bind_fails("0.0.0.0", 8080, "EADDRINUSE")
IN_USE6 = bind_fails("::", 8080, "EADDRINUSE")
IN_USE = (*IN_USE4, *IN_USE6)
IN_USE_LO = bind_fails("127.0.0.1", 8080, "EADDRINUSE")


def held(*sockets: Socket) -> PortTable:
    return table(8080, *sockets)


FREE = [
    Row("the port is free", "bind 8080", (), asks=(
        asks.BindAsk(ip("0.0.0.0"), 8080), asks.BindAsk(ip("::"), 8080, reuse=True),
        asks.PortTableAsk(8080, "tcp"))),
    Row("one address is free", "bind 127.0.0.1:8080", ()),
    Row("the UDP port is free", "bind+udp://:5353", (), asks=(asks.PortTableAsk(5353, "udp"),)),
    Row("a machine without IPv6 needs no IPv6 port", "bind 8080",
        (machine(interface("eth0", f"{HERE}/24"), ipv6_disabled=True),
         bind_fails("::", 8080, "EAFNOSUPPORT"))),
    Row("a machine whose IPv6 has no addresses needs none either", "bind 8080",
        bind_fails("::", 8080, "EADDRNOTAVAIL")),
    Row("free now, and inside the ephemeral range", "bind 40000", (), "bind.ephemeral-risk",
        Verdict.OK, evidence=("port 40000 is inside 32768-60999",)),
    *(
        Row(f"port {port} is at the edge of the ephemeral range", f"bind {port}", (), cause,
            Verdict.OK)
        for port, cause in ((32767, None), (32768, "bind.ephemeral-risk"),
                            (60999, "bind.ephemeral-risk"), (61000, None))
    ),
    Row("the ephemeral range is not known", "bind 40000", (machine(ephemeral_range=None),)),
    Row("a listener on another own address is no obstacle", "bind 127.0.0.1:8080",
        (held(socket(HERE, 8080)),)),
]  # fmt: skip

HELD = [
    Row(
        "a listener holds it",
        "bind 8080",
        (*IN_USE, held(socket("0.0.0.0", 8080, owners=(NGINX,)), socket("::", 8080, v6only=True,
                                                                        owners=(NGINX,)))),
        "bind.in-use",
        evidence=("0.0.0.0:8080 is held in state LISTEN by nginx (pid 101)",
                  "nginx.service", "binding 0.0.0.0:8080 gives EADDRINUSE"),
        also=("bind.in-use",),
    ),
    Row(
        "a dual-stack listener holds both families: told once",
        "bind 8080",
        (*IN_USE, held(socket("::", 8080, v6only=False, owners=(NGINX,)))),
        "bind.in-use",
        evidence=("[::]:8080 is held",),
        unsaid=("overlap",),
    ),
    Row(
        "only IPv4 is held: every address means both",
        "bind 8080",
        (*IN_USE4, held(socket("0.0.0.0", 8080, owners=(NGINX,)))),
        "bind.in-use",
    ),
    Row(
        "a listener on the very address",
        "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(NGINX,)))),
        "bind.in-use",
    ),
    Row(
        "a listener on every address covers the one",
        "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("0.0.0.0", 8080, owners=(NGINX,)))),
        "bind.in-use-overlap",
        evidence=("0.0.0.0:8080 and 127.0.0.1:8080 overlap",),
    ),
    Row(
        "a listener on one address stops the bind on every address",
        "bind 8080",
        (*IN_USE4, held(socket("127.0.0.1", 8080, owners=(NGINX,)))),
        "bind.in-use-overlap",
        evidence=("127.0.0.1:8080 and 0.0.0.0:8080 overlap",),
    ),
    Row(
        "a dual-stack listener covers an IPv4 address",
        "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("::", 8080, v6only=False, owners=(NGINX,)))),
        "bind.in-use-overlap",
        evidence=("[::]:8080 and 127.0.0.1:8080 overlap",),
    ),
    Row(
        "both are there: the very address is named first",
        "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("0.0.0.0", 8080, owners=(POSTGRES,)),
                          socket("127.0.0.1", 8080, owners=(NGINX,)))),
        "bind.in-use",
        evidence=("nginx",),
        unsaid=("postgres",),
    ),
    Row(
        "the holder belongs to another user: what is known is told",
        "bind 8080",
        (*IN_USE4, held(socket("0.0.0.0", 8080, owners=(HIDDEN,)))),
        "bind.in-use",
        evidence=("a process of user bob", "run it with sudo"),
    ),
    Row(
        "nobody at all is visible",
        "bind 127.0.0.1:8080",
        IN_USE_LO,
        "bind.in-use",
        evidence=("no socket on TCP port 8080 is visible",),
        rivals=("bind.bound-not-listening", "bind.in-use-by-connection"),
    ),
    Row(
        "a UDP socket holds it",
        "bind+udp://127.0.0.1:5353",
        (bind_fails("127.0.0.1", 5353, "EADDRINUSE", transport="udp"),
         table(5353, socket("0.0.0.0", 5353, "UNCONN", owners=(owner("avahi", 7),)),
               transport="udp")),
        "bind.in-use-overlap",
        evidence=("avahi (pid 7)",),
    ),
    Row(
        "bound and never listened",
        "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, "BOUND", owners=(POSTGRES,)))),
        "bind.bound-not-listening",
        evidence=("in state BOUND by postgres (pid 812)",),
    ),
    *(
        Row(
            f"an outgoing connection in {state} has the port",
            f"bind {HERE}:8080",
            (*bind_fails(HERE, 8080, "EADDRINUSE"),
             held(socket(HERE, 8080, state, remote=(ip(SERVER), 443), owners=(POSTGRES,)))),
            "bind.in-use-by-connection",
            evidence=(f"in state {state}", f"connected with {SERVER}:443"),
        )
        for state in ("ESTAB", "CLOSE_WAIT", "SYN_SENT", "FIN_WAIT_1", "LAST_ACK")
    ),
    Row(
        "a port of the range: the system may have given it away",
        f"bind {HERE}:40000",
        (*bind_fails(HERE, 40000, "EADDRINUSE"),
         table(40000, socket(HERE, 40000, "ESTAB", remote=(ip(SERVER), 443), owners=(POSTGRES,)))),
        "bind.in-use-by-connection",
        evidence=("inside 32768-60999", "from which outgoing connections"),
    ),
    Row(
        "a port outside of the range: left over from a server",
        f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE"),
         held(socket(HERE, 8080, "ESTAB", remote=(ip(SERVER), 51000), owners=(NGINX,)))),
        "bind.in-use-by-connection",
        evidence=("outside 32768-60999", "a server that has ended"),
    ),
    Row(
        "a listener is named before the connections it accepted",
        f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE"),
         held(socket(HERE, 8080, "ESTAB", remote=(ip(SERVER), 51000), owners=(NGINX,)),
              socket("0.0.0.0", 8080, owners=(NGINX,)))),
        "bind.in-use-overlap",
    ),
    Row(
        "a live connection outweighs TIME_WAIT",
        f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE"),
         held(socket(HERE, 8080, "TIME_WAIT", remote=(ip(SERVER), 51000), expires_ms=42_000),
              socket(HERE, 8080, "ESTAB", remote=(ip(SERVER), 51001), owners=(NGINX,)))),
        "bind.in-use-by-connection",
    ),
    Row(
        "only TIME_WAIT is left, and SO_REUSEADDR helps",
        f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE", reuse=None),
         held(socket(HERE, 8080, "TIME_WAIT", remote=(ip(SERVER), 51000), expires_ms=42_000),
              socket(HERE, 8080, "TIME_WAIT", remote=(ip(SERVER), 51001), expires_ms=12_000))),
        "bind.time-wait",
        Verdict.DEGRADED,
        evidence=("in TIME_WAIT", "42 s", "with SO_REUSEADDR works"),
    ),
    Row(
        "only TIME_WAIT is left, and the old socket had no SO_REUSEADDR",
        f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE"),
         held(socket(HERE, 8080, "TIME_WAIT", remote=(ip(SERVER), 51000), expires_ms=42_000))),
        "bind.time-wait",
        evidence=("fails with SO_REUSEADDR too",),
    ),
    Row(
        "TIME_WAIT whose end the kernel does not tell",
        f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE", reuse=None),
         held(socket(HERE, 8080, "TIME_WAIT", remote=(ip(SERVER), 51000)))),
        "bind.time-wait",
        Verdict.DEGRADED,
        unsaid=("in 0 s",),
    ),
    Row(
        "the families belong to different programs, and the wanted one is taken",
        "bind 8080",
        (*IN_USE, held(socket("0.0.0.0", 8080, owners=(NGINX,)),
                       socket("::", 8080, v6only=True, owners=(POSTGRES,)))),
        "bind.in-use",
        also=("bind.in-use", "bind.split-families"),
    ),
    Row(
        "the families belong to different programs",
        f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(NGINX,)),
              socket("::", 8080, v6only=True, owners=(POSTGRES,))),),
        "bind.split-families",
        Verdict.DEGRADED,
        evidence=("0.0.0.0:8080 is held", "[::]:8080 is held"),
    ),
    Row(
        "the families belong to different users, whose programs are hidden",
        f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(HIDDEN,), uid=0),
              socket("::", 8080, v6only=True, owners=(NGINX,), uid=33)),),
        "bind.split-families",
        Verdict.DEGRADED,
    ),
    Row(
        "two hidden sockets of one user may be one program",
        f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(HIDDEN,), uid=0),
              socket("::", 8080, v6only=True, owners=(HIDDEN,), uid=0)),),
    ),
    Row(
        "two sockets of one program are not split",
        f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(NGINX,)),
              socket("::", 8080, v6only=True, owners=(NGINX,))),),
    ),
    Row(
        "hidden owners are not called different",
        f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(HIDDEN,)),
              socket("::", 8080, v6only=True, owners=(NGINX,))),),
    ),
]  # fmt: skip

LEFT = socket(HERE, 8080, "FIN_WAIT2", remote=(ip(SERVER), 51000), expires_ms=58_200)
BEHIND = [
    Row("a closing connection that no process has", f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE", reuse=None), held(LEFT)),
        "bind.in-use-by-connection",
        evidence=(f"A closing connection with {SERVER}:51000 still holds port 8080, for about 58 s",
                  "in state FIN_WAIT2 by nobody any more", "no process has it",
                  "with SO_REUSEADDR works"),
        unsaid=("may not see",)),
    Row("one whose program had not set SO_REUSEADDR", f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE"),
         held(replace(LEFT, state="LAST_ACK", expires_ms=None))),
        "bind.in-use-by-connection",
        evidence=("A closing connection still holds port 8080", "LAST_ACK by nobody any more",
                  "fails with SO_REUSEADDR too"),
        unsaid=("may not see", " s,")),
    Row("the longest of what closes counts", f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE"),
         held(LEFT, replace(LEFT, state="TIME_WAIT", expires_ms=59_400))),
        "bind.in-use-by-connection", evidence=("for about 59 s",)),
    Row("a closing connection inside the range", f"bind {HERE}:40000",
        (*bind_fails(HERE, 40000, "EADDRINUSE"), table(40000, replace(LEFT, port=40000))),
        "bind.in-use-by-connection", evidence=("inside 32768-60999",),
        unsaid=("may not see",)),
    Row("whose process is there comes before what nobody has", f"bind {HERE}:8080",
        (*bind_fails(HERE, 8080, "EADDRINUSE"),
         held(LEFT, socket(HERE, 8080, "ESTAB", remote=(ip(SERVER), 51001), owners=(NGINX,)))),
        "bind.in-use-by-connection",
        evidence=("a connection of nginx (pid 101)",)),
    Row("a privileged port that a socket is bound to", "bind 127.0.0.1:80",
        (*bind_fails("127.0.0.1", 80, "EACCES"),
         table(80, socket("127.0.0.1", 80, "BOUND", owners=(NGINX,)))),
        "bind.privileged", evidence=("in state BOUND by nginx",)),
    Row("a privileged port that is left in TIME_WAIT", "bind 127.0.0.1:80",
        (*bind_fails("127.0.0.1", 80, "EACCES"),
         table(80, socket("127.0.0.1", 80, "TIME_WAIT", remote=(ip(SERVER), 51000)))),
        "bind.privileged", evidence=("in state TIME_WAIT",)),
    Row("an NFS client has the port", "bind 0.0.0.0:800",
        (*bind_fails("0.0.0.0", 800, "EADDRINUSE"),
         table(800, socket(HERE, 800, "ESTAB", remote=(ip(SERVER), 2049), owners=(HIDDEN,)))),
        "bind.in-use-by-connection", evidence=("the other end is NFS", f"{SERVER}:2049"),
        unsaid=("a server that has ended",)),
    Row("a program chose the source port", "bind 0.0.0.0:8080",
        (*bind_fails("0.0.0.0", 8080, "EADDRINUSE"),
         held(socket(HERE, 8080, "ESTAB", remote=(ip(SERVER), 443), owners=(NGINX,)))),
        "bind.in-use-by-connection", evidence=("outside 32768-60999",)),
    Row("an outgoing connection in TIME_WAIT", f"bind {HERE}:40000",
        (*bind_fails(HERE, 40000, "EADDRINUSE"),
         table(40000, socket(HERE, 40000, "TIME_WAIT", remote=(ip(SERVER), 8443),
                             expires_ms=9_400))),
        "bind.time-wait", evidence=(f"rest of a connection to {SERVER}:8443", "for 9 s at most",
                                    "inside 32768-60999")),
    Row("a server's connection in TIME_WAIT inside the range", f"bind {HERE}:40000",
        (*bind_fails(HERE, 40000, "EADDRINUSE"),
         table(40000, socket(HERE, 40000, "TIME_WAIT", remote=(ip(SERVER), 51000),
                             expires_ms=200))),
        "bind.time-wait", evidence=("for 1 s at most",), unsaid=("rest of a connection",)),
    Row("bound with SO_REUSEADDR: the first to listen gets it", "bind 127.0.0.1:8080",
        (*bind_fails("127.0.0.1", 8080, "EADDRINUSE", reuse=None),
         held(socket("127.0.0.1", 8080, "BOUND", owners=(NGINX,)))),
        "bind.bound-not-listening", evidence=("with SO_REUSEADDR works",)),
    Row("a UDP socket that could be stolen from", "bind+udp://127.0.0.1:5353",
        (bind_fails("127.0.0.1", 5353, "EADDRINUSE", reuse=None, transport="udp"),
         table(5353, socket("127.0.0.1", 5353, "UNCONN", owners=(NGINX,)), transport="udp")),
        "bind.in-use", evidence=("both would have the port",)),
    Row("a listener: nothing is said of SO_REUSEADDR", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(NGINX,)))), "bind.in-use",
        unsaid=("SO_REUSEADDR",)),
    Row("a listener tied to an interface", "bind 0.0.0.0:8080",
        (*IN_USE4, held(socket("127.0.0.53", 8080, interface="lo", owners=(NGINX,)))),
        "bind.in-use-overlap", evidence=("on interface lo only",)),
    Row("workers that share it", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(NGINX, HIDDEN, POSTGRES)))),
        "bind.in-use", evidence=("; and 2 more",)),
]  # fmt: skip

FORBIDDEN = [
    Row("below 1024", "bind 80",
        (*bind_fails("0.0.0.0", 80, "EACCES"), *bind_fails("::", 80, "EACCES")),
        "bind.privileged", evidence=("ports below 1024 need a privilege", "and 80 is one")),
    Row("below 1024, and taken as well", "bind 127.0.0.1:80",
        (*bind_fails("127.0.0.1", 80, "EACCES"), table(80, socket("0.0.0.0", 80, owners=(NGINX,)))),
        "bind.privileged", evidence=("0.0.0.0:80 is held in state LISTEN by nginx",)),
    Row("the range was moved", "bind 127.0.0.1:500",
        (machine(unprivileged_port_start=400), *bind_fails("127.0.0.1", 500, "EACCES")),
        "bind.forbidden", evidence=("EACCES",)),
    Row("1024 is free for all", "bind 127.0.0.1:1024", bind_fails("127.0.0.1", 1024, "EACCES"),
        "bind.forbidden"),
    Row("a sandbox says EPERM", "bind 127.0.0.1:8080", bind_fails("127.0.0.1", 8080, "EPERM"),
        "bind.forbidden", evidence=("EPERM",)),
    Row("an address of another machine", f"bind {SERVER}:8080",
        bind_fails(SERVER, 8080, "EADDRNOTAVAIL"), "bind.address-not-here",
        evidence=(f"this machine's addresses are 127.0.0.1, {HERE}",)),
    Row("an IPv6 address of another machine", "bind [2001:db8:1::99]:8080",
        bind_fails("2001:db8:1::99", 8080, "EADDRNOTAVAIL"), "bind.address-not-here",
        evidence=(HERE6,)),
    *(
        Row(f"the address is {state}", f"bind [{HERE6}]:8080",
            (machine(interface("eth0", f"{HERE}/24", f"{HERE6}/64 {state}")),
             *bind_fails(HERE6, 8080, "EADDRNOTAVAIL")),
            "bind.address-tentative", evidence=(f"{HERE6} is {state}",))
        for state in ("tentative", "dadfailed")
    ),
    Row("IPv6 is switched off", "bind [::1]:8080",
        (machine(interface("eth0", f"{HERE}/24"), ipv6_disabled=True),
         *bind_fails("::1", 8080, "EADDRNOTAVAIL")), "bind.family-missing"),
    Row("there is no IPv6 in this kernel", "bind [::1]:8080",
        (machine(interface("eth0", f"{HERE}/24"), ipv6_disabled=True),
         *bind_fails("::1", 8080, "EAFNOSUPPORT")), "bind.family-missing",
        evidence=("EAFNOSUPPORT", "IPv6 is switched off")),
    Row("there is IPv6, and not for this program", "bind [::1]:8080",
        bind_fails("::1", 8080, "EAFNOSUPPORT"), "bind.family-missing",
        evidence=("EAFNOSUPPORT", "this machine has IPv6 addresses", "This program may open no"),
        rivals=("bind.forbidden",)),
    *(
        Row(f"no socket can be opened ({error})", "bind 127.0.0.1:8080",
            bind_fails("127.0.0.1", 8080, error), "local.files-exhausted", evidence=(error,))
        for error in ("EMFILE", "ENFILE")
    ),
    Row("there is no IPv4 in this kernel", "bind 8080", bind_fails("0.0.0.0", 8080, "EAFNOSUPPORT"),
        "bind.family-missing"),
    *(
        Row(f"no rule explains {error}", "bind 127.0.0.1:8080",
            bind_fails("127.0.0.1", 8080, error), "unexplained",
            evidence=(error, "the bind probe of 127.0.0.1:8080"))
        for error in ("EINVAL", "ENOBUFS", "ENOMEM", "errno 999")
    ),
]  # fmt: skip

ROWS = [*FREE, *HELD, *BEHIND, *FORBIDDEN]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_bind_is_explained(row: Row) -> None:
    check(row)


@pytest.mark.parametrize(
    ("held_address", "v6only", "wanted", "conflict"),
    [
        ("127.0.0.1", None, "127.0.0.1", True),
        ("0.0.0.0", None, "127.0.0.1", True),
        ("127.0.0.1", None, "0.0.0.0", True),
        (HERE, None, "127.0.0.1", False),
        ("::", False, "127.0.0.1", True),
        ("::", False, "0.0.0.0", True),
        ("::", True, "127.0.0.1", False),
        ("::", True, "0.0.0.0", False),
        ("::", None, "127.0.0.1", True),  # it cannot be read: the usual thing is assumed
        ("::", True, "::1", True),
        ("::1", True, "::", True),
        ("::1", False, "127.0.0.1", False),
        ("::1", False, "0.0.0.0", True),  # a connection that a dual-stack server left
        ("::1", True, "0.0.0.0", False),
        ("::1", None, "0.0.0.0", False),
        ("::ffff:127.0.0.1", False, "127.0.0.1", True),
        ("::ffff:127.0.0.1", False, "0.0.0.0", True),
        ("::ffff:127.0.0.1", False, HERE, False),
        ("::ffff:0.0.0.0", False, "127.0.0.1", True),
        ("fe80::1%eth0", None, "fe80::1", True),
        ("0.0.0.0", None, "::", False),  # IPv6 is tried for IPv6 alone
        ("127.0.0.1", None, "::1", False),
    ],
)
def test_overlap(held_address: str, v6only: bool | None, wanted: str, conflict: bool) -> None:
    assert overlaps(socket(held_address, 8080, v6only=v6only), ip(wanted)) is conflict


@pytest.mark.parametrize(
    ("port", "owners", "reuse", "said", "reserve"),
    [
        (8080, (), None, "SO_REUSEADDR before bind can start now", False),
        (8080, (), "EADDRINUSE", "does not help this time", False),
        (40000, (), "EADDRINUSE", "does not help this time", True),
        (8080, (NGINX,), "EADDRINUSE", "nginx (pid 101) has not let it go", False),
        (40000, (NGINX,), "EADDRINUSE", "in the range 32768-60999", True),
    ],
)
def test_a_port_is_reserved_only_where_the_system_gives_it_away(
    port: int, owners: tuple[Owner, ...], reuse: str | None, said: str, reserve: bool
) -> None:
    left = replace(LEFT, port=port, owners=owners)
    fails = bind_fails(HERE, port, "EADDRINUSE", reuse=reuse)
    found = examined(f"bind {HERE}:{port}", World(fails, table(port, left))).first
    assert found is not None
    assert said in found.explanation
    assert ("not let it go" in found.explanation) is (bool(owners) and not reserve)
    fixes = "\n".join(fix.text for fix in found.fixes)
    assert ("eserve the port" in fixes or "reserve it" in fixes) is reserve
    assert ("below the ephemeral range" in fixes) is (reserve and bool(owners))


def test_the_table_is_read_before_the_tries_would_stand_in_it() -> None:
    """The asks come in the order in which they are made: the engine starts them so."""
    row = FREE[0]
    kinds = [type(ask) for ask in examined(row.target, row.world).asked]
    assert kinds.index(asks.PortTableAsk) < kinds.index(asks.BindAsk)


def test_the_nearest_own_address_is_offered() -> None:
    world = Row(
        "",
        "",
        (
            machine(ETH0, interface("eth1", "198.51.100.200/24")),
            *bind_fails(SERVER, 8080, "EADDRNOTAVAIL"),
        ),
    ).world
    first = examined(f"bind {SERVER}:8080", world).first
    assert first is not None
    assert any("198.51.100.200" in fix.text + (fix.command or "") for fix in first.fixes)
