"""The schemes of targets: each reads what follows its `://` into a Target."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from netwhy.core.endpoint import Endpoint, port_within, read_endpoint, read_port
from netwhy.core.hostname import destination_problem, port_problem, read_host, scope_problem
from netwhy.core.model import HostProblem, Kind, Target, TargetOptions, Tls
from netwhy.core.options import option_names, options_text, typed_options
from netwhy.core.percent import coded
from netwhy.core.query import dns_query
from netwhy.core.services import SERVICES, UDP_SERVICES, nearest
from netwhy.core.typed import Part, shown


@dataclass(slots=True)
class Reading:
    """What is carried along while one text is read."""

    options: TargetOptions
    notes: list[str] = field(default_factory=list)

    def note(self, words: str | None) -> None:
        if words:
            self.notes.append(words)


Reader = Callable[[Part, Reading], Target]


def without_user(part: Part, reading: Reading) -> Part:
    """`user:password@host` without the user, who is nobody's business here."""
    authority, _path = part.before("/?#\\")
    user, at, _host = authority.around("@", last=True)
    if not at:
        return part
    reading.note("the user name was left out")
    return part.cut(len(user) + 1)


def is_port(word: str) -> bool:
    return (word.isascii() and word.isdigit()) or word.lower() in SERVICES


def reached(kind: Kind, end: Endpoint, text: str, reading: Reading) -> Target:
    """A target that packets are sent to, with the problem of its host or port if it has one."""
    host = end.host
    problem = host.problem
    if problem is None and host.address is not None:
        problem = destination_problem(host.address)
        if host.address.is_unspecified:
            reading.note(f"{host.address} as a destination is this machine itself")
    if problem is None and end.port is not None:
        problem = port_problem(end.port)
    if end.service in UDP_SERVICES and kind is Kind.TCP:
        reading.note(f"{end.service} is a UDP service: udp://{end.bracketed}:{end.port} tests that")
    return Target(
        text,
        kind,
        host.text,
        end.port,
        host.address,
        transport="udp" if kind in (Kind.UDP, Kind.DNS) else "tcp",
        options=reading.options,
        problem=problem,
    )


def _socket(kind: Kind, default: int | None = None) -> Reader:
    """The reader of tcp://, udp:// and tls://."""

    def read(rest: Part, reading: Reading) -> Target:
        rest = without_user(rest, reading)
        authority, tail = rest.before("/?")
        end = read_endpoint(authority, reading.notes, scheme=kind.value)
        given = end.port is not None
        if end.port is None:
            if default is None:
                authority.fail(
                    f"{kind.value}:// needs a port", f"{kind.value}://{authority.text}:443"
                )
            end = replace(end, port=default)
        path, query = tail.before("?")
        if path.text.strip("/"):
            reading.note(f"'{shown(path.text, 40)}' was left out: {kind.value}:// has no path")
        names = option_names(query.cut(1))
        reading.options = typed_options(query.cut(1), reading.options)
        text = f"{kind.value}://{end.bracketed}{f':{end.port}' if given else ''}"
        target = reached(kind, end, text + options_text(reading.options, names), reading)
        return replace(target, tls=Tls.ASKED if kind is Kind.TLS else Tls.NONE)

    return read


def _web(kind: Kind, default: int) -> Reader:
    """The reader of http:// and https://."""

    def read(rest: Part, reading: Reading) -> Target:
        rest = without_user(rest, reading)
        authority, tail = rest.before("/?#\\")
        if tail.text.startswith("\\"):
            tail.cut(0, 1).fail(
                "a URL has forward slashes", f"{kind.value}://{rest.text.replace(chr(92), '/')}"
            )
        if not authority:
            rest.fail(f"there is no host after {kind.value}://", instead=rest.text.lstrip("/"))
        end = read_endpoint(authority, reading.notes, scheme=kind.value)
        tail, fragment = tail.before("#")
        if len(fragment) > 1:
            reading.note("the part after # was left out: it is never sent")
        path = _quoted(tail.text)
        text = f"{kind.value}://{end.bracketed}{'' if end.port is None else f':{end.port}'}"
        end = replace(end, port=default if end.port is None else end.port)
        target = reached(kind, end, text + (path if path != "/" else ""), reading)
        return replace(target, path=path, tls=Tls.ASKED if kind is Kind.HTTPS else Tls.NONE)

    return read


def _quoted(path: str) -> str:
    """A path and query as they are sent: it begins with a slash, what is not ASCII is %-coded.

    So is a comma at the end, which would be taken for one of the text around the target.
    """
    if not path.startswith("/"):
        path = "/" + path
    if re.fullmatch(r"[A-Za-z0-9/._~?&=%-]+", path):
        return path
    return coded(path[:-1], "/?&=%:@!$'()*+,;[]|") + coded(path[-1:], "/?&=%:@!$'()*+[]|")


def _icmp(rest: Part, reading: Reading) -> Target:
    authority, tail = rest.before("/?#")
    end = read_endpoint(authority, reading.notes, scheme="icmp")
    if end.port is not None:
        authority.fail("ICMP has no ports", f"icmp://{end.bracketed}")
    if tail.text.strip("/"):
        tail.fail("icmp:// takes a host and nothing else", f"icmp://{end.bracketed}")
    return reached(Kind.ICMP, end, f"icmp://{end.bracketed}", reading)


def _dns(rest: Part, reading: Reading) -> Target:
    authority, tail = rest.before("/?")
    if not authority:
        rest.fail("dns:// names the resolver first: dns://192.0.2.53/name")
    end = read_endpoint(authority, reading.notes, scheme="dns")
    query = dns_query(tail, reading.notes)
    port = "" if end.port is None else f":{end.port}"
    end = replace(end, port=53 if end.port is None else end.port)
    target = reached(Kind.DNS, end, f"dns://{end.bracketed}{port}{query.text}", reading)
    problem: HostProblem | None = target.problem or query.problem
    return replace(target, query_name=query.name, query_type=query.type, problem=problem)


def bind_reader(transport: str) -> Reader:
    scheme = "bind" if transport == "tcp" else "bind+udp"

    def read(rest: Part, reading: Reading) -> Target:
        authority, tail = rest.before("/?#")
        if tail.text.strip("/"):
            tail.fail(f"{scheme}:// takes an address and a port and nothing else")
        if authority.text.startswith("*:"):
            authority = authority.cut(1)
        if authority.text.startswith(":") and not authority.text.startswith("::"):
            port = read_port(authority.cut(1) or authority)
            return _bound(f"{scheme}://:{port}", None, port, transport)
        if is_port(authority.text):
            port = read_port(authority)
            return _bound(f"{scheme}://:{port}", None, port, transport)
        end = read_endpoint(authority, reading.notes, scheme=scheme)
        if end.host.text == "localhost":
            reading.note("localhost was read as 127.0.0.1; [::1] is the other half of it")
            end = replace(end, host=read_host("127.0.0.1"))
        if end.port is None:
            if end.host.address is None:
                authority.fail(
                    f"{scheme} takes a port, or an address of this machine and a port",
                    instead=nearest(authority.text, SERVICES),
                )
            meant = port_within(end.host.text) or f"{end.bracketed}:8080"
            authority.fail(f"{scheme} needs a port", f"{scheme}://{meant}")
        if end.host.address is None and end.host.problem is None:
            authority.fail(
                f"{scheme} needs an address of this machine, not a name", f"{scheme}://:{end.port}"
            )
        return _bound(f"{scheme}://{end.bracketed}:{end.port}", end, end.port, transport)

    return read


def _bound(text: str, end: Endpoint | None, port: int, transport: str) -> Target:
    problem = end.host.problem if end else None
    address = end.host.address if end else None
    if problem is None and address is not None:
        problem = scope_problem(address)
    return Target(
        text,
        Kind.BIND,
        end.host.text if end else "",
        port,
        address,
        transport=transport,
        problem=problem or port_problem(port),
    )


SCHEMES: dict[str, Reader] = {
    "tcp": _socket(Kind.TCP),
    "udp": _socket(Kind.UDP),
    "tls": _socket(Kind.TLS, 443),
    "http": _web(Kind.HTTP, 80),
    "https": _web(Kind.HTTPS, 443),
    "icmp": _icmp,
    "dns": _dns,
    "bind": bind_reader("tcp"),
    "bind+tcp": bind_reader("tcp"),
    "bind+udp": bind_reader("udp"),
}
