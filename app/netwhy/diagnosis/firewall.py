"""This machine's own packet filter: what it rejects, what it drops going out or coming in."""

from __future__ import annotations

import math

from netwhy.core.asks import LocalDropsAsk, ResetOriginAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import (
    Connect,
    Icmp,
    LocalDrops,
    UdpExchange,
    endpoint,
)
from netwhy.diagnosis.case import Case, Refusal, say

#: How many of the four answers of a burst must be missed.
_ANSWERS = 3
_SURE = 2.4  # standard deviations: one silence in a hundred would look like it by chance
#: What this machine answers itself is there in a fraction of this; a busy machine sees it late.
_INSTANT_MS = 20.0


def own_firewall_rejects(case: Case, refusal: Refusal, icmp: Icmp) -> Finding:
    """An ICMP error that this machine sent to itself."""
    address = refusal.address
    return case.finding(
        "local.firewall",
        0.97,
        refusal.endpoint,
        evidence=(
            say("icmp-own", icmp=icmp.label, sender=icmp.sender or "", error=refusal.error),
            say("route-is-fine", address=address),
        ),
        variant="rejected",
        root="this machine",
        address=address,
        port=refusal.port,
        endpoint=refusal.endpoint,
        source=icmp.sender,
        sender=icmp.sender,
        icmp=icmp.label,
        error=refusal.error,
    )


def send_forbidden(case: Case, address: IPAddress, port: int | None, error: str) -> Finding:
    """A datagram that the system refused to send: an own firewall rule drops or rejects it."""
    return case.finding(
        "local.firewall",
        0.95,
        endpoint(address, port),
        evidence=(
            say("send-forbidden", endpoint=endpoint(address, port), error=error),
            say("route-is-fine", address=address),
        ),
        rivals=("local.policy",),
        variant="send",
        root="this machine",
        address=address,
        port=port,
        endpoint=endpoint(address, port),
        error=error,
    )


def resends_stay_here(case: Case, seen: Connect) -> Finding | None:
    """The kernel sent the SYN again, and the output path refused each: an own rule drops it."""
    if seen.resends_left is not False:
        return None
    where = endpoint(seen.address, seen.port)
    stay = say("resends-stay-here", resends=seen.resends, endpoint=where)
    return _dropped(case, seen, stay, 0.96, variant="out", rival="local.policy")


def answers_dropped_here(case: Case, seen: Connect) -> Finding | None:
    """Answers arrive and reach no protocol: an own rule drops what comes back."""
    drops = case.want(LocalDropsAsk(seen.address, seen.port))
    if drops is None or not counted(drops):
        return None
    return _dropped(case, seen, _lost("answers-dropped-here", drops), 0.85, variant=_which(drops),
                    rival="tcp.filtered")  # fmt: skip


def datagrams_dropped_here(
    case: Case, seen: UdpExchange, drops: LocalDrops | None, *, own: bool
) -> Finding | None:
    """The same for datagrams: what comes back (or, at an own address, what arrives) is dropped.

    It may be the ICMP error of a closed port that is dropped.
    """
    if drops is None or not counted(drops):
        return None
    return _dropped(case, seen, _lost("datagrams-dropped-here", drops), 0.85,
                    variant="own" if own else _which(drops), rival="udp.refused")  # fmt: skip


def _lost(key: str, drops: LocalDrops) -> str:
    first, second = sorted(drops.received, reverse=True)[:2]
    where = endpoint(drops.address, drops.port)
    filtered = sorted(drops.reverse_path, reverse=True)[:2]
    said = say(key, first=first, second=second, endpoint=where)
    if _which(drops) == "reverse-path":
        said += "; " + say("reverse-path-filtered", count=sum(filtered))
    return said


def _which(drops: LocalDrops) -> str:
    """Reverse path filtering counts what it drops; a rule of the packet filter does not."""
    rounds = list(zip(drops.reverse_path, drops.received, strict=False))
    filtered = sum(count >= _ANSWERS for count, lost in rounds if lost >= _ANSWERS)
    return "reverse-path" if filtered >= 2 else "in"


def reset_here(case: Case, seen: Connect) -> Finding | None:
    """A reset that never came over a link: an own rule made it, or led the connection astray.

    Asked only where it came as quickly as from this machine itself.
    """
    if seen.ms is None or seen.ms >= _INSTANT_MS:
        return None
    origin = case.want(ResetOriginAsk(seen.address, seen.port))
    if origin is None or not origin.here:
        return None
    where = endpoint(seen.address, seen.port)
    came = say("reset-over-loopback", endpoint=where, count=len(origin.received))
    return _dropped(case, seen, came, 0.93, variant="reset")


def may_be_from_here(case: Case, seen: Connect) -> bool:
    """Did a quick reset come, and could not be seen whether over a link or from here?"""
    origin = case.known(ResetOriginAsk(seen.address, seen.port))
    return origin is not None and not origin.received


def _dropped(
    case: Case,
    seen: Connect | UdpExchange,
    proof: str,
    confidence: float,
    *,
    variant: str,
    rival: str | None = None,
) -> Finding:
    """An own rule stops packets, on their way out or in, without a word of its own."""
    where = endpoint(seen.address, seen.port)
    return case.finding(
        "local.firewall",
        confidence,
        where,
        evidence=(proof, say("route-is-fine", address=seen.address)),
        rivals=() if rival is None else (rival,),
        variant=variant,
        root="this machine",
        address=seen.address,
        port=seen.port,
        endpoint=where,
    )


def counted(drops: LocalDrops) -> bool:
    """Two bursts must show it: most of the answers, and clearly more than the noise could.

    Packets of others come at random, so a count of n varies by about its square root.  Where no
    two bursts are clear enough, three or more that agree may be so together.
    """
    noise = drops.noise or (0,) * len(drops.received)
    rounds = [*zip(drops.received, noise, strict=False)]
    if sum(count >= _least(stray) for count, stray in rounds) >= 2:
        return True
    agree = sum(count >= _ANSWERS for count, _stray in rounds)
    idle = sum(max(stray, 0) for _count, stray in rounds)
    more = sum(count for count, _stray in rounds)
    return agree >= 3 and more >= _SURE * math.sqrt(more + 2 * idle)


def _least(stray: int) -> float:
    return _ANSWERS + 3 * math.sqrt(2 * stray) if stray > 0 else _ANSWERS


def unsettled(case: Case, ask: LocalDropsAsk) -> bool:
    """Was it asked whether answers are dropped here, and not answered for certain?"""
    return ask in case.facts and (case.known(ask) is None or too_noisy(case.known(ask)))


def too_noisy(drops: LocalDrops | None) -> bool:
    """Did other packets hide whether answers are dropped here, in every round or in the one that
    would have shown it?"""
    if drops is None or counted(drops):
        return False
    return min(drops.noise, default=0) > 0 or max(drops.received, default=0) >= _ANSWERS
