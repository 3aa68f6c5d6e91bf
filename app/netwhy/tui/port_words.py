"""What the ports view says around its rows: the title, what is not seen, why there is nothing."""

from __future__ import annotations

from netwhy.core.listing import Listing
from netwhy.core.model import Mark
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.output.ports import SUDO
from netwhy.tui.look import Line
from netwhy.tui.port_rows import MOST, SORTS


def title(
    listing: Listing | None,
    found: int,
    wanted: str,
    sort: str,
    page: Page,
    *,
    everything: bool,
    behind: bool,
) -> str:
    """What is listed, how many of them, in which order, and what is odd among them.

    `behind`: what the title says is being read, and something else is still shown.
    """
    text = "Local sockets" if everything else "Local listeners"
    if behind:
        return f"{text}: reading"
    if listing is not None and listing.sockets:
        text += f" {found}"
    if wanted and listing is not None:
        text += f' of {len(listing.sockets)}, with "{inert(wanted)}"'
    if sort != next(iter(SORTS)):
        text += f", by {sort}"
    if listing is not None and listing.odd:
        text += f"   {page.mark(Mark.WARN)} {counted(len(listing.odd), 'overlap')}"
    return text


def note(listing: Listing | None, found: int, problem: str) -> str:
    """What is not seen in the list, and what would show it; said once, for all rows."""
    if listing is None:
        return ""
    parts = []
    if problem and found:
        parts.append(f"{inert(problem)}. This is what was read before.")
    if found > MOST:
        parts.append(f"The first {MOST} of {found} are listed: / narrows them.")
    if listing.unseen:
        parts.append(f"{counted(listing.unseen, 'socket')} without a process: {SUDO} names them.")
    return " ".join(parts)


def nothing(listing: Listing | None, problem: str) -> tuple[Line, ...]:
    """What stands where no row does."""
    if problem:
        return (((f"  {inert(problem)}", "failing"),),)
    if listing is None:
        return ((("  Reading the local sockets.", "muted"),),)
    if listing.sockets:
        return ((("  Nothing matches the filter.", "muted"),),)
    return ((("  Nothing listens on this machine.", "muted"),),)
