"""`netwhy check` and `netwhy bind`: one diagnosis, printed."""

from __future__ import annotations

import argparse
import asyncio

from netwhy.commands.streams import Closed, Progress, Refusal, write
from netwhy.core.model import Report, Target, TargetOptions, Verdict


def check(args: argparse.Namespace) -> int:
    """Diagnose targets and print what was found; the exit code of the contract."""
    if args.schema:
        return _schema()
    from netwhy.commands.settings import settings
    from netwhy.commands.targets import chosen
    from netwhy.core.target import parse

    configured = settings(args.config)
    options = TargetOptions(family=args.family)
    picked = chosen(args.targets, args.from_file, reader=lambda text: parse(text, options=options))
    if picked.faulty and not picked.targets:
        return 2
    timeout_s = args.timeout or configured.timeout_s
    code = diagnose(args, picked.targets or configured.targets, timeout_s)
    return 2 if picked.faulty and code in (0, 1) else code


def bind(args: argparse.Namespace) -> int:
    """Ask whether a server could start on each port."""
    if args.schema:
        return _schema()
    from netwhy.commands.targets import chosen
    from netwhy.core.target import parse_bind

    if not args.ports:
        raise Refusal("netwhy bind: which port? For example: netwhy bind 8080")
    picked = chosen(args.ports, reader=parse_bind)
    if picked.faulty and not picked.targets:
        return 2
    code = diagnose(args, picked.targets, None)
    return 2 if picked.faulty and code in (0, 1) else code


def diagnose(args: argparse.Namespace, targets: tuple[Target, ...], timeout_s: float | None) -> int:
    """Check the targets, or with none this machine, and print what was found; the exit code."""
    from netwhy.commands.reporters import Sink, reporter
    from netwhy.commands.run import INTERRUPTED, Run
    from netwhy.engine import Engine
    from netwhy.output.layout import columns
    from netwhy.output.text import named

    progress = Progress()
    sink = Sink(args.output, progress)
    pad = max((columns(named(target)) for target in targets), default=0)
    run = Run(Engine(timeout_s=timeout_s), reporter(args.format, sink, pad), progress)
    try:
        report = asyncio.run(run.over(targets))
    except Closed:
        return INTERRUPTED
    if run.signal is not None:
        return 128 + run.signal
    return exit_code(report, args.fail_on)


def exit_code(report: Report, fail_on: frozenset[Verdict]) -> int:
    """0 when every target works, 1 when one fails or has a verdict of `--fail-on`."""
    bad = {Verdict.FAILING, *fail_on}
    return int(any(target.verdict in bad for target in report.targets))


def _schema() -> int:
    import json

    from netwhy.output.document import schema

    write(json.dumps(schema(), indent=2) + "\n")
    return 0
