"""The ports view: connections, owners of what is seen, filter, order, and a holder's end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address

import pytest
from tests.net.servers import eventually
from tests.tui.world import World, listener, screen_lines, until, works
from textual.pilot import Pilot

from netwhy.core.freeing import Deed, Result, Told
from netwhy.core.observations import Owner, Socket
from netwhy.core.stopping import Plan, Surroundings, plan
from netwhy.core.target import parse
from netwhy.engine import Engine
from netwhy.output.layout import Page
from netwhy.output.ports import SUDO
from netwhy.system import processes
from netwhy.tui import ports, stop
from netwhy.tui.app import NetwhyApp
from netwhy.tui.columns import CONNECTIONS, laid
from netwhy.tui.port_lines import about_socket, port_line
from netwhy.tui.ports import Ports
from netwhy.tui.stop import Stop
from netwhy.tui.widgets.line_list import LineList

pytestmark = pytest.mark.tui

STARTED = time.time() - 100
API = Owner(77, "api", "ada", 1000, "/srv/api", STARTED, ((40, "bash"), (1, "init")))
HIDDEN = "sudo would also show its process id, command line and start time"


def connected(port: int, number: int, owner: Owner = API, state: str = "ESTAB") -> Socket:
    remote = (ip_address("198.51.100.7"), 40000 + number)
    held = state != "TIME_WAIT"
    return Socket(
        "tcp", ip_address("192.0.2.1"), port, state, remote, inode=9000 + number if held else None,
        owners=(owner,) if held else (), expires_ms=None if held else 42_000,
    )  # fmt: skip


def world(*listeners: Socket) -> World:
    w = World(works("web.example:80"))
    w.listeners = listeners or (listener(22), listener(8080, owner=API))
    return w


def shown(app: NetwhyApp) -> list[str]:
    """The rows of the list."""
    rows = app.screen.query_one("#ports", LineList)
    lines = screen_lines(app)[rows.region.y + 2 : rows.region.bottom]
    return [line[1:].strip() for line in lines]


async def at_ports(pilot: Pilot[None], wanted: str = "Local listeners 2") -> str:
    await pilot.press("2")
    return await until(pilot, wanted)


# ---------------------------------------------------------------------- what is listed, and how


async def test_c_shows_connections_with_their_peers_and_back() -> None:
    w = world()
    w.connections = (connected(8080, 1), connected(8080, 2, state="TIME_WAIT"))
    async with w.app().run_test(size=(120, 30)) as pilot:
        await at_ports(pilot)
        await pilot.press("c")
        text = await until(pilot, "Local sockets 4", "time_wait")
        assert "estab" in text and "198.51.100.7:40001" in text
        ports = [row.split()[3] for row in shown(pilot.app) if row.startswith("tcp")]
        assert ports == ["22", "8080", "8080", "8080"], "connections stand under their listener"
        await pilot.press("G", "k")
        await until(pilot, "198.51.100.7:40002, closed, kept for late packets, 42 s left")
        await pilot.press("c")
        await until(pilot, "Local listeners 2")


async def test_only_connections_that_are_seen_get_their_owner() -> None:
    w = world()
    w.connections = tuple(connected(8080, number) for number in range(500))
    async with w.app().run_test(size=(120, 30)) as pilot:
        await at_ports(pilot)
        await pilot.press("c")
        await until(pilot, "Local sockets 502")
        await eventually(lambda: all("api (pid 77)" in row for row in shown(pilot.app)[1:]))
        assert 0 < len(w.named_ports) < 60
        before = len(w.named_ports)
        await pilot.press("G")
        await eventually(
            lambda: len(w.named_ports) > before and "api (pid 77)" in shown(pilot.app)[-1]
        )
        assert before < len(w.named_ports) < 120
        assert w.listed[-1] == (True, False)


async def test_a_name_in_the_filter_reads_whose_all_connections_are() -> None:
    w = world()
    w.connections = tuple(connected(8080, n, replace(API, name=f"api{n}")) for n in range(500))
    async with w.app().run_test(size=(120, 30)) as pilot:
        await at_ports(pilot)
        await pilot.press("c")
        await until(pilot, "Local sockets 502")
        await pilot.press("slash", *"40444", "enter")
        await until(pilot, 'Local sockets 1 of 502, with "40444"')
        assert not any(named for _everything, named in w.listed), "a number needs no names"
        await pilot.press("escape", "slash", *"api321", "enter")
        await until(pilot, 'Local sockets 1 of 502, with "api321"')
        assert w.listed[-1] == (True, True)


async def test_a_port_is_found_while_it_is_typed() -> None:
    async with world().app().run_test(size=(120, 30)) as pilot:
        await at_ports(pilot)
        await pilot.press("slash", *"80")
        await until(pilot, 'Local listeners 1 of 2, with "80"')


async def test_s_changes_the_order_and_the_title_says_so() -> None:
    old, new = replace(API, name="zebra", started=1.0), replace(API, name="ant", started=2.0)
    few = replace(listener(80, owner=old), connections=3)
    many = replace(listener(90, "127.0.0.1", owner=new), connections=9)
    async with world(few, many).app().run_test(size=(120, 30)) as pilot:
        await at_ports(pilot)
        seen = []
        for order in ("port", "owner", "exposure", "connections", "newest", "port"):
            if seen:
                await pilot.press("s")
                await until(pilot, f", by {order}" if order != "port" else "Local listeners 2 ")
            await pilot.pause()
            seen.append([row.split()[2] for row in shown(pilot.app)[:2]])
        assert seen == [
            ["80", "90"], ["90", "80"], ["80", "90"], ["90", "80"], ["90", "80"], ["80", "90"],
        ]  # fmt: skip


async def test_a_click_on_a_heading_sorts_by_it() -> None:
    first, second = replace(API, name="zebra"), replace(API, name="ant")
    w = world(listener(80, owner=first), listener(90, owner=second))
    async with w.app().run_test(size=(120, 30)) as pilot:
        await at_ports(pilot)
        head = screen_lines(pilot.app)[pilot.app.screen.query_one("#ports").region.y + 1]
        await pilot.click("#ports", offset=(head.index("OWNER") + 1, 1))
        await until(pilot, "Local listeners 2, by owner")
        await pilot.click("#ports", offset=(head.index("PORT ") + 1, 1))
        await until(pilot, ", by owner", gone=True)


async def test_a_wide_screen_shows_unit_or_container() -> None:
    unit = replace(API, unit="api.service")
    inside = replace(API, name="web", container="0123456789ab (docker)", unit="docker.service")
    async with (
        world(listener(80, owner=unit), listener(90, owner=inside))
        .app()
        .run_test(size=(120, 30)) as pilot
    ):
        await at_ports(pilot)
        rows = shown(pilot.app)
        assert rows[0].endswith("api.service") and rows[1].endswith("0123456789ab (docker)")


async def test_of_thousands_only_a_screenful_is_drawn_and_the_rest_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn = 0

    def counted(*arguments: object) -> object:
        nonlocal drawn
        drawn += 1
        return port_line(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ports, "port_line", counted)
    w = world()
    w.connections = tuple(connected(8080, number) for number in range(7000))
    async with w.app().run_test(size=(120, 30)) as pilot:
        await at_ports(pilot)
        await pilot.press("c")
        text = await until(pilot, "The first 5000 of 7002 are listed: / narrows them.")
        assert "Local sockets 7002" in text
        await pilot.press("G", "g", "pagedown")
        await pilot.pause(0.3)
        assert drawn < 400
        await pilot.press("slash", *"46999", "enter")
        await until(pilot, "Local sockets 1 of 7002")
        await until(pilot, "The first", gone=True)


async def test_reading_waits_the_longer_the_more_it_costs() -> None:
    w = world()
    w.took_s = 10.0
    async with w.app().run_test(size=(120, 30)) as pilot:
        await at_ports(pilot)
        view = pilot.app.screen
        assert isinstance(view, Ports)
        before = len(w.listed)
        view._read_again()
        await pilot.pause()
        assert len(w.listed) == before
        w.took_s = 0.0
        view._read()
        await eventually(lambda: len(w.listed) == before + 1)
        view._read_again()
        await eventually(lambda: len(w.listed) >= before + 2)


async def test_a_bound_socket_that_never_listened_is_no_listener() -> None:
    w = world(replace(listener(8080, owner=API), state="BOUND"), listener(22))
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await at_ports(pilot, "bound only")
        await pilot.press("G")
        await until(pilot, "tcp 0.0.0.0:8080, bound, and does not listen")
        await pilot.press("x")
        await until(pilot, "Only listeners are ended")


async def test_enter_shows_parents_other_ports_and_every_worker() -> None:
    workers = (API, replace(API, pid=78, parents=((77, "api"),)))
    shared = replace(listener(8080), owners=workers)
    async with world(shared, listener(9090, owner=API)).app().run_test(size=(110, 40)) as pilot:
        await at_ports(pilot, "Shared with   api (pid 78)")
        await pilot.press("enter")
        text = await until(pilot, "Parents")
        assert "bash (pid 40)" in text and "api (pid 78)" in text
        assert "Also has      tcp 0.0.0.0:9090, open to any network" in text


# ------------------------------------------------------------------------------- the states


async def test_before_the_first_reading_it_says_that_it_reads() -> None:
    w = world()
    w.gate = gate = asyncio.Event()
    async with w.app().run_test(size=(80, 24), notifications=True) as pilot:
        await at_ports(pilot, "Reading the local sockets.")
        gate.set()
        await until(pilot, "Local listeners 2")


async def test_without_listeners_it_says_so() -> None:
    w = world()
    w.listeners = ()
    async with w.app().run_test(size=(80, 24), notifications=True) as pilot:
        await at_ports(pilot, "Nothing listens on this machine.")
        await pilot.press("x")
        await until(pilot, "No socket is chosen")


async def test_what_was_read_before_stays_when_reading_fails() -> None:
    w = world()
    async with w.app().run_test(size=(110, 30)) as pilot:
        await at_ports(pilot)
        w.listeners = PermissionError("netlink is forbidden [/]")
        pilot.app.screen._read()  # type: ignore[attr-defined]
        text = await until(pilot, "netlink is forbidden [/]. This is what was read")
        assert "api (pid 77)" in text


async def test_a_frozen_view_stands() -> None:
    w = world()
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await at_ports(pilot)
        await pilot.press("space")
        await until(pilot, "FROZEN")
        w.listeners = (listener(9999),)
        before = len(w.listed)
        pilot.app.screen._read_again()  # type: ignore[attr-defined]
        await pilot.press("c")
        await until(pilot, "The view is frozen")
        assert len(w.listed) == before
        await pilot.press("space")
        pilot.app.screen._read()  # type: ignore[attr-defined]
        await until(pilot, "9999")


async def test_what_sudo_would_add_is_said_once() -> None:
    unseen = Owner(user="postgres", uid=70, unit="postgresql.service", hidden=HIDDEN)
    w = world(listener(5432, owner=unseen), listener(5433, owner=unseen), listener(80, owner=API))
    async with w.app().run_test(size=(100, 30), notifications=True) as pilot:
        await at_ports(pilot, "Local listeners 3")
        said = f"2 sockets without a process: {SUDO} names them."
        text = await until(pilot, said, "unit postgresql.service")
        assert text.count(SUDO) == 1


async def test_a_cause_is_explained_only_where_there_is_an_answer_about_a_bind() -> None:
    async with world().app().run_test(size=(160, 40), notifications=True) as pilot:
        await at_ports(pilot)
        assert "explain this" not in screen_lines(pilot.app)[-1]
        await pilot.press("b")
        await until(pilot, "Could I bind?")
        await pilot.press(*"8080", "enter")
        await until(pilot, "Could I bind :8080", "explain this")
        await pilot.press("escape")
        await until(pilot, "explain this", gone=True)


def test_connections_fit_eighty_columns_in_ascii_too() -> None:
    for width in (56, 78, 118, 198):
        widths = laid(CONNECTIONS, width, {})
        for page in (Page(), Page(ascii=True)):
            for one in (connected(8080, 1), connected(80, 2, state="TIME_WAIT"), listener(22)):
                line = port_line(one, (), widths, 100.0, page)
                assert sum(len(text) for text, _role in line) == min(
                    width, sum(w for _c, w in widths) + len(widths) - 1
                )


@pytest.mark.parametrize("state", ["SYN_SENT", "FIN_WAIT2", "CLOSE_WAIT", "ESTAB", "WHATEVER"])
def test_a_connection_is_told_with_whom_it_is_and_how_far(state: str) -> None:
    lines = about_socket(connected(80, 1, state=state), (), 100, Page(), now=1.0, whole=True)
    told = "".join(text for text, _role in lines[0])
    assert told.startswith(" tcp 192.0.2.1:80 to 198.51.100.7:40001, ")
    assert "open to" not in told


# ------------------------------------------------------------------------- the end of a holder


class Attempt:
    """An attempt to free a port that goes as a test wants; it notes what was done."""

    def __init__(
        self, intended: Plan, *, holding: tuple[int, ...] = (), result: Result | None = None
    ):
        self.plan = intended
        self.rest: tuple[Socket, ...] = ()
        self.holding = holding
        self.result = result or Result(intended.port, intended.transport)
        self.acts = True
        self.done: list[str] = []
        self.forever = False

    async def act(self, tell: Callable[[Told], None]) -> bool:
        self.done.append("act")
        tell(Told(Deed.SENT, "TERM", 77) if self.acts else Told(Deed.CHANGED))
        return self.acts

    async def wait(
        self, seconds: float, left: Callable[[float], None], tell: Callable[[Told], None]
    ) -> tuple[int, ...]:
        self.done.append("wait")
        left(8.0)
        await asyncio.sleep(60 if self.forever else 0.05)
        return self.holding

    async def kill(self, pids: Sequence[int], tell: Callable[[Told], None]) -> None:
        self.done.append(f"kill {pids}")
        tell(Told(Deed.SENT, "KILL", pids[0]))

    async def verify(self) -> Result:
        self.done.append("verify")
        return self.result


AROUND = Surroundings(pid=900, ancestors=frozenset({900, 1}), children={77: [(78, "worker")]})


def attempt(owner: Owner = API, **kinds: object) -> Attempt:
    held = replace(listener(8080, owner=owner), connections=4)
    other = listener(9090, owner=owner)
    return Attempt(plan(8080, "tcp", (held, other), AROUND), **kinds)  # type: ignore[arg-type]


async def asked(pilot: Pilot[None], wanted: str = 'Type "yes"') -> str:
    """Press x on the listener of 8080."""
    await at_ports(pilot)
    await pilot.press("G", "x")
    return await until(pilot, wanted)


def trying(what: Attempt) -> World:
    w = world()
    w.attempt = what
    return w


async def test_x_shows_what_would_be_lost_and_ends_it_after_a_yes() -> None:
    what = attempt()
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        text = await asked(pilot)
        for wanted in (
            "end api (pid 77) of user ada (signal TERM to pid 77)",
            "4 connected clients",
            "other ports of the same processes: tcp 0.0.0.0:9090",
            "processes below: worker (pid 78)",
            "Enter alone: no.",
        ):
            assert wanted in text
        await pilot.press(*"yes", "enter")
        await until(pilot, "✓ tcp port 8080 is free.", "Sent TERM to pid 77")
        assert what.done == ["act", "wait", "verify"]
        before = len(pilot.app.engine.listed)
        await pilot.press("enter")
        await until(pilot, "is free", gone=True)
        # The list is read again at once.
        await eventually(lambda: len(pilot.app.engine.listed) > before)


@pytest.mark.parametrize(
    "keys",
    [["enter"], ["escape"], ["y", "enter"], ["x", "enter"], ["x"], ["Y", "E", "S", "enter"], []],
    ids=str,
)
async def test_no_slip_of_the_finger_ends_anything(keys: list[str]) -> None:
    what = attempt()
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        await pilot.press(*keys)
        left = Ports if keys in (["enter"], ["escape"]) else Stop
        await eventually(lambda: isinstance(pilot.app.screen, left))
        await pilot.pause(0.1)
        assert what.done == []
        assert isinstance(pilot.app.screen, left)


async def test_root_s_and_databases_are_ended_by_their_name_only() -> None:
    what = attempt(replace(API, name="redis-server", user="redis", uid=99))
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        await asked(pilot, 'Type "redis-server"')
        await pilot.press(*"yes", "enter")
        await until(pilot, '"yes" is not it.')
        assert what.done == []
        await pilot.press(*"redis-server", "enter")
        await until(pilot, "is free")


async def test_what_a_client_leaves_behind_is_told_as_the_command_does() -> None:
    rest = Socket(
        "tcp", ip_address("127.0.0.1"), 8080, "FIN_WAIT2", (ip_address("127.0.0.1"), 49534),
        expires_ms=58_200,
    )  # fmt: skip
    what = attempt(result=Result(8080, "tcp", left=(rest,), plain="EADDRINUSE"))
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        await pilot.press(*"yes", "enter")
        shown = await until(pilot, "nobody any more, 58 s left")
        text = " ".join(shown.replace("│", " ").split())
        assert "✓ Nobody listens on tcp port 8080 any more." in text
        assert "can start now; another one must wait about 58 s." in text
        assert "is free" not in text


async def test_a_kill_is_offered_and_needs_its_own_word() -> None:
    what = attempt(holding=(77,))
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        await pilot.press(*"yes", "enter")
        await until(pilot, 'Type "kill"')
        await pilot.press(*"yes", "enter")
        await until(pilot, '"yes" is not it.')
        assert what.done == ["act", "wait"]
        await pilot.press(*"kill", "enter")
        await until(pilot, "is free", "Sent KILL to pid 77")
        assert what.done == ["act", "wait", "kill (77,)", "verify"]


async def test_without_a_kill_it_says_who_holds_it_still() -> None:
    held = listener(8080, owner=API)
    what = attempt(holding=(77,), result=Result(8080, "tcp", still=(held,)))
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        await pilot.press(*"yes", "enter")
        await until(pilot, 'Type "kill"')
        await pilot.press("enter")
        await until(pilot, "✗ tcp port 8080 is still held by api (pid 77).")
        assert "kill (77,)" not in what.done


async def test_it_says_who_started_it_again() -> None:
    again = listener(8080, owner=replace(API, pid=99, parents=((55, "supervisord"), (1, "init"))))
    what = attempt(result=Result(8080, "tcp", again=(again,)))
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        await pilot.press(*"yes", "enter")
        await until(pilot, "✗ tcp port 8080 was taken again by api (pid 99).")
        await until(pilot, "supervisord (pid 55) started it again: stop that first.")


async def test_another_holder_by_then_is_left_alone() -> None:
    what = attempt()
    what.acts = False
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        await pilot.press(*"yes", "enter")
        await until(pilot, "held by somebody else by now: nothing was done")
        assert what.done == ["act"]


@pytest.mark.parametrize(
    ("owner", "words"),
    [
        (Owner(1, "init", "root", 0), "pid 1 holds it"),
        (Owner(900, "netwhy", "ada", 1000), "netwhy itself holds it"),
        (Owner(uid=0, hidden="the kernel itself does"), "the kernel itself does"),
        (Owner(user="root", uid=0, hidden=HIDDEN), f"{SUDO} ports --stop 8080"),
    ],
)
async def test_what_must_not_end_is_refused_without_a_question(owner: Owner, words: str) -> None:
    what = attempt(owner)
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        text = await asked(pilot, words)
        assert "Not done" in text and "Type" not in text
        await pilot.press(*"yes", "enter")
        await eventually(lambda: isinstance(pilot.app.screen, Ports))
        assert what.done == []


async def test_an_attempt_that_breaks_is_told() -> None:
    w = world()
    w.attempt = None  # the world asserts
    async with w.app().run_test(size=(120, 36)) as pilot:
        await asked(pilot, "netwhy itself failed: AssertionError")
        await pilot.press("escape")
        await eventually(lambda: isinstance(pilot.app.screen, Ports))


async def test_while_it_waits_keys_work_and_quitting_is_quick() -> None:
    what = attempt()
    what.forever = True
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        await pilot.press(*"yes", "enter")
        await until(pilot, "waiting for the end, 8 s left")
        await pilot.press("escape")
        await eventually(lambda: isinstance(pilot.app.screen, Ports))
        await pilot.press("x")
        await until(pilot, 'Type "yes"')
        await pilot.press(*"yes", "enter")
        await until(pilot, "waiting for the end")
        began = time.monotonic()
        await pilot.press("ctrl+c")
    assert time.monotonic() - began < 10, "the attempt would take a minute"


@pytest.mark.parametrize("text", ["[/]", "[@click=app.quit]x[/]", "\x1b[2J", "a\nb", "\u202ex"])
async def test_the_question_shows_hostile_names_as_text(text: str) -> None:
    what = attempt(replace(API, name=text, user=text, uid=0, command=text))
    async with trying(what).app().run_test(size=(120, 36)) as pilot:
        shown = await asked(pilot, "to end it.")
        assert not {char for char in shown if not char.isprintable() and char != "\n"}
        await pilot.press(*"[/]", "enter")
        await pilot.pause()
        assert pilot.app.is_running and pilot.app._exception is None


# ------------------------------------------------------------------------------- for real

SERVE = """
import signal, socket, sys, time
if sys.argv[1] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
time.sleep(60)
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="sees owners by the Linux kernel")


@pytest.fixture
def real(request: pytest.FixtureRequest) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process of our own that listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, request.param], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process, int(process.stdout.readline())
    process.kill()
    process.communicate()


@linux
@pytest.mark.parametrize("real", ["plain", "stubborn"], indirect=True)
async def test_a_real_process_is_ended_from_the_screen(
    real: tuple[subprocess.Popen[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    process, port = real
    stubborn = "stubborn" in process.args
    if stubborn:  # the other one may take as long as it needs
        monkeypatch.setattr(stop, "WAIT_S", 0.5)
    name = processes.name_of(process.pid)
    assert name is not None
    app = NetwhyApp([parse("127.0.0.1:1")], engine=Engine(), interval_s=60)
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2")
        await until(pilot, "Local listeners")
        await pilot.press("slash", *str(port), "enter")
        await until(pilot, f"(pid {process.pid})")
        await pilot.press("x")
        word = name if os.geteuid() == 0 else "yes"
        await until(pilot, f'Type "{word}"')
        await pilot.press(*word, "enter")
        if stubborn:
            await until(pilot, 'Type "kill"')
            assert process.poll() is None
            await pilot.press(*"kill", "enter")
        await until(pilot, f"tcp port {port} is free.")
    assert process.wait(20) == (-signal.SIGKILL if stubborn else -signal.SIGTERM)
