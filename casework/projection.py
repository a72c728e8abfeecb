"""The row a case has in lists, and the port of the table that keeps such rows.

A row is derived and can always be made again from the events; it is never the truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from casework.case import Case, as_json, state_bytes, state_hash
from casework.delivery import awaiting_pickup
from casework.entitled import NO_RIGHT, NOT_HOLDER
from casework.status import ENDED

TAB_OPEN: Final = "办理中"
TAB_PICKUP: Final = "待领取"
TAB_ENDED: Final = "已办结"
TAB_CHECK: Final = "需要确认"
TABS: Final = (TAB_OPEN, TAB_PICKUP, TAB_ENDED, TAB_CHECK)


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task a station still has to report on."""

    name: str
    station: str
    kind: str
    due: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """An event whose author's right is in question, until a person has checked it."""

    event: str
    station: str
    title: str
    hlc: int
    why: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of a case list; `cannot_be_shown` carries the sentence where the fold failed."""

    stream: str
    receipt_no: str = ""
    official_no: str = ""
    matter_code: str = ""
    matter_name: str = ""
    status: str = ""
    result: str = ""
    holder: str = ""
    offered_to: str = ""
    mode: str = ""
    receiving: str = ""
    handling: str = ""
    delivery: str = ""
    applicant_name: str = ""
    opened_day: str = ""
    accepted_day: str = ""
    tab: str = ""
    to_check: bool = False
    flags: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    tasks: tuple[OpenTask, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    state_hash: str = ""
    cannot_be_shown: str = ""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list asks for; empty members do not filter.

    `concerns` keeps to cases with that station in the audience; `task_station` to those
    with an open task there; `text` matches names and numbers.
    """

    tab: str = ""
    status: str = ""
    holder: str = ""
    concerns: str = ""
    task_station: str = ""
    text: str = ""


class CaseTable(Protocol):
    """The kept rows of all cases of a node."""

    def put(self, row: CaseRow, state_json: str) -> None:
        """Keep the row and its state, replacing the former ones of the stream."""

    def get(self, stream: str) -> CaseRow | None:
        """The row of the stream."""

    def state(self, stream: str) -> str | None:
        """The state kept with the row, as canonical JSON."""

    def by_number(self, number: str) -> list[CaseRow]:
        """The rows with this receipt number or official number. Order: by stream."""

    def list(self, wanted: CaseFilter, limit: int) -> Sequence[CaseRow]:
        """The rows that fit. Order: newest opening day first, then stream."""

    def counts(self, wanted: CaseFilter) -> Mapping[str, int]:
        """How many rows each tab would show under the filter; its own tab is ignored."""


def case_row(case: Case, matter_name: str = "") -> CaseRow:
    """The row of the case."""
    return CaseRow(
        stream=case.stream,
        receipt_no=case.receipt_no,
        official_no=case.official_no,
        matter_code=case.matter.code,
        matter_name=matter_name,
        status=case.status.value,
        result=case.result.value if case.result else "",
        holder=case.holder,
        offered_to=case.offered_to,
        mode=case.mode,
        receiving=case.receiving,
        handling=case.handling,
        delivery=case.delivery,
        applicant_name=case.applicant.get("name", ""),
        opened_day=case.days.opened,
        accepted_day=case.days.accepted,
        tab=_tab(case),
        to_check=bool(case.doubted()),
        doubts=_doubts(case),
        flags=case.flags,
        audience=case.audience,
        tasks=tuple(
            OpenTask(task.name, task.station, task.kind, task.due)
            for task in case.tasks
            if task.open
        ),
        state_hash=state_hash(case),
    )


def _doubts(case: Case) -> tuple[Doubt, ...]:
    """Where a right is in question; what merely came too late is listed with its case only."""
    asked = {item.event for item in case.questions}
    entries = {entry.name: entry for entry in case.timeline}
    return tuple(
        Doubt(name, entries[name].station, entries[name].title, entries[name].hlc, why)
        for name, why in sorted(case.doubted().items())
        if name in entries and (name in asked or why in (NO_RIGHT, NOT_HOLDER))
    )


def broken_row(stream: str, sentence: str, former: CaseRow | None = None) -> CaseRow:
    """The row of a stream that cannot be shown; what was known before stays findable."""
    return replace(former or CaseRow(stream), cannot_be_shown=sentence, to_check=True)


def state_json(case: Case) -> str:
    """The whole state as canonical JSON text."""
    return state_bytes(case).decode("utf-8")


def _tab(case: Case) -> str:
    if awaiting_pickup(case):
        return TAB_PICKUP
    return TAB_ENDED if case.status in ENDED else TAB_OPEN


def fits_tab(row: CaseRow, tab: str) -> bool:
    """True if the tab shows the row; 需要确认 cuts across the others."""
    return not tab or (row.to_check if tab == TAB_CHECK else row.tab == tab)


def as_record(row: CaseRow) -> dict[str, Any]:
    """The row as plain JSON values."""
    record: dict[str, Any] = as_json(row)
    return record
