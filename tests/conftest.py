"""Options and promises of the whole test suite."""

from __future__ import annotations

import contextlib
import signal

import pytest
from hypothesis import HealthCheck, settings

# What a shell starts in the background ignores SIGINT, and so would all that is interrupted here.
with contextlib.suppress(ValueError):  # not the main thread
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)

#: An example may take as long as it needs on a busy machine: what must be quick is measured.
settings.register_profile("netwhy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("netwhy")

#: Tests that prove something only when they ran.
_MUST_RUN = ("tests/lab/", "tests/e2e/")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="a skipped lab or end-to-end test is a failure (continuous integration)",
    )


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not config.getoption("--no-skips"):
        return
    for report in _skipped(terminalreporter):
        terminalreporter.write_line(f"NOT RUN  {report.nodeid}: {_reason(report)}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.option.keyword:
        session.exitstatus = pytest.ExitCode.OK  # a part of `make test` without what -k wants
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or not session.config.getoption("--no-skips"):
        return
    if exitstatus == pytest.ExitCode.OK and _skipped(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped(reporter: pytest.TerminalReporter) -> list[pytest.TestReport]:
    return [r for r in reporter.stats.get("skipped", []) if r.nodeid.startswith(_MUST_RUN)]


def _reason(report: pytest.TestReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else "skipped"
