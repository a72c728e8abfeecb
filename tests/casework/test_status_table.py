"""The status table walked: from every status, every act, against DESIGN 12 written out here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from casework.acts import draft
from casework.case import Case, state_hash
from casework.errors import DomainRefusal
from casework.events import OPENING, TAKES_CUSTODY, CaseEvent
from casework.fold import fold
from casework.status import ACTS, Custody, Status
from tests.casework.casework_world import DISTRICT, World, clerk

BEFORE_DECIDED = "已委托 已收件 待补正 已受理 审查中"
RUNNING_REVIEW = "已受理 审查中"

# act: (from statuses, to status or "" for no change); read off DESIGN 12, not off the code.
DESIGN_12: dict[str, tuple[str, str]] = {
    "signed_for": ("已委托", "已收件"),
    "defects_told": ("已收件", "待补正"),
    "supplement_complete": ("待补正", "已收件"),
    "accepted": ("已收件", "已受理"),
    "not_accepted": ("已收件 待补正", "办结"),
    "overdue": ("待补正", "办结"),
    "review_started": ("已受理", "审查中"),
    "step_done": (RUNNING_REVIEW, "审查中"),
    "returned": (RUNNING_REVIEW, "审查中"),
    "decided": (RUNNING_REVIEW, "已决定"),
    "terminated": (RUNNING_REVIEW, "办结"),
    "closed": ("已决定", "办结"),
    "withdrawn": (BEFORE_DECIDED, "办结"),
    "voided": ("已委托 已收件 待补正 已受理", "办结"),
    "delivered": ("办结", "已送达"),
    "filed": ("办结 已送达", "已归档"),
    "rescinded": ("已决定 办结 已送达 已归档", "已撤销"),
    "procedure_started": (RUNNING_REVIEW, ""),
    "procedure_ended": (RUNNING_REVIEW, ""),
    "extended": (RUNNING_REVIEW, ""),
}
ALWAYS = (
    "task_given",
    "task_withdrawn",
    "handed_over",
    "handed_back",
    "task_reported",
    "corrected",
    "questioned",
    "checked",
    "recovered_checked",
    "official_number_given",
    "supplement_received",
    "withdrawal_requested",
    "void_requested",
)

PATHS: dict[str, tuple[str, ...]] = {
    "已委托": ("entrusted",),
    "已收件": ("received",),
    "待补正": ("received", "defects_told"),
    "已受理": ("received", "accepted"),
    "审查中": ("received", "accepted", "step_done", "procedure_started"),
    "已决定": ("received", "accepted", "step_done", "decided"),
    "办结": ("received", "accepted", "step_done", "decided", "closed"),
    "已送达": ("received", "accepted", "step_done", "decided", "closed", "delivered"),
    "已归档": ("received", "accepted", "step_done", "decided", "closed", "filed"),
    "已撤销": ("received", "accepted", "step_done", "decided", "rescinded"),
}


def event(position: int, kind: str, /, **body: Any) -> CaseEvent:
    """An event of one station that holds the case all along."""
    epoch = 1_795_400_000_000
    name = f"{DISTRICT}/{epoch}/{position}"
    full = {"at_ms": epoch, "custody": f"{DISTRICT}/{epoch}/1", "day": "2026-11-23", **body}
    if kind in OPENING or kind in TAKES_CUSTODY:
        full |= {"follows": "", "holder": DISTRICT, "depth": 1, "mode": "直办"}
    return CaseEvent(
        name, DISTRICT, epoch, position, (epoch + position) * 1024,
        f"{DISTRICT}/{epoch}/1", kind, clerk(DISTRICT), (), full,
        line=(DISTRICT, "KM0000") if kind == "taken_over" else (),
    )  # fmt: skip


def body_for(kind: str, case: Case) -> dict[str, Any]:
    """A body that fits the case, so that only the status decides."""
    procedures = {"procedure": case.procedures[0].event} if case.procedures else {}
    bodies: dict[str, dict[str, Any]] = {
        "accepted": {"kind": "收件即受理"},
        "step_done": {"stage": case.stage_index},
        "returned": {"to_stage": case.stage_index - 1},
        "decided": {"result": "准予"},
        "procedure_ended": procedures,
        "extended": {"days": 5},
        "task_given": {"kind": "会办", "station": DISTRICT},
        "task_withdrawn": {"task": case.tasks[0].name if case.tasks else ""},
        "handed_over": {"to": "KM0000"},
        "handed_back": {"to": "KM0000"},
        "corrected": {"field": "applicant.name", "new": "改"},
    }
    return bodies.get(kind, {})


def case_in(status: str) -> list[CaseEvent]:
    """The events of a case in that status."""
    events: list[CaseEvent] = []
    for position, kind in enumerate(PATHS[status], start=1):
        body = body_for(kind, fold(events)) if events else {}
        events.append(event(position, kind, **body))
    return events


def bare(case: Case) -> Case:
    """The case without what every new event changes, applied or not."""
    return replace(case, timeline=(), superseded=(), last_of_holder="")


def test_table_names_every_act_once() -> None:
    """The table holds the acts of DESIGN 12 and the custody rows, nothing else."""
    custody = {"entrusted", "received", "accepted_custody", "taken_over"}
    assert custody | DESIGN_12.keys() | set(ALWAYS) == ACTS.keys()


@pytest.mark.parametrize("status", PATHS)
def test_every_status_can_be_reached(status: str) -> None:
    """The paths of this test lead where they say, with nothing superseded."""
    case = fold(case_in(status))
    assert (status, ()) == (case.status.value, case.superseded)


NEEDS_EARLIER = {("已受理", "returned"), ("已受理", "procedure_ended")}


@pytest.mark.parametrize("status", PATHS)
@pytest.mark.parametrize("kind", sorted(DESIGN_12.keys() - TAKES_CUSTODY))
def test_fold_applies_the_act_only_from_its_statuses(status: str, kind: str) -> None:
    """A legal act leads to the status of the table; any other changes nothing and is listed."""
    events = case_in(status)
    before = fold(events)
    extra = event(len(events) + 1, kind, **body_for(kind, before))
    after = fold([*events, extra])
    starts, to = DESIGN_12[kind]
    legal = status in starts.split() and (status, kind) not in NEEDS_EARLIER
    if kind == "voided" and status == "已受理":
        assert "收件即受理" == before.accept_kind
    if legal:
        assert (to or status) == after.status.value
        assert () == after.superseded
    else:
        assert [(extra.name, "status")] == [(s.name, s.why) for s in after.superseded] or (
            (status, kind) in NEEDS_EARLIER
        )
        assert bare(before) == bare(after)


@pytest.mark.parametrize("status", PATHS)
@pytest.mark.parametrize("kind", ALWAYS)
def test_other_acts_never_change_the_status(status: str, kind: str) -> None:
    """Requests, tasks, offers, corrections and numbers leave the status alone."""
    events = case_in(status)
    extra = event(len(events) + 1, kind, **body_for(kind, fold(events)))
    assert status == fold([*events, extra]).status.value


FORBIDDEN = [
    (status, kind)
    for kind in sorted(DESIGN_12.keys() - TAKES_CUSTODY - {"delivered"})
    for status in PATHS
    if status not in DESIGN_12[kind][0].split()
]


@pytest.mark.parametrize(("status", "kind"), FORBIDDEN)
def test_draft_refuses_the_act_from_any_other_status(status: str, kind: str) -> None:
    """An act the table forbids is refused before anything is recorded."""
    world = World()
    events = case_in(status)
    case = fold(events)
    untouched = state_hash(case)
    with pytest.raises(DomainRefusal) as refusal:
        draft(world.context(DISTRICT), case, kind, {"reason": "试"}, clerk(DISTRICT))
    assert "status_forbids" == refusal.value.code
    assert status in refusal.value.sentence
    assert untouched == state_hash(case)


def test_only_the_node_writes_what_follows_by_rule() -> None:
    """No person can write a delivery, an acceptance of custody or an official number."""
    world = World()
    case = fold(case_in("办结"))
    for kind in ("delivered", "official_number_given", "accepted_custody"):
        with pytest.raises(DomainRefusal):
            draft(world.context(DISTRICT), case, kind, {}, clerk(DISTRICT))


def test_every_advancing_row_needs_custody() -> None:
    """An act that changes the status always has to do with custody."""
    assert [] == [
        name
        for name, row in ACTS.items()
        if row.to_status is not None and row.custody is Custody.NONE
    ]


def test_page_rows_are_those_of_the_walking_skeleton() -> None:
    """The acts with a page now are exactly those agreed."""
    agreed = (
        "entrusted signed_for received defects_told supplement_received supplement_complete"
        " accepted not_accepted review_started step_done decided closed task_reported"
        " void_requested voided handed_over taken_over handed_back checked"
    )
    assert set(agreed.split()) == {name for name, row in ACTS.items() if row.page}


def test_titles_and_statuses_are_chinese() -> None:
    """What a page shows of the table is never an identifier."""
    shown = [row.title for row in ACTS.values()] + [status.value for status in Status]
    assert [] == [text for text in shown if text.isascii()]
