"""The help: every key of a view, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.binding import ActiveBinding, Binding
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widgets import Input

from netwhy.tui.keys import KEYS
from netwhy.tui.legend import Legend
from netwhy.tui.look import Line
from netwhy.tui.replaying import MEANINGS
from netwhy.tui.spans import folded
from netwhy.tui.widgets.key_bar import key_name

#: The groups of keys, by the beginning of their ids; a view's own are named after its id.
MOVING = "Lists and texts"
GROUPS = {
    "why": "What to do",
    "target": "Targets",
    "view": "Views",
    "app": "Everywhere",
    "list": MOVING,
    "text": MOVING,
}
#: What the mouse does, for it has no bindings to be made from.
MOUSE = (
    ("click", "Choose a row, a step, a pane; do what a key at the bottom says"),
    ("double click", "As enter on a row"),
    ("wheel", "Scroll what is under the pointer"),
    ("shift drag", "The terminal's own selection; --no-mouse gives it back for good"),
)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done: its keys, its name, what it means and who does it."""

    keys: tuple[str, ...]
    name: str
    about: str
    action: str
    node: DOMNode
    group: str


def actions(screen: Screen[object]) -> list[Action]:
    """Everything that a key does on this screen now, each once with all its keys.

    Bindings without an id are the toolkit's own scrolling and are left out.
    """
    found: dict[str, list[ActiveBinding]] = {}
    for active in screen.active_bindings.values():
        if active.binding.id is not None and active.enabled:
            found.setdefault(active.binding.action, []).append(active)
    others = MEANINGS if getattr(screen.app, "replay", None) is not None else {}
    return [_action(bindings, others) for bindings in found.values()]


def _action(bindings: list[ActiveBinding], others: Mapping[str, str]) -> Action:
    first = bindings[0]
    binding = first.binding
    # ctrl+c stands where the toolkit's own had been: behind the plain keys.
    keys = sorted({active.binding.key: None for active in bindings}, key=lambda key: "+" in key)
    name = binding.description[:1].upper() + binding.description[1:]
    prefix = (binding.id or "").partition(".")[0]
    if (binding.id or "").startswith("app.view-"):
        prefix = "view"
    group = GROUPS.get(prefix, prefix.capitalize())
    about = others.get(binding.action, binding.tooltip)
    return Action(tuple(map(key_name, keys)), name, about, binding.action, first.node, group)


def help_lines(found: Iterable[Action], legend: Legend, width: int) -> list[Line]:
    """The keys in their groups, what this view adds first; then fields, mouse and columns."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for action in found:
        end = "" if action.name.endswith("?") else "."
        text = f"{action.name}{end} {action.about}" if action.about else action.name
        groups.setdefault(action.group, []).append(("  ".join(action.keys), text))
    shared = [*dict.fromkeys(GROUPS.values())]
    order = [*(group for group in groups if group not in shared), *shared]
    lines: list[Line] = []
    for title in order:
        lines += _group(title, groups.get(title, ()), width, lines)
    lines += _group("In a field", _field_keys(), width, lines)
    lines += _group("Mouse", MOUSE, width, lines)
    return lines + _group("Columns", legend, width, lines)


def _field_keys() -> list[tuple[str, str]]:
    """The keys of a field of text: the toolkit's own, but for those that select."""
    taken = {key for binding in KEYS if binding.priority for key in binding.key.split(",")}
    found: list[tuple[str, str]] = []
    for binding in Input.BINDINGS:
        if not isinstance(binding, Binding) or "shift" in binding.key or binding.key == "enter":
            continue
        keys = [key for key in binding.key.split(",") if "super" not in key and key not in taken]
        if keys:
            found.append(("  ".join(map(key_name, keys)), binding.description))
    return found


def _group(
    title: str, entries: Iterable[tuple[str, str]], width: int, above: list[Line]
) -> list[Line]:
    lines = [line for term, text in entries for line in _entry(term, text, width)]
    return [*_heading(title, above), *lines] if lines else []


def _heading(title: str, above: list[Line]) -> list[Line]:
    heading: Line = ((f" {title}", "heading"),)
    return [(), heading] if above else [heading]


def _entry(term: str, text: str, width: int) -> list[Line]:
    keys = f"   {term:<12}  "
    first, *rest = folded(text, max(20, width - len(keys) - 1))
    lines: list[Line] = [((keys, "key"), (first, ""))]
    return lines + [((" " * len(keys), ""), (line, "")) for line in rest]
