"""How long the system's own look-up is worth waiting for.

No query is made for this: the questions to each resolver, asked anyway, tell enough.
"""

from __future__ import annotations

from collections.abc import Sequence

from netwhy.core.asks import SystemLookupAsk
from netwhy.core.observations import TIMEOUT, ResolverConfig, SystemLookup
from netwhy.diagnosis import configuration
from netwhy.diagnosis.case import Case
from netwhy.diagnosis.server import Server

#: Sources of nsswitch.conf that know at once what they know, or nothing that DNS does not.
_QUICK_SOURCES = {"files", "dns", "myhostname", "mymachines"}


def only_dns(name: str, config: ResolverConfig) -> bool:
    """Is there nobody but DNS whom the system could still be waiting for?"""
    local = name.endswith(".local")
    return all(
        source in _QUICK_SOURCES or (source.startswith("mdns") and not local)
        for source in configuration.sources(config)
    )


def overdue(
    case: Case, name: str, family: int | None, config: ResolverConfig, servers: Sequence[Server]
) -> SystemLookup | None:
    """The look-up counts as one without an answer once the questions beside it ended in silence.

    The library only begins again then: with three silent resolvers it needs 28 s, with one that
    accepts TCP and says nothing it never ends.  None while there is something to wait for.
    """
    asked = _asked(servers)
    answers = [answer for server in asked for answer in server.answers]
    if not answers or not only_dns(name, config):
        return None
    if any(answer.pending for answer in answers) or not all(s.answers for s in asked):
        return None
    cut = asked[-1].cut
    silent = [a for a in (*answers, *([cut] if cut is not None else [])) if a.silent]
    if not silent:
        return None
    case.waive(SystemLookupAsk(name, family))
    return SystemLookup(name, (), TIMEOUT, max(answer.ms or 0.0 for answer in silent))


def _asked(servers: Sequence[Server]) -> Sequence[Server]:
    """Those that the library asks before it has an answer: up to the first that gives one."""
    for place, server in enumerate(servers, start=1):
        if server.answered:
            return servers[:place]
    return servers
