"""The installed command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def netwhy() -> str:
    """The path of the command that is installed beside this Python."""
    script = Path(sys.executable).with_name("netwhy")
    if not script.exists():
        pytest.skip("netwhy is not installed beside this Python; `make test` installs it")
    return str(script)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a new user's shell has, with a home of the test's own."""
    found = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    return {
        **found,  # where the tests run on another tree than the one that is installed
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "xterm-256color",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
    }
