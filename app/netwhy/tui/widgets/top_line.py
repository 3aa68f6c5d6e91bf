"""The header: is it recorded, how many are in which state, from where it is seen, the time."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from netwhy.core.model import VERDICT_ORDER, Mark
from netwhy.core.snapshot import Snapshot
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.look import ROLES, Line, content, glyph, page_content, word
from netwhy.tui.spans import clock, fitted

_LINK_ONLY = ("fe80:", "169.254.")


class TopLine(Widget):
    """One line where it fits, two where it does not."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._snapshot: Snapshot | None = None
        self._now = datetime.now(UTC)
        self._recording: bool | None = None
        self._drawn: list[Line] = []

    def show(self, snapshot: Snapshot, now: datetime, *, recording: bool | None = None) -> None:
        """`recording`: is a session written to a file?  False where that has failed."""
        self._snapshot, self._now, self._recording = snapshot, now, recording
        self._lay()

    def on_resize(self) -> None:
        self._lay()

    def _lay(self) -> None:
        if self._snapshot is None or not self.size.width:
            return
        rec = _recorded(self._recording, self._page)
        lines = header_lines(self._snapshot, self._now, self.size.width, self._page, rec)
        if lines == self._drawn:
            return
        taller = len(lines) != len(self._drawn)
        self._drawn = lines
        if taller:
            self.styles.height = len(lines)
        self.refresh(layout=taller)

    def render(self) -> Content:
        return page_content(self._drawn) if self._drawn else content(((" netwhy", "title"),))


def header_lines(
    snapshot: Snapshot, now: datetime, width: int, page: Page, rec: Line = ()
) -> list[Line]:
    """The header in one line of `width` cells, or in two; `rec` follows the name."""
    state = [(" netwhy", "title"), *rec, *_counts(snapshot, page)]
    place = _place(snapshot)
    time = clock(now)
    every = f"every {snapshot.interval_s:g}s"
    ends = f"{every}   {time} "
    used = sum(cell_len(text) for text, _ in state)
    if used + 3 + cell_len(place) + 3 + len(ends) <= width:
        blank = " " * (width - used - cell_len(place) - 3 - len(ends))
        return [(*state, (f"{blank}{place}   {ends}", "muted"))]
    ends = next((e for e in (ends, f"{time} ") if used + 2 + len(e) <= width), "")
    first = (*state, (fitted(ends, max(0, width - used), right=True), "muted"))
    if not place:
        return [first]
    return [first, ((fitted(f" {place}", width), "muted"),)]


def _recorded(recording: bool | None, page: Page) -> Line:
    """That it is recorded: whoever sits there must know that it is kept."""
    if recording is None:
        return ()
    if recording:
        return ((f"  {'*' if page.ascii else '●'} rec", "key"),)
    return ((f"  {page.mark(Mark.FAILED)} rec", "failing"),)


def _counts(snapshot: Snapshot, page: Page) -> Line:
    shown = [v for v in (*VERDICT_ORDER, None) if snapshot.counts.get(v)]
    return tuple((f"  {glyph(v, page)} {snapshot.counts[v]} {word(v)}", ROLES[v]) for v in shown)


def _place(snapshot: Snapshot) -> str:
    """This machine in a few words: its name, interface and address, and the gateway."""
    vantage = snapshot.vantage
    if vantage is None:
        return ""
    parts = [vantage.hostname]
    interface = _interface(snapshot)
    # What others reach it by, before what holds on one link only.
    address = min(vantage.addresses, key=lambda text: text.startswith(_LINK_ONLY), default="")
    if interface or address:
        parts.append(f"{interface} {address}".strip())
    parts.append(f"gw {vantage.gateways[0]}" if vantage.gateways else "no gateway")
    return inert("  ".join(part for part in parts if part))


def _interface(snapshot: Snapshot) -> str:
    """The name of the interface in use, as some probe of some target has seen it."""
    for row in snapshot.rows:
        for probe in row.report.probes if row.report else ():
            usable = probe.detail.get("usable_interfaces") if probe.probe == "local" else None
            if usable and isinstance(usable, list | tuple):  # a recording may hold anything
                return str(usable[0])
    return ""
