"""核对恢复出来的记录: what is true and does not count, by case, until a clerk has compared it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from casework.errors import DomainRefusal
from casework.recovered import RESULTS
from edge_node.act_desk import ANOTHERS_FORM, filled_by_another
from edge_node.case_access import case_address
from edge_node.site import Look, Site
from node.recovered import Check
from node.troubles import Recovered, of_tree
from ui.login import FormOf
from ui.people import signed_in

POSTS: Final = ("intake", "accept", "admin")
"""Whose buttons are shown; the node checks the right again."""
_AT_THE_FIELD: Final = ("field_missing", "field_invalid")


@dataclass(slots=True)
class Salvaged:
    """The recovered records of one case; `check` None while somebody still has to look."""

    stream: str
    number: str = ""
    applicant: str = ""
    address: str = ""
    check: Check | None = None
    records: list[Recovered] = field(default_factory=list)


def recovered_router(site: Site) -> APIRouter:
    """The route /recovered, to look and to check."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    def page(request: Request, status: int = 200, **said: str) -> Response:
        with site.look() as look:
            waiting, done = salvaged(look)
        shown: dict[str, Any] = {"problem": "", "problem_stream": "", "done": "", **said}
        return site.pages.render(
            request,
            "recovered.html",
            status=status,
            waiting=waiting,
            checked=done,
            results=RESULTS,
            may=signed_in(request).may(*POSTS),
            form_key=site.form_key(),
            **shown,
        )

    @router.get("/recovered")
    def recovered_page(request: Request, done: str = "") -> Response:
        return page(request, done="已核对,已保存在本站。" if done else "")

    @router.post("/recovered")
    def check(request: Request, form: FormOf) -> Response:
        person, stream = signed_in(request), form.text("stream")
        if filled_by_another(form, person):
            told = ANOTHERS_FORM.format(name=person.name)
            return page(request, 409, problem=told, problem_stream=stream)
        if form.key and not _waits(stream):
            return RedirectResponse("/recovered?done=1", status_code=303)
        fields = {"result": form.text("result"), "note": form.text("note")}
        try:
            with site.node.database.write() as transaction:
                site.node.desk.check_recovered(
                    transaction, site.node.clock_ms(), stream=stream, fields=fields, actor=person.no
                )
        except DomainRefusal as refused:
            if refused.code not in _AT_THE_FIELD:
                raise
            return page(request, 422, problem=refused.sentence, problem_stream=stream)
        site.node.wake()
        return RedirectResponse("/recovered?done=1", status_code=303)

    def _waits(stream: str) -> bool:
        """False after the same form went through: pressed twice is checked once."""
        with site.look() as look:
            done = salvaged(look)[1]
        return stream not in {one.stream for one in done}

    return router


def salvaged(look: Look) -> tuple[list[Salvaged], list[Salvaged]]:
    """This station's recovered records by case: to be checked, and checked."""
    by_stream: dict[str, Salvaged] = {}
    for one in of_tree(look.transaction, look.station).recovered:
        group = by_stream.setdefault(one.stream, Salvaged(one.stream))
        group.records.append(one)
        group.number = group.number or str(one.facts.get("receipt_no", ""))
        applicant = one.facts.get("applicant", {})
        group.applicant = group.applicant or str(applicant.get("name", ""))
    for group in by_stream.values():
        _from_case(look, group)
        if all(one.check for one in group.records):
            group.check = group.records[-1].check
    groups = list(by_stream.values())
    return [g for g in groups if g.check is None], [g for g in groups if g.check is not None]


def _from_case(look: Look, group: Salvaged) -> None:
    """Take number, name and address from the case where there is one in the lists."""
    row = look.table.get(group.stream)
    opened = any(one.name == group.stream for one in group.records)
    if row is None or opened or look.station not in row.audience:
        return  # where the opening was recovered too, a case of that name is another one
    group.number = row.receipt_no or group.number
    group.applicant = row.applicant_name or group.applicant
    group.address = "" if row.cannot_be_shown else case_address(row.receipt_no)
