"""The text that a person reads at three in the morning."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit import reports

from netwhy.core.model import Fix, Kind, Mark, PathStep, Target, TargetReport, Verdict, Where
from netwhy.output.layout import Page, columns, milliseconds, shortened
from netwhy.output.text import place, summary_lines, target_lines

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")

FAILING = """\
✗ failing   db.example.com:5432
  Note: db.example.com:5432, without the space
  this machine ──✓── gateway 192.0.2.1 ──✓── 198.51.100.7 ──✗── port 5432

  198.51.100.7 refused the connection on port 5432
  tcp.refused · proved

  The machine is up and reachable. Nothing listens on that port.

  How we know
    • 198.51.100.7 answered ping in 0.4 ms
    • SYN to port 5432 was answered with RST after 0.41 ms; no ICMP error was
      queued

  What to do
    1. see whether the service runs. [on db.example.com]
         systemctl status postgresql
    2. see on which address it listens. [on db.example.com]
         ss -ltnp 'sport = :5432'
    3. retry with exponential back-off while it starts.

  Not excluded
    • a firewall that answers with RST looks the same (tcp.rejected-by-firewall)

  Note: HTTPS_PROXY is set: programs may go another way than this probe
        (local.proxy-set)

  More: netwhy explain tcp.refused"""


def test_a_failing_target_verdict_first_then_why_how_we_know_and_what_to_do() -> None:
    assert "\n".join(target_lines(reports.REFUSING, width=80)) == FAILING


SETTLE = Fix(
    "To settle it, look on db.example.com at who listens",
    "ss -ltnp 'sport = :5432'",
    Where.TARGET,
    decides=True,
)


def test_the_deciding_test_stands_under_what_is_open_and_is_no_repair() -> None:
    finding = replace(reports.REFUSED, fixes=(*reports.REFUSED.fixes, SETTLE))
    text = "\n".join(target_lines(replace(reports.REFUSING, findings=(finding,))))
    assert "    4. " not in text
    assert (
        text[text.index("  Not excluded") : text.index("  More:")].rstrip()
        == """\
  Not excluded
    • a firewall that answers with RST looks the same (tcp.rejected-by-firewall)
    To settle it, look on db.example.com at who listens
      ss -ltnp 'sport = :5432'"""
    )


def test_a_finding_without_rivals_can_still_be_made_sure() -> None:
    finding = replace(reports.REFUSED, fixes=(SETTLE,), alternatives=(), confidence=0.8)
    text = "\n".join(target_lines(replace(reports.REFUSING, findings=(finding,))))
    assert "What to do" not in text and "Not excluded" not in text
    assert "  To be sure\n    To settle it, look on db.example.com" in text


def test_a_healthy_target_is_one_line() -> None:
    healthy = replace(reports.HEALTHY, findings=())
    assert target_lines(healthy) == [
        "✓ ok        ssh.example.com:22  192.0.2.22, 2001:db8::22  rtt 0.40 ms"
    ]
    (padded,) = target_lines(healthy, pad=25)
    assert padded.index("192.0.2.22") == len("✓ ok        ") + 25 + 2


def test_an_address_is_not_said_twice() -> None:
    target = Target("192.0.2.7:22", Kind.TCP, host="192.0.2.7", port=22)
    report = TargetReport(target, Verdict.OK, addresses=("192.0.2.7",), rtt_ms=12.345)
    assert target_lines(report) == ["✓ ok        192.0.2.7:22  rtt 12.3 ms"]


def test_a_free_port_is_called_free() -> None:
    report = TargetReport(Target("bind://127.0.0.1:80", Kind.BIND), Verdict.OK)
    assert target_lines(report)[0].endswith("free: a server can start here now")


def test_unknown_says_why() -> None:
    assert target_lines(reports.UNTESTED) == [
        "? unknown   udp://192.0.2.9:9999",
        "  could not be tested here: no answer: open or filtered, UDP cannot tell",
    ]


def test_a_long_path_goes_on_below_with_a_whole_station() -> None:
    labels = ("this host", "resolver 192.0.2.53", "gateway 192.0.2.1", "router 203.0.113.254")
    path = tuple(PathStep(label, Mark.OK) for label in labels)
    report = TargetReport(Target("a:1", Kind.TCP), Verdict.UNKNOWN, path=path)
    assert target_lines(report, width=60)[1:] == [
        "  this host ──✓── resolver 192.0.2.53",
        "    ──✓── gateway 192.0.2.1 ──✓── router 203.0.113.254",
    ]


def test_an_interrupted_target_is_marked() -> None:
    assert "interrupted" in target_lines(reports.INTERRUPTED)[1]


def test_the_other_findings_follow_in_short_with_their_first_fix() -> None:
    text = "\n".join(target_lines(reports.DEGRADED))
    also = text[text.index("  Also") :]
    assert "✗ 198.51.100.7 refused the connection on port 5432" in also
    assert "systemctl status postgresql" in also
    assert "ss -ltnp" not in also


def test_colour_changes_no_word() -> None:
    for report in reports.report().targets:
        plain = target_lines(report, width=72)
        painted = target_lines(report, color=True, width=72)
        assert [ESCAPE.sub("", line) for line in painted] == plain
        assert painted != plain


def test_ascii_pages_draw_nothing_beyond_ascii() -> None:
    everything = reports.report()
    for report in everything.targets:
        assert "\n".join(target_lines(report, ascii=True)).isascii()
    assert "\n".join(summary_lines(everything, ascii=True)).isascii()


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_lines_fit_the_page_but_commands_stay_whole(width: int) -> None:
    commands = {"systemctl status postgresql", "ss -ltnp 'sport = :5432'"}
    lines = target_lines(reports.REFUSING, width=width)
    for line in lines[1:]:
        assert columns(line) <= width or line.strip() in commands
    assert commands <= {line.strip() for line in lines}


def test_a_command_longer_than_the_page_is_one_line() -> None:
    command = "sudo tcpdump -ni eth0 'host 198.51.100.7 and tcp port 5432' " + "-v " * 30 + "-c 5"
    fixes = (replace(reports.REFUSED.fixes[0], command=command),)
    finding = replace(reports.REFUSED, fixes=fixes)
    lines = target_lines(replace(reports.REFUSING, findings=(finding,)), width=60)
    assert command in [line.strip() for line in lines]


def test_a_diagnosis_that_was_told_above_is_not_told_again() -> None:
    report = replace(reports.REFUSING, path=(), findings=(reports.REFUSED,))
    assert target_lines(report, same_as="198.51.100.7:5432")[2:] == [
        "  198.51.100.7 refused the connection on port 5432",
        "  tcp.refused · proved · as for 198.51.100.7:5432",
    ]


def test_the_summary_counts_and_says_a_shared_cause_once() -> None:
    assert summary_lines(reports.report()) == [
        "4 targets: 1 failing, 1 degraded, 1 unknown, 1 ok",
        "1 cause explains 2 targets:",
        "  ✗ 198.51.100.7 refused the connection on port 5432 (tcp.refused)",
        "      db.example.com:5432, https://shop.example.com",
    ]


def test_one_target_needs_no_summary() -> None:
    assert summary_lines(reports.report(reports.REFUSING)) == []


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=()), min_size=1), st.booleans())
def test_nothing_from_outside_escapes_its_line(text: str, color: bool) -> None:
    report = reports.hostile(text)
    lines = [*target_lines(report, color=color), *summary_lines(reports.report(report, report))]
    for line in lines:
        bare = ESCAPE.sub("", line) if color else line
        assert bare.isprintable(), bare


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.041, "0.04 ms"), (1.5, "1.50 ms"), (12.34, "12.3 ms"), (412, "412 ms"), (3600, "3.60 s")],
)
def test_times_have_the_digits_that_matter(value: float, words: str) -> None:
    assert milliseconds(value) == words


def test_wide_letters_take_two_columns() -> None:
    assert columns("日本") == 4
    assert shortened("日本語", 5, "…") == "日本…"
    lines = Page(width=10).wrap("日本 日本 日本")
    assert lines == ["日本 日本", "日本"]


def test_a_number_keeps_its_unit() -> None:
    assert Page(width=12).wrap("answered in 0.5 s, twice") == ["answered in", "0.5 s, twice"]


@pytest.mark.parametrize(
    ("text", "where", "machine", "said"),
    [
        ("See whether the service runs", Where.TARGET, "", "on db.example.com"),
        ("See whether it forwards", Where.TARGET, "192.0.2.53", "on 192.0.2.53"),
        ("On the router 192.0.2.1, look at the route", Where.TARGET, "192.0.2.1", ""),
        ("On db.example.com, look for rules", Where.TARGET, "", ""),
        ("Check on DB.example.com whether it listens", Where.TARGET, "", ""),
        ("Check on Mondays whether it listens", Where.TARGET, "", "on db.example.com"),
        ("On macOS, look at System Settings", Where.HERE, "", ""),
        ("Only on request", Where.NETWORK, "", "in the network"),
        ("Once", Where.HERE, "", "here"),
        ("", Where.HERE, "", "here"),
    ],
)
def test_where_a_fix_is_done_is_said_once(text: str, where: Where, machine: str, said: str) -> None:
    fix = Fix(text, "true", where, machine)
    assert place(fix, Target("db.example.com:5432", Kind.TCP, "db.example.com", 5432)) == said
