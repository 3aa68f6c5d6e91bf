"""The form of a recorded session, `netwhy.session/1`: JSON lines, a header and then events.

Targets and reports are written as the model has them, field by field, so that the roll-up and
every view see the same thing again.  What a field is is read off the model itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import datetime
from ipaddress import ip_address
from typing import Annotated, Any, ClassVar, Literal, get_type_hints

import msgspec
from msgspec import Meta, Struct

from netwhy.core.model import LAYERS, IPAddress, ProbeRow, Target, TargetReport, Vantage
from netwhy.core.protocols import readable
from netwhy.output.document import plain
from netwhy.session.changes import Change

SCHEMA = "netwhy.session/1"

Seconds = Annotated[float, Meta(ge=0, le=1e11)]
Number = Annotated[int, Meta(ge=0)]
Wall = Annotated[datetime, Meta(tz=True)]


class Header(Struct, kw_only=True):
    """The first line."""

    schema: Literal["netwhy.session/1"]
    version: str  # of netwhy
    interval_s: Annotated[float, Meta(gt=0, le=1e6)]


class Event(Struct, kw_only=True, tag_field="event"):
    """What happened, when: `at` on the wall, `at_s` on a clock that is never set."""

    at: Wall
    at_s: Seconds


class Added(Event, tag="added"):
    """A target is watched from now on; later events call it by its number."""

    target: Number
    what: dict[str, Any]


class Changed(Event, tag="changed"):
    """A target has other options now."""

    target: Number
    what: dict[str, Any]


class Removed(Event, tag="removed"):
    target: Number
    undoable: bool


class Returned(Event, tag="returned"):
    """A removal was undone."""

    target: Number


class Paused(Event, tag="paused"):
    paused: bool


class Checked(Event, tag="checked", omit_defaults=True):
    """A check ended: its report whole, or what is not as in the report before."""

    target: Number
    began_s: Seconds
    report: dict[str, Any] | None = None
    changes: list[Change] | None = None


class Seen(Event, tag="seen"):
    """This machine looks like this."""

    vantage: Vantage


class Told(Event, tag="told"):
    """What the monitor could not do; None: it can again."""

    about: str
    problem: str | None


class Missed(Event, tag="missed"):
    """So many events are not in the file: the disk was too slow."""

    events: Number


class Every(Event, tag="every"):
    """Targets without an interval of their own are checked this often now."""

    interval_s: Annotated[float, Meta(gt=0, le=1e6)]


class Stood(Event, tag="stood"):
    """Nothing ran for a time: the machine slept, or the process was stopped."""

    began: Wall
    seconds: Seconds
    asleep: bool


class Ended(Event, tag="ended"):
    """The session was left in order."""


AnyEvent = (
    Added
    | Changed
    | Removed
    | Returned
    | Paused
    | Checked
    | Seen
    | Told
    | Every
    | Stood
    | Missed
    | Ended
)


def _form(name: str, model: type, *, without: tuple[str, ...] = ()) -> type[Struct]:
    """A Struct with the fields of a dataclass."""
    hints = get_type_hints(model)
    taken: list[Any] = []
    for field in fields(model):
        if field.name in without:
            continue
        hint = hints[field.name]
        if hint == IPAddress | None:  # msgspec knows no unions of types of its user's
            hint = str | None
        if field.default_factory is not MISSING:
            default = msgspec.field(default_factory=field.default_factory)
        elif field.default is not MISSING:
            default = field.default
        else:
            default = msgspec.NODEFAULT
        taken.append((field.name, hint, default))
    return msgspec.defstruct(name, taken, kw_only=True)


class Forms:
    """The two forms that are made of the model; made when they are first needed."""

    report: ClassVar[type[Struct]] = _form("ReportForm", TargetReport, without=("target",))
    target: ClassVar[type[Struct]] = _form("TargetForm", Target)


# ------------------------------------------------------------------------------- to the file

#: A text that a health check sends: it often logs in.
#: A shorter one (PING) is none, and might stand in any word.
_LOGIN = 8
#: Fields whose values are netwhy's own words.
_NAMES = frozenset(
    ("cause", "complete", "error", "kind", "layers", "mark", "outcome", "probe", "severity")
) | {"tls", "transport", "verdict", "where"}
_SENT = re.compile(r"(?P<name>[?&]send=)[^&]+", re.IGNORECASE)


def target_tree(target: Target) -> dict[str, Any]:
    """A target as JSON, without what it sends."""
    tree = {field.name: getattr(target, field.name) for field in fields(target)}
    tree["address"] = None if target.address is None else str(target.address)
    found: dict[str, Any] = msgspec.to_builtins(tree)
    for secret in ("send", "expect"):
        found["options"][secret] = None
    return found


def report_tree(report: TargetReport) -> dict[str, Any]:
    """A report as JSON, without its target."""
    tree = {f.name: getattr(report, f.name) for f in fields(report) if f.name != "target"}
    tree["probes"] = [_probe(row) for row in report.probes]
    found: dict[str, Any] = msgspec.to_builtins(tree)
    return found


def _probe(row: ProbeRow) -> dict[str, Any]:
    found = {field.name: getattr(row, field.name) for field in fields(row)}
    return {**found, "detail": plain(row.detail)}


def masker(target: Target) -> Callable[[Any], Any] | None:
    """What masks the secrets of a target in everything told of it; None where it has none."""
    from netwhy.system.masking import MASK, mask

    options = target.options
    shown = {text: _SENT.sub(rf"\g<name>{MASK}", mask(text)) for text in _spellings(target)}
    secrets = {text: masked for text, masked in shown.items() if text != masked}
    if options.send and len(sent := options.send.strip()) >= _LOGIN:
        # Whole, and as a peer that quotes it is shown.
        for text in (options.send, readable(options.send.encode()), readable(sent.encode()), sent):
            secrets[text] = MASK
    if not secrets:
        return None

    def masked(value: Any) -> Any:
        if isinstance(value, str):
            for secret, instead in secrets.items():
                value = value.replace(secret, instead)
            return value
        if isinstance(value, dict):
            return {k: v if k in _NAMES else masked(v) for k, v in value.items()}
        return [masked(item) for item in value] if isinstance(value, list | tuple) else value

    return masked


def _spellings(target: Target) -> tuple[str, ...]:
    found = (target.text, target.path, target.options.label, target.options.fallback)
    return tuple(text for text in found if text)


# ----------------------------------------------------------------------------- from the file


def target_of(tree: dict[str, Any]) -> Target:
    """The target of a tree; msgspec.ValidationError or ValueError where it is none."""
    form = msgspec.convert(tree, Forms.target)
    values = {name: getattr(form, name) for name in form.__struct_fields__}
    if values["address"] is not None:
        values["address"] = ip_address(values["address"])
    return Target(**values)


def report_of_tree(tree: Any, target: Target) -> TargetReport:
    """The report of a tree; msgspec.ValidationError or ValueError where it is none."""
    form = msgspec.convert(tree, Forms.report)
    report = TargetReport(target, **{n: getattr(form, n) for n in form.__struct_fields__})
    if len(report.layers) != len(LAYERS):
        raise ValueError(f"it has {len(report.layers)} layers and not {len(LAYERS)}")
    times = (report.rtt_ms, report.duration_ms, *(row.ms for row in report.probes))
    if any(ms is not None and not 0 <= ms < 1e10 for ms in times):
        raise ValueError("one of its times is impossible")
    if any(not 0 <= finding.confidence <= 1 for finding in report.findings):
        raise ValueError("one of its confidences is not between 0 and 1")
    return report
