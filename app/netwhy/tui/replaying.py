"""A replay on the screen: its keys, what they do, and the keys that have no meaning in it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

from textual.binding import Binding

from netwhy.core.snapshot import Snapshot
from netwhy.output.inert import inert

if TYPE_CHECKING:
    from netwhy.session.replay import Replay

REPLAY_KEYS: tuple[Binding, ...] = (
    Binding("greater_than_sign", "faster", "faster", id="replay.faster", tooltip="The replay"),
    Binding("less_than_sign", "slower", "slower", id="replay.slower", tooltip="The replay"),
    Binding(
        "full_stop", "step", "step", id="replay.step", tooltip="Stand still; to the next check"
    ),
    Binding(
        "n", "next_change", "next change", id="replay.next", tooltip="To the next change of state"
    ),
    Binding("R", "again", "Again", show=False, id="replay.again", tooltip="From the beginning"),
)
#: What keys mean in a replay, where that is something else than while targets are checked.
_STANDS = "The replay stands still; again, and it goes on"
MEANINGS: Mapping[str, str] = {"freeze": _STANDS, "pause": _STANDS}
#: Actions that only a replay has.
_OF_REPLAY = frozenset(("faster", "slower", "step", "next_change", "again"))
#: Actions that only a running monitor can carry out.
_OF_NOW = frozenset(
    ("check_now", "add", "remove", "undo", "machine", "ask_bind", "stop", "connections")
)


def fits(action: str, *, replaying: bool) -> bool:
    """Does this action mean anything here?"""
    return action not in (_OF_NOW if replaying else _OF_REPLAY)


class ReplayActions:
    """What the keys of a replay do; a part of the application."""

    replay: Replay | None
    say: Callable[..., None]
    launch: Callable[..., None]

    def pull(self) -> None:
        """Show at once what the replay has come to."""
        raise NotImplementedError

    def action_faster(self) -> None:
        if self.replay is not None:
            self.replay.faster()
            self.pull()

    def action_slower(self) -> None:
        if self.replay is not None:
            self.replay.slower()
            self.pull()

    def action_step(self) -> None:
        if self.replay is not None:
            self.replay.step()
            self.pull()

    def action_next_change(self) -> None:
        if self.replay is not None:
            work: Coroutine[Any, Any, None] = self._to_next_change(self.replay)
            self.launch(work)

    async def _to_next_change(self, replay: Replay) -> None:
        found = await replay.to_next_change()
        self.pull()
        if not found:
            self.say("No target changes its state from here to the end.")

    def action_again(self) -> None:
        if self.replay is not None:
            self.replay.again()
            self.pull()


def replay_banner(snapshot: Snapshot) -> str:
    """What the banner says of a replay: that it is one, of when, how fast, and what to press."""
    replayed = snapshot.replayed
    assert replayed is not None
    lead = f" REPLAY of {snapshot.taken_at.astimezone():%Y-%m-%d %H:%M:%S}"
    if replayed.over:
        end = "the file is cut off here" if replayed.cut else "the session ends here"
        return f"{lead}: {end}.   R: again   q: quit"
    state = "paused" if replayed.paused else f"{replayed.speed:g}x"
    if snapshot.notice:
        return f"{lead}, {state}   TROUBLE then: {inert(snapshot.notice)}"
    if snapshot.paused:
        return f"{lead}, {state}   checks were paused here   n: next change"
    pause = "go on" if replayed.paused else "pause"
    return f"{lead}, {state}   p: {pause}  n: next change  < >: speed"
