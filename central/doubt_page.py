"""存疑 at the console: records of the whole tree whose author's right is in question.

A supervisor sees which case by its number, who wrote what, and why it is in doubt; nothing of the
applicant. A person of the case's stations clears a doubt (ADR 21); nothing is changed here.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from casework.projection import TAB_CHECK, CaseFilter
from casework.timeline import WHY_SENTENCES
from central.console import SUPERVISE, Console
from central.supervision import Fleet

PATH: Final = "/doubts"
CASES_MAX: Final = 1000


class DoubtLine(NamedTuple):
    """One record in doubt. Shapes: `holder` the code of the station that has the case now."""

    number: str
    station: str
    holder: str
    title: str
    written_ms: int
    why: str
    event: str


def router(console: Console) -> APIRouter:
    """Return the route /doubts."""
    router = APIRouter(include_in_schema=False)
    node = console.node

    @router.get(PATH, dependencies=[Depends(console.holding(SUPERVISE))])
    def doubts(request: Request) -> Response:
        with node.database.read() as transaction:
            name = Fleet(node, transaction).tree.name
            rows = node.desk.table(transaction).list(CaseFilter(tab=TAB_CHECK), CASES_MAX)
        lines = [
            DoubtLine(
                row.receipt_no,
                doubt.station,
                row.holder,
                doubt.title,
                doubt.hlc // 1024,
                WHY_SENTENCES.get(doubt.why, doubt.why),
                doubt.event,
            )
            for row in rows
            for doubt in row.doubts
        ]
        lines.sort(key=lambda line: (-line.written_ms, line.event))
        return console.pages.render(
            request,
            "doubts.html",
            lines=lines,
            name=name,
            cut_at=CASES_MAX if len(rows) == CASES_MAX else 0,
        )

    return router
