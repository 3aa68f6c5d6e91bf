"""Local sockets: the table, what fits a filter, and the JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwhy.core.observations import Owner, Socket
from netwhy.output.layout import columns
from netwhy.output.ports import Wanted, footnote_lines, ports_document, table_lines

NOW = datetime(2026, 1, 1, tzinfo=UTC)

POSTGRES = Socket(
    "tcp",
    ip_address("127.0.0.1"),
    5432,
    "LISTEN",
    uid=111,
    owners=(
        Owner(
            pid=811,
            name="postgres",
            user="postgres",
            uid=111,
            command="/usr/lib/postgresql/bin/postgres -D /data",
            started=1767225600.0,
            parents=((1, "systemd"),),
            unit="postgresql.service",
        ),
    ),
)
WEB = Socket(
    "tcp",
    ip_address("::"),
    8080,
    "LISTEN",
    uid=1000,
    v6only=False,
    owners=(
        Owner(pid=80, name="python3", user="ada", uid=1000, command="python3 -m http.server 8080"),
    ),
)
HIDDEN = Socket(
    "udp",
    ip_address("fe80::1"),
    546,
    "UNCONN",
    uid=0,
    interface="eth0",
    owners=(Owner(user="root", uid=0, unit="dhcp.service", hidden="its process and command"),),
)
NOBODY = Socket("tcp", ip_address("192.0.2.10"), 80, "LISTEN", uid=33)
ALL = (WEB, HIDDEN, POSTGRES, NOBODY)


def test_the_table_is_sorted_by_port_and_names_the_holder() -> None:
    assert table_lines(ALL) == [
        "PROTO  ADDRESS       PORT  REACH       USER      PID  PROCESS   COMMAND",
        "tcp    192.0.2.10      80  everywhere  33          -  -         -",
        "udp    fe80::1%eth0   546  this link   root        -  -         [dhcp.service]",
        "tcp    127.0.0.1     5432  loopback    postgres  811  postgres  "
        "/usr/lib/postgresql/bin/postgres -D /data [postgresql.service]",
        "tcp    ::            8080  everywhere  ada        80  python3   "
        "python3 -m http.server 8080",
    ]


def test_a_terminal_cuts_the_last_column_and_a_pipe_nothing() -> None:
    cut = table_lines(ALL, width=70)
    assert all(columns(line) <= 70 for line in cut)
    assert cut[3].endswith("…")
    assert table_lines(ALL, width=70, ascii=True)[3].endswith("...")


def test_nothing_to_show_is_no_line() -> None:
    assert table_lines(()) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), ALL),
        (Wanted(words=("80",)), (WEB, NOBODY)),  # pid 80 and port 80; "8080" only as a command
        (Wanted(words=("8080",)), (WEB,)),
        (Wanted(words=("811",)), (POSTGRES,)),
        (Wanted(words=("POSTGRES",)), (POSTGRES,)),
        (Wanted(words=("udp",)), (HIDDEN,)),
        (Wanted(words=("loopback",)), (POSTGRES,)),
        (Wanted(words=("dhcp.service",)), (HIDDEN,)),
        (Wanted(words=("tcp", "everywhere")), (WEB, NOBODY)),
        (Wanted(words=("tcp", "ada")), (WEB,)),
        (Wanted(words=("nothing like it",)), ()),
        (Wanted(ports=(range(80, 81),)), (NOBODY,)),
        (Wanted(ports=(range(5000, 9000),)), (WEB, POSTGRES)),
        (Wanted(ports=(range(80, 81), range(546, 547))), (HIDDEN, NOBODY)),
        (Wanted(processes=("http.server",)), (WEB,)),
        (Wanted(processes=("python",), ports=(range(80, 81),)), ()),
    ],
)
def test_every_condition_must_hold(wanted: Wanted, found: tuple[Socket, ...]) -> None:
    assert tuple(s for s in ALL if wanted.fits(s)) == found


def test_what_sudo_would_add_is_said_once() -> None:
    assert footnote_lines(ALL, "sudo netwhy ports") == [
        "2 sockets belong to processes that this user may not see.",
        "To name them: sudo netwhy ports",
    ]
    assert footnote_lines((POSTGRES, WEB), "sudo netwhy ports") == []


def test_where_sudo_would_add_nothing_the_reason_is_said_once() -> None:
    assert footnote_lines((HIDDEN, HIDDEN, WEB), None) == [
        "2 sockets: its process and command.",
    ]
    assert footnote_lines((POSTGRES, WEB), None) == []


def test_the_json_holds_every_socket_with_its_owner() -> None:
    document = json.loads(ports_document(ALL, version="0.1.0", taken_at=NOW))
    assert document["schema"] == "netwhy.ports/1"
    assert [s["port"] for s in document["sockets"]] == [80, 546, 5432, 8080]
    postgres = document["sockets"][2]
    assert postgres["owners"][0]["pid"] == 811
    assert postgres["owners"][0]["parents"] == [{"pid": 1, "name": "systemd"}]
    assert document["sockets"][1]["owners"][0]["hidden"] == "its process and command"


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=())))
def test_a_process_may_call_itself_what_it_likes(text: str) -> None:
    owner = Owner(
        pid=1, name=text, user=text, command=text, unit=text, container=text, hidden=text,
        parents=((1, text),),
    )  # fmt: skip
    hostile = Socket("tcp", ip_address("::1"), 1, "LISTEN", interface=text, owners=(owner,))
    for line in table_lines((hostile,)):
        assert line.isprintable()
    document = ports_document((hostile,), version="0", taken_at=NOW)
    strings = json.dumps(json.loads(document), ensure_ascii=False)
    assert strings.isprintable()
    assert Wanted(words=(text,)).fits(hostile) in (True, False)
