"""Lists of cases: 我的办件, 待补材料, 待审, 出件, and finding one by its number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from casework import events
from casework.acts import acts_offered
from casework.delivery import DELIVERY
from casework.projection import TAB_CHECK, TAB_PICKUP, TABS, CaseFilter, CaseRow
from casework.status import Status
from edge_node.aside import aside_lists, own_holes
from edge_node.case_access import case_address, own_case, superiors_case
from edge_node.doubts import doubt_lines
from edge_node.site import Look, Site
from edge_node.sync_words import rung_words
from node.situation import rung_of_case
from ui.people import Person, signed_in

LISTED_MAX: Final = 100
SEARCHED_MAX: Final = 300
REVIEWING_ACTS: Final = frozenset(
    {
        events.SIGNED_FOR,
        events.ACCEPTED,
        events.NOT_ACCEPTED,
        events.REVIEW_STARTED,
        events.STEP_DONE,
        events.DECIDED,
        events.TASK_REPORTED,
    }
)
_BEFORE_DECISION: Final = (
    Status.ENTRUSTED,
    Status.RECEIVED,
    Status.ACCEPTED,
    Status.REVIEWING,
)


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One line of a list: the row, where it leads, how far it came, and a remark."""

    row: CaseRow
    address: str
    holder: str
    rung: str
    remark: str = ""


class _Reply(msgspec.Struct):
    reply_by: str = ""


class _Told(msgspec.Struct):
    """The part of a kept state that says until when papers are awaited."""

    notices: list[_Reply] = []


def case_lists_router(site: Site) -> APIRouter:
    """The routes /cases, /pending, /review, /issue and /find."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    @router.get("/cases")
    def cases(request: Request, tab: str = "") -> Response:
        chosen = tab if tab in TABS else TABS[0]
        with site.look() as look:
            concerned = CaseFilter(concerns=site.station)
            counts = look.table.counts(concerned)
            rows = look.table.list(CaseFilter(tab=chosen, concerns=site.station), LISTED_MAX)
            values: dict[str, Any] = {
                "lines": lines(site, look, rows),
                "tabs": [(name, counts[name]) for name in TABS],
                "aside": aside_lists(look) if chosen == TAB_CHECK else [],
                "refused": own_holes(look) if chosen == TAB_CHECK else [],
                "doubts": doubt_lines(look) if chosen == TAB_CHECK else [],
            }
        return site.pages.render(request, "cases.html", tab=chosen, listed_max=LISTED_MAX, **values)

    @router.get("/pending")
    def pending(request: Request) -> Response:
        with site.look() as look:
            found = pending_lines(site, look)
        return site.pages.render(
            request,
            "case_list.html",
            heading="待补材料",
            lines=found,
            nothing="现在没有等申请人补材料的办件。",
        )

    @router.get("/review")
    def review(request: Request) -> Response:
        with site.look() as look:
            found = lines(site, look, review_rows(site, look, signed_in(request)))
        return site.pages.render(
            request, "case_list.html", heading="待审", lines=found, nothing="现在没有等您办的件。"
        )

    @router.get("/issue")
    def issue(request: Request) -> Response:
        with site.look() as look:
            found = lines(site, look, issue_rows(site, look))
        return site.pages.render(
            request, "case_list.html", heading="出件", lines=found, nothing="现在没有待出件的办件。"
        )

    @router.get("/find")
    def find(request: Request, q: str = "") -> Response:
        with site.look() as look:
            try:
                found = own_case(site, look, q)
            except HTTPException:
                try:
                    found = superiors_case(site, look, signed_in(request), q)
                except HTTPException:
                    return site.pages.render(request, "find.html", status=404, q=q)
        return RedirectResponse(case_address(found.receipt_no), status_code=303)

    return router


def lines(site: Site, look: Look, rows: Iterable[CaseRow]) -> list[CaseLine]:
    """The rows as lines."""
    parent = site.node.core.parent or ""
    parent_name, is_central = look.name(parent), parent == site.node.core.root
    return [
        CaseLine(
            row=row,
            address=case_address(row.receipt_no) if row.receipt_no else "/cases",
            holder=look.name(row.holder),
            rung=rung_words(
                rung_of_case(site.node.core, look.transaction, row.stream),
                parent_name=parent_name,
                parent_is_central=is_central,
            ),
            remark="需要确认" if row.to_check else "",
        )
        for row in rows
    ]


def pending_lines(site: Site, look: Look) -> list[CaseLine]:
    """Cases waiting for papers. Order: the nearest day first, without a day last."""
    wanted = CaseFilter(status=Status.SUPPLEMENT.value, concerns=site.station)
    rows = list(look.table.list(wanted, LISTED_MAX))
    days = {row.stream: _reply_by(look, row.stream) for row in rows}
    rows.sort(key=lambda row: (days[row.stream] or "9999", row.stream))
    made = lines(site, look, rows)
    return [
        CaseLine(
            line.row,
            line.address,
            line.holder,
            line.rung,
            remaining_days(days[line.row.stream], look.registry.today),
        )
        for line in made
    ]


def review_rows(site: Site, look: Look, person: Person) -> list[CaseRow]:
    """The cases in which this person can accept, review, decide or report now."""
    wanted = [CaseFilter(status=status.value, holder=site.station) for status in _BEFORE_DECISION]
    wanted += [
        CaseFilter(status=Status.ENTRUSTED.value, concerns=site.station),
        CaseFilter(task_station=site.station),
    ]
    found = []
    for row in _rows(look, wanted):
        if row.cannot_be_shown or _only_delivery(row, site.station):
            continue
        case = site.node.desk.case(look.transaction, row.stream)
        if case is not None and REVIEWING_ACTS.intersection(
            acts_offered(look.context, case, person.no)
        ):
            found.append(row)
    return found


def issue_rows(site: Site, look: Look) -> list[CaseRow]:
    """Cases decided here whose result is to be made or handed over, and deliveries given to us."""
    decided = CaseFilter(status=Status.DECIDED.value, holder=site.station)
    awaited = CaseFilter(tab=TAB_PICKUP, holder=site.station)
    rows = _rows(look, [decided, awaited])
    tasks = _rows(look, [CaseFilter(task_station=site.station)])
    return rows + [row for row in tasks if _only_delivery(row, site.station) and row not in rows]


def _rows(look: Look, wanted: Iterable[CaseFilter]) -> list[CaseRow]:
    """The rows of all filters, each once."""
    found: dict[str, CaseRow] = {}
    for item in wanted:
        found.update((row.stream, row) for row in look.table.list(item, SEARCHED_MAX))
    return list(found.values())


def _only_delivery(row: CaseRow, station: str) -> bool:
    own = [task for task in row.tasks if task.station == station]
    return bool(own) and all(task.kind == DELIVERY for task in own)


def _reply_by(look: Look, stream: str) -> str:
    kept = look.table.state(stream)
    told = msgspec.json.decode(kept, type=_Told) if kept else _Told()
    return told.notices[-1].reply_by if told.notices else ""


def remaining_days(day: str, today: date) -> str:
    """The sentence about the day until which defects are to be cured; "" where none was set."""
    if not day:
        return "告知书没有写补正期限"
    left = (date.fromisoformat(day) - today).days
    if left < 0:
        return f"⚠ 已超期 {-left} 天(到 {day})"
    return f"还剩 {left} 天(到 {day})" if left else f"⚠ 今天到期({day})"
