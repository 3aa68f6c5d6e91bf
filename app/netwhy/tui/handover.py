"""What leaves the screen: the clipboard and the files beside it, and the export.

Files are written beside the event loop: a folder on a server that hangs holds only its file up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from netwhy.core.model import Report
from netwhy.output.inert import inert

#: A file that takes longer is told of; it may still come.
SLOW_S = 3.0

Say = Callable[[str, Literal["information", "warning", "error"]], None]


class Handover:
    """Hands texts and reports to files and tells with `say` where they went."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._stems: set[str] = set()  # of the exports so far: no two of them share a file
        self._exporting = False
        self._keeping = asyncio.Lock()  # the text copied last is the one the file holds

    async def keep(self, text: str, name: str, about: str) -> None:
        """Write a copied text to the state folder as well, and say both.

        Terminals may drop the escape sequence for the clipboard without a word, so the file is
        the copy that is sure.
        """
        from netwhy.engine import save_soon

        try:
            path = state_folder() / name
            await self._patient(self._in_turn(save_soon(path, (text + "\n").encode())), path)
        except OSError as error:
            self._say(
                f"Copied {about}\nIt could not be written to a file: {_why(error)}", "warning"
            )
            return
        self._say(f"Copied {about}\nAlso written to {path}", "information")

    async def export(self, report: Report, past: str = "") -> None:
        """Write a report to the current folder; to the state folder if that takes no files.

        `past` is more Markdown: what the report does not hold.
        """
        if self._exporting:
            self._say("The export before is still being written.", "warning")
            return
        self._exporting = True
        try:
            text, document = await self._export(report, past)
        except OSError as error:
            self._say(f"The export could not be written: {_why(error)}", "error")
        else:
            self._say(f"Exported to\n{text}\n{document}", "information")
        finally:
            self._exporting = False

    async def _export(self, report: Report, past: str) -> tuple[Path, Path]:
        stem = self._free_stem(datetime.now())
        try:
            return await self._files(report, past, Path.cwd() / stem)
        except OSError as error:
            self._say(f"The current folder takes no files: {_why(error)}.", "warning")
            return await self._files(report, past, state_folder() / stem)

    async def _files(self, report: Report, past: str, stem: Path) -> tuple[Path, Path]:
        """The report as Markdown and as JSON; OSError when the folder takes no files."""
        from netwhy.engine import save_soon
        from netwhy.output.document import encode_json
        from netwhy.output.markdown import markdown

        text, document = stem.with_suffix(".md"), stem.with_suffix(".json")
        told = "\n".join(filter(None, (markdown(report), past)))
        await self._patient(save_soon(text, told.encode()), text)
        await self._patient(save_soon(document, encode_json(report)), document)
        return text, document

    async def _in_turn(self, saving: Coroutine[Any, Any, None]) -> None:
        async with self._keeping:
            await saving

    async def _patient(self, saving: Coroutine[Any, Any, None], path: Path) -> None:
        """Wait for a file, and say so where it takes long."""
        task = asyncio.ensure_future(saving)
        try:
            done, _ = await asyncio.wait([task], timeout=SLOW_S)
            if not done:
                self._say(f"Still waiting for {path.parent} to take {path.name}.", "warning")
            await task
        finally:
            task.cancel()

    def _free_stem(self, now: datetime) -> str:
        """A file name of this moment, with a number where it was given already."""
        stem = free = f"netwhy-{now:%Y%m%d-%H%M%S}"
        number = 1
        while free in self._stems:
            number += 1
            free = f"{stem}-{number}"
        self._stems.add(free)
        return free


def _why(error: OSError) -> str:
    """The system's words alone: the file that it names is one that was to be renamed."""
    return inert(error.strerror or str(error))


def state_folder() -> Path:
    """The platform's folder for what a program leaves behind; not looked at here."""
    from platformdirs import user_state_path

    return Path(user_state_path("netwhy", appauthor=False))
