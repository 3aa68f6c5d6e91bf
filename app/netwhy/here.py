"""This machine as the engine tells of it: its vantage, its own targets, its ports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from netwhy.core import asks
from netwhy.core.model import Target, TargetOptions, Vantage
from netwhy.core.observations import LocalState, ResolverConfig, Socket
from netwhy.core.target import parse, this_machine
from netwhy.runs import Runs

if TYPE_CHECKING:  # one check needs none of them
    from netwhy.core.listing import Listing
    from netwhy.system.census import Census
    from netwhy.system.freeing import FreeingBeside


class Here:
    """What is known here, whatever the targets are."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._census: Census | None = None

    async def vantage(self) -> Vantage:
        """This machine: from where everything is seen."""
        local = await self._runs.once(asks.LocalAsk())
        config = await self._runs.once(asks.ResolverConfigAsk())
        resolvers = config.used if isinstance(config, ResolverConfig) else ()
        if not isinstance(local, LocalState):
            return Vantage("", "", False, resolvers=_texts(resolvers))
        own = [a for a in local.addresses if not a.is_loopback]
        gateways = [g.address for g in local.gateways if g.address is not None]
        return Vantage(
            local.hostname,
            local.platform,
            local.privileged,
            _texts(own),
            _texts(gateways),
            _texts(resolvers),
        )

    async def default_targets(self) -> tuple[Target, ...]:
        """This machine's own path to the network: itself, its gateways, its resolvers."""
        vantage = await self.vantage()
        gateways = [
            # Not icmp://: a gateway that keeps silent about itself is no fault.
            parse(address, options=TargetOptions(label=f"gateway {address}"))
            for address in vantage.gateways
        ]
        resolvers = [
            parse(
                f"dns://{_bracketed(address)}/.?type=NS",
                options=TargetOptions(label=f"resolver {address}"),
            )
            for address in vantage.resolvers
        ]
        return (this_machine(), *gateways, *resolvers)

    async def sockets(self, *, everything: bool = False) -> tuple[Socket, ...]:
        """Local listeners with their owners; with `everything` the connections too."""
        from netwhy.system import sockets, threads

        return await threads.call(lambda: sockets.sockets(everything=everything))

    async def listing(self, *, everything: bool = False, named: bool = False) -> Listing:
        """As `sockets`, for a screen: connections have owners only if `named`."""
        from netwhy.system import threads

        census = self._the_census()
        return await threads.call(lambda: census.read(everything=everything, named=named))

    async def named(self, sockets: Sequence[Socket]) -> tuple[Socket, ...]:
        """These sockets of the last listing with their owners."""
        from netwhy.system import threads

        census = self._the_census()
        return await threads.call(lambda: census.named(sockets))

    def _the_census(self) -> Census:
        if self._census is None:
            from netwhy.system.census import Census

            self._census = Census()
        return self._census

    async def freeing(self, port: int, transport: str) -> FreeingBeside:
        """Look who holds a port; the steps of the result end the holder."""
        from netwhy.system.freeing import FreeingBeside

        return await FreeingBeside.begin(port, transport)


def _texts(addresses: Iterable[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(address) for address in addresses))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
