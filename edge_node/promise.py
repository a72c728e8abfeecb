"""The promised day of a case as a person reads it, also while acceptance is still to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from casework.case import Case
from casework.matter import Limit, Matter
from casework.status import ENDED
from casework.view import view
from edge_node.site import Look

WORKDAYS: Final = "工作日"
NOT_YET: Final = "受理后才开始计算办理期限"
TOLD_LATER: Final = f"{NOT_YET},受理时另行告知。"
NO_LIMIT: Final = "目录没有登记期限。"


@dataclass(frozen=True, slots=True)
class Promise:
    """The day, or the sentence in its place, and how it was reckoned."""

    day: str
    basis: str


def promise(look: Look, case: Case, matter: Matter | None) -> Promise:
    """What can be said today about when the case will be decided."""
    calendar, today = look.registry.calendar(case.handling), look.registry.today
    limit, basis = _limit(matter)
    if case.status in ENDED and not case.days.accepted:
        return Promise(f"这一件已办结({case.result.value if case.result else '没有受理'})。", basis)
    if not case.days.accepted:
        if limit is None or limit.unit != WORKDAYS:
            return Promise(TOLD_LATER, basis)
        due = calendar.add_workdays(today, limit.days)
        if due is None:
            return Promise(TOLD_LATER, basis)
        day = f"{NOT_YET};若今天受理,为 {due.day.isoformat()}(暂定)。"
        return Promise(day, _joined(basis, due.sentence))
    seen = view(case, matter, calendar, today, look.registry.tree)
    if seen.due is None:
        return Promise(seen.due_sentence or NO_LIMIT, basis)
    return Promise(seen.due.isoformat(), _joined(basis, seen.due_sentence))


def _limit(matter: Matter | None) -> tuple[Limit | None, str]:
    """The limit that counts and its sentence: the promised one before the statutory one."""
    limits = matter.limits if matter is not None else None
    limit = (limits.promised or limits.statutory) if limits is not None else None
    if limits is None or limit is None:
        return None, NO_LIMIT
    kind = "承诺期限" if limits.promised else "法定期限"
    mark = f"({limit.mark})" if limit.mark else ""
    return limit, f"{kind}{mark}:自受理之日起 {limit.days} 个{limit.unit}"


def _joined(basis: str, sentence: str) -> str:
    return ";".join(part for part in (basis, sentence) if part)
