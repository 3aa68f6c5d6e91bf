"""The bottom line: the keys of this view, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from textual.binding import Binding
from textual.content import Content
from textual.keys import format_key
from textual.style import Style
from textual.widget import Widget

#: Keys whose character would not be seen, or has no name that people use.
_NAMES = {"escape": "esc", "space": "space", "enter": "enter", "tab": "tab"}
#: Shown whatever the width.
ALWAYS = ("app.help", "app.quit")


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
        bindings = (active.binding for active in self.screen.active_bindings.values())
        shown = _once(binding for binding in bindings if binding.show and binding.description)
        texts = {b: f" {key_name(b.key)} {b.description} " for b in shown}
        left = self.size.width - sum(cell_len(texts[b]) for b in shown if b.id in ALWAYS)
        kept: list[Binding] = []
        for binding in shown:
            if binding.id not in ALWAYS and cell_len(texts[binding]) <= left:
                left -= cell_len(texts[binding])
                kept.append(binding)
        kept += [binding for binding in shown if binding.id in ALWAYS]
        return Content.assemble(*(self._piece(binding) for binding in kept))

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
