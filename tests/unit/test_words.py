"""The words of findings: complete, honest, safe to paste, and quick to fetch."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netwhy.core.model import Finding, Severity, Where
from netwhy.knowledge import entries, words
from netwhy.knowledge.templates import VOCABULARY, fill, fill_command, placeholders

ROOT = Path(__file__).resolve().parents[2]
KNOWLEDGE = ROOT / "app" / "netwhy" / "knowledge"
PLATFORMS = ("linux", "macos", "windows")

#: What a diagnosis typically knows, in the lengths that occur in practice.
TYPICAL = {
    "target": "db.example.com:5432",
    "host": "db.example.com",
    "address": "192.0.2.47",
    "addresses": "192.0.2.47, 192.0.2.48",
    "port": "5432",
    "transport": "tcp",
    "endpoint": "192.0.2.47:5432",
    "interface": "eth0",
    "source": "192.0.2.10",
    "gateway": "192.0.2.1",
    "sender": "192.0.2.1",
    "icmp": "communication administratively prohibited (ICMP 3/13)",
    "router": "192.0.2.1",
    "resolver": "192.0.2.53",
    "resolvers": "192.0.2.53, 198.51.100.53",
    "name": "db.example.com",
    "label": "db_1",
    "reason": "a port is not allowed here",
    "file": "/etc/hosts",
    "line": "7",
    "error": "EHOSTUNREACH",
    "limit": "1024",
    "used": "1024",
    "available": "28232",
    "range": "32768-60999",
    "remote": "198.51.100.7:443",
    "taken": "postgres (pid 812) has bound it",
    "reuse_helps": "now",
    "holder": "postgres (pid 812)",
    "pid": "812",
    "process": "postgres",
    "user": "postgres",
    "command": "/usr/lib/postgresql/15/bin/postgres",
    "unit": "postgresql.service",
    "container": "0123456789ab (docker)",
    "holder_endpoint": "127.0.0.1:5432",
    "family": "IPv6",
    "working": "192.0.2.47",
    "failing": "192.0.2.48",
    "service": "postgresql",
    "seconds": "42",
    "start": "1024",
    "nearest": "192.0.2.10",
    "overlap": "0.0.0.0 covers every IPv4 address",
    "ms": "5003 ms",
    "config_path": "/etc/resolv.conf",
    "suffix": "example.com",
    "types": "MX, TXT",
    "ede": "18 Prohibited",
    "alert": "handshake_failure",
    "verify": "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "version": "TLSv1.1",
    "cipher": "ECDHE-RSA-AES128-SHA",
    "sni": "db.example.com",
    "names": "www.example.com, example.com",
    "issuer": "Example Issuing CA 1",
    "subject_name": "db.example.com",
    "since": "2026-01-01T00:00:00Z",
    "until": "2026-04-01T00:00:00Z",
    "left": "3 days",
    "clock": "2026-03-29T12:00:00Z",
    "protocol": "PostgreSQL",
    "said": "220 mail.example.com ESMTP",
    "expected": "PONG",
    "url": "https://db.example.com:5432/health",
    "status": "503",
    "server": "nginx",
    "routers": "203.0.113.1 and 203.0.113.2",
    "next": "203.0.113.2",
    "hops": "7",
    "share": "12 %",
    "jitter": "45.2 ms",
}

#: What weakens a machine's protection must never be a fix.
WEAKENING = (
    "insecure",
    "disable the firewall",
    "turn off the firewall",
    "switch the firewall off",
    "stop the firewall",
    "ufw disable",
    "flush ruleset",
    "iptables -f",
    "pfctl -d",
    "firewalld.service",
    "setenforce",
    "selinux=0",
    "state off",
    "allprofiles",
    "-enabled false",
    "chmod 777",
    "chmod -r",
    "verify=false",
    "no-verify",
    "--privileged",
    "as root to",
    "kill -9",
    "-force",
    "rm -",
    "0.0.0.0/0 accept",
    "policy accept",
    "ip_unprivileged_port_start=",
    "dnssec=no",
)


def cases() -> list[tuple[str, str]]:
    """Every cause with each of its variants."""
    return [(c, v) for c in words.cause_ids() for v in ("", *words.entry(c).variants)]


def templates_of(wording: words.Wording) -> list[str]:
    fixes = [t for fix in wording.fixes for t in (fix.text, *fix.commands.values())]
    return [*wording.titles, *wording.explanation, *fixes]


def sentences(text: str) -> int:
    return len(re.findall(r"[.?!](?=\s|$)", text))


@pytest.mark.parametrize("cause", words.cause_ids())
def test_each_cause_is_complete(cause: str) -> None:
    entry = words.entry(cause)
    assert entry.base.titles and entry.base.explanation and entry.base.fixes
    assert len(entry.about) > 100
    assert 10 < len(entry.summary) <= 90
    assert set(entry.rivals) <= set(words.cause_ids()) - {cause}
    assert set(entry.advice) <= set(words.table("advice.toml"))
    for wording in (entry.base, *entry.variants.values()):
        used = {name for text in templates_of(wording) for name in placeholders(text)}
        assert used <= VOCABULARY
    assert {name for why in entry.rivals.values() for name in placeholders(why)} <= VOCABULARY


@pytest.mark.parametrize(("cause", "variant"), cases())
@pytest.mark.parametrize("platform", PLATFORMS)
def test_each_finding_reads_as_promised(cause: str, variant: str, platform: str) -> None:
    found = words.finding(
        cause,
        severity=Severity.FAILURE,
        confidence=0.9,
        subject="192.0.2.47:5432",
        params=TYPICAL,
        rivals=tuple(words.entry(cause).rivals),
        platform=platform,
        variant=variant,
    )
    assert 10 < len(found.title) <= 100
    assert "\n" not in found.title and not found.title.endswith(".")
    assert 1 <= sentences(found.explanation) <= 3
    own = [fix for fix in found.fixes if not fix.text.startswith("In the ")]
    assert own
    texts = [found.title, found.explanation, *(a.why for a in found.alternatives)]
    texts += [t for fix in found.fixes for t in (fix.text, fix.command or "")]
    assert not [text for text in texts if re.search(r"\{[a-z_]+\}", text)]


@pytest.mark.parametrize(("cause", "variant"), cases())
def test_a_diagnosis_that_knows_little_still_says_something_true(cause: str, variant: str) -> None:
    params = {"target": "db.example.com:5432", "host": "db.example.com"}
    assert "{" not in words.title(cause, params, variant)
    assert words.explanation(cause, params, variant)
    assert all("{" not in fix.text for fix in words.fixes(cause, params, "linux", variant))


@pytest.mark.parametrize(("cause", "variant"), cases())
def test_every_sentence_of_an_explanation_is_one_sentence(cause: str, variant: str) -> None:
    told = words.entry(cause).wording(variant).explanation
    assert 1 <= len(told) <= 3
    assert [text for text in told if not text.endswith((".", "?"))] == []
    filled = [fill(text, TYPICAL) or "" for text in told]
    assert [sentences(text) for text in filled] == [1] * len(told)


@pytest.mark.parametrize("name", ["chain-sent", "queue-full", "time-wait-rows"])
def test_one_is_told_as_well_as_many(name: str) -> None:
    params = {"count": "1", "used": "1", "limit": "1", "endpoint": "192.0.2.1:80"}
    told = words.evidence(name, **params, subject="a", issuer="b", port="80")
    assert not re.search(r"\b1 [a-z]+s\b", told), told


@pytest.mark.parametrize("cause", ["bind.in-use", "bind.in-use-overlap"])
def test_the_advice_does_not_promise_the_port_of_a_listener(cause: str) -> None:
    """SO_REUSEADDR is for what old connections leave."""
    (advice,) = (fix.text for fix in words.fixes(cause, TYPICAL) if "SO_REUSEADDR" in fix.text)
    assert "against a program that listens it is no help" in advice


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("cause", ["http.server-error", "http.silent"])
def test_a_request_that_failed_is_repeated_as_it_was(cause: str, platform: str) -> None:
    """HEAD brings no page, and a program may answer it and hang in GET."""
    found = words.finding(
        cause, severity=Severity.FAILURE, confidence=0.9, subject="db", params=TYPICAL,
        rivals=tuple(words.entry(cause).rivals), platform=platform,
    )  # fmt: skip
    curls = [c for fix in found.fixes if (c := fix.command or "").startswith("curl")]
    assert curls and not [c for c in curls if re.search(r" -\w*I| --head", c)]


def test_a_line_end_is_advised_without_words_that_nobody_sent() -> None:
    """What a check sends may log in, so it is not repeated; and PING is not what it sends."""
    (first, *_rest) = words.fixes("exchange.silent", TYPICAL, variant="line")
    assert "PING" not in first.text and first.command is None
    assert r"%0D%0A in a URL, \r\n between double quotes" in first.text


def test_an_example_of_a_request_says_so_and_can_be_typed() -> None:
    params = {**TYPICAL, "host": "2001:db8::7"}
    example = words.fixes("exchange.closed", params, variant="at-once")[0]
    assert "PING and the end of a line stand for that" in example.text
    assert example.command is not None and "tcp://[2001:db8::7]:5432?send=" in example.command


def test_no_fix_weakens_security() -> None:
    advice = [str(text) for text in words.table("advice.toml").values()]
    errors = words.table("errors.toml")
    now = [t for page in errors.values() for t in page.get("now", ())]
    for cause, variant in cases():
        wording = words.entry(cause).wording(variant)
        fixes = [t for fix in wording.fixes for t in (fix.text, *fix.commands.values())]
        for text in (*fixes, *advice, *now):
            assert not [word for word in WEAKENING if word in text.lower()], text


def test_a_fix_that_ends_something_says_what_it_costs() -> None:
    for cause, variant in cases():
        for fix in words.entry(cause).wording(variant).fixes:
            ends = [c for c in fix.commands.values() if re.match(r"kill|docker stop|Stop-", c)]
            ends += [c for c in fix.commands.values() if "systemctl stop" in c]
            assert not ends or "cut" in fix.text, (cause, fix.text)


def test_commands_hold_no_placeholder_where_quoting_would_fail() -> None:
    for cause, variant in cases():
        for fix in words.entry(cause).wording(variant).fixes:
            for command in fix.commands.values():
                assert "\n" not in command
                assert not re.search(r'"[^"]*\{[a-z_]+\}[^"]*"', command), command
                assert command.count("'") % 2 == 0, command


@pytest.mark.parametrize(("cause", "variant"), cases())
def test_linux_commands_can_be_read_by_a_shell(cause: str, variant: str) -> None:
    for fix in words.fixes(cause, TYPICAL, "linux", variant):
        if fix.command is None:
            continue
        assert shlex.split(fix.command)
        checked = subprocess.run(["bash", "-n", "-c", fix.command], capture_output=True)
        assert checked.returncode == 0, checked.stderr


def test_the_advice_of_the_common_errors_is_there() -> None:
    """Each habit of a robust program is told where its absence hurts."""

    def advised(cause: str) -> str:
        return " ".join(f.text for f in words.fixes(cause, TYPICAL) if f.where is Where.CLIENT)

    assert "back-off and jitter" in advised("tcp.refused")
    assert "next address" in advised("tcp.some-addresses-fail")
    assert "connect, send, receive" in advised("path.silent")
    assert "SO_REUSEADDR" in advised("bind.in-use") and "SO_REUSEADDR" in advised("bind.time-wait")
    assert "shutdown" in advised("exchange.reset") and "partial sends" in advised("exchange.reset")
    assert "PONG" in advised("tcp.backlog-full")


# ------------------------------------------------------------------------------ the deciding test


def told(cause: str, confidence: float, rivals: tuple[str, ...] = (), **params: str) -> Finding:
    return words.finding(
        cause,
        severity=Severity.FAILURE,
        confidence=confidence,
        subject="192.0.2.47:5432",
        params={**TYPICAL, **params},
        rivals=rivals,
    )


@pytest.mark.parametrize(("cause", "variant"), cases())
@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_has_rivals_has_a_test_that_decides(cause: str, variant: str, platform: str) -> None:
    rivals = tuple(words.entry(cause).rivals)
    test = words.deciding(cause, TYPICAL, platform, variant, rivals)
    if not rivals and test is None:
        return
    assert test is not None and test.decides
    assert test.text.startswith("To settle it, ")
    assert not test.text.endswith(".") and len(test.text) < 260
    poor = words.deciding(cause, {"target": "h:1", "host": "h"}, platform, variant, rivals)
    assert poor is None or "{" not in poor.text


def test_only_an_open_finding_ends_with_its_deciding_test() -> None:
    assert not [fix for fix in told("path.silent", 0.99).fixes if fix.decides]
    for open_one in (told("path.silent", 0.9), told("path.silent", 0.99, ("tcp.filtered",))):
        assert [fix.decides for fix in open_one.fixes].index(True) == len(open_one.fixes) - 1


def test_the_rivals_that_are_left_choose_the_test() -> None:
    policy = told("local.firewall", 0.96, ("local.policy",)).fixes[-1]
    elsewhere = told("local.firewall", 0.8, ("tcp.filtered",)).fixes[-1]
    assert "plain shell" in policy.text and policy.command == "netwhy check db.example.com:5432"
    assert "capture on this machine" in elsewhere.text


def test_a_fix_that_is_the_deciding_test_is_told_once_but_the_first_stays() -> None:
    silent = [fix.command for fix in told("path.silent", 0.8).fixes]
    assert silent.count("sudo tcpdump -ni any host 192.0.2.10") == 1
    refused = [fix.command for fix in told("tcp.refused", 0.95, ("tcp.loopback-only",)).fixes]
    assert refused[0] == refused[-1] == "ss -ltnp 'sport = :5432'"


def test_a_capture_on_the_far_side_does_not_look_for_an_address_behind_nat() -> None:
    """A private source is seen under another address by a public target."""
    far = {"address": "192.0.2.47", "source": "10.0.0.5"}
    command = told("tcp.filtered", 0.93, ("tcp.backlog-full",), **far).fixes[-1].command
    assert command == "sudo tcpdump -ni any 'tcp port 5432'"
    near = {"address": "10.0.1.7", "source": "10.0.0.5"}
    command = told("tcp.filtered", 0.93, ("tcp.backlog-full",), **near).fixes[-1].command
    assert command == "sudo tcpdump -ni any 'tcp port 5432 and host 10.0.0.5'"
    allowed = [fix.text for fix in told("tcp.filtered", 0.93, **far).fixes]
    assert not [text for text in allowed if "10.0.0.5" in text]


# --------------------------------------------------------------------------- rules of filling in


def test_the_first_title_that_can_be_filled_in_wins() -> None:
    known = {"host": "db.example.com", "port": "5432"}
    assert words.title("tcp.refused", known).startswith("db.example.com refused")
    known["address"] = "192.0.2.47"
    assert words.title("tcp.refused", known).startswith("192.0.2.47 refused")


def test_a_sentence_about_something_unknown_is_left_out() -> None:
    short = words.explanation("dns.no-address", {"name": "example.com"})
    full = words.explanation("dns.no-address", {"name": "example.com", "types": "MX"})
    assert "MX" in full and len(short) < len(full) and "types" not in short
    assert words.explanation("dns.no-address", {"name": "example.com", "types": ""}) == short


def test_the_owner_decides_how_a_port_is_freed() -> None:
    base = {"port": "80", "pid": "812", "process": "nginx", "holder_endpoint": "0.0.0.0:80"}

    def first(**more: str) -> str | None:
        return words.fixes("bind.in-use", base | more)[0].command

    assert first() == "kill 812"
    assert first(unit="nginx.service") == "sudo systemctl stop nginx.service"
    assert first(unit="docker.service", container="0123456789ab (docker)") == (
        "docker stop 0123456789ab"
    )
    assert first(container="0123456789ab (podman)") == "podman stop 0123456789ab"
    assert first(container="0123456789ab (kubernetes pod 1-2)") is None
    assert first(unit="docker.service", process="docker-proxy") == "docker ps --filter publish=80"


@pytest.mark.parametrize("unit", ["session-3.scope", "user@1000.service", "app-vim-7.scope"])
def test_a_login_session_is_never_stopped_for_a_port(unit: str) -> None:
    params = {"port": "80", "pid": "812", "process": "python3", "unit": unit}
    commands = [fix.command or "" for fix in words.fixes("bind.in-use", params)]
    assert commands[0] == "kill 812" and not [c for c in commands if unit in c]


@pytest.mark.parametrize("cause", [c for c in words.cause_ids() if c.startswith("bind.")])
def test_the_first_process_is_never_killed(cause: str) -> None:
    params = TYPICAL | {"pid": "1", "process": "systemd", "unit": "init.scope", "container": ""}
    commands = [fix.command or "" for fix in words.fixes(cause, params)]
    assert not [c for c in commands if c.startswith("kill") or "init.scope" in c]


def test_the_platform_decides_the_command() -> None:
    commands = {p: words.fixes("tcp.refused", TYPICAL, p)[0].command for p in PLATFORMS}
    assert commands["linux"] == "ss -ltnp 'sport = :5432'"
    assert commands["macos"] == "sudo lsof -nP -iTCP:5432 -sTCP:LISTEN"
    assert commands["windows"] == "Get-NetTCPConnection -State Listen -LocalPort 5432"


def test_unknown_causes_keys_and_params_never_raise() -> None:
    odd = words.finding(
        "tcp.no-such-thing",
        severity=Severity.FAILURE,
        confidence=0.3,
        subject="x",
        params={"address": "192.0.2.1"},
        rivals=("nor.this",),
        platform="plan9",
        variant="none",
    )
    assert "tcp.no-such-thing" in odd.title and "192.0.2.1" in odd.title
    assert odd.explanation and odd.alternatives[0].why
    assert "192.0.2.1" in words.evidence("no-such-key", address="192.0.2.1")
    with pytest.raises(KeyError):
        words.entry("tcp.no-such-thing")
    with pytest.raises(KeyError):
        words.entry("../../etc/passwd.x")


hostile = st.text(alphabet=st.sampled_from("a-;'\"`$(){}|&<>*? \n\r\t\x1b\u2028\\%é"), min_size=1)


@given(hostile)
def test_a_value_stays_one_word_of_a_posix_command(value: str) -> None:
    command = fill_command("dig @{resolver} x", {"resolver": value}, "linux")
    assert command is not None and "\n" not in command and "\r" not in command
    assert len(shlex.split(command)) == 3


@given(hostile)
def test_a_value_stays_inside_the_quotes_around_it(value: str) -> None:
    command = fill_command("ss 'sport = :{port}' end", {"port": value}, "linux")
    assert command is not None
    parts = shlex.split(command)
    assert len(parts) == 3 and parts[1].startswith("sport = :")


@given(hostile)
def test_a_value_is_never_taken_for_an_option(value: str) -> None:
    command = fill_command("systemctl status {unit}", {"unit": value}, "linux")
    assert (command is None) == value.startswith("-")


@given(hostile)
def test_a_value_stays_one_literal_of_powershell(value: str) -> None:
    command = fill_command("Get-Service {unit} end", {"unit": value}, "windows")
    if command is None:
        assert value.startswith("-")
        return
    literal = command.removeprefix("Get-Service ").removesuffix(" end")
    if re.fullmatch(r"[A-Za-z0-9_.:/%\\-]+", literal):
        return
    assert literal[0] == literal[-1] == "'"
    assert "'" not in literal[1:-1].replace("''", "")


@given(st.text(), st.dictionaries(st.sampled_from(sorted(VOCABULARY)), st.text()))
def test_filling_in_never_raises_and_never_leaves_a_gap(
    template: str, params: dict[str, str]
) -> None:
    told = fill(template, params)
    unknown = [name for name in placeholders(template) if not params.get(name)]
    assert (told is None) == bool(unknown)


# ------------------------------------------------------------------------------- files and speed


@pytest.mark.parametrize("layer", words.LAYERS)
def test_cutting_a_file_by_cause_loses_nothing(layer: str) -> None:
    whole = tomllib.loads((KNOWLEDGE / f"{layer}.toml").read_text("utf-8"))
    pieces = {c: tomllib.loads(block)[c] for c, block in entries.blocks(layer).items()}
    assert pieces == whole
    assert {words.layer_of(cause) for cause in whole} == {layer}


def test_only_the_layer_that_is_worded_is_read() -> None:
    script = (
        "from netwhy.knowledge import entries, words\n"
        "words.fixes('udp.silent', {'host': 'h', 'port': '1'})\n"
        "print(entries.source.cache_info().currsize)\n"
        "import sys; print('importlib.resources' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT / "app")},
    )
    assert run.stdout.split() == ["2", "False"], run.stderr  # udp.toml and advice.toml


def test_every_evidence_sentence_can_be_filled_in() -> None:
    table = words.table("evidence.toml")
    assert table and all(isinstance(text, str) for text in table.values())
    for key, text in table.items():
        params = dict.fromkeys(placeholders(text), "7")
        assert "{" not in words.evidence(key, **params), key


def test_the_documented_causes_are_the_ones_that_exist() -> None:
    text = (ROOT / "docs" / "causes.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z0-9.-]+)` \| ([FWN ]+) \|", text, re.MULTILINE)
    assert [cause for cause, _ in rows] == list(dict.fromkeys(cause for cause, _ in rows))
    assert {cause for cause, _ in rows} == set(words.cause_ids())
