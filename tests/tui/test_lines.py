"""The pure parts of the screen: widths, columns, words of time, order, overlaps."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.tui.world import listener, offline, refused, target, works

from netwhy.core.model import VERDICT_ORDER, Alternative, Fix, TargetReport, Verdict, Where
from netwhy.core.observations import Owner, Socket
from netwhy.core.overlaps import overlaps
from netwhy.core.record import Record
from netwhy.core.snapshot import Row
from netwhy.output.layout import Page
from netwhy.tui.columns import PORTS, TARGETS, laid
from netwhy.tui.legend import port_legend, target_legend
from netwhy.tui.order import Order, arranged
from netwhy.tui.spans import duration, fitted, folded, share, short_ms, squeezed
from netwhy.tui.target_lines import target_line
from netwhy.tui.why_lines import why_lines

pytestmark = pytest.mark.tui


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (204, "3m24s"),
        (599, "9m59s"),
        (600, "10m"),
        (3599, "59m"),
        (3600, "1h00m"),
        (7440, "2h04m"),
        (86400 * 3 + 3600 * 5, "3d05h"),
        (86400 * 400, "400d00h"),
    ],
)
def test_duration(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"), [(None, "–"), (0.0, "0%"), (0.001, "<1%"), (0.25, "25%"), (1.0, "100%")]
)
def test_a_small_share_is_not_nothing(value: float | None, said: str) -> None:
    assert share(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0.0, "0.00"), (0.42, "0.42"), (12.44, "12.4"), (1234.5, "1234")],
)
def test_short_ms(value: float | None, said: str) -> None:
    assert short_ms(value) == said


@given(st.text(max_size=60), st.integers(1, 40))
def test_fitted_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    shown = "".join(char for char in text if char.isprintable())
    assert cell_len(fitted(shown, width)) == width
    assert cell_len(fitted(shown, width, right=True)) == width


@given(st.text(max_size=60), st.integers(1, 40))
def test_squeezed_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    shown = "".join(char for char in text if char.isprintable())
    assert cell_len(squeezed(shown, width)) == width


def test_a_number_keeps_its_unit() -> None:
    assert folded("answered after 0.15 ms, twice", 19) == ["answered after", "0.15 ms, twice"]


def test_a_long_target_keeps_its_port() -> None:
    assert squeezed("udp://198.51.100.11:5353", 20) == "udp://198…00.11:5353"
    assert squeezed("short:1", 10) == "short:1   "


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "M"]), max_size=90),
    st.integers(2, 40),
)
def test_folded_loses_nothing_and_fits(text: str, width: int) -> None:
    lines = folded(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == "".join(text.split()).replace(" ", "")


# ------------------------------------------------------------------------------------- columns


def test_columns_go_in_the_declared_order_and_some_never() -> None:
    gone: list[str] = []
    for width in range(140, 20, -1):
        names = {column.name for column, _ in laid(TARGETS, width)}
        gone += [c.name for c in TARGETS if c.name not in names and c.name not in gone]
    assert gone == [
        "p95", "loss", "word", "since", "strip", "rtt",
        "name", "route", "ping", "port", "tls", "app",
    ]  # fmt: skip
    assert {c.name for c, _ in laid(TARGETS, 1)} == {"state", "target"}


@pytest.mark.parametrize("columns", [TARGETS, PORTS])
@given(width=st.integers(50, 220))
def test_columns_never_take_more_than_there_is(columns: object, width: int) -> None:
    widths = laid(columns, width)  # type: ignore[arg-type]
    assert sum(w for _, w in widths) + len(widths) - 1 <= width


def test_at_80_columns_the_layers_since_and_the_strip_are_there() -> None:
    names = {column.name for column, _ in laid(TARGETS, 78)}
    assert {"name", "route", "ping", "port", "tls", "app", "rtt", "since", "strip"} <= names


def test_the_help_explains_every_column_that_is_not_plain() -> None:
    told = {name for name, _ in target_legend(Page())}
    plain = {"", "TARGET", "NAME", "ROUTE", "PING", "PORT", "TLS", "APP"}  # NAME to APP is one
    assert {c.title for c in TARGETS} - plain == told - {"NAME to APP", "↳"}
    meanings = " ".join(text for _, text in target_legend(Page(ascii=True)))
    assert meanings.isascii()
    assert {"EXPOSURE", "SINCE"} < {name for name, _ in port_legend(Page())}


# ---------------------------------------------------------------------------------------- rows


def row(report: TargetReport | None, name: str, since_s: float = 0.0) -> Row:
    return Row(
        target(name),
        report.verdict if report else None,
        report,
        None,
        None,
        since_s,
        (),
        None,
        report.rtt_ms if report else None,
        None,
        1,
        False,
    )


def test_order_failing_first_the_newest_of_them_on_top_then_degraded_unknown_probing_ok() -> None:
    made = {}
    for place, verdict in enumerate([Verdict.OK, None, *reversed(VERDICT_ORDER), Verdict.FAILING]):
        report = None if verdict is None else TargetReport(target("x"), verdict)
        made[f"{place}"] = row(report, f"{place}", since_s=float(place))
    order = [r.target.text for r in arranged(list(made.values()), Order())]
    # 0 ok, 1 probing, 2 ok, 3 unknown, 4 degraded, 5 failing, 6 failing since later
    assert order == ["6", "5", "4", "3", "1", "0", "2"]


def test_filter_needs_every_word_somewhere() -> None:
    rows = [row(refused("db.example:1"), "db.example:1"), row(works("web:2"), "web:2")]
    assert [r.target.text for r in arranged(rows, Order(), "tcp.refused DB")] == ["db.example:1"]
    assert [r.target.text for r in arranged(rows, Order(), "ok")] == ["web:2"]
    assert arranged(rows, Order(), "db ok") == []


@given(st.text(max_size=50), st.integers(30, 200), st.booleans())
def test_a_row_is_as_wide_as_its_columns(name: str, width: int, ascii_only: bool) -> None:
    kept = Record(target(name), interval_s=1.0).row()
    widths = laid(TARGETS, width)
    line = target_line(kept, widths, 1.0, Page(ascii=ascii_only))
    assert sum(cell_len(text) for text, _ in line) == sum(w for _, w in widths) + len(widths) - 1


# ----------------------------------------------------------------------------------------- why


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("report", [None, works("a:1"), refused("db.example:5432"), offline()])
@given(width=st.integers(20, 130), ascii_only=st.booleans())
def test_why_never_leaves_its_width(
    report: TargetReport | None, whole: bool, width: int, ascii_only: bool
) -> None:
    page = Page(ascii=ascii_only)
    for line in why_lines(report, width, page, whole=whole).lines:
        text = "".join(piece for piece, _ in line)
        assert cell_len(text) <= width, text
        assert not ascii_only or text.isascii(), text


def test_the_path_breaks_where_the_fault_is() -> None:
    lines = why_lines(refused("db.example:5432"), 100, Page()).lines
    path = [(text, role) for text, role in lines[0] if text.strip()]
    broken = [text for text, role in path if role == "failing"]
    assert broken == [" ──✗── ", "port 5432"]


def test_the_deciding_test_comes_last_and_is_no_repair() -> None:
    report = refused("db.example:5432")
    first = report.findings[0]
    test = Fix("To settle it, look who listens", "ss -ltn", Where.TARGET, decides=True)
    open_one = replace(
        first,
        fixes=(*first.fixes, test),
        alternatives=(Alternative("local.firewall", "a rule may say so"),),
    )
    lines = why_lines(replace(report, findings=(open_one,)), 100, Page())
    told = ["".join(piece for piece, _ in line) for line in lines.lines]
    at = lines.fix_at[len(first.fixes)]
    assert told[at - 1].startswith(" Not excluded") and told[at].startswith(" To settle it")
    assert told[at].endswith(f"{len(first.fixes) + 1} on db.example: look who listens")


# ------------------------------------------------------------------------------------ overlaps

ALICE, BOB = Owner(1, "alice", "alice", 1), Owner(2, "bob", "bob", 2)


def child(pid: int, parent: str) -> Owner:
    return Owner(pid, "web", "alice", 1, parents=((2, parent), (1, "init")))


def sock(
    address: str, owner: Owner, *, v6only: bool | None = None, dev: str | None = None
) -> Socket:
    return Socket(
        "tcp", ip_address(address), 80, "LISTEN", v6only=v6only, interface=dev, owners=(owner,)
    )


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (sock("0.0.0.0", ALICE), sock("192.0.2.1", BOB), "which is more specific"),
        (sock("192.0.2.1", ALICE), sock("0.0.0.0", BOB), "more specific than bob"),
        (sock("::", ALICE, v6only=False), sock("192.0.2.1", BOB), "which is more specific"),
        (sock("::", ALICE, v6only=True), sock("192.0.2.1", BOB), None),
        (sock("0.0.0.0", ALICE), sock("::", BOB, v6only=True), "clients of IPv6 reach bob"),
        (sock("127.0.0.1", ALICE), sock("::1", BOB), "clients of IPv6 reach bob"),
        (sock("192.0.2.1", ALICE), sock("2001:db8::1", BOB), None),
        (sock("0.0.0.0", ALICE), sock("0.0.0.0", BOB), "shared with bob"),
        (sock("0.0.0.0", ALICE), sock("192.0.2.1", ALICE), None),  # one program may
        (sock("192.0.2.1", ALICE), sock("192.0.2.2", BOB), None),
        (sock("0.0.0.0", ALICE, dev="eth0"), sock("0.0.0.0", BOB, dev="eth1"), None),
        (sock("0.0.0.0", child(3, "web")), sock("0.0.0.0", child(4, "web")), None),  # workers
        (sock("127.0.0.1", child(3, "sh")), sock("::1", child(4, "sh")), "clients of IPv6 reach"),
    ],
)
def test_overlaps(first: Socket, second: Socket, words: str | None) -> None:
    found = overlaps([first, second])
    if words is None:
        assert found == {}
    else:
        assert words in found[0][0]
        assert set(found) == {0, 1}, "both are told"


def test_programs_may_share_a_multicast_port_and_docker_proxies_a_container() -> None:
    def udp(port: int, owner: Owner) -> Socket:
        return Socket("udp", ip_address("0.0.0.0"), port, "UNCONN", owners=(owner,))

    assert overlaps([udp(5353, ALICE), udp(5353, BOB)]) == {}
    assert "came last" in overlaps([udp(514, ALICE), udp(514, BOB)])[0][0]
    four, six = (Owner(pid, "docker-proxy", behind="the container at 172.17.0.2") for pid in (3, 4))
    assert overlaps([sock("0.0.0.0", four), sock("::", six, v6only=True)]) == {}


def test_the_owner_of_another_port_or_protocol_is_no_overlap() -> None:
    assert overlaps([listener(1), listener(2), listener(1, transport="udp")]) == {}


# -------------------------------------------------------------------------------------- themes
