"""What keeps a matter from being published: `lint_matter`.

Reads the raw entry, because an entry that does not parse must be a finding, not a crash.
Findings of severity error forbid publishing; warnings are for the administrator's eyes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from casework.errors import RegisterEntryInvalid
from casework.matter import HANDLING, PARENT, RECEIVING, Limit, Matter, parse_matter
from casework.registers import POSTS

DEMO_MARK: Final = "演示"
STATION_CODE: Final = re.compile(r"[A-Z0-9]{4,12}")
NEEDS: Final = ("必要", "非必要", "容缺后补")
TAKEN_AS: Final = ("核验原件后退还", "收原件", "收复印件")
ERROR: Final = "error"
WARNING: Final = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: stable code, where in the entry, and a sentence for the administrator."""

    code: str
    where: str
    sentence: str
    severity: str = ERROR


def lint_matter(entry: Mapping[str, Any], modes: tuple[str, ...] = ()) -> list[Finding]:
    """All findings about the entry; `modes` are those its services use, if known."""
    try:
        matter = parse_matter(entry)
    except RegisterEntryInvalid as refusal:
        why = refusal.facts.get("why", "")
        return [Finding("entry_invalid", "", f"事项资料的格式不对:{why}")]
    return [
        *_head(matter),
        *_materials(matter, modes),
        *_limits(matter),
        *_stages(matter),
        *_stage_limits(matter),
    ]


def _head(matter: Matter) -> list[Finding]:
    found: list[Finding] = []
    for name, value in (("code", matter.code), ("name", matter.name)):
        if not value.strip():
            found.append(Finding("field_empty", name, "事项编码和名称不能为空。"))
    if not matter.aliases:
        found.append(
            Finding("alias_missing", "aliases", "没有俗称,群众的说法可能搜不到。", WARNING)
        )
    unsourced = any(not item.text.strip() and item.mark != DEMO_MARK for item in matter.basis)
    if unsourced or (not matter.basis and not matter.demo):
        found.append(Finding("basis_missing", "basis", "没有设定依据,又没有标明演示。"))
    if matter.version < 1:
        found.append(Finding("version_invalid", "version", "版本号应从 1 开始。"))
    return found


def _materials(matter: Matter, modes: tuple[str, ...]) -> list[Finding]:
    found: list[Finding] = []
    if matter.notice_only and any(mode != "告知" for mode in modes):
        found.append(Finding("materials_missing", "materials", "没有材料的事项只能告知,不能收件。"))
    codes = [item.code for item in matter.materials]
    if len(set(codes)) != len(codes):
        found.append(Finding("material_twice", "materials", "材料编号重复。"))
    for index, item in enumerate(matter.materials):
        where = f"materials[{index}]"
        if item.need not in NEEDS:
            found.append(Finding("need_unknown", where, f"“{item.name}”的必要性写法不认识。"))
        if item.taken_as and item.taken_as not in TAKEN_AS:
            found.append(Finding("taken_as_unknown", where, f"“{item.name}”的收取方式不认识。"))
    return found


def _limits(matter: Matter) -> list[Finding]:
    found: list[Finding] = []
    statutory, promised = matter.limits.statutory, matter.limits.promised
    for name, limit in (("statutory", statutory), ("promised", promised)):
        if limit is not None:
            found.extend(_one_limit(f"limits.{name}", limit))
    if statutory and promised and statutory.unit == promised.unit:
        if promised.days > statutory.days:
            found.append(Finding("promise_beyond_law", "limits.promised", "承诺期限长于法定期限。"))
    elif statutory and promised:
        found.append(
            Finding("units_differ", "limits", "法定与承诺期限单位不同,请人工核对。", WARNING)
        )
    return found


def _one_limit(where: str, limit: Limit) -> list[Finding]:
    found: list[Finding] = []
    if limit.days < 0:
        found.append(Finding("limit_negative", where, "期限不能是负数。"))
    if limit.unit != "工作日":
        found.append(Finding("unit_unknown", where, "目前只能按工作日计算期限。"))
    if not limit.basis.strip() and limit.mark != DEMO_MARK:
        found.append(Finding("demo_mark_missing", where, "期限没有依据,又没有标明演示。"))
    return found


def _stages(matter: Matter) -> list[Finding]:
    if matter.notice_only and not matter.stages:
        return []
    found: list[Finding] = []
    deciding = [index for index, stage in enumerate(matter.stages) if stage.deciding]
    if not deciding:
        found.append(Finding("no_deciding_stage", "stages", "没有作出决定的环节。"))
    if len(deciding) > 1:
        found.append(Finding("two_deciding_stages", "stages", "作出决定的环节不止一个。"))
    codes = [stage.code for stage in matter.stages]
    if len(set(codes)) != len(codes):
        found.append(Finding("stage_twice", "stages", "环节编号重复。"))
    for index, stage in enumerate(matter.stages):
        where = f"stages[{index}]"
        if not stage.tasks:
            found.append(Finding("stage_empty", where, f"环节“{stage.title}”没有任务。"))
        if deciding and index > deciding[0]:
            found.append(
                Finding("stage_unreachable", where, f"环节“{stage.title}”在决定之后,走不到。")
            )
        if sum(task.deciding for task in stage.tasks) > 1:
            found.append(Finding("two_deciding_tasks", where, "一个环节里有两个决定任务。"))
        tasks = [task.code for task in stage.tasks]
        if len(set(tasks)) != len(tasks):
            found.append(Finding("task_twice", where, "同一环节的任务编号重复。"))
        for place, task in enumerate(stage.tasks):
            found.extend(_task(f"{where}.tasks[{place}]", task.post, task.station))
    return found


def _task(where: str, post: str, station: str) -> list[Finding]:
    found: list[Finding] = []
    if post not in POSTS:
        found.append(Finding("post_unknown", where, f"岗位“{post}”不存在。"))
    if station not in (RECEIVING, HANDLING, PARENT) and not STATION_CODE.fullmatch(station):
        found.append(Finding("station_unknown", where, f"办理站点“{station}”写法不对。"))
    return found


def _stage_limits(matter: Matter) -> list[Finding]:
    """The stages run one after another, their tasks side by side: sum of the maxima."""
    promise = matter.limits.promised or matter.limits.statutory
    if promise is None:
        return []
    total = sum(
        max((task.limit_days for task in stage.tasks), default=0) for stage in matter.stages
    )
    if total <= promise.days:
        return []
    return [Finding("stages_beyond_promise", "stages", f"各环节期限合计{total}日,超过承诺期限。")]
