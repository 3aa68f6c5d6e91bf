"""Host and port in one piece of text: `host`, `host:port`, `[v6]:port`, a bare IPv6 address."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from netwhy.core.hostname import Host, read_address, read_host
from netwhy.core.services import SERVICES, nearest
from netwhy.core.typed import QUOTES, Part


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host and perhaps a port; `service` is the name that the port was written as."""

    host: Host
    port: int | None = None
    service: str | None = None

    @property
    def bracketed(self) -> str:
        """The host as it stands before a port."""
        return f"[{self.host.text}]" if ":" in self.host.text else self.host.text


def read_endpoint(part: Part, notes: list[str], scheme: str = "") -> Endpoint:
    """The endpoint that a part spells; raises Misread.  `scheme` is for suggestions."""
    before = f"{scheme}://" if scheme else ""
    if not part:
        part.fail(f"there is no host after {before}" if scheme else "there is no host")
    first, others = part.before(",;")
    if others:
        part.fail("a target names one host; give several as several targets", before + first.text)
    no_quotes(part)
    host, port = _halves(part, notes)
    if not host.text.strip("."):
        port_text = port.text if port else ""
        part.fail("there is no host", f"{before}localhost:{port_text}" if port_text else None)
    read = read_host(host.text)
    if read.note:
        notes.append(read.note)
    if port is None:
        return Endpoint(read)
    if port.text == ":":
        port.fail("there is no port after ':'", instead="")
    service = port.text.lower() if port.text.lower() in SERVICES else None
    return Endpoint(read, read_port(port), service)


def no_quotes(part: Part) -> None:
    """Quotes and angle brackets come from the text around a target; they are no bad host name."""
    kept = "".join(c for c in part.text if c not in QUOTES)
    if kept != part.text:
        part.fail("there are quotes or parentheses inside the target", instead=kept)


def read_port(part: Part) -> int:
    """A port number or the name of a service; raises Misread."""
    text = part.text
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        if len(digits) > 5 or int(digits) > 65535:
            part.fail(f"port {text[:20]} is out of range (1-65535)")
        return int(digits)
    if (port := SERVICES.get(text.lower())) is not None:
        return port
    part.fail(
        "a port is a number from 1 to 65535 or the name of a service such as https",
        instead=nearest(text, SERVICES),
    )


def port_within(text: str) -> str | None:
    """`[::1]:80` for `::1:80`: an IPv6 address whose last group looks like a service's port."""
    host, _colon, port = text.rpartition(":")
    known = port.isascii() and port.isdigit() and len(port) < 6 and int(port) in SERVICES.values()
    return f"[{host}]:{port}" if known and isinstance(read_address(host), IPv6Address) else None


def _halves(part: Part, notes: list[str]) -> tuple[Part, Part | None]:
    """The host and the port (`:` alone for one that is missing, None for no port at all)."""
    if part.text[0] == "[" or "]" in part.text:
        return _bracketed(part, notes)
    if part.text.count(":") < 2:
        host, colon, port = part.around(":")
        return host, (port or colon) if colon else None
    return _six(part, notes)


def _bracketed(part: Part, notes: list[str]) -> tuple[Part, Part | None]:
    inner, close, rest = part.around("]")
    if part.text[0] != "[" or not close:
        missing = "]" if part.text[0] == "[" else "["
        bare = part.text.lstrip("[")
        meant = port_within(bare) or f"[{bare}]" if missing == "]" else f"[{bare}"
        part.fail(f"'{missing}' is missing; an address with a port is [v6]:port", instead=meant)
    host = inner.cut(1)
    if not host:
        part.fail("there is no address between the brackets")
    if ":" in host.text and not isinstance(read_address(host.text), IPv6Address):
        host.fail("this is no IPv6 address")
    if ":" not in host.text:
        notes.append("brackets are for IPv6 addresses; they were left out")
    if not rest:
        return host, None
    if rest.text[0] != ":":
        rest.fail("after ']' comes ':' and the port", instead=":" + rest.text)
    return host, rest.cut(1) or rest


def _six(part: Part, notes: list[str]) -> tuple[Part, Part | None]:
    """An IPv6 address without brackets, perhaps with a port that only brackets could tell."""
    host, colon, port = part.around(":", last=True)
    with_port = isinstance(read_address(host.text), IPv6Address)
    if isinstance(read_address(part.text), IPv6Address):
        if meant := port_within(part.text):
            notes.append(f"read as one IPv6 address; port {port.text} is written {meant}")
        return part, None
    if with_port:
        notes.append(f"read as [{host.text}]:{port.text}")
        return host, port or colon
    part.fail(
        "this is neither host:port nor an IPv6 address; with a port that is [v6]:port",
        instead=_first_port(part.text),
    )


def _first_port(text: str) -> str | None:
    """`db:80:90` was probably `db:80`."""
    host, _colon, rest = text.partition(":")
    port = rest.partition(":")[0]
    return f"{host}:{port}" if text.count(":") == 2 and port.isascii() and port.isdigit() else None
