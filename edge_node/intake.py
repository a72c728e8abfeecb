"""办件受理: one page, one post, one case; then the panel that says how far it is."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from casework import events
from casework.bodies_intake import HAVE, LACK
from casework.errors import DomainRefusal, MatterIsNoticeOnly
from casework.identity import CITIZEN_ID_TYPE, citizen_id_valid
from casework.projection import CaseFilter
from casework.status import Result
from edge_node.act_desk import ANOTHERS_FORM, filled_by_another, form_used
from edge_node.case_access import case_address, folded, own_case
from edge_node.catalogue import NOTICE_ONLY
from edge_node.matters import matter_or_404, mode_of
from edge_node.mode_words import mode_words
from edge_node.site import Site
from edge_node.slip import is_roll, slip_values
from edge_node.sync_words import rung_words
from node.situation import rung_of_case, situation
from ui.forms import Form
from ui.login import FormOf
from ui.people import Person, signed_in

NO_PHONE: Final = "无电话"
PHONE_OF: Final = ("本人", "亲属", "代办人", "其他", NO_PHONE)
ENTRUSTING_MODE: Final = "代办"
APPLICANT_FIELDS: Final = ("name", "id_type", "id_no", "phone", "phone_of", "note")
_FIELD_OF_REFUSAL: Final = {"applicant.id_no": "id_no", "name": "name"}
_TYPED: Final = ("name", "id_no", "phone")
RECENT_CASES: Final = 300


def intake_router(site: Site) -> APIRouter:
    """The routes /intake/{code} and /cases/{no}/done."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    def form_page(
        request: Request, code: str, values: dict[str, str], errors: dict[str, str], key: str
    ) -> Response:
        with site.look() as look:
            matter = matter_or_404(look, code)
            mode = mode_of(matter, look.catalogue.services.get(code))
            if mode == NOTICE_ONLY:
                raise MatterIsNoticeOnly(
                    f"本站对“{matter.name}”只提供咨询,不收件。请告诉申请人到哪里办理。", matter=code
                )
        return site.pages.render(
            request,
            "intake.html",
            status=422 if errors else 200,
            matter=matter,
            mode=mode,
            values=values,
            errors=errors,
            form_key=key,
            words=mode_words(mode),
            first=next((name for name in _TYPED if name in errors), "" if errors else "name"),
            phone_of=PHONE_OF,
            id_type=CITIZEN_ID_TYPE,
        )

    @router.get("/intake/{code}")
    def intake(request: Request, code: str) -> Response:
        return form_page(request, code, {}, {}, site.form_key())

    @router.post("/intake/{code}")
    def take_in(request: Request, code: str, form: FormOf) -> Response:
        person, key = signed_in(request), form.key
        errors = typed_wrong(form)
        if not errors:
            errors = doubtful(site, person, code, form)
        if errors:
            return form_page(request, code, form.values(), errors, key)
        try:
            number = open_case(site, code, opening_fields(form), person.no, key)
        except DomainRefusal as refused:
            field = _FIELD_OF_REFUSAL.get(refused.facts.get("field", ""))
            if field is None:
                raise
            return form_page(request, code, form.values(), {field: refused.sentence}, key)
        return RedirectResponse(f"{case_address(number)}/done", status_code=303)

    @router.get("/cases/{no}/done")
    def done(request: Request, no: str) -> Response:
        with site.look() as look:
            row = own_case(site, look, no)
            case = folded(site, look, row)
            values = slip_values(look, row, case)
            parent = site.node.core.parent or ""
            rung = rung_words(
                rung_of_case(site.node.core, look.transaction, row.stream),
                parent_name=look.name(parent),
                parent_is_central=parent == site.node.core.root,
            )
        lacking = [item.name for item in values["materials"] if item.lacking]
        values |= {"words": mode_words(case.mode), "rung": rung, "lacking": lacking}
        return site.pages.render(request, "done.html", roll=is_roll(request), **values)

    return router


def open_case(site: Site, code: str, fields: dict[str, Any], staff_no: str, form_key: str) -> str:
    """The receipt number of the case opened by this form. Raises: DomainRefusal, StorageError."""
    with site.look() as look:
        service = look.catalogue.services.get(code)
        offline = not situation(site.node.core, look.transaction).parent_answers
    entrusting = service is not None and service.mode == ENTRUSTING_MODE
    done = site.node.act(
        act=events.ENTRUSTED if entrusting else events.RECEIVED,
        stream=None,
        fields={**fields, "matter": code, "offline": offline and not site.node.core.is_root},
        actor=staff_no,
        form_key=opening_key(staff_no, code, form_key),
    )
    return done.case.receipt_no


def opening_key(staff_no: str, code: str, form_key: str) -> str:
    """The key under which the node remembers this form of this person."""
    return f"{staff_no}/open/{code}/{form_key}"


def doubtful(site: Site, person: Person, code: str, form: Form) -> dict[str, str]:
    """What a person should look at once more before this is saved, by field name."""
    if filled_by_another(form, person):
        return {"name": ANOTHERS_FORM.format(name=person.name)}
    if form.text("again"):
        return {}
    with site.look() as look:
        # One look for both: a doubled press finds its own first result, never itself as a double.
        if form_used(look, opening_key(person.no, code, form.key)):
            return {}
        today = look.registry.today.isoformat()
        rows = look.table.list(CaseFilter(concerns=site.station), RECENT_CASES)
        same = [
            row.receipt_no
            for row in rows
            if (row.matter_code, row.applicant_name) == (code, form.text("name"))
            and (row.opened_day, row.receiving) == (today, site.station)
            and row.result != Result.VOID
        ]
    if not same:
        return {}
    told = f"今天已为这个姓名收过同一事项:{'、'.join(same)}。确实要再收一件,请勾选下面的方框。"
    return {"again": told}


def typed_wrong(form: Form) -> dict[str, str]:
    """What the page can say at once about the fields, by field name."""
    errors = {}
    if not form.text("name"):
        errors["name"] = "请填写申请人姓名。"
    id_no = form.text("id_no").upper()
    if form.text("id_type") == CITIZEN_ID_TYPE and not citizen_id_valid(id_no):
        errors["id_no"] = "身份证号码不对,请对照证件再输一次。" if id_no else "请填写身份证号码。"
    if form.text("phone") and form.text("phone_of") == NO_PHONE:
        errors["phone"] = "填了电话,又选了“无电话”,请改一处。"
    return errors


def opening_fields(form: Form) -> dict[str, Any]:
    """The fields of the opening act as typed."""
    applicant = {name: form.text(name) for name in APPLICANT_FIELDS}
    applicant["id_no"] = applicant["id_no"].upper()
    if not applicant["phone"]:
        applicant["phone_of"] = NO_PHONE
    ticks = form.prefixed("material_")
    return {
        "applicant": applicant,
        "materials": [
            {"code": code, "state": HAVE if state == HAVE else LACK}
            for code, state in ticks.items()
        ],
    }
