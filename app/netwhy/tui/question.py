"""What is asked of the explain view, and the rows that answer it.  No widget, no screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from netwhy.core.mentions import mentions
from netwhy.core.model import Target, Verdict
from netwhy.core.snapshot import Snapshot
from netwhy.knowledge import search
from netwhy.knowledge.explain import suggest
from netwhy.knowledge.pasted import Mentioned, Pasted
from netwhy.knowledge.search import Catalogue
from netwhy.output.explanation import unknown_line
from netwhy.output.inert import inert
from netwhy.output.layout import counted
from netwhy.tui.explain_lines import Entry, of_current, of_endpoint, of_hit
from netwhy.tui.look import Line


class Question:
    """A text that is searched for, a pasted log, or neither: then everything is listed."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()
        self.ready = False  # the knowledge base is read
        self.problem = ""  # why it cannot be
        self.text = ""
        self.pasted: Pasted | None = None
        self.reading = False  # the log is being read

    @property
    def log(self) -> Pasted | None:
        """The log, where it is what the rows are about."""
        return None if self.text else self.pasted

    def end(self, error: Exception | None = None) -> None:
        """The knowledge base has been read, or an error came in between."""
        self.ready = True
        if error is not None:
            self.problem = f"The knowledge base cannot be read: {type(error).__name__}: {error}"
        elif not len(self.catalogue):
            self.problem = "The knowledge base is missing here: install netwhy again."

    def entries(self, snapshot: Snapshot) -> Iterator[Entry]:
        """The rows: endpoints, the pages that fit, or every page, those of now first."""
        if not self.ready or self.problem:
            return
        if self.text:
            for target in mentions(self.text):
                yield of_endpoint(Mentioned(target, self.text, 1), snapshot.row(target.text))
            yield from map(of_hit, self.catalogue.search(self.text))
        elif self.pasted is not None:
            for named in self.pasted.errors:
                yield of_hit(search.of(named.page), named.count)
            for mentioned in self.pasted.endpoints:
                yield of_endpoint(mentioned, snapshot.row(mentioned.target.text))
        else:
            now, every = current(snapshot), self.catalogue.everything()
            yield from (of_current(hit, now[hit.name]) for hit in every if hit.name in now)
            yield from (of_hit(hit) for hit in every if hit.name not in now)

    def title(self, entries: Sequence[Entry]) -> str:
        """What the list is called."""
        if self.log is None:
            return f"Found {len(entries)}" if self.text else "Knowledge base"
        ends = len(targets_of(entries))
        first = "the first " if self.log.cut else ""
        return (
            f"Pasted: {first}{counted(len(self.log.lines), 'line')}, "
            f"{counted(len(entries) - ends, 'error')}, {counted(ends, 'endpoint')}   esc: drop it"
        )

    def nothing(self) -> Sequence[Line]:
        """What stands in the list where it has no rows."""
        if self.problem:
            return (((f"  {inert(self.problem)}", "failing"),),)
        if not self.ready:
            return ((("  Reading the knowledge base.", "muted"),),)
        if self.text:
            said = unknown_line(self.text, suggest(self.text)).removeprefix("netwhy: ")
            known, _semicolon, hint = said.partition("; ")
            return tuple(
                ((f"  {part[:1].upper()}{part[1:]}", "muted"),) for part in (known, hint) if part
            )
        if self.reading:
            return ()
        return ((("  Nothing in it is known: no error, no endpoint.", "muted"),),)


def current(snapshot: Snapshot) -> Mapping[str, int]:
    """The causes that targets have now, and how many have each."""
    counts: dict[str, int] = {}
    for row in snapshot.rows:
        found = row.report.diagnosis if row.report is not None else None
        if found is not None and row.verdict in (Verdict.FAILING, Verdict.DEGRADED):
            counts[found.cause] = counts.get(found.cause, 0) + 1
    return counts


def targets_of(entries: Sequence[Entry]) -> list[Target]:
    """The endpoints among the rows."""
    return [entry.mentioned.target for entry in entries if entry.mentioned is not None]
