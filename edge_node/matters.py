"""Finding a matter and reading what it needs: first page, search, matter, printed notice."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from casework.matter import Matter
from casework.matter_index import MatterIndex
from casework.projection import TABS, CaseFilter
from casework.registers import Service
from edge_node.catalogue import NOTICE_ONLY
from edge_node.mode_words import mode_words
from edge_node.site import Look, Site
from node.registry import each_entry
from ui.pages import wants_fragment

SHOWN_MAX: Final = 20
LISTED_MAX: Final = 500
RECENT_CASES: Final = 300
FREQUENT_MAX: Final = 8
QUERY_LENGTH_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class MatterLine:
    """One line of a list of matters; `mode` is 告知 where nothing is taken in."""

    code: str
    name: str
    department: str
    mode: str
    demo: bool


def matters_router(site: Site) -> APIRouter:
    """The routes /, /matters, /matters/{code} and its notice."""
    router = APIRouter(dependencies=[Depends(site.gate.person)], include_in_schema=False)

    @router.get("/")
    def home(request: Request) -> Response:
        with site.look() as look:
            today = look.registry.today.isoformat()
            rows = look.table.list(CaseFilter(concerns=site.station), RECENT_CASES)
            taken = [row for row in rows if row.receiving == site.station]
            often = Counter(row.matter_code for row in taken)
            frequent = [code for code, _ in often.most_common(FREQUENT_MAX)]
            counts = look.table.counts(CaseFilter(concerns=site.station))
            values: dict[str, Any] = {
                "frequent": lines(look, frequent),
                "taken_today": sum(row.opened_day == today for row in taken),
                "counts": [(tab, counts[tab]) for tab in TABS],
                "matters": look.catalogue.matters,
            }
        return site.pages.render(request, "home.html", q="", found=None, **values)

    @router.get("/matters")
    def search(request: Request, q: str = "") -> Response:
        query = q.strip()[:QUERY_LENGTH_MAX]
        with site.look() as look:
            found = found_lines(look, query) if query else everything(look)
        if wants_fragment(request):
            return site.pages.fragment("_matter_list.html", q=query, found=found)
        return site.pages.render(request, "matters.html", q=query, found=found)

    @router.get("/matters/{code}")
    def matter_page(request: Request, code: str) -> Response:
        with site.look() as look:
            matter = matter_or_404(look, code)
            mode = mode_of(matter, look.catalogue.services.get(code))
            values: dict[str, Any] = {
                "matter": matter,
                "mode": mode,
                "words": mode_words(mode),
                "handling": _handling(look, code),
            }
        return site.pages.render(request, "matter.html", **values)

    @router.get("/matters/{code}/notice")
    def notice(request: Request, code: str) -> Response:
        with site.look() as look:
            matter = matter_or_404(look, code)
            values: dict[str, Any] = {
                "matter": matter,
                "handling": _handling(look, code),
                "station_name": look.name(site.station),
                "today": look.registry.today,
            }
        return site.pages.render(request, "notice.html", **values)

    return router


def matter_or_404(look: Look, code: str) -> Matter:
    """The newest version of the matter. Raises: HTTPException 404."""
    matter = look.registry.matter(code)
    if matter is None:
        raise HTTPException(404)
    return matter


def mode_of(matter: Matter, service: Service | None) -> str:
    """What this station does for the matter; 告知 for one without materials or service."""
    if service is None or matter.notice_only:
        return NOTICE_ONLY
    return service.mode


def found_lines(look: Look, query: str) -> list[MatterLine]:
    """The matters a query finds, best first."""
    index = MatterIndex(look.transaction.connection)
    return lines(look, index.search(query, SHOWN_MAX, look.catalogue.taken_in))


def everything(look: Look) -> list[MatterLine]:
    """All matters. Order: what is taken in here first, then by department and name."""
    held = dict.fromkeys(entry.key for entry in each_entry(look.transaction, "matters"))
    codes = list(held)[:LISTED_MAX]
    return sorted(
        lines(look, codes), key=lambda item: (item.mode == NOTICE_ONLY, item.department, item.name)
    )


def lines(look: Look, codes: list[str]) -> list[MatterLine]:
    """One line per code that is in the register."""
    found = []
    for code in codes:
        entry = look.registry.matter_entry(code)
        if entry is None:
            continue
        service = look.catalogue.services.get(code)
        taken_in = service is not None and bool(entry.get("materials"))
        found.append(
            MatterLine(
                code=code,
                name=str(entry.get("name", code)),
                department=str(entry.get("department", "")),
                mode=service.mode if service is not None and taken_in else NOTICE_ONLY,
                demo=bool(entry.get("demo")),
            )
        )
    return found


def _handling(look: Look, code: str) -> str:
    service = look.catalogue.services.get(code)
    return look.name(service.handling) if service is not None else ""
