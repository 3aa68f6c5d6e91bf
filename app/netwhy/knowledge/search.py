"""The knowledge base as a list that is searched while somebody types.

A search must cost far less than the time between two keys: every page is one lowered text that
was put together once, and is looked through as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from netwhy.core import errnames
from netwhy.knowledge import entries, pages
from netwhy.knowledge.explain import explain
from netwhy.knowledge.pages import Explanation

_SUMMARY = re.compile(r'^summary = "(.*)"$', re.MULTILINE)
#: Words that a question is made of and an answer is not.
_FILLERS = re.compile(
    "a|an|and|are|can|cannot|do|does|for|from|how|i|in|is|it|my|not|of|on|or|the|to|what|why"
)
_MOST = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """One page: what it is about and what it is called.  `found` is the page if it is made."""

    kind: str
    name: str
    title: str
    found: Explanation | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A page as it is searched: everything in small letters."""

    hit: Hit
    name: str
    title: str
    text: str


class Catalogue:
    """All pages.  `reading` fills it, a file at a time."""

    def __init__(self) -> None:
        self._known: list[_Known] = []

    def __len__(self) -> int:
        return len(self._known)

    def reading(self) -> Iterator[None]:
        """Read the files; a pause after each, so that a screen can be drawn meanwhile."""
        for layer in entries.LAYERS:
            for cause, block in entries.blocks(layer).items():
                summary = _SUMMARY.search(block)
                self._add("cause", cause, summary[1] if summary else cause, block)
            yield
        for symbol, page in pages.symbol_pages().items():
            self._add(pages.kind_of(symbol), symbol, _bare(symbol, page["title"]), _text(page))
        yield
        for name, page in pages.exception_pages().items():
            self._add("exception", name, _bare(name, page["title"]), _text(page))
        for kind in ("alert", "certificate", "status"):
            for name, page in pages.answer_pages(kind).items():
                shown = f"HTTP {name}" if kind == "status" else name
                self._add(kind, shown, _bare(shown, page["title"]), _text(page))
        yield
        explain("the first question")  # what it reads and compiles is there for the first key

    def _add(self, kind: str, name: str, title: str, text: str) -> None:
        hit = Hit(kind, name, title)
        low = (name.lower(), title.lower())
        self._known.append(_Known(hit, *low, f"{low[0]} {low[1]} {text.lower()}"))

    def everything(self) -> list[Hit]:
        """Every page, causes first."""
        return [known.hit for known in self._known]

    def search(self, query: str, platform: str = errnames.PLATFORM) -> list[Hit]:
        """What `netwhy explain` would answer first, then the pages with these words, best first."""
        query = " ".join(query.split())
        if not query:
            return []
        hits = {(hit.kind, hit.name): hit for hit in _recognised(query, platform)}
        for hit in self._with_words(query.lower().split()):
            hits.setdefault((hit.kind, hit.name), hit)
        return [*hits.values()][:_MOST]

    def _with_words(self, wanted: list[str]) -> list[Hit]:
        bare = [word for word in wanted if not _FILLERS.fullmatch(word)] or wanted
        ranked = [
            (sum(_rank(word, known) for word in bare), place, known.hit)
            for place, known in enumerate(self._known)
            if all(word in known.text for word in bare)
        ]
        if not ranked and len(bare) > 1:  # a sentence: the pages that share most of it
            least = (len(bare) + 1) // 2
            counted = [
                (sum(len(word) > 2 and word in known.text for word in bare), place, known.hit)
                for place, known in enumerate(self._known)
            ]
            ranked = [(-n, place, hit) for n, place, hit in counted if n >= least]
        return [hit for _rank, _place, hit in sorted(ranked, key=lambda found: found[:2])]


def _recognised(query: str, platform: str) -> Iterator[Hit]:
    found = explain(query, platform)
    if found is None:
        return
    yield of(found)
    yield from (of(other) for other in found.others)
    number = query.lstrip(":")
    if found.kind != "port" and number.isascii() and number.isdigit():
        port = explain(f"port {number}", platform)
        if port is not None:
            yield of(port)


def of(found: Explanation) -> Hit:
    """A page that is there already as a hit."""
    return Hit(found.kind, found.name, _bare(found.name, found.title), found)


def page(hit: Hit, platform: str = errnames.PLATFORM) -> Explanation | None:
    """The page of a hit; None when its words cannot be read."""
    if hit.found is not None:
        return hit.found
    try:
        return explain(hit.name, platform)
    except (KeyError, ValueError, OSError):
        return None


def _rank(word: str, known: _Known) -> int:
    """How well a word fits a page; less is better."""
    if word in (known.name, known.name.rpartition(".")[2]):
        return 0
    if known.name.startswith(word) or known.name.rpartition(".")[2].startswith(word):
        return 1
    if word in known.name:
        return 2
    return 4 if word in known.title else 9


def _bare(name: str, title: str) -> str:
    """The title without the name that stands before it."""
    return title.removeprefix(f"{name}: ")


def _text(page: object) -> str:
    """Every text of a page, in any depth."""
    if isinstance(page, dict):
        return " ".join(f"{key} {_text(value)}" for key, value in page.items())
    if isinstance(page, list):
        return " ".join(map(_text, page))
    return str(page)
