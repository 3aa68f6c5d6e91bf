"""Local sockets: the table, what fits a filter, and the JSON."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netwhy.core.observations import Owner, Socket
from netwhy.core.ports import FreePort, PortRules, Served, free_ports
from netwhy.output.layout import Page, columns
from netwhy.output.port_records import CSV_COLUMNS, csv_text, free_document, ports_document
from netwhy.output.ports import Wanted, footnote_lines, served_lines, table_lines

PAGE = Page()

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
    assert table_lines(ALL, PAGE) == [
        "PROTO  ADDRESS       PORT  REACH       USER      PID  PROCESS   COMMAND",
        "tcp    192.0.2.10      80  everywhere  33          -  -         -",
        "udp    fe80::1%eth0   546  this link   root        -  -         [dhcp.service]",
        "tcp    127.0.0.1     5432  loopback    postgres  811  postgres  "
        "/usr/lib/postgresql/bin/postgres -D /data [postgresql.service]",
        "tcp    ::            8080  everywhere  ada        80  python3   "
        "python3 -m http.server 8080",
    ]


def test_connections_and_ages_have_columns_where_they_are_known() -> None:
    busy = replace(POSTGRES, connections=12)
    header, line = table_lines((busy,), PAGE, now=1767225600.0 + 7200)
    assert "CONNS  SINCE" in header
    assert "  12  2h00m  postgres" in line


def test_a_narrow_terminal_loses_columns_before_it_cuts_the_command() -> None:
    busy = replace(POSTGRES, connections=12)
    wide = table_lines((busy,), PAGE, width=140, now=1767225600.0 + 7200)
    assert all(name in wide[0] for name in ("CONNS", "SINCE", "USER", "REACH"))
    narrow = table_lines((busy,), PAGE, width=76, now=1767225600.0 + 7200)
    assert "CONNS" not in narrow[0] and "SINCE" not in narrow[0] and "USER" in narrow[0]
    narrowest = table_lines((busy,), PAGE, width=50, now=1767225600.0 + 7200)
    assert "USER" not in narrowest[0] and "PORT" in narrowest[0] and "PID" in narrowest[0]
    for line in (*wide, *narrow, *narrowest):
        assert columns(line) <= 140
    assert all(columns(line) <= 50 for line in narrowest)
    assert narrowest[1].endswith("…")
    assert table_lines((busy,), Page(ascii=True), width=50)[1].endswith("...")


def test_what_shadows_a_listener_is_marked_and_told_below() -> None:
    other = replace(WEB, address=ip_address("127.0.0.1"), owners=(Owner(pid=9, name="old"),))
    _header, first, second, gap, *notes = table_lines((WEB, other), PAGE)
    assert first.startswith("▲  tcp") and second.startswith("▲  tcp") and gap == ""
    assert notes == [
        "▲ tcp 127.0.0.1:8080: more specific than python3 (pid 80) on [::]:8080, which gets the"
        " clients of all other addresses",
        "▲ tcp [::]:8080: clients of 127.0.0.1 reach old (pid 9) on 127.0.0.1:8080 instead, which"
        " is more specific",
    ]
    assert table_lines((WEB,), PAGE, among=(WEB, other))[1].startswith("▲"), (
        "though it is not shown"
    )
    assert not table_lines((WEB,), PAGE)[1].startswith("▲")


def test_nothing_to_show_is_no_line() -> None:
    assert table_lines((), PAGE) == []


def test_connections_tell_their_other_end_and_time_wait_what_is_left() -> None:
    client = Socket(
        "tcp", ip_address("192.0.2.10"), 40000, "ESTAB", remote=(ip_address("192.0.2.7"), 443)
    )
    waiting = replace(client, state="TIME_WAIT", remote=None, expires_ms=41_250)
    _header, first, second = table_lines((client, waiting), PAGE)
    assert "tcp estab" in first and "to 192.0.2.7:443" in first
    assert "tcp time_wait" in second and "41.2 s left" in second


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
    for line in (*table_lines((hostile,), PAGE), *table_lines((hostile,), PAGE, width=60)):
        assert line.isprintable()
    header, row = csv.reader(io.StringIO(csv_text((hostile,))))
    assert header == list(CSV_COLUMNS)
    assert all(cell.isprintable() and not cell.startswith(("=", "+", "-", "@")) for cell in row)
    for line in served_lines((Served(hostile.address, 1, None, (text,), "only"),)):
        assert line.isprintable()
    document = ports_document((hostile,), version="0", taken_at=NOW)
    strings = json.dumps(json.loads(document), ensure_ascii=False)
    assert strings.isprintable()
    assert Wanted(words=(text,)).fits(hostile) in (True, False)


def test_a_command_line_cannot_be_a_formula() -> None:
    formula = replace(WEB.owners[0], command='=HYPERLINK("http://x.example/","a")', name="@SUM(1)")
    rows = list(csv.DictReader(io.StringIO(csv_text((replace(WEB, owners=(formula,)),)))))
    assert rows[0]["command"] == '\'=HYPERLINK("http://x.example/","a")'
    assert rows[0]["process"] == "'@SUM(1)"
    assert (rows[0]["address"], rows[0]["pid"], rows[0]["v6only"]) == ("::", "80", "false")


RULES = PortRules(unprivileged_start=1024, ephemeral=(32768, 60999), reserved=frozenset({40000}))


@pytest.mark.parametrize(
    ("ports", "taken", "found"),
    [
        ((range(8000, 8004),), {8001, 8002}, [(8000, ""), (8003, "")]),
        ((range(8000, 8002), range(8001, 8003)), set(), [(8000, ""), (8001, ""), (8002, "")]),
        ((range(1022, 1026),), {1024}, [(1022, "privileged"), (1023, "privileged"), (1025, "")]),
        ((range(32767, 32769),), set(), [(32767, ""), (32768, "ephemeral")]),
        ((range(40000, 40002),), set(), [(40000, ""), (40001, "ephemeral")]),
        ((range(60999, 61001),), set(), [(60999, "ephemeral"), (61000, "")]),
        ((range(2),), set(), [(1, "privileged")]),
        ((range(80, 81),), {80}, []),
    ],
)
def test_free_ports_and_their_risk(
    ports: tuple[range, ...], taken: set[int], found: list[tuple[int, str]]
) -> None:
    free = list(free_ports(ports, "tcp", taken, RULES))
    assert [(p.port, p.risk) for p in free] == found
    assert all(bool(p.about) == bool(p.risk) or p.port == 40000 for p in free)


def test_root_has_no_privileged_ports() -> None:
    (free,) = free_ports((range(80, 81),), "tcp", (), replace(RULES, privileged=True))
    assert (free.risk, free.about) == ("", "")


def test_the_json_of_free_ports() -> None:
    document = json.loads(
        free_document(
            (FreePort(40001, "udp", "ephemeral", "may be taken"),), version="0", taken_at=NOW
        )
    )
    assert document["schema"] == "netwhy.ports/1"
    assert document["free"] == [
        {"port": 40001, "transport": "udp", "risk": "ephemeral", "about": "may be taken"}
    ]


def test_addresses_with_the_same_answer_are_told_together() -> None:
    served = (
        Served(ip_address("127.0.0.1"), 80, None, ("nginx (pid 4)",), "only"),
        Served(ip_address("192.0.2.10"), 80, None, ("nginx (pid 4)",), "only"),
        Served(ip_address("::1"), 80, "ECONNREFUSED"),
        Served(ip_address("2001:db8::10"), 80, None, (), "elsewhere"),
    )
    assert served_lines(served)[1:] == [
        "Who answers on port 80 of each address of this machine:",
        "  nginx (pid 4)                            127.0.0.1, 192.0.2.10",
        "  nobody: refused                          ::1",
        "  no socket of this machine (a NAT rule?)  2001:db8::10",
    ]
