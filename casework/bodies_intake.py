"""Bodies of the acts at the counter: taking in, telling defects, supplements, accepting.

Each function returns the members an act adds to its base; checks of custody, status and
rights have passed before.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from casework import fields as f
from casework.desk import NOT_SAVED, Desk
from casework.errors import (
    FieldInvalid,
    FieldMissing,
    MaterialsMissing,
    MatterIsNoticeOnly,
    NotYetDue,
)
from casework.fields import Fields
from casework.identity import CITIZEN_ID_TYPE, citizen_id_valid
from casework.matter import Matter
from casework.registers import Service

HAVE: Final = "已收"
LACK: Final = "缺"
OFFLINE_FLAG: Final = "断网办理"
ACCEPT_KINDS: Final = ("普通", "收件即受理", "容缺")

Body = dict[str, Any]


def opening(desk: Desk) -> Body:
    """Body of `received` and `entrusted`."""
    context, fields = desk.context, desk.fields
    matter, service = intake_matter(desk)
    custody = desk.taking()
    applicant = f.text_map(fields, "applicant", "申请人")
    f.required(applicant, "name", "申请人姓名")
    id_no = applicant.get("id_no", "")
    if applicant.get("id_type") == CITIZEN_ID_TYPE and id_no and not citizen_id_valid(id_no):
        raise FieldInvalid("身份证号码不对,没有保存,请核对后再填。", field="applicant.id_no")
    handling = service.handling or context.station
    delivery = f.optional(fields, "delivery", "领取地点") or service.delivery or context.station
    for station in (handling, delivery):
        if station not in context.tree:
            raise FieldInvalid(
                f"站点{station}没有登记,没有保存。请联系站点管理员。", field="station"
            )
    flags = {item for item in f.optional(fields, "flags", "标记").split(",") if item}
    if fields.get("offline") is True:
        flags.add(OFFLINE_FLAG)
    body: Body = {
        **custody,
        "receipt_no": f.required(fields, "receipt_no", "收件编号"),
        "matter": {"code": matter.code, "version": matter.version, "hash": matter.hash},
        "mode": service.mode,
        "receiving": context.station,
        "handling": handling,
        "delivery": delivery,
        "applicant": applicant,
        "materials": _ticked(matter, f.objects(fields, "materials", "材料")),
        "flags": sorted(flags),
    }
    agent = f.text_map(fields, "agent", "代办人")
    return {**body, "agent": agent} if agent else body


def intake_matter(desk: Desk) -> tuple[Matter, Service]:
    """The matter and service an opening act is about. Raises: FieldInvalid, MatterIsNoticeOnly."""
    context = desk.context
    code = f.required(desk.fields, "matter", "事项")
    matter = context.matter(code)
    if matter is None:
        raise FieldInvalid("本站没有这个事项的资料,没有保存。请先更新事项目录。", field="matter")
    service = context.service(context.station, code)
    current = service is not None and service.valid_on(context.today)
    if matter.notice_only or service is None or not current or service.mode == "告知":
        raise MatterIsNoticeOnly(
            f"本站对“{matter.name}”只提供咨询,不收件。请告诉申请人到哪里办理。", matter=code
        )
    return matter, service


def _ticked(matter: Matter, given: list[dict[str, Any]]) -> list[dict[str, str]]:
    """One tick per material of the matter; what is not mentioned is lacking."""
    by_code = {f.required(item, "code", "材料编号"): item for item in given}
    specs = {item.code: item for item in matter.materials}
    unknown = sorted(by_code.keys() - specs.keys())
    if unknown:
        raise FieldInvalid(f"事项里没有材料{unknown[0]},没有保存。", field="materials")
    ticks = []
    for code, spec in specs.items():
        item: Fields = by_code.get(code, {})
        state = f.optional(item, "state", "材料状态") or LACK
        if state not in (HAVE, LACK):
            raise FieldInvalid("材料状态只能是“已收”或“缺”,没有保存。", field="materials")
        taken_as = f.optional(item, "taken_as", "收取方式") or spec.taken_as
        ticks.append({"code": code, "state": state, "taken_as": taken_as})
    return ticks


def signed_for(desk: Desk) -> Body:
    """Body of `signed_for`: the authority has the application from this day on."""
    return desk.taking()


def defects_told(desk: Desk) -> Body:
    """Body of `defects_told`: all defects at once; a second notice needs a reason."""
    defects = [
        {
            "material": f.optional(item, "material", "材料"),
            "problem": f.required(item, "problem", "问题"),
        }
        for item in f.objects(desk.fields, "defects", "需补正的内容")
    ]
    if not defects:
        raise FieldMissing("请一次写明全部需要补正的内容,还没有保存。", field="defects")
    body: Body = {"defects": defects, "notice_no": len(desk.case.notices) + 1}
    if desk.case.notices:
        body["reason"] = f.required(desk.fields, "reason", "再次告知的理由")
    days = desk.matter.supplement_days
    due = desk.context.calendar.add_workdays(desk.context.today, days) if days else None
    return {**body, "reply_by": due.day.isoformat()} if due else body


def supplement_received(desk: Desk) -> Body:
    """Body of `supplement_received`; anyone concerned may take papers in."""
    materials = [
        {
            "code": f.required(item, "code", "材料编号"),
            "state": HAVE,
            "taken_as": f.optional(item, "taken_as", "收取方式"),
        }
        for item in f.objects(desk.fields, "materials", "补来的材料")
    ]
    note = f.optional(desk.fields, "note", "说明")
    if not materials and not note:
        raise FieldMissing("请勾选补来的材料或写明补正内容,还没有保存。", field="materials")
    day = f.past_day(desk.fields, "day", "收到日期", desk.context.today)
    return {"materials": materials, "note": note, "day": day.isoformat()}


def supplement_complete(desk: Desk) -> Body:
    """Body of `supplement_complete`: the clock counts from the day the last paper came in."""
    _require_materials(desk, lenient=True)
    unchecked = [item for item in desk.case.supplements if not item.checked]
    last = max((item.day for item in unchecked), default=desk.context.today.isoformat())
    default = date.fromisoformat(last)
    papers_in = f.past_day(desk.fields, "papers_in", "材料收齐日期", max(default, _opened(desk)))
    return {
        "supplements": [item.event for item in unchecked],
        "papers_in": papers_in.isoformat(),
    }


def _opened(desk: Desk) -> date:
    return date.fromisoformat(desk.case.days.opened)


def accepted(desk: Desk) -> Body:
    """Body of `accepted` by a person: 普通, 收件即受理 or 容缺."""
    fields = {"kind": "普通", **desk.fields}
    kind = f.one_of(fields, "kind", "受理方式", ACCEPT_KINDS)
    if kind == "收件即受理" and not desk.matter.accept_on_receive:
        raise FieldInvalid(f"这个事项不能收件即受理。{NOT_SAVED}", field="kind")
    _require_materials(desk, lenient=kind == "容缺")
    supplements = [item.event for item in desk.case.supplements if not item.checked]
    return {"kind": kind, "supplements": supplements}


def _require_materials(desk: Desk, *, lenient: bool) -> None:
    missing = desk.case.missing(desk.matter.required(lenient=lenient))
    if missing:
        names = {item.code: item.name for item in desk.matter.materials}
        listed = "、".join(names[code] for code in missing)
        raise MaterialsMissing(f"还缺:{listed}。{NOT_SAVED}", materials=",".join(missing))


def overdue(desk: Desk) -> Body:
    """Body of `overdue`: never before the day given in the notice has passed."""
    reply_by = desk.case.notices[-1].reply_by if desk.case.notices else ""
    if not reply_by or desk.context.today.isoformat() <= reply_by:
        told = f"补正期限到{reply_by}" if reply_by else "告知书没有写补正期限"
        raise NotYetDue(f"{told},现在不能退件。{NOT_SAVED}", reply_by=reply_by)
    return reason(desk)


def reason(desk: Desk) -> Body:
    """Body of acts whose only content is why."""
    return {"reason": f.required(desk.fields, "reason", "理由")}
