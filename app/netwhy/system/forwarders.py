"""Programs that hold a port for somebody else, and for whom: told by their command lines.

docker-proxy (github.com/moby/moby, cmd/docker-proxy), rootlessport and pasta (podman), slirp4netns
and systemd-socket-proxyd.  To end one of them would not free the port for good, or would cut more
than was meant: it is what stands behind that must be stopped.
"""

from __future__ import annotations

import re
from dataclasses import replace

from netwhy.core.observations import Owner

_PAIR = re.compile(r"(?<!\S)-{1,2}(?P<name>[a-z-]+)[ =](?P<value>[^\s-]\S*)")
_PASTA = ("pasta", "pasta.avx2", "passt", "slirp4netns")


def described(owner: Owner) -> Owner:
    """The same owner; a forwarder with whom it serves."""
    behind = behind_of(owner.name or "", owner.command or "")
    return replace(owner, behind=behind) if behind else owner


def behind_of(name: str, command: str) -> str | None:
    """Whom that program forwards to, in words; None for a program that serves itself.

    `name` is the kernel's short name (at most 15 characters).
    """
    if name == "docker-proxy":
        options = _options(command)
        address, port = options.get("container-ip"), options.get("container-port")
        if address and port:
            shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            return f"the Docker container at {shown}"
        return "a Docker container"
    if name.startswith(("rootlessport", "containers-root")):
        return "a rootless container (podman)"
    if name.startswith(_PASTA):
        return "a rootless container's network"
    if name.startswith("systemd-socket-") and command:
        return f"what socket activation forwards to: {command.split()[-1]}"
    return None


def publishes(command: str, transport: str, port: int) -> bool:
    """Is this the docker-proxy of that port?"""
    if "docker-proxy" not in command.partition(" ")[0]:
        return False
    options = _options(command)
    return options.get("host-port") == str(port) and options.get("proto", "tcp") == transport


def _options(command: str) -> dict[str, str]:
    return {found["name"]: found["value"] for found in _PAIR.finditer(command)}
