"""What netwhy talks about: targets, findings and reports.  Frozen, pure, without I/O.

Times are seconds or milliseconds by name; addresses are `ipaddress` objects inside the program
and become text only in `output`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address


class Verdict(StrEnum):
    """What the user of a target would feel."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILING = "failing"
    UNKNOWN = "unknown"


#: Worst first: the order in which verdicts are rolled up and targets are listed.
VERDICT_ORDER = (Verdict.FAILING, Verdict.DEGRADED, Verdict.UNKNOWN, Verdict.OK)


class Severity(StrEnum):
    FAILURE = "failure"
    WARNING = "warning"
    NOTE = "note"


class Outcome(StrEnum):
    """How one probe ended.  SKIPPED carries `reason` in its detail."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"
    SKIPPED = "skipped"


class Where(StrEnum):
    """On which machine a fix is typed."""

    HERE = "here"
    TARGET = "target"
    NETWORK = "network"
    CLIENT = "client"


class Kind(StrEnum):
    """What is asked of a target.  LOCAL is this machine itself and has no spelling."""

    HOST = "host"
    TCP = "tcp"
    UDP = "udp"
    TLS = "tls"
    HTTP = "http"
    HTTPS = "https"
    ICMP = "icmp"
    DNS = "dns"
    BIND = "bind"
    LOCAL = "local"


class Tls(StrEnum):
    """Whether a target has a TLS layer: none, guessed from a well-known port, or asked for."""

    NONE = "none"
    GUESSED = "guessed"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class HostProblem:
    """A host part that can be read but never reached: told as a finding, not as a usage error."""

    cause: str  # dns.invalid-name or local.address-unusable
    reason: str  # a key of the cause's reasons in the knowledge base, for example "label-too-long"
    detail: str  # the offending part, as typed


@dataclass(frozen=True, slots=True)
class TargetOptions:
    """Per-target settings, from the configuration or from `?key=value`."""

    send: str | None = None
    expect: str | None = None
    timeout_s: float | None = None
    interval_s: float | None = None
    retries: int = 0
    fallback: str | None = None
    label: str | None = None
    group: str | None = None
    family: int | None = None  # 4 or 6


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to reach, as `core.target.parse` understood it.

    `text` is the canonical spelling.  `host` has no brackets and no trailing dot; it is empty
    for a bind on every address.  `address` is set when the host is an address literal; a scope
    (`fe80::1%eth0`) is part of it.  `understood` says what was read into a sloppy spelling.
    """

    text: str
    kind: Kind
    host: str = ""
    port: int | None = None
    address: IPAddress | None = None
    transport: str = "tcp"  # of the port: tcp or udp
    tls: Tls = Tls.NONE
    path: str = ""  # HTTP path with query
    query_name: str | None = None  # dns:// only
    query_type: str = "A"  # dns:// only
    options: TargetOptions = field(default_factory=TargetOptions)
    problem: HostProblem | None = None
    understood: str | None = None

    @property
    def label(self) -> str:
        """What people call it: the label of the configuration, else the text."""
        return self.options.label or self.text


@dataclass(frozen=True, slots=True)
class Fix:
    """Something to do, where, and the command to type if there is one.

    `machine` names the machine of `Where.TARGET` when it is not the target's own host (a
    resolver, for one).  `decides`: it repairs nothing, it tells the cause from its rivals.
    """

    text: str
    command: str | None
    where: Where
    machine: str = ""
    decides: bool = False


@dataclass(frozen=True, slots=True)
class Alternative:
    """A rival cause that the evidence did not exclude, and why."""

    cause: str
    why: str


@dataclass(frozen=True, slots=True)
class Way:
    """Where on the way a finding lies: texts, empty where it has none.

    `address` is what could not be reached, `gateway` the first hop towards it, `router` the last
    hop that answered, and `sender` the machine that said no.  `twin` is the root of the same cause
    at another address of the target.
    """

    address: str = ""
    gateway: str = ""
    sender: str = ""
    router: str = ""
    twin: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One diagnosis in words.  `confidence` is 0…1; `certainty` is its name."""

    cause: str
    severity: Severity
    confidence: float
    subject: str
    title: str
    explanation: str
    evidence: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    #: What the cause is about beyond this target (the gateway, the router that refused…): equal
    #: causes with an equal root are one.  Not shown.
    root: str = ""
    #: Where it lies, so that a deeper cause on the same way can be seen to explain it.  Not shown.
    way: Way = Way()

    @property
    def certainty(self) -> str:
        if self.confidence >= 0.95:
            return "proved"
        return "likely" if self.confidence >= 0.7 else "possible"


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One observation as every surface shows it.  `error` is symbolic, never a number."""

    probe: str
    subject: str
    outcome: Outcome
    ms: float | None = None
    error: str | None = None
    detail: dict[str, Any] = field(default_factory=dict)


class Mark(StrEnum):
    """State of one layer of a target."""

    OK = "ok"
    WARN = "warn"
    FAILED = "failed"
    UNTESTED = "untested"  # an earlier layer failed, or it could not be tested here
    ABSENT = "absent"  # not part of this target
    PENDING = "pending"


#: The layers of a target in the order in which a connection meets them.
LAYERS = ("name", "route", "ping", "port", "tls", "app")


@dataclass(frozen=True, slots=True)
class PathStep:
    """One station of the path line: what it is, and whether it was reached."""

    label: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class TargetReport:
    """All that is known of one target after one check.

    `addresses` are texts in the order tried.  `layers` has one mark per name in LAYERS.
    `rtt_ms` is the kernel's round-trip time where there is one.  `reason` says why a verdict is
    UNKNOWN.  `complete` is False when the check was interrupted or is still running.
    """

    target: Target
    verdict: Verdict
    addresses: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    probes: tuple[ProbeRow, ...] = ()
    layers: tuple[Mark, ...] = (Mark.PENDING,) * len(LAYERS)
    path: tuple[PathStep, ...] = ()
    rtt_ms: float | None = None
    duration_ms: float = 0.0
    reason: str | None = None
    complete: bool = True

    @property
    def diagnosis(self) -> Finding | None:
        """The first finding, or None where there is nothing to tell."""
        return self.findings[0] if self.findings else None


@dataclass(frozen=True, slots=True)
class RootCause:
    """One cause that explains several targets; `explains` holds their texts."""

    cause: str
    subject: str
    title: str
    explains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vantage:
    """From where it was seen: this machine."""

    hostname: str
    platform: str  # linux, macos, windows
    privileged: bool
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """One run over all targets: what `check` prints and what an export holds."""

    version: str
    taken_at: datetime  # aware, UTC
    duration_ms: float
    vantage: Vantage
    verdict: Verdict
    targets: tuple[TargetReport, ...]
    root_causes: tuple[RootCause, ...] = ()


def worst(verdicts: tuple[Verdict, ...]) -> Verdict:
    """The verdict that stands for all of them; OK for none."""
    return next((v for v in VERDICT_ORDER if v in verdicts), Verdict.OK)
