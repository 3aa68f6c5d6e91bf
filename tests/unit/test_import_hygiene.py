"""What a command loads is what it needs: asked of `sys.modules` after a real run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[2] / "app"

DRIVER = """
import socket, sys
from netwhy.cli import main
with socket.socket() as server:
    server.bind(("127.0.0.1", 0))
    if "{state}" == "open":
        server.listen()
    code = main([word.format(port=server.getsockname()[1]) for word in sys.argv[1:]])
loaded = sorted({{name.partition(".")[0] for name in sys.modules}} & set({unwanted!r}))
print("LOADED", code, *loaded, file=sys.stderr)
"""

#: ssl is not among them: asyncio imports it itself.
HEAVY = [
    *("textual", "rich", "dns", "psutil", "msgspec", "platformdirs", "sqlite3", "http"),
    *("h11", "cryptography"),
]


@pytest.mark.parametrize(
    ("args", "state", "code"),
    [
        (["check", "127.0.0.1:{port}"], "open", 0),
        (["check", "127.0.0.1:{port}"], "closed", 1),
        (["bind", "127.0.0.1:{port}"], "open", 1),
        (["explain", "tcp.refused"], "open", 0),
        (["--help"], "open", 0),
    ],
    ids=["check-ok", "check-refused", "bind", "explain", "help"],
)
def test_a_command_loads_no_library_that_it_does_not_use(
    tmp_path: Path, args: list[str], state: str, code: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER.format(state=state, unwanted=HEAVY), *args],
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        env={"PYTHONPATH": str(APP), "HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    told = [line for line in done.stderr.splitlines() if line.startswith("LOADED")]
    assert told == [f"LOADED {code}"], done.stderr


def test_json_needs_its_codec_and_still_no_screen(tmp_path: Path) -> None:
    args = ["check", "127.0.0.1:{port}", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-c", DRIVER.format(state="open", unwanted=HEAVY), *args],
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        env={"PYTHONPATH": str(APP), "HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "LOADED 0 msgspec"
