"""Where the configuration is, and what it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from netwhy.commands.streams import Refusal
from netwhy.core.settings import Settings


def settings(named: str | None) -> Settings:
    """The settings of `--config`, else of `$NETWHY_CONFIG`, else of the platform's own file.

    Only the platform's file may be missing.  Raises Refusal with the place of the fault.
    """
    path, chosen = place(named)
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        if not chosen:
            return Settings()
        raise Refusal(f"netwhy: {path}: there is no such configuration file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Refusal(f"netwhy: {path}: the configuration cannot be read: {reason}") from None
    return _parsed(data, path)


def place(named: str | None) -> tuple[Path, bool]:
    """The path of the configuration, and whether somebody named it."""
    chosen = named or os.environ.get("NETWHY_CONFIG")
    return (Path(chosen), True) if chosen else (own_file(), False)


def _parsed(data: bytes, path: Path) -> Settings:
    from netwhy.core.config import ConfigError, load_text

    try:
        return load_text(data, path)
    except ConfigError as error:
        raise Refusal(f"netwhy: {error.line()}") from None


def own_file() -> Path:
    """The platform's place for the configuration, `~/.config/netwhy/netwhy.toml` on Linux."""
    if sys.platform.startswith("linux"):  # by hand: importing platformdirs costs milliseconds
        base = os.environ.get("XDG_CONFIG_HOME", "").strip()
        folder = Path(base) if base else Path("~/.config")
        try:
            return folder.expanduser() / "netwhy" / "netwhy.toml"
        except RuntimeError:  # a user without a home
            return Path("/nonexistent/netwhy.toml")
    from platformdirs import user_config_path

    return user_config_path("netwhy", appauthor=False) / "netwhy.toml"
