"""What this node itself must write now: `due_by_rule`.

Every rule looks only at the case and the registers, and what it writes makes it fall
silent. One draft may call for the next (accepting custody, then giving tasks), so the
caller records the drafts, folds again and asks again until the answer is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from casework import events as e
from casework.acts import draft_by_rule
from casework.case import Case
from casework.context import Context
from casework.delivery import DELIVERY, delivered_task, delivery_wanted
from casework.desk import station_of
from casework.entitled import NO_RIGHT, NOT_HOLDER
from casework.errors import DomainRefusal
from casework.events import Draft
from casework.matter import Matter, TaskSpec
from casework.status import Status

ROUNDS_MAX: Final = 8
"""More rounds of asking than any chain of rules needs; more is a bug."""
DELIVERY_DAYS: Final = 10
"""Working days to deliver. Source: 行政许可法 art. 44 as quoted in [domain 2.3]."""
STEP_TASK_KIND: Final = "会办"
VOID_REASON: Final = "录入错误,收件站点申请作废,之后无人办理"


def due_by_rule(context: Context, case: Case) -> list[Draft]:
    """The drafts due at this station now, actor "node".

    Idempotent: once they are recorded the same rule gives nothing; ask again for what
    follows from them, at most `ROUNDS_MAX` times.
    """
    if case.bodies_missing or context.station not in context.tree:
        return []
    found = list(_for_anyone(context, case))
    if case.offered_to == context.station and _accepts_by_rule(case):
        found.append(draft_by_rule(context, case, e.ACCEPTED_CUSTODY, _taking(context, case)))
    elif case.holder == context.station and not case.offered_to:
        found.extend(_for_holder(context, case))
    return found


def _taking(context: Context, case: Case) -> dict[str, Any]:
    return {
        "follows": case.custody,
        "holder": context.station,
        "depth": context.tree.depth(context.station),
    }


def _accepts_by_rule(case: Case) -> bool:
    """Signing for an entrusted case is a person's act; taking one's own back is not."""
    return case.status is not Status.ENTRUSTED or case.offered_to == case.holder


def _for_anyone(context: Context, case: Case) -> Iterator[Draft]:
    """The official number, once the case is accepted; a question where a child had no right."""
    root = not context.tree.parent(context.station)
    places = {"central": root, "handling": context.station == case.handling}
    here = places.get(context.numbers_by, False)
    give = context.next_official_number
    if here and give is not None and case.days.accepted and not case.official_no:
        yield draft_by_rule(context, case, e.OFFICIAL_NUMBER_GIVEN, {"number": give()})
    for name, why in unasked(case).items():
        if context.tree.parent(_author(name)) == context.station:
            yield draft_by_rule(context, case, e.QUESTIONED, {"event": name, "why": why})


def unasked(case: Case) -> dict[str, str]:
    """What was written without right and its author's parent has not questioned, with the reason.

    `handed_back` is not among them: whether it was offered may still be on its way.
    """
    asked = {item.event for item in case.questions if item.station != _author(item.event)}
    kinds = {entry.name: entry.type for entry in case.timeline}
    return {
        item.name: item.why
        for item in case.superseded
        if item.why in (NO_RIGHT, NOT_HOLDER)
        and item.name not in asked
        and kinds[item.name] != e.HANDED_BACK
    }


def _author(name: str) -> str:
    return name.partition("/")[0]


def _for_holder(context: Context, case: Case) -> list[Draft]:
    """What follows for the holder; an offer or an ending leaves room for nothing else."""
    for rule in (_void, _deliver, _forward_complete, _follow_stage):
        found = list(rule(context, case))
        if found:
            return found
    return []


def _void(context: Context, case: Case) -> Iterator[Draft]:
    """Voided at the receiving station's request, if nobody has acted since intake."""
    if not case.void_requested or case.acted:
        return
    try:
        yield draft_by_rule(context, case, e.VOIDED, {"reason": VOID_REASON})
    except DomainRefusal:
        return  # The status no longer allows it: a person decides.


def _deliver(context: Context, case: Case) -> Iterator[Draft]:
    """The delivery task after the end, and 送达 on its report."""
    done = delivered_task(case)
    if case.status is Status.CLOSED and done is not None and done.report is not None:
        body = {"task": done.name, "day": done.report.day}
        yield draft_by_rule(context, case, e.DELIVERED, body)
    elif delivery_wanted(case):
        due = context.calendar.add_workdays(context.today, DELIVERY_DAYS)
        body = {
            "task": "",
            "kind": DELIVERY,
            "title": "送达办理结果",
            "station": case.delivery,
            "post": "deliver",
            "due": due.day.isoformat() if due else "",
        }
        yield draft_by_rule(context, case, e.TASK_GIVEN, {**body, "stage": -1, "visit": 0})


def _forward_complete(context: Context, case: Case) -> Iterator[Draft]:
    """A complete case of 代收 or 代办 is offered to the handling station."""
    waiting = {"代收": Status.RECEIVED, "代办": Status.ENTRUSTED}.get(case.mode)
    at_counter = case.receiving == context.station != case.handling
    if case.status is not waiting or not at_counter or case.custody_by_person:
        return
    matter = context.find_pinned(case)
    if matter is not None and not case.missing(matter.required(lenient=True)):
        yield _offer(context, case, case.handling)


def _follow_stage(context: Context, case: Case) -> Iterator[Draft]:
    """Offer the case where the whole next stage belongs, or give its tasks out."""
    if case.status not in (Status.ACCEPTED, Status.REVIEWING) or case.custody_by_person:
        return
    matter = context.find_pinned(case)
    stage = matter.stage(case.stage_index) if matter is not None else None
    if matter is None or stage is None or not stage.tasks:
        return
    places = {station_of(context, case, task) for task in stage.tasks}
    if places == {context.station}:
        return
    if len(places) == 1:
        yield _offer(context, case, places.pop())
    else:
        yield from _give_step_tasks(context, case, matter, stage.tasks)


def _give_step_tasks(
    context: Context, case: Case, matter: Matter, tasks: tuple[TaskSpec, ...]
) -> Iterator[Draft]:
    given = {(task.stage, task.visit, task.code) for task in case.tasks}
    for task in tasks:
        station = station_of(context, case, task)
        here = (case.stage_index, case.visit, task.code)
        if station == context.station or here in given:
            continue
        body = {
            "task": task.code,
            "kind": STEP_TASK_KIND,
            "title": task.title or matter.name,
            "station": station,
            "post": task.post,
            "due": _due(context, task.limit_days),
            "stage": case.stage_index,
            "visit": case.visit,
        }
        yield draft_by_rule(context, case, e.TASK_GIVEN, body)


def _due(context: Context, days: int) -> str:
    due = context.calendar.add_workdays(context.today, days) if days > 0 else None
    return due.day.isoformat() if due else ""


def _offer(context: Context, case: Case, to: str) -> Draft:
    return draft_by_rule(context, case, e.HANDED_OVER, {"to": to, "reason": ""})
