"""The part of `screenshots.py` that runs inside the world: the dashboard, keys, one picture.

screenshot_inside.py PICTURE COLUMNS ROWS SECONDS KEYS [TARGET…]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from netwhy.core.target import parse
from netwhy.tui.app import NetwhyApp


async def picture(columns: str, rows: str, seconds: str, keys: str, *targets: str) -> str:
    """The SVG of the dashboard after so many seconds and these keys."""
    app = NetwhyApp([parse(text) for text in targets], interval_s=1.0)
    async with app.run_test(size=(int(columns), int(rows)), notifications=False) as pilot:
        await asyncio.sleep(float(seconds) - 1.0)
        await pilot.press(*filter(None, keys.split(",")))
        await asyncio.sleep(1.0)
        return app.export_screenshot(title="netwhy")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(asyncio.run(picture(*sys.argv[2:])))
