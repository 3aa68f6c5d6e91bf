"""Coming back after a stop: SIGCONT after ctrl+z, and after a SIGSTOP that came unasked.

The toolkit takes up the terminal again at each SIGCONT.  After a plain SIGSTOP it had never let go:
a second thread would read the keys, and leaving would wait for the first one for ever.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Any

from textual.driver import Driver

_OTHERS_S = 0.1


def resume_what_was_suspended(driver: Driver | None) -> None:
    """Take over SIGCONT from the driver.  To be called in the main thread."""
    ours: Any = driver
    if not hasattr(signal, "SIGCONT") or not hasattr(ours, "_sigcont_application"):
        return

    def go_on(_number: int, _frame: FrameType | None) -> None:
        if not _in_front():
            # `kill %1` sends its signal and this one: the other must have its say, since taking up
            # a terminal that is the shell's now stops us again.
            time.sleep(_OTHERS_S)
        if not getattr(ours, "_must_signal_resume", True):
            if not _in_front():
                return  # a job in the background that touches the terminal is stopped again
            # Whoever stopped us may have used the terminal since: let go of it, as ctrl+z does.
            ours.suspend_application_mode()
            ours._must_signal_resume = True  # so that all is drawn again
        ours._sigcont_application()

    signal.signal(signal.SIGCONT, go_on)


def _in_front() -> bool:
    """Is the terminal ours now?"""
    with suppress(OSError, AttributeError, ValueError):
        assert sys.__stdin__ is not None
        return os.tcgetpgrp(sys.__stdin__.fileno()) == os.getpgrp()
    return False
