"""The statuses of a case and the one table of acts; the same for all matters.

Knows nothing of a particular case: `fold` applies the table, `acts` refuses by it.
草稿 is local to a node and therefore no status here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from casework import events as e


class Status(StrEnum):
    """Where a case stands; the value is what pages and paper show."""

    ENTRUSTED = "已委托"
    RECEIVED = "已收件"
    SUPPLEMENT = "待补正"
    ACCEPTED = "已受理"
    REVIEWING = "审查中"
    DECIDED = "已决定"
    CLOSED = "办结"
    DELIVERED = "已送达"
    FILED = "已归档"
    RESCINDED = "已撤销"


class Result(StrEnum):
    """How a case ended; the reason is a separate field."""

    GRANTED = "准予"
    REFUSED = "不予"
    FORWARDED = "转报"
    NOT_ACCEPTED = "不予受理"
    SENT_BACK = "退件"
    TERMINATED = "终止"
    WITHDRAWN = "撤回"
    VOID = "作废"


class Custody(StrEnum):
    """What an act has to do with the right to change the status."""

    OPENS = "opens"
    TAKES = "takes"
    NEEDS = "needs"
    OFFERS = "offers"
    NONE = "none"


class Place(StrEnum):
    """Which station may write the act."""

    ANY = "any"
    HOLDER = "holder"
    HOLDER_OR_OFFERED = "holder_or_offered"
    OFFERED = "offered"
    RECEIVING = "receiving"
    HIGHER_TIER = "higher_tier"
    AUDIENCE = "audience"
    TASK_STATION = "task_station"


STEP_POST: Final = "(step)"
"""Stands for the posts the present stage names."""
TASK_POST: Final = "(task)"
"""Stands for the post the task names."""


@dataclass(frozen=True, slots=True)
class Right:
    """One way to be allowed: any of the posts, and the power and one of the modes if named."""

    posts: frozenset[str]
    power: str = ""
    modes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Act:
    """One row of the table.

    `from_statuses` None means any status. `to_status` None means no change. `rights` empty
    means that only the node itself writes it, by rule.
    """

    name: str
    title: str
    from_statuses: frozenset[Status] | None
    to_status: Status | None
    place: Place
    rights: tuple[Right, ...]
    custody: Custody
    by_node: bool = False
    offline: bool = True
    paper: str = ""
    page: bool = False

    @property
    def advances(self) -> bool:
        """True if the body names the custody event acted under."""
        return self.custody in (Custody.NEEDS, Custody.OFFERS)


RECEIVING_MODES: Final = frozenset({"直办", "受理", "代收"})
AUTHORITY_MODES: Final = frozenset({"直办", "受理"})

_S = Status
_OPEN_REVIEW: Final = frozenset({_S.ACCEPTED, _S.REVIEWING})
_BEFORE_DECIDED: Final = frozenset(
    {_S.ENTRUSTED, _S.RECEIVED, _S.SUPPLEMENT, _S.ACCEPTED, _S.REVIEWING}
)
_VOIDABLE: Final = frozenset({_S.ENTRUSTED, _S.RECEIVED, _S.SUPPLEMENT, _S.ACCEPTED})
_AFTER_DECIDED: Final = frozenset({_S.DECIDED, _S.CLOSED, _S.DELIVERED, _S.FILED})
_RUNNING: Final = _BEFORE_DECIDED | {_S.DECIDED, _S.CLOSED}


def _post(*posts: str, power: str = "", modes: frozenset[str] = frozenset()) -> Right:
    return Right(frozenset(posts), power, modes)


_ACCEPT = _post("accept", power="accept")
_DECIDE = _post("decide", power="decide")
_DESK = _post("intake", "accept", "review", "decide", "issue")


def _row(
    name: str,
    title: str,
    start: frozenset[Status] | Status | None,
    to: Status | None,
    place: Place,
    rights: tuple[Right, ...],
    custody: Custody = Custody.NEEDS,
    *,
    by_node: bool = False,
    offline: bool = True,
    paper: str = "",
    page: bool = False,
) -> Act:
    starts = frozenset({start}) if isinstance(start, Status) else start
    return Act(name, title, starts, to, place, rights, custody, by_node, offline, paper, page)


_P, _C = Place, Custody
_INTAKE = (_post("intake", modes=RECEIVING_MODES),)
_TELL = (_post("intake", "accept", modes=RECEIVING_MODES),)
_COMPLETE = (_ACCEPT, _post("intake", modes=frozenset({"代收"})))
_SIGN = (_post("intake", "accept", modes=AUTHORITY_MODES),)
_CHECK = _post("accept", "decide", "supervise", "admin")
_PAPER = _post("intake", "accept", "admin")
_STEP = (_post(STEP_POST),)
_NOBODY: tuple[Right, ...] = ()

_ROWS: Final = (
    _row(e.ENTRUSTED, "委托代办", frozenset(), _S.ENTRUSTED, _P.ANY,
         (_post("intake", modes=frozenset({"代办"})),), _C.OPENS, paper="委托书", page=True),
    _row(e.RECEIVED, "收件", frozenset(), _S.RECEIVED, _P.ANY, _INTAKE, _C.OPENS,
         paper="收件凭证", page=True),
    _row(e.SIGNED_FOR, "签收", _S.ENTRUSTED, _S.RECEIVED, _P.OFFERED, _SIGN, _C.TAKES,
         paper="收件凭证", page=True),
    _row(e.DEFECTS_TOLD, "一次性告知", _S.RECEIVED, _S.SUPPLEMENT, _P.HOLDER, _TELL,
         paper="一次性告知书", page=True),
    _row(e.SUPPLEMENT_RECEIVED, "补来材料", _RUNNING, None, _P.AUDIENCE,
         (_post("intake", "accept"),), _C.NONE, paper="补正材料收件凭证", page=True),
    _row(e.SUPPLEMENT_COMPLETE, "补齐", _S.SUPPLEMENT, _S.RECEIVED, _P.HOLDER, _COMPLETE,
         page=True),
    _row(e.ACCEPTED, "受理", _S.RECEIVED, _S.ACCEPTED, _P.HOLDER, (_ACCEPT,), by_node=True,
         paper="受理通知书", page=True),
    _row(e.NOT_ACCEPTED, "不予受理", frozenset({_S.RECEIVED, _S.SUPPLEMENT}), _S.CLOSED,
         _P.HOLDER, (_ACCEPT,), paper="不予受理决定书", page=True),
    _row(e.OVERDUE, "退件", _S.SUPPLEMENT, _S.CLOSED, _P.HOLDER, (_ACCEPT,), paper="退件通知书"),
    _row(e.REVIEW_STARTED, "开始审查", _S.ACCEPTED, _S.REVIEWING, _P.HOLDER, _STEP, page=True),
    _row(e.STEP_DONE, "办完环节", _OPEN_REVIEW, _S.REVIEWING, _P.HOLDER, _STEP, page=True),
    _row(e.RETURNED, "退回上一环节", _OPEN_REVIEW, _S.REVIEWING, _P.HOLDER, _STEP),
    _row(e.DECIDED, "决定", _OPEN_REVIEW, _S.DECIDED, _P.HOLDER, (_DECIDE,),
         paper="决定书", page=True),
    _row(e.TERMINATED, "终止", _OPEN_REVIEW, _S.CLOSED, _P.HOLDER, (_DECIDE,), paper="终止通知书"),
    _row(e.CLOSED, "办结", _S.DECIDED, _S.CLOSED, _P.HOLDER, (_post("issue"),),
         paper="办理结果", page=True),
    _row(e.WITHDRAWAL_REQUESTED, "申请撤回", _BEFORE_DECIDED, None, _P.AUDIENCE,
         (_post("intake", "accept"),), _C.NONE, paper="撤回申请"),
    _row(e.WITHDRAWN, "撤回", _BEFORE_DECIDED, _S.CLOSED, _P.HOLDER, (_DESK,)),
    _row(e.VOID_REQUESTED, "申请作废", _VOIDABLE, None, _P.RECEIVING, (_post("intake"),),
         _C.NONE, page=True),
    _row(e.VOIDED, "作废", _VOIDABLE, _S.CLOSED, _P.HOLDER, (_DESK,), by_node=True, page=True),
    _row(e.DELIVERED, "送达", _S.CLOSED, _S.DELIVERED, _P.HOLDER, _NOBODY, by_node=True,
         paper="送达回证"),
    _row(e.FILED, "归档", frozenset({_S.CLOSED, _S.DELIVERED}), _S.FILED, _P.HOLDER,
         (_post("issue", "admin"),)),
    _row(e.RESCINDED, "撤销", _AFTER_DECIDED, _S.RESCINDED, _P.HOLDER, (_DECIDE,),
         paper="撤销决定书"),
    _row(e.PROCEDURE_STARTED, "开始特别程序", _OPEN_REVIEW, None, _P.HOLDER, (_DECIDE,),
         paper="特别程序告知书"),
    _row(e.PROCEDURE_ENDED, "结束特别程序", _OPEN_REVIEW, None, _P.HOLDER, (_DECIDE,)),
    _row(e.EXTENDED, "延长审批", _OPEN_REVIEW, None, _P.HOLDER, (_DECIDE,), paper="延期告知书"),
    _row(e.TASK_GIVEN, "交办任务", None, None, _P.HOLDER, (_DESK,), by_node=True),
    _row(e.TASK_WITHDRAWN, "撤回任务", None, None, _P.HOLDER, (_DESK,)),
    _row(e.HANDED_OVER, "移交", None, None, _P.HOLDER, (_DESK,), _C.OFFERS, by_node=True,
         page=True),
    _row(e.HANDED_BACK, "退回移交", None, None, _P.HOLDER_OR_OFFERED, (_DESK,), _C.OFFERS,
         page=True),
    _row(e.ACCEPTED_CUSTODY, "接收", None, None, _P.OFFERED, _NOBODY, _C.TAKES, by_node=True),
    _row(e.TAKEN_OVER, "上级接办", None, None, _P.HIGHER_TIER,
         (_post("accept", "decide", "supervise"),), _C.TAKES, page=True),
    _row(e.TASK_REPORTED, "任务回报", None, None, _P.TASK_STATION, (_post(TASK_POST),), _C.NONE,
         paper="送达回证", page=True),
    _row(e.CORRECTED, "更正", None, None, _P.AUDIENCE, (_post("intake", "accept", "decide"),),
         _C.NONE),
    _row(e.QUESTIONED, "存疑", None, None, _P.AUDIENCE, (_post("supervise"),), _C.NONE,
         by_node=True),
    _row(e.CHECKED, "核对", None, None, _P.AUDIENCE, (_CHECK,), _C.NONE, page=True),
    _row(e.RECOVERED_CHECKED, "核对恢复的记录", None, None, _P.AUDIENCE, (_PAPER,), _C.NONE),
    _row(e.OFFICIAL_NUMBER_GIVEN, "赋办件编号", None, None, _P.AUDIENCE, _NOBODY, _C.NONE,
         by_node=True),
)  # fmt: skip

ACTS: Final[dict[str, Act]] = {row.name: row for row in _ROWS}
"""Every act of DESIGN 12 and the custody rows, by name."""

ENDED: Final = frozenset({_S.CLOSED, _S.DELIVERED, _S.FILED, _S.RESCINDED})
"""Statuses in which the work on the case is over."""
