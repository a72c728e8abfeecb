"""Which case is delivered, and what counts as delivered; shared by acts and rules."""

from __future__ import annotations

from typing import Final

from casework.case import Case, Task
from casework.status import Result, Status

DELIVERY: Final = "送达"
DELIVERED: Final = "已送达"
NOT_DELIVERED: Final = "未能送达"
DELIVERY_RESULTS: Final = (DELIVERED, NOT_DELIVERED)
_NOTHING_TO_DELIVER: Final = frozenset({Result.WITHDRAWN, Result.VOID})


def is_delivery(task: Task) -> bool:
    """True if the task is to bring the result to the applicant."""
    return task.kind == DELIVERY


def delivery_wanted(case: Case) -> bool:
    """True if the case has ended with a result, a refusal included, and nobody brings it yet."""
    if case.status is not Status.CLOSED or case.result in _NOTHING_TO_DELIVER:
        return False
    return not any(is_delivery(task) and not task.withdrawn for task in case.tasks)


def delivered_task(case: Case) -> Task | None:
    """The delivery task whose report says that the applicant has it."""
    for task in case.tasks:
        report = task.report
        if is_delivery(task) and report is not None and report.result == DELIVERED:
            return task
    return None


def awaiting_pickup(case: Case) -> bool:
    """True for 待领取: ended, with an open delivery task."""
    return case.status is Status.CLOSED and any(
        is_delivery(task) and task.open for task in case.tasks
    )
