"""Whoever wants to know all that happens under watch, as it happens."""

from __future__ import annotations

from netwhy.core.model import Target, TargetReport, Vantage
from netwhy.core.record import Moment
from netwhy.core.snapshot import Standstill


class Journal:
    """Is told what the monitor does, in order, in the event loop; this one keeps nothing.

    Nothing here may wait or raise: a check is under way.
    """

    def added(self, target: Target) -> None:
        """A target is watched from now on."""

    def changed(self, target: Target) -> None:
        """It has other options now."""

    def removed(self, target: Target, *, undoable: bool) -> None:
        """It is watched no more; what is known of it is kept for `returned` where that may come."""

    def returned(self, target: Target) -> None:
        """The removal of this one was undone."""

    def paused(self, paused: bool) -> None:
        """No checks are begun from now on, or they are again."""

    def settled(self, report: TargetReport, began_s: float, at: Moment) -> None:
        """A check ended; it began at `began_s` on the monitor's clock."""

    def seen(self, vantage: Vantage) -> None:
        """This machine has changed, or was read for the first time."""

    def every(self, interval_s: float) -> None:
        """Targets without an interval of their own are checked this often from now on."""

    def stood_still(self, found: Standstill) -> None:
        """Nothing ran for a time that has just ended."""

    def told(self, about: str, problem: str | None) -> None:
        """What the monitor itself cannot do; None when it can again."""
