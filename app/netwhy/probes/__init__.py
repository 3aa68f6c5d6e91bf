"""One file per probe.  A probe answers an ask with an observation; a network failure is a result.

A probe is `async def probe(ask, tell) -> Observation`.  `tell` takes an early word: what is known
so far of something that may still take seconds.  Probes never import each other.
"""
