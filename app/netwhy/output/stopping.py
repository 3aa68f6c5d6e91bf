"""The end of a port's holder in words: the plan, what happens on the way, what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netwhy.core.freeing import Deed, Result, Told
from netwhy.core.observations import Owner, Socket, endpoint, last_ends_s
from netwhy.core.overlaps import owner_label
from netwhy.core.stopping import Plan
from netwhy.output.inert import inert

_MOST_ROWS = 8
_MOST_LEFT = 3


def plan_lines(intended: Plan) -> list[str]:
    """Who holds it, what would be done, what would be lost, and why it is refused."""
    lines = [f"{intended.transport} port {intended.port}", *socket_rows(intended.listeners)]
    lines += [f"    {command}" for command in commands(intended)]
    for what, command in to_do(intended):
        lines.append(f"  to do: {what} ({command})")
    lines += [f"  lost:  {loss}" for loss in intended.losses]
    lines += [f"  refused: {refusal}" for refusal in intended.refusals]
    return [inert(line) for line in lines]


def commands(intended: Plan) -> list[str]:
    """The command lines of the holders, the one that many workers share once."""
    found = (o.command for s in intended.listeners for o in s.owners if o.command)
    return list(dict.fromkeys(found))


def to_do(intended: Plan) -> list[tuple[str, str]]:
    """Each step in words, and the command or the signal that it is."""
    return [
        (step.what, " ".join(step.command) or f"signal TERM to pid {step.pid}")
        for step in intended.steps
    ]


def unheld_lines(port: int, transport: str, rest: Sequence[Socket]) -> list[str]:
    """Nobody listens: the port is free, or `rest` uses it, which is not ended here."""
    if not rest:
        return [f"Nothing listens on {transport} port {port}."]
    lines = [f"Nothing listens on {transport} port {port}, but it is in use:", *socket_rows(rest)]
    lines.append(f"Only listeners are ended.  {_to_try(port, transport)}")
    return [inert(line) for line in lines]


def socket_rows(found: Sequence[Socket], most: int = _MOST_ROWS) -> list[str]:
    """A row each; how many more there are in the last one."""
    rows = [f"  {s.state.lower():<7} {_where(s)}  {_who(s)}" for s in found[:most]]
    more = len(found) - most
    return [*rows, *([f"  and {more} more"] if more > 0 else [])]


def _where(socket: Socket) -> str:
    where = endpoint(socket.address, socket.port)
    return where if socket.remote is None else f"{where} to {endpoint(*socket.remote)}"


def _who(socket: Socket) -> str:
    if socket.ownerless:
        left = "" if socket.expires_ms is None else f", {socket.expires_ms / 1000:.0f} s left"
        return "nobody any more" + left
    owner = socket.owners[0] if socket.owners else Owner(uid=socket.uid)
    told = owner.pid is not None or owner.name or owner.unit or owner.container
    return owner_label(socket) + (f", user {owner.user}" if owner.user and told else "")


def told_line(told: Told) -> str:
    """What happened on the way, in one line."""
    return inert(_told(told))


def _told(told: Told) -> str:
    match told.deed:
        case Deed.RUNNING:
            return f"Running {told.what} ..."
        case Deed.FAILED:
            return f"{told.what}: {told.about}"
        case Deed.SENT:
            return f"Sent {told.what} to pid {told.pid}"
        case Deed.ENDED:
            return f"pid {told.pid} has ended already"
        case Deed.LET_GO:
            who = "its holder" if told.pid is None else f"pid {told.pid}"
            return f"{who} holds the port no more"
        case Deed.FORBIDDEN:
            return f"pid {told.pid} belongs to another user: run this with sudo"
        case Deed.CHANGED:
            return "The port is held by somebody else by now: nothing was done"
        case Deed.WOULD_RUN:
            return f"Would run: {told.what}"
        case Deed.WOULD_SEND:
            return f"Would send {told.what} to pid {told.pid}"


def unended_line(pids: Iterable[int], seconds: float) -> str:
    """Who holds the port still after the wait."""
    shown = ", ".join(str(pid) for pid in pids)
    return f"pid {shown} did not give up the port within {seconds:g} s."


def result_lines(result: Result) -> list[str]:
    """Free or not, and who has it: a line each."""
    what = f"{result.transport} port {result.port}"
    if result.freed and result.plain is None:
        return [f"{what} is free."]
    if result.freed:
        return [f"Nobody listens on {what} any more.  {_who_can_start(result)}"]
    still = [f"{what} is still held by {owner_label(s)}." for s in result.still]
    again = [f"{what} was taken again by {owner_label(s)}." for s in result.again]
    return [inert(line) for line in (*still, *again)]


def _who_can_start(result: Result) -> str:
    """What lingers keeps out a server that does not set SO_REUSEADDR, or every one."""
    seconds = last_ends_s(result.left)
    until = "until what is left over has gone" if seconds is None else f"about {seconds} s"
    if (result.plain, result.reuse) == ("EADDRINUSE", None):
        return f"A server that sets SO_REUSEADDR can start now; another one must wait {until}."
    if result.reuse == "EADDRINUSE":
        return f"A new server must wait {until}: the old one had not set SO_REUSEADDR."
    return f"Sockets are left over.  {_to_try(result.port, result.transport)}"


def _to_try(port: int, transport: str) -> str:
    return f"Whether a server could start: netwhy bind {'udp/' * (transport == 'udp')}{port}"


def advice_lines(result: Result) -> list[str]:
    """What supervises the one that took it again, else what lingers."""
    again = [line for s in result.again if (line := _why_again(s))]
    left = [f"left over: {row.strip()}" for row in socket_rows(result.left, _MOST_LEFT)]
    return [inert(line) for line in (*again, *left)]


def _why_again(socket: Socket) -> str:
    """Who supervises it: that must be stopped, not what it starts."""
    owner = socket.owners[0] if socket.owners else Owner(uid=socket.uid)
    if owner.unit and owner.unit.endswith((".service", ".socket")):
        return f"It belongs to {owner.unit}: sudo systemctl stop {owner.unit}"
    if owner.parents and owner.parents[0][0] > 1:
        pid, name = owner.parents[0]
        return f"{name} (pid {pid}) started it again: stop that first."
    return ""
