"""Who refused: each ICMP error that a firewall or router can send, seen by each kind of probe."""

from __future__ import annotations

import asyncio
import struct
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.net.namespaces import FAR, NEAR, firewall, inside, peer, sysctl

from netwhy.core.asks import ConnectAsk, DnsAsk, PingAsk, UdpAsk
from netwhy.core.observations import Icmp, Observation
from netwhy.probes import dns, ping, tcp, udp
from netwhy.system import errqueue

#: nft's word, the ICMP type and code that it sends, and what the kernel makes of them (both
#: for TCP and for UDP with the error queue on).
REJECTS_4 = [
    ("icmp net-unreachable", 3, 0, "ENETUNREACH"),
    ("icmp host-unreachable", 3, 1, "EHOSTUNREACH"),
    ("icmp prot-unreachable", 3, 2, "ENOPROTOOPT"),
    ("icmp port-unreachable", 3, 3, "ECONNREFUSED"),
    ("icmp net-prohibited", 3, 9, "ENETUNREACH"),
    ("icmp host-prohibited", 3, 10, "EHOSTUNREACH"),
    ("icmp admin-prohibited", 3, 13, "EHOSTUNREACH"),
]
REJECTS_6 = [
    ("icmpv6 no-route", 1, 0, "ENETUNREACH"),
    ("icmpv6 admin-prohibited", 1, 1, "EACCES"),
    ("icmpv6 addr-unreachable", 1, 3, "EHOSTUNREACH"),
    ("icmpv6 port-unreachable", 1, 4, "ECONNREFUSED"),
]
FIRST = 1000


def chain(hook: str, *rules: str) -> str:
    lines = "\n".join(rules)
    return f"table inet t {{\nchain c {{\ntype filter hook {hook} priority 0;\n{lines}\n}}\n}}\n"


def reject_rules(hook: str) -> str:
    """One port for each kind, the same number in both families."""
    rules = []
    for family, kinds in (("ipv4", REJECTS_4), ("ipv6", REJECTS_6)):
        for number, (kind, *_rest) in enumerate(kinds):
            where = f"meta nfproto {family} meta l4proto {{ tcp, udp }} th dport {FIRST + number}"
            rules.append(f"{where} reject with {kind}")
    return chain(hook, *rules)


def told(seen: Observation) -> list[Any]:
    """What an observation says of a refusal: errno, ICMP type and code, sender, own."""
    icmp = getattr(seen, "icmp", None)
    assert icmp is None or isinstance(icmp, Icmp)
    error = getattr(seen, "error", None)
    if icmp is None:
        return [error]
    return [error, icmp.type, icmp.code, str(icmp.sender), icmp.own]


def run(probe: Any, ask: Any) -> list[Any]:
    return told(asyncio.run(probe(ask, lambda early: None)))


def all_kinds() -> list[list[Any]]:
    found = []
    for address, kinds in zip(FAR, (REJECTS_4, REJECTS_6), strict=True):
        for number in range(len(kinds)):
            to = ip_address(address)
            found.append(run(tcp.connect, ConnectAsk(to, FIRST + number)))
            found.append(run(udp.exchange, UdpAsk(to, FIRST + number)))
    return found


def expected(senders: tuple[str, str], own: bool) -> list[list[Any]]:
    rows = []
    for sender, kinds in zip(senders, (REJECTS_4, REJECTS_6), strict=True):
        for _word, kind, code, error in kinds:
            rows += [[error, kind, code, sender, own]] * 2
    return rows


def rejected_there() -> list[list[Any]]:
    with peer(reject_rules("input")):
        return all_kinds()


def test_each_reject_of_the_far_host_names_it() -> None:
    assert inside(rejected_there) == expected(FAR, own=False)


def rejected_here() -> list[list[Any]]:
    with peer():
        firewall(reject_rules("output"))
        return all_kinds()


def test_a_reject_by_the_own_firewall_is_known_as_own() -> None:
    """The errno of a datagram is the filter's (EPERM); that of a connect the ICMP error's."""
    rows = expected(NEAR, own=True)
    udp_rows = [["EPERM", *row[1:]] for row in rows[1::2]]
    found = inside(rejected_here)
    assert found[0::2] == rows[0::2]
    assert found[1::2] == udp_rows


def reset_by_firewall() -> list[list[Any]]:
    with peer(chain("input", "tcp dport 1000 reject with tcp reset")):
        return [run(tcp.connect, ConnectAsk(ip_address(to), 1000)) for to in FAR]


def test_a_reset_by_a_firewall_queues_nothing() -> None:
    assert inside(reset_by_firewall) == [["ECONNREFUSED"]] * 2


def dns_rejected() -> list[list[Any]]:
    rule = "meta l4proto { tcp, udp } th dport 53 reject with icmpx admin-prohibited"
    with peer(chain("input", rule)):
        return [
            run(dns.query, DnsAsk(ip_address(to), "ok.test.", "A", transport=transport))
            for to in FAR
            for transport in ("udp", "tcp")
        ]


def test_a_rejected_name_server_query_names_the_sender_over_both_transports() -> None:
    assert inside(dns_rejected) == [
        ["EHOSTUNREACH", 3, 13, FAR[0], False],
        ["EHOSTUNREACH", 3, 13, FAR[0], False],
        ["EACCES", 1, 1, FAR[1], False],
        ["EACCES", 1, 1, FAR[1], False],
    ]


def pings(rules: str) -> list[list[Any]]:
    sysctl("ipv4/ping_group_range", "0 0")
    with peer(rules):
        return [run(ping.ping, PingAsk(ip_address(to))) for to in FAR]


def test_a_rejected_ping_names_the_sender() -> None:
    rule = "icmp type echo-request reject with icmp admin-prohibited"
    v6 = "icmpv6 type echo-request reject with icmpv6 admin-prohibited"
    assert inside(pings, chain("input", rule, v6)) == [
        ["EHOSTUNREACH", 3, 13, FAR[0], False],
        ["EACCES", 1, 1, FAR[1], False],
    ]


ROUTES = (
    "unreachable 198.51.100.0/24",
    "prohibit 203.0.113.0/24",
    "unreachable 2001:db8:1::/64",
    "prohibit 2001:db8:2::/64",
    "198.51.100.9/32 dev far",
    "2001:db8:1::9/128 dev far",
)


def refused_on_the_way() -> list[list[Any]]:
    """The last two packets may pass no router at all."""
    short = ("ip daddr 198.51.100.9 ip ttl set 1", "ip6 daddr 2001:db8:1::9 ip6 hoplimit set 1")
    hosts = ("198.51.100.7", "203.0.113.7", "2001:db8:1::7", "2001:db8:2::7")
    with peer(routes=ROUTES):
        firewall(chain("output", *short))
        far_hosts = (*hosts, "198.51.100.9", "2001:db8:1::9")
        return [run(tcp.connect, ConnectAsk(ip_address(to), 80)) for to in far_hosts]


def test_an_error_of_a_router_on_the_way_names_the_router() -> None:
    assert inside(refused_on_the_way) == [
        ["EHOSTUNREACH", 3, 1, FAR[0], False],
        ["EHOSTUNREACH", 3, 13, FAR[0], False],
        ["ENETUNREACH", 1, 0, FAR[1], False],
        ["EACCES", 1, 1, FAR[1], False],
        ["EHOSTUNREACH", 11, 0, FAR[0], False],
        ["EHOSTUNREACH", 3, 0, FAR[1], False],
    ]


# ------------------------------------------------------------------- the bytes of the kernel


def extended_error(number: int, origin: int, kind: int, code: int, offender: bytes = b"") -> bytes:
    """A sock_extended_err as in linux/errqueue.h."""
    return struct.pack("=IBBBBII", number, origin, kind, code, 0, 0, 0) + offender


def test_an_ipv4_error_told_to_an_ipv6_socket_names_the_ipv4_sender() -> None:
    mapped = ip_address("::ffff:192.0.2.1").packed
    offender = struct.pack("=HHI", 10, 0, 0) + mapped + bytes(4)
    seen = errqueue.parse(extended_error(113, 2, 3, 1, offender))
    assert seen is not None and seen[1] is not None
    assert (seen[0], seen[1].version, str(seen[1].sender)) == (113, 4, "192.0.2.1")


@pytest.mark.parametrize(
    ("payload", "seen"),
    [
        (b"", None),
        (extended_error(111, 2, 3, 3)[:15], None),
        (extended_error(90, 1, 0, 0), (90, None)),  # origin: this machine itself
        (extended_error(111, 2, 3, 3), (111, Icmp(4, 3, 3, None))),
        (extended_error(0, 2, 5, 1), (5, Icmp(4, 5, 1, None))),  # never "no error"
        (extended_error(111, 2, 3, 3, bytes(16)), (111, Icmp(4, 3, 3, None))),  # AF_UNSPEC
        (extended_error(111, 3, 1, 4, b"\x0a\x00" + bytes(8)), (111, Icmp(6, 1, 4, None))),
    ],
)
def test_a_short_or_odd_entry_is_read_as_far_as_it_goes(payload: bytes, seen: Any) -> None:
    assert errqueue.parse(payload) == seen


@given(st.binary(max_size=80))
def test_no_entry_raises(payload: bytes) -> None:
    seen = errqueue.parse(payload)
    assert (seen is None) == (len(payload) < 16)
    assert seen is None or seen[0] != 0
