"""Local sockets and their holders, as a table for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from netwhy.core.observations import Owner, Socket
from netwhy.output.inert import inert
from netwhy.output.layout import Page, columns, counted, moment, padded, shortened

_HEADER = ("PROTO", "ADDRESS", "PORT", "REACH", "USER", "PID", "PROCESS", "COMMAND")
#: Columns whose numbers stand right-aligned.
_NUMBERS = frozenset({"PORT", "PID"})
_REACH = {"everywhere": "everywhere", "link": "this link", "loopback": "loopback"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sockets to show: all conditions must hold.

    `words` are looked for in every column that is shown; a number is the exact port or pid, or
    part of a name or command, so that 80 does not find port 8080.
    """

    words: tuple[str, ...] = ()
    ports: tuple[range, ...] = ()
    processes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.words or self.ports or self.processes)

    def fits(self, socket: Socket) -> bool:
        if self.ports and not any(socket.port in ports for ports in self.ports):
            return False
        rows = [_row(socket, owner) for owner in _owners(socket)]
        named = [f"{row[6]} {row[7]}".casefold() for row in rows]
        if not all(any(p.casefold() in name for name in named) for p in self.processes):
            return False
        return all(any(_found(word.casefold(), row) for row in rows) for word in self.words)


def table_lines(
    sockets: Sequence[Socket], *, color: bool = False, width: int | None = None, ascii: bool = False
) -> list[str]:
    """A header and one line for each holder of each socket; empty without sockets.

    The last column is cut at `width`; with None (a pipe) nothing is cut.
    """
    page = Page(width or 0, color, ascii)
    rows = [_row(s, owner) for s in sorted(sockets, key=_order) for owner in _owners(s)]
    if not rows:
        return []
    widths = [max(columns(row[i]) for row in (_HEADER, *rows)) for i in range(len(_HEADER) - 1)]
    header, *lines = (_line(row, widths) for row in (_HEADER, *rows))
    if width is not None:
        ellipsis = "..." if ascii else "…"
        header, *lines = (shortened(line, width, ellipsis) for line in (header, *lines))
    return [page.paint(header, "heading"), *lines]


def footnote_lines(sockets: Sequence[Socket], command: str | None) -> list[str]:
    """Why holders are not named, each reason once; empty when every holder is.

    `command` is what would name them; None where more privilege would add nothing.
    """
    reasons = [
        next((owner.hidden for owner in _owners(s) if owner and owner.hidden), "")
        for s in sockets
        if any(_unnamed(owner) for owner in _owners(s))
    ]
    if not reasons:
        return []
    if command is not None:
        verb = "belongs" if len(reasons) == 1 else "belong"
        return [
            f"{counted(len(reasons), 'socket')} {verb} to processes that this user may not see.",
            f"To name them: {command}",
        ]
    return [
        f"{counted(reasons.count(reason), 'socket')}: {inert(reason)}."
        for reason in dict.fromkeys(reasons)
        if reason
    ]


def ports_document(sockets: Sequence[Socket], *, version: str, taken_at: datetime) -> bytes:
    """`netwhy.ports/1`: every socket with its holders, as indented JSON with a line end."""
    import json

    document = {
        "schema": "netwhy.ports/1",
        "version": version,
        "taken_at": moment(taken_at),
        "sockets": [_socket(s) for s in sorted(sockets, key=_order)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"


def _order(socket: Socket) -> tuple[int, str, int, int]:
    address = socket.address
    return socket.port, socket.transport, address.version, int(address)


def _owners(socket: Socket) -> Iterable[Owner | None]:
    return socket.owners or (None,)


def _unnamed(owner: Owner | None) -> bool:
    return owner is None or bool(owner.hidden) or owner.pid is None


def _row(socket: Socket, owner: Owner | None) -> tuple[str, ...]:
    address = inert(str(socket.address))
    if socket.interface and "%" not in address:
        address = f"{address}%{inert(socket.interface)}"
    owner = owner or Owner(uid=socket.uid)
    user = owner.user or (None if owner.uid is None else str(owner.uid))
    return (
        socket.transport + ("" if socket.listening else f" {socket.state.lower()}"),
        address,
        str(socket.port),
        _REACH.get(socket.exposure, socket.exposure),
        inert(user or "-"),
        "-" if owner.pid is None else str(owner.pid),
        inert(owner.name or "-"),
        inert(_command(owner)),
    )


def _command(owner: Owner) -> str:
    """The command line; then unit and container, which name a holder that hides its pid."""
    parts = [owner.command] if owner.command else []
    if owner.container:
        parts.append(f"[container {owner.container}]")
    elif owner.unit:
        parts.append(f"[{owner.unit}]")
    return " ".join(parts) or "-"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        text.rjust(width) if name in _NUMBERS else padded(text, width)
        for name, text, width in zip(_HEADER, row, widths, strict=False)
    ]
    return "  ".join([*cells, row[-1]]).rstrip()


def _found(word: str, row: Sequence[str]) -> bool:
    if word.isdecimal():
        exact = (row[_HEADER.index("PORT")], row[_HEADER.index("PID")])
        return word in exact or any(word in text.casefold() for text in row[-2:])
    return any(word in text.casefold() for text in row)


def _socket(socket: Socket) -> dict[str, Any]:
    return {
        "transport": socket.transport,
        "address": inert(str(socket.address)),
        "port": socket.port,
        "state": socket.state,
        "exposure": socket.exposure,
        "interface": None if socket.interface is None else inert(socket.interface),
        "v6only": socket.v6only,
        "uid": socket.uid,
        "owners": [_owner(owner) for owner in socket.owners],
    }


def _owner(owner: Owner) -> dict[str, Any]:
    texts = {
        name: None if value is None else inert(value)
        for name, value in (
            ("name", owner.name),
            ("user", owner.user),
            ("command", owner.command),
            ("unit", owner.unit),
            ("container", owner.container),
        )
    }
    return {
        "pid": owner.pid,
        "uid": owner.uid,
        "started": owner.started,
        **texts,
        "parents": [{"pid": pid, "name": inert(name)} for pid, name in owner.parents],
        "hidden": inert(owner.hidden) or None,
    }
