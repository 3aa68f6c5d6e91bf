"""What changed between two reports, and the matrix of addresses: tables of probe rows."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.differences import compare
from netwhy.core.matrix import Cell, matrix
from netwhy.core.model import Kind, Mark, Outcome, ProbeRow, Target, TargetReport, Verdict
from netwhy.core.observations import Connect, HttpExchange, Route, SystemLookup, Trace, Url
from netwhy.core.seen.exchange import Certificate, TlsHandshake
from netwhy.core.seen.machine import Gateway, LocalState
from netwhy.core.seen.names import ConfiguredResolver, DnsAnswer, HostsEntry, ResolverConfig

A, B, C = (ip_address(text) for text in ("192.0.2.1", "192.0.2.7", "2001:db8::7"))
GATEWAY, OTHER = ip_address("192.0.2.254"), ip_address("192.0.2.253")
DNS = ip_address("192.0.2.53")
TARGET = Target("https://db.example", Kind.HTTPS, "db.example", 443)


def made(*rows: ProbeRow, addresses: tuple[str, ...] = (), target: Target = TARGET) -> TargetReport:
    return TargetReport(target, Verdict.OK, addresses, probes=rows)


def lookup(*addresses: Any, error: str | None = None) -> ProbeRow:
    return SystemLookup("db.example", addresses, error, 1.0).row()


def resolver(
    error: str | None = None, rcode: str | None = "NOERROR", rrtype: str = "A"
) -> ProbeRow:
    return DnsAnswer(DNS, 53, "db.example", rrtype, rcode=rcode, error=error).row()


def route(address: Any = A, **told: Any) -> ProbeRow:
    told = {"interface": "eth0", "gateway": GATEWAY, "source": ip_address("192.0.2.10")} | told
    return Route(address, **told).row()


def shown(not_after: str = "2026-03-01", issuer: str = "CA 1", sent: int = 2) -> ProbeRow:
    leaf = Certificate("CN=db.example", issuer, ("db.example",), "2026-01-01", not_after)
    chain = (leaf, *[Certificate(issuer)] * (sent - 1))
    return TlsHandshake(A, 443, "db.example", version="TLSv1.3", chain=chain).row()


def http(status: int | None = 200, path: str = "/", **told: Any) -> ProbeRow:
    return HttpExchange(A, Url("https", "db.example", 443, path), status, **told).row()


def login(query: str = "", host: str = "db.example") -> Url:
    return Url("https", host, 443, f"/login{query}")


def way(hops: int | None) -> ProbeRow:
    return Trace(A, 443, reached=hops).row()


def machine(*gateways: Gateway) -> ProbeRow:
    return LocalState("web-03", "linux", False, gateways=gateways).row()


def configured(*servers: Any) -> ProbeRow:
    used = tuple(ConfiguredResolver(s, str(s), 1) for s in servers)
    return ResolverConfig("/etc/resolv.conf", "ok", used).row()


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([lookup(A)], [lookup(A)], []),
        ([lookup(A)], [lookup(B)], ["addresses 192.0.2.1 > 192.0.2.7"]),
        ([lookup(A, B)], [lookup(B, A)], []),  # the order turns by itself
        ([lookup(A, B)], [lookup(B)], ["addresses 192.0.2.1, 192.0.2.7 > 192.0.2.7"]),
        ([lookup(A)], [lookup(error="EAI_AGAIN")], []),  # no address is no other address
        ([lookup(A)], [], []),
        ([], [lookup(A)], []),
        ([resolver()], [resolver("TIMEOUT", None)], ["resolver 192.0.2.53 answers > TIMEOUT"]),
        ([resolver()], [resolver(rcode="SERVFAIL")], ["resolver 192.0.2.53 answers > SERVFAIL"]),
        ([resolver(rrtype="AAAA")], [resolver("TIMEOUT", None)], []),  # not the same question
        (
            [configured(DNS)],
            [configured(B)],
            ["configured resolvers 192.0.2.53 > 192.0.2.7"],
        ),
        (
            [HostsEntry("db.example", "/etc/hosts").row()],
            [HostsEntry("db.example", "/etc/hosts", ((3, B),)).row()],
            ["hosts file no entry > 192.0.2.7"],
        ),
        (
            [machine(Gateway(GATEWAY, "eth0", 4))],
            [machine(Gateway(OTHER, "wlan0", 4))],
            ["default gateways 192.0.2.254 on eth0 > 192.0.2.253 on wlan0"],
        ),
        ([route()], [route(gateway=OTHER)], ["gateway 192.0.2.254 > 192.0.2.253"]),
        ([route()], [route(gateway=None)], ["gateway 192.0.2.254 > on link"]),
        ([route()], [route(interface="tun0")], ["interface eth0 > tun0"]),
        ([route()], [route(source=B)], ["source address 192.0.2.10 > 192.0.2.7"]),
        (
            [route()],
            [Route(A, error="ENETUNREACH").row()],
            ["route there > ENETUNREACH"],
        ),
        ([route(A)], [route(B, gateway=OTHER)], []),  # another address may have another way
        (
            [route(A), route(B)],
            [route(A, gateway=OTHER), route(B, gateway=OTHER)],
            ["gateway 192.0.2.254 > 192.0.2.253"],  # said once
        ),
        ([shown()], [shown("2026-09-01")], ["certificate expiry 2026-03-01 > 2026-09-01"]),
        ([shown()], [shown(issuer="CA 2")], ["certificate issuer CA 1 > CA 2"]),
        ([shown()], [shown(sent=1)], ["certificates sent 2 > 1"]),
        ([shown()], [TlsHandshake(A, 443, error="TIMEOUT", phase="handshake").row()], []),
        # What was tried later, with another offer, was tried to compare.
        ([shown()], [shown(), shown("2020-01-01")], []),
        ([http()], [http(503)], ["HTTP status 200 > 503"]),
        ([http()], [http(None, error="TIMEOUT", phase="answer")], []),
        ([http()], [http(503, "/other")], []),
        (
            [http(headers=(("server", "nginx"),))],
            [http(headers=(("server", "envoy"),))],
            ["HTTP server nginx > envoy"],
        ),
        ([http(302, next=login("?a=1"))], [http(302, next=login("?a=2"))], []),
        (
            [http(302, next=login())],
            [http(302, next=login(host="sso.example"))],
            ["redirect https://db.example/login > https://sso.example/login"],
        ),
        ([way(4)], [way(7)], ["hops 4 > 7"]),
        ([way(4)], [way(None)], []),  # it did not get there: so many hops there are not
    ],
)
def test_what_changed(before: list[ProbeRow], after: list[ProbeRow], changed: list[str]) -> None:
    found = compare(made(*before), made(*after))
    assert [f"{d.what} {d.was} > {d.now}" for d in found.changed] == changed
    assert not {d.what for d in found.changed} & {*found.same}


def test_what_both_hold_and_is_equal_is_named() -> None:
    found = compare(made(lookup(A), route(), http()), made(lookup(A), route(), http(503)))
    assert found.same == ("addresses", "route")
    found = compare(made(route(), shown()), made(route(gateway=OTHER), shown()))
    assert found.same == ("TLS version", "certificate"), (
        "no part of what changed is called unchanged"
    )
    assert compare(made(machine()), made(machine())).same == (), "nothing is not unchanged"


def test_an_address_as_target_has_no_name() -> None:
    literal = Target("192.0.2.1:443", Kind.TCP, "192.0.2.1", 443, address=A)
    before = made(addresses=("192.0.2.1",), target=literal)
    assert compare(before, made(addresses=("192.0.2.7",), target=literal)).same == ()


def test_the_addresses_of_a_report_count_where_no_look_up_is_told() -> None:
    found = compare(made(addresses=("192.0.2.1",)), made(addresses=("192.0.2.7",)))
    assert [d.what for d in found.changed] == ["addresses"]
    assert compare(
        made(addresses=("192.0.2.1",)), made(addresses=("192.0.2.7",)), moving=True
    ) == compare(made(), made())


def test_many_values_are_cut_and_the_different_ones_come_first() -> None:
    many = [ip_address(f"192.0.2.{n}") for n in range(10, 18)]
    found = compare(made(lookup(*many)), made(lookup(*many[:-1], B))).changed[0]
    assert found.was == "192.0.2.17, 192.0.2.10, 192.0.2.11, 192.0.2.12 and 4 more"
    assert found.now.startswith("192.0.2.7, ")


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["by", "addresses", "lines", "resolvers", "interface", "gateway", "chain", "status", "version"]
)
_ROWS = st.builds(
    ProbeRow,
    st.sampled_from(["local", "dns", "route", "path", "tls", "http", "tcp", "ping"]),
    st.sampled_from(["db.example", "192.0.2.1", "192.0.2.1:443", "x"]),
    st.sampled_from(Outcome),
    st.one_of(st.none(), st.floats()),
    st.one_of(st.none(), st.text(max_size=5)),
    st.dictionaries(_KEYS, _VALUES, max_size=4),
)


@given(st.lists(_ROWS, max_size=6), st.lists(_ROWS, max_size=6))
def test_no_row_breaks_the_comparison_and_equal_reports_do_not_differ(
    before: list[ProbeRow], after: list[ProbeRow]
) -> None:
    compare(made(*before), made(*after))
    assert compare(made(*before), made(*before)).changed == ()
    matrix(made(*before, addresses=("192.0.2.1", "192.0.2.7")))


# ------------------------------------------------------------------------------------ the matrix


def connect(address: Any, error: str | None = None, port: int = 443, ms: float = 0.5) -> ProbeRow:
    return Connect(address, port, error, ms).row()


def test_each_address_has_a_row_and_each_layer_that_was_tried_a_column() -> None:
    rows = (
        connect(A),
        connect(B, "ECONNREFUSED"),
        connect(C, "ENETUNREACH"),
        connect(A, port=22),  # to compare: not this port
        connect(B, ms=9.0),  # tried again: the first try counts
        shown(),
        http(503),
    )
    found = matrix(made(*rows, addresses=(str(A), str(B), str(C))))
    assert found is not None
    assert found.columns == ("connect", "TLS", "HTTP")
    assert found.rows == (
        (str(A), (Cell(Mark.OK, "", 0.5), Cell(Mark.OK), Cell(Mark.FAILED, "503"))),
        (str(B), (Cell(Mark.FAILED, "ECONNREFUSED", 0.5), Cell(), Cell())),
        (str(C), (Cell(Mark.FAILED, "ENETUNREACH", 0.5), Cell(), Cell())),
    )


def test_an_early_word_of_a_skipped_try_gives_way_to_a_real_one() -> None:
    skipped = ProbeRow("ping", str(A), Outcome.SKIPPED, detail={"reason": "not allowed"})
    answers = ProbeRow("ping", str(A), Outcome.OK, 0.4)
    host = Target("db.example", Kind.HOST, "db.example")
    found = matrix(made(skipped, answers, addresses=(str(A), str(B)), target=host))
    assert found is not None and found.rows[0][1] == (Cell(Mark.OK, "", 0.4),)


def test_one_address_or_nothing_tried_needs_no_matrix() -> None:
    assert matrix(made(connect(A), addresses=(str(A),))) is None
    assert matrix(made(connect(A), addresses=(str(A), str(A)))) is None
    assert matrix(made(addresses=(str(A), str(B)))) is None
