"""This checkout and its Python, shown to a user who may not enter the folders above them."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]


@functools.cache
def viewing() -> tuple[str, ...]:
    """What root puts before a command, so that it may become "nobody" and still read all of this.

    Empty where we are not root: what we can run, we can run.
    """
    if os.geteuid() != 0:
        return ()
    folder = Path(tempfile.mkdtemp(prefix="netwhy-view-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return ("unshare", "--mount", "sh", "-ec", "\n".join((*opened(folder), 'exec "$@"')), "sh")


def as_nobody() -> tuple[str, ...]:
    """What root puts before a command to run it as "nobody", without any group."""
    return (*viewing(), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def opened(folder: Path) -> list[str]:
    """Shell commands that root runs in a mount namespace of its own; none where we are not root.

    A closed folder is covered by an empty one that shows just what is needed; `folder` holds the
    mount points that this takes.
    """
    wanted = {PROJECT, Path(sys.prefix), Path(sys.base_prefix)}
    closed = {c for path in wanted for c in path.parents if not c.stat().st_mode & 0o001}
    outermost = {c for c in closed if not closed & set(c.parents)}
    script = []
    for number, top in enumerate(sorted(outermost)):
        kept = sorted(p for p in wanted if top in p.parents)
        for i, path in enumerate(kept):
            store = folder / f"kept-{number}-{i}"
            script += [f"mkdir -p '{store}'", f"mount --rbind '{path}' '{store}'"]
        script.append(f"mount -t tmpfs -o mode=0755 tmpfs '{top}'")
        for i, path in enumerate(kept):
            store = folder / f"kept-{number}-{i}"
            script += [f"mkdir -p '{path}'", f"mount --rbind '{store}' '{path}'"]
    return script if os.geteuid() == 0 else []
