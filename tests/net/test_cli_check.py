"""`netwhy check` and `netwhy bind`, run for real against loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.net.command import (
    NETWHY,
    closed_port,
    environment,
    in_terminal,
    listener,
    netwhy,
    silent_port,
    start,
)
from tests.net.servers import quiet_port, to_the_end, watched_listener


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the command itself says its documents look like."""
    printed = netwhy(tmp_path_factory.mktemp("home"), "check", "--schema")
    assert printed.code == 0
    schema = json.loads(printed.out)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_port_where_nothing_listens(tmp_path: Path, validator: Any) -> None:
    with closed_port() as port:
        ended = netwhy(tmp_path, "check", f"127.0.0.1:{port}", "--format", "json")
    document = json.loads(ended.out)
    validator.validate(document)
    assert (ended.code, ended.err) == (1, "")
    assert document["verdict"] == "failing"
    finding = document["targets"][0]["findings"][0]
    assert finding["cause"] == "tcp.refused"
    assert finding["evidence"] and finding["fixes"] and finding["title"]
    probes = document["targets"][0]["probes"]
    assert "ECONNREFUSED" in [probe["error"] for probe in probes]


def test_a_port_that_works(tmp_path: Path, validator: Any) -> None:
    with listener() as port:
        ended = netwhy(tmp_path, "check", f"127.0.0.1:{port}", "--format", "json")
        text = netwhy(tmp_path, "check", f"127.0.0.1:{port}")
    document = json.loads(ended.out)
    validator.validate(document)
    assert (ended.code, document["verdict"]) == (0, "ok")
    assert document["targets"][0]["addresses"] == ["127.0.0.1"]
    assert text.code == 0
    (line,) = text.out.splitlines()
    assert line.startswith(f"✓ ok        127.0.0.1:{port}")


def test_the_text_of_a_failure_for_a_pipe(tmp_path: Path) -> None:
    with closed_port() as port:
        ended = netwhy(tmp_path, "check", f"127.0.0.1:{port}")
    assert ended.code == 1
    lines = ended.out.splitlines()
    assert lines[0] == f"✗ failing   127.0.0.1:{port}"
    headings = [line.strip() for line in lines]
    assert headings.index("How we know") < headings.index("What to do")
    assert lines[-1] == "  More: netwhy explain tcp.refused"
    assert "\x1b" not in ended.out and ended.err == ""


def test_a_target_that_cannot_be_read_is_told_and_the_others_are_checked(tmp_path: Path) -> None:
    with listener() as port:
        ended = netwhy(tmp_path, "check", "tcp://127.0.0.1:99999999", f"127.0.0.1:{port}")
    assert ended.code == 2
    (complaint,) = ended.err.splitlines()
    assert "99999999" in complaint
    assert f"127.0.0.1:{port}" in ended.out


def test_one_target_that_cannot_be_read_is_only_that(tmp_path: Path) -> None:
    ended = netwhy(tmp_path, "check", "http://[::1")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1 and "http://[::1" in ended.err


def test_targets_from_standard_input_with_comments(tmp_path: Path, validator: Any) -> None:
    with listener() as port, closed_port() as closed:
        text = f"# first\n127.0.0.1:{port}   # works\n\n  127.0.0.1:{closed}\n127.0.0.1:{port}\n"
        ended = netwhy(tmp_path, "check", "--targets", "-", "--format", "jsonl", stdin=text)
    lines = [json.loads(line) for line in ended.out.splitlines()]
    for line in lines:
        validator.validate(line)
    assert ended.code == 1
    assert {line["target"]: line["verdict"] for line in lines} == {
        f"127.0.0.1:{port}": "ok",
        f"127.0.0.1:{closed}": "failing",
    }


def test_a_fault_in_a_file_of_targets_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "targets.txt").write_text("# none here\n\nhttp://[::1\n")
    ended = netwhy(tmp_path, "check", "--targets", "targets.txt")
    assert ended.code == 2
    assert ended.err.startswith("netwhy: targets.txt:3: ")


@pytest.mark.parametrize("content", [None, "", "# only a comment\n"])
def test_a_file_without_targets_is_no_success(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "t").write_text(content)
    ended = netwhy(tmp_path, "check", "--targets", "t")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1


def test_results_stream_as_targets_finish(tmp_path: Path) -> None:
    with listener() as port, silent_port() as silent:
        args = ["check", f"127.0.0.1:{silent}", f"127.0.0.1:{port}", "--format", "jsonl"]
        process = start(tmp_path, args)
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        still_running = process.poll() is None
        rest, _err = process.communicate(timeout=30)
    assert first["target"] == f"127.0.0.1:{port}"
    assert still_running
    assert json.loads(rest)["target"] == f"127.0.0.1:{silent}"
    assert process.returncode == 1


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "markdown"])
def test_control_c_writes_what_was_learned(tmp_path: Path, form: str, validator: Any) -> None:
    with watched_listener(to_the_end) as (port, told), silent_port() as silent:
        args = ["check", f"127.0.0.1:{port}", f"127.0.0.1:{silent}", "--format", form]
        process = start(tmp_path, [*args, "--timeout", "12"])
        assert told.get(timeout=30) == "eof"
        time.sleep(1.5)  # what the first one told is put together
        assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        took = time.monotonic() - began
    assert process.returncode == 130
    assert took < 2.0
    assert "Traceback" not in err
    if form == "json":
        document = json.loads(out)
        validator.validate(document)
        states = {t["target"]: t.get("complete", True) for t in document["targets"]}
        assert states == {f"127.0.0.1:{port}": True, f"127.0.0.1:{silent}": False}
    elif form == "jsonl":
        finished, cut = (json.loads(line) for line in out.splitlines())
        validator.validate(cut)
        assert finished["verdict"] == "ok" and cut["complete"] is False
    else:
        assert f"127.0.0.1:{silent}" in out and "nterrupted" in out


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    with listener() as port, silent_port() as silent:
        args = ["check", f"127.0.0.1:{port}", f"127.0.0.1:{silent}", "--format", "jsonl"]
        reader, writer = os.pipe()
        process = start(tmp_path, [*args, "--timeout", "60"], stdout=writer)
        os.close(writer)
        os.close(reader)
        began = time.monotonic()
        _out, err = process.communicate(timeout=30)
        assert time.monotonic() - began < 10  # it did not wait for the silent one
    assert err == ""
    assert process.returncode == 130


@pytest.mark.parametrize("args", [["check", "127.0.0.1:{}"], ["ports"], ["check", "--help"]])
def test_head_takes_one_line_and_nobody_complains(tmp_path: Path, args: list[str]) -> None:
    with closed_port() as port:
        process = start(tmp_path, [arg.format(port) for arg in args])
        head = subprocess.run(
            ["head", "-1"], stdin=process.stdout, capture_output=True, timeout=20, check=False
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=20)
    for complaint in ("Traceback", "Broken pipe", "Exception"):
        assert complaint not in err
    assert head.stdout.count(b"\n") == 1


def test_a_full_disk_is_no_success(tmp_path: Path) -> None:
    with listener() as port, open("/dev/full", "w") as full:
        process = start(tmp_path, ["check", f"127.0.0.1:{port}"], stdout=full)
        _out, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert err.splitlines() == ["netwhy: cannot write the result: No space left on device"]


def test_the_output_file_is_whole_or_not_there(tmp_path: Path, validator: Any) -> None:
    with listener() as port:
        args = ("check", f"127.0.0.1:{port}", "--format", "json", "--output")
        ended = netwhy(tmp_path, *args, "report.json")
        missing = netwhy(tmp_path, *args, "nowhere/report.json")
        folder = netwhy(tmp_path, *args, ".")
    assert (ended.code, ended.out) == (0, "")
    validator.validate(json.loads((tmp_path / "report.json").read_text()))
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    for refused in (missing, folder):
        assert refused.code == 2 and len(refused.err.splitlines()) == 1


@pytest.mark.parametrize(("fail_on", "code"), [("degraded", 0), ("unknown", 0)])
def test_fail_on_leaves_a_healthy_target_alone(tmp_path: Path, fail_on: str, code: int) -> None:
    with listener() as port:
        ended = netwhy(tmp_path, "check", f"127.0.0.1:{port}", "--fail-on", fail_on)
    assert ended.code == code


def test_a_faulty_configuration_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_text("\n\ninterval = [\n")
    with listener() as port:
        for extra in ({"args": ("--config", "bad.toml")}, {"env": {"NETWHY_CONFIG": "bad.toml"}}):
            args, env = extra.get("args", ()), extra.get("env", {})
            ended = netwhy(tmp_path, "check", f"127.0.0.1:{port}", *args, **dict(env))
            assert (ended.code, ended.out) == (2, "")
            assert len(ended.err.splitlines()) == 1 and "bad.toml:" in ended.err


@pytest.mark.parametrize("place", ["option", "variable", "own"])
def test_the_targets_of_the_configuration_are_checked(tmp_path: Path, place: str) -> None:
    path = tmp_path / (".config/netwhy/netwhy.toml" if place == "own" else "mine.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    args = ("--config", "mine.toml") if place == "option" else ()
    env = {"NETWHY_CONFIG": "mine.toml"} if place == "variable" else {}
    with listener() as port:
        path.write_text(f'[[targets]]\ntarget = "127.0.0.1:{port}"\nlabel = "shop"\n')
        ended = netwhy(tmp_path, "check", *args, **env)
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"✓ ok        shop (127.0.0.1:{port})")


def test_a_configuration_that_was_named_must_exist(tmp_path: Path) -> None:
    ended = netwhy(tmp_path, "check", "127.0.0.1:9", "--config", "none.toml")
    assert ended.code == 2 and "none.toml" in ended.err


def test_on_a_terminal_there_is_colour_and_progress_and_the_words_are_the_same(
    tmp_path: Path,
) -> None:
    with silent_port() as port:
        args = ("check", f"127.0.0.1:{port}", "--timeout", "2")
        code, seen = in_terminal(tmp_path, *args)
        plain_code, plain = in_terminal(tmp_path, *args, NO_COLOR="1")
    assert (code, plain_code) == (1, 1)
    assert f"checking 127.0.0.1:{port}" in seen
    assert "\x1b[1;31m✗ failing" in seen
    assert "\x1b" not in plain
    result = plain[plain.index("✗") :]
    assert "checking" not in result  # the progress line is gone before the result comes


def test_a_terminal_that_cannot_draw_gets_ascii(tmp_path: Path) -> None:
    with closed_port() as port:
        ended = netwhy(tmp_path, "check", f"127.0.0.1:{port}", PYTHONIOENCODING="ascii")
    assert ended.code == 1
    assert ended.out.isascii() and ended.out.startswith("x failing")


def test_json_is_utf_8_whatever_the_terminal(tmp_path: Path, validator: Any) -> None:
    with closed_port() as port:
        done = subprocess.run(
            [*NETWHY, "check", f"127.0.0.1:{port}", "--format", "json"],
            capture_output=True,
            env=environment(tmp_path, PYTHONIOENCODING="ascii"),
            timeout=20,
            check=False,
        )
    validator.validate(json.loads(done.stdout.decode("utf-8")))


def test_bind_names_the_holder(tmp_path: Path, validator: Any) -> None:
    with listener() as port:
        ended = netwhy(tmp_path, "bind", f"127.0.0.1:{port}", "--format", "json")
    document = json.loads(ended.out)
    validator.validate(document)
    assert ended.code == 1
    finding = document["targets"][0]["findings"][0]
    assert finding["cause"] == "bind.in-use"
    assert str(os.getpid()) in json.dumps(finding)


def test_bind_on_a_free_port(tmp_path: Path) -> None:
    ended = netwhy(tmp_path, "bind", f"127.0.0.1:{quiet_port()}")
    assert ended.code == 0
    assert "a server can start here now" in ended.out


def test_bind_needs_a_port(tmp_path: Path) -> None:
    ended = netwhy(tmp_path, "bind")
    assert ended.code == 2 and len(ended.err.splitlines()) == 1
    wrong = netwhy(tmp_path, "bind", "70000")
    assert wrong.code == 2 and "70000" in wrong.err
