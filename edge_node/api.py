"""The JSON beside the pages: same session, same rules, same refusals as {code, sentence}."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.requests import Request

from casework.case import Case, as_json, state_hash
from casework.identity import mask
from casework.projection import TABS, CaseFilter, CaseRow
from casework.timeline import timeline_facts
from casework.view import view
from edge_node.act_desk import Wanted, perform
from edge_node.case_access import folded, own_case
from edge_node.intake import open_case
from edge_node.matters import found_lines, matter_or_404, mode_of
from edge_node.site import Look, Site
from edge_node.sync_page import editions
from node.situation import rung_of_case, situation
from ui.forms import KEY_HEADER, checked_key
from ui.people import signed_in

LISTED_MAX: Final = 1000
Json = dict[str, Any]


def api_router(site: Site) -> APIRouter:
    """The routes under /api/v1."""
    router = APIRouter(prefix="/api/v1", dependencies=[Depends(site.gate.person)])
    _reading(router, site)
    _writing(router, site)
    return router


def _reading(router: APIRouter, site: Site) -> None:
    @router.get("/matters")
    def matters(q: str = "") -> Json:
        """Find matters by name, alias, initials or part of the code."""
        with site.look() as look:
            found = found_lines(look, q)
        return {"matters": [as_json(line) for line in found]}

    @router.get("/matters/{code}")
    def matter(code: str) -> Json:
        """One matter as published, with what this station does for it."""
        with site.look() as look:
            parsed = matter_or_404(look, code)
            entry = look.registry.matter_entry(code)
            mode = mode_of(parsed, look.catalogue.services.get(code))
        return {"matter": entry, "hash": parsed.hash, "mode": mode}

    @router.get("/cases/{no}/files")
    def files(no: str) -> Json:
        """The files of a case of this station, and how much of each is here."""
        with site.look() as look:
            found = site.node.case_files.listed(look.transaction, own_case(site, look, no).stream)
        site.node.open_files(found)
        return {"files": [{**file._asdict(), "whole": file.whole} for file in found]}

    @router.get("/cases")
    def cases(tab: str = "") -> Json:
        """The cases of this station, newest first."""
        chosen = tab if tab in TABS else ""
        with site.look() as look:
            rows = look.table.list(CaseFilter(tab=chosen, concerns=site.station), LISTED_MAX)
            counts = dict(look.table.counts(CaseFilter(concerns=site.station)))
            listed = [_row(site, look, row) for row in rows]
        return {"cases": listed, "counts": counts}

    @router.get("/cases/{no}")
    def case(no: str) -> Json:
        """One case of this station as it now is."""
        with site.look() as look:
            found = folded(site, look, own_case(site, look, no))
            return case_json(site, look, found)

    @router.get("/sync")
    def sync() -> Json:
        """How far this station's records have come, and the editions held."""
        with site.look() as look:
            state = situation(site.node.core, look.transaction)
            held = editions(look)
        rungs = state.rungs._asdict()
        return {"situation": {**state._asdict(), "rungs": rungs}, "editions": held}

    @router.get("/streams/{station}/{epoch}/{position}")
    def stream(station: str, epoch: int, position: int) -> Json:
        """How many events of a stream are held here, whatever its audience."""
        with site.look() as look:
            found = look.transaction.stream_events(f"{station}/{epoch}/{position}")
        return {"held": len(found)}


def _writing(router: APIRouter, site: Site) -> None:
    @router.post("/cases", status_code=201)
    def open_one(request: Request, body: Json) -> Json:
        """Open a case: matter, applicant, materials. Header X-Form-Key."""
        key = checked_key(request.headers.get(KEY_HEADER))
        fields = {name: value for name, value in body.items() if name != "offline"}
        number = open_case(site, str(body.get("matter", "")), fields, signed_in(request).no, key)
        return _one(site, number)

    @router.post("/cases/{no}/acts/{act}")
    def act(request: Request, no: str, act: str, body: Json) -> Json:
        """Do one act on a case; `password` beside the fields where it is asked for."""
        key = checked_key(request.headers.get(KEY_HEADER))
        fields = {name: value for name, value in body.items() if name != "password"}
        wanted = Wanted(no, act, fields, key, str(body.get("password", "")))
        return _one(site, perform(site, signed_in(request), wanted).receipt_no)


def _one(site: Site, number: str) -> Json:
    with site.look() as look:
        return case_json(site, look, folded(site, look, own_case(site, look, number)))


def _row(site: Site, look: Look, row: CaseRow) -> Json:
    return {
        "stream": row.stream,
        "receipt_no": row.receipt_no,
        "official_no": row.official_no,
        "matter": row.matter_code,
        "matter_name": row.matter_name,
        "status": row.status,
        "result": row.result,
        "holder": row.holder,
        "tab": row.tab,
        "opened_day": row.opened_day,
        "flags": list(row.flags),
        "state_hash": row.state_hash,
        "cannot_be_shown": row.cannot_be_shown,
        "rung": rung_of_case(site.node.core, look.transaction, row.stream),
    }


def case_json(site: Site, look: Look, case: Case) -> Json:
    """One case for the API; identity numbers are masked."""
    registry, matter = look.registry, look.matter_of(case)
    seen = view(case, matter, registry.calendar(case.handling), registry.today, registry.tree)
    applicant = dict(case.applicant)
    if "id_no" in applicant:
        applicant["id_no"] = mask(applicant["id_no"])
    return {
        "stream": case.stream,
        "receipt_no": case.receipt_no,
        "official_no": case.official_no,
        "matter": as_json(case.matter),
        "mode": case.mode,
        "status": case.status.value,
        "result": case.result.value if case.result else "",
        "holder": case.holder,
        "offered_to": case.offered_to,
        "receiving": case.receiving,
        "handling": case.handling,
        "delivery": case.delivery,
        "term": case.term,
        "stage_index": case.stage_index,
        "flags": list(case.flags),
        "void_requested": case.void_requested,
        "audience": list(case.audience),
        "applicant": applicant,
        "materials": as_json(case.materials),
        "tasks": as_json(case.tasks),
        "days": as_json(case.days),
        "due": seen.due.isoformat() if seen.due else "",
        "place": seen.place,
        "label": seen.label,
        "superseded": as_json(case.superseded),
        "state_hash": state_hash(case),
        "rung": rung_of_case(site.node.core, look.transaction, case.stream),
        "timeline": timeline_facts(case),
    }
