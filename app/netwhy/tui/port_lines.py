"""Local listeners as lines of the ports list, and all that is known of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from netwhy.core.model import Mark
from netwhy.core.observations import Owner, Socket, endpoint
from netwhy.output.inert import inert
from netwhy.output.layout import Page
from netwhy.tui.columns import Column, Laid
from netwhy.tui.look import Line, Piece
from netwhy.tui.overlaps import owner_label
from netwhy.tui.spans import clock, duration, fitted
from netwhy.tui.why_lines import Lines

_REACH = {"loopback": "this machine only", "link": "this link only", "everywhere": "any network"}


def key(socket: Socket) -> str:
    """What a listener is called while it lives."""
    where = f"{endpoint(socket.address, socket.port)}%{socket.interface or ''}"
    return f"{socket.transport} {where} {socket.inode or ''}"


def spelled(socket: Socket) -> str:
    """A listener as people write it."""
    return f"{socket.transport} {endpoint(socket.address, socket.port)}"


def in_order(sockets: Sequence[Socket]) -> list[Socket]:
    """By port, then protocol, family and address."""
    return sorted(
        sockets, key=lambda s: (s.port, s.transport, s.address.version, int(s.address), key(s))
    )


def port_line(socket: Socket, odd: Sequence[str], widths: Laid, now: float, page: Page) -> Line:
    """One listener as pieces of exactly the column widths."""
    pieces: list[Piece] = []
    for column, width in widths:
        text, role = _cell(socket, column, odd, now, page)
        ellipsis = "~" if page.ascii else "…"
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
        case "exposure":
            return socket.exposure, "degraded" if socket.exposure == "everywhere" else ""
        case "owner":
            return owner_label(socket), "" if owner.pid is not None else "muted"
        case "user":
            return _user(owner), ""
    return (page.mark(Mark.ABSENT) if owner.started is None else duration(now - owner.started)), ""


def _address(socket: Socket) -> str:
    text = str(socket.address)
    if socket.interface and "%" not in text:
        return f"{text}%{socket.interface}"
    return text


def _user(owner: Owner) -> str:
    return owner.user or ("?" if owner.uid is None else str(owner.uid))


def about_socket(
    socket: Socket, odd: Sequence[str], width: int, page: Page, *, now: float, whole: bool
) -> list[Line]:
    """Who holds a listener and what is odd about it; `whole` adds parents and queues."""
    out = Lines(width, page)
    reach = _REACH.get(socket.exposure, socket.exposure)
    out.text(f"{spelled(socket)}, open to {reach}", "title")
    for reason in odd:
        out.text(f"{page.mark(Mark.WARN)} {reason}", "degraded")
    out.gap()
    for owner in socket.owners or (Owner(uid=socket.uid, hidden="the owner of this socket"),):
        _about_owner(out, owner, now, whole=whole)
    if whole:
        out.gap()
        _about_kernel(out, socket)
    return out.lines


def _about_owner(out: Lines, owner: Owner, now: float, *, whole: bool) -> None:
    out.item("Owner", owner.label)
    if owner.command:
        out.item("Command", owner.command)
    out.item("User", _user(owner) + ("" if owner.uid is None else f" (uid {owner.uid})"))
    for label, value in (("Unit", owner.unit), ("Container", owner.container)):
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
        out.item("Backlog", f"{wait} connections wait to be accepted, of {most} at most")
    else:
        out.item(
            "Queues", f"{socket.receive_queue} bytes to be read, {socket.send_queue} to be sent"
        )
