"""One resolver and everything it answered: asked so that its answer can be compared.

How many queries: two for each configured resolver (A and AAAA of the name), and two for each
suffix once the system's look-up has failed.  Beyond that only where an answer gives a reason: the
same question over TCP when it was cut short, and without EDNS when EDNS seems to be the trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netwhy.core.asks import DnsAsk
from netwhy.core.errnames import ede_name
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import TIMEOUT, DnsAnswer, SystemLookup
from netwhy.diagnosis.case import Case, ms, say

#: What a server answers that does not know EDNS (RFC 6891 §7).
_NO_EDNS = ("FORMERR", "NOTIMP", "BADVERS")
#: A contrast question is asked while another one is silent already: it need not wait as long.
CONTRAST_S = 2.8
#: Long enough for two tries.
_SMALL_S = 1.9

Asking = Callable[[DnsAsk], DnsAnswer | None]


@dataclass(frozen=True, slots=True)
class Server:
    """One resolver and everything it answered so far.

    `edns` says how it met queries with EDNS where it answers the same ones without: "silent" or
    an rcode; "lossy": it answered some and lost some, whatever they were like.  `cut` is the
    failed TCP query after an answer that was cut short.
    """

    address: IPAddress
    answers: tuple[DnsAnswer, ...]
    edns: str = ""
    cut: DnsAnswer | None = None

    @property
    def answered(self) -> bool:
        """Did any reply come back, whatever it said?"""
        return any(a.rcode is not None for a in self.answers)

    @property
    def failed(self) -> bool:
        """Every query got an error or silence."""
        return bool(self.answers) and all(a.error is not None for a in self.answers)

    @property
    def replies(self) -> tuple[DnsAnswer, ...]:
        return tuple(a for a in self.answers if a.rcode is not None)

    @property
    def error(self) -> DnsAnswer | None:
        """The most telling failure: a refusal before silence."""
        errors = [a for a in self.answers if a.error is not None]
        return next((a for a in errors if a.error != TIMEOUT), errors[0] if errors else None)

    @property
    def stray(self) -> tuple[str, IPAddress] | None:
        """The first reply that no client takes: why not, and who sent it."""
        return next((a.stray for a in self.answers if a.stray is not None), None)

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        return tuple(dict.fromkeys(x for a in self.answers for x in a.addresses))

    @property
    def nonexistent(self) -> bool:
        """NXDOMAIN for every name asked, and no address for any."""
        replies = self.replies
        return (
            bool(replies)
            and not self.addresses
            and any(a.rcode == "NXDOMAIN" for a in replies)
            and all(a.rcode in ("NXDOMAIN", "NOERROR") and not a.records for a in replies)
            and not any(a.nodata for a in replies)
        )

    @property
    def empty(self) -> bool:
        return any(a.nodata for a in self.answers)

    @property
    def lame(self) -> bool:
        """Answers without recursion and without authority: not a resolver (RFC 1034 §4.3)."""
        return bool(self.replies) and all(
            not a.recursion_available and a.soa is None and not a.authoritative and a.nodata
            for a in self.replies
        )

    def has(self, rcode: str) -> bool:
        return any(a.rcode == rcode for a in self.answers)

    @property
    def codes(self) -> frozenset[int]:
        """The extended errors (RFC 8914) in all answers."""
        return frozenset(code for a in self.answers for code, _text in a.ede)

    @property
    def ede(self) -> str | None:
        """The extended errors as one text."""
        told = []
        for answer in self.answers:
            for code, text in answer.ede:
                name = f"{ede_name(code)} ({code})"
                told.append(f"{name}: {text}" if text else name)
        return "; ".join(dict.fromkeys(told)) or None


# -------------------------------------------------------------------------------------- asking


def question(
    case: Case, address: IPAddress, questions: Sequence[DnsAsk], *, insist: bool, suspect: bool
) -> Server:
    """Ask one server; `suspect` also looks whether EDNS is what keeps it silent.

    With `insist` the answers are needed, without they are only hoped for.
    """
    ask: Asking = case.want if insist else case.hope
    firsts = [ask(each) for each in questions]
    edns = _without_edns(firsts, questions, ask) if suspect else ""
    answers: list[DnsAnswer] = []
    cut: DnsAnswer | None = None
    for each, first in zip(questions, firsts, strict=True):
        best = first
        if edns:
            if first is not None and first.pending:
                case.waive(each)
            each = replace(each, payload=0, within_s=CONTRAST_S)
            best = ask(each) or first
        if best is not None and best.truncated:
            whole = ask(replace(each, transport="tcp", within_s=CONTRAST_S))
            if whole is not None and whole.rcode is not None:
                best = whole
            elif whole is not None and not whole.pending:
                cut = cut or whole
        if best is not None:
            answers.append(best)
    return Server(address, tuple(answers), edns, cut)


def _without_edns(
    firsts: Iterable[DnsAnswer | None], questions: Sequence[DnsAsk], ask: Asking
) -> str:
    """How a server fails on EDNS; "" unless it answers the same question without it.

    One pilot question is spent on it, and only where every query with EDNS failed alike.
    """
    seen = list(firsts)
    known = [a for a in seen if a is not None]
    said = next((a.rcode for a in known if a.rcode in _NO_EDNS), None)
    deaf = bool(known) and len(known) == len(seen) and all(a.error == TIMEOUT for a in known)
    if said is None and not deaf:
        return ""
    pilot = next(i for i, a in enumerate(seen) if a and (a.rcode in _NO_EDNS or a.error))
    plain = ask(replace(questions[pilot], payload=0, within_s=CONTRAST_S))
    if plain is None or plain.rcode is None or plain.rcode in _NO_EDNS:
        return ""
    if said is not None:
        return said
    # One answer among silent questions may be luck: ask once more with EDNS.
    again = ask(small(questions[pilot]))
    if again is None or again.pending:
        return ""
    return "lossy" if again.rcode is not None and not plain.truncated else "silent"


def small(question: DnsAsk) -> DnsAsk:
    """The question with EDNS and room for 512 bytes: what fits without EDNS fits here as well."""
    return replace(question, payload=512, within_s=_SMALL_S)


# --------------------------------------------------------------------------------------- words


def describe(server: Server) -> str:
    """What this resolver did, as one sentence."""
    if server.answered:
        return _with_ede(server, _answered(server))
    failure = server.error
    if failure is None:
        return say("resolver-not-asked", resolver=server.address)
    if server.stray is not None and failure.error == TIMEOUT:
        return strayed(server.address, *server.stray)
    if failure.error == TIMEOUT:
        key = "resolver-silent-once" if failure.tries == 1 else "resolver-silent"
        return say(key, resolver=server.address, tries=failure.tries, took=ms(failure.ms))
    if failure.icmp is not None:
        return say(
            "resolver-icmp",
            resolver=server.address,
            icmp=failure.icmp.label,
            sender=failure.icmp.sender or "an unknown address",
            error=failure.error or "",
        )
    key = "resolver-ended" if failure.transport == "tcp" else "resolver-error"
    return say(key, resolver=server.address, error=failure.error or "")


def strayed(resolver: IPAddress, why: str, sender: IPAddress) -> str:
    """A reply that no client takes, as one sentence."""
    return say(f"stray-{why}", resolver=resolver, sender=sender)


def _answered(server: Server) -> str:
    took = next((a.ms for a in server.replies), None)
    if server.addresses:
        return say(
            "resolver-addresses",
            resolver=server.address,
            addresses=", ".join(map(str, server.addresses[:4])),
            took=ms(took),
        )
    rcodes = dict.fromkeys(
        "no data" if a.nodata else "a truncated answer" if a.truncated else a.rcode or ""
        for a in server.replies
    )
    return say(
        "resolver-answered", resolver=server.address, rcode=" and ".join(rcodes), took=ms(took)
    )


def _with_ede(server: Server, text: str) -> str:
    return f"{text} (extended error {server.ede})" if server.ede else text


def system_said(looked_up: SystemLookup) -> str:
    """What the system's own look-up gave, as one sentence; "" if it was not asked."""
    if looked_up.error is None and looked_up.ms is None:
        return ""
    if looked_up.error is None:
        return say("system-lookup-took", name=looked_up.name, took=ms(looked_up.ms))
    key = "system-lookup-timeout" if looked_up.error == TIMEOUT else "system-lookup-failed"
    return say(key, name=looked_up.name, error=looked_up.error or "", took=ms(looked_up.ms))


def aliases(answers: Iterable[DnsAnswer]) -> list[str]:
    """The chain of aliases of an answer as one sentence, if there is one."""
    longest = max((a for a in answers if a.chain), key=lambda a: len(a.chain), default=None)
    if longest is None:
        return []
    chain = ", then ".join(longest.chain[:8])
    return [say("alias-chain", name=longest.name, chain=chain)]


def described(servers: Sequence[Server]) -> list[str]:
    """What each resolver did, and the aliases on the way."""
    return [*map(describe, servers), *aliases(a for s in servers[:1] for a in s.answers)]


def worded(
    case: Case,
    cause: str,
    confidence: float,
    looked_up: SystemLookup,
    evidence: Sequence[str],
    **params: Any,
) -> Finding:
    """A finding about the name that was looked up."""
    return case.finding(
        cause,
        confidence,
        looked_up.name,
        evidence=tuple(dict.fromkeys(evidence)),
        name=looked_up.name,
        error=looked_up.error,
        **params,
    )
