"""The ports view: who listens here, what overlaps, what is connected, and who could be ended."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input, Static

from netwhy.core.listing import Listing
from netwhy.core.model import Target
from netwhy.core.observations import Socket
from netwhy.core.snapshot import Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.ask import Ask
from netwhy.tui.columns import CONNECTIONS, PORTS, Laid, laid
from netwhy.tui.details import Details
from netwhy.tui.legend import Legend, port_legend
from netwhy.tui.look import Line
from netwhy.tui.port_lines import about_socket, port_line, spelled
from netwhy.tui.port_reader import Depth, PortReader
from netwhy.tui.port_rows import BY_COLUMN, BY_OWNER, SORTS, Arranged, arranged
from netwhy.tui.port_words import note, nothing, title
from netwhy.tui.target_lines import column_at, heading
from netwhy.tui.view import View
from netwhy.tui.widgets.line_list import LineList
from netwhy.tui.widgets.text_panel import Writer
from netwhy.tui.widgets.why import Why

REFRESH_S = 2.0


class Ports(View):
    """Local sockets above, the chosen one or the answer about a bind below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "ask_bind", "bind?", id="ports.bind", tooltip="Could a server start here?"),
        Binding(
            "x",
            "stop",
            "stop",
            id="ports.stop",
            tooltip="End what holds the port: shows what would be lost, and asks",
        ),
        Binding(
            "c",
            "connections",
            "connections",
            id="ports.connections",
            tooltip="Connections and what lingers too, or listeners only",
        ),
        Binding("s", "sort", "Sort", show=False, id="list.sort", tooltip=", ".join(SORTS)),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._reader = PortReader(
            lambda work: self.netwhy.launch(work), lambda: self._depth, self._has_read
        )
        self._everything = False  # connections too
        self._sort = next(iter(SORTS))
        self._arranged = Arranged()
        self._order: tuple[object, ...] = ()  # the filter and the order of that
        self._widths: Laid = ()
        self._said = ("", "")
        self._asked = False  # the lower pane answers a question about a bind

    def compose_body(self) -> ComposeResult:
        with Container(id="body", classes="stacked"):
            yield LineList(ascii_only=self.page.ascii, id="ports")
            yield Static(Content(""), id="note", markup=False)
            yield Why(self.page, id="about")

    @property
    def ports(self) -> LineList:
        return self.query_one("#ports", LineList)

    @property
    def legend(self) -> Legend:
        return port_legend(self.page)

    def focus_list(self) -> None:
        self.ports.focus()

    # ----------------------------------------------------------------------------- the data

    def on_mount(self) -> None:
        super().on_mount()
        self.ports.border_title = Content(" Local listeners ")
        self.set_interval(REFRESH_S, self._read_again)
        self.watch(self.ports, "scroll_y", self._name_seen, init=False)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        if not (self.netwhy.frozen and self._reader.listing):
            self._read()

    def _read_again(self) -> None:
        """Unless nobody looks, the view stands, or it would cost too much."""
        if self._reader.due and self.is_current and not self.netwhy.frozen:
            self._read()

    def _read(self) -> None:
        self._reader.read(self.netwhy.engine)

    def _has_read(self) -> None:
        if self.stands:
            self.update_body(self.netwhy.snapshot)

    @property
    def _depth(self) -> Depth:
        """Whose connections are is known beforehand only where a filter or an order needs it."""
        by_name = any(not word.isdecimal() for word in self.wanted.split())
        return self._everything, self._everything and (by_name or self._sort in BY_OWNER)

    def _name_seen(self) -> None:
        """The connections on the screen get their owners."""
        if self._everything and self.stands:
            top = max(0, round(self.ports.scroll_y))
            seen = self._arranged.keys[top : top + self.ports.size.height]
            self._reader.name(self.netwhy.engine, [self._socket(key) for key in seen])

    def _socket(self, key: str) -> Socket:
        """A listed socket, as far as it is known."""
        return self._reader.known(self._arranged.socket(key))

    # ------------------------------------------------------------------------------ drawing

    def update_body(self, snapshot: Snapshot) -> None:
        self._arrange()
        longest = self._arranged.longest
        columns = CONNECTIONS if self._everything else PORTS
        kept = [column for column in columns if column.name != "home" or longest.get("home")]
        self._widths = widths = laid(kept, self.ports.room, longest)
        now = self._now()

        def line(key: str) -> Line:
            return port_line(
                self._socket(key), self._arranged.oddities(key), widths, now, self.page
            )

        keys = self._arranged.keys
        listing, problem = self._reader.listing, self._reader.problem
        self.ports.show_keys(heading(widths) if keys else (), keys, line, nothing(listing, problem))
        self._say(listing, problem)
        if not self._asked:
            self._show_about()
        if not self.netwhy.frozen:
            self._name_seen()
            self._reader.read_deeper(self.netwhy.engine)

    def _arrange(self) -> None:
        """Filter and sort, if anything that matters for that has changed."""
        listing, words = self._reader.listing, tuple(self.wanted.split())
        order = (words, self._sort)
        if listing is not None and (listing is not self._arranged.listing or order != self._order):
            self._order = order
            self._arranged = arranged(listing, words, self._sort)

    def on_line_list_resized(self) -> None:
        self.update_body(self.netwhy.snapshot)

    def tick(self) -> None:
        super().tick()
        if self._arranged.keys:
            self.update_body(self.netwhy.snapshot)  # durations

    def _now(self) -> float:
        frozen = self.netwhy.frozen
        return self.netwhy.snapshot.taken_at.timestamp() if frozen else time.time()

    def _say(self, listing: Listing | None, problem: str) -> None:
        """The title over the list and the note under it, where they say something new."""
        found, wanted = self._arranged.found, self.wanted.strip()
        kinds = {"everything": self._everything, "behind": self._reader.behind}
        said = (
            title(listing, found, wanted, self._sort, self.page, **kinds),
            note(listing, found, problem),
        )
        if said == self._said:
            return
        self._said = said
        self.ports.border_title = Content(f" {said[0]} ")
        below = self.query_one("#note", Static)
        below.display = bool(said[1])
        below.update(Content(said[1]))

    @property
    def chosen(self) -> str | None:
        """The key of the socket of the cursor."""
        key = self.ports.key
        return key if key in self._arranged.places else None

    def _show_about(self, *, top: bool = False) -> None:
        key = self.chosen
        self.why.display = key is not None
        if key is not None:
            self.why.say_title("Owner")
            self.why.show_text(self._about(key, whole=False), top=top)

    def _about(self, key: str, *, whole: bool) -> Writer:
        """All that is known of one, also when it has gone meanwhile."""
        socket, odd = self._socket(key), self._arranged.oddities(key)
        listing = self._arranged.listing
        others = listing.others(socket) if whole and listing is not None else ()
        return lambda width: about_socket(
            socket, odd, width, self.page, now=self._now(), whole=whole, others=others
        )

    def on_line_list_moved(self) -> None:
        self._ask(False)
        self._show_about(top=True)
        self._name_seen()

    # ------------------------------------------------------------------------------ actions

    def on_line_list_chosen(self) -> None:
        key = self.chosen
        if key is not None:
            name = inert(spelled(self._socket(key)))
            self.app.push_screen(Details(name, self._about(key, whole=True)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A cause, and fixes to copy, are only where the lower pane answers about a bind."""
        if action in ("copy_fix", "next_fix"):
            return self._asked and bool(self.why.fixes)
        if action in ("explain", "copy_diagnosis"):
            return self._asked
        return super().check_action(action, parameters)

    def action_connections(self) -> None:
        if self.netwhy.frozen:
            self.netwhy.say("The view is frozen.  space: go on", "warning")
            return
        self._everything = not self._everything
        self._read()
        self.update_body(self.netwhy.snapshot)

    def on_line_list_heading_clicked(self, event: LineList.HeadingClicked) -> None:
        column = column_at(self._widths, event.x)
        self._sort = BY_COLUMN.get(column or "", self._sort)
        self.update_body(self.netwhy.snapshot)

    def action_sort(self) -> None:
        names = list(SORTS)
        self._sort = names[(names.index(self._sort) + 1) % len(names)]
        self.update_body(self.netwhy.snapshot)

    def action_stop(self) -> None:
        from netwhy.tui.stop import Stop

        key, engine = self.chosen, self.netwhy.engine
        socket = self._socket(key) if key is not None else None
        if socket is None or engine is None:
            self.netwhy.say("No socket is chosen.", "warning")
        elif not socket.listening:
            self.netwhy.say("Only listeners are ended, and this does not listen.", "warning")
        else:
            ask = Stop(self.page, engine, socket.port, socket.transport)
            self.app.push_screen(ask, lambda acted: self._read() if acted else None)

    def action_back(self) -> None:
        """One thing at a time: close the answer about a bind, then drop the filter."""
        if self._asked and not isinstance(self.focused, Input):
            self._ask(False)
            self._show_about(top=True)
            self.focus_list()
        else:
            super().action_back()

    def _ask(self, asked: bool) -> None:
        """Is the lower pane about a bind?  That decides which keys do something."""
        if asked is not self._asked:
            self._asked = asked
            self.refresh_bindings()

    def action_ask_bind(self) -> None:
        from netwhy.core.target import parse_bind

        ask: Ask[Target] = Ask(
            "Could I bind?", "a port, or an address and a port: 8080, 127.0.0.1:80", parse_bind
        )
        self.app.push_screen(ask, self._bind_asked)

    def _bind_asked(self, target: Target | None) -> None:
        if target is not None and self.netwhy.engine is not None:
            self._ask(True)
            self.netwhy.launch(self._try_bind(target), group="bind")

    async def _try_bind(self, target: Target) -> None:
        """Show the answer as it becomes known."""
        assert self.netwhy.engine is not None  # asked before this was started
        self.why.display = True
        spelled = target.text.partition("://")[2] or target.text
        self.why.say_title(f"Could I bind {inert(spelled)}?   esc: back")
        self.why.show_report(None)
        async for report in self.netwhy.engine.check(target):
            if self._asked:
                self.why.show_report(report)
                self.refresh_bindings()
