"""Local listeners as lines of the ports list, and all that is known of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from netwhy.core.model import Mark
from netwhy.core.observations import Owner, Socket, endpoint
from netwhy.core.overlaps import owner_label
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.columns import Column, Laid
from netwhy.tui.look import Line, Piece
from netwhy.tui.spans import clock, duration, fitted, squeezed
from netwhy.tui.why_lines import Lines

_REACH = {"loopback": "this machine only", "link": "this link only", "everywhere": "any network"}
_SHORT_REACH = {"link": "this link"}
#: What a state means to whoever looks at it (the names of tcp(7)).
_STATES = {
    "ESTAB": "connected",
    "SYN_SENT": "being opened: the other end has not answered yet",
    "SYN_RECV": "being opened from there",
    "FIN_WAIT1": "closed here, not yet told to the other end",
    "FIN_WAIT2": "closed here; the other end has not closed",
    "TIME_WAIT": "closed, kept for late packets",
    "CLOSE_WAIT": "closed by the other end; the program here has not closed it",
    "LAST_ACK": "closed at both ends but for the last word",
    "CLOSING": "closed at both ends at once",
    "CLOSE": "closed",
    "BOUND": "bound, and does not listen",
}


def key(socket: Socket) -> str:
    """What a socket is called while it lives; short, for there may be thousands."""
    if socket.inode:
        return f"{socket.transport} {socket.inode} {socket.address} {socket.port}"
    where = f"{endpoint(socket.address, socket.port)}%{socket.interface or ''}"
    return f"{socket.transport} {where} {socket.remote or ''}"


def spelled(socket: Socket) -> str:
    """A listener as people write it."""
    return f"{socket.transport} {endpoint(socket.address, socket.port)}"


def port_line(socket: Socket, odd: Sequence[str], widths: Laid, now: float, page: Page) -> Line:
    """One listener as pieces of exactly the column widths."""
    pieces: list[Piece] = []
    for column, width in widths:
        text, role = _cell(socket, column, odd, now, page)
        ellipsis = "~" if page.ascii else "…"
        if column.name == "owner":
            cell = squeezed(inert(text), width, ellipsis=ellipsis)  # the pid stands at the end
        else:
            cell = fitted(inert(text), width, ellipsis=ellipsis, right=column.right)
        pieces.append((cell + " " * (column is not widths[-1][0]), role))
    return tuple(pieces)


def _cell(socket: Socket, column: Column, odd: Sequence[str], now: float, page: Page) -> Piece:
    owner = socket.owners[0] if socket.owners else Owner(uid=socket.uid)
    match column.name:
        case "mark":
            return (page.mark(Mark.WARN), "degraded") if odd else (" ", "")
        case "proto":
            return socket.transport, ""
        case "address":
            return _address(socket), ""
        case "port":
            return str(socket.port), "title"
        case "state":
            return socket.state.lower(), "" if socket.listening else "muted"
        case "exposure" | "remote":
            return _open_to(socket)
        case "owner":
            if not socket.owners:  # not looked for yet, or nobody's any more
                return ("" if socket.inode else page.mark(Mark.ABSENT)), "muted"
            if owner.user and not (owner.pid or owner.name or owner.unit or owner.container):
                return f"of user {owner.user}", "muted"
            return owner_label(socket), "" if owner.pid is not None else "muted"
        case "user":
            nobody = not socket.owners and socket.inode is None
            return (page.mark(Mark.ABSENT) if nobody else _user(owner)), ""
        case "home":
            return home(owner), "muted"
        case "clients":
            known = socket.connections is not None
            return (str(socket.connections) if known else page.mark(Mark.ABSENT)), ""
    return since(socket, now, page), ""


def since(socket: Socket, now: float, page: Page) -> str:
    """For how long its program has been running; no row changes each second for ever."""
    started = socket.owners[0].started if socket.owners else None
    if started is None:
        return page.mark(Mark.ABSENT)
    seconds = now - started
    return f"{seconds // 60:.0f}m" if 60 <= seconds < 3600 else duration(seconds)


def home(owner: Owner) -> str:
    """For whom it holds the socket, in which container, else for which unit; empty for none."""
    return owner.behind or owner.container or owner.unit or ""


def _open_to(socket: Socket) -> Piece:
    """With whom a connection is; from where a listener can be reached."""
    if socket.remote is not None:
        return endpoint(*socket.remote), ""
    if socket.state == "BOUND":
        return "bound only", "muted"
    reach = _SHORT_REACH.get(socket.exposure, socket.exposure)
    return reach, "degraded" if socket.exposure == "everywhere" else ""


def _address(socket: Socket) -> str:
    text = str(socket.address)
    if socket.interface and "%" not in text:
        return f"{text}%{socket.interface}"
    return text


def _user(owner: Owner) -> str:
    return owner.user or ("?" if owner.uid is None else str(owner.uid))


def about_socket(
    socket: Socket,
    odd: Sequence[str],
    width: int,
    page: Page,
    *,
    now: float,
    whole: bool,
    others: Sequence[Socket] = (),
) -> list[Line]:
    """Who holds a socket and what is odd about it; `whole` adds parents and queues.

    `others` are more listeners of the same owner.
    """
    out = Lines(width, page)
    out.text(f"{spelled(socket)}{_relation(socket)}", "title")
    for reason in odd:
        out.text(f"{page.mark(Mark.WARN)} {reason}", "degraded")
    out.gap()
    if socket.inode is None and not socket.owners:
        out.item("Owner", "nobody any more: the kernel ends it by itself")
    owners = socket.owners or ((Owner(uid=socket.uid),) if socket.inode else ())
    for owner in owners if whole else owners[:1]:
        _about_owner(out, owner, now, whole=whole)
    if len(owners) > 1 and not whole:
        out.item("Shared with", ", ".join(owner.label for owner in owners[1:]))
    if others:
        out.items("Also has", [spelled(s) + _relation(s) for s in others])
    if whole:
        out.gap()
        _about_kernel(out, socket)
    return out.lines


def _relation(socket: Socket) -> str:
    """Who can reach a listener; with whom a connection is and how far that is."""
    if socket.remote is None and socket.state != "BOUND":
        return f", open to {_REACH.get(socket.exposure, socket.exposure)}"
    text = f" to {endpoint(*socket.remote)}" if socket.remote is not None else ""
    text += f", {_STATES.get(socket.state, socket.state.lower())}"
    return text + (f", {socket.expires_ms / 1000:.0f} s left" if socket.expires_ms else "")


def _about_owner(out: Lines, owner: Owner, now: float, *, whole: bool) -> None:
    out.item("Owner", owner.label)
    if owner.command:
        out.item("Command", owner.command)
    out.item("User", _user(owner) + ("" if owner.uid is None else f" (uid {owner.uid})"))
    for label, value in (
        ("For", owner.behind),
        ("Unit", owner.unit),
        ("Container", owner.container),
    ):
        if value:
            out.item(label, value)
    if owner.started is not None:
        began = datetime.fromtimestamp(owner.started, UTC)
        out.item(
            "Since",
            f"{began.astimezone():%Y-%m-%d} {clock(began)}, for {duration(now - owner.started)}",
        )
    if whole:
        chain = [f"{name} (pid {pid})" for pid, name in owner.parents]
        out.items("Parents", chain)
    if owner.hidden:
        out.item("Hidden", owner.hidden, "muted")


def _about_kernel(out: Lines, socket: Socket) -> None:
    out.item("State", socket.state)
    if socket.v6only is not None:
        out.item("IPv6 only", "yes" if socket.v6only else "no: IPv4 clients reach it too")
    if socket.interface:
        out.item("Interface", socket.interface)
    if socket.state == "LISTEN":  # there the kernel's queues are of connections (ss(8))
        wait, most = socket.receive_queue, socket.send_queue
        if socket.connections is not None:
            out.item("Clients", f"{socket.connections} connected")
        out.item("Backlog", f"{wait} waiting to be accepted, of {most} at most")
    else:
        out.item(
            "Queues", f"{socket.receive_queue} bytes to be read, {socket.send_queue} to be sent"
        )
