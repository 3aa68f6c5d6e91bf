"""Small files read within bounds; results written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

_READ_LIMIT = 1 << 20


def read(path: str, limit: int = _READ_LIMIT) -> bytes:
    """At most `limit` bytes of a regular file; raises OSError only, and never waits on a pipe."""
    try:
        handle = os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY)
    except ValueError as error:  # a NUL in the path
        raise OSError(errno.EINVAL, str(error)) from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        parts = []
        while limit > 0 and (part := os.read(handle, min(limit, 1 << 16))):
            parts.append(part)
            limit -= len(part)
        return b"".join(parts)
    finally:
        os.close(handle)


def read_text(path: str, default: str = "") -> str:
    """A small text file, or the default where it cannot be read.  Never raises."""
    try:
        return read(path).decode("utf-8", "replace")
    except OSError:
        return default


def write_atomic(path: str | os.PathLike[str], data: bytes) -> None:
    """Write through a temporary file in the same folder, so that nobody sees half a file.

    A new file is readable by its owner only; an existing one keeps its mode.  A symbolic link is
    followed.  What is not a regular file (a terminal, /dev/null, a pipe) is written to directly,
    since replacing it would destroy it.  Raises OSError only; then the old file is untouched.
    """
    try:
        target = os.path.realpath(os.fspath(path))
        mode = _mode_of(target)
    except ValueError as error:
        raise OSError(errno.EINVAL, str(error)) from error
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if mode is not None and not stat.S_ISREG(mode):
        _write_all(os.open(target, os.O_WRONLY | _BINARY), data, sync=False)
        return
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".netwhy-{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
    handle = os.open(temporary, flags, 0o600)
    try:
        _write_all(handle, data, sync=True)
        if mode is not None:
            os.chmod(temporary, stat.S_IMODE(mode))
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(folder)


def _mode_of(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return None


def _write_all(handle: int, data: bytes, *, sync: bool) -> None:
    with open(handle, "wb", closefd=True) as file:
        file.write(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())


def _sync_folder(folder: str) -> None:
    """The new name survives a power cut too; some file systems refuse this, and that is fine."""
    with contextlib.suppress(OSError):
        handle = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
_BINARY: int = getattr(os, "O_BINARY", 0)
