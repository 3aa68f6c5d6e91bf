"""How many files this process may still open."""

from __future__ import annotations

import os
import sys

if sys.platform != "win32":
    import resource

#: Where the platform tells no number: enough for any run.
_PLENTY = 1024


def free_files() -> int:
    """File descriptors that are left, after raising the soft limit to the hard one.

    Raising it needs no privilege (getrlimit(2)).  1024 where the platform does not tell.
    """
    if sys.platform == "win32":
        return _PLENTY
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (ValueError, OSError):
            soft = min(soft, _PLENTY)  # macOS refuses an unlimited number
    if soft == resource.RLIM_INFINITY:
        return _PLENTY
    try:
        used = len(os.listdir("/dev/fd"))
    except OSError:
        used = 16
    return max(0, soft - used)
