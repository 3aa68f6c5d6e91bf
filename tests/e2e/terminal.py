"""A real terminal: tmux on a socket of its own, with a plain shell inside."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

#: What the shell shows when it waits; nothing that netwhy prints looks like it.
PROMPT = "the-prompt>"


class Terminal:
    """A shell in tmux.  `close` ends both."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], *, columns: int = 120, rows: int = 36
    ) -> None:
        self._socket = folder / "tmux.sock"
        self._environment = {**environment, "PS1": f"{PROMPT} "}
        shell = shutil.which("bash") or "/bin/sh"
        plain = ("--norc", "--noprofile", "-i") if shell.endswith("bash") else ("-i",)
        self._tmux(
            "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(folder),
            shell, *plain,
        )  # fmt: skip
        self.wait_for(PROMPT)

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", str(self._socket), "-f", "/dev/null", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=self._environment, timeout=20
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def type(self, line: str) -> None:
        """Types a line and presses Enter."""
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def ask(self, variable: str) -> str:
        """A variable of tmux, for example `alternate_on`."""
        return self._tmux("display-message", "-p", f"#{{{variable}}}").strip()

    def wait_for(self, text: str, *, seconds: float = 30.0) -> str:
        """Waits until the text is on the screen and returns the screen.  Raises AssertionError."""
        until = time.monotonic() + seconds
        while text not in (screen := self.screen()):
            if time.monotonic() > until:
                raise AssertionError(f"{text!r} did not come within {seconds} s:\n{screen}")
            time.sleep(0.05)
        return screen

    def wait_until_gone(self, text: str, *, seconds: float = 30.0) -> None:
        """Waits until the text is no longer on the screen.  Raises AssertionError."""
        until = time.monotonic() + seconds
        while text in (screen := self.screen()):
            if time.monotonic() > until:
                raise AssertionError(f"{text!r} is still there:\n{screen}")
            time.sleep(0.05)

    def wait_for_prompt(self, *, seconds: float = 20.0) -> None:
        """Waits until the shell's prompt is the last line again."""
        until = time.monotonic() + seconds
        while not self.screen().rstrip().endswith(PROMPT):
            if time.monotonic() > until:
                raise AssertionError(f"the prompt did not come back:\n{self.screen()}")
            time.sleep(0.05)

    def close(self) -> None:
        with suppress(RuntimeError):  # it has ended already
            self._tmux("kill-server")
