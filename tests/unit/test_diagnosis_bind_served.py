"""Bound, yet not served: which program the clients of a port of this machine really meet."""

from __future__ import annotations

import pytest
from tests.unit.facts import (
    HERE,
    PRINTER,
    SERVER,
    Row,
    bind_fails,
    check,
    ip,
    looks_up,
    machine,
    opens,
    owner,
    socket,
    table,
)
from tests.unit.test_diagnosis_bind import IN_USE_LO, NGINX, POSTGRES, held

from netwhy.core import asks
from netwhy.core.model import Verdict
from netwhy.core.observations import PortServed
from netwhy.core.ports import Served

VITE = owner("vite", 9001, command="vite dev")
LOCALHOST = (looks_up("localhost", "::1", "127.0.0.1"), opens("::1", 5432),
             opens("127.0.0.1", 5432))  # fmt: skip
PROXY4 = owner("docker-proxy", 31, behind="the Docker container at 172.17.0.2:80")
PROXY6 = owner("docker-proxy", 32, behind="the Docker container at [fd00::2]:80")
MASTER = ((100, "gunicorn"),)


def answered(*answers: Served) -> PortServed:
    return PortServed(8080, answers)


def at(address: str, *by: str, error: str | None = None, how: str = "accepted") -> Served:
    return Served(ip(address), 8080, error, by, how)


ROWS = [
    Row("127.0.0.1 belongs to one program, [::1] to another", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(NGINX,)),
                          socket("::1", 8080, owners=(VITE,))),
         answered(at("127.0.0.1", NGINX.label), at("::1", VITE.label),
                  at(HERE, error="ECONNREFUSED"))),
        "bind.in-use", also=("bind.split-families",), asks=(asks.ServedAsk(8080),),
        evidence=("connections to 127.0.0.1 are taken by nginx", "to ::1 are taken by vite",
                  f"nobody answers at {HERE}")),
    Row("all addresses reach the one program: nothing to tell", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("0.0.0.0", 8080, owners=(NGINX,))),
         answered(at("127.0.0.1", NGINX.label), at(HERE, NGINX.label))),
        "bind.in-use-overlap", unsaid=("connections to",)),
    Row("two programs share it by SO_REUSEPORT", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(NGINX,)),
                          socket("127.0.0.1", 8080, owners=(VITE,))),
         answered(at("127.0.0.1", NGINX.label, VITE.label))),
        "bind.in-use", evidence=("2 listeners share 127.0.0.1:8080", "by turns by nginx (pid 101) "
                                 "and vite (pid 9001)")),
    Row("a redirect takes what is sent to one address", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(NGINX,))),
         answered(at("127.0.0.1", NGINX.label), at(HERE, how="elsewhere"))),
        "bind.in-use", evidence=(f"connections to {HERE} are answered, and by no socket",)),
    Row("an answer that cannot be told, and one that does not come", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(NGINX,))),
         answered(at("127.0.0.1", how=""), at(HERE, error="ETIMEDOUT", how=""))),
        "bind.in-use", evidence=("which of the listeners took them", f"to {HERE} got ETIMEDOUT")),
    Row("who answers cannot be asked: the holder is named all the same", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, owners=(NGINX,)))),
        "bind.in-use", skipped=(asks.ServedAsk,)),
    Row("a free port is not connected to", "bind 8080", (), never=(asks.ServedAsk,)),
    Row("a port of another kind neither", "bind 127.0.0.1:8080",
        (*IN_USE_LO, held(socket("127.0.0.1", 8080, "BOUND", owners=(POSTGRES,)))),
        "bind.bound-not-listening", never=(asks.ServedAsk,)),
    Row("each family has its docker-proxy", f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(PROXY4,)),
              socket("::", 8080, v6only=True, owners=(PROXY6,))),)),
    Row("two workers of one master", f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(owner("gunicorn", 7, parents=MASTER),)),
              socket("::", 8080, v6only=True, owners=(owner("gunicorn", 8, parents=MASTER),))),)),
    Row("two processes of one service", f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(owner("inetd", 7, unit="x.service"),)),
              socket("::", 8080, v6only=True, owners=(owner("inetd", 8, unit="x.service"),))),)),
    Row("two programs of one session", f"bind {PRINTER}:8080",
        (held(socket("0.0.0.0", 8080, owners=(owner("node", 7, unit="s-1.scope"),)),
              socket("::", 8080, v6only=True, owners=(owner("node", 8, unit="s-1.scope"),))),),
        "bind.split-families", Verdict.DEGRADED),
    Row("mDNS is meant to be shared", f"bind+udp://{PRINTER}:5353",
        (table(5353, socket("0.0.0.0", 5353, "UNCONN", owners=(NGINX,)),
               socket("::", 5353, "UNCONN", v6only=True, owners=(VITE,)), transport="udp"),)),
    Row("localhost leads to two programs", "localhost:5432",
        (*LOCALHOST, table(5432, socket("127.0.0.1", 5432, owners=(POSTGRES,)),
                           socket("::1", 5432, owners=(VITE,)))),
        "bind.split-families", Verdict.DEGRADED, evidence=("postgres (pid 812)", "vite")),
    Row("localhost leads to one program", "localhost:5432",
        (*LOCALHOST, table(5432, socket("127.0.0.1", 5432, owners=(POSTGRES,)),
                           socket("::1", 5432, owners=(POSTGRES,)))), never=(asks.ServedAsk,)),
    Row("a dual-stack server has both", "localhost:5432",
        (*LOCALHOST, table(5432, socket("::", 5432, v6only=False, owners=(POSTGRES,)))),
        never=(asks.ServedAsk,)),
    Row("nothing is known of the listeners", "localhost:5432", LOCALHOST),
    Row("IPv6 alone is free: a server on [::] would take IPv4 too", "bind [::]:8080",
        (*bind_fails("::", 8080, "EADDRINUSE", dual=True),
         held(socket("127.0.0.1", 8080, owners=(NGINX,)))),
        "bind.in-use-overlap", Verdict.DEGRADED,
        evidence=("free for IPv6 alone", "for IPv6 alone (IPV6_V6ONLY) works", "nginx")),
    Row("an IPv4 connection is in the way of a dual-stack server", "bind [::]:8080",
        (*bind_fails("::", 8080, "EADDRINUSE", dual=True),
         held(socket("127.0.0.1", 8080, "ESTAB", remote=(ip(SERVER), 51000), owners=(NGINX,)))),
        "bind.in-use-by-connection", Verdict.DEGRADED, evidence=("for IPv6 alone",)),
    Row("every address of a port: each family has its own try", "bind 8080", (),
        asks=(asks.BindAsk(ip("::"), 8080),)),
    Row("a port that is reserved is no risk", "bind 40000",
        (machine(reserved_ports=((8080, 8080), (39999, 40000))),)),
    Row("a port beside the reserved ones is", "bind 40001",
        (machine(reserved_ports=((8080, 8080), (39999, 40000))),), "bind.ephemeral-risk",
        Verdict.OK),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_who_is_met_is_told(row: Row) -> None:
    check(row)
