"""The bottom line: the keys of this view, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from textual.binding import Binding
from textual.content import Content
from textual.keys import format_key
from textual.style import Style
from textual.widget import Widget
from textual.widgets import Input

#: Keys whose character would not be seen, or has no name that people use.
_NAMES = {"escape": "esc", "space": "space", "enter": "enter", "tab": "tab"}
#: What somebody who sees this screen for the first time needs finds room first; then what a view
#: does that no other does, the ways to the other views, and the rest in the order of the bindings.
FIRST = (
    *("app.help", "app.quit", "app.quit-always", "filter.keep", "filter.drop", "search.leave"),
    *("list.choose", "why.copy", "app.export", "app.view-dashboard"),
)
#: Beginnings of the ids of keys that are not one view's own.
SHARED = ("app.", "view.", "why.", "list.", "text.", "search.")


def key_name(key: str) -> str:
    """A key as it is written for people: `ctrl+p`, `?`, `space`."""
    if key in _NAMES:
        return _NAMES[key]
    if "+" in key:
        return key
    return format_key(key)


class KeyBar(Widget):
    """Keys with their words; those that find no room are in the help."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.refresh())

    def render(self) -> Content:
        bindings = [active.binding for active in self.screen.active_bindings.values()]
        shown = _once(binding for binding in bindings if binding.show and binding.description)
        if isinstance(self.screen.focused, Input):  # a letter is text there
            shown = [binding for binding in shown if len(key_name(binding.key)) > 1]
        if not any(binding.action == "quit" for binding in shown):  # q is text in a field
            shown += [binding for binding in bindings if binding.action == "quit"][:1]
        left = self.size.width
        kept: set[Binding] = set()
        for binding in sorted(shown, key=_rank):
            width = cell_len(f" {key_name(binding.key)} {binding.description} ")
            if width <= left:
                left -= width
                kept.add(binding)
        return Content.assemble(*(self._piece(binding) for binding in shown if binding in kept))

    def _piece(self, binding: Binding) -> Content:
        key = Content.styled(f" {key_name(binding.key)}", "bold $text-primary")
        piece = key + Content(f" {binding.description} ")
        press = Style.from_meta({"@click": f"app.simulate_key({binding.key!r})"})
        return piece.stylize(press)


def _once(bindings: Iterable[Binding]) -> list[Binding]:
    """Each action once: under its first key."""
    seen: dict[str, Binding] = {}
    for binding in bindings:
        seen.setdefault(binding.action, binding)
    return list(seen.values())


def _rank(binding: Binding) -> int:
    """The lower, the sooner it finds room."""
    name = binding.id or ""
    if name in FIRST:
        return FIRST.index(name)
    if not name.startswith(SHARED):
        return len(FIRST)
    return len(FIRST) + (1 if name.startswith("app.view-") else 2)
