"""What differs between two reports as JSON: most checks tell what the one before told.

A change is a path and the value that stands there now.  Maps with other keys and lists of
another length are replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

Path = tuple[str | int, ...]
Change = tuple[Path, Any]


def changes(old: Any, new: Any, at: Path = ()) -> Iterator[Change]:
    """What turns `old` into `new`; both are trees of maps, lists and plain values."""
    if type(old) is not type(new):
        yield at, new
    elif isinstance(new, dict):
        if old.keys() != new.keys():
            yield at, new
            return
        for key, value in new.items():
            yield from changes(old[key], value, (*at, key))
    elif isinstance(new, list | tuple):
        if len(old) != len(new):
            yield at, new
            return
        for place, (before, value) in enumerate(zip(old, new, strict=True)):
            yield from changes(before, value, (*at, place))
    elif old != new:
        yield at, new


def changed(old: Any, made: Sequence[Change]) -> Any:
    """`old` after these changes; `old` itself stays.  ValueError for a path that leads nowhere."""
    for path, value in made:
        old = _with(old, path, value)
    return old


def _with(tree: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    first, *rest = path
    if isinstance(tree, dict) and isinstance(first, str) and first in tree:
        return {**tree, first: _with(tree[first], tuple(rest), value)}
    if isinstance(tree, list) and isinstance(first, int) and 0 <= first < len(tree):
        copy = list(tree)
        copy[first] = _with(tree[first], tuple(rest), value)
        return copy
    raise ValueError(f"nothing stands at {first!r}, which it changes")
