"""The world of a lab run, and the table at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import table
from tests.lab.nodes import LabError, missing_tools
from tests.lab.worlds import World, new_folder


@pytest.fixture(scope="session")
def world() -> Iterator[World]:
    """The office, built once for this worker.  Skips where no namespaces can be made."""
    if missing := missing_tools():
        pytest.skip(f"the lab needs {', '.join(missing)}")
    made = World(new_folder())
    try:
        try:
            made.probe()
        except LabError as failure:
            pytest.skip(str(failure))
        made.build()
        yield made
    finally:
        made.remove()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    records = [
        value
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, value in getattr(report, "user_properties", ())
        if name == "lab" and getattr(report, "when", "") == "call"
    ]
    if lines := table.lines(records):
        terminalreporter.section("fault lab")
        for line in lines:
            terminalreporter.write_line(line)
