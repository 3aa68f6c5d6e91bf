"""A field that takes keys in the order in which they came."""

from __future__ import annotations

from textual import events
from textual.widgets import Input


class Field(Input):
    """Where something is typed.

    The toolkit takes a letter at once and lets every other key travel to the application first:
    of keys that come in one burst, as a slow line brings them, a backspace took away a letter that
    was typed after it.
    """

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable:  # before the keys of the whole screen are gathered
            return
        active = self.screen.active_bindings.get(event.key)
        if active is None or active.node is not self or not active.enabled:
            return
        if await self.app.run_action(active.binding.action, self):  # else it is for others
            event.stop()
            event.prevent_default()
