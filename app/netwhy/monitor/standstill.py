"""Times in which this process did not run: the machine slept, or somebody stopped the process."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from netwhy.core.snapshot import Standstill
from netwhy.monitor.watch import uptime

#: How often the clocks are looked at while nothing else looks at them.
LOOK_S = 0.5
#: A busy machine is late by less.  A check that stood still for longer proves nothing: answers
#: that came meanwhile count as late, and waiting that nobody did counts as silence.
HOLD_S = 1.5


class Clocks:
    """Compares two looks: `clock` runs while the machine sleeps, `awake` only while it does not."""

    def __init__(
        self, clock: Callable[[], float] = uptime, awake: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._awake = awake
        self._number = 0
        self._last = (clock(), awake())

    def look(self) -> Standstill | None:
        """The time that has just been lost, told once; None where none was."""
        before, self._last = self._last, (self._clock(), self._awake())
        lost_s = self._last[0] - before[0] - LOOK_S
        if lost_s < HOLD_S:
            return None
        slept_s = lost_s - (self._last[1] - before[1])
        self._number += 1
        began = datetime.now(UTC) - timedelta(seconds=lost_s)
        return Standstill(self._number, began, lost_s, asleep=slept_s > HOLD_S)
