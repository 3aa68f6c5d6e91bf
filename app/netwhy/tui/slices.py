"""Long work on the loop of the screen, in slices that leave room for the keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

#: So long may work hold up the screen, and then so long the screen has to itself.
_SLICE_S, _REST_S = 0.004, 0.004


async def in_slices(steps: Iterator[None], between: Callable[[], None] = lambda: None) -> None:
    """Go through the steps, and leave the loop to the keys every few milliseconds."""
    began = time.perf_counter()
    for _step in steps:
        if time.perf_counter() - began > _SLICE_S:
            between()
            await asyncio.sleep(_REST_S)
            began = time.perf_counter()
