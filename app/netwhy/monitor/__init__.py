"""The live monitor: repeats checks on an interval and keeps what the last ones told.

Checks write here at any rate; a screen takes a frozen `Snapshot` when `version` has moved.
Nothing here knows how it is shown.
"""

from netwhy.core.snapshot import Change, Row, Snapshot
from netwhy.monitor.journal import Journal
from netwhy.monitor.machine import Describer, Machine
from netwhy.monitor.monitor import Monitor
from netwhy.monitor.reporting import report_of
from netwhy.monitor.watch import Checker, today, uptime

__all__ = [
    "Change",
    "Checker",
    "Describer",
    "Journal",
    "Machine",
    "Monitor",
    "Row",
    "Snapshot",
    "report_of",
    "today",
    "uptime",
]
