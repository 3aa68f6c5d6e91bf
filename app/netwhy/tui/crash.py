"""What is shown of an error that ended the program."""

from __future__ import annotations

from rich.console import Console
from rich.segment import Segments
from rich.traceback import Traceback


def crash(console: Console) -> Segments:
    """The error under way, drawn for this console.

    Without the values of local variables, which the toolkit would show: they may be secrets.
    """
    traceback = Traceback(show_locals=False, width=None)
    return Segments(console.render(traceback, console.options))
