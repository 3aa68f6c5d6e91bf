"""Could a server start here?  Bind and close.

The plain bind and the one with `SO_REUSEADDR` are asked apart, since their difference tells what
is left of an old server.
"""

from __future__ import annotations

from collections.abc import Callable

from netwhy.core.asks import BindAsk
from netwhy.core.observations import BindTry
from netwhy.system import binding


async def bind(ask: BindAsk, tell: Callable[[BindTry], None]) -> BindTry:
    """Bind once.  `::` is tried for IPv6 alone, so that IPv4 is judged by its own try."""
    v6only = None if ask.dual else True
    error = binding.refused(ask.address, ask.port, ask.transport, reuse=ask.reuse, v6only=v6only)
    return BindTry(ask.address, ask.port, ask.transport, ask.reuse, error, ask.dual)
