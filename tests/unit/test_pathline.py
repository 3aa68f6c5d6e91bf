"""The path line, broken once, where the fault is; and the marks of the layers beside it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from tests.unit.facts import (
    FAR_RESOLVER,
    GATEWAY,
    HERE,
    NAME,
    PRINTER,
    RESOLVER,
    ROUTER,
    SERVER,
    SERVER_B,
    AskOf,
    Told,
    World,
    all_ports,
    bind_fails,
    cert,
    connect_fails,
    examined,
    exchanged,
    icmp,
    interface,
    look_up_fails,
    looks_up,
    machine,
    neighbour,
    no_route,
    opens,
    page,
    ping_fails,
    pings,
    resets,
    resolv_conf,
    says,
    shake_fails,
    shakes,
    silent,
    socket,
    table,
    udp_fails,
    way,
)
from tests.unit.test_diagnosis_open import EVERY_ROW, Row

from netwhy.core import asks
from netwhy.core.model import Mark, Outcome, TargetReport

SIGN = {Mark.OK: "+", Mark.WARN: "~", Mark.FAILED: "X", Mark.UNTESTED: "-", Mark.PENDING: "."}


@dataclass(frozen=True)
class Line:
    """The line as text: each station after its sign, `+` reached, `X` broken, `-` not tested."""

    story: str
    target: str
    seen: tuple[Told, ...]
    stations: str
    withheld: tuple[type[AskOf], ...] = ()

    def __str__(self) -> str:
        return self.story


def drawn(report: TargetReport) -> str:
    return " ".join(f"{SIGN[step.mark]}{step.label}" for step in report.path)


WORKS = f"+this host +gateway {GATEWAY} +{SERVER}"
FOUND = (looks_up(NAME, SERVER), says(RESOLVER, NAME, SERVER))
LINES = [
    Line("it works", f"{SERVER}:22", (opens(SERVER, 22),), f"{WORKS} +port 22"),
    Line("it works on our own link", f"{PRINTER}:22", (opens(PRINTER, 22),),
         f"+this host +{PRINTER} +port 22"),
    Line("it works by name", f"{NAME}:22", (FOUND, opens(SERVER, 22)),
         f"+this host +resolver {RESOLVER} +gateway {GATEWAY} +{SERVER} +port 22"),
    Line("the host answers", f"icmp://{SERVER}", (pings(SERVER),), WORKS),
    Line("the port is closed", f"{SERVER}:22", (resets(SERVER, 22),), f"{WORKS} Xport 22"),
    Line("the port is filtered", f"{SERVER}:22", (silent(SERVER, 22), pings(SERVER)),
         f"{WORKS} Xport 22"),
    Line("the target's own firewall rejects", f"{SERVER}:22",
         (connect_fails(SERVER, 22, "ECONNREFUSED", icmp("3/3", SERVER)), pings(SERVER)),
         f"{WORKS} Xport 22"),
    Line("nothing comes back", f"{SERVER}:22", (),
         f"+this host +gateway {GATEWAY} X{SERVER} -port 22"),
    Line("nothing comes back from behind a router", f"{SERVER}:22",
         (silent(SERVER, 22), way(SERVER, 22, GATEWAY, ROUTER, "*")),
         f"+this host +gateway {GATEWAY} +router {ROUTER} X{SERVER} -port 22"),
    Line("nothing comes back from behind a far router", f"{SERVER}:22",
         (silent(SERVER, 22), way(SERVER, 22, GATEWAY, "*", "*", ROUTER, "*")),
         f"+this host +gateway {GATEWAY} +… router {ROUTER} X{SERVER} -port 22"),
    Line("packets circle", f"{SERVER}:22",
         (silent(SERVER, 22), way(SERVER, 22, *(GATEWAY, ROUTER) * 3)),
         f"+this host +gateway {GATEWAY} Xloop at {GATEWAY} -{SERVER} -port 22"),
    Line("the host does not answer", SERVER, (), f"+this host +gateway {GATEWAY} X{SERVER}"),
    Line("the gateway is dead", f"{SERVER}:22", (neighbour(GATEWAY, "FAILED"),),
         f"+this host Xgateway {GATEWAY} -{SERVER} -port 22"),
    Line("the neighbour is dead", f"{PRINTER}:22", (neighbour(PRINTER, "FAILED"),),
         f"+this host X{PRINTER} -port 22"),
    Line("a router says no", f"{SERVER}:22",
         (connect_fails(SERVER, 22, "EHOSTUNREACH", icmp("3/13", ROUTER)),
          all_ports(SERVER, "EHOSTUNREACH", icmp("3/13", ROUTER))),
         f"+this host +gateway {GATEWAY} Xrouter {ROUTER} -{SERVER} -port 22"),
    Line("a router says no to this port", f"{SERVER}:22",
         (connect_fails(SERVER, 22, "EHOSTUNREACH", icmp("3/13", ROUTER)), opens(SERVER, 80)),
         f"+this host +gateway {GATEWAY} Xrouter {ROUTER} -{SERVER} -port 22"),
    Line("the gateway itself says no", f"{SERVER}:22",
         (connect_fails(SERVER, 22, "EHOSTUNREACH", icmp("3/1", GATEWAY)),
          all_ports(SERVER, "EHOSTUNREACH", icmp("3/1", GATEWAY))),
         f"+this host Xgateway {GATEWAY} -{SERVER} -port 22"),
    Line("a router refuses the ping alone: the port works", f"{SERVER}:22",
         (opens(SERVER, 22), ping_fails(SERVER, "EHOSTUNREACH", icmp("3/13", ROUTER))),
         f"{WORKS} +port 22"),
    Line("an own rule drops it", f"{SERVER}:22", (silent(SERVER, 22, resends_left=False),),
         f"+this host Xown firewall -gateway {GATEWAY} -{SERVER} -port 22"),
    Line("no route", f"{SERVER}:22", (no_route(SERVER), connect_fails(SERVER, 22, "ENETUNREACH")),
         f"+this host Xroute -{SERVER} -port 22"),
    Line("a blackhole route", f"{SERVER}:22",
         (no_route(SERVER, "EINVAL"), connect_fails(SERVER, 22, "EINVAL")),
         f"+this host Xroute -{SERVER} -port 22"),
    Line("offline", f"{SERVER}:22",
         (machine(interface("eth0", f"{HERE}/24", up=False), gateways=()),
          connect_fails(SERVER, 22, "ENETUNREACH")),
         f"+this host Xnetwork -route -{SERVER} -port 22"),
    Line("no such name", f"{NAME}:22",
         (look_up_fails(NAME, "EAI_NONAME"), says(RESOLVER, NAME, rcode="NXDOMAIN")),
         f"+this host Xresolver {RESOLVER} -{NAME} -port 22"),
    Line("no resolver", f"{NAME}:22",
         (look_up_fails(NAME, "EAI_AGAIN"), resolv_conf(state="missing")),
         f"+this host Xresolver -{NAME} -port 22"),
    Line("a name behind a dead gateway", f"{NAME}:22",
         (look_up_fails(NAME, "EAI_AGAIN"), resolv_conf(FAR_RESOLVER),
          neighbour(GATEWAY, "FAILED")),
         f"+this host Xgateway {GATEWAY} -resolver {FAR_RESOLVER} -{NAME} -port 22"),
    Line("an impossible name", "ex!ample.com:22", (),
         "+this host Xresolver -ex!ample.com -port 22"),
    Line("a server answers", f"dns://{RESOLVER}/{NAME}", (says(RESOLVER, NAME, SERVER),),
         f"+this host +{RESOLVER} +port 53"),
    Line("a datagram is refused", f"udp://{SERVER}:9999",
         (udp_fails(SERVER, 9999, "ECONNREFUSED", icmp("3/3", SERVER)),), f"{WORKS} Xport 9999"),
    Line("a datagram gets no answer from a live host", f"udp://{SERVER}:9999", (pings(SERVER),),
         f"{WORKS} -port 9999"),
    Line("nothing is known yet", f"{SERVER}:22", (), f"+this host .{SERVER} .port 22",
         withheld=(asks.Ask,)),
    Line("the name is still looked up", f"{NAME}:22", (), f"+this host .resolver -{NAME} .port 22",
         withheld=(asks.Ask,)),
    Line("one of two addresses works: the first is drawn", f"{NAME}:22",
         (looks_up(NAME, SERVER, SERVER_B), says(RESOLVER, NAME, SERVER, SERVER_B),
          opens(SERVER, 22), resets(SERVER_B, 22)),
         f"+this host +resolver {RESOLVER} +gateway {GATEWAY} +{SERVER} +port 22"),
    Line("HTTPS works", f"https://{SERVER}/", (opens(SERVER, 443),),
         f"{WORKS} +port 443 +TLS +HTTP"),
    Line("TLS fails", f"https://{SERVER}/",
         (opens(SERVER, 443), shake_fails(SERVER, "internal_error")),
         f"{WORKS} +port 443 XTLS -HTTP"),
    Line("the proxy answers 502", f"http://{SERVER}/",
         (opens(SERVER, 80), page(f"http://{SERVER}/", 502)), f"{WORKS} +port 80 XHTTP"),
    Line("nothing is answered", f"tcp://{SERVER}:7?expect=PONG",
         (opens(SERVER, 7), exchanged(SERVER, 7, "TIMEOUT")), f"{WORKS} +port 7 Xanswer"),
    Line("the port is free", "bind 8080", (), "+this host +port 8080"),
    Line("the port is taken", "bind 127.0.0.1:8080",
         (bind_fails("127.0.0.1", 8080, "EADDRINUSE"), table(8080, socket("0.0.0.0", 8080))),
         "+this host Xport 8080"),
    Line("this machine", "this machine", (), f"+this host +eth0 +{HERE}"),
    Line("this machine without a way out", "this machine", (machine(gateways=()),),
         f"+this host +eth0 +{HERE} ~no gateway -resolver {RESOLVER}"),
    Line("this machine without a resolver", "this machine", (resolv_conf(state="missing"),),
         f"+this host +eth0 +{HERE} -gateway {GATEWAY} ~no resolver"),
    Line("this machine without a link", "this machine",
         (machine(interface("eth0", f"{HERE}/24", carrier=False), gateways=()),),
         f"+this host Xno link -no address -no gateway -resolver {RESOLVER}"),
    Line("this machine without an address", "this machine",
         (machine(interface("eth0"), gateways=()), resolv_conf(state="missing")),
         "+this host +eth0 Xno address -no gateway -no resolver"),
]  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=str)
def test_the_line_is_broken_where_the_fault_is(line: Line) -> None:
    found = examined(line.target, World(*line.seen, withheld=line.withheld))
    assert drawn(found.before if line.withheld else found.report) == line.stations


#: name, route, ping, port, tls, app; a blank is no part of the target.
LAYER_ROWS = [
    Line("a port", f"{SERVER}:22", (opens(SERVER, 22), pings(SERVER)), " +++  "),
    Line("a port without ping", f"{SERVER}:22", (opens(SERVER, 22),), " +-+  "),
    Line("a name and a port", f"{NAME}:22", (FOUND, opens(SERVER, 22), pings(SERVER)), "++++  "),
    Line("a degraded name", f"{NAME}:22",
         (looks_up(NAME, SERVER, ms=5003.0), resolv_conf(RESOLVER, FAR_RESOLVER),
          says(FAR_RESOLVER, NAME, SERVER), opens(SERVER, 22), pings(SERVER)), "~+++  "),
    Line("no such name", f"{NAME}:22",
         (look_up_fails(NAME, "EAI_NONAME"), says(RESOLVER, NAME, rcode="NXDOMAIN")), "X---  "),
    Line("a name behind a dead gateway", f"{NAME}:22",
         (look_up_fails(NAME, "EAI_AGAIN"), resolv_conf(FAR_RESOLVER),
          neighbour(GATEWAY, "FAILED")), "-X--  "),
    Line("a closed port", f"{SERVER}:22", (resets(SERVER, 22), pings(SERVER)), " ++X  "),
    Line("a dead gateway", f"{SERVER}:22", (neighbour(GATEWAY, "FAILED"),), " X--  "),
    Line("no route", f"{SERVER}:22",
         (no_route(SERVER), connect_fails(SERVER, 22, "ENETUNREACH")), " X--  "),
    Line("HTTPS", f"https://{SERVER}/", (opens(SERVER, 443), pings(SERVER)), " +++++"),
    Line("HTTPS whose TLS fails", f"https://{SERVER}/",
         (opens(SERVER, 443), pings(SERVER), shake_fails(SERVER, "access_denied")), " +++X-"),
    Line("HTTPS that is refused by the server", f"https://{SERVER}/",
         (opens(SERVER, 443), pings(SERVER), page(f"https://{SERVER}/", 500)), " ++++X"),
    Line("HTTPS on a closed port", f"https://{SERVER}/", (resets(SERVER, 443), pings(SERVER)),
         " ++X--"),
    Line("a certificate that ends soon", f"tls://{SERVER}",
         (opens(SERVER, 443), pings(SERVER),
          shakes(SERVER, chain=(cert(not_after="2026-03-04T00:00:00Z"),))), " +++~ "),
    Line("an expected answer", f"tcp://{SERVER}:7?expect=PONG",
         (opens(SERVER, 7), pings(SERVER)), " +++ +"),
    Line("a guessed TLS", f"{SERVER}:443", (opens(SERVER, 443), pings(SERVER)), " ++++ "),
    Line("a host", f"icmp://{SERVER}", (pings(SERVER),), " ++   "),
    Line("a server that answers", f"dns://{RESOLVER}/{NAME}", (says(RESOLVER, NAME, SERVER),),
         " + + +"),
    Line("a server that does not know", f"dns://{RESOLVER}/{NAME}",
         (says(RESOLVER, NAME, rcode="NXDOMAIN"),), " + + X"),
    Line("a free port", "bind 8080", (), "   +  "),
    Line("this machine", "this machine", (), "++    "),
    Line("this machine without a way out", "this machine",
         (machine(gateways=()), resolv_conf(state="missing")), "~~    "),
    Line("this machine offline", "this machine",
         (machine(interface("eth0"), gateways=()),), "-X    "),
    Line("this machine without a resolver", "this machine", (resolv_conf(state="missing"),),
         "~+    "),
]  # fmt: skip


@pytest.mark.parametrize("line", LAYER_ROWS, ids=str)
def test_each_layer_has_its_mark(line: Line) -> None:
    layers = examined(line.target, World(*line.seen)).report.layers
    assert "".join(SIGN.get(mark, " ") for mark in layers) == line.stations


@pytest.mark.parametrize(
    ("target", "skipped"),
    [
        (f"https://{SERVER}/", {"tls", "http"}),
        (f"http://{SERVER}/", {"http"}),
        (f"tls://{SERVER}:443", {"tls"}),
        (f"tcp://{SERVER}:80?expect=PONG", {"exchange"}),
        (f"tcp://{SERVER}:80", set()),
    ],
)
def test_what_was_not_tested_is_a_skipped_probe_with_its_reason(
    target: str, skipped: set[str]
) -> None:
    world = World(resets(SERVER, 80), resets(SERVER, 443), pings(SERVER))
    rows = [r for r in examined(target, world).report.probes if r.outcome is Outcome.SKIPPED]
    assert {row.probe for row in rows} == skipped
    assert all(row.detail["reason"] for row in rows)


@pytest.mark.parametrize("row", EVERY_ROW, ids=str)
def test_a_line_is_broken_at_most_once_and_nothing_behind_is_claimed(row: Row) -> None:
    report = examined(row.target, row.world).report
    signs = "".join(SIGN[step.mark] for step in report.path)
    assert signs.count("X") <= 1
    assert set(signs.partition("X")[2]) <= {"-"}
    assert "." not in signs
    assert report.path[0].label == "this host"
    assert all(step.label for step in report.path)
