"""Local sockets for programs: JSON (`netwhy.ports/1`) and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from netwhy.core.observations import Owner, Socket
from netwhy.core.ports import FreePort, Served
from netwhy.output.inert import inert
from netwhy.output.layout import moment
from netwhy.output.ports import notes_of, order

CSV_COLUMNS = (
    "transport", "address", "port", "state", "exposure", "interface", "v6only", "remote_address",
    "remote_port", "expires_ms", "connections", "uid", "inode", "pid", "process", "user", "started",
    "command", "unit", "container", "behind", "hidden", "notes",
)  # fmt: skip
#: What a spreadsheet takes for the start of a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def ports_document(
    sockets: Sequence[Socket],
    *,
    version: str,
    taken_at: datetime,
    among: Sequence[Socket] | None = None,
    served: Sequence[Served] = (),
) -> bytes:
    """`netwhy.ports/1`: every socket with its holders, as indented JSON with a line end.

    `notes` are seen `among` all listeners, where only some are shown.
    """
    shown = sorted(sockets, key=order)
    notes = notes_of(shown, among)
    body: dict[str, Any] = {"sockets": [_socket(s, n) for s, n in zip(shown, notes, strict=True)]}
    if served:
        body["served"] = [_served(s) for s in served]
    return _document(body, version, taken_at)


def free_document(ports: Sequence[FreePort], *, version: str, taken_at: datetime) -> bytes:
    """`netwhy.ports/1` with the free ports of a range instead of sockets."""
    free = [
        {"port": p.port, "transport": p.transport, "risk": p.risk, "about": p.about or None}
        for p in ports
    ]
    return _document({"free": free}, version, taken_at)


def _document(body: dict[str, Any], version: str, taken_at: datetime) -> bytes:
    import json

    head = {"schema": "netwhy.ports/1", "version": version, "taken_at": moment(taken_at)}
    return json.dumps({**head, **body}, indent=2, ensure_ascii=False).encode() + b"\n"


def _socket(socket: Socket, notes: Sequence[str]) -> dict[str, Any]:
    remote = socket.remote
    return {
        "transport": socket.transport,
        "address": inert(str(socket.address)),
        "port": socket.port,
        "state": socket.state,
        "exposure": socket.exposure,
        "interface": None if socket.interface is None else inert(socket.interface),
        "v6only": socket.v6only,
        "remote": None if remote is None else {"address": str(remote[0]), "port": remote[1]},
        "expires_ms": socket.expires_ms,
        "connections": socket.connections,
        "uid": socket.uid,
        "inode": socket.inode,
        "owners": [_owner(owner) for owner in socket.owners],
        "notes": [inert(note) for note in notes],
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
            ("behind", owner.behind),
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


def _served(served: Served) -> dict[str, Any]:
    return {
        "address": str(served.address),
        "port": served.port,
        "error": served.error,
        "by": [inert(label) for label in served.by],
        "how": served.how,
    }


def csv_text(sockets: Sequence[Socket], among: Sequence[Socket] | None = None) -> str:
    """One row for each holder of each socket, with a header; lines end as RFC 4180 says.

    A text that a spreadsheet would take for a formula has an apostrophe in front.
    """
    shown = sorted(sockets, key=order)
    rows: list[list[object]] = []
    for socket, notes in zip(shown, notes_of(shown, among), strict=True):
        for owner in socket.owners or (Owner(uid=socket.uid),):
            rows.append(_csv_row(socket, owner, notes))
    return _csv(CSV_COLUMNS, rows)


def free_csv(ports: Sequence[FreePort]) -> str:
    """The free ports of a range, one a row."""
    rows: list[list[object]] = [[p.port, p.transport, p.risk, p.about] for p in ports]
    return _csv(("port", "transport", "risk", "about"), rows)


def _csv_row(socket: Socket, owner: Owner, notes: Sequence[str]) -> list[object]:
    remote, remote_port = socket.remote or ("", "")
    uid = socket.uid if owner.uid is None else owner.uid
    return [
        socket.transport, str(socket.address), socket.port, socket.state, socket.exposure,
        socket.interface, socket.v6only, str(remote), remote_port, socket.expires_ms,
        socket.connections, uid, socket.inode, owner.pid, owner.name, owner.user, owner.started,
        owner.command, owner.unit, owner.container, owner.behind, owner.hidden, "; ".join(notes),
    ]  # fmt: skip


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return str(value)
    text = inert(value)
    # An IPv6 address may start with a colon, no formula does.
    return "'" + text if text.startswith(_FORMULA) else text
