"""Names that differ by a slip of the finger: a letter too many, missing, wrong, or two swapped."""

from __future__ import annotations

from collections.abc import Iterable


def slips(one: str, other: str, most: int = 2) -> int:
    """How many slips lie between two names (Damerau-Levenshtein); `most` + 1 if more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, its in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def meant(name: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Known names that were probably meant, the nearest first.

    One slip for a name of at least four letters, two for one of at least ten.
    """
    allowed = 0 if len(name) < 4 else 1 if len(name) < 10 else 2
    near = {other: slips(name, other, allowed) for other in dict.fromkeys(known) if other != name}
    return tuple(sorted((o for o in near if near[o] <= allowed), key=lambda o: (near[o], o)))[:most]
