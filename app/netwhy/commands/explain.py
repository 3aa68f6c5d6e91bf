"""`netwhy explain`: the knowledge base."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from netwhy.commands import streams
from netwhy.core.model import Target

#: A text longer than this is read for endpoints in part: what comes first tells most.
_LONGEST = 1_000_000


def explain(args: argparse.Namespace) -> int:
    """Print what is known of an error or a cause; 1 when nothing is known of it.

    With `--check` the endpoints that the text names are diagnosed, and the exit code is theirs.
    """
    from netwhy.core.mentions import mentioned
    from netwhy.knowledge.explain import explain as look_up
    from netwhy.knowledge.explain import suggest
    from netwhy.output.explanation import endpoints_lines, explanation_lines, unknown_line

    what = asked(args.what)
    found, endpoints = look_up(what), mentioned(what[:_LONGEST])
    page = streams.page()
    lines: list[str] = []
    if found is None:
        streams.say(unknown_line(what, suggest(what)))
    else:
        lines = explanation_lines(found, color=page.color, width=page.width, ascii=page.ascii)
    if endpoints:
        told = endpoints_lines(endpoints, page, checked=args.check)
        lines += told if lines else told[1:]
    if lines:
        streams.write("\n".join([*lines, "", ""] if args.check and endpoints else [*lines, ""]))
    if args.check:
        return _check(endpoints)
    return 1 if found is None else 0


def _check(endpoints: Sequence[Target]) -> int:
    if not endpoints:
        raise streams.Refusal("netwhy explain: --check: no endpoint is named in the text")
    from netwhy.commands.check import diagnose

    plain = argparse.Namespace(format="text", output=None, fail_on=frozenset())
    return diagnose(plain, tuple(endpoints), None)


def asked(words: list[str]) -> str:
    """The words as one question; `-` alone is standard input."""
    if words != ["-"]:
        return " ".join(words)
    if sys.stdin is None:
        raise streams.Refusal("netwhy explain: standard input is closed: nothing to read")
    return sys.stdin.buffer.read().decode("utf-8-sig", "replace")
