"""收件凭证: the applicant's paper, as a print view for A4 and for 80 mm rolls.

Looking at it changes nothing; a further copy is counted by its own post. Which paper the printer of
this desk takes is kept in a cookie of the browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from casework.bodies_intake import HAVE, OFFLINE_FLAG
from casework.case import Case
from casework.identity import mask
from casework.matter import Matter
from casework.projection import CaseRow
from edge_node.case_access import case_address, folded, own_case
from edge_node.promise import promise
from edge_node.qr import qr_code
from edge_node.site import Look, Site
from ui.login import FormOf, safe_target

ROLL: Final = "80"
PAPER_COOKIE: Final = "yizhan_paper"
NECESSARY: Final = "必要"
_YEAR_SECONDS: Final = 365 * 24 * 3600
_COPIES: Final = "copies/"


@dataclass(frozen=True, slots=True)
class SlipMaterial:
    """One material on the slip; `lacking` if it is necessary and not here."""

    name: str
    state: str
    taken_as: str
    lacking: bool = False


def slip_router(site: Site) -> APIRouter:
    """The routes /cases/{no}/slip (look), its post (one more copy) and /paper."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    @router.get("/cases/{no}/slip")
    def slip(request: Request, no: str, paper: str = "") -> Response:
        with site.look() as look:
            row = own_case(site, look, no)
            values = slip_values(look, row, folded(site, look, row))
        roll = paper == ROLL or is_roll(request)
        return site.pages.render(request, "slip.html", roll=roll, **values)

    @router.post("/cases/{no}/slip")
    def another_copy(no: str, form: FormOf) -> Response:
        with site.look() as look:
            stream = own_case(site, look, no).stream
        with site.node.database.write() as transaction:
            made = int(transaction.meta(_COPIES + stream) or "0")
            transaction.set_meta(_COPIES + stream, str(made + 1))
        paper = f"?paper={ROLL}" if form.text("paper") == ROLL else ""
        return RedirectResponse(f"{case_address(no)}/slip{paper}", status_code=303)

    @router.post("/paper")
    def choose_paper(form: FormOf) -> Response:
        response = RedirectResponse(safe_target(form.text("back")), status_code=303)
        chosen = ROLL if form.text("paper") == ROLL else ""
        response.set_cookie(
            PAPER_COOKIE, chosen, max_age=_YEAR_SECONDS, httponly=True, samesite="strict"
        )
        return response

    return router


def is_roll(request: Request) -> bool:
    """True if this browser's printer takes 80 mm rolls."""
    return request.cookies.get(PAPER_COOKIE) == ROLL


def slip_values(look: Look, row: CaseRow, case: Case) -> dict[str, Any]:
    """What the slip of a case shows."""
    matter = look.matter_of(case)
    opened = case.timeline[0]
    return {
        "case": case,
        "matter_name": matter.name if matter else row.matter_name,
        "demo": look.catalogue.demo or bool(matter and matter.demo),
        "applicant": case.applicant.get("name", ""),
        "id_masked": mask(case.applicant.get("id_no", "")),
        "materials": slip_materials(case, matter),
        "promise": promise(look, case, matter),
        "offline": OFFLINE_FLAG in case.flags,
        "receiving": look.name(case.receiving),
        "handling": look.name(case.handling),
        "delivery": look.name(case.delivery),
        "clerk": look.staff_name(opened.actor),
        "opened_ms": opened.at_ms,
        "printed_ms": look.now_ms,
        "copies": copies(look, row.stream),
        "qr": qr_code(case.receipt_no),
        "address": case_address(case.receipt_no),
    }


def copies(look: Look, stream: str) -> int:
    """How many further copies of a case's slip were made."""
    return int(look.transaction.meta(_COPIES + stream) or "0")


def slip_materials(case: Case, matter: Matter | None) -> list[SlipMaterial]:
    """What was received and what is lacking, by the names of the pinned version."""
    specs = {item.code: item for item in matter.materials} if matter else {}
    found = []
    for tick in case.materials:
        spec, here = specs.get(tick.code), tick.state == HAVE
        need = spec.need if spec is not None else NECESSARY
        found.append(
            SlipMaterial(
                name=spec.name if spec is not None else tick.code,
                state="已收" if here else "缺" if need == NECESSARY else f"没有交({need})",
                taken_as=tick.taken_as if here else "",
                lacking=not here and need == NECESSARY,
            )
        )
    return found
