"""收件凭证: the applicant's paper, as a print view for A4 and for 80 mm rolls.

Looking at it changes nothing; a further copy is counted by its own post.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from casework.bodies_intake import HAVE, OFFLINE_FLAG
from casework.case import Case
from casework.identity import mask
from casework.matter import Matter
from casework.view import view
from edge_node.case_access import case_address, folded, own_case
from edge_node.site import Look, Site
from ui.login import FormOf

ROLL: Final = "80"
_COPIES: Final = "copies/"
QR_LEVEL: Final = "m"
QR_BORDER: Final = 4
_PROVISIONAL: Final = "受理后才开始计算办理期限,受理时另行告知。"


@dataclass(frozen=True, slots=True)
class SlipMaterial:
    """One material on the slip."""

    name: str
    state: str
    taken_as: str


def slip_router(site: Site) -> APIRouter:
    """The routes /cases/{no}/slip (look) and its post (one more copy)."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    @router.get("/cases/{no}/slip")
    def slip(request: Request, no: str, paper: str = "") -> Response:
        with site.look() as look:
            row = own_case(site, look, no)
            case = folded(site, look, row)
            matter = look.matter_of(case)
            opened = case.timeline[0]
            promised, basis = promise(look, case, matter)
            values: dict[str, Any] = {
                "case": case,
                "matter": matter,
                "matter_name": matter.name if matter else row.matter_name,
                "demo": look.catalogue.demo or bool(matter and matter.demo),
                "applicant": case.applicant.get("name", ""),
                "id_masked": mask(case.applicant.get("id_no", "")),
                "materials": slip_materials(case, matter),
                "promised": promised,
                "promise_basis": basis,
                "offline": OFFLINE_FLAG in case.flags,
                "receiving": look.name(case.receiving),
                "handling": look.name(case.handling),
                "delivery": look.name(case.delivery),
                "clerk": look.staff_name(opened.actor),
                "opened_ms": opened.at_ms,
                "printed_ms": look.now_ms,
                "copies": copies(look, row.stream),
            }
        return site.pages.render(
            request,
            "slip.html",
            roll=paper == ROLL,
            qr=qr_code(case.receipt_no),
            address=case_address(case.receipt_no),
            **values,
        )

    @router.post("/cases/{no}/slip")
    def another_copy(no: str, form: FormOf) -> Response:
        with site.look() as look:
            stream = own_case(site, look, no).stream
        with site.node.database.write() as transaction:
            made = int(transaction.meta(_COPIES + stream) or "0")
            transaction.set_meta(_COPIES + stream, str(made + 1))
        paper = f"?paper={ROLL}" if form.text("paper") == ROLL else ""
        return RedirectResponse(f"{case_address(no)}/slip{paper}", status_code=303)

    return router


def copies(look: Look, stream: str) -> int:
    """How many further copies of a case's slip were made."""
    return int(look.transaction.meta(_COPIES + stream) or "0")


def slip_materials(case: Case, matter: Matter | None) -> list[SlipMaterial]:
    """What was received and what is lacking, by the names of the pinned version."""
    names = {item.code: item.name for item in matter.materials} if matter else {}
    return [
        SlipMaterial(
            name=names.get(tick.code, tick.code),
            state="已收" if tick.state == HAVE else "缺",
            taken_as=tick.taken_as if tick.state == HAVE else "",
        )
        for tick in case.materials
    ]


def promise(look: Look, case: Case, matter: Matter | None) -> tuple[str, str]:
    """The promised day, or the sentence in its place, and how it was reckoned."""
    calendar = look.registry.calendar(case.handling)
    seen = view(case, matter, calendar, look.registry.today, look.registry.tree)
    days = ""
    if matter is not None:
        limit = matter.limits.promised or matter.limits.statutory
        if limit is not None:
            kind = "承诺期限" if matter.limits.promised else "法定期限"
            mark = f"({limit.mark})" if limit.mark else ""
            days = f"{kind}{mark}:自受理之日起 {limit.days} 个{limit.unit}"
    if seen.due is None:
        return _PROVISIONAL, days or "目录没有登记期限。"
    return seen.due.isoformat(), ";".join(part for part in (days, seen.due_sentence) if part)


@dataclass(frozen=True, slots=True)
class Drawing:
    """A QR code as one SVG path of horizontal strokes; `size` with its quiet zone."""

    size: int
    path: str


def qr_code(content: str) -> Drawing:
    """The QR code of a text, error correction M."""
    # Imported late: only printing needs it.
    import segno

    rows = [bytes(row) for row in segno.make(content, error=QR_LEVEL, micro=False).matrix]
    strokes = [
        f"M{x + QR_BORDER} {y + QR_BORDER}.5h{length}"
        for y, row in enumerate(rows)
        for x, length in _runs(row)
    ]
    return Drawing(len(rows) + 2 * QR_BORDER, "".join(strokes))


def _runs(row: bytes) -> Iterator[tuple[int, int]]:
    """Where dark squares begin in a row, and how many follow."""
    at = 0
    for dark, group in groupby(row):
        length = len(list(group))
        if dark:
            yield at, length
        at += length
