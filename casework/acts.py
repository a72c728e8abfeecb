"""What a person does: `draft` turns an act and its fields into a draft, or refuses.

Refusals are `DomainRefusal` with a sentence for the worker; a refused act changes nothing.
`draft_by_rule` is the same door for the node itself, without the check of staff.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from casework import bodies_intake as intake
from casework import bodies_review as review
from casework import events as e
from casework.case import Case
from casework.context import Context
from casework.desk import NOT_SAVED, Desk, check, check_rights, check_state, find_act
from casework.errors import DomainRefusal, NoRight, UnknownAct
from casework.events import NODE, Draft
from casework.status import ACTS, Custody

_BODIES: Final[dict[str, Callable[[Desk], dict[str, Any]]]] = {
    e.ENTRUSTED: intake.opening,
    e.RECEIVED: intake.opening,
    e.SIGNED_FOR: intake.signed_for,
    e.DEFECTS_TOLD: intake.defects_told,
    e.SUPPLEMENT_RECEIVED: intake.supplement_received,
    e.SUPPLEMENT_COMPLETE: intake.supplement_complete,
    e.ACCEPTED: intake.accepted,
    e.NOT_ACCEPTED: intake.reason,
    e.OVERDUE: intake.overdue,
    e.REVIEW_STARTED: review.review_started,
    e.STEP_DONE: review.step_done,
    e.RETURNED: review.returned,
    e.DECIDED: review.decided,
    e.TERMINATED: intake.reason,
    e.CLOSED: review.closed,
    e.WITHDRAWAL_REQUESTED: intake.reason,
    e.WITHDRAWN: intake.reason,
    e.VOID_REQUESTED: intake.reason,
    e.VOIDED: intake.reason,
    e.FILED: lambda _: {},
    e.RESCINDED: intake.reason,
    e.PROCEDURE_STARTED: review.procedure_started,
    e.PROCEDURE_ENDED: review.procedure_ended,
    e.EXTENDED: review.extended,
    e.TASK_GIVEN: review.task_given,
    e.TASK_WITHDRAWN: review.task_withdrawn,
    e.HANDED_OVER: review.handed_over,
    e.TASK_REPORTED: review.task_reported,
    e.CORRECTED: review.corrected,
    e.QUESTIONED: review.questioned,
    e.CHECKED: review.checked,
    e.ACCEPTED_CUSTODY: review.accepted_custody,
    e.TAKEN_OVER: review.taken_over,
    e.HANDED_BACK: review.handed_back,
}


def draft(
    context: Context,
    case: Case | None,
    act: str,
    fields: Mapping[str, object],
    actor: str,
) -> Draft:
    """The draft of an act of a staff member, one that is drafted here. Raises: DomainRefusal."""
    desk = Desk(context=context, act=find_act(act), actor=actor, fields=fields, opened=case)
    if act not in _BODIES:
        raise UnknownAct(f"“{desk.act.title}”不在这里办。{NOT_SAVED}", act=act)
    if desk.act.custody is Custody.OPENS:
        check_state(desk)
        matter, _ = intake.intake_matter(desk)
        check_rights(desk, matter.code)
    else:
        check(desk)
    return _drafted(desk, _BODIES[act](desk))


def draft_by_rule(context: Context, case: Case, act: str, body: Mapping[str, object]) -> Draft:
    """The draft of an act the node writes by itself, with the body members given.

    Raises: DomainRefusal, if custody or status forbid it, or only a person may do it.
    """
    row = find_act(act)
    if not row.by_node:
        raise NoRight(f"“{row.title}”只能由工作人员办理。", act=act)
    desk = Desk(context=context, act=row, actor=NODE, fields={}, opened=case)
    check_state(desk)
    return _drafted(desk, dict(body))


def _drafted(desk: Desk, body: dict[str, Any]) -> Draft:
    case, act = desk.opened, desk.act
    complete = {**desk.base(), **body}
    wanted: set[str] = set()
    if act.custody is Custody.OPENS:
        wanted = {complete["receiving"], complete["handling"], complete["delivery"]}
    elif act.custody is Custody.OFFERS:
        wanted = {complete["to"]}
    elif act.custody is Custody.TAKES:
        wanted = {desk.context.station}
    elif act.name == e.TASK_GIVEN:
        wanted = {complete["station"]}
    known = case.audience if case else ()
    return Draft(
        stream=case.stream if case else None,
        type=act.name,
        actor=desk.actor,
        audience=tuple(sorted(wanted.difference(known))),
        body=complete,
    )


def acts_offered(context: Context, case: Case | None, staff_no: str) -> list[str]:
    """The acts with a page that this person may do here now. Order: of the table.

    Fields are not looked at: an act offered may still be refused for what is typed.
    """
    return [
        name
        for name, row in ACTS.items()
        if row.page and row.rights and not _refused(context, case, name, staff_no)
    ]


def _refused(context: Context, case: Case | None, act: str, staff_no: str) -> bool:
    desk = Desk(context=context, act=find_act(act), actor=staff_no, fields={}, opened=case)
    try:
        if case is None and desk.act.custody is not Custody.OPENS:
            return True
        check(desk)
        _check_stage(desk)
    except DomainRefusal:
        return True
    return False


def _check_stage(desk: Desk) -> None:
    """Offer only what there is: steps and decision in their stage, a check where one is due."""
    if desk.act.name == e.CHECKED and not review.to_check(desk):
        raise NoRight("没有要核对的记录。", act=desk.act.name)
    if desk.act.name not in (e.STEP_DONE, e.DECIDED, e.REVIEW_STARTED):
        return
    stage = desk.stage
    deciding = stage is not None and stage.deciding
    if deciding != (desk.act.name == e.DECIDED):
        raise NoRight(f"现在的环节不能“{desk.act.title}”。", act=desk.act.name)
