"""The ports view: who listens here, what overlaps, and "could I bind…?"."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from netwhy.core.model import Mark, Target
from netwhy.core.observations import Socket
from netwhy.core.snapshot import Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.output.ports import Wanted
from netwhy.tui.ask import Ask
from netwhy.tui.columns import PORTS, laid
from netwhy.tui.details import Details
from netwhy.tui.legend import Legend, port_legend
from netwhy.tui.look import Line
from netwhy.tui.overlaps import overlaps, owner_label
from netwhy.tui.port_lines import about_socket, in_order, key, port_line, spelled
from netwhy.tui.target_lines import heading
from netwhy.tui.view import View
from netwhy.tui.widgets.line_list import Item, LineList
from netwhy.tui.widgets.why import Why

REFRESH_S = 2.0


class Ports(View):
    """Local listeners above, the chosen one or the answer about a bind below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "b", "ask_bind", "could I bind?", id="ports.bind", tooltip="Could a server start here?"
        ),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._sockets: Sequence[Socket] | None = None  # None: not read yet
        self._overlaps: dict[int, tuple[str, ...]] = {}
        self._problem = ""
        self._loading = False
        self._asked = False  # the lower pane answers a question about a bind

    def compose_body(self) -> ComposeResult:
        with Container(id="body", classes="stacked"):
            yield LineList(ascii_only=self.page.ascii, id="ports")
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
        self.set_interval(REFRESH_S, self._reload)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._reload()

    def _reload(self) -> None:
        """Read the sockets again, unless that is under way, nobody looks, or the view stands."""
        idle = self.is_current and not self._loading and not self.netwhy.frozen
        if idle and self.netwhy.engine is not None:
            self._loading = True
            self.netwhy.launch(self._load())

    async def _load(self) -> None:
        assert self.netwhy.engine is not None  # asked before this was started
        try:
            self._sockets = in_order(await self.netwhy.engine.sockets())
            self._problem = ""
        except Exception as error:  # told in the list itself
            self._problem = f"The local sockets could not be read: {type(error).__name__}: {error}"
        finally:
            self._loading = False
        self._overlaps = overlaps(self._sockets or ())
        self.update_body(self.netwhy.snapshot)

    # ------------------------------------------------------------------------------ drawing

    def update_body(self, snapshot: Snapshot) -> None:
        wanted = Wanted(words=tuple(self.wanted.split()))
        shown = [(i, s) for i, s in enumerate(self._sockets or ()) if wanted.fits(s)]
        longest = {
            "address": max((len(str(s.address)) for _, s in shown), default=0),
            "owner": max((cell_len(inert(owner_label(s))) for _, s in shown), default=0),
            "user": max((cell_len(str(o.user)) for _, s in shown for o in s.owners), default=0),
        }
        widths = laid(PORTS, self.ports.room, longest)
        now = self._now()
        items = [
            Item(key(s), port_line(s, self._overlaps.get(i, ()), widths, now, self.page))
            for i, s in shown
        ]
        self.ports.show(heading(widths) if items else (), items, self._nothing())
        self._say_title(len(shown))
        if not self._asked:
            self._show_about()

    def on_line_list_resized(self) -> None:
        self.update_body(self.netwhy.snapshot)

    def tick(self) -> None:
        super().tick()
        if self._sockets:
            self.update_body(self.netwhy.snapshot)  # durations

    def _now(self) -> float:
        frozen = self.netwhy.frozen
        return self.netwhy.snapshot.taken_at.timestamp() if frozen else time.time()

    def _nothing(self) -> tuple[Line, ...]:
        if self._problem:
            return (((f"  {inert(self._problem)}", "failing"),),)
        if self._sockets is None:
            return ((("  Reading the local sockets.", "muted"),),)
        if self._sockets:
            return ((("  Nothing matches the filter.", "muted"),),)
        return ((("  Nothing listens on this machine.", "muted"),),)

    def _say_title(self, shown: int) -> None:
        title = f"Local listeners {shown}" if self._sockets else "Local listeners"
        if self.wanted.strip():
            title += f' of {len(self._sockets or ())}, with "{inert(self.wanted.strip())}"'
        if self._overlaps:
            title += f"   {self.page.mark(Mark.WARN)} {counted(len(self._overlaps), 'overlap')}"
        self.ports.border_title = Content(f" {title} ")

    @property
    def chosen(self) -> tuple[Socket, tuple[str, ...]] | None:
        """The listener of the cursor and what is odd about it."""
        for place, socket in enumerate(self._sockets or ()):
            if key(socket) == self.ports.key:
                return socket, self._overlaps.get(place, ())
        return None

    def _show_about(self, *, top: bool = False) -> None:
        chosen = self.chosen
        self.why.display = chosen is not None
        if chosen is None:
            return
        socket, odd = chosen
        self.why.say_title("Owner")
        self.why.show_text(
            lambda width: about_socket(socket, odd, width, self.page, now=self._now(), whole=False),
            top=top,
        )

    def on_line_list_moved(self) -> None:
        self._asked = False
        self._show_about(top=True)

    # ------------------------------------------------------------------------------ actions

    def on_line_list_chosen(self) -> None:
        if self.chosen is not None:
            socket, odd = self.chosen
            self.app.push_screen(
                Details(
                    inert(spelled(socket)),
                    lambda width: about_socket(
                        socket, odd, width, self.page, now=self._now(), whole=True
                    ),
                )
            )

    def action_back(self) -> None:
        if self._asked:
            self._asked = False
            self._show_about(top=True)
        super().action_back()

    def action_ask_bind(self) -> None:
        from netwhy.core.target import parse_bind

        ask: Ask[Target] = Ask(
            "Could I bind?", "a port, or an address and a port: 8080, 127.0.0.1:80", parse_bind
        )
        self.app.push_screen(ask, self._bind_asked)

    def _bind_asked(self, target: Target | None) -> None:
        if target is not None and self.netwhy.engine is not None:
            self._asked = True
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
