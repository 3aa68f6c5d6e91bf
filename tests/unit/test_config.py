"""netwhy.toml: what it may say, and where each fault is."""

from __future__ import annotations

import tomllib
from pathlib import PurePath
from textwrap import dedent

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from netwhy.core.config import TARGET_KEYS, TOP_KEYS, ConfigError, Settings, load_text
from netwhy.core.model import TargetOptions
from netwhy.core.options import field_of
from netwhy.core.toml_lines import key_lines, line_of

WHOLE = """\
# everything
interval = "500ms"
timeout = 3
retries = 1
theme = "nord"

[[targets]]
target = "DB:postgresql"
label = "the database"
group = "core"
timeout = 1.5
send = "PING\\r\\n"
expect = "PONG"
fallback = "db2:5432"

[[targets]]
target = "https://shop.example.com/health"
interval = "1m"
retries = 3
family = 4

[keys]
quit = "Q"
"add target" = "ctrl+a"
"""


def test_a_whole_configuration() -> None:
    read = load_text(WHOLE)
    assert (read.interval_s, read.timeout_s, read.retries, read.theme) == (0.5, 3.0, 1, "nord")
    assert dict(read.keys) == {"quit": "Q", "add target": "ctrl+a"}
    database, shop = read.targets
    assert database.text == "db:5432"
    assert database.label == "the database"
    assert database.options == TargetOptions(
        send="PING\r\n",
        expect="PONG",
        timeout_s=1.5,
        retries=1,
        fallback="db2:5432",
        label="the database",
        group="core",
    )
    assert shop.options == TargetOptions(interval_s=60.0, retries=3, family=4)


@pytest.mark.parametrize("text", ["", "# nothing\n", b"", b"\xef\xbb\xbf", "[keys]\r\n"])
def test_an_empty_configuration_says_nothing(text: str | bytes) -> None:
    assert load_text(text) == Settings()


def test_targets_as_a_list_of_texts_and_tables() -> None:
    read = load_text('targets = ["a", "b:80", {target = "c", label = "C"}, "a"]')
    assert [t.text for t in read.targets] == ["a", "b:80", "c"]
    assert read.targets[2].label == "C"


def test_options_in_the_text_of_a_target_win() -> None:
    read = load_text('[[targets]]\ntarget = "tcp://a:1?timeout=2"\ntimeout = 9\nlabel = "A"')
    assert read.targets[0].options == TargetOptions(timeout_s=2.0, label="A")


def test_an_impossible_host_is_a_target_to_tell_of() -> None:
    read = load_text('targets = ["fe80::1"]')
    assert read.targets[0].problem is not None


# text, line of the fault, a word of what is wrong, what was probably meant
FAULTS = [
    ("timeot = 3", 1, "unknown key 'timeot'", "timeout"),
    ("\n\n[key]\nq = 'q'", 3, "unknown key 'key'", "keys"),
    ("zzz = 1", 1, "there are interval, timeout", None),
    ("interval = 'soon'", 1, "interval is a number of seconds", None),
    ("# x\ninterval = true", 2, "interval is a number of seconds", None),
    ("interval = nan", 1, "interval is a number of seconds", None),
    ("timeout = 1e999", 1, "timeout is a number of seconds", None),
    ("timeout = 1979-05-27", 1, "timeout is a number of seconds", None),
    ("retries = 1.5", 1, "retries is a whole number", None),
    ("retries = '1'", 1, "retries is a whole number", None),
    ("theme = 1", 1, "theme is the name of a theme", None),
    ("bell = 'yes'", 1, "bell is true or false", None),
    ("targets = 'db'", 1, "targets is a list", None),
    ("targets = [\n  'db',\n  'db:99999',\n]", 3, "port 99999 is out of range", None),
    ("targets = [\n  'db', # 'x'\n\n  7]", 4, 'a target is a text such as "db:5432"', None),
    ("targets = ['htp://db']", 1, "did you mean 'http://db'?", None),
    ("[targets]\na = 1", 1, "targets is a list", None),
    ("[[targets]]\nlabel = 'x'", 1, "a target is missing", None),
    ("[[targets]]\ntarget = 'a'\n[[targets]]\ntarget='b'\nlabl = 'x'", 5, "'labl'", "label"),
    ("[[targets]]\ntarget = 'a'\n\n[[targets]]\nlabel = 'b'", 4, "a target is missing", None),
    ("[[targets]]\ntarget = 7", 2, "a target is a text", None),
    ("[[targets]]\ntarget = 'a'\nfamily = 5", 3, "family is 4 or 6", None),
    ("[[targets]]\nfamily = 6\ntarget = '192.0.2.1'", 3, "family 6 does not fit", None),
    ("[[targets]]\ntarget = 'a'\nfallback = 'x:y:z'", 2, "the fallback 'x:y:z'", None),
    ("[[targets]]\ntarget = 'a'\nlabel = ''", 3, "label is a text, and not empty", None),
    ('[[targets]]\ntarget = "a"\nlabel = "a\\u001bb"', 3, "label is a text of one line", None),
    ("targets = ['a', {target = 'b', lable = 'x'}]", 1, "'lable'", "label"),
    ("targets = ['a',\n{target='a', label='x'}]", 2, "other options in line 1", None),
    ("[[targets]]\ntarget='a'\n[targets.x]\ny=1", 3, "unknown key 'x'", None),
    ("keys = 1", 1, "keys is a table", None),
    ("[keys]\nquit = 'q'\nadd = 1", 3, "the key of 'add' is a text", None),
    ("[keys]\n'a b' = ''", 2, "the key of 'a b' is a text", None),
    ("interval = 2\ntimeout ==", 2, "this is no TOML", None),
    ("a = 'x", 1, "this is no TOML", None),
    ("interval = 1\ninterval = 2", 2, "this is no TOML", None),
    ("interval = 1\nx = [", 2, "this is no TOML", None),
    ("x = " + "[" * 5000, 1, "", None),
    ("x = " + "1" * 5000, 1, "", None),
    (b"interval = 1\n# \xff", 2, "not UTF-8", None),
    ('x = """\n[[targets]]\n"""\ninterval = 0', 1, "unknown key 'x'", None),
    ("theme = '''\na\n'''\ninterval = 0", 4, "interval is", None),
    ('theme = "a\\"]#"\ninterval = 0', 2, "interval is", None),
    ("keys.'interval' = 'x'\ninterval = 0", 2, "interval is", None),
    ('"inter\\u0076al" = 0', 1, "interval is", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "said", "meant"), FAULTS, ids=[str(f[0])[-30:] for f in FAULTS]
)
def test_a_fault_names_its_line_and_what_would_be_right(
    text: str | bytes, line: int, said: str, meant: str | None
) -> None:
    with pytest.raises(ConfigError) as raised:
        load_text(text, PurePath("conf") / "netwhy.toml")
    error = raised.value
    assert error.lineno == line
    assert error.suggestion == meant
    words = error.line()
    assert words.startswith(f"conf/netwhy.toml:{line}: ")
    assert said in words
    assert words.isprintable()
    if meant:
        assert words.endswith(f"did you mean '{meant}'?")


def test_a_fault_with_escapes_in_it_stays_on_its_line() -> None:
    with pytest.raises(ConfigError) as raised:
        load_text('"a\\n\\u001b[31m" = 1', "a\nb.toml")
    assert raised.value.line().isprintable()


def test_every_documented_key_is_one_that_is_read() -> None:
    """The tables that documentation reads name exactly what the reader takes."""
    assert set(TOP_KEYS) == {
        "interval",
        "timeout",
        "retries",
        "theme",
        "bell",
        "targets",
        "keys",
    }
    fields = {field_of(key) for key in TARGET_KEYS if key != "target"}
    assert fields == set(TargetOptions.__dataclass_fields__)
    assert all(kind and meaning for kind, meaning in {**TOP_KEYS, **TARGET_KEYS}.values())


def test_lines_of_keys_in_every_form_of_toml() -> None:
    text = dedent(
        """\
        a = 1 # [x]
        b.c = "x # y"
        [t]
        k = [1,
          { x = 2 },
          [ 'a]',
            3 ],
        ]
        [[u.v]]
        w = '''
        [no]
        '''
        [[u.v]]
        "q.r" = { s = { t = 1 } }
        [u.v.deep]
        z = 1979-05-27T07:32:00Z
        """
    )
    tomllib.loads(text)
    lines = key_lines(text)
    expected = {
        ("a",): 1,
        ("b", "c"): 2,
        ("t",): 3,
        ("t", "k", 0): 4,
        ("t", "k", 1, "x"): 5,
        ("t", "k", 2): 6,
        ("t", "k", 2, 1): 7,
        ("u", "v", 0): 9,
        ("u", "v", 0, "w"): 10,
        ("u", "v", 1): 13,
        ("u", "v", 1, "q.r", "s", "t"): 14,
        ("u", "v", 1, "deep", "z"): 16,
    }
    assert {path: lines.get(path) for path in expected} == expected
    assert ("no",) not in lines
    assert line_of(lines, ("u", "v", 1, "deep", "other")) == 15
    assert line_of(lines, ("nowhere",)) == 1


KEYS = st.sampled_from([*TOP_KEYS, *TARGET_KEYS, "x", '"a b"', "keys.q"])
VALUES = st.sampled_from(
    ["1", "0", "-1", "true", "'a'", '"db:80"', "[]", "{}", "[1, 'a']", "{target='a'}", "'''\n'''"]
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(" = ".join),
    st.sampled_from(["[[targets]]", "[keys]", "[targets]", "[x.y]", "# c", "", "]"]),
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(LINES, max_size=6).map("\n".join)))
@example("[[targets]]\n[targets.target]\n")
def test_any_text_is_settings_or_a_config_error(text: str) -> None:
    try:
        load_text(text)
    except ConfigError as error:
        assert 1 <= error.lineno <= max(1, len(text.splitlines()))
        assert error.line().isprintable()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_settings_or_a_config_error(data: bytes) -> None:
    try:
        load_text(data)
    except ConfigError as error:
        assert error.line().isprintable()
