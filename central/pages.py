"""The console's pages: tree, station, registers, matters, figures, one case, enrolment sheet."""

from __future__ import annotations

import json
from collections import defaultdict
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from central import approvals, catalogue, enrolling, figures, shelves
from central.console import ADMIN, CATALOGUE, STAFF, SUPERVISE, Console
from central.supervision import Fleet
from node import apart, enrolment, quarantine, troubles
from sync.engine import authority, revocation
from ui.login import FormOf
from ui.people import Person
from ui.words import moment

MATTERS_SHOWN_MAX = 50
PROFILES = {authority.ONLINE: "联网(24小时内使用)", authority.FERRY: "U盘传递(45天内使用)"}


def router(console: Console) -> APIRouter:
    """Return all page routes."""
    found = APIRouter(include_in_schema=False)
    for part in (_stations, _registers, _cases, _sheets):
        found.include_router(part(console))
    return found


def _stations(console: Console) -> APIRouter:
    router = APIRouter()
    node, pages = console.node, console.pages
    staff = Depends(console.holding(*STAFF))

    @router.get("/", dependencies=[staff])
    def tree(request: Request) -> Response:
        with node.database.read() as transaction:
            lines = Fleet(node, transaction).lines()
            held = transaction.event_count()
            sent_away = apart.children(transaction)
            name = Fleet(node, transaction).tree.name
        return pages.render(
            request,
            "tree.html",
            lines=lines,
            held=held,
            apart=[apart.sentence(one, name(one.station), moment(one.at_ms)) for one in sent_away],
        )

    @router.get("/stations/{code}")
    def station(request: Request, code: str, person: Person = staff) -> Response:
        with node.database.read() as transaction:
            fleet = Fleet(node, transaction)
            if code not in fleet.tree:
                raise HTTPException(404)
            line = fleet.line(code)
            logs = [log for log in transaction.logs() if log.name.station == code]
            holes = quarantine.holes_of(transaction, code)
            aside = [
                one
                for found in quarantine.aside(transaction).values()
                for one in found
                if one.station == code
            ]
            held = revocation.of(transaction, code)
            given = [one for one in enrolling.issued(transaction) if one.station == code]
            children = [fleet.line(child) for child in fleet.tree.children(code)]
            doubt = troubles.of_tree(transaction, code)
            waiting = [o for o in approvals.open_asks(transaction) if o.ask.station == code]
        return pages.render(
            request,
            "station.html",
            line=line,
            parent_name=fleet.tree.name(line.parent),
            logs=logs,
            holes=holes,
            aside=aside,
            revoked=held,
            into=fleet.tree.closed_into(code),
            given=given,
            children=children,
            doubt=doubt,
            waiting=waiting,
            why=troubles.why,
            may_enrol=person.may(ADMIN) and code != node.core.station,
            profiles=PROFILES,
        )

    return router


def _registers(console: Console) -> APIRouter:
    router = APIRouter()
    node, pages = console.node, console.pages
    staff = Depends(console.holding(*STAFF))

    @router.get("/registers", dependencies=[staff])
    def registers(request: Request) -> Response:
        with node.database.read() as transaction:
            published = catalogue.shelves_published(transaction)
        titles = {str(one.shelf): catalogue.shelf_title(one.shelf) for one in published}
        return pages.render(
            request,
            "registers.html",
            published=published,
            titles=titles,
            made_as=catalogue.MADE_AS_WORDS,
        )

    @router.get("/matters", dependencies=[staff])
    def matters(request: Request, q: str = "") -> Response:
        with node.database.read() as transaction:
            registry = node.desk.registry(transaction, node.clock_ms())
            codes = node.matters(transaction).search(q, MATTERS_SHOWN_MAX) if q else []
            found = [entry for code in codes if (entry := registry.matter_entry(code))]
        return pages.render(request, "matters.html", q=q, found=found, tiers=shelves.TIER_TITLES)

    return router


def _cases(console: Console) -> APIRouter:
    router = APIRouter()
    node, pages = console.node, console.pages
    supervisor = Depends(console.holding(SUPERVISE))
    staff = Depends(console.holding(SUPERVISE, CATALOGUE, ADMIN))

    @router.get("/cases", dependencies=[staff])
    def cases(request: Request) -> Response:
        with node.database.read() as transaction:
            counts = figures.case_counts(transaction)
            names = Fleet(node, transaction).tree
            titles = {count.holder: names.name(count.holder) for count in counts}
        table: dict[str, dict[str, int]] = defaultdict(dict)
        for count in counts:
            table[count.holder][count.status] = count.cases
        statuses = list(dict.fromkeys(count.status for count in counts))
        return pages.render(request, "cases.html", table=table, statuses=statuses, titles=titles)

    @router.get("/find")
    def find(request: Request, q: str = "", person: Person = supervisor) -> Response:
        found = figures.open_case(node, q, person.no) if q.strip() else []
        with node.database.read() as transaction:
            names = Fleet(node, transaction).tree.name
        return pages.render(request, "find.html", q=q, found=found, name=names)

    return router


def _sheets(console: Console) -> APIRouter:
    router = APIRouter()
    admin = Depends(console.holding(ADMIN))

    @router.post("/stations/{code}/approve", dependencies=[admin])
    def approve(request: Request, code: str, form: FormOf) -> Response:
        try:
            approvals.approve(console.node, console.folder, code, form.text("code"))
        except approvals.NothingToApprove as refused:
            return console.pages.render(
                request, "error.html", status=409, code=refused.code, sentence=refused.sentence
            )
        return RedirectResponse(f"/stations/{code}", status_code=303)

    @router.post("/stations/{code}/voucher", dependencies=[admin])
    def voucher(request: Request, code: str, form: FormOf) -> Response:
        url, profile = form.text("parent_url"), form.text("profile") or authority.ONLINE
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or profile not in PROFILES:
            raise HTTPException(400)
        try:
            sheet = enrolling.sheet_for(
                console.node, console.folder, code, parent_url=url, profile=profile
            )
        except enrolling.EnrolmentRefused as refused:
            return console.pages.render(
                request, "error.html", status=409, code=refused.code, sentence=refused.sentence
            )
        text = enrolment.sheet_text(sheet)
        if form.text("download"):
            name = f"yizhan-{code}.json"
            headers = {"Content-Disposition": f'attachment; filename="{name}"'}
            return Response(text, media_type="application/json", headers=headers)
        return console.pages.render(
            request, "sheet.html", station=code, text=text, parent=json.loads(text)["parent"]
        )

    return router
