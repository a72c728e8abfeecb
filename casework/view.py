"""What today makes of a case: due dates, colours, warnings, where it lies in plain words.

A view is never stored as status and never an event: the same case seen tomorrow, or with a
newer calendar, gives another view.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from casework.acts import acts_offered
from casework.calendar import DueDay, Suspension, WorkCalendar
from casework.case import Case
from casework.delivery import awaiting_pickup, is_delivery
from casework.matter import Matter
from casework.registers import StationTree
from casework.status import Status

TELL_DEFECTS_DAYS: Final = 5
"""Working days to tell defects. Source: 行政许可法 art. 32 as quoted in [domain 2.3]."""
DEEMED_WARN_FROM_DAY: Final = 3
"""Working day of that limit from which every node of the audience warns. Source: DESIGN 12."""


@dataclass(frozen=True, slots=True)
class Colours:
    """When a case turns 预警, 黄, 红.

    Source: [domain 2.3] proposes remaining ≤ 20 % or ≤ 1 day for 预警 and the due day passed
    for 黄. `red_after_days` has no source: 演示, to be set by the authority.
    """

    warn_percent: int = 20
    warn_days: int = 1
    red_after_days: int = 3


@dataclass(frozen=True, slots=True)
class CaseView:
    """The case as of one day."""

    due: date | None
    due_basis: str
    due_sentence: str
    provisional: bool
    remaining_workdays: int | None
    colour: str
    place: str
    label: str
    deemed_day: date | None
    deemed_sentence: str


def view(
    case: Case,
    matter: Matter | None,
    calendar: WorkCalendar,
    today: date,
    tree: StationTree,
    colours: Colours | None = None,
) -> CaseView:
    """The view of the case on that day; `matter` None shows the case without its dates."""
    due, basis, sentence = _decision_due(case, matter, calendar)
    running = case.status in (Status.ACCEPTED, Status.REVIEWING)
    remaining = calendar.workdays_between(today, due.day) if due and running else None
    total = _limit_days(case, matter)[0]
    deemed = _deemed_day(case, matter, calendar)
    return CaseView(
        due=due.day if due else None,
        due_basis=basis,
        due_sentence=sentence,
        provisional=bool(due and due.provisional),
        remaining_workdays=remaining,
        colour=_colour(remaining, total, colours or Colours()),
        place=_place(case, tree),
        label="待领取" if awaiting_pickup(case) else case.status.value,
        deemed_day=deemed,
        deemed_sentence=_deemed_sentence(case, deemed, calendar, today, tree),
    )


def _limit_days(case: Case, matter: Matter | None) -> tuple[int, str]:
    """The working days for the decision and whether promised or statutory."""
    if matter is None:
        return 0, ""
    limits = (("承诺期限", matter.limits.promised), ("法定期限", matter.limits.statutory))
    for basis, limit in limits:
        if limit is not None and limit.unit == "工作日":
            return limit.days + case.extended_days, basis
    return 0, ""


def _decision_due(
    case: Case, matter: Matter | None, calendar: WorkCalendar
) -> tuple[DueDay | None, str, str]:
    days, basis = _limit_days(case, matter)
    if not case.days.accepted or not basis:
        return None, "", ""
    suspended = [
        Suspension(
            date.fromisoformat(item.started),
            date.fromisoformat(item.ended) if item.ended else None,
        )
        for item in case.procedures
        if item.suspends
    ]
    due = calendar.add_workdays(date.fromisoformat(case.days.accepted), days, suspended)
    if due is None:
        return None, basis, "特别程序进行中,期限暂停计算,结束后自动重算"
    return due, basis, due.sentence


def _colour(remaining: int | None, total: int, colours: Colours) -> str:
    if remaining is None:
        return ""
    if remaining < 0:
        return "红" if -remaining >= colours.red_after_days else "黄"
    close = remaining <= colours.warn_days or remaining * 100 <= total * colours.warn_percent
    return "预警" if close else ""


_DOING: Final[dict[Status, str]] = {
    Status.ENTRUSTED: "等待转交",
    Status.RECEIVED: "收件,等待受理",
    Status.SUPPLEMENT: "等待申请人补正",
    Status.ACCEPTED: "已受理,等待审查",
    Status.REVIEWING: "审查",
    Status.DECIDED: "制作办理结果",
    Status.CLOSED: "办结",
    Status.DELIVERED: "已送达,等待归档",
    Status.FILED: "归档",
    Status.RESCINDED: "撤销",
}


def _place(case: Case, tree: StationTree) -> str:
    """Where the case lies, in plain words."""
    if case.offered_to:
        return f"{tree.name(case.holder)}已移交,等待{tree.name(case.offered_to)}接收"
    if awaiting_pickup(case):
        task = next(item for item in case.tasks if is_delivery(item) and item.open)
        return f"在{tree.name(task.station)}等待领取"
    return f"在{tree.name(case.holder)}{_DOING[case.status]}"


def _deemed_day(case: Case, matter: Matter | None, calendar: WorkCalendar) -> date | None:
    """The day after which the case counts as accepted if nobody tells defects."""
    waiting = case.status is Status.RECEIVED and not case.notices and case.days.received
    if matter is None or not matter.deemed_acceptance or not waiting:
        return None
    due = calendar.add_workdays(date.fromisoformat(case.days.received), TELL_DEFECTS_DAYS)
    return due.day if due else None


def _deemed_sentence(
    case: Case, deemed: date | None, calendar: WorkCalendar, today: date, tree: StationTree
) -> str:
    if deemed is None:
        return ""
    passed = calendar.workdays_between(date.fromisoformat(case.days.received), today)
    if passed < DEEMED_WARN_FROM_DAY:
        return ""
    place, day = tree.name(case.holder), deemed.isoformat()
    if today <= deemed:
        return f"将视为受理:{place}应在{day}前(含当日)一次性告知或受理"
    return f"若{place}未在{day}前告知,已视为受理"


__all__ = ["CaseView", "Colours", "acts_offered", "view"]
