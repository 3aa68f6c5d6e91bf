"""How the command line ends when something goes wrong inside, and how it finds its command."""

from __future__ import annotations

import pytest

from netwhy import cli
from netwhy.commands import arguments
from netwhy.commands.streams import Refusal
from netwhy.commands.targets import chosen
from netwhy.core.model import Verdict


def raising(error: BaseException) -> object:
    def run(_name: str, _args: object) -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (KeyError("a\x1bb"), 2, "netwhy: internal error: KeyError: "),
        (RuntimeError("two\nlines"), 2, r"netwhy: internal error: RuntimeError: two\nlines at "),
        (Refusal("netwhy: no", code=2), 2, "netwhy: no"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_every_end_has_its_code_and_at_most_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(cli, "_dispatch", raising(error))
    assert cli.main(["check", "127.0.0.1:9"]) == code
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.startswith(said)
    assert seen.err.count("\n") == bool(said)
    assert "\x1b" not in seen.err


def test_a_fault_inside_names_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_dispatch", raising(KeyError("x")))
    try:
        cli.run(["check", "127.0.0.1:9"])
    except KeyError as error:
        assert " at test_cli.py:" in cli.unexpected(error)


@pytest.mark.parametrize(
    ("argv", "name", "rest"),
    [
        ([], "", []),
        (["db:5432"], "", ["db:5432"]),
        (["check", "db:5432"], "check", ["db:5432"]),
        (["--log-level", "debug", "check", "x"], "check", ["--log-level", "debug", "x"]),
        (["--log-file", "check", "x"], "", ["--log-file", "check", "x"]),
        (["--log-file=f", "ports"], "ports", ["--log-file=f"]),
        (["db:5432", "check"], "", ["db:5432", "check"]),
        (["--", "check"], "", ["--", "check"]),
        (["explain", "check"], "explain", ["check"]),
    ],
)
def test_the_command_is_the_first_word_that_is_no_option(
    argv: list[str], name: str, rest: list[str]
) -> None:
    assert arguments.command(argv) == (name, rest)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("chek", "check"), ("Check", "check"), ("prots", "ports"), ("explian", "explain")],
)
def test_a_slip_of_the_finger_is_not_taken_for_a_host(word: str, meant: str) -> None:
    with pytest.raises(Refusal) as refused:
        arguments.read([word, "db:5432"])
    assert refused.value.code == 2
    assert f"did you mean netwhy {meant}?" in refused.value.lines[0]
    assert arguments.read(["--", word])[1].targets == [word]


@pytest.mark.parametrize("host", ["kind", "bond", "reports", "check1", "ports.example", "web"])
def test_a_host_that_is_called_much_like_a_command_is_a_host(host: str) -> None:
    assert arguments.read([host])[1].targets == [host]


def test_options_and_targets_may_stand_in_any_order() -> None:
    _name, args = arguments.read(
        ["check", "a:1", "--format", "json", "b:2", "--fail-on", "degraded,unknown", "c:3"]
    )
    assert args.targets == ["a:1", "b:2", "c:3"]
    assert args.fail_on == {Verdict.DEGRADED, Verdict.UNKNOWN}


def test_a_negative_number_is_something_to_explain() -> None:
    _name, args = arguments.read(["explain", "-2"])
    assert args.what == ["-2"]


@pytest.mark.parametrize(
    "argv",
    [
        ["check", "--fail-on", "failing"],
        ["check", "--timeout", "nan"],
        ["check", "--timeout", "inf"],
        ["check", "--timeout", "0"],
        ["check", "--form", "json"],
        ["--interval", "x"],
        ["ports", "--port", "8080-80"],
    ],
)
def test_what_cannot_be_understood_is_refused(argv: list[str]) -> None:
    with pytest.raises(Refusal) as refused:
        arguments.read(argv)
    assert refused.value.code == 2
    assert len(refused.value.lines) == 1 and "--help" in refused.value.lines[0]


def test_a_target_given_twice_is_checked_once() -> None:
    picked = chosen(["127.0.0.1:80", " 127.0.0.1:80 ", "127.0.0.1:81"])
    assert [target.text for target in picked.targets] == ["127.0.0.1:80", "127.0.0.1:81"]
