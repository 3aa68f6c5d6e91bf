"""What the kernel sends is parsed as far as it goes, and never further."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.observations import Socket
from netwhy.system import interfaces, netlink, routes, sockets

NUMBERS = st.integers(min_value=1, max_value=0x3FFF)


@given(st.dictionaries(NUMBERS, st.binary(max_size=40), max_size=8))
def test_attributes_come_back_as_they_were_packed(values: dict[int, bytes]) -> None:
    packed = b"".join(netlink.attribute(kind, value) for kind, value in values.items())
    assert netlink.attributes(packed) == values


@given(st.dictionaries(NUMBERS, st.binary(max_size=40), min_size=1, max_size=8), st.data())
def test_a_cut_off_list_keeps_the_attributes_before_the_cut(
    values: dict[int, bytes], data: st.DataObject
) -> None:
    packed = b"".join(netlink.attribute(kind, value) for kind, value in values.items())
    cut = packed[: data.draw(st.integers(0, len(packed)))]
    found = netlink.attributes(cut)
    assert list(found.items()) == list(values.items())[: len(found)]


@given(st.binary(max_size=400))
def test_random_bytes_never_raise_in_any_parser(data: bytes) -> None:
    netlink.attributes(data)
    for _kind, _flags, body in netlink.split(data):
        assert len(body) <= len(data) - 16
    interfaces.parse_link(data, {})
    interfaces.parse_address(data)
    routes.parse_route(IPv4Address("192.0.2.1"), data)
    list(routes.parse_default(data))
    for transport in ("tcp", "udp"):
        row = sockets.parse_row(data, transport)
        assert row is None or isinstance(row.socket, Socket)


@given(st.lists(st.tuples(st.integers(0, 100), st.binary(max_size=30)), max_size=6))
def test_messages_of_one_datagram_come_back_in_order(messages: list[tuple[int, bytes]]) -> None:
    data = b"".join(
        struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body + bytes(-len(body) % 4)
        for kind, body in messages
    )
    assert [(kind, body) for kind, _flags, body in netlink.split(data)] == messages


def _route(kind: int, *attributes: bytes, family: int = 2, bits: int = 0) -> bytes:
    return struct.pack("=BBBBBBBBI", family, bits, 0, 0, 254, 0, 0, kind, 0) + b"".join(attributes)


@pytest.mark.parametrize(
    ("kind", "error"),
    [(6, "EINVAL"), (7, "EHOSTUNREACH"), (8, "EACCES"), (9, "ENETUNREACH"), (1, None)],
)
def test_a_route_that_refuses_has_its_errno(kind: int, error: str | None) -> None:
    assert routes.parse_route(IPv4Address("192.0.2.1"), _route(kind)).error == error


def test_an_ipv4_route_may_have_an_ipv6_next_hop() -> None:
    via = struct.pack("=H", 10) + IPv6Address("fe80::1").packed
    body = _route(1, netlink.attribute(18, via), netlink.attribute(4, struct.pack("=I", 1)))
    found = routes.parse_route(IPv4Address("192.0.2.1"), body)
    assert found.interface == "lo"
    assert found.gateway == IPv6Address("fe80::1%lo")


def test_every_next_hop_of_a_multipath_default_is_a_gateway() -> None:
    hops = b""
    for address in ("192.0.2.1", "192.0.2.2"):
        gateway = netlink.attribute(5, IPv4Address(address).packed)
        hops += struct.pack("=HBBi", 8 + len(gateway), 0, 0, 1) + gateway
    metric = netlink.attribute(6, struct.pack("=I", 50))
    found = list(routes.parse_default(_route(1, metric, netlink.attribute(9, hops))))
    assert [(str(g.address), g.metric, table) for table, g in found] == [
        ("192.0.2.1", 50, 254),
        ("192.0.2.2", 50, 254),
    ]


def test_a_route_that_is_not_the_default_gives_no_gateway() -> None:
    link = netlink.attribute(4, struct.pack("=I", 1))
    assert list(routes.parse_default(_route(1, link, bits=24))) == []
    assert list(routes.parse_default(_route(7, link))) == []
    assert len(list(routes.parse_default(_route(1, link)))) == 1


def _link(flags: int, carrier: int, operstate: int) -> bytes:
    body = struct.pack("=BxHiII", 0, 1, 7, flags, 0)
    return b"".join(
        (
            body,
            netlink.attribute(3, b"eth7\0"),
            netlink.attribute(33, bytes([carrier])),
            netlink.attribute(16, bytes([operstate])),
        )
    )


@pytest.mark.parametrize(
    ("flags", "carrier", "operstate", "up", "seen"),
    [
        (0x1, 1, 6, True, True),
        (0x1, 1, 0, True, True),  # drivers without operstate say "unknown"
        (0x1, 0, 2, True, False),
        (0x1, 1, 5, True, False),  # dormant: 802.1X has not let it in
        (0x1, 1, 3, True, False),  # the device below it is down
        (0x0, 0, 2, False, None),
    ],
)
def test_carrier_needs_a_link_that_operates(
    flags: int, carrier: int, operstate: int, up: bool, seen: bool | None
) -> None:
    found = interfaces.parse_link(_link(flags, carrier, operstate), {})
    assert found is not None
    assert (found.name, found.index, found.up, found.carrier) == ("eth7", 7, up, seen)


@pytest.mark.parametrize(
    ("flags", "state"),
    [(0x80, ""), (0x40, "tentative"), (0x44, ""), (0x48, "dadfailed"), (0x20, "deprecated")],
)
def test_ipv6_address_states(flags: int, state: str) -> None:
    address = IPv6Address("2001:db8::5")
    body = struct.pack("=BBBBI", 10, 64, 0, 0, 3) + netlink.attribute(1, address.packed)
    body += netlink.attribute(8, struct.pack("=I", flags))
    parsed = interfaces.parse_address(body)
    assert parsed is not None
    index, found = parsed
    assert (index, found.address, found.prefix, found.state) == (3, address, 64, state)


def test_on_a_point_to_point_link_the_own_address_is_shown() -> None:
    own, peer = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
    body = struct.pack("=BBBBI", 2, 32, 0, 0, 3)
    body += netlink.attribute(1, peer.packed) + netlink.attribute(2, own.packed)
    parsed = interfaces.parse_address(body)
    assert parsed is not None and parsed[1].address == own
