"""The documents that programs read."""

from __future__ import annotations

import json
from ipaddress import ip_address
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit import reports

from netwhy.core.model import TargetReport
from netwhy.output.document import encode_json, encode_line, plain, schema

SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def decoded(*targets: TargetReport) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(encode_json(reports.report(*targets)))
    VALIDATOR.validate(document)
    return document


def line(target: TargetReport) -> dict[str, Any]:
    data = encode_line(target, version="0.1.0", taken_at=reports.TAKEN_AT, vantage=reports.VANTAGE)
    assert data.endswith(b"\n") and data.count(b"\n") == 1
    found: dict[str, Any] = json.loads(data)
    VALIDATOR.validate(found)
    return found


def test_the_schema_is_a_schema_and_describes_itself() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"].endswith("2020-12/schema")
    for name, definition in SCHEMA["$defs"].items():
        assert definition["description"], name


def test_keys_stand_in_the_order_of_the_contract() -> None:
    document = decoded()
    assert list(document) == [
        "schema", "version", "taken_at", "duration_ms", "vantage", "verdict", "root_causes",
        "targets",
    ]  # fmt: skip
    target = document["targets"][0]
    assert list(target) == ["target", "verdict", "addresses", "findings", "probes"]
    assert list(target["findings"][0]) == [
        "cause", "severity", "confidence", "subject", "title", "explanation", "evidence", "fixes",
        "alternatives",
    ]  # fmt: skip
    assert list(target["probes"][0]) == ["probe", "subject", "outcome", "ms", "error", "detail"]
    assert list(document["vantage"]) == [
        "hostname", "platform", "privileged", "addresses", "gateways", "resolvers",
    ]  # fmt: skip


def test_values_are_what_a_program_expects() -> None:
    document = decoded()
    assert document["schema"] == "netwhy.check/1"
    assert document["taken_at"] == "2026-01-01T12:00:00.123456Z"
    assert document["duration_ms"] == 412.3
    finding = document["targets"][0]["findings"][0]
    assert (finding["cause"], finding["confidence"]) == ("tcp.refused", 0.97)
    assert finding["fixes"][0]["where"] == "target"
    assert finding["fixes"][2]["command"] is None
    probe = document["targets"][0]["probes"][1]
    assert (probe["error"], probe["ms"]) == ("ECONNREFUSED", 0.412)
    assert probe["detail"] == {"rtt_ms": None, "resent_syns": 0, "source": "192.0.2.10"}
    assert document["root_causes"][0]["explains"] == [
        "db.example.com:5432",
        "https://shop.example.com",
    ]


def test_unknown_and_interrupted_say_so() -> None:
    untested, interrupted = decoded(reports.UNTESTED, reports.INTERRUPTED)["targets"]
    assert untested["reason"].startswith("no answer") and "complete" not in untested
    assert interrupted["complete"] is False


def test_a_line_stands_alone() -> None:
    found = line(reports.REFUSING)
    assert list(found)[:5] == ["schema", "version", "taken_at", "duration_ms", "vantage"]
    assert found["schema"] == "netwhy.check-target/1"
    assert found["target"] == "db.example.com:5432"
    assert found["findings"][0]["cause"] == "tcp.refused"


@pytest.mark.parametrize("missing", ["schema", "verdict", "targets", "vantage"])
def test_the_schema_refuses_a_document_without(missing: str) -> None:
    document = decoded()
    del document[missing]
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


def test_the_schema_refuses_words_outside_the_contract() -> None:
    document = decoded()
    document["targets"][0]["findings"][0]["severity"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(document)


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=()), min_size=1))
def test_every_string_from_outside_is_inert_after_decoding_too(text: str) -> None:
    def strings(value: Any) -> None:
        if isinstance(value, str):
            assert value.isprintable()
        elif isinstance(value, dict):
            for key, item in value.items():
                strings(key)
                strings(item)
        elif isinstance(value, list):
            for item in value:
                strings(item)

    strings(decoded(reports.hostile(text)))
    strings(line(reports.hostile(text)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (float("inf"), None),
        (0.123456789, 0.123),
        (2**70, str(2**70)),
        ({1: (ip_address("2001:db8::1"), b"\x1b")}, {"1": ["2001:db8::1", "b'\\x1b'"]}),
        (True, True),
        (frozenset({5}), [5]),
    ],
)
def test_a_detail_of_any_kind_becomes_json(value: object, expected: object) -> None:
    assert plain(value) == expected


def test_a_detail_that_contains_itself_ends() -> None:
    knot: dict[str, object] = {}
    knot["self"] = knot
    json.dumps(plain(knot))
