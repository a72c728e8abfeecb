"""The forms of acts: which fields a page offers for each, and what a posted form says.

A plain HTML form can express all of them: repeated fields for lists, `material_CODE` for ticks,
`result_TASK` for the tasks of a stage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from casework import events as e
from casework.bodies_intake import ACCEPT_KINDS, HAVE
from casework.bodies_review import DECISIONS
from casework.case import Case
from casework.delivery import DELIVERY_RESULTS, is_delivery
from casework.desk import station_of
from casework.matter import Matter
from casework.status import ACTS, Result
from casework.timeline import WHY_SENTENCES
from edge_node.site import Look
from ui import words
from ui.forms import KEY_FIELD, Form

TEXT, AREA, CHOICE, DAY, SECRET, STATION, TICKS, DEFECTS, HIDDEN = (
    "text",
    "area",
    "choice",
    "day",
    "secret",
    "station",
    "ticks",
    "defects",
    "hidden",
)
DEFECT_ROWS: Final = 4
_NOT_FIELDS: Final = frozenset({KEY_FIELD, "by", "password", "defect_material", "defect_problem"})
_PREFIXES: Final = ("material_", "result_", "note_")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form; `options` are pairs of value and label."""

    name: str
    label: str
    kind: str = TEXT
    required: bool = False
    options: tuple[tuple[str, str], ...] = ()
    value: str = ""


@dataclass(frozen=True, slots=True)
class ActForm:
    """The form of one act; `about` tells which part of the case it is for, `help` what it does."""

    act: str
    title: str
    fields: tuple[Field, ...] = ()
    about: str = ""

    @property
    def help(self) -> str:
        """One sentence for who meets the act for the first time; may be empty."""
        return _HELP.get(self.act, "")


@dataclass(frozen=True, slots=True)
class _At:
    """What a form is made from."""

    look: Look
    case: Case
    matter: Matter | None


def _same(values: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((value, value) for value in values)


_REASON: Final = (Field("reason", "理由", AREA, required=True),)
_NOTE: Final = Field("note", "说明", AREA)


def act_forms(look: Look, case: Case, matter: Matter | None, offered: list[str]) -> list[ActForm]:
    """The forms of the acts offered, in their order."""
    forms: list[ActForm] = []
    at = _At(look, case, matter)
    for act in offered:
        if act == e.VOID_REQUESTED and e.VOIDED in offered:
            continue  # who may void need not ask for it
        if case.result is Result.VOID:
            continue
        if act == e.TASK_REPORTED:
            forms += _task_forms(look, case)
            continue
        make = _FIELDS.get(act)
        fields = make(at) if make is not None else ()
        forms.append(ActForm(act, ACTS[act].title, fields))
    return forms


def _task_forms(look: Look, case: Case) -> list[ActForm]:
    title, forms = ACTS[e.TASK_REPORTED].title, []
    for task in case.tasks:
        if not task.open or task.station != look.station:
            continue
        fields = [Field("task", "", HIDDEN, value=task.name)]
        if is_delivery(task):
            fields += [
                Field("result", "送达结果", CHOICE, required=True, options=_same(DELIVERY_RESULTS)),
                Field("recipient", "签收人(已送达必填)"),
                Field("how", "送达方式"),
            ]
        else:
            fields.append(Field("result", "办理结果", required=True))
        fields += [Field("day", "日期(不填为今天)", DAY), _NOTE]
        forms.append(ActForm(e.TASK_REPORTED, title, tuple(fields), about=task.title or task.kind))
    return forms


def _defects(at: _At) -> tuple[Field, ...]:
    again = (Field("reason", "再次告知的理由", AREA, required=True),) if at.case.notices else ()
    table = Field("defect", "需补正的内容(一次写全)", DEFECTS, options=_materials(at.matter))
    return (table, *again)


def _supplement(at: _At) -> tuple[Field, ...]:
    ticks = Field("material", "补来的材料", TICKS, options=_materials(at.matter))
    return (ticks, Field("day", "收到日期(不填为今天)", DAY), _NOTE)


def _accepted(at: _At) -> tuple[Field, ...]:
    kinds = [
        k for k in ACCEPT_KINDS if k != "收件即受理" or (at.matter and at.matter.accept_on_receive)
    ]
    options = _same(tuple(kinds))
    return (Field("kind", "受理方式", CHOICE, required=True, options=options, value=kinds[0]),)


def _step(at: _At) -> tuple[Field, ...]:
    stage = at.matter.stage(at.case.stage_index) if at.matter else None
    own = [
        task
        for task in (stage.tasks if stage else ())
        if station_of(at.look.context, at.case, task) == at.look.station
        or at.case.custody_by_person
    ]
    if len(own) == 1:
        task = own[0]
        return (_result(task.title, task.results, "result"), Field("note", "意见", AREA))
    fields: list[Field] = []
    for task in own:
        fields.append(_result(task.title, task.results, f"result_{task.code}"))
        fields.append(Field(f"note_{task.code}", f"{task.title}意见", AREA))
    return (*fields, Field("note", "意见", AREA))


def _result(title: str, results: tuple[str, ...], name: str) -> Field:
    if results:
        return Field(name, title or "环节结果", CHOICE, required=True, options=_same(results))
    return Field(name, title or "环节结果")


_PASSWORD: Final = Field("password", "再输一次您的登录密码", SECRET, required=True)
_DECISION: Final = (
    Field("result", "决定", CHOICE, required=True, options=_same(DECISIONS)),
    Field("reason", "理由(不是准予时必填)", AREA),
    _PASSWORD,
)


def _handed_over(at: _At) -> tuple[Field, ...]:
    tree = at.look.registry.tree
    near = {
        at.case.receiving,
        at.case.handling,
        *at.case.audience,
        *tree.ancestors(at.look.station),
    }
    near.update(tree.children(at.look.station))
    codes = sorted(code for code in near - {at.look.station, ""} if code in tree)
    options = tuple((code, tree.name(code)) for code in codes)
    return (Field("to", "接收站点", STATION, required=True, options=options), *_optional_reason())


def _optional_reason() -> tuple[Field, ...]:
    return (Field("reason", "理由", AREA),)


def _materials(matter: Matter | None) -> tuple[tuple[str, str], ...]:
    return tuple((item.code, item.name) for item in matter.materials) if matter else ()


def _checked(at: _At) -> tuple[Field, ...]:
    """The doubtful records of other stations, and what was found."""
    entries = {entry.name: entry for entry in at.case.timeline}
    options = tuple(
        (
            name,
            f"{words.moment(entries[name].at_ms)} {at.look.name(entries[name].station)}"
            f" {entries[name].title}:{WHY_SENTENCES.get(why, why)}",
        )
        for name, why in at.case.doubted().items()
        if entries[name].station != at.look.station
    )
    note = Field("note", "核对结果(查了什么、怎么处理的)", AREA, required=True)
    return (Field("event", "要核对的记录", CHOICE, required=True, options=options), note)


_HELP: Final = {
    e.CHECKED: "有记录没有权限、存疑或没有生效:核实以后写明结果。记录本身保留,办件状态不因此改变。",
    e.DEFECTS_TOLD: "材料不齐或不对时用:一次写全,申请人照着补。",
    e.SUPPLEMENT_RECEIVED: "申请人补来了材料,先登记收到;核对齐全后再办“补齐”。",
    e.VOID_REQUESTED: "录错了用:办理权在别的站点,由它确认后才作废。",
    e.VOIDED: "录错了用:这一件作废,记录保留。申请人手里的凭证请收回。",
    e.HANDED_OVER: "把这一件的办理权交给别的站点,交出后本站不能再办。",
    e.HANDED_BACK: "不该本站办的,说明理由退回去。",
    e.TAKEN_OVER: "由本站接过来办,原站点随后会收到通知。",
}

_Maker = Callable[[_At], tuple[Field, ...]]
_FIELDS: Final[dict[str, _Maker]] = {
    e.DEFECTS_TOLD: _defects,
    e.SUPPLEMENT_RECEIVED: _supplement,
    e.SUPPLEMENT_COMPLETE: lambda _: (Field("papers_in", "材料收齐日期(不填按最后一次补来)", DAY),),
    e.ACCEPTED: _accepted,
    e.NOT_ACCEPTED: lambda _: (*_REASON, _PASSWORD),
    e.STEP_DONE: _step,
    e.DECIDED: lambda _: _DECISION,
    e.CLOSED: lambda _: (Field("certificate_no", "证照编号"), _NOTE),
    e.VOID_REQUESTED: lambda _: _REASON,
    e.VOIDED: lambda _: _REASON,
    e.HANDED_OVER: _handed_over,
    e.HANDED_BACK: lambda _: _REASON,
    e.TAKEN_OVER: lambda _: _REASON,
    e.CHECKED: _checked,
}


def fields_of(form: Form) -> dict[str, Any]:
    """What a posted form says, as the fields of an act; empty fields are left out."""
    fields: dict[str, Any] = {
        name: value.strip()
        for name, value in form.values().items()
        if name not in _NOT_FIELDS and not name.startswith(_PREFIXES) and value.strip()
    }
    if fields.get("suspends") == "是":
        fields["suspends"] = True
    problems = form.texts("defect_problem")
    if problems:
        codes = form.texts("defect_material") + [""] * len(problems)
        fields["defects"] = [
            {"material": code, "problem": problem}
            for code, problem in zip(codes, problems, strict=False)
            if problem
        ]
    ticked = [code for code, state in form.prefixed("material_").items() if state == HAVE]
    if ticked:
        fields["materials"] = [{"code": code, "state": HAVE} for code in ticked]
    notes = form.prefixed("note_")
    results = [
        {"task": code, "result": result, "note": notes.get(code, "")}
        for code, result in form.prefixed("result_").items()
    ]
    return {**fields, "results": results} if results else fields
