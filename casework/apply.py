"""What each act on the winning chain does to the state of a case.

Called by `fold` in the chain's order. A handler returns an empty text when the act took
effect, otherwise the reason why it did not; it never raises. Right and form are checked
when an act is drafted; here only what decides between two histories counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from casework import body as read
from casework import events as e
from casework.body import Body
from casework.case import (
    Decision,
    Defect,
    KeyDays,
    Notice,
    Procedure,
    StepReport,
    StepResult,
    Task,
)
from casework.events import NODE, CaseEvent
from casework.status import ACTS, ENDED, Result, Status

WRONG_STATUS: Final = "status"
WRONG_TASK: Final = "task"
EXTENDED_DAYS_MAX: Final = 365
"""What a form takes and what an event is believed: a limit of ages could not be reckoned."""

_DAY_MS: Final = 86_400_000
_CHINA_OFFSET_MS: Final = 8 * 3_600_000
_ORDINAL_1970: Final = date(1970, 1, 1).toordinal()
_AT_MS_MAX: Final = 253_000_000_000_000


@dataclass(slots=True)
class State:
    """The case while its events are applied one after another."""

    status: Status | None = None
    result: Result | None = None
    reason: str = ""
    accept_kind: str = ""
    acted: bool = False
    acted_since_accepted: bool = False
    stage_index: int = 0
    visit: int = 0
    days: KeyDays = field(default_factory=KeyDays)
    notices: list[Notice] = field(default_factory=list)
    steps: list[StepReport] = field(default_factory=list)
    decision: Decision | None = None
    certificate_no: str = ""
    tasks: dict[str, Task] = field(default_factory=dict)
    procedures: dict[str, Procedure] = field(default_factory=dict)
    extended_days: int = 0
    checked: set[str] = field(default_factory=set)
    flags: set[str] = field(default_factory=set)


def day_of(event: CaseEvent, key: str = "day") -> str:
    """The day the event states, else the day of its clock in China; ISO text."""
    stated = read.text(event.body or read.EMPTY, key)
    try:
        return date.fromisoformat(stated).isoformat()
    except ValueError:
        at_ms = read.integer(event.body or read.EMPTY, "at_ms", -1)
        at_ms = event.hlc // 1024 if at_ms < 0 else at_ms
        at_ms = min(max(at_ms, 0), _AT_MS_MAX)
        return date.fromordinal(_ORDINAL_1970 + (at_ms + _CHINA_OFFSET_MS) // _DAY_MS).isoformat()


def apply_act(state: State, event: CaseEvent) -> str:
    """Apply one custody event or advancing act; the reason if it has no effect."""
    act = ACTS[event.type]
    if (
        act.from_statuses is not None
        and event.type not in e.OPENING
        and (state.status not in act.from_statuses)
    ):
        return WRONG_STATUS
    handler = _HANDLERS.get(event.type)
    why = handler(state, event, event.body or read.EMPTY) if handler else ""
    if why:
        return why
    if act.to_status is not None:
        state.status = act.to_status
    _note_activity(state, event)
    return ""


def _note_activity(state: State, event: CaseEvent) -> None:
    """Remember whether a person did more than take in, accept on receipt or pass on."""
    passing = event.type in e.OPENING or event.type in e.OFFERS_CUSTODY
    if event.actor == NODE or passing or event.type == e.ACCEPTED_CUSTODY:
        return
    if event.type == e.ACCEPTED:
        state.acted_since_accepted = False
        state.acted = state.acted or state.accept_kind != "收件即受理"
        return
    state.acted = state.acted_since_accepted = True


def _end(result: Result) -> Callable[[State, CaseEvent, Body], str]:
    def handler(state: State, event: CaseEvent, body: Body) -> str:
        state.result = result
        state.reason = read.text(body, "reason")
        state.days = replace(state.days, closed=day_of(event))
        return ""

    return handler


def _opened(state: State, event: CaseEvent, body: Body) -> str:
    day = day_of(event)
    state.days = replace(state.days, opened=day)
    if event.type == e.RECEIVED:
        state.days = replace(state.days, received=day, papers_in=day)
    return ""


def _signed_for(state: State, event: CaseEvent, body: Body) -> str:
    state.days = replace(state.days, received=day_of(event), papers_in=day_of(event))
    return ""


def _defects_told(state: State, event: CaseEvent, body: Body) -> str:
    defects = tuple(
        Defect(read.text(item, "material"), read.text(item, "problem"))
        for item in read.objects(body, "defects")
    )
    notice = Notice(event.name, day_of(event), defects, read.day(body, "reply_by"))
    state.notices.append(notice)
    return ""


def _supplement_complete(state: State, event: CaseEvent, body: Body) -> str:
    state.checked.update(read.texts(body, "supplements"))
    state.days = replace(state.days, papers_in=day_of(event, "papers_in"))
    return ""


def _accepted(state: State, event: CaseEvent, body: Body) -> str:
    state.accept_kind = read.text(body, "kind")
    state.checked.update(read.texts(body, "supplements"))
    flags = {"容缺": "容缺", "视为": "视为受理"}
    if state.accept_kind in flags:
        state.flags.add(flags[state.accept_kind])
    state.days = replace(state.days, accepted=day_of(event))
    state.stage_index, state.visit = 0, 1
    return ""


def _step_done(state: State, event: CaseEvent, body: Body) -> str:
    stage = read.integer(body, "stage", -1)
    if event.body is not None and stage != state.stage_index:
        return WRONG_STATUS
    results = tuple(
        StepResult(read.text(item, "task"), read.text(item, "result"), read.text(item, "note"))
        for item in read.objects(body, "results")
    )
    report = StepReport(
        event.name, state.stage_index, event.actor, results, read.text(body, "note")
    )
    state.steps.append(report)
    state.stage_index += 1
    state.visit += 1
    return ""


def _returned(state: State, event: CaseEvent, body: Body) -> str:
    stage = read.integer(body, "to_stage", 0)
    if not 0 <= stage < state.stage_index:
        return WRONG_STATUS
    state.stage_index = stage
    state.visit += 1
    return ""


def _decided(state: State, event: CaseEvent, body: Body) -> str:
    day = day_of(event)
    state.decision = Decision(
        event.name, read.text(body, "result"), read.text(body, "reason"), event.actor, day
    )
    state.days = replace(state.days, decided=day)
    return ""


def _closed(state: State, event: CaseEvent, body: Body) -> str:
    if state.decision is not None:
        known = {item.value: item for item in Result}
        state.result = known.get(state.decision.result)
        state.reason = state.decision.reason
    state.certificate_no = read.text(body, "certificate_no")
    state.days = replace(state.days, closed=day_of(event))
    return ""


def _voided(state: State, event: CaseEvent, body: Body) -> str:
    accepted_on_receipt = state.accept_kind == "收件即受理" and not state.acted_since_accepted
    if state.status is Status.ACCEPTED and not accepted_on_receipt:
        return WRONG_STATUS
    return _end(Result.VOID)(state, event, body)


def _delivered(state: State, event: CaseEvent, body: Body) -> str:
    state.days = replace(state.days, delivered=day_of(event))
    return ""


def _rescinded(state: State, event: CaseEvent, body: Body) -> str:
    state.reason = read.text(body, "reason")
    return ""


def _procedure_started(state: State, event: CaseEvent, body: Body) -> str:
    state.procedures[event.name] = Procedure(
        event.name,
        read.text(body, "kind"),
        read.flag(body, "suspends"),
        day_of(event),
        "",
        read.text(body, "reason"),
    )
    return ""


def _procedure_ended(state: State, event: CaseEvent, body: Body) -> str:
    running = state.procedures.get(read.text(body, "procedure"))
    if running is None or running.ended:
        return WRONG_TASK
    state.procedures[running.event] = replace(running, ended=day_of(event))
    return ""


def _extended(state: State, event: CaseEvent, body: Body) -> str:
    if state.extended_days:
        return WRONG_STATUS
    state.extended_days = min(max(read.integer(body, "days"), 0), EXTENDED_DAYS_MAX)
    return ""


def _task_given(state: State, event: CaseEvent, body: Body) -> str:
    state.tasks[event.name] = Task(
        name=event.name,
        code=read.text(body, "task"),
        kind=read.text(body, "kind"),
        title=read.text(body, "title"),
        station=read.text(body, "station"),
        post=read.text(body, "post"),
        due=read.text(body, "due"),
        stage=read.integer(body, "stage", -1),
        visit=read.integer(body, "visit"),
        withdrawn=False,
        report=None,
    )
    return ""


def _task_withdrawn(state: State, event: CaseEvent, body: Body) -> str:
    task = state.tasks.get(read.text(body, "task"))
    if task is None or task.withdrawn:
        return WRONG_TASK
    state.tasks[task.name] = replace(task, withdrawn=True)
    return ""


_HANDLERS: Final[dict[str, Callable[[State, CaseEvent, Body], str]]] = {
    e.ENTRUSTED: _opened,
    e.RECEIVED: _opened,
    e.SIGNED_FOR: _signed_for,
    e.DEFECTS_TOLD: _defects_told,
    e.SUPPLEMENT_COMPLETE: _supplement_complete,
    e.ACCEPTED: _accepted,
    e.NOT_ACCEPTED: _end(Result.NOT_ACCEPTED),
    e.OVERDUE: _end(Result.SENT_BACK),
    e.TERMINATED: _end(Result.TERMINATED),
    e.WITHDRAWN: _end(Result.WITHDRAWN),
    e.VOIDED: _voided,
    e.STEP_DONE: _step_done,
    e.RETURNED: _returned,
    e.DECIDED: _decided,
    e.CLOSED: _closed,
    e.DELIVERED: _delivered,
    e.RESCINDED: _rescinded,
    e.PROCEDURE_STARTED: _procedure_started,
    e.PROCEDURE_ENDED: _procedure_ended,
    e.EXTENDED: _extended,
    e.TASK_GIVEN: _task_given,
    e.TASK_WITHDRAWN: _task_withdrawn,
}


def ended(state: State) -> bool:
    """True if the work on the case is over."""
    return state.status in ENDED
