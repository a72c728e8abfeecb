"""What a case is: plain frozen values, produced only by `fold`.

Holds no rule and no date arithmetic; everything here is a function of the set of events.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any, Final

import msgspec
import rfc8785

from casework.events import TAKEN_OVER
from casework.status import Result, Status

WAITING: Final = "custody_unknown"
"""Reason of an event that rests on one not here yet: it asks for no person."""
_SORTED: Final = msgspec.json.Encoder(order="sorted")
_BEYOND_BASIC_PLANE: Final = re.compile(rb"[\xf0-\xf4]")


@dataclass(frozen=True, slots=True)
class MatterPin:
    """The version of the matter the case is handled by."""

    code: str = ""
    version: int = 0
    hash: str = ""


@dataclass(frozen=True, slots=True)
class MaterialTick:
    """One material: `state` 已收 or 缺, how the paper is taken, and the event that says so."""

    code: str
    state: str
    taken_as: str
    event: str


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect: the material it concerns (may be empty) and what is wrong."""

    material: str
    problem: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of defects with the day until which they are to be cured (empty = none)."""

    event: str
    day: str
    defects: tuple[Defect, ...]
    reply_by: str


@dataclass(frozen=True, slots=True)
class Supplement:
    """Papers that came in after a notice; `checked` once a 补齐 names the event."""

    event: str
    station: str
    day: str
    materials: tuple[str, ...]
    checked: bool


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one task of a stage said."""

    task: str
    result: str
    note: str


@dataclass(frozen=True, slots=True)
class StepReport:
    """The custodian's conclusion of one stage."""

    event: str
    stage: int
    actor: str
    results: tuple[StepResult, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision with its reason; the reason is obligatory unless 准予."""

    event: str
    result: str
    reason: str
    actor: str
    day: str


@dataclass(frozen=True, slots=True)
class TaskReport:
    """The one report that counts for a task."""

    event: str
    result: str
    note: str
    day: str


@dataclass(frozen=True, slots=True)
class Task:
    """Part of the case given to one station; named by its `task_given` event.

    `stage` is -1 for a task outside the steps; `visit` counts how often a stage was entered.
    """

    name: str
    code: str
    kind: str
    title: str
    station: str
    post: str
    due: str
    stage: int
    visit: int
    withdrawn: bool
    report: TaskReport | None

    @property
    def open(self) -> bool:
        """True while a report is still expected."""
        return self.report is None and not self.withdrawn


@dataclass(frozen=True, slots=True)
class Procedure:
    """A special procedure or an extension; `ended` is empty while it runs."""

    event: str
    kind: str
    suspends: bool
    started: str
    ended: str
    reason: str


@dataclass(frozen=True, slots=True)
class KeyDays:
    """Legally relevant days as ISO text; empty = has not happened."""

    opened: str = ""
    received: str = ""
    papers_in: str = ""
    accepted: str = ""
    decided: str = ""
    closed: str = ""
    delivered: str = ""


@dataclass(frozen=True, slots=True)
class Superseded:
    """An event that is kept and shown but not applied, and why (see `reasons`)."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Question:
    """An event somebody doubts: the name of the doubt, its station, the event, the reason."""

    name: str
    station: str
    event: str
    why: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One event as a page shows it; `text` is 内容已清除 where the body is gone."""

    name: str
    station: str
    type: str
    title: str
    actor: str
    at_ms: int
    hlc: int
    text: str
    cleared: bool
    understood: bool
    superseded: bool
    why: str
    questioned: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """The state of one case: the picture every holder of the same events has."""

    stream: str
    receipt_no: str = ""
    official_no: str = ""
    matter: MatterPin = MatterPin()
    mode: str = ""
    receiving: str = ""
    handling: str = ""
    delivery: str = ""
    custody: str = ""
    custody_kind: str = ""
    custody_handed_back: bool = False
    holder: str = ""
    term: int = 0
    offered_to: str = ""
    previous_holder: str = ""
    last_of_holder: str = ""
    status: Status = Status.RECEIVED
    result: Result | None = None
    reason: str = ""
    flags: tuple[str, ...] = ()
    accept_kind: str = ""
    acted: bool = False
    acted_since_accepted: bool = False
    applicant: Mapping[str, str] = field(default_factory=dict)
    agent: Mapping[str, str] = field(default_factory=dict)
    materials: tuple[MaterialTick, ...] = ()
    notices: tuple[Notice, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    stage_index: int = 0
    visit: int = 0
    steps: tuple[StepReport, ...] = ()
    decision: Decision | None = None
    certificate_no: str = ""
    tasks: tuple[Task, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    extended_days: int = 0
    void_requested: bool = False
    withdrawal_requested: bool = False
    days: KeyDays = KeyDays()
    audience: tuple[str, ...] = ()
    superseded: tuple[Superseded, ...] = ()
    questions: tuple[Question, ...] = ()
    checked: tuple[str, ...] = ()
    bodies_missing: int = 0
    timeline: tuple[TimelineEntry, ...] = ()

    @property
    def custody_by_person(self) -> bool:
        """True if custody was taken over or handed back, so that no rule may pass it on."""
        return self.custody_handed_back or self.custody_kind == TAKEN_OVER

    def doubted(self) -> dict[str, str]:
        """The events a person is to check and has not, with the reason: superseded or questioned.

        What only waits for a record that has not come in is not among them.
        """
        here = {entry.name for entry in self.timeline}
        found = {item.event: item.why for item in self.questions if item.event in here}
        found |= {item.name: item.why for item in self.superseded}
        waiting = {item.name for item in self.superseded if item.why == WAITING}
        return {n: why for n, why in found.items() if n not in {*waiting, *self.checked}}

    def task(self, name: str) -> Task | None:
        """The task named by its giving event."""
        return next((task for task in self.tasks if task.name == name), None)

    def missing(self, codes: frozenset[str]) -> tuple[str, ...]:
        """Those of the materials named that have not come in."""
        have = {tick.code for tick in self.materials if tick.state == "已收"}
        return tuple(sorted(codes - have))


def as_json(value: Any) -> Any:
    """The value as JSON: dataclasses to objects, tuples to lists, enums to their text."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: as_json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [as_json(item) for item in value]
    return value


def state_bytes(case: Case) -> bytes:
    """The whole state as canonical JSON, timeline included.

    msgspec's sorted spelling is RFC 8785's unless characters beyond the basic plane occur.
    """
    raw = _SORTED.encode(case)
    return rfc8785.dumps(as_json(case)) if _BEYOND_BASIC_PLANE.search(raw) else raw


def state_hash(case: Case) -> str:
    """SHA-256 (hex) over the canonical JSON of the whole state, timeline included."""
    return hashlib.sha256(state_bytes(case)).hexdigest()
