"""Every command of the knowledge base, filled in with values that look real."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from netwhy.core.model import Where
from netwhy.knowledge import words
from netwhy.knowledge.templates import fill_command, placeholders

PLATFORMS = ("linux", "macos", "windows")

#: The process that a command may look at, or end; the one who runs commands knows its number.
PID = "77777"

VALUES = {
    "target": "db.example.com:5432",
    "host": "db.example.com",
    "authority": "db.example.com",
    "address": "192.0.2.47",
    "bracketed": "192.0.2.47",
    "port": "5432",
    "transport": "tcp",
    "endpoint": "192.0.2.47:5432",
    "interface": "eth0",
    "source": "192.0.2.10",
    "gateway": "192.0.2.1",
    "sender": "192.0.2.1",
    "router": "192.0.2.1",
    "resolver": "192.0.2.53",
    "name": "db.example.com",
    "nearest": "db.internal.example.com",
    "label": "no-such-name-7f3a.example.com",
    "suffix": "example.com",
    "file": "/etc/hosts",
    "config_path": "/etc/resolv.conf",
    "error": "EHOSTUNREACH",
    "alert": "handshake_failure",
    "pid": PID,
    "process": "postgres",
    "unit": "postgresql.service",
    "service": "postgresql",
    "docker": "0123456789ab",
    "podman": "0123456789ab",
    "machine": "web1",
    "published": "8080",
    "activated": "8080",
    "sni": "db.example.com",
    "url": "https://db.example.com:5432/health?a=1&b=2",
}


@dataclass(frozen=True)
class Command:
    """One command of a fix or of a deciding test; `told` are the causes that give it."""

    text: str
    template: str
    platform: str
    where: Where
    told: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def templates(platform: str) -> Iterator[tuple[str, str, Where]]:
    """(cause, template, where) of every command for a platform."""
    for cause in words.cause_ids():
        entry = words.entry(cause)
        for wording in (entry.base, *entry.variants.values()):
            for fix in (*wording.fixes, *wording.decide):
                meant = not fix.only or platform in fix.only
                if meant and platform in fix.commands:
                    yield cause, fix.commands[platform], fix.where


def commands(platform: str) -> list[Command]:
    """Each different command once."""
    told: dict[tuple[str, Where], list[str]] = {}
    for cause, template, where in templates(platform):
        causes = told.setdefault((template, where), [])
        if cause not in causes:
            causes.append(cause)
    found = []
    for (template, where), causes in told.items():
        unknown = set(placeholders(template)) - set(VALUES)
        assert not unknown, f"{template}: no value for {unknown}"
        text = fill_command(template, VALUES, platform)
        assert text is not None
        found.append(Command(text, template, platform, where, tuple(causes)))
    return found


_OPERATOR = re.compile(r"\s*(?:;|\|\||&&)\s+")


def steps(command: str) -> list[str]:
    """The parts of a shell line that run one after the other; pipelines stay whole."""
    parts, quoted, start = [], False, 0
    at = 0
    while at < len(command):
        quoted ^= command[at] == "'"
        found = None if quoted else _OPERATOR.match(command, at)
        if found:
            parts.append(command[start:at])
            start = at = found.end()
        else:
            at += 1
    return [*parts, command[start:]]
