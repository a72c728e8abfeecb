"""The page of one case: where it stands, how far it came, its history, and what may be done now."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from casework import events
from casework.acts import acts_offered
from casework.case import Case
from casework.errors import DomainRefusal
from casework.identity import mask
from casework.projection import CaseRow
from casework.status import ACTS, ENDED
from casework.timeline import WHY_SENTENCES
from casework.view import view
from edge_node import aside
from edge_node.act_desk import ANOTHERS_FORM, Wanted, book_opening, filled_by_another, perform
from edge_node.act_forms import ActForm, act_forms, fields_of
from edge_node.case_access import case_address, folded, own_case, superiors_case
from edge_node.case_files import files_values
from edge_node.promise import promise
from edge_node.site import Look, Site
from edge_node.slip import slip_materials
from edge_node.sync_words import rung_words
from node import quarantine
from node.missing import BeingFetched
from node.situation import rung_of_case, situation
from sync.engine import purge
from sync.protocol.names import EventName
from ui.login import FormOf
from ui.people import Person, signed_in

_AT_THE_FIELD: Final = ("field_missing", "field_invalid", "materials_missing")
"""Refusals shown on the case's page, with what was typed."""
FIELD_NAMES: Final = {
    "applicant.name": "申请人姓名",
    "applicant.id_type": "证件种类",
    "applicant.id_no": "证件号码",
    "applicant.phone": "联系电话",
    "applicant.phone_of": "这是谁的电话",
    "applicant.note": "备注",
    "agent.name": "代办人姓名",
    "agent.id_no": "代办人证件号码",
    "agent.phone": "代办人电话",
}
"""What a 更正 names, in words."""


def case_page_router(site: Site) -> APIRouter:
    """The routes /cases/{no} and /cases/{no}/acts/{act}."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    def page(request: Request, no: str, **extra: Any) -> Response:
        with site.look() as look:
            row = own_case(site, look, no)
            try:
                case = folded(site, look, row)
            except BeingFetched as fetched:
                return being_fetched(request, look, row, fetched.sentence)
            person = signed_in(request)
            values = case_values(site, look, case, person)
            values |= files_values(site, look, case.stream, person)
        status = 422 if extra.get("problem") else 200
        shown: dict[str, Any] = {"problem": "", "problem_act": "", "typed": {}, "done": "", **extra}
        return site.pages.render(
            request, "case.html", status=status, form_key=site.form_key(), **values, **shown
        )

    def being_fetched(request: Request, look: Look, row: CaseRow, sentence: str) -> Response:
        state = situation(site.node.core, look.transaction)
        parent = look.name(state.parent)
        cut = "" if state.parent_answers else f"{parent}现在没有应答,联系上后自动取回。"
        return site.pages.render(
            request,
            "fetching.html",
            row=row,
            sentence=sentence,
            cut=cut,
            address=case_address(row.receipt_no),
        )

    @router.get("/cases/{no}")
    def case_page(request: Request, no: str, done: str = "", attached: str = "") -> Response:
        said = ACTS[done].title if done in ACTS else ""
        said = "添加附件" if attached else said
        try:
            return page(request, no, done=said)
        except HTTPException:
            return takeover_page(request, no)

    def takeover_page(request: Request, no: str) -> Response:
        person = signed_in(request)
        with site.look() as look:
            row = superiors_case(site, look, person, no)
            case = folded(site, look, row)
            offered = acts_offered(look.context, case, person.no)
            values: dict[str, Any] = {
                "row": row,
                "holder": look.name(row.holder),
                "may": events.TAKEN_OVER in offered,
                "address": case_address(row.receipt_no),
            }
        book_opening(site, person, row.stream)
        return site.pages.render(request, "takeover.html", form_key=site.form_key(), **values)

    @router.post("/cases/{no}/acts/{act}")
    def do_act(request: Request, no: str, act: str, form: FormOf) -> Response:
        wanted = Wanted(no, act, fields_of(form), form.key, form.secret("password"))
        person = signed_in(request)
        if filled_by_another(form, person):
            if act == events.TAKEN_OVER:
                return takeover_page(request, no)
            told = ANOTHERS_FORM.format(name=person.name)
            return page(request, no, problem=told, problem_act=act, typed=form.values())
        try:
            case = perform(site, person, wanted)
        except DomainRefusal as refused:
            if refused.code not in _AT_THE_FIELD or act == events.TAKEN_OVER:
                raise
            return page(request, no, problem=refused.sentence, problem_act=act, typed=form.values())
        return RedirectResponse(f"{case_address(case.receipt_no)}?done={act}", status_code=303)

    return router


def case_values(site: Site, look: Look, case: Case, person: Person) -> dict[str, Any]:
    """What the page of a case shows."""
    matter = look.matter_of(case)
    registry = look.registry
    newest = registry.matter(case.matter.code)
    known = matter or newest
    offered = acts_offered(look.context, case, person.no)
    forms: list[ActForm] = act_forms(look, case, matter, offered)
    parent = site.node.core.parent or ""
    return {
        "case": case,
        "matter": matter,
        "matter_name": known.name if known is not None else case.matter.code,
        "replaced": newest is not None and matter is not None and newest.hash != matter.hash,
        "address": case_address(case.receipt_no),
        "seen": view(case, matter, registry.calendar(case.handling), registry.today, registry.tree),
        "promise": promise(look, case, matter),
        "holder": look.name(case.holder),
        "receiving": look.name(case.receiving),
        "handling": look.name(case.handling),
        "id_masked": mask(case.applicant.get("id_no", "")),
        "materials": slip_materials(case, matter),
        "rung": rung_words(
            rung_of_case(site.node.core, look.transaction, case.stream),
            parent_name=look.name(parent),
            parent_is_central=parent == site.node.core.root,
        ),
        "void_waiting": case.void_requested and case.status not in ENDED,
        "timeline": timeline_lines(look, case),
        "doubted": len(case.doubted()),
        "uncounted": [
            aside.line(look, one) for one in quarantine.aside_of(look.transaction, case.stream)
        ],
        "tasks": [(task, look.name(task.station)) for task in case.tasks],
        "forms": forms,
    }


def named_parts(look: Look, text: str) -> str:
    """The text of a history entry with stations and fields by name instead of their codes."""
    tree = look.registry.tree
    parts = (
        FIELD_NAMES.get(part, tree.name(part) if part in tree else part) for part in text.split(";")
    )
    return ";".join(parts)


def timeline_lines(look: Look, case: Case) -> list[dict[str, Any]]:
    """The history with names in place of codes; superseded entries say why they do not count."""
    return [
        {
            "at_ms": entry.at_ms,
            "title": entry.title,
            "station": look.name(entry.station),
            "actor": look.staff_name(entry.actor),
            "text": named_parts(look, entry.text),
            "superseded": entry.superseded,
            "why": WHY_SENTENCES.get(entry.why, "这一步没有生效,记录已保留,请核对。"),
            "questioned": [WHY_SENTENCES.get(why, why) for why in entry.questioned],
            "checked": entry.name in case.checked,
            "erased": purge.basis_of(look.transaction, EventName.parse(entry.name)),
            "name": entry.name,
        }
        for entry in case.timeline
    ]
