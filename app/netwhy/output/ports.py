"""Local sockets and their holders as a table for people, and which of them to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from netwhy.core.model import Mark
from netwhy.core.observations import Owner, Socket, endpoint
from netwhy.core.overlaps import overlaps
from netwhy.core.ports import Served
from netwhy.output.inert import inert
from netwhy.output.layout import Page, columns, counted, duration, padded, shortened

#: How a user runs netwhy with more privilege; sudo's own path need not know netwhy.
SUDO = 'sudo "$(command -v netwhy)"'
_HEADER = (
    "", "PROTO", "ADDRESS", "PORT", "REACH", "CONNS", "SINCE", "USER", "PID", "PROCESS", "COMMAND",
)  # fmt: skip
#: Columns whose numbers stand right-aligned.
_NUMBERS = frozenset({"PORT", "CONNS", "SINCE", "PID"})
#: The columns that go first when a terminal is narrow; the command keeps at least so many.
_DROPPED = ("CONNS", "SINCE", "USER", "REACH")
_COMMAND_WIDTH = 16
_ANSWER_WIDTH = 40
_REACH = {"everywhere": "everywhere", "link": "this link", "loopback": "loopback"}

Cells = Mapping[str, str]


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
        if not (self.words or self.processes):
            return True
        rows = [_cells(socket, owner) for owner in _owners(socket)]
        named = [f"{row['PROCESS']} {row['COMMAND']}".casefold() for row in rows]
        if not all(any(p.casefold() in name for name in named) for p in self.processes):
            return False
        return all(any(_found(word.casefold(), row) for row in rows) for word in self.words)


def table_lines(
    sockets: Sequence[Socket],
    page: Page,
    *,
    width: int | None = None,
    now: float | None = None,
    among: Sequence[Socket] | None = None,
) -> list[str]:
    """A header and one line for each holder of each socket; empty without sockets.

    What is odd about a listener stands below, marked in front of its line: seen `among` all
    listeners, where only some are shown.  On a terminal (`width`) columns that do not fit go, and
    the last one is cut; with None (a pipe) nothing is cut.  `now` is a Unix time, for SINCE.
    """
    shown = sorted(sockets, key=order)
    notes = notes_of(shown, among)
    rows = [
        {**_cells(s, owner, now), "": page.mark(Mark.WARN) if notes[place] else ""}
        for place, s in enumerate(shown)
        for owner in _owners(s)
    ]
    if not rows:
        return []
    names, widths = _laid(rows, width)
    titles = {name: name for name in _HEADER}
    header, *lines = (_line(row, names, widths) for row in (titles, *rows))
    if width is not None:
        ellipsis = "..." if page.ascii else "…"
        header, *lines = (shortened(line, width, ellipsis) for line in (header, *lines))
    odd = [
        line
        for place, s in enumerate(shown)
        for note in notes[place]
        for line in _note_lines(s, note, page, width)
    ]
    return [page.paint(header, "heading"), *lines, *([""] if odd else []), *odd]


def notes_of(
    shown: Sequence[Socket], among: Sequence[Socket] | None = None
) -> list[tuple[str, ...]]:
    """What is odd about each of them, in their order; empty where nothing is."""
    every = list(shown if among is None else among)
    found = overlaps(every)
    by_socket = {id(every[place]): reasons for place, reasons in found.items()}
    return [by_socket.get(id(socket), ()) for socket in shown]


def _note_lines(socket: Socket, note: str, page: Page, width: int | None) -> list[str]:
    text = f"{socket.transport} {endpoint(socket.address, socket.port)}: {inert(note)}"
    first = f"{page.mark(Mark.WARN)} "
    if width is None:
        return [first + text]
    return Page(width, page.color, page.ascii).wrap(text, first, "  ")


def _laid(rows: Sequence[Cells], width: int | None) -> tuple[list[str], dict[str, int]]:
    """The columns that are shown, and how wide each is; the last one takes what is left."""
    widths = {name: max(len(name), *(columns(row[name]) for row in rows)) for name in _HEADER[:-1]}
    names = [name for name in _HEADER if name or widths[""]]
    if all(row["CONNS"] == "-" for row in rows):
        names.remove("CONNS")
    if all(row["SINCE"] == "-" for row in rows):
        names.remove("SINCE")
    for name in _DROPPED:
        needed = sum(widths[n] + 2 for n in names[:-1]) + _COMMAND_WIDTH
        if width is None or needed <= width:
            break
        if name in names:
            names.remove(name)
    return names, widths


def footnote_lines(sockets: Sequence[Socket], command: str | None) -> list[str]:
    """Why holders are not named, each reason once; empty when every holder is.

    `command` is what would name them; None where more privilege would add nothing.
    """
    reasons = [
        next((owner.hidden for owner in _owners(s) if owner and owner.hidden), "")
        for s in sockets
        if not _left_over(s) and any(_unnamed(owner) for owner in _owners(s))
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


def _left_over(socket: Socket) -> bool:
    """Does the kernel keep it for nobody, as in TIME_WAIT?  No privilege would name its process."""
    known = socket.owners or socket.inode is not None or socket.uid is not None
    return not (known or socket.listening)


def order(socket: Socket) -> tuple[int, str, int, int]:
    """By port, protocol and address."""
    address = socket.address
    return socket.port, socket.transport, address.version, int(address)


def _owners(socket: Socket) -> Iterable[Owner | None]:
    return socket.owners or (None,)


def _unnamed(owner: Owner | None) -> bool:
    return owner is None or bool(owner.hidden) or owner.pid is None


def _cells(socket: Socket, owner: Owner | None, now: float | None = None) -> dict[str, str]:
    address = inert(str(socket.address))
    if socket.interface and "%" not in address:
        address = f"{address}%{inert(socket.interface)}"
    owner = owner or Owner(uid=socket.uid)
    user = owner.user or (None if owner.uid is None else str(owner.uid))
    since = None if now is None or owner.started is None else duration(now - owner.started)
    return {
        "": "",
        "PROTO": socket.transport + ("" if socket.listening else f" {socket.state.lower()}"),
        "ADDRESS": address,
        "PORT": str(socket.port),
        "REACH": _reach(socket),
        "CONNS": "-" if socket.connections is None else str(socket.connections),
        "SINCE": since or "-",
        "USER": inert(user or "-"),
        "PID": "-" if owner.pid is None else str(owner.pid),
        "PROCESS": inert(owner.name or "-"),
        "COMMAND": inert(_command(owner)),
    }


def _reach(socket: Socket) -> str:
    """Who could reach a listener; with whom a connection is."""
    if socket.remote is not None:
        return f"to {endpoint(*socket.remote)}"
    if socket.expires_ms is not None:
        return f"{socket.expires_ms / 1000:.1f} s left"
    return _REACH.get(socket.exposure, socket.exposure)


def _command(owner: Owner) -> str:
    """The command line; then container or unit, which name a holder that hides its pid."""
    parts = [owner.command] if owner.command else []
    if owner.behind:
        parts.append(f"[for {owner.behind}]")
    if owner.container:
        parts.append(f"[container {owner.container}]")
    elif owner.unit:
        parts.append(f"[{owner.unit}]")
    return " ".join(parts) or "-"


def _line(row: Cells, names: Sequence[str], widths: Mapping[str, int]) -> str:
    *others, last = names
    cells = [
        row[name].rjust(widths[name]) if name in _NUMBERS else padded(row[name], widths[name])
        for name in others
    ]
    return "  ".join([*cells, row[last]]).rstrip()


def _found(word: str, row: Cells) -> bool:
    if word.isdecimal():
        exact = (row["PORT"], row["PID"])
        return word in exact or any(word in row[n].casefold() for n in ("PROCESS", "COMMAND"))
    return any(word in text.casefold() for text in row.values())


def served_lines(served: Sequence[Served]) -> list[str]:
    """Who answers on each own address of one port, the addresses of one answer together."""
    answers: dict[str, list[str]] = {}
    for one in served:
        answers.setdefault(_answer(one), []).append(str(one.address))
    if not answers:
        return []
    width = min(max(map(columns, answers)), _ANSWER_WIDTH)
    return [
        "",
        f"Who answers on port {served[0].port} of each address of this machine:",
        *(f"  {padded(who, width)}  {', '.join(where)}" for who, where in answers.items()),
    ]


def _answer(served: Served) -> str:
    if served.error == "ECONNREFUSED":
        return "nobody: refused"
    if served.error:
        return f"nobody: {served.error}"
    if served.how == "elsewhere":
        return "no socket of this machine (a NAT rule?)"
    return inert(" or ".join(served.by)) if served.by else "one of the listeners above"
