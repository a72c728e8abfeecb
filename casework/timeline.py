"""The history of a case as a page lists it: every event held, applied or not.

Hybrid time orders the list and nothing else. Station codes stay codes; pages name them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from casework import body as read
from casework.case import Case, TimelineEntry
from casework.events import QUESTIONED, CaseEvent
from casework.status import ACTS

CLEARED_TEXT: Final = "内容已清除"
NOT_UNDERSTOOD_TITLE: Final = "本站软件尚不认识的记录"

WHY_SENTENCES: Final[dict[str, str]] = {
    "losing_branch": "办理权当时已归其他站点,这一步没有生效,记录已保留,请核对。",
    "after_offer": "这一步写在移交之后,没有生效,记录已保留,请核对。",
    "after_takeover": "上级接办时还没有收到这一步,没有生效,记录已保留,请核对。",
    "not_holder": "写这一步的站点当时没有办理权,没有生效,记录已保留,请核对。",
    "no_right": "写这一步的站点没有这个权限,没有生效,记录已保留,请核对。",
    "custody_unknown": "所依据的交接记录还没有收到,收到后自动核对。",
    "status": "与办件当时的状态不符,没有生效,记录已保留,请核对。",
    "task": "任务已撤回、已回报过,或不属于该站点,这次回报没有生效,记录已保留。",
    "second_opening": "同一办件重复开件,没有生效,记录已保留,请核对。",
    "second_number": "已有办件编号,这个编号没有采用,仍可用来查找。",
}
"""Why an event does not count, as a worker reads it."""

_TEXT_KEYS: Final = ("kind", "result", "to", "number", "field", "reason", "note")
_TEXT_LENGTH_MAX: Final = 200


def timeline(
    events: Iterable[CaseEvent], superseded: Mapping[str, str]
) -> tuple[TimelineEntry, ...]:
    """One entry per event. Order: hybrid time, then the event's name."""
    ordered = sorted(events, key=lambda item: (item.hlc, item.key))
    questions: dict[str, list[str]] = {}
    for event in ordered:
        if event.type == QUESTIONED and event.body is not None:
            target = read.text(event.body, "event")
            questions.setdefault(target, []).append(read.text(event.body, "why"))
    return tuple(
        _entry(event, superseded.get(event.name, ""), questions.get(event.name, []))
        for event in ordered
    )


def _entry(event: CaseEvent, why: str, questions: list[str]) -> TimelineEntry:
    act = ACTS.get(event.type)
    body = event.body or read.EMPTY
    return TimelineEntry(
        name=event.name,
        station=event.station,
        type=event.type,
        title=act.title if act else NOT_UNDERSTOOD_TITLE,
        actor=event.actor,
        at_ms=read.integer(body, "at_ms"),
        hlc=min(event.hlc, read.INTEGER_MAX),
        text=CLEARED_TEXT if event.body is None else _text(body),
        cleared=event.body is None,
        understood=act is not None,
        superseded=bool(why),
        why=why,
        questioned=tuple(questions),
    )


def _text(body: read.Body) -> str:
    parts = [read.text(body, key) for key in _TEXT_KEYS]
    defects = [read.text(item, "problem") for item in read.objects(body, "defects")]
    return ";".join(part for part in [*parts, *defects] if part)[:_TEXT_LENGTH_MAX]


def timeline_facts(case: Case) -> list[dict[str, object]]:
    """The timeline for a program to read: what was done where and by whom, without any content."""
    return [
        {
            "name": entry.name,
            "type": entry.type,
            "station": entry.station,
            "actor": entry.actor,
            "at_ms": entry.at_ms,
            "superseded": entry.superseded,
            "why": entry.why,
        }
        for entry in case.timeline
    ]
