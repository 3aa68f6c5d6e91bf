"""The part of `screenshots.py` that runs inside the world: the dashboard, keys, one picture.

    screenshot_inside.py PICTURE COLUMNS ROWS SECONDS KEYS [TARGET…]
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from netwhy.core.target import parse
from netwhy.tui.app import NetwhyApp


async def main(
    picture: str, columns: str, rows: str, seconds: str, keys: str, *targets: str
) -> None:
    app = NetwhyApp([parse(text) for text in targets], interval_s=1.0)
    async with app.run_test(size=(int(columns), int(rows)), notifications=False) as pilot:
        await asyncio.sleep(float(seconds) - 1.0)
        await pilot.press(*filter(None, keys.split(",")))
        await asyncio.sleep(1.0)
        Path(picture).write_text(app.export_screenshot(title="netwhy"))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
