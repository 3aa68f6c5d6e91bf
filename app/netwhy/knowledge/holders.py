"""Who must be spoken to so that a port becomes free: the names that a command may safely use.

A process that a supervisor started comes back when it is killed, a login session dies with its
scope, and a port forwarder is only the face of a container.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: What `addressable` adds to the params: at most one of them is known.
DERIVED = frozenset(
    {"docker", "podman", "machine", "published", "activated", "airplay", "http_sys"}
)

_RUNTIMES = {"docker": "docker", "podman": "podman", "machine": "machine"}
_CONTAINER = re.compile(r"(?P<id>\S+) \((?P<runtime>.+)\)")
_SERVICE = re.compile(r"(?!user@|init\.|session-).+\.(?:service|socket)")
#: Programs that hold a port on behalf of a container.
_FORWARDERS = ("docker-proxy", "rootlessport", "dockerd", "com.docker.backend")
_AIRPLAY_PORTS = ("5000", "7000")


def addressable(params: Mapping[str, str]) -> Mapping[str, str]:
    """The params with those left out that no command may use, and with the holder's own kind.

    `docker`, `podman` or `machine` is the container's bare id; `published` is the port that a
    forwarder holds for a container; `activated` the port that systemd holds for a socket unit;
    `airplay` that of macOS' AirPlay receiver, `http_sys` that of Windows' own HTTP server.
    """
    known = dict(params)
    process, unit = known.get("process", ""), known.get("unit", "")
    if not _SERVICE.fullmatch(unit):
        known.pop("unit", None)  # a scope or a session: to stop it would end more than the holder
    if known.get("pid") == "1" or (unit == "init.scope" and not known.get("container")):
        known.pop("pid", None)
        known["activated"] = known.get("port", "")
    container = _CONTAINER.fullmatch(known.get("container", ""))
    if container and container["runtime"] in _RUNTIMES:
        known[_RUNTIMES[container["runtime"]]] = container["id"]
    elif process in _FORWARDERS:
        known.pop("pid", None)
        known.pop("unit", None)
        known["published"] = known.get("port", "")
    elif process.startswith("ControlCe") and known.get("port") in _AIRPLAY_PORTS:
        known.pop("pid", None)  # macOS starts its Control Centre again at once
        known["airplay"] = known["port"]
    elif process == "System" and known.get("pid") == "4":
        known.pop("pid", None)
        known["http_sys"] = known.get("port", "")
    return known
