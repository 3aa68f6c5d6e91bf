"""`netwhy ports --stop PORT`: ends the owner of a port after a confirmation, and verifies it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from netwhy.commands import streams
from netwhy.core.freeing import Deed, Told
from netwhy.core.stopping import Plan
from netwhy.output import stopping as words
from netwhy.system.freeing import Freeing

FREED, NOT_FREED = 0, 1
#: What is told of these is an error; of the dry ones it is the result.
_ERRORS = frozenset({Deed.FAILED, Deed.FORBIDDEN, Deed.CHANGED})
_DRY = frozenset({Deed.WOULD_RUN, Deed.WOULD_SEND})


def stop(args: argparse.Namespace) -> int:
    """Free one port; 0 when nobody listens on it any more, 1 when somebody does."""
    port, transport = args.stop
    freeing = Freeing(port, transport)
    intended = freeing.plan
    if not intended.listeners:
        _write(words.unheld_lines(port, transport, freeing.rest))
        return NOT_FREED if freeing.rest else FREED
    _write(words.plan_lines(intended))
    if intended.refusals:
        _say_what_helps(intended)
        return NOT_FREED
    if not args.dry_run and not _confirmed(intended, args.yes):
        return NOT_FREED
    if not freeing.act(_tell, dry=args.dry_run):
        return NOT_FREED
    if args.dry_run:
        return FREED
    _await_end(freeing, args)
    result = freeing.verify()
    _write(words.result_lines(result))
    for line in words.advice_lines(result):
        streams.say(line)
    return FREED if result.freed else NOT_FREED


def _write(lines: Sequence[str]) -> None:
    streams.write("".join(f"{line}\n" for line in lines))


def _tell(told: Told) -> None:
    line = words.told_line(told)
    if told.deed in _DRY:
        streams.write(f"{line}\n")
    else:
        streams.say(f"netwhy: {line}" if told.deed in _ERRORS else line)


def _say_what_helps(intended: Plan) -> None:
    """The command that could, where privilege is all that is missing."""
    from netwhy.commands.ports import command

    helped = command()
    if helped is not None and intended.needs_privilege:
        streams.say(f"With more privilege: {helped} --stop {intended.spelled}")


def _confirmed(intended: Plan, yes: str | None) -> bool:
    """Asked at a terminal; without one only `--yes` is an answer.

    Raises Refusal where nobody can be asked.
    """
    names = intended.words
    if yes is not None:
        if (names and yes not in names) or (yes and not names and yes not in _names(intended)):
            shown = names[0] if names else " or ".join(sorted(_names(intended)))
            streams.say(f"netwhy: this needs its name: --yes {shown}")
            return False
        return len(names) < 2 or _several(names)
    if not streams.terminal(sys.stdin):
        option = f"--yes {names[0]}" if names else "--yes"
        if len(names) > 1:
            return _several(names)
        raise streams.Refusal(
            f"netwhy: nobody to ask here: add {option} to end it without a question"
        )
    for word in names:
        if _asked(f"Type {word} to end it: ") != word:
            return False
    return bool(names) or _asked("End it? [y/N] ").lower() in ("y", "yes")


def _several(names: Sequence[str]) -> bool:
    streams.say(f"netwhy: {', '.join(names)} hold it together: end them at a terminal, one by one")
    return False


def _names(intended: Plan) -> frozenset[str]:
    return frozenset(o.name for s in intended.listeners for o in s.owners if o.name)


def _asked(question: str) -> str:
    """The answer to a question on standard error; empty at the end of input."""
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _await_end(freeing: Freeing, args: argparse.Namespace) -> None:
    """Wait for the end, then offer KILL."""
    progress = streams.Progress()
    holding = freeing.wait(
        args.wait, lambda left: progress.show(f"waiting for the end, {left:.0f} s left"), _tell
    )
    progress.erase()
    if not holding:
        return
    streams.say(words.unended_line(holding, args.wait))
    if args.force or _kill_wanted(args):
        freeing.kill(holding, _tell)


def _kill_wanted(args: argparse.Namespace) -> bool:
    if args.yes is not None or not streams.terminal(sys.stdin):
        streams.say("To kill what does not end: --force")
        return False
    return _asked("KILL it?  It cannot save anything then. [y/N] ").lower() in ("y", "yes")
