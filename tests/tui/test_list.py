"""The target list: groups, orders, a cursor that stays, root causes, layouts, little work."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from tests.net.servers import eventually
from tests.tui.world import (
    World,
    offline,
    refused,
    screen_lines,
    screen_text,
    until,
    works,
    yardstick_s,
)
from textual.pilot import Pilot

from netwhy.core.model import RootCause, TargetOptions, TargetReport, Verdict
from netwhy.core.snapshot import Row, Snapshot
from netwhy.core.stats import LOST, answered
from netwhy.output.layout import Page
from netwhy.tui.app import NetwhyApp
from netwhy.tui.columns import TARGETS, laid
from netwhy.tui.groups import about_group, arrange, group_line, is_heading
from netwhy.tui.order import SORT_OF_COLUMN, SORTS, Order, arranged
from netwhy.tui.roots import roots, symptoms
from netwhy.tui.target_lines import Steady, column_at, heading, target_line
from netwhy.tui.widgets.root_causes import RootCauses, cause_lines
from netwhy.tui.widgets.target_list import TargetList

pytestmark = pytest.mark.tui
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def grouped(report: TargetReport, group: str | None) -> TargetReport:
    options = TargetOptions(group=group)
    return replace(report, target=replace(report.target, options=options))


def row(report: TargetReport, since_s: float = 0.0, **changes: object) -> Row:
    made = Row(
        report.target, report.verdict, report, None, NOW, since_s, (), report.rtt_ms, 1, False
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def snapshot(rows: Sequence[Row], *causes: RootCause) -> Snapshot:
    counts = {v: sum(r.verdict is v for r in rows) for v in Verdict}
    return Snapshot(7, NOW, 1000.0, tuple(rows), causes, counts=counts)


# ------------------------------------------------------------------------------ pure: the order


def texts(rows: Sequence[Row]) -> list[str]:
    return [r.target.text for r in rows]


FAST, SLOW = row(works("fast:1", 1.0), 5.0), row(works("Slow:1", 9.0), 9.0)
DOWN = row(refused("down:1"), 7.0, samples=(LOST, answered(1.0)))
MIXED = [FAST, DOWN, SLOW]


@pytest.mark.parametrize(
    ("name", "forwards", "backwards"),
    [
        ("state", "down fast Slow", "fast Slow down"),
        ("name", "down fast Slow", "Slow fast down"),
        ("slowest", "Slow fast down", "fast Slow down"),  # nothing measured is last, either way
        ("p95", "fast down Slow", "fast down Slow"),
        ("loss", "down fast Slow", "down fast Slow"),
        ("newest change", "Slow down fast", "fast down Slow"),
        ("as given", "fast down Slow", "Slow down fast"),
    ],
)
def test_orders(name: str, forwards: str, backwards: str) -> None:
    for order, wanted in ((Order(name), forwards), (Order(name, True), backwards)):
        assert " ".join(texts(arranged(MIXED, order))).replace(":1", "") == wanted


def test_the_orders_go_round_and_a_column_asks_for_one() -> None:
    order, met = Order(), []
    for _ in SORTS:
        met.append(order.name)
        order = order.after()
    assert met == list(SORTS) and order == Order() and order.told == ""
    assert {c.name for c in TARGETS} == set(SORT_OF_COLUMN)
    assert set(SORT_OF_COLUMN.values()) <= set(SORTS)
    once = Order().of_column("rtt")
    assert once == Order("slowest") and once.of_column("rtt") == Order("slowest", True)
    assert once.of_column("rtt").of_column("rtt") == once
    assert Order("slowest", True).told == "by slowest, backwards"


@given(st.integers(40, 200), st.integers(0, 200))
def test_the_column_under_a_cell_is_the_one_whose_title_is_there(width: int, x: int) -> None:
    widths = laid(TARGETS, width)
    line = heading(widths)
    assert sum(cell_len(text) for text, _ in line) == sum(w for _, w in widths) + len(widths) - 1
    at, met = 0, None
    for (column, _), (text, _role) in zip(widths, line, strict=True):
        if at <= x < at + len(text):
            met = column.name
        at += len(text)
    if met is not None:
        assert column_at(widths, x) == met
    elif x > at:
        assert column_at(widths, x) is None


# ----------------------------------------------------------------------------- pure: the groups


GROUPED = [
    row(grouped(works("web1:1"), "web")),
    row(grouped(works("db1:1"), "database")),
    row(works("alone:1")),
    row(grouped(refused("db2:1"), "database"), 3.0),
    row(grouped(works("web2:1"), "web")),
]


def shown(keys: Sequence[str]) -> str:
    return " ".join(key.replace("\0", "#").replace(":1", "") for key in keys)


@pytest.mark.parametrize(
    ("order", "wanted", "folded", "keys"),
    [
        (Order(), "", (), "#database db2 db1 #web web1 web2 # alone"),
        (Order(), "", ("\0database", "\0"), "#database #web web1 web2 #"),
        (Order(), "db", ("\0database",), "#database db2 db1"),  # what is looked for is seen
        (Order("as given"), "", (), "#web web1 web2 #database db1 db2 # alone"),
        (Order("name"), "", (), "# alone #database db1 db2 #web web1 web2"),
    ],
)
def test_groups_stand_where_their_first_row_would(
    order: Order, wanted: str, folded: Sequence[str], keys: str
) -> None:
    found = arrange(GROUPED, order, wanted, grouped=True, folded=frozenset(folded))
    assert shown(found.keys) == keys
    assert not is_heading(found.keys[found.start])
    assert all(found.instead[text] in folded for text in found.instead)
    assert {*found.instead, *(k for k in found.keys if not is_heading(k))} == set(found.rows)


def test_a_heading_says_how_many_are_in_which_state_and_the_worst_first() -> None:
    groups = arrange(GROUPED, Order(), grouped=True, folded={"\0web"}).groups
    said = {key: "".join(t for t, _ in group_line(g, Page())) for key, g in groups.items()}
    assert said == {
        "\0database": "▾ database  ✗ 1 failing  ✓ 1 ok",
        "\0web": "▸ web  ✓ 2 ok",
        "\0": "▾ no group  ✓ 1 ok",
    }
    plain = "".join(t for t, _ in group_line(groups["\0web"], Page(ascii=True)))
    assert plain == "> web  + 2 ok"


@given(st.text(max_size=60), st.booleans(), st.booleans())
def test_the_name_of_a_group_is_only_read(name: str, folded: bool, ascii_only: bool) -> None:
    bad = row(grouped(refused("db.example:1"), name or None))
    keys = frozenset({f"\0{name}"} if folded else ())
    [group] = arrange([bad], Order(), grouped=True, folded=keys).groups.values()
    page = Page(ascii=ascii_only)
    for line in (group_line(group, page), *about_group(group, 60, page)):
        said = "".join(text for text, _ in line)
        assert said.isprintable() and cell_len(said) <= 70
        assert not (ascii_only and name.isascii()) or said.isascii()


# ------------------------------------------------------------------------ pure: the root causes


def caused(text: str, cause: str, since_s: float) -> Row:
    report = refused(text)
    [finding] = report.findings
    found = replace(report, findings=(replace(finding, cause=cause),))
    return row(found, since_s)


def dead(*explains: str, subject: str = "192.0.2.53") -> RootCause:
    return RootCause("dns.resolver-silent", subject, f"resolver {subject} is dead", explains)


def test_the_row_that_shows_a_cause_is_no_symptom_and_the_rest_are() -> None:
    late = caused("a.example:1", "dns.resolver-silent", 9.0)
    first = caused("b.example:1", "dns.resolver-silent", 5.0)
    other = caused("c.example:1", "path.silent", 1.0)
    cause = dead("a.example:1", "b.example:1", "c.example:1")
    [root] = roots(snapshot([late, first, other], cause))
    assert root.shown_by == "b.example:1", "its own diagnosis is the cause, and it was first"
    assert root.since_s == 1.0
    assert set(symptoms([root])) == {"a.example:1", "c.example:1"}

    own = caused("192.0.2.53:53", "dns.resolver-silent", 20.0)
    cause = dead("a.example:1", "b.example:1", "192.0.2.53:53")
    [root] = roots(snapshot([late, first, own], cause))
    assert root.shown_by == "192.0.2.53:53", "the resolver itself is watched"

    here = row(offline(), 20.0)
    away = [caused(f"{n}.example:1", "local.offline", n) for n in range(2)]
    cause = RootCause(
        "local.offline", "", "offline", ("0.example:1", "1.example:1", "this machine")
    )
    [root] = roots(snapshot([*away, here], cause))
    assert root.shown_by == "this machine"


@pytest.mark.parametrize(
    ("width", "names"),
    [
        (38, "state target rtt since"),
        (58, "state target name route ping port tls app rtt"),
        (78, "state target name route ping port tls app rtt since strip"),
    ],
)
def test_what_has_room_comes_back_once_the_layers_have_gone(width: int, names: str) -> None:
    assert " ".join(column.name for column, _ in laid(TARGETS, width, {"target": 18})) == names


def test_a_cause_of_which_one_target_is_left_is_not_shared() -> None:
    assert roots(snapshot([caused("a:1", "x.y", 0.0)], dead("a:1", "removed:1"))) == ()


def test_symptoms_come_after_the_other_failures_and_are_marked_in_plain_too() -> None:
    symptom = caused("a.example:1", "dns.resolver-silent", 99.0)
    order = arranged([symptom, DOWN, FAST], Order(), "", {"a.example:1"})
    assert texts(order) == ["down:1", "a.example:1", "fast:1"]
    for page, mark in ((Page(), "✗↳"), (Page(ascii=True), "x^")):
        line = target_line(symptom, laid(TARGETS, 120), 100.0, page, follows=True)
        assert "".join(text for text, _ in line).startswith(mark)
        assert not any(role in ("failing", "title") for _, role in line), "dimmed"


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_a_cause_is_told_within_its_line(width: int) -> None:
    found = roots(
        snapshot([caused("a:1", "x.y", 0.0), caused("b:1", "x.y", 0.0)], dead("a:1", "b:1"))
    )
    [line] = cause_lines(found, 100.0, width, Page())
    said = "".join(text for text, _ in line)
    assert cell_len(said) <= width
    assert "2 targets" in said and "1m40s" in said
    assert "resolver 192.0.2." in said, "what is left out before the cause itself"
    assert ("ROOT CAUSE" in said, "[c]" in said) == (width >= 80, width >= 60)
    assert ("since" in said and "go to it" in said) is (width >= 120)


# --------------------------------------------------------------------------- pure: steady times


def test_a_number_stands_until_it_is_another_one() -> None:
    steady = Steady()
    seen = [steady.of("a", value, at) for at, value in enumerate((10.0, 10.5, 9.2, 10.9, 11.5))]
    assert seen == [10.0, 10.0, 10.0, 10.0, 11.5]
    assert steady.of("a", None, 5.0) is None and steady.of("a", 11.4, 6.0) == 11.4


@given(st.lists(st.floats(0.001, 5000), min_size=1, max_size=60))
def test_what_stands_is_near_the_newest_and_not_old(values: list[float]) -> None:
    steady, born = Steady(), {}
    for at, value in enumerate(values):
        born.setdefault(value, at)
        shown_ms = steady.of("a", value, float(at))
        assert shown_ms is not None and abs(shown_ms - value) <= max(0.03, 0.1 * shown_ms) + 1e-9
        assert any(values[back] == shown_ms for back in range(max(0, at - 5), at + 1))


# ----------------------------------------------------------------------------------- the screen


def lists(pilot: Pilot[None]) -> TargetList:
    return pilot.app.screen.query_one("#targets", TargetList)


async def frozen(pilot: Pilot[None], count: int) -> NetwhyApp:
    """The screen over so many healthy targets, its clock stopped."""
    app: NetwhyApp = pilot.app  # type: ignore[assignment]
    await until(pilot, "No targets.")
    app.frozen = True
    rows = [row(works(f"host{n:04}.example:80", 1.0)) for n in range(count)]
    app.refresh_views(snapshot(rows))
    await until(pilot, f"Targets {count}")
    return app


def changed(rows: Sequence[Row], *places: int, ms: float) -> tuple[Row, ...]:
    listed = list(rows)
    for place in places:
        listed[place] = replace(listed[place], last_ms=ms, checks=listed[place].checks + 1)
    return tuple(listed)


async def test_rows_that_nobody_sees_and_noise_draw_nothing() -> None:
    async with World().app().run_test(size=(120, 36)) as pilot:
        app, rows = await frozen(pilot, 300), lists(pilot)
        for places, ms, wanted in (
            ((), 1.0, 0),
            (range(100, 300), 77.0, 0),  # below the end of the screen
            ((2, 5), 1.05, 0),  # noise
            ((2, 5), 7.0, 2),
            (range(300), 200.0, rows.size.height - 1),
        ):
            rows.painted = 0
            made = changed(app.snapshot.rows, *places, ms=ms)
            app.refresh_views(replace(app.snapshot, rows=made))
            await eventually(lambda wanted=wanted: rows.painted >= wanted)  # type: ignore[misc]
            await pilot.pause(0.1)
            assert rows.painted == wanted, (places, ms)


async def test_a_thousand_targets_do_not_stutter() -> None:
    """It was 100 ms for one update when every row was made each time."""
    async with World().app().run_test(size=(120, 36)) as pilot:
        app = await frozen(pilot, 1000)
        took = []
        for turn in range(8):
            made = changed(app.snapshot.rows, *range(turn, 1000, 4), ms=5.0 * turn)
            started = time.thread_time()
            app.refresh_views(replace(app.snapshot, rows=made))
            took.append(time.thread_time() - started)
        assert min(took) < yardstick_s(), took
        started = time.thread_time()
        await pilot.press("slash", *"host0999")
        assert time.thread_time() - started < 30 * yardstick_s()
        assert "host0999" in await until(pilot, "Targets 1 of 1000")


async def test_the_cursor_stays_on_its_target_sorted_filtered_folded_and_comes_back() -> None:
    world = World(*(r.report for r in GROUPED if r.report))
    async with world.app().run_test(size=(120, 36)) as pilot:
        await until(pilot, "1 failing", "4 ok")
        rows = lists(pilot)
        assert rows.key == "db2:1", "the first target, not the heading over it"
        await pilot.press("down", "down", "down")
        assert rows.key == "web1:1"
        for key in ("s", "s", "o", "s", "o"):
            await pilot.press(key)
            assert rows.key == "web1:1", key
        await pilot.press("slash", *"db")
        await until(pilot, "Targets 2 of 5")
        assert rows.key in ("db1:1", "db2:1", "\0database")
        await pilot.press("escape")
        await until(pilot, "Targets 5")
        assert rows.key == "web1:1", "it comes back with its target"
        await pilot.press("minus")
        text = await until(pilot, "▸ web", "2 targets  ✓ 2 ok")  # the Why of a group
        assert rows.key == "\0web" and "web1:1 " not in text.split("Why")[0]
        await pilot.press("minus")
        await until(pilot, "▾ web")
        assert rows.key == "web1:1"
        await pilot.press("left")
        assert rows.key == "\0web"
        await pilot.press("right", "down")
        assert rows.key == "web1:1"


async def test_the_why_of_a_group_names_each_cause_once() -> None:
    world = World(*(r.report for r in GROUPED if r.report))
    async with world.app().run_test(size=(120, 36), notifications=True) as pilot:
        await until(pilot, "1 failing", "4 ok")
        await pilot.press("up")
        await until(pilot, "Why database", "✗ db2 refused the connection on port 1", "2 targets")
        await pilot.press("y", "d")
        assert "Targets 5" in await until(pilot, "There is no fix to copy here")


async def test_the_mouse_sorts_by_a_column_and_folds() -> None:
    world = World(*(r.report for r in GROUPED if r.report))
    async with world.app().run_test(size=(120, 36)) as pilot:
        lines = (await until(pilot, "1 failing", "4 ok")).splitlines()
        y = next(n for n, line in enumerate(lines) if "TARGET" in line)
        await pilot.click(offset=(lines[y].index("TARGET") + 1, y))
        await until(pilot, "by name")
        await pilot.click(offset=(lines[y].index("TARGET") + 1, y))
        await until(pilot, "by name, backwards")
        await pilot.click(offset=(lines[y].index("SINCE"), y))
        await until(pilot, "by newest change")
        await pilot.click(offset=(4, y + 1))
        text = await until(pilot, "▸ ")
        assert text.splitlines()[y + 1].startswith("▌▸ "), "one click on a heading folds"


def explained() -> Snapshot:
    names = [f"app{n}.example:443" for n in range(4)]
    rows = [caused(name, "dns.resolver-silent", float(n)) for n, name in enumerate(names)]
    away = [caused(f"far{n}.example:22", "route.gateway-silent", 50.0 + n) for n in range(2)]
    gateway = RootCause("route.gateway-silent", "192.0.2.1", "gateway 192.0.2.1 is silent",
                        ("far0.example:22", "far1.example:22"))  # fmt: skip
    return snapshot([*rows, *away, FAST], dead(*names), gateway)


async def test_a_root_cause_is_gone_to_by_key_and_by_click_also_past_a_filter() -> None:
    async with World().app().run_test(size=(120, 36)) as pilot:
        app = pilot.app
        await until(pilot, "No targets.")
        await pilot.press("c")
        assert lists(pilot).key is None, "there is nothing to go to"
        app.frozen = True
        app.refresh_views(explained())
        text = await until(pilot, "explains 4 targets", "↳")
        assert text.count("↳") == 4, "three follow from one, one from the other"
        await pilot.press("slash", *"fast", "enter")
        await until(pilot, "Targets 1 of 7")
        await pilot.press("c")
        await until(pilot, "Targets 7")
        assert lists(pilot).key == "app0.example:443"
        await pilot.press("c")
        assert lists(pilot).key == "far0.example:22"
        await pilot.press("c")
        assert lists(pilot).key == "app0.example:443"
        await pilot.click(RootCauses, offset=(20, 1))
        await eventually(lambda: lists(pilot).key == "far0.example:22")
        lists(pilot).move_to("far1.example:22")
        await until(pilot, "Explained by the root cause: gateway 192.0.2.1 is silent")


@pytest.mark.parametrize(
    ("size", "why"),
    [((40, 12), False), ((60, 16), True), ((59, 40), False), ((120, 15), False), ((80, 24), True)],
)
async def test_a_tiny_screen_has_the_list_and_enter_shows_the_why(
    size: tuple[int, int], why: bool
) -> None:
    async with World(refused("db.example:5432")).app().run_test(size=size) as pilot:
        text = await until(pilot, "1 failing", "✗", *["Why db.example"] * why)
        assert ("Why db.example" in text) is why
        assert "db.example:5432" in text
        assert all(cell_len(line) <= size[0] for line in screen_lines(pilot.app))  # type: ignore[arg-type]
        await pilot.press("tab", "enter")
        if not why:
            await until(pilot, "refused")


async def test_a_screen_that_shrinks_hides_the_why_and_brings_it_back() -> None:
    async with World(refused("db.example:5432")).app().run_test(size=(100, 30)) as pilot:
        await until(pilot, "Why db.example")
        await pilot.press("tab")
        await pilot.resize_terminal(50, 12)
        await until(pilot, "Why db.example", gone=True)
        await pilot.press("j")
        assert lists(pilot).has_focus
        await pilot.resize_terminal(200, 50)
        text = await until(pilot, "Why db.example")
        assert any("TARGET" in line and "──✓──" in line for line in text.splitlines())
        assert screen_text(pilot.app)  # type: ignore[arg-type]
