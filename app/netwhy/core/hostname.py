"""Host parts: addresses, names, and hosts that can be read but never be reached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from netwhy.core.model import HostProblem, IPAddress

_NAME = "dns.invalid-name"
_ADDRESS = "local.address-unusable"

#: What a label may hold.  Underscores resolve, though RFC 1123 has none.
_LABEL = re.compile(r"[A-Za-z0-9_-]+")
_SCOPE = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")
_NUMBER = re.compile(r"0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*")


@dataclass(frozen=True, slots=True)
class Host:
    """A host as it was understood.

    `text` is canonical: lower case, A-labels, no trailing dot, no brackets.  `note` says what was
    read into a sloppy spelling.
    """

    text: str
    address: IPAddress | None = None
    problem: HostProblem | None = None
    note: str | None = None


def read_host(typed: str) -> Host:
    """The host that a text names; never raises.  A name is only looked at, never looked up."""
    note = None
    text = typed
    if text.endswith(".") and not text.endswith("..") and len(text) > 1:
        text = text[:-1]
        note = "the trailing dot was left out"
    address = read_address(text)
    if address is None and not text.isascii():
        text, note, problem = _a_labels(text, note)
        if problem:
            return Host(text, None, problem, note)
        address = read_address(text)
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        note = f"{text} is the IPv4 address {address.ipv4_mapped}"
        address = address.ipv4_mapped
    if address is not None:
        return Host(str(address), address, None, note)
    text = text.lower()
    problem = name_problem(text)
    if problem and problem.reason == "numeric":
        note = _numeric_note(text)
    elif problem and problem.reason == "empty-label":
        note = f"{'.'.join(filter(None, text.split('.')))} was probably meant"
    return Host(text, None, problem, note)


def read_address(text: str) -> IPAddress | None:
    """The address of a literal, with its scope if it has one; None for anything else."""
    literal, percent, scope = text.partition("%")
    if percent:
        if scope.startswith("25") and scope[2:3].isalpha():
            scope = scope[2:]  # RFC 6874: a URL writes %25 for the percent sign
        if ":" not in literal or not _SCOPE.fullmatch(scope):
            return None
        literal = f"{literal}%{scope}"
    try:
        return ip_address(literal)
    except ValueError:
        return None


def name_problem(name: str) -> HostProblem | None:
    """Why an ASCII name without its trailing dot can be no host name; None if it can.

    Length: RFC 1035 §2.3.4.  Characters: what glibc's getaddrinfo sends at all (measured with
    2.36: a name that begins with a hyphen is refused without a packet, a hyphen elsewhere is not).
    """
    labels = name.split(".")
    if "" in labels:
        return HostProblem(_NAME, "empty-label", name)
    for label in labels:
        if len(label) > 63:
            return HostProblem(_NAME, "label-too-long", label)
    if len(name) > 253:
        return HostProblem(_NAME, "name-too-long", name)
    if four_decimals(name) or (len(labels) > 1 and all(map(_decimal, labels))):
        return HostProblem(_NAME, "numeric", name)
    for label in labels:
        if not _LABEL.fullmatch(label):
            return HostProblem(_NAME, "bad-character", _bad_characters(label))
    if name.startswith("-"):
        return HostProblem(_NAME, "hyphen-edge", labels[0])
    return None


def destination_problem(address: IPAddress) -> HostProblem | None:
    """Why no connection can go to an address (ip(7), RFC 4007 for scopes); None if one can."""
    if address.is_multicast:
        return HostProblem(_ADDRESS, "multicast", str(address))
    if address == IPv4Address("255.255.255.255"):
        return HostProblem(_ADDRESS, "broadcast", str(address))
    return scope_problem(address)


def scope_problem(address: IPAddress) -> HostProblem | None:
    """A link-local IPv6 address is an address on some link only: which one must be said."""
    if isinstance(address, IPv6Address) and address.is_link_local and not address.scope_id:
        return HostProblem(_ADDRESS, "scope-missing", str(address))
    return None


def port_problem(port: int) -> HostProblem | None:
    """Port 0 can be asked for, never be reached."""
    return HostProblem(_ADDRESS, "port-zero", "0") if port == 0 else None


def four_decimals(name: str) -> str | None:
    """What inet_aton(3) makes of a number-like name: octal, hexadecimal, fewer than four parts.

    `010.0.0.1` gives `8.0.0.1`, `0x7f.1` gives `127.0.0.1`; None where it refuses.
    """
    parts = name.lower().split(".")
    if len(parts) > 4 or not all(len(p) < 20 and _NUMBER.fullmatch(p) for p in parts):
        return None
    values = [_c_number(p) for p in parts]
    if any(v > 255 for v in values[:-1]) or values[-1] >= 256 ** (5 - len(values)):
        return None
    high = sum(v << (24 - 8 * i) for i, v in enumerate(values[:-1]))
    return str(IPv4Address(high + values[-1]))


def plain_decimals(name: str) -> str | None:
    """The same four numbers read as decimals: `010.0.0.1` gives `10.0.0.1`; None if they do not."""
    parts = name.split(".")
    if len(parts) != 4 or not all(_decimal(p) and len(p) < 10 and int(p) < 256 for p in parts):
        return None
    return ".".join(str(int(p)) for p in parts)


def _numeric_note(name: str) -> str:
    system, plain = four_decimals(name), plain_decimals(name)
    if system is None:
        return "an IPv4 address has four numbers from 0 to 255" + (
            f": did you mean {plain}?" if plain else ""
        )
    choice = f"{plain} or {system}" if plain and plain != system else system
    return f"the system would take {name} for {system}; write {choice}"


def _decimal(label: str) -> bool:
    return label.isascii() and label.isdigit()


def _c_number(text: str) -> int:
    if text.startswith("0x"):
        return int(text, 16)
    return int(text, 8 if text.startswith("0") else 10)


def _bad_characters(label: str) -> str:
    """The label, with the characters that are wrong named by themselves if it is long."""
    return label if len(label) < 64 else "".join(sorted(set(_LABEL.sub("", label))))


def _a_labels(name: str, note: str | None) -> tuple[str, str | None, HostProblem | None]:
    """An international name as DNS has it (IDNA 2003, as Python and most C programs write it)."""
    import unicodedata
    from encodings.idna import ToASCII

    name = unicodedata.normalize("NFC", name)
    labels = []
    for label in name.split("."):
        if not label:
            return name, note, HostProblem(_NAME, "empty-label", name)
        if len(label) > 63:
            return name, note, HostProblem(_NAME, "label-too-long", label)
        try:
            written = ToASCII(label).decode("ascii").lower()
        except UnicodeError:
            written = ""
        if not _LABEL.fullmatch(written):
            too_long = len(_punycode(label)) > 63
            reason = "label-too-long" if too_long else "bad-character"
            return name, note, HostProblem(_NAME, reason, label)
        labels.append(written)
    text = ".".join(labels)
    said = f"{name} is {text} in the DNS"
    modern = ".".join(map(_punycode, name.lower().split(".")))
    if any(c in name for c in "ßς"):
        said += f" (browsers ask for {modern})"
    return text, f"{note}; {said}" if note else said, None


def _punycode(label: str) -> str:
    """A label in Punycode, unmapped: what IDNA 2008 keeps of `ß` and final sigma."""
    if label.isascii():
        return label
    try:
        return "xn--" + label.encode("punycode").decode("ascii")
    except UnicodeError:
        return label
