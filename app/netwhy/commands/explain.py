"""`netwhy explain`: the knowledge base."""

from __future__ import annotations

import argparse
import sys

from netwhy.commands import streams


def explain(args: argparse.Namespace) -> int:
    """Print what is known of an error or a cause; 1 when nothing is known of it."""
    from netwhy.knowledge.explain import explain as look_up
    from netwhy.knowledge.explain import suggest
    from netwhy.output.explanation import explanation_lines, unknown_line

    what = asked(args.what)
    found = look_up(what)
    if found is None:
        streams.say(unknown_line(what, suggest(what)))
        return 1
    page = streams.page()
    lines = explanation_lines(found, color=page.color, width=page.width, ascii=page.ascii)
    streams.write("\n".join([*lines, ""]))
    return 0


def asked(words: list[str]) -> str:
    """The words as one question; `-` alone is standard input."""
    if words != ["-"]:
        return " ".join(words)
    if sys.stdin is None:
        raise streams.Refusal("netwhy explain: standard input is closed: nothing to read")
    return sys.stdin.buffer.read().decode("utf-8-sig", "replace")
