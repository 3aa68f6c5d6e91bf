"""The clock that no one sets."""

from __future__ import annotations

import time


def uptime() -> float:
    """Seconds on a clock that no one sets and that, where there is one, runs during sleep."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
