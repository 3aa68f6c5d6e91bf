"""What one TCP connection carried, as far as the kernel and the probe saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: A silence this long may be more than a slow answer.
STALL_MS = 1000.0
#: Resends of one piece by the kernel's timer: one may be chance, in a row they tell of loss.
_RESENDS = 2


@dataclass(frozen=True, slots=True)
class Flow:
    """`received` and `sent` are bytes on the wire, `silent_ms` the longest time without progress.

    The rest is `TCP_INFO` (linux/tcp.h), None where the platform has none: `unacked` segments that
    the peer has not acknowledged, `resends` of segments in all, `out_of_order` pieces that came
    while an earlier one was missing, `mss` the bytes per segment that are sent, `path_mtu` what the
    kernel believes the path takes, `rtt_ms` the round trip of the handshake.
    """

    received: int = 0
    sent: int = 0
    silent_ms: float = 0.0
    unacked: int | None = None
    resends: int | None = None
    out_of_order: int | None = None
    mss: int | None = None
    path_mtu: int | None = None
    rtt_ms: float | None = None

    @property
    def stalled(self) -> bool:
        return self.silent_ms >= STALL_MS

    @property
    def unheard(self) -> bool:
        """What was sent is sent again and again, and never acknowledged."""
        return bool(self.unacked) and (self.resends or 0) >= _RESENDS

    @property
    def holed(self) -> bool:
        """A later piece of the answer came, and an earlier one is missing."""
        return bool(self.out_of_order)

    @property
    def lossy(self) -> bool:
        """Did packets of this connection vanish?  Of one that is over: on the way out or in."""
        return self.unheard or self.holed or (self.resends or 0) >= _RESENDS

    def detail(self) -> dict[str, Any]:
        """What a probe row shows of it: only where something stood still."""
        if not self.stalled:
            return {}
        shown = {
            "longest_silence_ms": round(self.silent_ms, 1),
            "unacknowledged_segments": self.unacked,
            "segments_resent": self.resends,
            "segments_out_of_order": self.out_of_order,
            "segment_bytes": self.mss,
            "path_mtu": self.path_mtu,
        }
        return {name: value for name, value in shown.items() if value is not None}


#: A connection of which nothing is known.
NOTHING_MOVED = Flow()
