"""The question of a dns:// target: the name, and the type of record."""

from __future__ import annotations

import re
from dataclasses import dataclass

from netwhy.core.endpoint import no_quotes
from netwhy.core.hostname import read_address, read_host
from netwhy.core.model import HostProblem
from netwhy.core.services import nearest
from netwhy.core.typed import Part

#: Record types that can be asked for by name; any other as TYPE followed by its number (RFC 3597).
# fmt: off
RECORD_TYPES = (
    "A", "AAAA", "ANY", "CAA", "CDNSKEY", "CDS", "CNAME", "DNAME", "DNSKEY", "DS", "HINFO",
    "HTTPS", "LOC", "MX", "NAPTR", "NS", "NSEC", "NSEC3", "NSEC3PARAM", "OPENPGPKEY", "PTR",
    "RRSIG", "SOA", "SPF", "SRV", "SSHFP", "SVCB", "TLSA", "TXT", "URI",
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked; `text` is its canonical spelling, with the slash before it."""

    name: str
    type: str
    text: str
    problem: HostProblem | None = None


def dns_query(tail: Part, notes: list[str]) -> Query:
    """The query of `/name?type=AAAA`; raises Misread.

    Without a name it is the root's name servers: what any resolver should know.
    """
    path, question = tail.before("?")
    asked = _record_type(question)
    name = path.cut(1)
    if not name:
        return Query(".", asked or "NS", f"?type={asked}" if asked else "")
    if name.text == ".":
        return Query(".", asked or "NS", f"/.{f'?type={asked}' if asked else ''}")
    no_quotes(name)
    if name.text[-1] in ",;":
        name.cut(len(name) - 1).fail("a name does not end so", instead="")
    address = read_address(name.text)
    if address is not None and asked in (None, "PTR"):
        notes.append(f"the reverse name of {address} is asked for")
        return Query(address.reverse_pointer, "PTR", f"/{address.reverse_pointer}?type=PTR")
    host = read_host(name.text)
    if host.note and address is None:
        notes.append(host.note)
    text = f"/{host.text}{f'?type={asked}' if asked else ''}"
    return Query(host.text, asked or "A", text, _name_problem(host.problem))


def _name_problem(problem: HostProblem | None) -> HostProblem | None:
    """Only lengths and empty labels forbid a DNS name (RFC 2181 §11): a host needs more."""
    if problem and problem.reason in ("empty-label", "label-too-long", "name-too-long"):
        return problem
    return None


def _record_type(question: Part) -> str | None:
    pair = question.cut(1)
    if not pair:
        return None
    key, equals, value = pair.around("=")
    if key.text.lower() != "type" or not equals or not value:
        pair.fail("dns:// takes ?type= and a record type, such as ?type=AAAA")
    asked = value.text.upper()
    if asked in RECORD_TYPES:
        return asked
    if (match := re.fullmatch(r"TYPE([0-9]{1,5})", asked)) and int(match[1]) <= 65535:
        return f"TYPE{int(match[1])}"
    close = nearest(asked, [t.lower() for t in RECORD_TYPES])
    value.fail(
        "unknown record type; common ones are A, AAAA, MX, NS, PTR, SOA, SRV and TXT",
        instead=close.upper() if close else None,
    )
