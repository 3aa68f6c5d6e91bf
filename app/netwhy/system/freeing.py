"""Frees one port: carries out its plan, waits, kills if told to, and looks who listens then.

Nothing here asks or shows: the command and the screen go through the same steps, and each step
that acts looks again at whom it acts on, because a question took time.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from netwhy.core.freeing import Deed, Result, Told
from netwhy.core.observations import Socket
from netwhy.core.stopping import FORWARDS_FOR_DOCKER, Plan, Step, plan
from netwhy.system import binding, sockets, stopping, threads

Tell = Callable[[Told], None]
Left = Callable[[float], None]
T = TypeVar("T")

_SETTLE_S = 1.5  # a supervisor starts its program again within a second
_KILLED_S = 2.0  # how long the kernel may need to take a killed process away
_ORPHANS_S = 1.0  # how long workers may need to see that their master has ended
_CLOSING_S = 3.0  # how much longer a socket may stand whose process has ended
_LOOK_AGAIN_S = 0.1
_SHORTEST_WAIT_S = 0.2


class Freeing:
    """One attempt to free a port.  Every method may block for a while.

    `plan` says what is to be done; without listeners `rest` are the sockets that use the port.
    """

    def __init__(self, port: int, transport: str) -> None:
        """Look who holds the port, and remember each process by its pid and start."""
        found = sockets.sockets()
        held = [s for s in found if (s.port, s.transport) == (port, transport) and s.listening]
        owners = [o for s in held for o in s.owners]
        units = {o.unit for o in owners if o.unit and o.unit.endswith((".service", ".socket"))}
        proxied = any(o.name in FORWARDS_FOR_DOCKER for o in owners)
        around = stopping.surroundings(port, transport, units, proxied)
        self.plan: Plan = plan(port, transport, found, around)
        pids = sorted(self.plan.pids)
        self._who = {p.pid: p for pid in pids if (p := stopping.process(pid))}
        self.rest: tuple[Socket, ...] = () if held else self._table()

    def act(self, tell: Tell, *, dry: bool = False) -> bool:
        """Carry out the steps; False when one could not be, or would act on somebody else."""
        if not self._listeners():  # its holder has ended by itself, or serves elsewhere now
            tell(Told(Deed.LET_GO))
            return True
        if self._changed():
            tell(Told(Deed.CHANGED))
            return False
        return all(self._step(step, tell, dry) for step in self.plan.steps)

    def wait(self, seconds: float, left: Left, tell: Tell) -> tuple[int, ...]:
        """Wait for those that were signalled and whoever else holds the port.

        `left` is called with the seconds that remain; returns the pids that hold it still.
        """
        signalled = {step.pid for step in self.plan.steps if step.pid}
        if not signalled:
            return ()
        # Workers end with their master, most of them; who lives on without the port is none of
        # our business, and who holds it without its master is told to end as well.
        deadline = time.monotonic() + seconds
        orphaned: float | None = None  # since when no master is left
        holding = list(self._who.values())
        while holding and (rest := deadline - time.monotonic()) > 0:
            left(rest)
            holding = stopping.wait(holding, min(_SHORTEST_WAIT_S, rest), lambda _rest: None)
            if holding:
                holding = self._holding(holding)
            if holding and not signalled & {process.pid for process in holding}:
                orphaned = orphaned or time.monotonic()
                if time.monotonic() - orphaned > _ORPHANS_S:
                    signalled |= {process.pid for process in holding}
                    for process in holding:
                        _signal(process, signal.SIGTERM, tell)
        return tuple(process.pid for process in holding)

    def kill(self, pids: Sequence[int], tell: Tell) -> None:
        """KILL those that hold the port still, and wait until they are gone."""
        among = [self._who[pid] for pid in pids if pid in self._who]
        holding = self._holding(among)
        for process in among:
            if process in holding:
                _signal(process, stopping.KILL, tell)
        stopping.wait(holding, _KILLED_S, lambda _rest: None)

    def verify(self) -> Result:
        """Who listens now, after longer than a supervisor needs to start its program again."""
        deadline = time.monotonic() + _SETTLE_S
        planned = {s.inode for s in self.plan.listeners if s.inode}
        while True:
            # Who lives is asked first: one that ends in between held it until then.
            old = {p.pid for p in self._who.values() if p.alive}
            held = self._listeners()
            # A process that is just ending shows no descriptors, yet it is still its socket.
            fresh = [s for s in held if s.inode not in planned]
            again = tuple(s for s in fresh if not old & {o.pid for o in s.owners})
            closing = any(not old & {o.pid for o in s.owners} for s in held) and not again
            if again or time.monotonic() > deadline + _CLOSING_S * closing:
                break
            time.sleep(_LOOK_AGAIN_S)
        still = tuple(s for s in held if s not in again)
        result = Result(self.plan.port, self.plan.transport, still, again)
        rest = () if held else self._table()
        if not rest:
            return result
        # Only the old socket's options tell whether what is left lets another one in: try it.
        plain, reuse = self._refused(reuse=False), self._refused(reuse=True)
        return replace(result, left=rest, plain=plain, reuse=reuse)

    def _refused(self, *, reuse: bool) -> str | None:
        """Why a server could not start where the old one listened; None when it could."""
        errors = (
            binding.refused(s.address, s.port, s.transport, reuse=reuse, v6only=s.v6only)
            for s in self.plan.listeners
        )
        return next((error for error in errors if error), None)

    def _table(self) -> tuple[Socket, ...]:
        return sockets.port_table(self.plan.port, self.plan.transport).sockets

    def _listeners(self) -> tuple[Socket, ...]:
        return tuple(s for s in self._table() if s.listening)

    def _changed(self) -> bool:
        """Is the port held by none of the sockets that the plan was made for?"""
        planned = {s.inode for s in self.plan.listeners}
        return not planned & {s.inode for s in self._listeners()}

    def _holding(self, among: Sequence[stopping.Process]) -> list[stopping.Process]:
        pids = {o.pid for s in self._listeners() for o in s.owners}
        return [p for p in among if p.pid in pids]

    def _step(self, step: Step, tell: Tell, dry: bool) -> bool:
        if step.command:
            return _run(step.command, tell, dry)
        process = self._who.get(step.pid or 0)
        if process is None or not self._holding([process]):
            tell(Told(Deed.LET_GO, pid=step.pid))
            return True
        return _signal(process, signal.SIGTERM, tell, dry)


def _run(command: Sequence[str], tell: Tell, dry: bool) -> bool:
    spelled = " ".join(command)
    tell(Told(Deed.WOULD_RUN if dry else Deed.RUNNING, spelled))
    complaint = None if dry else stopping.run(command)
    if complaint is not None:
        tell(Told(Deed.FAILED, spelled, about=complaint))
    return complaint is None


def _signal(
    process: stopping.Process, number: signal.Signals, tell: Tell, dry: bool = False
) -> bool:
    """False where that is not allowed; one that has ended meanwhile is as good as signalled."""
    name = number.name.removeprefix("SIG")
    try:
        process.send(0 if dry else number)
    except stopping.Gone:
        tell(Told(Deed.ENDED, pid=process.pid))
    except PermissionError:
        tell(Told(Deed.FORBIDDEN, pid=process.pid))
        return False
    else:
        tell(Told(Deed.WOULD_SEND if dry else Deed.SENT, name, process.pid))
    return True


class FreeingBeside:
    """The same steps in threads, for an event loop: what is told arrives in that loop.

    Cancelling a step abandons it: a wait ends with the program, a command that runs goes on.
    """

    def __init__(self, freeing: Freeing) -> None:
        self._freeing = freeing

    @classmethod
    async def begin(cls, port: int, transport: str) -> FreeingBeside:
        """Look who holds the port."""
        return cls(await threads.call(lambda: Freeing(port, transport)))

    @property
    def plan(self) -> Plan:
        return self._freeing.plan

    @property
    def rest(self) -> tuple[Socket, ...]:
        return self._freeing.rest

    async def act(self, tell: Tell) -> bool:
        heard = _in_loop(tell)
        return await threads.call(lambda: self._freeing.act(heard))

    async def wait(self, seconds: float, left: Left, tell: Tell) -> tuple[int, ...]:
        waiting, told = _in_loop(left), _in_loop(tell)
        return await threads.call(lambda: self._freeing.wait(seconds, waiting, told))

    async def kill(self, pids: Sequence[int], tell: Tell) -> None:
        heard = _in_loop(tell)
        await threads.call(lambda: self._freeing.kill(pids, heard))

    async def verify(self) -> Result:
        return await threads.call(self._freeing.verify)


def _in_loop(tell: Callable[[T], None]) -> Callable[[T], None]:
    """What calls it in any thread is heard in this loop; nobody hears it once that has ended."""
    loop = asyncio.get_running_loop()

    def heard(value: T) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, value)

    return heard
