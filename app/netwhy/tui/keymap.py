"""The keys of the configuration: which of them can be had, and why the others cannot."""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_TO_UNICODE_NAME, REPLACED_KEYS, Keys, _normalize_key_list
from textual.screen import ModalScreen, Screen

from netwhy.core.services import nearest
from netwhy.tui.widgets.key_bar import key_name

_MODIFIERS = frozenset(("ctrl", "alt", "shift", "super", "hyper", "meta"))
#: Keys that reach a program as another one.
_SAME = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+j": "enter",
    "ctrl+h": "backspace",
    "ctrl+[": "escape",
}
#: The toolkit's own, without an id, wherever the keys go.
_TOOLKIT = {"ctrl+q": "quit", "shift+tab": "previous pane"}


@dataclass(frozen=True, slots=True)
class Bound:
    """One action that has an id: who has it, and its keys."""

    owner: type[DOMNode]
    binding: Binding
    keys: tuple[str, ...]


def bindings() -> dict[str, Bound]:
    """Every action with an id of every screen and widget of netwhy, in the order of the screens."""
    found: dict[str, Bound] = {}
    for owner in _owners():
        for binding in vars(owner).get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id is not None:
                keys = tuple(each.key for each in Binding.make_bindings([binding]))
                found.setdefault(binding.id, Bound(owner, binding, keys))
    return found


def _owners() -> Iterator[type[DOMNode]]:
    import netwhy.tui

    for module in sorted(
        pkgutil.walk_packages(netwhy.tui.__path__, "netwhy.tui."), key=lambda m: m.name
    ):
        for thing in list(vars(importlib.import_module(module.name)).values()):
            ours = isinstance(thing, type) and thing.__module__ == module.name
            if ours and issubclass(thing, DOMNode):
                yield thing


def usable(wanted: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The part of `[keys]` that can be put into effect, and a line about each that cannot.

    A key that another action has at the same time is refused: the action keeps its own key.
    """
    if not wanted:
        return {}, []
    known = bindings()
    good: dict[str, str] = {}
    problems = []
    for name, text in wanted.items():
        problem = _problem(name, text, known)
        if problem is None:
            good[name] = _normalize_key_list(text)
        else:
            problems.append(f"[keys] {name}: {problem}")
    while clash := _clash(good, known):
        name, key, other = clash
        del good[name]
        own = " or ".join(map(key_name, known[name].keys))
        problems.append(f"[keys] {name}: {key_name(key)} is {other} already; it keeps {own}")
    return good, problems


def _problem(name: str, text: str, known: Mapping[str, Bound]) -> str | None:
    if name not in known:
        close = nearest(name, known)
        return "there is no such action" + (f"; did you mean {close}?" if close else "")
    for key in text.split(","):
        if (shown := key.strip()) in _SAME:
            return f"terminals send {shown} as {_SAME[shown]}"
        if not _is_key(shown):
            return f"'{shown}' is no key; write for example z, ctrl+x or f5"
    return None


def _is_key(text: str) -> bool:
    if len(text) == 1:
        return text.isprintable() and text != " "
    *modifiers, base = text.split("+")
    if not set(modifiers) <= _MODIFIERS:
        return False
    if len(base) == 1:
        return base.isalnum()
    names = {key.value for key in Keys} | KEY_TO_UNICODE_NAME.keys() | REPLACED_KEYS.keys()
    if text in names or base in names:
        return True
    try:
        unicodedata.lookup(base.replace("_", " "))
    except KeyError:
        return False
    return True


def _clash(good: Mapping[str, str], known: Mapping[str, Bound]) -> tuple[str, str, str] | None:
    """The last configured action whose key is another's at the same time: (it, key, the other)."""
    keys = {
        name: tuple(good[name].split(",")) if name in good else bound.keys
        for name, bound in known.items()
    }
    for name in reversed(list(good)):
        for key in keys[name]:
            if key in _TOOLKIT:
                return name, key, f"'{_TOOLKIT[key]}'"
            for other, bound in known.items():
                if other.startswith("replay.") and not name.startswith("replay."):
                    continue  # what somebody wants each day goes before a key of replays
                if key in known[name].keys and key in bound.keys:
                    continue  # as it was meant
                if other != name and key in keys[other] and _meet(known[name].owner, bound.owner):
                    return name, key, other
    return None


def _meet(one: type[DOMNode], other: type[DOMNode]) -> bool:
    """Can the keys of both be in force at the same moment?"""
    if issubclass(one, other) or issubclass(other, one):
        return True
    if issubclass(one, App) or issubclass(other, App):
        return not issubclass(one, ModalScreen) and not issubclass(other, ModalScreen)
    if issubclass(one, Screen) and issubclass(other, Screen):
        return False  # one screen is in front
    return issubclass(one, Screen) or issubclass(other, Screen)  # two widgets: one has the focus
