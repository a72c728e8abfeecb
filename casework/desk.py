"""The desk an act is written at: context, case and act together, and the checks before it.

Answers "may this be done now, here, by this person?" for `acts`, `rules` and the pages'
buttons alike. Knows nothing of the fields an act needs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from casework import events as e
from casework import rights
from casework.case import Case, Task
from casework.context import Context
from casework.errors import (
    BodyCleared,
    NoHigherTier,
    NoSuchTask,
    NotConcerned,
    NotInCustody,
    NotOffered,
    OfferedAway,
    StationUnknown,
    StatusForbids,
    UnknownAct,
)
from casework.fields import Fields
from casework.matter import Matter, StageSpec, TaskSpec, task_station
from casework.status import ACTS, STEP_POST, TASK_POST, Act, Custody, Place, Status

NOT_SAVED: Final = "没有保存,原有资料不变。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One act about to be written; `case` None only for an act that opens one."""

    context: Context
    act: Act
    actor: str
    fields: Fields
    opened: Case | None

    @property
    def case(self) -> Case:
        """The case the act belongs to. Raises: StatusForbids, if there is none yet."""
        if self.opened is None:
            raise StatusForbids(f"还没有这个办件,不能“{self.act.title}”。{NOT_SAVED}")
        return self.opened

    @property
    def matter(self) -> Matter:
        """The version of the matter the case pins. Raises: MatterVersionMissing."""
        return self.context.pinned(self.case)

    @property
    def stage(self) -> StageSpec | None:
        """The stage the case is in, or None past the last one."""
        return self.matter.stage(self.case.stage_index)

    def station_of(self, task: TaskSpec) -> str:
        """The code of the station the task belongs to in this case."""
        return station_of(self.context, self.case, task)

    def base(self) -> dict[str, Any]:
        """The members every body has; `custody` for acts that need it."""
        body: dict[str, Any] = {
            "at_ms": self.context.at_ms,
            "day": self.context.today.isoformat(),
        }
        if self.act.advances:
            body["custody"] = self.case.custody
        return body

    def taking(self) -> dict[str, Any]:
        """The members of a custody event written here, following the present custody.

        Raises: StationUnknown, because a depth read off an empty register would put this
        station level with the root and beyond any takeover.
        """
        station, tree = self.context.station, self.context.tree
        if station not in tree:
            raise StationUnknown(
                f"本站的站点资料还没有收到,暂时不能“{self.act.title}”。{NOT_SAVED}",
                station=station,
            )
        return {
            "follows": self.opened.custody if self.opened else "",
            "holder": station,
            "depth": tree.depth(station),
        }


def station_of(context: Context, case: Case, task: TaskSpec) -> str:
    """The code of the station the task belongs to in this case."""
    return task_station(
        task,
        receiving=case.receiving,
        handling=case.handling,
        parent=context.tree.parent(case.handling),
    )


def check(desk: Desk) -> None:
    """Pass if custody, status and rights allow the act. Raises: any DomainRefusal."""
    check_state(desk)
    if desk.opened is not None:
        check_rights(desk, desk.opened.matter.code)


def check_state(desk: Desk) -> None:
    """Pass if the case is here and stands so that the act may be written."""
    act, case = desk.act, desk.opened
    if act.custody is Custody.OPENS:
        if case is not None:
            raise StatusForbids(f"这个办件已经{case.status},不能再次“{act.title}”。{NOT_SAVED}")
        return
    case = desk.case
    if case.bodies_missing and act.custody is not Custody.NONE:
        raise BodyCleared(f"这个办件的部分内容已清除,只能查看,不能办理。{NOT_SAVED}")
    _PLACES[act.place](desk, case)
    if act.from_statuses is not None and case.status not in act.from_statuses:
        raise StatusForbids(
            f"办件现在是“{case.status}”,不能“{act.title}”。{NOT_SAVED}", status=case.status
        )
    _check_void(desk, case)


def _check_void(desk: Desk, case: Case) -> None:
    """An accepted case can be voided only if it was accepted on receipt and left alone since."""
    if desk.act.name != e.VOIDED or case.status is not Status.ACCEPTED:
        return
    if case.accept_kind != "收件即受理" or case.acted_since_accepted:
        raise StatusForbids(
            f"办件已受理并开始办理,不能作废,可按“撤回”办理。{NOT_SAVED}", status=case.status
        )


def check_rights(desk: Desk, matter: str) -> None:
    """Pass if the staff member and the station may do the act. Raises: NoRight."""
    context = desk.context
    rights.check(
        desk.act,
        staff=context.staff(desk.actor),
        service=context.service(context.station, matter),
        station=context.station,
        day=context.today,
        posts=_posts(desk),
    )


def find_act(name: str) -> Act:
    """The row of the table. Raises: UnknownAct."""
    try:
        return ACTS[name]
    except KeyError:
        raise UnknownAct(f"系统里没有这个操作。{NOT_SAVED}", act=name) from None


def open_tasks(desk: Desk) -> tuple[Task, ...]:
    """The tasks this station still has to report on."""
    return tuple(
        task for task in desk.case.tasks if task.open and task.station == desk.context.station
    )


def chosen_task(desk: Desk) -> Task:
    """The open task of this station that the fields name. Raises: NoSuchTask."""
    name = desk.fields.get("task", "")
    for task in open_tasks(desk):
        if task.name == name:
            return task
    raise NoSuchTask(f"本站没有这项待办任务,或已经回报、撤回。{NOT_SAVED}")


def _posts(desk: Desk) -> frozenset[str]:
    """The posts of the present step or task, where the act's right depends on them."""
    wanted = {post for right in desk.act.rights for post in right.posts}
    if STEP_POST in wanted:
        stage = desk.stage
        return frozenset(task.post for task in stage.tasks) if stage else frozenset()
    if TASK_POST in wanted:
        tasks = (chosen_task(desk),) if "task" in desk.fields else open_tasks(desk)
        return frozenset(task.post for task in tasks)
    return frozenset()


def _at_holder(desk: Desk, case: Case) -> None:
    if case.holder != desk.context.station:
        raise NotInCustody(
            f"这个办件现在由{desk.context.name(case.holder)}办理,本站不能“{desk.act.title}”。"
            f"{NOT_SAVED}",
            holder=case.holder,
        )
    if case.offered_to:
        raise OfferedAway(
            f"这个办件已移交给{desk.context.name(case.offered_to)},等待对方接收,"
            f"本站不能再“{desk.act.title}”。{NOT_SAVED}",
            offered_to=case.offered_to,
        )


def _at_offered(desk: Desk, case: Case) -> None:
    if case.offered_to != desk.context.station:
        raise NotOffered(
            f"这个办件没有移交给本站,不能“{desk.act.title}”。{NOT_SAVED}", holder=case.holder
        )


def _at_holder_or_offered(desk: Desk, case: Case) -> None:
    station = desk.context.station
    if case.offered_to == station and case.holder != station:
        return
    _at_holder(desk, case)
    if case.previous_holder in ("", station):
        raise NotOffered(f"这个办件不是从别的站点移交来的,不能退回。{NOT_SAVED}")


def _at_receiving(desk: Desk, case: Case) -> None:
    if case.receiving != desk.context.station:
        raise NotConcerned(
            f"只有收件站点{desk.context.name(case.receiving)}可以“{desk.act.title}”。{NOT_SAVED}",
            receiving=case.receiving,
        )


def _above_holder(desk: Desk, case: Case) -> None:
    context = desk.context
    if context.station not in context.tree.ancestors(case.holder):
        raise NoHigherTier(
            f"只有办理站点的上级可以接办,这个办件现在由{context.name(case.holder)}办理。{NOT_SAVED}",
            holder=case.holder,
        )
    above = context.tree.ancestors(context.station)
    if case.offered_to and case.offered_to in (context.station, *above):
        raise OfferedAway(
            f"这个办件已移交给{context.name(case.offered_to)},不用接办。{NOT_SAVED}",
            offered_to=case.offered_to,
        )


def _in_audience(desk: Desk, case: Case) -> None:
    station, tree = desk.context.station, desk.context.tree
    if station in case.audience or any(station in tree.ancestors(item) for item in case.audience):
        return
    raise NotConcerned(f"这个办件与本站无关,不能“{desk.act.title}”。{NOT_SAVED}")


def _has_task(desk: Desk, case: Case) -> None:
    if not open_tasks(desk):
        raise NoSuchTask(f"本站没有这个办件的待办任务。{NOT_SAVED}")


def _anywhere(desk: Desk, case: Case) -> None:
    return


_PLACES: Final[dict[Place, Callable[[Desk, Case], None]]] = {
    Place.ANY: _anywhere,
    Place.HOLDER: _at_holder,
    Place.HOLDER_OR_OFFERED: _at_holder_or_offered,
    Place.OFFERED: _at_offered,
    Place.RECEIVING: _at_receiving,
    Place.HIGHER_TIER: _above_holder,
    Place.AUDIENCE: _in_audience,
    Place.TASK_STATION: _has_task,
}
