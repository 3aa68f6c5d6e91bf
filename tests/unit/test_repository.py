"""The repository says the same thing in each of its files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def _uv_versions() -> dict[str, str]:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    return {p["name"]: p["version"] for p in lock["package"] if "version" in p}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_files_for_pip_pin_what_uv_lock_pins(name: str) -> None:
    pins = dict(_PIN.findall((ROOT / name).read_text()))
    versions = _uv_versions()
    assert pins, f"{name} pins nothing"
    assert {p: v for p, v in pins.items() if versions.get(p) != v} == {}


@pytest.mark.parametrize("name", ["uv.lock", "requirements.lock", "requirements-dev.lock"])
def test_no_lock_file_names_a_place_on_one_machine(name: str) -> None:
    text = (ROOT / name).read_text()
    urls = set(re.findall(r"[a-z]+://[^/\"' ]+", text))
    assert urls <= {"https://pypi.org", "https://files.pythonhosted.org"}
    assert "file:" not in text


def test_every_dependency_is_pinned_for_pip() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[<>=~!\[ ]", d)[0] for d in project["dependencies"]}
    assert wanted <= dict(_PIN.findall((ROOT / "requirements.lock").read_text())).keys()


def test_contributing_gives_a_reason_for_every_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = (ROOT / "CONTRIBUTING.md").read_text()
    wanted = {re.split(r"[<>=~!\[ ]", d)[0] for d in project["dependencies"]}
    assert {d for d in wanted if f"**{d}**" not in page} == set()
