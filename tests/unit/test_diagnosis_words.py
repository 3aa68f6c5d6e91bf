"""Each cause that can be claimed has a row, and each sentence that is told has its words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tests.unit.facts import Row, examined
from tests.unit.test_diagnosis_open import EVERY_ROW

from netwhy.core.model import Finding
from netwhy.knowledge import words

PACKAGE = Path(words.__file__).resolve().parents[1]
SOURCES = {path.name: path.read_text() for path in (PACKAGE / "diagnosis").glob("*.py")}
EVIDENCE = tomllib.loads((PACKAGE / "knowledge" / "evidence.toml").read_text())
#: The reasons of impossible hosts, and the states of the resolver configuration.
WHERE_KEYS_END = [
    PACKAGE / "core" / name for name in ("hostname.py", "schemes.py", "seen/names.py")
]

#: Any cause id in the sources; those that are only ever a rival are not claimed.
_LAYERS = "local|route|path|dns|tcp|udp|tls|http|exchange|bind"
_CAUSE = re.compile(rf'"((?:{_LAYERS})\.[a-z0-9-]+|unexplained)"')
_RIVALS = re.compile(r"rivals(?::[^=]+)?=\s*(\([^()]*\)|\[[^\]]*\]|[^,\n]+)")
_QUOTED = re.compile(r"""["']([a-z0-9-]+)["']""")
_SAY = re.compile(r"""\bsay\(\s*(f?)["']([^"']+)["']""")


def _claimed() -> set[str]:
    """The causes that the diagnosis can put first; those of targets come from the grammar."""
    found = {"dns.invalid-name", "local.address-unusable"}
    for source in SOURCES.values():
        found |= set(_CAUSE.findall(source))
    return {cause for cause in found if cause in words.cause_ids()}


def _only_rivals() -> set[str]:
    """Causes that never stand outside of a list of rivals or of a comparison."""
    plain = "\n".join(_RIVALS.sub("", source) for source in SOURCES.values())
    plain = re.sub(r"rivals\.(append|remove)\([^)]*\)", "", plain)
    return _claimed() - set(_CAUSE.findall(plain)) - {"dns.invalid-name", "local.address-unusable"}


def test_each_cause_that_can_be_claimed_has_a_row() -> None:
    told = {cause for row in EVERY_ROW for cause in row.causes}
    assert _claimed() - _only_rivals() - told == set()


def test_each_cause_of_a_row_stands_in_the_sources() -> None:
    told = {cause for row in EVERY_ROW for cause in row.causes}
    assert told - _claimed() == set()


def test_each_cause_has_words() -> None:
    """A text that only begins a known cause is a comparison (`startswith`)."""
    named = {cause for source in SOURCES.values() for cause in _CAUSE.findall(source)}
    assert {c for c in named if not any(k.startswith(c) for k in words.cause_ids())} == set()


def test_each_sentence_that_is_said_is_known() -> None:
    said = {key for source in SOURCES.values() for formatted, key in _SAY.findall(source)
            if not formatted}  # fmt: skip
    assert said - set(EVIDENCE) == set()


def test_each_sentence_is_said_somewhere() -> None:
    """A key is a string of the sources, or an f-string begins it and a string ends it."""
    texts = [*SOURCES.values(), *(path.read_text() for path in WHERE_KEYS_END)]
    quoted = {text for source in texts for text in _QUOTED.findall(source)}
    begun = {begin + end for begin in _begun_keys() for end in quoted}
    assert set(EVIDENCE) - quoted - begun == set()


def test_each_key_that_is_begun_has_sentences() -> None:
    begun = _begun_keys()
    assert begun
    assert [b for b in begun if not b or not any(key.startswith(b) for key in EVIDENCE)] == []


def _begun_keys() -> set[str]:
    return {
        key.partition("{")[0]
        for source in SOURCES.values()
        for formatted, key in _SAY.findall(source)
        if formatted
    }


# ------------------------------------------------------------------------------- nothing left open


def unsaid(finding: Finding) -> list[str]:
    """What in a finding is not the words of the knowledge base but what stands in for them."""
    summary = words.entry(finding.cause).summary
    found = [line for line in finding.evidence if line.partition(" (")[0] in EVIDENCE]
    texts = [finding.title, finding.explanation, *finding.evidence]
    for fix in finding.fixes:
        texts += [fix.text, fix.command or ""]
    texts += [rival.why for rival in finding.alternatives]
    found += [text for text in texts if re.search(r"\{[a-z_]*\}|\bNone\b", text)]
    if finding.title.startswith((f"{summary} (", "No words")):
        found.append(finding.title)
    if "knowledge base has no sentence" in finding.explanation:
        found.append(finding.explanation)
    found += [r.cause for r in finding.alternatives if r.why == "what was seen does not exclude it"]
    return found


@pytest.mark.parametrize("row", EVERY_ROW, ids=str)
def test_a_finding_is_told_in_whole_sentences(row: Row) -> None:
    for finding in examined(row.target, row.world).report.findings:
        assert unsaid(finding) == []
        assert finding.title and finding.explanation and finding.evidence
        assert finding.fixes or finding.cause == "unexplained"
        assert len(set(finding.evidence)) == len(finding.evidence), "the same line twice"


@pytest.mark.parametrize("row", EVERY_ROW, ids=str)
def test_a_message_is_one_line(row: Row) -> None:
    report = examined(row.target, row.world).report
    for finding in report.findings:
        assert "\n" not in "".join((finding.title, finding.explanation, *finding.evidence))
        assert 0 < finding.confidence <= 1
    for probe in report.probes:
        assert not re.fullmatch(r"[0-9]+", probe.error or "")
