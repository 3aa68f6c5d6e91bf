"""The explain view: the knowledge base searched while somebody types, and pasted logs read."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content

from netwhy.core.snapshot import Snapshot
from netwhy.knowledge import search
from netwhy.knowledge.pages import Explanation
from netwhy.knowledge.pasted import Pasted
from netwhy.output.explanation import explanation_lines
from netwhy.output.inert import inert
from netwhy.output.layout import Page, counted
from netwhy.tui.explain_lines import (
    Entry,
    endpoint_lines,
    entry_line,
    marked,
    page_lines,
    welcome_lines,
)
from netwhy.tui.look import Line
from netwhy.tui.question import Question, current, targets_of
from netwhy.tui.slices import in_slices
from netwhy.tui.view import View
from netwhy.tui.widgets.line_list import Item, LineList
from netwhy.tui.widgets.search_field import SearchField
from netwhy.tui.widgets.text_panel import TextPanel

#: A log may name each port of a host: nobody wants those swept by one key.
_MOST_WATCHED = 20
_SHOW_S = 0.5  # between two looks at what a log has told so far


class Explain(View):
    """A field, the pages that fit above or beside the page of the cursor."""

    AUTO_FOCUS = ""  # `focus_first` decides
    CSS = """
    Explain #sought { height: 1; background: $surface; padding: 0 1; }
    Explain #sought:focus { background: $panel; }
    Explain #found { max-height: 45%; }
    Explain #page {
        height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; border-top: solid $primary;
        border-title-color: $text-primary; border-title-style: bold;
    }
    Explain #page:focus { border-top: heavy $accent; }
    Explain.-medium #body, Explain.-wide #body { layout: horizontal; }
    Explain.-medium #found, Explain.-wide #found { width: 2fr; height: 1fr; max-height: 100%; }
    Explain.-medium #page, Explain.-wide #page { width: 3fr; border-left: solid $primary; }
    .-ascii Explain #page, .-ascii Explain #page:focus { border-top: ascii $primary; }
    .-ascii Explain.-medium #page, .-ascii Explain.-wide #page { border-left: ascii $primary; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "search", id="view.filter", tooltip="A new question"),
        Binding(
            "y",
            "copy_fix",
            "copy step",
            id="why.copy",
            tooltip="The marked one: its command, or its words where it has none",
        ),
        Binding("Y", "copy_diagnosis", "Copy page", show=False, id="why.copy-all"),
        Binding("f", "next_fix", "Next step", show=False, id="why.fix", tooltip="For y"),
        Binding(
            "a", "watch_all", "watch", id="explain.watch", tooltip="Check every endpoint listed"
        ),
        Binding("escape", "back", "Back", show=False, id="view.back", tooltip="Drop the text"),
    ]

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._question = Question()
        self._entries: dict[str, Entry] = {}
        self._now: Mapping[str, int] = {}  # causes that targets have
        self._chosen = 0  # the fix that y copies
        self._shown: Explanation | None = None

    def compose_body(self) -> ComposeResult:
        yield SearchField(
            placeholder="search: an error, a number, a cause, a port, words; or paste a log",
            compact=True,
            id="sought",
        )
        with Container(id="body"):
            yield LineList(ascii_only=self.page.ascii, id="found")
            yield TextPanel(id="page")

    @property
    def field(self) -> SearchField:
        return self.query_one(SearchField)

    @property
    def found(self) -> LineList:
        return self.query_one("#found", LineList)

    @property
    def panel(self) -> TextPanel:
        return self.query_one("#page", TextPanel)

    def focus_list(self) -> None:
        self.found.focus()

    # ----------------------------------------------------------------------------- the data

    def focus_first(self) -> None:
        if not self.field.value:
            self.field.focus()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key that leads here does nothing; the others need what they are about."""
        if action == "watch_all":
            return bool(targets_of([*self._entries.values()]))
        if action in ("copy_fix", "next_fix"):
            return self._shown is not None and bool(self._shown.fixes)
        if action == "copy_diagnosis":
            return self._shown is not None
        return action != "explain" and super().check_action(action, parameters)

    def on_mount(self) -> None:
        self.netwhy.launch(self._load())

    async def _load(self) -> None:
        """Read the knowledge base, in slices that keep the keys alive."""
        problem: Exception | None = None
        try:
            await in_slices(self._question.catalogue.reading())
        except Exception as error:  # a broken installation; told in the list itself
            problem = error
        self._question.end(problem)
        self._list()

    def ask(self, what: str) -> None:
        """Show what is known of this; the keys go to the results."""
        self._question.pasted = None
        self.found.touched = False
        self.field.value = what
        self.focus_list()

    def on_search_field_sought(self, event: SearchField.Sought) -> None:
        self._question.text = event.text.strip()
        self.found.touched = False
        self._list()

    def on_search_field_pasted(self, event: SearchField.Pasted) -> None:
        pasted = self._question.pasted = Pasted(event.text)
        self._question.reading = True
        self._question.text = self.field.value = ""
        self.found.touched = False
        self.focus_list()
        self._list()
        self.netwhy.launch(self._read(pasted), group="pasted")

    async def _read(self, pasted: Pasted) -> None:
        """Read a log, and show now and then what it has told so far."""
        shown = time.perf_counter()

        def look() -> None:
            nonlocal shown
            if time.perf_counter() - shown > _SHOW_S:
                shown = time.perf_counter()
                self._list()

        await in_slices(pasted.reading(), look)
        if self._question.pasted is pasted:
            self._question.reading = False
            self._list()

    def on_paste(self, event: events.Paste) -> None:
        """A paste is meant for the field, wherever the keys are."""
        event.stop()
        self.field.take(event.text)

    # ------------------------------------------------------------------------------ drawing

    def update_body(self, snapshot: Snapshot) -> None:
        now = current(snapshot)
        if now != self._now or targets_of([*self._entries.values()]):
            self._now = now
            self._list()

    def on_line_list_resized(self) -> None:
        self._draw_list()

    def _list(self) -> None:
        """Bring the rows up to date with what is asked."""
        if not self.stands:
            return  # what was being read came after the view had gone
        self._entries = {e.key: e for e in self._question.entries(self.netwhy.snapshot)}
        self._draw_list()
        self._show_page()

    def _draw_list(self) -> None:
        entries = [*self._entries.values()]
        found = self.found
        items = [Item(e.key, entry_line(e, found.room, self.page)) for e in entries]
        found.show(self._heading(), items, self._question.nothing() if not items else ())
        found.border_title = Content(f" {self._question.title(entries)} ")

    def _heading(self) -> Line:
        log = self._question.log
        if log is not None and self._question.reading:
            return ((f"Reading the log: {log.done} of {len(log.lines)} lines.", "muted"),)
        return ((f"{'KIND':<10}NAME", "heading"),) if self._entries else ()

    @property
    def chosen(self) -> Entry | None:
        """The row of the cursor."""
        return self._entries.get(self.found.key or "")

    def on_line_list_moved(self) -> None:
        self._chosen = 0
        self._show_page(top=True)

    def _show_page(self, *, top: bool = False) -> None:
        self._write_page(top=top)
        self.refresh_bindings()  # what can be copied

    def _write_page(self, *, top: bool) -> None:
        entry, panel = self.chosen, self.panel
        self._shown = None
        asked = self._question.text or self._question.log or self.found.touched
        if entry is None or not (asked or entry.failing):
            panel.say_title("What can be asked")
            pages = len(self._question.catalogue)
            panel.write(lambda width: welcome_lines(width, self.page, pages), top=top)
            return
        panel.say_title(inert(entry.name))
        mentioned = entry.mentioned
        if mentioned is not None:
            row = self.netwhy.snapshot.row(mentioned.target.text)
            panel.write(lambda width: endpoint_lines(mentioned, row, width, self.page), top=top)
            return
        page = search.page(entry.hit) if entry.hit is not None else None
        if page is None:
            panel.write(lambda _width: [((" This page cannot be read.", "failing"),)], top=top)
            return
        self._shown = page
        fix = self._chosen if page.fixes else None
        panel.write(lambda width: page_lines(page, width, self.page, fix), top=top)

    # ------------------------------------------------------------------------------ actions

    def on_search_field_stepped(self, event: SearchField.Stepped) -> None:
        self.found.action_move(event.step)

    def on_search_field_done(self) -> None:
        self.focus_list()

    def action_filter(self) -> None:
        self.field.focus()

    def action_back(self) -> None:
        """From the page to the list; from there drop the question, and then the log."""
        if self.panel.has_focus:
            self.focus_list()
        elif self._question.text:
            self.field.value = ""
        elif self._question.pasted is not None:
            self.workers.cancel_group(self.app, "pasted")
            self._question.pasted = None
            self.found.touched = self._question.reading = False
            self._list()

    def on_line_list_chosen(self) -> None:
        entry = self.chosen
        if entry is not None and entry.mentioned is not None:
            self._watch([entry])
        elif entry is not None:
            self._show_page()
            self.panel.focus()

    def action_watch_all(self) -> None:
        entries = [entry for entry in self._entries.values() if entry.mentioned is not None]
        self._watch(entries[:_MOST_WATCHED])
        if len(entries) > _MOST_WATCHED:
            self.netwhy.say(f"Only the first {_MOST_WATCHED}: enter adds any other.", "warning")

    def _watch(self, entries: Sequence[Entry]) -> None:
        added = [target for target in targets_of(entries) if self.netwhy.add_target(target)]
        if added:
            self.netwhy.say(f"{counted(len(added), 'target')} added and being checked: view 1.")
        else:
            self.netwhy.say("All of them are watched already: view 1.")
        self._list()

    def action_next_fix(self) -> None:
        if self._shown is not None and self._shown.fixes:
            self._chosen = (self._chosen + 1) % len(self._shown.fixes)
            self._show_page()
            lines = page_lines(self._shown, self.panel.columns, self.page, self._chosen)
            self.panel.show_line(marked(lines, self.page))

    def action_copy_fix(self) -> None:
        """Copy the command of the marked step; its words where there is none."""
        if self._shown is None:
            return
        fix = self._shown.fixes[self._chosen]
        text = inert(fix.command or fix.text)
        self.netwhy.hand_over(text, "fix.txt", text)

    def action_copy_diagnosis(self) -> None:
        """Copy the whole page, as `netwhy explain` prints it."""
        if self._shown is None:
            return
        text = "\n".join(explanation_lines(self._shown)) + "\n"
        self.netwhy.hand_over(text, "page.txt", f"the page of {inert(self._shown.name)}")
