"""What all observations have in common."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from netwhy.core.model import IPAddress, Outcome, ProbeRow

TIMEOUT = "TIMEOUT"


class Observation:
    """Base of all observations."""

    __slots__ = ()
    probe: ClassVar[str]

    def row(self) -> ProbeRow:
        """The observation as surfaces show it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Skipped(Observation):
    """A probe that was not run, or could not answer, and why."""

    name: str
    subject: str
    reason: str
    error: str | None = None

    def row(self) -> ProbeRow:
        detail = {"reason": self.reason}
        return ProbeRow(self.name, self.subject, Outcome.SKIPPED, None, self.error, detail)


@lru_cache(maxsize=1024)  # a monitor names the same few again and again
def endpoint(address: IPAddress, port: int | None) -> str:
    """`1.2.3.4:80` or `[2001:db8::1]:80`; the bare address without a port."""
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
