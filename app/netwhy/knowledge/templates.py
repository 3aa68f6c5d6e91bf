"""Templates of the knowledge base: `{name}` is replaced by what was seen.

Commands are quoted for the shell of their platform: a POSIX shell, or PowerShell on Windows.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from netwhy.knowledge.holders import DERIVED
from netwhy.knowledge.spelling import BRACKETED, adapted

#: Every name that a template may use.
VOCABULARY = frozenset(
    {
        *("target", "host", "address", "addresses", "port", "transport", "endpoint", "family"),
        *("interface", "source", "gateway", "sender", "icmp", "router", "error", "reason"),
        *("resolver", "resolvers", "name", "label", "suffix", "types", "ede", "nearest"),
        *("file", "line", "config_path", "limit", "used", "available", "range", "start"),
        *("holder", "holder_endpoint", "overlap", "pid", "process", "user", "command"),
        *("unit", "container", "service", "working", "failing", "seconds", "ms"),
        *("alert", "verify", "version", "cipher", "sni", "names", "issuer", "subject_name"),
        *("since", "until", "left", "clock", "protocol", "said", "expected"),
        *("url", "status", "server", "resolver_port"),
        *("routers", "next", "hops"),
        *("share", "jitter"),
        *("remote", "taken", "reuse_helps"),
        *DERIVED,
        *BRACKETED,
    }
)

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_LINE_BREAKING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PLAIN_IN_POWERSHELL = re.compile(r"[A-Za-z0-9_.:/%\\-]+")


def missing(template: str, params: Mapping[str, str]) -> bool:
    """Does the template use a name whose value is not known?  An empty value is not known."""
    return any(params.get(name) in (None, "") for name in _PLACEHOLDER.findall(template))


def placeholders(template: str) -> tuple[str, ...]:
    """The names that a template uses, in order."""
    return tuple(_PLACEHOLDER.findall(template))


def fill(template: str, params: Mapping[str, str]) -> str | None:
    """The template with its values; None when one of them is not known."""
    if missing(template, params):
        return None
    return _PLACEHOLDER.sub(lambda match: str(params[match[1]]), template)


def fill_command(template: str, params: Mapping[str, str], platform: str) -> str | None:
    """A command with its values quoted for the platform's shell, on one line.

    None when a value is not known, or starts with a hyphen where the command would take it for
    an option.  A placeholder inside single quotes is escaped for that place.
    """
    if missing(template, params):
        return None
    template = adapted(template, params, platform)
    parts: list[str] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        parts.append(template[end : match.start()])
        end = match.end()
        before = template[: match.start()]
        value = _LINE_BREAKING.sub(" ", str(params[match[1]]))
        if value.startswith("-") and before.endswith((" ", "=")):
            return None
        inside = before.count("'") % 2 == 1
        parts.append(_quoted(value, platform, inside=inside))
    parts.append(template[end:])
    return "".join(parts)


def _quoted(value: str, platform: str, *, inside: bool) -> str:
    if platform == "windows":
        doubled = re.sub("(['\u2018-\u201b])", r"\1\1", value)  # PowerShell takes all as quotes
        plain = inside or _PLAIN_IN_POWERSHELL.fullmatch(value)
        return doubled if plain else f"'{doubled}'"
    return value.replace("'", "'\"'\"'") if inside else shlex.quote(value)
