"""The help: every key of a view, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import ActiveBinding
from textual.dom import DOMNode
from textual.screen import Screen

from netwhy.tui.legend import Legend
from netwhy.tui.look import Line
from netwhy.tui.spans import folded
from netwhy.tui.widgets.key_bar import key_name


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done: its keys, its name, what it means and who does it."""

    keys: tuple[str, ...]
    name: str
    about: str
    action: str
    node: DOMNode
    general: bool  # of the whole program, not of this view


def actions(screen: Screen[object]) -> list[Action]:
    """Everything that a key does on this screen now, each once with all its keys.

    Bindings without an id are the toolkit's own scrolling and are left out.
    """
    found: dict[str, list[ActiveBinding]] = {}
    for active in screen.active_bindings.values():
        if active.binding.id is not None and active.enabled:
            found.setdefault(active.binding.id, []).append(active)
    return [_action(bindings) for bindings in found.values()]


def _action(bindings: list[ActiveBinding]) -> Action:
    first = bindings[0]
    binding = first.binding
    keys = tuple(dict.fromkeys(key_name(active.binding.key) for active in bindings))
    name = binding.description[:1].upper() + binding.description[1:]
    general = bool(binding.id and binding.id.startswith("app."))
    return Action(keys, name, binding.tooltip, binding.action, first.node, general)


def help_lines(found: Iterable[Action], legend: Legend, width: int) -> list[Line]:
    """The keys in two groups, then the columns; one line each where it fits."""
    listed = list(found)
    lines: list[Line] = []
    for title, general in (("This view", False), ("Everywhere", True)):
        lines += _heading(title, lines)
        for action in listed:
            if action.general is general:
                text = f"{action.name}. {action.about}" if action.about else action.name
                lines += _entry("  ".join(action.keys), text, width)
    if legend:
        lines += _heading("Columns", lines)
    for column, meaning in legend:
        lines += _entry(column, meaning, width)
    return lines


def _heading(title: str, above: list[Line]) -> list[Line]:
    heading: Line = ((f" {title}", "heading"),)
    return [(), heading] if above else [heading]


def _entry(term: str, text: str, width: int) -> list[Line]:
    keys = f"   {term:<14}"
    first, *rest = folded(text, max(20, width - len(keys) - 1))
    lines: list[Line] = [((keys, "key"), (first, ""))]
    return lines + [((" " * len(keys), ""), (line, "")) for line in rest]
