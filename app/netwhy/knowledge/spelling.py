"""How a value or a tool is written where its plain form would be misread."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address, ip_network

#: What `spelled` adds to the params: the host and the address as a URL or an endpoint holds them.
BRACKETED = {"authority": "host", "bracketed": "address"}

#: The tools of macOS that know IPv4 only, and what is typed for IPv6 (their manual pages).
_MACOS_V6 = (
    (re.compile(r"\btraceroute -n(?: -P tcp -p \{port\})?"), "traceroute6 -n"),
    (re.compile(r"\bping (?=-c)"), "ping6 "),
    (re.compile(r"\barp (?=-n)"), "ndp "),
    (re.compile(r"\broute -n (get|add) "), r"route -n \1 -inet6 "),
)
#: RFC 1918, RFC 6598 and RFC 4193.  `is_private` would count documentation networks as well.
_PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
_DESTINATION = re.compile(r"\{(address|gateway|resolver)\}")
_ASKS = re.compile(r"\b(dig|delv)(?= .*@)")


def spelled(params: Mapping[str, str]) -> Mapping[str, str]:
    """The params with `authority` and `bracketed`: an IPv6 address stands in brackets.

    Without `source` where a private one speaks to the Internet: the other side sees another, and
    a filter or a capture for this one would miss what it is for.
    """
    known = dict(params)
    address = known.get("address", "")
    if address and _is_private(known.get("source", "")) and not _is_private(address):
        known.pop("source", None)
    for name, of in BRACKETED.items():
        value = known.get(of, "")
        known[name] = f"[{value}]" if ":" in value and not value.startswith("[") else value
    return known


def _is_private(text: str) -> bool:
    """Is it an address that only its own network knows?  False for what is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return address.is_link_local or address.is_loopback or any(address in net for net in _PRIVATE)


def adapted(template: str, params: Mapping[str, str], platform: str) -> str:
    """The command with the tools that this destination needs.

    macOS has tools of their own for IPv6; a resolver on another port than 53 is asked there.
    """
    if platform == "macos":
        template = "; ".join(_for_family(part, params) for part in template.split("; "))
    port = params.get("resolver_port", "")
    if port not in ("", "53") and platform != "windows":
        parts = (_ASKS.sub(r"\1 -p {resolver_port}", part) for part in template.split("; "))
        template = "; ".join(parts)
    return template


def _for_family(command: str, params: Mapping[str, str]) -> str:
    named = _DESTINATION.findall(command)
    if any(":" in params.get(name, "") for name in named):
        for pattern, instead in _MACOS_V6:
            command = pattern.sub(instead, command)
    return command
