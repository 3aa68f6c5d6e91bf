"""A DNS server that is itself the target: what it answers, without the system's look-up."""

from __future__ import annotations

from netwhy.core.asks import DnsAsk
from netwhy.core.model import Finding, IPAddress
from netwhy.core.observations import DnsAnswer, SystemLookup
from netwhy.diagnosis import delays, filtered
from netwhy.diagnosis import resolver as resolver_layer
from netwhy.diagnosis.answers import answered_without, cut_short
from netwhy.diagnosis.case import Case
from netwhy.diagnosis.server import Server, described, question

#: Causes that come with a reply: the server is there, what it says is the trouble.
ALIVE = (
    *("dns.name-not-found", "dns.no-address", "dns.server-failure", "dns.dnssec-bogus"),
    *("dns.cname-dangling", "dns.cname-loop", "dns.sinkholed", "dns.private-filtered"),
    *("dns.cached-failure", "dns.truncated-no-tcp"),
)


def ask_server(
    case: Case, address: IPAddress, port: int
) -> tuple[Finding | DnsAnswer | None, Finding | None]:
    """Ask one server for the target's own name and type: (what came of it, a word beside it).

    (None, None) until it is decided.
    """
    target = case.target
    name = target.query_name or "."
    ask = DnsAsk(address, name, target.query_type, port)
    server = question(case, address, [ask], insist=True, suspect=True)
    if not server.answers or any(a.pending for a in server.answers):
        # A server that is silent so far is looked into while it may still answer.
        if server.answers:
            resolver_layer.unreachable(case, SystemLookup(name), [server], port=port)
        return None, None
    looked_up = SystemLookup(name)  # the system itself was not asked
    if not server.answered:
        return resolver_layer.unreachable(case, looked_up, [server], port=port), None
    if case.waiting and not case.final:
        return None, None
    beside = delays.edns(case, looked_up, server) or delays.slow(case, looked_up, server)
    return _judged(case, looked_up, server), beside


def _judged(case: Case, looked_up: SystemLookup, server: Server) -> Finding | DnsAnswer | None:
    answer = server.answers[0]
    if server.cut is not None:
        return cut_short(case, looked_up, server, [server])
    blocked = filtered.sinkholed(case, looked_up, [server])
    if blocked is not None:
        return blocked
    root = case.target.query_name in (None, ".")
    if answer.rcode == "NOERROR" and (answer.records or (root and answer.recursion_available)):
        return answer
    evidence = described([server])
    hidden = filtered.private_filtered(case, looked_up, server, (), evidence)
    if hidden is not None:
        return hidden
    return answered_without(case, looked_up, None, [server], evidence)
