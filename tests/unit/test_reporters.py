"""Targets as they come in, in words: what they share is told once, and nobody is left out."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from tests.unit import reports as examples
from tests.unit.facts import (
    FAR_RESOLVER,
    GATEWAY,
    NAME,
    PRINTER,
    RESOLVER,
    SERVER,
    SERVER_B,
    World,
    look_up_fails,
    neighbour,
    opens,
    resets,
    resolv_conf,
    together,
)
from tests.unit.test_rollup import several

from netwhy.commands.reporters import Sink, TextReporter
from netwhy.core.model import TargetReport, Verdict
from netwhy.diagnosis.rollup import root_causes
from netwhy.output.layout import Page
from netwhy.output.text import told_elsewhere

WEB = "web.example.com"


class Kept(Sink):
    """Keeps what is written, as standard output would show it."""

    def __init__(self) -> None:
        self.text = ""

    @property
    def page(self) -> Page:
        return Page(80)

    def write(self, result: str | bytes) -> None:
        self.text += result if isinstance(result, str) else result.decode()


def told(reports: list[TargetReport]) -> str:
    sink = Kept()
    reporter = TextReporter(sink, 20)
    for report in reports:
        reporter.finished(report, lambda: examples.report().vantage)
    return sink.text


def checked(*targets: str, world: World) -> list[TargetReport]:
    return [found.report for found in together(targets, world)]


def test_one_dead_gateway_is_explained_once() -> None:
    world = World(neighbour(GATEWAY, "FAILED"), resolv_conf(FAR_RESOLVER),
                  look_up_fails(NAME, "EAI_AGAIN"), resets(PRINTER, 23))  # fmt: skip
    text = told(checked(f"{NAME}:5432", f"{SERVER}:22", f"{PRINTER}:23", f"udp://{SERVER_B}:7",
                        world=world))  # fmt: skip
    assert text.count("How we know") == 2  # the gateway, and the printer's own closed port
    assert text.count(f"as for {NAME}:5432") == 2
    assert text.count("route.gateway-silent · proved") == 3


DEAD = World(neighbour(RESOLVER, "FAILED"), look_up_fails(NAME, "EAI_AGAIN"),
             look_up_fails(WEB, "EAI_AGAIN"), opens(SERVER, 22))  # fmt: skip


def test_a_symptom_that_comes_after_its_root_refers_to_it() -> None:
    text = told(checked(RESOLVER, f"{NAME}:5432", f"{WEB}:80", f"{SERVER}:22", world=DEAD))
    assert text.count("How we know") == 1
    assert text.count(f"as for {RESOLVER}\n") == 2


def test_a_root_that_comes_after_its_symptoms_is_told_in_full() -> None:
    text = told(checked(f"{NAME}:5432", f"{WEB}:80", RESOLVER, world=DEAD))
    assert text.count("How we know") == 2
    assert f"as for {NAME}:5432" in text
    assert "More: netwhy explain route.neighbour-silent" in text


def test_in_a_whole_report_every_symptom_names_the_target_with_the_root() -> None:
    targets = tuple(checked(f"{NAME}:5432", f"{WEB}:80", RESOLVER, world=DEAD))
    report = replace(examples.report(), targets=targets, root_causes=root_causes(targets))
    assert told_elsewhere(report) == {f"{NAME}:5432": RESOLVER, f"{WEB}:80": RESOLVER}


@given(several)
def test_every_target_is_told_and_none_refers_to_itself(several: list[TargetReport]) -> None:
    text = told(several)
    for report in several:
        assert report.target.text in text
    failing = [r for r in several if r.verdict is Verdict.FAILING and r.findings]
    if failing:
        assert "More: netwhy explain" in text
    whole = replace(examples.report(), targets=tuple(several), root_causes=root_causes(several))
    elsewhere = told_elsewhere(whole)
    assert not set(elsewhere) & set(elsewhere.values()), "a reference to a reference"
