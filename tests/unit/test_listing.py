"""One reading of the sockets: its order, and what a filter finds in it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.listing import listing
from netwhy.core.observations import Owner, Socket
from netwhy.output.ports import Wanted

NGINX = Owner(1080, "nginx", "www", 33, "nginx -g x8080", 1.0, (), "nginx.service")
SHOP = Owner(77, "api", "ada", 1000, "/srv/api --shop", 2.0, (), None, "0123456789ab (docker)")


def sock(port: int, address: str = "0.0.0.0", *owners: Owner, **more: object) -> Socket:
    kinds = {"state": "LISTEN", **more}
    return Socket("tcp", ip_address(address), port, inode=port, owners=owners, **kinds)  # type: ignore[arg-type]


LISTENER = sock(80, "192.0.2.1", NGINX)
OTHER = sock(8080, "fe80::1", SHOP)
CLIENT = sock(80, "192.0.2.1", remote=(ip_address("198.51.100.7"), 40080), state="ESTAB", uid=33)
LINGERS = replace(CLIENT, state="TIME_WAIT", inode=None, remote=(ip_address("198.51.100.8"), 9))
FOUND = listing([OTHER, LINGERS, CLIENT, LISTENER])


def test_a_port_s_connections_stand_under_its_listener() -> None:
    assert FOUND.sockets == (LISTENER, LINGERS, CLIENT, OTHER)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", [0, 1, 2, 3]),
        ("80", [0, 1, 2]),  # a whole port
        ("8080", [0, 3]),  # a port, and a part of a command
        ("1080", [0]),  # a pid
        ("40080", [2]),  # the port at the other end
        ("4008", []),
        ("NGINX", [0]),
        ("nginx.service", [0]),
        ("docker", [3]),
        ("ada 8080", [3]),
        ("estab", [2]),
        ("time_wait", [1]),
        ("198.51.100", [1, 2]),
        ("everywhere", [0]),
        ("link", [3]),
        ("fe80", [3]),
        ("33", []),  # the number of a user is no port and no pid
        ("198", []),  # no part of an address: a number is whole
        ("nothing-like-it", []),
    ],
)
def test_a_filter_finds(words: str, found: list[int]) -> None:
    assert FOUND.places(words.split()) == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("80", [0, 1, 2]),  # it is a port itself: 8080 is another one
        ("808", [0, 3]),  # a part of a command as well
        ("4008", [2]),  # the port at the other end
        ("108", []),  # of a pid the whole is wanted
        ("ada 8", [3]),
        ("ada 80", []),
        ("80 ada", []),
    ],
)
def test_while_a_port_is_typed_its_beginning_finds_it(words: str, found: list[int]) -> None:
    assert FOUND.places(words.split(), typing=True) == found


@given(st.lists(st.sampled_from(["80", "8080", "nginx", "api", "77", "ada", "link", "tcp"])))
def test_it_finds_what_the_command_finds(words: list[str]) -> None:
    """Among listeners: of connections the command shows less than a filter may ask for."""
    reading = listing([LISTENER, OTHER])
    wanted = Wanted(words=tuple(words))
    expected = [place for place, s in enumerate(reading.sockets) if wanted.fits(s)]
    assert reading.places(words) == expected


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_text_breaks_the_search(name: str, word: str) -> None:
    reading = listing([sock(80, "::", replace(NGINX, name=name, command=word))])
    assert reading.places([word]) in ([0], [])
    if name.strip("\0\1") == name and not name.isdecimal():
        assert reading.places([name]) == [0]
