"""What the columns of a list mean, for the help."""

from __future__ import annotations

from netwhy.core.model import Mark
from netwhy.core.stats import MARKS, MARKS_ASCII
from netwhy.output.layout import Page

#: (column, meaning), in the order of the columns.
Legend = tuple[tuple[str, str], ...]


def target_legend(page: Page) -> Legend:
    """The columns of the targets."""
    marks = MARKS_ASCII if page.ascii else MARKS
    steps = (
        "The steps of a connection in their order: "
        f"{page.mark(Mark.OK)} works, {page.mark(Mark.WARN)} works with a warning, "
        f"{page.mark(Mark.FAILED)} fails here, {page.mark(Mark.UNTESTED)} not tested, for "
        f"an earlier step failed or it cannot be tested, {page.mark(Mark.ABSENT)} not part of it"
    )
    strip = (
        "The newest on the right, as high as its round trip is above the best of the row: "
        f"{marks.failed} failed, {marks.unknown} could not be told, {marks.unmeasured} worked "
        "without a time, blank not checked"
    )
    return (
        (
            "^" if page.ascii else "↳",
            "Beside the state: it follows from the root cause above, which another row shows; "
            "such rows stand after the other failures, and dimmed",
        ),
        ("STATE", "recheck: the last check was bad and is repeated before it counts"),
        ("NAME to APP", steps),
        (
            "RTT ms",
            "Round trip in milliseconds, the kernel's own where it has it: of the last check, or "
            "of one at most 5 s before it that differs by less than a tenth",
        ),
        ("p95", "19 of 20 checks took no longer; shown from 20 checks on"),
        (
            "LOSS",
            "Checks that got no answer at all, of those that asked. A refusal is an answer; "
            "a check that failed before it could ask (no address, no route) does not count",
        ),
        ("SINCE", "How long the state has lasted"),
        ("CHECKS", strip),
    )


def port_legend(page: Page) -> Legend:
    """The columns of the local listeners."""
    return (
        (page.mark(Mark.WARN), "Another program listens on the same port: the pane below says how"),
        (
            "EXPOSURE",
            "From where it can be reached if no firewall is in the way: loopback (this machine), "
            "link (this link), everywhere",
        ),
        ("CONNS", "Clients that are connected now"),
        ("OPEN TO", "With connections (c): the other end; of a listener from where it is reached"),
        ("SINCE", "How long the program has been running"),
    )
