"""The part of `screenshots.py` that runs inside the world: the dashboard, keys, the pictures.

screenshot_inside.py FOLDER SHOTS SECONDS KEYS [TARGET…]

SHOTS are `name:columns:rows:theme`, with commas between them: the same moment of the same run.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from netwhy.core.target import parse
from netwhy.tui.app import NetwhyApp


async def pictures(
    shots: str, seconds: str, keys: str, *targets: str
) -> AsyncIterator[tuple[str, str]]:
    """The SVG of the dashboard after so many seconds and these keys, once for each shot."""
    wanted = [shot.split(":") for shot in shots.split(",")]
    app = NetwhyApp([parse(text) for text in targets], interval_s=1.0)
    size = (int(wanted[0][1]), int(wanted[0][2]))
    async with app.run_test(size=size, notifications=False) as pilot:
        await asyncio.sleep(float(seconds) - 1.0)
        await pilot.press(*filter(None, keys.split(",")))
        for name, columns, rows, theme in wanted:
            app.theme = theme
            await pilot.resize_terminal(int(columns), int(rows))
            await asyncio.sleep(1.5)  # a line may be drawn a second later than another
            yield name, app.export_screenshot(title="netwhy")


async def kept(*words: str) -> dict[str, str]:
    return {name: svg async for name, svg in pictures(*words)}


if __name__ == "__main__":
    for name, svg in asyncio.run(kept(*sys.argv[2:])).items():
        Path(sys.argv[1], f"{name}.svg").write_text(svg)
