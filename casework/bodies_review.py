"""Bodies of the acts behind the counter: steps, decision, closing, tasks, custody.

Each function returns the members an act adds to its base; checks of custody, status and
rights have passed before.
"""

from __future__ import annotations

from typing import Any, Final

from casework import fields as f
from casework.apply import EXTENDED_DAYS_MAX
from casework.case import Task
from casework.delivery import DELIVERED, DELIVERY_RESULTS, is_delivery
from casework.desk import NOT_SAVED, Desk, chosen_task
from casework.errors import (
    FieldInvalid,
    FieldMissing,
    NoSuchTask,
    StageForbids,
    StationUnknown,
    TaskOpen,
)
from casework.matter import StageSpec, TaskSpec
from casework.status import Result

DECISIONS: Final = (Result.GRANTED.value, Result.REFUSED.value, Result.FORWARDED.value)

Body = dict[str, Any]


def review_started(desk: Desk) -> Body:
    """Body of `review_started`."""
    return {"stage": desk.case.stage_index}


def step_done(desk: Desk) -> Body:
    """Body of `step_done`: the custodian's conclusion on the reports of all tasks."""
    stage = desk.stage
    if stage is None:
        raise StageForbids(f"审查环节已全部办完,请作出决定。{NOT_SAVED}")
    if stage.deciding:
        raise StageForbids(f"这一环节要作出决定,请用“决定”。{NOT_SAVED}")
    return {
        "stage": desk.case.stage_index,
        "stage_code": stage.code,
        "results": _results(desk, stage, desk.fields),
        "note": f.optional(desk.fields, "note", "意见"),
    }


def _results(desk: Desk, stage: StageSpec, fallback: f.Fields) -> list[dict[str, str]]:
    """One result per task: the report of the station it was given to, else the holder's own."""
    given = {
        f.required(item, "task", "任务"): item
        for item in f.objects(desk.fields, "results", "环节结果")
    }
    results = []
    for spec in stage.tasks:
        task = _task_of_step(desk, spec)
        if task is not None and task.report is not None:
            report = {"result": task.report.result, "note": task.report.note}
        elif task is not None or _belongs_elsewhere(desk, spec):
            where = desk.context.name(task.station if task else desk.station_of(spec))
            raise TaskOpen(f"{where}还没有回报“{spec.title}”,这一环节不能办完。{NOT_SAVED}")
        else:
            fields = given.get(spec.code) or fallback
            report = {
                "result": _own_result(fields, spec),
                "note": f.optional(fields, "note", "意见"),
            }
        results.append({"task": spec.code, **report})
    return results


def _own_result(fields: f.Fields, spec: TaskSpec) -> str:
    if spec.results:
        return f.one_of(fields, "result", spec.title or "环节结果", spec.results)
    return f.optional(fields, "result", spec.title or "环节结果") or "已办"


def _task_of_step(desk: Desk, spec: TaskSpec) -> Task | None:
    case = desk.case
    for task in case.tasks:
        same = (task.stage, task.visit, task.code) == (case.stage_index, case.visit, spec.code)
        if same and not task.withdrawn:
            return task
    return None


def _belongs_elsewhere(desk: Desk, spec: TaskSpec) -> bool:
    """True if another station must report; a station that took over does the work itself."""
    return desk.station_of(spec) != desk.context.station and not desk.case.custody_by_person


def returned(desk: Desk) -> Body:
    """Body of `returned`: back to an earlier stage, with the reason."""
    last = desk.case.stage_index - 1
    if last < 0:
        raise StageForbids(f"这是第一个环节,不能再退回。{NOT_SAVED}")
    to_stage = f.number({"to_stage": last, **desk.fields}, "to_stage", "环节", least=0, most=last)
    return {"to_stage": to_stage, "reason": f.required(desk.fields, "reason", "理由")}


def decided(desk: Desk) -> Body:
    """Body of `decided`: only in the deciding stage, when its other tasks are reported."""
    stage = desk.stage
    if stage is None or not stage.deciding:
        raise StageForbids(f"前面的审查环节还没有办完,不能作出决定。{NOT_SAVED}")
    others = StageSpec(
        code=stage.code, tasks=tuple(task for task in stage.tasks if not task.deciding)
    )
    result = f.one_of(desk.fields, "result", "决定", DECISIONS)
    must_say_why = result != Result.GRANTED.value
    read = f.required if must_say_why else f.optional
    return {
        "result": result,
        "reason": read(desk.fields, "reason", "理由"),
        "results": _results(desk, others, {}),
    }


def closed(desk: Desk) -> Body:
    """Body of `closed`: the result is made and sealed."""
    decision = desk.case.decision
    return {
        "result": decision.result if decision else "",
        "certificate_no": f.optional(desk.fields, "certificate_no", "证照编号"),
        "note": f.optional(desk.fields, "note", "说明"),
    }


def task_given(desk: Desk) -> Body:
    """Body of `task_given`: one task, one station, one due day."""
    context, fields = desk.context, desk.fields
    station = f.required(fields, "station", "承办站点")
    if station not in context.tree:
        raise FieldInvalid(f"站点{station}没有登记。{NOT_SAVED}", field="station")
    title = f.required(fields, "title", "任务内容")
    due = f.day(fields, "due", "完成期限", context.today)
    return {
        "task": f.optional(fields, "code", "任务编号"),
        "kind": f.required(fields, "kind", "任务种类"),
        "title": title,
        "station": station,
        "post": f.optional(fields, "post", "岗位") or "review",
        "due": due.isoformat(),
        "stage": -1,
        "visit": 0,
    }


def task_withdrawn(desk: Desk) -> Body:
    """Body of `task_withdrawn`."""
    task = desk.case.task(f.required(desk.fields, "task", "任务"))
    if task is None or not task.open:
        raise NoSuchTask(f"没有这项任务,或已经回报、撤回。{NOT_SAVED}")
    return {"task": task.name, "reason": f.required(desk.fields, "reason", "理由")}


def task_reported(desk: Desk) -> Body:
    """Body of `task_reported`; a delivery names who took it and the day it was handed over."""
    task = chosen_task(desk)
    day = f.past_day(desk.fields, "day", "日期", desk.context.today)
    body: Body = {"task": task.name, "day": day.isoformat()}
    if is_delivery(task):
        body["result"] = f.one_of(desk.fields, "result", "送达结果", DELIVERY_RESULTS)
        body["how"] = f.optional(desk.fields, "how", "送达方式")
        if body["result"] == DELIVERED:
            body["recipient"] = f.required(desk.fields, "recipient", "签收人")
    else:
        body["result"] = f.required(desk.fields, "result", "办理结果")
    body["note"] = f.optional(desk.fields, "note", "说明")
    return body


def procedure_started(desk: Desk) -> Body:
    """Body of `procedure_started`; whether it stops the clock is stated, never guessed."""
    return {
        "kind": f.required(desk.fields, "kind", "特别程序"),
        "suspends": desk.fields.get("suspends") is True,
        "reason": f.required(desk.fields, "reason", "理由"),
    }


def procedure_ended(desk: Desk) -> Body:
    """Body of `procedure_ended`."""
    name = f.required(desk.fields, "procedure", "特别程序")
    if not any(item.event == name and not item.ended for item in desk.case.procedures):
        raise NoSuchTask(f"没有正在进行的这项特别程序。{NOT_SAVED}")
    return {"procedure": name, "note": f.optional(desk.fields, "note", "结果")}


def extended(desk: Desk) -> Body:
    """Body of `extended`: once, with the reason."""
    if desk.case.extended_days:
        raise FieldInvalid(f"审批期限已经延长过一次,不能再延长。{NOT_SAVED}", field="days")
    days = f.number(desk.fields, "days", "延长天数", least=1, most=EXTENDED_DAYS_MAX)
    return {"days": days, "reason": f.required(desk.fields, "reason", "理由")}


def handed_over(desk: Desk) -> Body:
    """Body of `handed_over`: an offer to one other station."""
    to = f.required(desk.fields, "to", "接收站点")
    if to not in desk.context.tree or to == desk.context.station:
        raise FieldInvalid(f"不能移交给站点{to},请重选。{NOT_SAVED}", field="to")
    return {"to": to, "reason": f.optional(desk.fields, "reason", "理由")}


def handed_back(desk: Desk) -> Body:
    """Body of `handed_back`: to whom it came from, with the reason."""
    case = desk.case
    to = case.previous_holder if case.holder == desk.context.station else case.holder
    return {"to": to, "reason": f.required(desk.fields, "reason", "退回理由")}


def accepted_custody(desk: Desk) -> Body:
    """Body of `accepted_custody`."""
    return desk.taking()


def taken_over(desk: Desk) -> Body:
    """Body of `taken_over`; `seen` draws the line below which the former holder's acts count."""
    reason = f.required(desk.fields, "reason", "接办理由")
    context, holder = desk.context, desk.case.holder
    warrant = context.warrant(holder) if context.warrant is not None else None
    if warrant is None:
        raise StationUnknown(
            f"本站的站点资料不全,还证明不了本站是{context.name(holder)}的上级,"
            f"暂时不能接办。{NOT_SAVED}资料收到后再试。",
            station=holder,
        )
    return {
        **desk.taking(),
        "seen": desk.case.last_of_holder,
        "reason": reason,
        "warrant": warrant,
    }


def corrected(desk: Desk) -> Body:
    """Body of `corrected`: one field of the applicant or agent, old and new value."""
    name = f.required(desk.fields, "field", "更正的项目")
    part, _, key = name.partition(".")
    parts = {"applicant": desk.case.applicant, "agent": desk.case.agent}
    if part not in parts or not key:
        raise FieldInvalid(f"这个项目不能更正。{NOT_SAVED}", field="field")
    new = f.required(desk.fields, "new", "更正后的内容")
    old = parts[part].get(key, "")
    if new == old:
        raise FieldMissing(f"更正前后内容相同。{NOT_SAVED}", field="new")
    return {
        "field": name,
        "old": old,
        "new": new,
        "reason": f.required(desk.fields, "reason", "更正理由"),
    }


def questioned(desk: Desk) -> Body:
    """Body of `questioned`: which event, and what is doubtful about it."""
    name = f.required(desk.fields, "event", "存疑的记录")
    if not any(entry.name == name for entry in desk.case.timeline):
        raise FieldInvalid(f"办件里没有这条记录。{NOT_SAVED}", field="event")
    return {"event": name, "why": f.required(desk.fields, "why", "疑问")}


def to_check(desk: Desk) -> dict[str, str]:
    """The events of other stations this one may check, with why each is doubtful."""
    own = f"{desk.context.station}/"
    return {name: why for name, why in desk.case.doubted().items() if not name.startswith(own)}


def checked(desk: Desk) -> Body:
    """Body of `checked`: one doubtful event, what a person found, and nothing changed by it."""
    name = f.required(desk.fields, "event", "要核对的记录")
    if name not in to_check(desk):
        raise FieldInvalid(
            f"这条记录不用核对、已经核对过,或是本站自己写的,要由别的站点核对。{NOT_SAVED}",
            field="event",
        )
    return {"events": [name], "note": f.required(desk.fields, "note", "核对结果")}
