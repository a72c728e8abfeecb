"""Who may do what: the rights named in the table of acts, checked against the registers.

The table itself is `status.ACTS`. Knows no case; the posts of a step or a task are handed in.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from casework.errors import NoRight
from casework.registers import Service, StaffEntry
from casework.status import STEP_POST, TASK_POST, Act, Right

POST_NAMES: Final[dict[str, str]] = {
    "intake": "收件",
    "accept": "受理",
    "review": "审查",
    "decide": "决定",
    "issue": "出件",
    "deliver": "送达",
    "admin": "站点管理",
    "supervise": "监督",
    "catalogue": "目录管理",
}


def check(
    act: Act,
    *,
    staff: StaffEntry | None,
    service: Service | None,
    station: str,
    day: date,
    posts: frozenset[str] = frozenset(),
) -> None:
    """Pass if the staff member may do the act at the station on that day.

    `service` is what the station does for the matter; `posts` are those of the present
    step or task. Raises: NoRight.
    """
    if staff is None or staff.station != station or not staff.valid_on(day):
        raise NoRight("您的工号在本站没有登记或已停用,没有保存。请联系站点管理员。", act=act.name)
    if not act.rights:
        raise NoRight(f"“{act.title}”由系统按规则记录,不能手工填写。", act=act.name)
    held = service if service is not None and service.valid_on(day) else None
    if not any(_allows(right, staff, held, posts) for right in act.rights):
        raise NoRight(_sentence(act, staff, posts), act=act.name, staff=staff.no)


def _allows(
    right: Right, staff: StaffEntry, service: Service | None, posts: frozenset[str]
) -> bool:
    if not _posts(right, posts) & frozenset(staff.posts):
        return False
    if right.power and (service is None or right.power not in service.powers):
        return False
    return not right.modes or (service is not None and service.mode in right.modes)


def _posts(right: Right, posts: frozenset[str]) -> frozenset[str]:
    return posts if right.posts & {STEP_POST, TASK_POST} else right.posts


def _sentence(act: Act, staff: StaffEntry, posts: frozenset[str]) -> str:
    wanted = frozenset[str]().union(*(_posts(right, posts) for right in act.rights))
    if wanted & frozenset(staff.posts):
        return f"本站对这个事项没有“{act.title}”的权限,没有保存。请移交有权限的站点办理。"
    names = "、".join(POST_NAMES.get(post, post) for post in sorted(wanted))
    return f"“{act.title}”需要{names or '相应'}岗位,您没有这个岗位,没有保存。"
