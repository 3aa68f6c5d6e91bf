"""One case under examination: the facts so far, and what else must be seen to decide it.

A layer pulls what it needs: `want` gives the fact, or None and remembers that it was asked for.
The engine runs what was asked and the case is examined again, so no layer keeps any state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, TypeVar

from netwhy.core.asks import Ask, LocalAsk, ResolverConfigAsk, RouteAsk
from netwhy.core.model import (
    Finding,
    Fix,
    IPAddress,
    Kind,
    Severity,
    Target,
    Verdict,
    Way,
    Where,
)
from netwhy.core.observations import Icmp, LocalState, Observation, Skipped, endpoint
from netwhy.knowledge import words

T = TypeVar("T", bound=Observation)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error that one probe of an address met, with the ICMP error behind it where there is one.

    `probe` is the name of the probe; `ms` the time until the error was known, None if not taken.
    """

    probe: str
    address: IPAddress
    port: int | None
    error: str
    icmp: Icmp | None = None
    ms: float | None = None

    @property
    def endpoint(self) -> str:
        return endpoint(self.address, self.port)

    def told(self, icmp: Icmp) -> dict[str, Any]:
        """What the words of a finding about that ICMP error are filled in with, and its root."""
        return {
            "root": icmp.sender or self.address,
            "address": self.address,
            "port": self.port,
            "endpoint": self.endpoint,
            "sender": icmp.sender,
            "router": icmp.sender,
            "icmp": icmp.label,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Beside:
    """Another target of this run as far as it is known: its addresses, and what was seen.

    `open` are the asks whose last word is not spoken.
    """

    target: Target
    texts: tuple[str, ...]
    facts: Mapping[Ask[Any], Observation]
    open: frozenset[Ask[Any]] = frozenset()

    @property
    def addresses(self) -> tuple[IPAddress, ...]:
        return tuple(ip_address(text) for text in self.texts)


@dataclass(slots=True)
class Case:
    """`final` is True when nothing more will be seen: then say what is known.

    `beside` are the host names of the other targets: what this machine's user calls things.
    `others` gives those targets with what was seen of them.
    """

    target: Target
    facts: Mapping[Ask[Any], Observation]
    timeout_s: float | None = None
    final: bool = False
    beside: tuple[str, ...] = ()
    others: Callable[[], Iterable[Beside]] = tuple
    wants: dict[Ask[Any], None] = field(default_factory=dict)
    hopes: dict[Ask[Any], None] = field(default_factory=dict)

    def want(self, ask: Ask[T]) -> T | None:
        """The fact that answers `ask`; None while it is not known (or cannot be)."""
        self.wants[ask] = None
        return self.known(ask)

    def hope(self, ask: Ask[T]) -> T | None:
        """Like `want`, but a case that is otherwise decided does not wait long for it."""
        self.hopes[ask] = None
        return self.known(ask)

    def waive(self, ask: Ask[Any]) -> None:
        """Something else has decided: nobody needs to wait for this any more."""
        self.wants.pop(ask, None)
        self.hopes.pop(ask, None)

    def known(self, ask: Ask[T]) -> T | None:
        """The fact if it is there already; asks for nothing."""
        observation = self.facts.get(ask)
        if observation is None or isinstance(observation, Skipped):
            return None
        return observation  # type: ignore[return-value]

    @property
    def waiting(self) -> bool:
        """Is anything that was wanted still without a fact?"""
        return any(ask not in self.facts for ask in self.wants)

    @property
    def platform(self) -> str:
        local = self.known(LocalAsk())
        return local.platform if isinstance(local, LocalState) else "linux"

    def lies(self, params: Mapping[str, object]) -> Way:
        """Where on the way the parameters of a finding place it."""
        address = params.get("address")
        if not isinstance(address, (IPv4Address, IPv6Address)):
            address = params.get("resolver")
        if not isinstance(address, (IPv4Address, IPv6Address)):
            return Way()
        route = self.known(RouteAsk(address))
        gateway = route.gateway if route is not None else None
        sender, router = (str(params.get(name) or "") for name in ("sender", "router"))
        return Way(str(address), str(gateway or ""), sender, router)

    def _way(self, address: object) -> dict[str, object]:
        """From where and through which interface this machine reaches an address."""
        if not isinstance(address, (IPv4Address, IPv6Address)):
            return {}
        route = self.known(RouteAsk(address))
        return {} if route is None else {"source": route.source, "interface": route.interface}

    def _configuration(self, cause: str, resolver: object) -> dict[str, object]:
        """Where the resolvers are written; the port, where the target names one itself."""
        if not cause.startswith("dns."):
            return {}
        named = self.target.kind is Kind.DNS and str(self.target.address) == str(resolver)
        config = self.known(ResolverConfigAsk())
        return {
            "resolver_port": self.target.port if named else None,
            "config_path": config.path if config else None,
        }

    def finding(
        self,
        cause: str,
        confidence: float,
        subject: str,
        *,
        severity: Severity = Severity.FAILURE,
        evidence: Sequence[str] = (),
        rivals: Sequence[str] = (),
        variant: str = "",
        root: object = None,
        **params: object,
    ) -> Finding:
        """Put a cause into words, with this case's target among the parameters."""
        known: dict[str, object] = {
            "target": self.target.label,
            "host": self.target.host or self.target.label,
            "port": self.target.port,
            "transport": self.target.transport,
            **self._way(params.get("address")),
            **self._configuration(cause, params.get("resolver")),
            **params,
        }
        texts = {key: str(value) for key, value in known.items() if value is not None}
        finding = words.finding(
            cause,
            severity=severity,
            confidence=confidence,
            subject=subject,
            params=texts,
            evidence=tuple(line for line in evidence if line),
            rivals=rivals,
            platform=self.platform,
            variant=variant,
        )
        return replace(
            finding,
            root=subject if root is None else str(root),
            way=self.lies(params),
            fixes=_on_resolver(finding, texts.get("resolver")),
        )


def _on_resolver(finding: Finding, resolver: str | None) -> tuple[Fix, ...]:
    """Fixes of a name that are done on the far side are done on its resolver."""
    if resolver is None or not finding.cause.startswith("dns."):
        return finding.fixes
    return tuple(
        replace(fix, machine=resolver) if fix.where is Where.TARGET else fix
        for fix in finding.fixes
    )


def say(key: str, **params: object) -> str:
    """A sentence of evidence from the knowledge base."""
    return words.evidence(key, **{name: str(value) for name, value in params.items()})


def ms(value: float | None) -> str:
    """A duration as people read it: 0.41 ms, 12.4 ms, 3.06 s."""
    if value is None:
        return "an unknown time"
    if value < 10:
        return f"{value:.2f} ms"
    if value < 1000:
        return f"{value:.1f} ms"
    return f"{value / 1000:.2f} s"


#: What a finding of each severity means for the target that has it.
VERDICT_OF = {
    Severity.FAILURE: Verdict.FAILING,
    Severity.WARNING: Verdict.DEGRADED,
    Severity.NOTE: Verdict.OK,
}
